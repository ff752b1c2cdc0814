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

/// The name that a page's form has, of those that make something.
fn once(page: &str) -> String {
    let named = page.split("name=\"once\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    named.expect("a form that is taken once").to_owned()
}

/// Two clicks, *Back*, no script, an answer loaded again: one form makes one message to be sent later.
#[tokio::test]
async fn a_form_that_is_sent_twice_schedules_one_message() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let form = once(&owner.get("/scheduled").await.body);
    let said = |at: &'static str, text: &'static str, form: &str| {
        [
            ("instance", INSTANCE),
            ("phone", PHONE),
            ("purpose", "support"),
            ("at", at),
            ("message", text),
            ("once", form),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    let mut sent = async |at, text| {
        let fields = said(at, text, &form);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = owner.post("/scheduled", &fields).await;
        (reply.status, reply.header("location").unwrap_or_default().to_owned())
    };
    for _ in 0..2 {
        assert_eq!(sent("2020-01-01T10:00", "Hello.").await.0, 422, "what is to be corrected may be sent again");
    }
    assert_eq!(sent("2026-06-05T18:30", "Hello.").await.1, "/scheduled?done=scheduled");
    assert_eq!(sent("2026-06-05T18:30", "Hello.").await.1, "/scheduled?done=sent_already");
    assert_eq!(world.number("SELECT count(*) FROM schedules").await, 1);
    assert_eq!(sent("2026-06-05T18:30", "Other words.").await.1, "/scheduled?done=scheduled");
    assert_eq!(world.number("SELECT count(*) FROM schedules").await, 2);
    assert!(owner.get("/scheduled?done=sent_already").await.body.contains("This form was sent before"));
}

/// What a form says: names and values.
type Members<'a> = &'a [(&'a str, &'a str)];

/// The answer that shows a secret is the answer to the form: loaded again, it makes no second one.
#[tokio::test]
async fn an_answer_with_a_secret_that_is_loaded_again_makes_no_second_one() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let secrets: [(&str, Members<'_>, &str); 4] = [
        ("/api-keys", &[("name", "till"), ("scope", "send")], "SELECT count(*) FROM api_keys"),
        (
            "/webhooks",
            &[("url", "https://one.example/hook"), ("event", "message.sent")],
            "SELECT count(*) FROM endpoints",
        ),
        (
            "/integrations/3cx",
            &[("instance", INSTANCE), ("name", "phones"), ("destination_url", "")],
            "SELECT count(*) FROM threecx_integrations",
        ),
        ("/admin/users", &[("email", "new@shop.example"), ("role", "admin")], "SELECT count(*) FROM login_links"),
    ];
    for (path, fields, count) in secrets {
        let form = once(&admin.get(path).await.body);
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("once", form.as_str())]).collect();
        let before = world.number(count).await;
        let made = admin.post(path, &fields).await;
        assert!(made.status == 200 && made.body.contains("class=\"secret\""), "{path}: {} {}", made.status, made.body);
        let again = admin.post(path, &fields).await;
        assert_eq!(again.header("location"), Some(format!("{path}?done=sent_already").as_str()), "{path}");
        assert_eq!(world.number(count).await, before + 1, "{path}");
    }
    let page = admin.get("/webhooks/1").await.body;
    let (form, kept) = (once(&page), "SELECT count(*) FROM audit WHERE action = 'webhook.rotate'");
    for _ in 0..2 {
        admin.post("/webhooks/1", &[("do", "rotate"), ("once", &form)]).await;
    }
    assert_eq!(world.number(kept).await, 1, "one new secret");
    for _ in 0..2 {
        let tested = admin.post("/webhooks/1", &[("do", "test"), ("once", &form)]).await;
        assert!(
            tested.header("location").is_some_and(|to| to.starts_with("/webhooks/deliveries/")),
            "as often as one likes"
        );
    }
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
