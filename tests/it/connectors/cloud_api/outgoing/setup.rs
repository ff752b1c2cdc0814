//! A set-up that cannot end deaf: what is missing at Meta is said point by point, and the subscription is made by a button.

use super::rig::{LINE, Rig};
use crate::harness::{graph::TOKEN, visitor::Visitor};
use serde_json::json;

#[tokio::test]
async fn the_page_says_what_is_missing_and_subscribes() {
    let rig = Rig::start().await;
    let number = json!({"display_phone_number": "+1 555-078-3881", "verified_name": "Shop <b>", "quality_rating": "GREEN",
        "platform_type": "CLOUD_API", "status": "PENDING", "name_status": "DECLINED",
        "health_status": {"can_send_message": "BLOCKED", "entities": [{"errors": [
            {"error_code": 141_006, "error_description": "There is an error with the payment method."}]}]}});
    rig.graph.state().number = number;
    let (page, set_up) = (format!("/instances/{LINE}/manage"), format!("/instances/{LINE}/setup"));
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let before = owner.get(&page).await.body;
    assert!(before.contains("Check the set-up") && !before.contains("payment method"), "nothing is asked by looking");
    let asked = rig.graph.asked("GET /v25.0/debug_token");
    assert_eq!(asked, 0);

    let found = owner.post(&set_up, &[("do", "check")]).await;
    assert_eq!(found.status, 200);
    for said in [
        "PENDING",
        "six-digit PIN",
        "DECLINED",
        "There is an error with the payment method. (141006)",
        "no app hears of this account",
        "it does not end",
        "Shop &#60;b&#62;",
        "no https address",
    ] {
        assert!(found.body.contains(said), "{said}");
    }
    assert!(found.body.contains("value=\"subscribe\"") && !found.body.contains(TOKEN));
    for (lang, words) in [("ar", "افحص الإعداد"), ("he", "בדיקת ההגדרה")] {
        owner.speaks(lang);
        let page = owner.post(&set_up, &[("do", "check")]).await.body;
        assert!(page.contains(words) && !page.contains("six-digit PIN"), "{lang}");
    }
    owner.speaks("en");
    let after = owner.post(&set_up, &[("do", "subscribe")]).await;
    assert_eq!((after.status, rig.graph.state().apps.len()), (200, 1));
    assert!(after.body.contains("Our app") && !after.body.contains("value=\"subscribe\""), "it is done and shown");

    let mut viewer = Visitor::logged_in(&rig.world, "viewer").await;
    assert_eq!(viewer.post(&set_up, &[("do", "subscribe")]).await.status, 403);
    assert_eq!(owner.post(&set_up, &[("do", "anything")]).await.status, 404);
    rig.set(&[("waba_id", "")]).await;
    let refused = owner.post(&set_up, &[("do", "subscribe")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("set waba_id first"), "{}", refused.body);
}

/// Settings alone do not make a connection: while Meta gives no answer nobody is told that it is there.
#[tokio::test]
async fn it_is_not_called_connected_while_meta_gives_no_answer() {
    let rig = Rig::without_instance().await;
    let mut settings = rig.graph.settings();
    settings.insert("base_url".into(), "http://127.0.0.1:1".into());
    rig.create_with(&settings).await.expect("an instance");
    rig.until("it is known that nobody answers", async || rig.status().await["state_reason"].is_string()).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let pages = ["/instances".to_owned(), format!("/instances/{LINE}/manage"), "/overview".to_owned()];
    let count = async |owner: &mut Visitor, words: &str| {
        let mut all = Vec::new();
        for page in &pages {
            all.push(owner.get(page).await.body.matches(words).count());
        }
        all
    };
    let connected = count(&mut owner, ">Connected<").await;
    assert_eq!(connected[1], 0, "its own page");
    let silent = count(&mut owner, "No answer from the provider").await;
    assert!(silent.iter().all(|n| *n > 0), "{silent:?}");
    assert_eq!(rig.status().await["state"], "open", "a message is tried all the same");

    rig.set(&[("base_url", &rig.graph.url())]).await;
    rig.until("Meta answered", async || rig.status().await["state_reason"].is_null()).await;
    assert!(owner.get(&pages[1]).await.body.contains(">Connected<"));
}
