//! The gateway with an instance of Meta's Cloud API, and Meta's pen: bodies signed with the app's secret.

use crate::harness::{
    http::{self, Reply},
    world::World,
};
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::types::Value as Cell;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use wa_gateway::{
    app::commands::{InstanceCreate, WebhookCreate},
    events::webhooks::EventName,
    store::{StoreError, Tx},
};

/// The instance, and the number and account that Meta's examples are about.
pub const LINE: &str = "meta-line";
pub const NUMBER: &str = "106540352242922";
pub const WABA: &str = "102290129340398";
pub const SECRET: &str = "the-app-secret";
pub const TOKEN: &str = "a-verify+token";
/// Who writes in the examples.
pub const SHEENA: &str = "16505551234";

/// The tables that something heard may touch.
const TABLES: [&str; 13] = [
    "inbound_messages",
    "messages",
    "contacts",
    "contact_identities",
    "conversations",
    "groups",
    "calls",
    "media",
    "templates",
    "provider_news",
    "suppressions",
    "notices",
    "events",
];

pub struct Rig {
    pub world: World,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings of the test's own.
    pub async fn with(changes: &[(&str, &str)]) -> Self {
        Self::in_world(World::start().await, changes).await
    }

    /// In a world of the test's own.
    pub async fn in_world(world: World, changes: &[(&str, &str)]) -> Self {
        let given = [
            ("phone_number_id", NUMBER),
            ("access_token", "EAAG-token"),
            ("app_secret", SECRET),
            ("verify_token", TOKEN),
            // Nothing is asked of Meta here: the way out refuses this address.
            ("base_url", "http://127.0.0.1:9"),
        ];
        let settings: BTreeMap<String, String> =
            given.iter().chain(changes).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = InstanceCreate {
            account: world.account,
            id: LINE.into(),
            name: "Meta line".into(),
            connector: "cloud-api".into(),
            settings,
            ..Default::default()
        };
        world.command(request).await.expect("an instance");
        let request = WebhookCreate {
            account: world.account,
            instance: Some(LINE.into()),
            url: "https://shop.example/events".into(),
            events: EventName::ALL.iter().filter(|n| **n != EventName::Test).map(ToString::to_string).collect(),
            ..Default::default()
        };
        world.command(request).await.expect("an endpoint");
        Self { world }
    }

    /// The hook's door, with everything of the test's own.
    pub async fn call(&self, method: &str, query: &str, headers: &[String], body: &[u8]) -> Reply {
        let path = format!("/hooks/cloud-api/{LINE}{query}");
        http::call(self.world.address(), method, &path, headers, body).await
    }

    /// Bytes under the right signature.
    pub async fn bring_bytes(&self, body: &[u8]) -> Reply {
        self.call("POST", "", &[format!("X-Hub-Signature-256: {}", signed(SECRET, body))], body).await
    }

    /// A body under the right signature; it must be taken.
    pub async fn bring(&self, body: &Value) {
        let reply = self.bring_bytes(body.to_string().as_bytes()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// A change of the number's own: `messages`, with these members beside its metadata.
    pub async fn bring_value(&self, members: Value) {
        self.bring(&change("messages", value(members))).await;
    }

    /// How many rows there are in every table that may be touched.
    pub async fn counts(&self) -> BTreeMap<String, i64> {
        let mut all = BTreeMap::new();
        for table in TABLES {
            let rows = self.rows(&format!("SELECT count(*) AS n FROM {table}")).await;
            all.insert(table.to_owned(), rows[0]["n"].as_i64().expect("a number"));
        }
        all
    }

    /// Rows as JSON objects.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let sql = sql.to_owned();
        let read = self.world.gateway().store.read(move |tx: &Tx<'_>| {
            tx.list(&sql, [], |r| {
                let names: Vec<String> = r.as_ref().column_names().into_iter().map(str::to_owned).collect();
                let mut row = Map::new();
                for (at, name) in names.into_iter().enumerate() {
                    row.insert(name, cell(r.get(at)?));
                }
                Ok(Value::Object(row))
            })
        });
        read.await.map_err(|e: StoreError| e.to_string()).expect("rows")
    }

    /// The one row.
    pub async fn row(&self, sql: &str) -> Value {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.remove(0)
    }

    /// Runs a statement: what the outgoing half would have left.
    pub async fn change(&self, sql: &str) {
        let sql = sql.to_owned();
        let written = self.world.gateway().store.write(move |tx| tx.execute(&sql, []));
        written.await.map_err(|e: StoreError| e.to_string()).expect("a change");
    }

    /// The events that were told so far, in their order.
    pub async fn events(&self) -> Vec<Value> {
        let rows = self.rows(&format!("SELECT body FROM events WHERE instance_id = '{LINE}' ORDER BY id")).await;
        rows.iter().map(|row| serde_json::from_str(row["body"].as_str().expect("a text")).expect("JSON")).collect()
    }

    /// Their names.
    pub async fn event_names(&self) -> Vec<String> {
        self.events().await.iter().map(|e| e["event"].as_str().expect("a name").to_owned()).collect()
    }
}

fn cell(value: Cell) -> Value {
    match value {
        Cell::Null => Value::Null,
        Cell::Integer(n) => json!(n),
        Cell::Real(x) => json!(x),
        Cell::Text(text) => json!(text),
        Cell::Blob(bytes) => json!(bytes.len()),
    }
}

/// The header's value over these bytes.
pub fn signed(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    let digits = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect::<String>();
    format!("sha256={digits}")
}

/// Meta's own examples, by name.
pub fn examples() -> Map<String, Value> {
    let text = include_str!("../../../../data/meta/webhooks.json");
    serde_json::from_str(text).expect("an object")
}

/// A value of the number's own.
pub fn value(members: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
    });
    value.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    value
}

/// A whole body with one change.
pub fn change(field: &str, value: Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": WABA, "time": 1_780_300_000, "changes": [{"value": value, "field": field}]}],
    })
}

/// A text of somebody's.
pub fn text(id: &str, from: &str, at: i64, body: &str) -> Value {
    json!({"from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": body}})
}

/// The contact of a message.
pub fn contact(name: &str, wa_id: &str) -> Value {
    json!({"profile": {"name": name}, "wa_id": wa_id})
}
