//! `import evolution`: a dry run says what would be done, the run does it, and a second one finds it done.

use super::rig::{Rig, THEIRS};
use crate::harness::evolution::{KEY, NAMELESS};
use serde_json::{Value, json};
use wa_gateway::app::commands::{ImportEvolution, InstanceList, InstanceStatus, WebhookList};

async fn import(rig: &Rig, account: Option<i64>, dry_run: bool) -> Result<Value, String> {
    let args = ImportEvolution { url: rig.server.url(), key: KEY.into(), account, dry_run };
    rig.world.command(args).await
}

/// Three instances: one with a customer's endpoint, one of Meta's, one that was never paired.
async fn furnished() -> Rig {
    let rig = Rig::without_instance().await;
    rig.server.add_open(THEIRS);
    let hook = json!({"enabled": true, "url": rig.receiver.url(), "headers": {"authorization": "canary"},
                      "webhookByEvents": false, "webhookBase64": true,
                      "events": ["MESSAGES_UPSERT", "CONNECTION_UPDATE", "APPLICATION_STARTUP"]});
    rig.server.with(THEIRS, |i| i.webhook = hook);
    rig.server.add_open("meta");
    rig.server.with("meta", |i| i.integration = "WHATSAPP-BUSINESS".into());
    rig.server.add_open("shop-line");
    rig.server.with("shop-line", |i| (i.state, i.paired, i.owner) = ("close".into(), false, None));
    rig
}

fn row<'a>(done: &'a Value, name: &str) -> &'a Value {
    let rows = done["instances"].as_array().expect("rows");
    rows.iter().find(|r| r["server_instance"] == name).unwrap_or_else(|| panic!("no row of {name}: {done}"))
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_the_run_does_what_it_said() {
    let rig = furnished().await;
    let instances = async || rig.world.command(InstanceList).await.expect("a list");
    let endpoints = async || rig.world.command(WebhookList).await.expect("a list");
    let before = (instances().await, endpoints().await);
    let would = import(&rig, None, true).await.expect("a survey");
    assert_eq!((&would["dry_run"], &would["would_create"], &would["created"]), (&json!(true), &json!(2), &Value::Null));
    let loja = row(&would, THEIRS);
    assert_eq!((&loja["action"], &loja["id"]), (&json!("create"), &json!("loja-1")));
    assert_eq!((&loja["phone"], &loja["open"]), (&json!("+966500000001"), &json!(true)));
    assert_eq!((&loja["webhook_url"], &loja["webhook_action"]), (&json!(rig.receiver.url()), &json!("create")));
    let events = json!(["message.received", "group.message_received", "instance.connection_updated"]);
    assert_eq!(loja["webhook_events"], events);
    assert_eq!(loja["webhook_headers"], json!(["authorization"]));
    assert_eq!(loja["webhook_left_out"], json!(["APPLICATION_STARTUP: there is no such event here"]));
    assert_eq!(
        (&row(&would, "meta")["action"], &row(&would, "shop-line")["id"]),
        (&json!("skip"), &json!("shop-line-2"))
    );
    assert!(!would.to_string().contains("token-of") && !would.to_string().contains("canary"), "no secrets: {would}");
    assert_eq!((instances().await, endpoints().await), before, "nothing changed here");
    assert!(
        rig.server.seen("/webhook/set").is_empty() && rig.server.seen("/instance/connect/").is_empty(),
        "nor there"
    );

    let done = import(&rig, Some(rig.world.account), false).await.expect("an import");
    assert_eq!(done["created"], 2, "{done}");
    assert!(row(&done, THEIRS)["webhook_secret"].as_str().is_some_and(|s| s.starts_with("whsec_")), "{done}");
    let status = async |id: &str| rig.world.command(InstanceStatus { id: id.into() }).await.expect("it");
    rig.until("it is open", async || status("loja-1").await["state"] == "open").await;
    assert_eq!(status("loja-1").await["settings"]["instance"], THEIRS);
    // Each by its own key, not by the one that opens them all.
    rig.until("it hears", async || !rig.server.seen("/webhook/set/Loja%201").is_empty()).await;
    assert!(rig.server.with(THEIRS, |i| i.webhook["url"].to_string().contains("/hooks/evolution/loja-1")));

    // What the server brings reaches the customer's endpoint again, by way of us.
    let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "A1", json!({"conversation": "hello"}));
    assert_eq!(rig.server.tell(THEIRS, "messages.upsert", told).await, Some(200));
    let got = rig.receiver.wait_for(1).await;
    assert!(got.iter().all(|g| g.header("authorization") == "canary"), "the receiver's door opens to us, too");
    assert!(
        got.iter()
            .any(|g| g.json()["event"] == "message.received" || g.json()["event"] == "instance.connection_updated")
    );

    let again = import(&rig, None, false).await.expect("an import");
    assert_eq!(again["created"], 0);
    assert!(row(&again, THEIRS)["reason"].as_str().expect("why").contains("as loja-1"), "{again}");
}

#[tokio::test]
async fn what_keeps_an_import_from_working_is_said() {
    let rig = furnished().await;
    rig.world.new_account("Second", "scale").await;
    assert!(import(&rig, None, true).await.expect_err("two accounts").contains("--account"));
    assert!(import(&rig, Some(99), true).await.expect_err("no such account").contains("no account 99"));
    let ask = async |url: String, key: &str| {
        let args = ImportEvolution { url, key: key.into(), account: Some(rig.world.account), dry_run: true };
        rig.world.command(args).await.expect_err("it cannot work")
    };
    assert!(ask(rig.server.url(), "wrong").await.contains("--key takes the global one"));
    assert!(ask("http://127.0.0.1:9".into(), KEY).await.contains("egress.allow"));
    assert!(ask("nonsense".into(), KEY).await.contains("base_url"));
    rig.server.with(THEIRS, |i| i.webhook["url"] = json!("http://10.1.2.3/hook"));
    let would = import(&rig, Some(rig.world.account), true).await.expect("a survey");
    let loja = row(&would, THEIRS);
    assert_eq!((&loja["action"], &loja["webhook_action"]), (&json!("create"), &json!("skip")));
    assert!(loja["webhook_reason"].as_str().expect("why").contains("egress.allow"), "{loja}");
    rig.server.answer_everywhere(Some(("503 Service Unavailable", json!({"error": "LICENSE_REQUIRED"}))));
    assert!(ask(rig.server.url(), KEY).await.contains("LICENSE_REQUIRED"));
}

/// What cannot come over is named, and what has trouble is left where it is: the others go on.
#[tokio::test]
async fn what_does_not_come_over_is_said() {
    let rig = furnished().await;
    rig.server.with(THEIRS, |i| {
        i.webhook["headers"] =
            json!({"X-Shop": "7", "Content-Type": "application/json", "jwt_key": "secret-of-theirs"});
        i.webhook["events"] = json!(["MESSAGES_UPSERT", "FOO_BAR"]);
    });
    rig.server.with("shop-line", |i| i.webhook = json!({"broken": true}));
    rig.server.add_open(NAMELESS);
    let done = import(&rig, None, false).await.expect("an import");
    let loja = row(&done, THEIRS);
    assert_eq!((&loja["webhook_action"], &loja["webhook_headers"]), (&json!("create"), &json!(["x-shop"])), "{loja}");
    let left = loja["webhook_left_out"].as_array().expect("a list");
    for (at, begins) in ["FOO_BAR: ", "Content-Type: ", "jwt_key: "].iter().enumerate() {
        assert!(left.iter().any(|why| why.as_str().is_some_and(|why| why.starts_with(begins))), "{at}: {loja}");
    }
    assert!(left.len() == 3 && !done.to_string().contains("secret-of-theirs"), "{loja}");
    let line = row(&done, "shop-line");
    assert_eq!(line["action"], "skip");
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("cannot be read") && why.contains("500")), "{line}");
    assert!(row(&done, "")["reason"].as_str().is_some_and(|why| why.contains("without a name")), "{done}");
    rig.server.with("shop-line", |i| i.webhook = Value::Null);
    let again = import(&rig, None, false).await.expect("an import");
    assert_eq!(row(&again, "shop-line")["action"], "create", "{again}");
}
