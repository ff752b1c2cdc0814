//! What is done twice, by two clicks, in two tabs or in two ways, is there once.

use crate::harness::{
    visitor::Visitor,
    world::{INSTANCE, PHONE, World},
};
use wa_gateway::app::commands::{InstancePause, SuppressAdd};

/// Two clicks, two tabs, the answer loaded again: the same form sends one message; other words are another message.
#[tokio::test]
async fn a_form_that_is_sent_twice_sends_one_message() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/instances/shop-line/manage?tab=send").await.body;
    let form = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its name");
    let path = "/instances/shop-line/send";
    let said = |text: &'static str| [("form", form), ("phone", PHONE), ("purpose", "support"), ("message", text)];
    let first = owner.post(path, &said("We open at nine.")).await;
    let again = owner.post(path, &said("We open at nine.")).await;
    assert!(first.status == 303 && first.header("location") == again.header("location"), "{again:?}");
    assert_eq!(world.inbox().await.len(), 1);
    let other = owner.post(path, &said("We close at six.")).await;
    assert_ne!(other.header("location"), first.header("location"));
    assert_eq!(world.inbox().await.len(), 2);
    let next = owner.get("/instances/shop-line/manage?tab=send").await.body;
    assert!(!next.contains(form), "the next form has a name of its own");

    world.command(InstancePause { id: INSTANCE.into(), reason: "odd".into() }).await.expect("paused");
    for _ in 0..2 {
        let away = owner.post("/notices/1", &[("do", "dismiss")]).await;
        assert_eq!(away.header("location"), Some("/notices?done=dismissed"));
    }
    assert_eq!(owner.post("/notices/999", &[("do", "dismiss")]).await.status, 404);
}

#[tokio::test]
async fn who_was_suppressed_twice_is_one_person_in_the_list() {
    let world = World::start().await;
    let by_hand = SuppressAdd { account: world.account, phone: PHONE.into(), ..Default::default() };
    world.command(by_hand).await.expect("suppressed");
    world.hears(PHONE, "STOP").await;
    assert_eq!(world.number("SELECT count(*) FROM suppressions WHERE lifted_at IS NULL").await, 2);
    let page = Visitor::logged_in(&world, "owner").await.get("/suppressed-recipients").await.body;
    assert_eq!(page.matches("/lift\"").count(), 1, "{page}");
}
