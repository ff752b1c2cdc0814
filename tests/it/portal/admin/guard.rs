//! Reviews with their evidence, and the guard's figures and phrases, in force without a restart and after one.

use super::{INSTANCE, SPAM, Visitor, World, audited, message, message_with};
use serde_json::json;
use std::time::Duration;
use wa_gateway::app::commands::{PersonErase, PolicyCheck, PolicyExamples, PolicyJudge};

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
    let long = "x".repeat(1001);
    let endless = admin.post("/admin/reviews/1", &[("do", "keep"), ("note", &*long)]).await;
    assert!(endless.status == 422 && endless.body.contains("at most 1000 characters") && endless.body.contains(&long));
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
    let late = admin.post("/admin/reviews/1", &[("do", "keep"), ("note", "late")]).await;
    assert_eq!(
        late.header("location"),
        Some("/admin/reviews?done=decided_already"),
        "in another tab, or pressed twice"
    );
}

#[tokio::test]
async fn an_admin_pauses_a_number_for_review_by_hand_with_a_reason() {
    let world = World::start().await;
    let path = format!("/instances/{INSTANCE}/pause");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert!(!viewer.get(&format!("/instances/{INSTANCE}/manage")).await.body.contains(&path));
    assert_eq!(viewer.post(&path, &[("reason", "mine")]).await.status, 403);
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
    assert!(!manage.contains(&path), "and does not end it");
    let manage = admin.get(&format!("/instances/{INSTANCE}/manage")).await.body;
    assert!(!manage.contains(&path) && manage.contains("href=\"/admin/reviews\""), "once");
}

#[tokio::test]
async fn messages_near_the_line_are_listed_for_admin_and_owner() {
    let world = World::start_with(|config| config.guard.review_score = 20).await;
    let text = "Your order is ready. Get 10% discount on the next one";
    let score =
        world.gateway().sending.check_text(None, wa_gateway::model::purpose::Purpose::Transactional, text).total;
    assert!((20..80).contains(&score), "a text for this test: {score}");
    assert_eq!(world.send(&message_with(json!({"message": text}))).await.status, 200);
    assert_eq!(world.send(&message()).await.status, 200);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert!(admin.get("/admin/reviews").await.body.contains("10% discount"));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let listed = owner.get("/message-logs?status=review").await.body;
    assert!(listed.contains("10% discount") && listed.matches("<a href=\"/message-logs/").count() == 1);
}

/// What a message would be refused for, to somebody else.
fn spam_to(n: u32, text: &str) -> serde_json::Value {
    message_with(json!({"phone": format!("+96650123456{n}"), "message": text}))
}

#[tokio::test]
async fn what_a_person_found_honest_passes_with_other_numbers_and_only_an_admins_word_lets_it() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    let refused = world.send(&spam_to(1, &format!("{SPAM} 1"))).await;
    assert_eq!(refused.error(), "policy_violation");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert!(owner.get("/message-logs/1").await.body.contains("/message-logs/1/judge"));
    assert_eq!(owner.post("/message-logs/1/judge", &[("verdict", "perhaps")]).await.status, 404);
    assert_eq!(owner.post("/message-logs/1/judge", &[("verdict", "wrong")]).await.status, 303);
    assert_eq!(
        world.send(&spam_to(2, &format!("{SPAM} 2"))).await.error(),
        "policy_violation",
        "an owner's word is noted"
    );

    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/message-logs/1/judge", &[("verdict", "wrong")]).await.status, 303);
    let (actor, target, _, after) = audited(&world, "message.judge").await;
    assert_eq!((actor.as_str(), target.as_str(), after.as_str()), ("admin@shop.example", "1", "wrong"));
    assert_eq!(world.send(&spam_to(3, &format!("{SPAM} 77"))).await.status, 200);
    let passed = admin.get("/message-logs/3").await.body;
    assert!(passed.contains("a person found this text honest"), "its page says why");
    let hidden = world.send(&spam_to(4, &format!("{SPAM} 78 http://bit.ly/x http://192.0.2.7/y"))).await;
    assert_eq!(hidden.error(), "policy_violation", "links are judged each time");
    let elsewhere = SPAM.replace("bit.ly", "prize-shop.example");
    assert_ne!(elsewhere, SPAM);
    let foreign = world.send(&spam_to(8, &format!("{elsewhere} 78"))).await;
    assert_eq!(foreign.error(), "policy_violation", "another host is another text");
    let named = world.send(&spam_to(9, &format!("{} 78", SPAM.replace("/win", "/other")))).await;
    assert_eq!(named.status, 200, "another page of the same host is not");
    let other = world.send(&spam_to(5, &format!("{SPAM} 79, tell your friends"))).await;
    assert_eq!(other.error(), "policy_violation", "another text");

    let shown = world.command(PolicyExamples::default()).await.expect("examples");
    assert_eq!(shown["rows"], 1, "{shown}");
    assert!(shown["csv"].as_str().is_some_and(|csv| csv.contains("\ntransactional\t")), "{shown}");
    assert_eq!(owner.post("/message-logs/1/judge", &[("verdict", "right")]).await.status, 303);
    assert_eq!(world.send(&spam_to(6, &format!("{SPAM} 80"))).await.status, 200, "an owner takes no admin's word back");
    assert_eq!(admin.post("/message-logs/1/judge", &[("verdict", "right")]).await.status, 303);
    assert_eq!(world.send(&spam_to(7, &format!("{SPAM} 81"))).await.error(), "policy_violation");
    let again = world.command(PolicyExamples::default()).await.expect("examples");
    assert!(again["csv"].as_str().is_some_and(|csv| csv.contains("\nmarketing\t")), "{again}");
}

#[tokio::test]
async fn the_queue_is_judged_where_it_stands_and_the_nearest_honest_text_is_shown() {
    let world = paused().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.get("/admin/reviews").await.body;
    assert!(page.contains("action=\"/message-logs/2/judge\"") && page.contains("name=\"back\" value=\"reviews\""));
    let judged = admin.post("/message-logs/2/judge", &[("verdict", "wrong"), ("back", "reviews")]).await;
    assert_eq!((judged.status, judged.header("location")), (303, Some("/admin/reviews?done=lets_pass")));

    let near = format!("{SPAM} 902 now");
    let tried = admin.post("/admin/policy/try", &[("text", near.as_str()), ("purpose", "transactional")]).await.body;
    assert!(tried.contains("<a href=\"/message-logs/2\">"), "{tried}");
    let other = [("text", "Your parcel waits at the counter"), ("purpose", "transactional")];
    assert!(!admin.post("/admin/policy/try", &other).await.body.contains("<a href=\"/message-logs/2\">"));
    let shown = world.command(PolicyCheck { text: near, purpose: "transactional".into() }).await.expect("checked");
    assert_eq!(shown["nearest_allowed"]["log_id"], 2, "{shown}");
    assert!(shown["nearest_allowed"]["likeness"].as_u64().is_some_and(|n| (80..=100).contains(&n)), "{shown}");
}

/// What the table of a rehearsal says: refused, listed, passed; each as it is and as it would be.
fn rehearsed(page: &str) -> Vec<u64> {
    let table = page.split("id=\"rehearsal\"").nth(1).expect("a rehearsal").split("</table>").next().expect("a table");
    let cells = table.split("<td class=\"n\">").skip(1);
    cells.map(|cell| cell.split('<').next().expect("a cell").parse().expect("a number")).collect()
}

#[tokio::test]
async fn a_threshold_or_a_phrase_is_tried_on_the_last_weeks_messages_before_it_is_saved() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    // A week ago and more: not looked at.
    assert_eq!(world.send(&spam_to(1, &format!("{SPAM} 1"))).await.error(), "policy_violation");
    world.later(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(world.send(&spam_to(2, &format!("{SPAM} 2"))).await.error(), "policy_violation");
    for n in 3..6 {
        assert_eq!(world.send(&spam_to(n, &format!("Your zanzibar ticket {n} is ready"))).await.status, 200);
    }
    let mut admin = Visitor::logged_in(&world, "admin").await;

    let phrase = [("phrase", "zanzibar ticket"), ("group", "prize"), ("weight", "90"), ("do", "rehearse")];
    let reply = admin.post("/admin/policy/phrases", &phrase).await;
    assert_eq!((reply.status, rehearsed(&reply.body)), (200, vec![1, 1, 0, 3, 3, 0]), "{}", reply.body);
    assert!(reply.body.contains("Your zanzibar ticket 5 is ready") && reply.body.contains("value=\"zanzibar ticket\""));
    assert_eq!(world.send(&spam_to(6, "Your zanzibar ticket 6 is ready")).await.status, 200, "nothing was saved");
    let bad = [("phrase", "zanzibar ticket"), ("group", "no-such"), ("weight", "90"), ("do", "rehearse")];
    assert_eq!(admin.post("/admin/policy/phrases", &bad).await.status, 422);

    let change = [("mode", "observe".to_owned()), ("do", "rehearse".to_owned())];
    let fields = figures(&world, &change);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let reply = admin.post("/admin/policy", &fields).await;
    assert_eq!((reply.status, rehearsed(&reply.body)), (200, vec![1, 0, 0, 1, 4, 4]), "{}", reply.body);
    assert!(!world.gateway().sending.rules().observe, "nothing was saved");
    let reply = save(&mut admin, &world, "refuse_score", "59").await;
    assert_eq!(reply.status, 422);
}

#[tokio::test]
async fn a_judgement_outlives_its_message_as_a_fingerprint_only() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    assert_eq!(world.send(&spam_to(1, &format!("{SPAM} 1"))).await.error(), "policy_violation");
    let judge = PolicyJudge { log_id: 1, verdict: "wrong".into() };
    assert_eq!(world.command(judge).await.expect("judged")["passes"], true);
    let erase = PersonErase { phone: "+966501234561".into() };
    world.command(erase).await.expect("erased");
    let shown = world.command(PolicyExamples::default()).await.expect("examples");
    assert_eq!(shown["rows"], 0, "{shown}");
    assert_eq!(world.send(&spam_to(2, &format!("{SPAM} 2"))).await.status, 200, "the text still passes");
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
    let score = |world: &World, text| world.gateway().sending.check_text(None, purpose, text).total;
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

#[tokio::test]
async fn an_accounts_own_phrase_counts_in_its_messages_only_and_after_a_restart() {
    let mut world = World::start_with(|config| config.guard.strikes = 0).await;
    let other = world.new_account("Bakery", "scale").await;
    world.new_instance(other, "bakery-line").await;
    let other_key = world.new_key(other, &[]).await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let account = world.account.to_string();
    for (phrase, group, weight) in [("zanzibar ticket", "prize", "90"), ("purple elephant", "prize", "90")] {
        let fields = [("phrase", phrase), ("group", group), ("weight", weight), ("account", account.as_str())];
        let reply = admin.post("/admin/policy/phrases", &fields).await;
        assert_eq!(reply.status, 303, "{}", reply.body);
        assert_eq!(admin.post("/admin/policy/phrases", &fields).await.status, 422, "it is there");
    }
    let nobody = [("phrase", "x y z"), ("group", "prize"), ("weight", "9"), ("account", "4711")];
    assert_eq!(admin.post("/admin/policy/phrases", &nobody).await.status, 404);
    let page = admin.get("/admin/policy").await.body;
    assert!(page.contains("<bdi>Shop</bdi>"), "whose it is");

    let text = "A zanzibar ticket and a purple elephant";
    let theirs = message_with(json!({"instance_id": "bakery-line", "message": text}));
    for _ in 0..2 {
        assert_eq!(world.send(&message_with(json!({"message": text}))).await.error(), "policy_violation");
        assert_eq!(world.send_with(&other_key, &theirs, &[]).await.status, 200);
        world.restart().await;
    }
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let tried = [("text", text), ("purpose", "transactional"), ("account", account.as_str())];
    let nothing = "<span class=\"figure\">0</span>";
    assert!(!admin.post("/admin/policy/try", &tried).await.body.contains(nothing), "the account's");
    assert!(admin.post("/admin/policy/try", &tried[..2]).await.body.contains(nothing), "everybody's");

    // The other account lets a phrase of its own be silent, which is nobody else's matter.
    let silent = [("phrase", "you have won"), ("group", ""), ("account", &other.to_string())];
    assert_eq!(admin.post("/admin/policy/phrases", &silent).await.status, 303);
    let total = |account| {
        let (id, purpose) =
            (wa_gateway::model::ids::AccountId(account), wa_gateway::model::purpose::Purpose::Transactional);
        world.gateway().sending.check_text(Some(id), purpose, "You have won a parcel").total
    };
    assert!(total(other) < total(world.account));
}

/// Two admins have the form before them: each changes what they changed, and nobody takes back the other's unseen.
#[tokio::test]
async fn a_form_that_is_older_than_a_change_takes_nothing_back() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let was: Vec<(String, String)> = figures(&world, &[])
        .into_iter()
        .flat_map(|(n, v)| [(n.to_owned(), v.clone()), (format!("was_{n}"), v)])
        .collect();
    let mut send = async |changed: &[(&str, &str)]| {
        let value =
            |n: &String, v: &String| changed.iter().find(|(c, _)| c == n).map_or(v.clone(), |(_, v)| (*v).into());
        let fields: Vec<(&str, String)> = was.iter().map(|(n, v)| (n.as_str(), value(n, v))).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        admin.post("/admin/policy", &fields).await
    };
    assert_eq!(send(&[("strikes", "5")]).await.status, 303);
    assert_eq!(send(&[("throttle_burst", "25")]).await.status, 303);
    let rules = world.gateway().sending.rules();
    assert_eq!((rules.strikes, rules.throttle_burst), (5, 25), "the other's change holds");
    let both = send(&[("strikes", "7"), ("throttle_burst", "30")]).await;
    assert!(both.status == 422 && both.body.contains("strikes") && both.body.contains("meanwhile"), "{}", both.body);
    assert_eq!(world.gateway().sending.rules().strikes, 5);
    assert!(both.body.contains("name=\"was_strikes\" value=\"5\""), "what holds by now is what is changed next");
    assert_eq!(send(&[("mode", "observe")]).await.status, 303);
    assert_eq!(send(&[("recipient_burst", "7")]).await.status, 303);
    assert!(world.gateway().sending.rules().observe, "the mode is not taken back either");
    assert_eq!(send(&[("strikes", "")]).await.status, 422, "an empty field is no figure");
}
