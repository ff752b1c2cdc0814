//! What a page says when there is nothing, or nothing was made: of what was asked, and not more.

use crate::harness::{
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, message},
};
use wa_gateway::app::commands::{SuppressAdd, WebhookCreate};

#[tokio::test]
async fn a_search_without_a_hit_does_not_say_that_there_is_nothing_at_all() {
    let world = World::start().await;
    world.hears(PHONE, "hello").await;
    let one = SuppressAdd { account: world.account, phone: PHONE.into(), ..Default::default() };
    world.command(one).await.expect("suppressed");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    for (page, nothing) in [("/suppressed-recipients", "Nobody is suppressed"), ("/inbound-logs", "Nothing was heard")]
    {
        let missed = owner.get(&format!("{page}?q=%2B97200000000")).await.body;
        assert!(missed.contains("Nothing found") && !missed.contains(nothing), "{page}: {missed}");
        let arabic = owner
            .get(&format!("{page}?q=%D9%A9%D9%A6%D9%A6%D9%A5%D9%A0%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5%D9%A6%D9%A7"))
            .await
            .body;
        assert!(arabic.contains(PHONE) && !arabic.contains("Nothing found"), "{page}: {arabic}");
    }
    let endpoint = WebhookCreate {
        account: world.account,
        url: "https://one.example/hook".into(),
        events: vec!["message.sent".into()],
        ..Default::default()
    };
    world.command(endpoint).await.expect("an endpoint");
    let missed = owner.get("/webhooks?failed=on").await.body;
    assert!(missed.contains("Nothing found") && !missed.contains("Nothing was delivered yet"), "{missed}");
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    let found = owner
        .get("/message-logs?q=%D9%A9%D9%A6%D9%A6%D9%A5%D9%A0%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5%D9%A6%D9%A7")
        .await
        .body;
    assert!(found.contains("href=\"/message-logs/1\""), "{found}");
}

#[tokio::test]
async fn a_key_that_is_good_for_nothing_is_not_made() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let before = world.number("SELECT count(*) FROM api_keys").await;
    let refused = owner.post("/api-keys", &[("name", "till")]).await;
    assert!(refused.status == 422 && refused.body.contains("Tick at least one"), "{}", refused.body);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, before);
}

#[tokio::test]
async fn nothing_is_scheduled_farther_ahead_than_by_the_api() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let at = |at: &'static str| {
        [("instance", INSTANCE), ("phone", PHONE), ("purpose", "support"), ("at", at), ("message", "x")]
    };
    let refused = owner.post("/scheduled", &at("2062-06-01T10:00")).await;
    assert!(refused.status == 422 && refused.body.contains("more than a year away"), "{}", refused.body);
    assert_eq!(owner.post("/scheduled", &at("2027-05-01T10:00")).await.status, 303);
    assert_eq!(world.number("SELECT count(*) FROM schedules").await, 1);
}

/// The session ended while somebody typed: it is given back, and the way leads to the page where they were.
#[tokio::test]
async fn what_was_typed_in_an_ended_session_is_given_back_with_the_way_there() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    owner.cookies.insert("session".into(), "ended".into());
    let forms: [(&str, &[(&str, &str)]); 4] = [
        ("/message-logs/1/settle", &[("outcome", "sent"), ("note", "She read it out to me")]),
        ("/webhooks", &[("url", "https://one.example/hook"), ("headers", "X-Shop: corner")]),
        (
            "/instances/shop-line/templates",
            &[("header", "Your order"), ("examples", "Amal | 2041"), ("footer", "Corner shop")],
        ),
        ("/scheduled", &[("phone", "+966501112222"), ("at", "2026-06-05T18:30"), ("message", "We open at nine")]),
    ];
    for (path, typed) in forms {
        let fields: Vec<(&str, &str)> =
            typed.iter().copied().chain([("csrf", "of-then"), ("password", "hidden-one")]).collect();
        let from = ["Sec-Fetch-Site: same-origin", "Referer: https://gate.example/instances/shop-line/manage?tab=send"];
        let reply = owner.post_with(path, &fields, &from).await;
        assert_eq!(reply.status, 401, "{path}");
        for (name, value) in typed {
            let is_chosen = ["outcome"].contains(name);
            assert!(is_chosen || reply.body.contains(value), "{path} {name}: {}", reply.body);
        }
        assert!(!reply.body.contains("hidden-one"), "{path}: no password");
        let way = "/login?next=%2Finstances%2Fshop-line%2Fmanage%3Ftab%3Dsend";
        assert!(reply.body.contains(way), "{path}: {}", reply.body);
    }
}

/// A figure and the list that it leads to are of the same messages.
#[tokio::test]
async fn what_nobody_knows_of_is_not_among_what_failed() {
    let world = World::start().await;
    assert_eq!(world.send(&message()).await.status, 200);
    let lost =
        |tx: &wa_gateway::store::WriteTx<'_>| tx.execute("UPDATE messages SET status = 'unknown' WHERE id = 1", []);
    let written: Result<usize, wa_gateway::store::StoreError> = world.gateway().store.write(lost).await;
    assert_eq!(written.expect("written"), 1);
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/overview").await.body;
    let failed = page.split("href=\"/message-logs?status=failed\"").nth(1).expect("the card").split("</li>").next();
    let failed = failed.expect("its end");
    assert!(failed.contains("<span class=\"figure\">0</span>"), "{failed}");
    assert!(failed.contains("href=\"/message-logs?status=unknown\"") && failed.contains(": 1</a>"), "{failed}");
    let list = owner.get("/message-logs?status=unknown").await.body;
    assert!(list.contains("href=\"/message-logs/1\""));
}
