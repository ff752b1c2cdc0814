//! Both halves together, against a fake of Meta's API: files are fetched, templates listed, and what Meta tells later
//! goes on from there.

use crate::harness::{
    graph::{Graph, WABA_ID},
    http, wait,
    world::World,
};
use serde_json::{Value, json};
use wa_gateway::{
    app::commands::InstanceCreate,
    instances::templates,
    model::ids::InstanceId,
    store::{StoreError, Tx},
};

const LINE: &str = "whole-line";
/// A file of somebody's.
const GIF: &[u8] = b"GIF89a, and so on";

struct Whole {
    world: World,
    graph: Graph,
}

impl Whole {
    async fn start(templates: Vec<Value>) -> Self {
        let graph = Graph::start().await;
        graph.state().templates = templates;
        let allow = graph.door.addr.to_string().parse().expect("an entry");
        let world = World::start_with(|config| config.egress.allow = vec![allow]).await;
        let request = InstanceCreate {
            account: world.account,
            id: LINE.into(),
            name: "Whole line".into(),
            connector: "cloud-api".into(),
            settings: graph.settings(),
            ..Default::default()
        };
        world.command(request).await.expect("an instance");
        Self { world, graph }
    }

    async fn file(&self) -> (String, Option<String>) {
        let read = self.world.gateway().store.read(|tx: &Tx<'_>| {
            tx.one("SELECT state, problem FROM media ORDER BY id DESC LIMIT 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        });
        read.await.map_err(|e: StoreError| e.to_string()).expect("a file")
    }

    async fn templates(&self) -> Vec<String> {
        let id = InstanceId::from_text(LINE);
        let read = self.world.gateway().store.read(move |tx: &Tx<'_>| templates::list(tx, &id)).await;
        let all = read.map_err(|e: StoreError| e.to_string()).expect("a list");
        let one = |t: &templates::KnownTemplate| {
            let category = t.category.map_or("-", |c| c.as_str());
            format!("{} {} {category} {}", t.template.name, t.template.language, t.status.as_deref().unwrap_or("-"))
        };
        all.iter().map(one).collect()
    }

    async fn brings_image(&self, wamid: &str, sha256: &str) {
        let image = json!({"mime_type": "image/gif", "sha256": sha256, "id": "900"});
        let message =
            json!({"from": "16505551234", "id": wamid, "timestamp": "1780300700", "type": "image", "image": image});
        assert_eq!(self.graph.call(self.world.address(), LINE, json!({"messages": [message]})).await, 200);
    }
}

fn sums(bytes: &[u8]) -> (String, String) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::Digest as _;
    let sum = sha2::Sha256::digest(bytes);
    (STANDARD.encode(sum), sum.iter().map(|b| format!("{b:02x}")).collect())
}

#[tokio::test]
async fn a_file_is_fetched_with_the_token_and_held_against_both_sums() {
    let whole = Whole::start(Vec::new()).await;
    let (base64, hex) = sums(GIF);
    let told = json!({"id": "900", "mime_type": "image/gif", "sha256": hex, "file_size": GIF.len()});
    whole.graph.state().files.insert("900".into(), (told.clone(), GIF.to_vec()));
    whole.brings_image("wamid.1", &base64).await;
    let media = whole.world.gateway().media.clone();
    wait::until("the file is here", async || {
        media.step().await.expect("a step");
        whole.file().await.0 == "stored"
    })
    .await;
    // The same id brings other bytes: what the message said is not what comes.
    let (other, _) = sums(b"another file");
    whole.brings_image("wamid.2", &other).await;
    wait::until("it was tried", async || {
        media.step().await.expect("a step");
        whole.file().await.1.is_some()
    })
    .await;
    let (state, problem) = whole.file().await;
    assert_eq!(state, "pending", "another try may bring the right one");
    assert!(problem.is_some_and(|p| p.contains("SHA-256")));
    // Gone at Meta: no further try.
    whole.graph.state().files.clear();
    whole.brings_image("wamid.3", &base64).await;
    wait::until("it was given up", async || {
        media.step().await.expect("a step");
        whole.file().await.0 == "failed"
    })
    .await;
    assert_eq!(whole.graph.state().complaints, Vec::<String>::new());
}

#[tokio::test]
async fn templates_are_listed_kept_and_changed_by_what_meta_tells() {
    let template = |name: &str, category: &str| {
        json!({"name": name, "language": "en", "category": category, "status": "APPROVED", "id": "1",
               "components": [{"type": "BODY", "text": "Your order is ready."}]})
    };
    let whole = Whole::start(vec![template("order_ready", "UTILITY"), template("summer_sale", "MARKETING")]).await;
    wait::until("the list is kept", async || whole.templates().await.len() == 2).await;
    assert_eq!(whole.templates().await, ["order_ready en utility approved", "summer_sale en marketing approved"]);
    let send = async |name: &str| {
        let body = json!({"instance_id": LINE, "phone": "+16505551234", "message_purpose": "transactional",
                          "template": {"name": name, "language": "en", "variables": []}});
        whole.world.send(&body).await
    };
    assert_eq!(send("summer_sale").await.error(), "policy_violation");
    assert_eq!(send("order_ready").await.status, 200);
    assert_eq!(whole.graph.sent().len(), 1);
    let told = json!({"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "time": 1_780_300_000, "changes": [
        {"field": "template_category_update", "value": {"message_template_id": 1, "message_template_name": "order_ready",
            "message_template_language": "en", "previous_category": "UTILITY", "new_category": "MARKETING"}}]}]});
    let body = told.to_string();
    let headers = [format!("X-Hub-Signature-256: {}", crate::harness::graph::sign(&body))];
    let path = format!("/hooks/cloud-api/{LINE}");
    let reply = http::call(whole.world.address(), "POST", &path, &headers, body.as_bytes()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(whole.templates().await[0], "order_ready en marketing approved");
    assert_eq!(send("order_ready").await.error(), "policy_violation");
    assert_eq!(whole.graph.sent().len(), 1, "nothing more left");
}
