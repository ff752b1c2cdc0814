//! Reviews with their evidence, and the guard's figures and phrases, in force without a restart and after one.

use super::{INSTANCE, SPAM, Visitor, World, audited, message, message_with};
use serde_json::json;

/// Three messages of spam to three people, and one more that is told of the pause.
async fn paused() -> World {
    let world = World::start().await;
    for n in 1..=3 {
        let body = message_with(json!({"phone": format!("+96650123456{n}"), "message": format!("{SPAM} {n}")}));
        assert_eq!(world.send(&body).await.error(), "policy_violation");
    }
    assert_eq!(world.send(&message()).await.error(), "instance_paused_for_review");
    world
}

#[tokio::test]
async fn a_review_shows_its_evidence_masked_and_ends_with_a_note() {
    let world = paused().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.get("/admin/reviews").await.body;
    for shown in [INSTANCE, "+9665****561", "+9665****563", "prize", "id=\"note-1\""] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("+966501234561"), "numbers are masked");

    let nothing = admin.post("/admin/reviews/1", &[("do", "resume"), ("note", " ")]).await;
    assert!(nothing.status == 422 && nothing.body.contains("role=\"alert\""));
    let kept = admin.post("/admin/reviews/1", &[("do", "keep"), ("note", "asked <the> shop")]).await;
    assert_eq!(kept.status, 303);
    assert!(admin.get("/admin/reviews").await.body.contains("asked &#60;the&#62; shop"));
    assert_eq!(world.send(&message()).await.error(), "instance_paused_for_review");
    assert_eq!(audited(&world, "instance.keep_paused").await.3, "asked <the> shop");

    assert_eq!(admin.post("/admin/reviews/1", &[("do", "resume"), ("note", "a mistake")]).await.status, 303);
    assert_eq!(world.send(&message()).await.status, 200);
    assert_eq!(audited(&world, "instance.resume").await.0, "admin@shop.example");
    let page = admin.get("/admin/reviews").await.body;
    assert!(page.contains("a mistake") && !page.contains("id=\"note-1\""), "it stands among those decided");
    assert_eq!(admin.post("/admin/reviews/1", &[("do", "keep"), ("note", "late")]).await.status, 404);
}

#[tokio::test]
async fn an_admin_pauses_a_number_by_hand_with_a_reason_and_nobody_else_does() {
    let world = World::start().await;
    let path = format!("/instances/{INSTANCE}/pause");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert!(!owner.get(&format!("/instances/{INSTANCE}/manage")).await.body.contains(&path));
    assert_eq!(owner.post(&path, &[("reason", "mine")]).await.status, 403);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let nothing = admin.post(&path, &[("reason", " ")]).await;
    assert!(nothing.status == 422 && nothing.body.contains("role=\"alert\""));
    assert_eq!(world.send(&message()).await.status, 200);
    assert_eq!(admin.post("/instances/no-such/pause", &[("reason", "x")]).await.status, 404);

    assert_eq!(admin.post(&path, &[("reason", "a complaint <b>")]).await.status, 303);
    assert_eq!(world.send(&message()).await.error(), "instance_paused_for_review");
    let (actor, target, _, after) = audited(&world, "instance.pause").await;
    assert_eq!((actor.as_str(), target.as_str(), after.as_str()), ("admin@shop.example", INSTANCE, "a complaint <b>"));
    let manage = owner.get(&format!("/instances/{INSTANCE}/manage")).await.body;
    assert!(manage.contains("a complaint &#60;b&#62;"), "the owner reads why");
    let manage = admin.get(&format!("/instances/{INSTANCE}/manage")).await.body;
    assert!(!manage.contains(&path) && manage.contains("href=\"/admin/reviews\""), "once");
}

#[tokio::test]
async fn messages_near_the_line_are_listed_for_admin_and_owner() {
    let world = World::start_with(|config| config.guard.review_score = 20).await;
    let text = "Your order is ready. Get 10% discount on the next one";
    let score = world.gateway().sending.check_text(wa_gateway::model::purpose::Purpose::Transactional, text).total;
    assert!((20..80).contains(&score), "a text for this test: {score}");
    assert_eq!(world.send(&message_with(json!({"message": text}))).await.status, 200);
    assert_eq!(world.send(&message()).await.status, 200);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert!(admin.get("/admin/reviews").await.body.contains("10% discount"));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let listed = owner.get("/message-logs?status=review").await.body;
    assert!(listed.contains("10% discount") && listed.matches("<a href=\"/message-logs/").count() == 1);
}

/// The form of the figures as it stands, with one of them changed.
fn figures<'a>(world: &World, change: &'a [(&'a str, String)]) -> Vec<(&'a str, String)> {
    let mut all: Vec<(&str, String)> =
        world.gateway().sending.figures().iter().map(|s| (s.figure.name, s.value.to_string())).collect();
    all.push(("mode", "enforce".into()));
    for (name, value) in change {
        all.retain(|(n, _)| n != name);
        all.push((name, value.clone()));
    }
    all
}

async fn save(admin: &mut Visitor, world: &World, name: &str, value: &str) -> crate::harness::http::Reply {
    let change = [(name, value.to_owned())];
    let fields = figures(world, &change);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    admin.post("/admin/policy", &fields).await
}

#[tokio::test]
async fn a_figure_is_in_force_at_once_and_after_a_restart() {
    let mut world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let spam = message_with(json!({"message": SPAM}));
    assert_eq!(world.send(&spam).await.error(), "policy_violation");
    for (name, bad) in [("refuse_score", "101"), ("refuse_score", "59"), ("strikes", "many"), ("throttle_burst", "0")] {
        let reply = save(&mut admin, &world, name, bad).await;
        assert!(reply.status == 422 && reply.body.contains(&format!("value=\"{bad}\"")), "{name} {bad}: kept as typed");
    }
    assert_eq!(save(&mut admin, &world, "mode", "observe").await.status, 303);
    assert_eq!(world.send(&spam).await.status, 200, "only observed");
    let (actor, target, before, after) = audited(&world, "policy.figures").await;
    assert_eq!((actor.as_str(), target.as_str()), ("admin@shop.example", "guard"));
    assert_eq!((before.as_str(), after.as_str()), ("{\"observe\":0}", "{\"observe\":1}"));
    world.restart().await;
    assert_eq!(world.send(&spam).await.status, 200, "still only observed");
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(save(&mut admin, &world, "recipient_burst", "7").await.status, 303);
    assert_eq!(world.send(&spam).await.error(), "policy_violation");
    world.restart().await;
    assert_eq!(world.gateway().sending.rules().recipient_burst, 7);
    assert!(!world.gateway().sending.rules().observe);
}

#[tokio::test]
async fn a_phrase_counts_or_is_silenced_without_a_restart_and_can_be_tried() {
    let mut world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let text = [("text", "Your zanzibar ticket <is> ready"), ("purpose", "transactional")];
    let tried = admin.post("/admin/policy/try", &text).await;
    assert!(tried.status == 200 && tried.body.contains("<span class=\"figure\">0</span>"), "nothing to see");
    assert!(tried.body.contains("zanzibar ticket &#60;is&#62; ready"), "what was typed is kept");

    let bad = [("phrase", "zanzibar ticket"), ("group", "no-such"), ("weight", "90")];
    let reply = admin.post("/admin/policy/phrases", &bad).await;
    assert!(reply.status == 422 && reply.body.contains("value=\"zanzibar ticket\""));
    for bad in [[("phrase", ""), ("weight", "90")], [("phrase", "zanzibar ticket"), ("weight", "900")]] {
        let fields = [&bad[..], &[("group", "prize")]].concat();
        assert_eq!(admin.post("/admin/policy/phrases", &fields).await.status, 422, "{bad:?}");
    }
    let good = [("phrase", "zanzibar \"ticket*"), ("group", "prize"), ("weight", "45")];
    assert_eq!(admin.post("/admin/policy/phrases", &good).await.status, 303);
    assert_eq!(admin.post("/admin/policy/phrases", &good).await.status, 422, "it is there");
    let tried = admin.post("/admin/policy/try", &text).await.body;
    assert!(tried.contains("<code>prize</code>") && tried.contains("<span class=\"figure\">40</span>"), "{tried}");
    assert!(tried.contains("<mark title=\"prize\">zanzibar ticket</mark>"), "its words are marked: {tried}");
    assert!(tried.contains("The model's share: ") || tried.contains("The model&#39;s share: "), "{tried}");
    assert_eq!(audited(&world, "policy.phrase_add").await.3, "prize, 45");

    world.restart().await;
    let purpose = wa_gateway::model::purpose::Purpose::Transactional;
    let score = |world: &World, text| world.gateway().sending.check_text(purpose, text).total;
    assert_eq!(score(&world, text[0].1), 40, "after a restart");
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/admin/policy/phrases/1/remove", &[]).await.status, 303);
    assert_eq!(admin.post("/admin/policy/phrases/1/remove", &[]).await.status, 404);
    assert_eq!(score(&world, text[0].1), 0);

    let before = score(&world, "You have won a parcel");
    assert!(before > 0);
    let silenced = [("phrase", "you have won"), ("group", "")];
    let reply = admin.post("/admin/policy/phrases", &silenced).await;
    assert!(reply.status == 303 && score(&world, "You have won a parcel") < before, "{}", reply.status);
}
