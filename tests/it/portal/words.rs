//! An account's own words, the texts that pass for it, and its examples, on its page.

use crate::harness::{
    visitor::Visitor,
    world::{SPAM, World, message_with},
};
use serde_json::json;
use wa_gateway::app::commands::PolicyJudge;

const TEXT: &str = "Your zanzibar ticket is ready";

const PHRASE: [(&str, &str); 3] = [("phrase", "zanzibar ticket"), ("group", "prize"), ("weight", "90")];

#[tokio::test]
async fn an_owner_adds_words_that_count_and_takes_away_only_their_own() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    let other = world.new_account("Bakery", "scale").await;
    world.new_instance(other, "bakery-line").await;
    let other_key = world.new_key(other, &[]).await;
    let theirs = message_with(json!({"instance_id": "bakery-line", "message": TEXT}));
    assert_eq!(world.send_with(&other_key, &theirs, &[]).await.status, 200);
    assert_eq!(world.send(&message_with(json!({"message": TEXT}))).await.status, 200);

    let mut owner = Visitor::logged_in(&world, "owner").await;
    let tried = owner.post("/account/words", &[&PHRASE[..], &[("do", "rehearse")]].concat()).await;
    let table = tried.body.split("id=\"rehearsal\"").nth(1).expect("a rehearsal").split("</section>").next();
    let table = table.expect("a table");
    assert_eq!(table.matches(TEXT).count(), 1, "only this account's message: {table}");
    assert_eq!(world.send(&message_with(json!({"message": TEXT}))).await.status, 200, "nothing was saved");

    assert_eq!(owner.post("/account/words", &PHRASE).await.status, 303);
    assert_eq!(world.send(&message_with(json!({"message": TEXT}))).await.error(), "policy_violation");
    assert_eq!(world.send_with(&other_key, &theirs, &[]).await.status, 200, "nobody else's");
    let silent = owner.post("/account/words", &[("phrase", "you have won"), ("group", "")]).await;
    assert_eq!(silent.status, 422, "a word that shall not count is no matter of an owner");

    let mut admin = Visitor::logged_in(&world, "admin").await;
    let account = world.account.to_string();
    let by_admin = [("phrase", "purple elephant"), ("group", "prize"), ("weight", "90"), ("account", &account)];
    assert_eq!(admin.post("/admin/policy/phrases", &by_admin).await.status, 303);
    let page = owner.get("/account/words").await.body;
    assert!(page.contains("zanzibar ticket") && page.contains("purple elephant"), "{page}");
    assert!(page.contains("/account/words/1/remove") && !page.contains("/account/words/2/remove"), "{page}");
    let mut stranger = Visitor::of_account(&world, "owner", other, "o@bakery.example").await;
    assert_eq!(stranger.post("/account/words/1/remove", &[]).await.status, 404, "not theirs");
    for (id, status) in [(2, 404), (1, 303), (1, 404)] {
        assert_eq!(owner.post(&format!("/account/words/{id}/remove"), &[]).await.status, status, "{id}");
    }
    assert_eq!(world.send(&message_with(json!({"message": TEXT}))).await.status, 200);
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert_eq!(viewer.get("/account/words").await.status, 403);
}

/// Its message is gone; the text passes still, is listed, and can be withdrawn.
#[tokio::test]
async fn an_allowed_text_outlives_its_message_and_is_withdrawn_all_the_same() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    let spam = |n: u32| message_with(json!({"phone": format!("+96650123456{n}"), "message": format!("{SPAM} {n}")}));
    world.send(&spam(1)).await;
    world.command(PolicyJudge { log_id: 1, verdict: "wrong".into() }).await.expect("judged");
    world.sql("DELETE FROM policy_decisions WHERE log_id = 1").await;
    world.sql("DELETE FROM messages WHERE id = 1").await;
    assert_eq!(world.send(&spam(2)).await.status, 200);
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/account/words").await;
    let path = "/account/words/allowed/1/withdraw";
    assert!(page.status == 200 && page.body.contains(path), "{} {}", page.status, page.body);
    assert_eq!(owner.post(path, &[]).await.status, 303);
    assert_eq!(world.send(&spam(3)).await.error(), "policy_violation");
    world.stop().await;
}

#[tokio::test]
async fn an_allowed_text_is_listed_until_it_is_withdrawn_and_examples_go_home_as_a_file() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    let spam = |n: u32| message_with(json!({"phone": format!("+96650123456{n}"), "message": format!("{SPAM} {n}")}));
    assert_eq!(world.send(&spam(1)).await.error(), "policy_violation");
    let judge = PolicyJudge { log_id: 1, verdict: "wrong".into() };
    assert_eq!(world.command(judge).await.expect("judged")["passes"], true);
    assert_eq!(world.send(&spam(2)).await.status, 200);

    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/account/words").await.body;
    let path = "/account/words/allowed/1/withdraw";
    assert!(page.contains(path) && page.contains("href=\"/message-logs/1\""), "{page}");
    let file = owner.get("/account/words/examples.tsv").await.body;
    let lines: Vec<&str> = file.lines().collect();
    assert!(
        lines.len() == 2 && lines[0] == "label\tlanguage\ttext" && lines[1].starts_with("transactional\ten\t"),
        "{file}"
    );

    let other = world.new_account("Bakery", "scale").await;
    let mut stranger = Visitor::of_account(&world, "owner", other, "o@bakery.example").await;
    assert_eq!(stranger.post(path, &[]).await.status, 404, "not theirs");
    assert_eq!(stranger.get("/account/words/examples.tsv").await.body.lines().count(), 1);
    assert_eq!(owner.post(path, &[]).await.status, 303);
    assert_eq!(owner.post(path, &[]).await.status, 404, "it is withdrawn");
    assert_eq!(world.send(&spam(3)).await.error(), "policy_violation");
    let audited = "SELECT count(*) FROM audit WHERE action = 'message.withdraw_allowed'";
    assert_eq!(world.number(audited).await, 1);
}
