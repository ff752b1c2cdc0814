//! An admin has an account of their own and looks at it: what they open by its name they see whosever it is, and lists stay
//! what they chose.

use crate::harness::{
    visitor::Visitor,
    world::{INSTANCE, PHONE, SPAM, World, message_with},
};
use serde_json::json;
use wa_gateway::app::commands::WebhookCreate;

/// A number of the first account that the guard has paused, and an admin who looks at another account.
async fn elsewhere() -> (World, Visitor, Visitor) {
    let world = World::start().await;
    for n in 1..=3 {
        let body = message_with(json!({"phone": format!("+96650123456{n}"), "message": format!("{SPAM} {n}")}));
        assert_eq!(world.send(&body).await.error(), "policy_violation");
    }
    let own = world.new_account("Our own", "growth").await;
    let admin = Visitor::of_account(&world, "admin", own, "root@own.example").await;
    let owner = Visitor::of_account(&world, "owner", own, "owner@own.example").await;
    (world, admin, owner)
}

#[tokio::test]
async fn the_review_queue_is_everybodys_for_an_admin_who_looks_at_one_account() {
    let (_world, mut admin, mut owner) = elsewhere().await;
    let queue = admin.get("/admin/reviews").await.body;
    let links = ["/message-logs/1".to_owned(), format!("/instances/{INSTANCE}/manage")];
    for link in &links {
        assert!(queue.contains(&format!("href=\"{link}\"")), "{link}");
        let shown = admin.get(link).await;
        assert!(shown.status == 200 && shown.body.contains(INSTANCE), "{link}: {}", shown.status);
        assert_eq!(owner.get(link).await.status, 404, "nobody else's");
    }
    let listed = admin.get(&format!("/message-logs?instance={INSTANCE}")).await.body;
    assert!(listed.contains("href=\"/message-logs/1\""), "the number's own messages");
    assert!(!admin.get("/message-logs").await.body.contains("href=\"/message-logs/1\""), "what is chosen is listed");
    assert!(admin.get("/message-logs?account=all").await.body.contains("href=\"/message-logs/1\""));
    assert!(
        !owner.get(&format!("/message-logs?instance={INSTANCE}&account=all")).await.body.contains("/message-logs/1\"")
    );

    let judged = admin.post("/message-logs/1/judge", &[("verdict", "right"), ("back", "reviews")]).await;
    assert_eq!(judged.header("location"), Some("/admin/reviews?done=settled"));
    let judged = admin.post("/message-logs/2/judge", &[("verdict", "wrong"), ("back", "reviews")]).await;
    assert_eq!(judged.header("location"), Some("/admin/reviews?done=lets_pass"));
    assert_eq!(owner.post("/message-logs/2/judge", &[("verdict", "wrong")]).await.status, 404);
    let resumed = admin.post("/admin/reviews/1", &[("do", "resume"), ("note", "looked at")]).await;
    assert_eq!(resumed.header("location"), Some("/admin/reviews?done=resumed"));
}

#[tokio::test]
async fn an_admin_is_told_that_a_number_of_another_account_waits() {
    let (world, mut admin, mut owner) = elsewhere().await;
    let text = "A number of another account is paused";
    assert!(admin.get("/overview").await.body.contains(text));
    assert!(!owner.get("/overview").await.body.contains(text));
    let notices = admin.get("/notices").await.body;
    assert!(notices.contains(INSTANCE) && notices.contains("href=\"/admin/reviews\""), "{notices}");
    assert!(!owner.get("/notices").await.body.contains(INSTANCE));
    let mut sees_all = Visitor::nobody(&world);
    sees_all.cookies.clone_from(&admin.cookies);
    sees_all.cookies.insert("account".into(), "all".into());
    assert!(!sees_all.get("/overview").await.body.contains(text), "it stands there by its name");
    admin.post("/admin/reviews/1", &[("do", "resume"), ("note", "looked at")]).await;
    assert!(!admin.get("/overview").await.body.contains(text));
}

/// The pages of endpoints, deliveries, messages to be sent later.
#[tokio::test]
async fn what_is_named_is_shown_to_an_admin_whosever_it_is() {
    let (world, mut admin, mut owner) = elsewhere().await;
    let new = WebhookCreate {
        account: world.account,
        url: "https://one.example/hook".into(),
        events: vec!["message.sent".into()],
        ..Default::default()
    };
    world.command(new).await.expect("an endpoint");
    let mut theirs = Visitor::logged_in(&world, "owner").await;
    let queued = theirs.post("/webhooks/1", &[("do", "test")]).await;
    let delivery = queued.header("location").and_then(|to| to.split('?').next()).expect("its page").to_owned();
    let later = [
        ("instance", INSTANCE),
        ("phone", PHONE),
        ("purpose", "support"),
        ("at", "2026-06-05T18:30"),
        ("message", "We open at nine."),
    ];
    assert_eq!(theirs.post("/scheduled", &later).await.status, 303);
    for page in ["/webhooks/1", delivery.as_str()] {
        assert_eq!(admin.get(page).await.status, 200, "{page}");
        assert_eq!(owner.get(page).await.status, 404, "{page}");
    }
    assert_eq!(owner.post("/scheduled/1/cancel", &[]).await.status, 404);
    assert_eq!(admin.post("/scheduled/1/cancel", &[]).await.status, 303);
    for nothing in
        ["/webhooks/99", "/webhooks/none", "/message-logs/99", "/instances/none/manage", "/integrations/3cx/x"]
    {
        assert_eq!(admin.get(nothing).await.status, 404, "{nothing}");
    }
}

/// What the guard wrote is told in the reader's language.
#[tokio::test]
async fn why_the_guard_paused_a_number_is_told_in_arabic_and_hebrew() {
    let (world, mut admin, _) = elsewhere().await;
    assert_eq!(world.send(&message_with(json!({}))).await.error(), "instance_paused_for_review");
    for (lang, word) in [("ar", "سياسة المحتوى"), ("he", "מדיניות התוכן")] {
        admin.speaks(lang);
        for page in ["/admin/reviews", "/message-logs/4", &format!("/instances/{INSTANCE}/manage")] {
            let body = admin.get(page).await.body;
            assert!(body.contains(word) && !body.contains("violated the content policy"), "{lang} {page}: {body}");
        }
    }
    admin.post("/admin/reviews/1", &[("do", "resume"), ("note", "looked at")]).await;
    let decided = admin.get("/admin/reviews").await.body;
    assert!(decided.contains("looked at") && !decided.contains("violated the content policy"), "{decided}");
}
