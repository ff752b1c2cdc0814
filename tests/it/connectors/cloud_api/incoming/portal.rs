//! What the instance's page tells: what to paste at Meta, what is missing, and the templates.

use super::rig::{LINE, Rig, SECRET, TOKEN};
use crate::harness::visitor::Visitor;
use serde_json::json;

#[tokio::test]
async fn the_page_says_what_to_paste_and_shows_no_secret() {
    let rig = Rig::start().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    for lang in ["en", "ar", "he"] {
        owner.speaks(lang);
        let page = owner.get(&format!("/instances/{LINE}/manage")).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains(&format!("/hooks/cloud-api/{LINE}</code>")), "{lang}: the address");
        for field in ["messages", "template_category_update", "account_update", "calls"] {
            assert!(page.body.contains(&format!("<code dir=\"ltr\">{field}</code>")), "{lang}: {field}");
        }
        assert!(!page.body.contains("user_id_update"), "{lang}: Meta has no such field");
        assert!(!page.body.contains(TOKEN) && !page.body.contains(SECRET), "{lang}: the secrets stay sealed");
    }
    owner.speaks("en");
    let page = owner.get(&format!("/instances/{LINE}/manage")).await.body;
    assert_eq!(page.matches("it is set").count(), 2, "verify token and app secret");
    assert!(page.contains("Meta calls only https addresses"), "here it is none");
    assert!(page.contains("None is known yet"));
    let sandbox = owner.get("/instances/shop-line/manage").await.body;
    assert!(!sandbox.contains("meta-steps"), "only for numbers at Meta");
}

#[tokio::test]
async fn the_page_tells_what_is_missing_and_shows_templates_as_text() {
    let rig = Rig::with(&[("app_secret", "x-secret"), ("verify_token", "")]).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/instances/{LINE}/manage")).await.body;
    assert!(page.contains("Meta cannot confirm the address"));
    let account = rig.world.account;
    rig.change(&format!(
        "INSERT INTO templates (account_id, instance_id, name, language, category, status, quality, reason, body, updated_at)
         VALUES ({account}, '{LINE}', 'summer_sale', 'en', 'marketing', 'paused', 'red', '<script>alert(1)</script>',
                 '<b>{{{{1}}}}</b>', 1780300000000)"
    ))
    .await;
    let page = owner.get(&format!("/instances/{LINE}/manage")).await.body;
    for shown in ["summer_sale", "Marketing", "refused", "Paused", "Low"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("<b>{{1}}"), "as text");
}

#[tokio::test]
async fn a_message_shows_what_the_provider_says_of_its_price() {
    let rig = Rig::start().await;
    super::batch::ours(&rig, "msg_1", Some("wamid.1"), "sent").await;
    let pricing = json!({"billable": false, "category": "service"});
    let told = json!({"id": "wamid.1", "status": "sent", "timestamp": "1780300740", "pricing": pricing});
    rig.bring_value(json!({"statuses": [told]})).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get("/message-logs/1").await.body;
    assert!(page.contains("<bdi>service</bdi>, free"), "{page}");
}

/// What nobody here knows is kept, and shown as what it is.
#[tokio::test]
async fn a_message_of_an_unknown_kind_is_shown_as_one() {
    let rig = Rig::start().await;
    let told = |id: &str, kind: &str| {
        json!({"messages": [{"from": "16505551234", "id": id, "timestamp": "1780300740", "type": kind,
                             kind: {"deep": {"er": 1}}}]})
    };
    rig.bring_value(told("wamid.1", "hologram<b>")).await;
    rig.bring_value(told("wamid.2", "order")).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let chat = format!("/chat?instance={LINE}&chat=c1");
    for (lang, words, known) in [
        ("en", "A message of a kind this gateway does not know: ", "Order"),
        ("ar", "رسالة من نوع لا تعرفه هذه البوابة: ", "طلب"),
        ("he", "הודעה מסוג שהשער הזה אינו מכיר: ", "הזמנה"),
    ] {
        owner.speaks(lang);
        for page in ["/inbound-logs", &chat] {
            let body = owner.get(page).await.body;
            assert!(body.contains(words) && body.contains("hologram&#60;b&#62;"), "{page} in {lang}");
            assert!(body.contains(known), "{page} in {lang}: {known}");
            assert!(!body.contains("hologram<b>"), "{page} in {lang}: as text");
        }
    }
}
