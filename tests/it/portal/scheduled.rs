//! Messages to be sent later, on the portal: made in the account's own time, kept in UTC, cancelled, told about.

use crate::harness::{
    visitor::Visitor,
    wait::found,
    world::{INSTANCE, PHONE, World},
};
use std::time::Duration;

const TEXT: &str = "תזכורת: התור שלך מחר ב-10:00";

fn form<'a>(at: &'a str, message: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("instance", INSTANCE), ("phone", PHONE), ("purpose", "transactional"), ("at", at), ("message", message)]
}

/// The page *Scheduled* as soon as it says this.
pub async fn scheduled_until(owner: &mut Visitor, word: &str) -> String {
    found(word, async || Some(owner.get("/scheduled").await.body).filter(|page| page.contains(word))).await
}

#[tokio::test]
async fn a_message_is_scheduled_in_local_time_and_cancelled() {
    let world = World::start().await;
    world.move_to("Asia/Jerusalem").await;
    // The zone of the account changes with its next day.
    world.later(Duration::from_secs(24 * 3600));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert!(owner.get("/scheduled").await.body.contains("Nothing is scheduled"));
    let made = owner.post("/scheduled", &form("2026-06-05T18:30", TEXT)).await;
    assert_eq!(made.header("location"), Some("/scheduled?done=scheduled"));
    let page = owner.get("/scheduled").await.body;
    assert!(page.contains("5 Jun 2026, 18:30:00") && page.contains("2026-06-05T15:30:00Z"), "{page}");
    assert!(page.contains(TEXT) && page.contains("state pending"));
    assert_eq!(owner.post("/scheduled/1/cancel", &[]).await.status, 303);
    assert_eq!(owner.post("/scheduled/1/cancel", &[]).await.status, 422, "it is cancelled already");
    let page = owner.get("/scheduled").await.body;
    assert!(page.contains("state cancelled") && !page.contains("/scheduled/1/cancel"));
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_was_typed_is_kept() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    for (at, text) in [("2020-01-01T10:00", TEXT), ("soon", TEXT), ("", TEXT), ("2026-06-05T18:30", " ")] {
        let reply = owner.post("/scheduled", &form(at, text)).await;
        assert_eq!(reply.status, 422, "{at}");
        assert!(reply.body.contains("role=\"alert\"") && reply.body.contains(&format!("value=\"{PHONE}\"")), "{at}");
    }
    let mut bad = form("2026-06-05T18:30", TEXT);
    bad[1].1 = "12";
    assert_eq!(owner.post("/scheduled", &bad).await.status, 422);
    world.stop().await;
}

#[tokio::test]
async fn nobody_schedules_or_cancels_for_others() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    owner.post("/scheduled", &form("2026-06-05T18:30", TEXT)).await;
    let stranger = world.new_account("Other", "growth").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    assert_eq!(other.post("/scheduled/1/cancel", &[]).await.status, 404);
    let refused = other.post("/scheduled", &form("2026-06-05T18:30", TEXT)).await;
    assert!(refused.status == 422 && refused.body.contains("There is no number"), "like one that is not there");
    assert!(!other.get("/scheduled").await.body.contains(PHONE));
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert!(viewer.get("/scheduled").await.body.contains(PHONE));
    assert_eq!(viewer.post("/scheduled/1/cancel", &[]).await.status, 403);
    assert!(owner.get("/scheduled").await.body.contains("state pending"));
    world.stop().await;
}

#[tokio::test]
async fn what_became_of_it_is_told() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    owner.post("/scheduled", &form("2026-06-01T09:00", TEXT)).await;
    world.later(Duration::from_secs(3600));
    // The worker may have been quicker: then it is on its way.
    world.gateway().schedules.step().await.expect("a step");
    let page = scheduled_until(&mut owner, "state sent").await;
    assert!(page.contains("state sent") && page.contains("/message-logs/1"), "{page}");
    assert_eq!(world.inbox().await[0]["text"], TEXT);
    world.stop().await;
}
