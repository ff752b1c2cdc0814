//! What `doctor` asks a running gateway: whether it is there, and what its providers say.

use super::{CommandResult, Execute, single, text};
use crate::{app::root::everybody, dialects::AppState, gateway::Gateway, instances::Instance};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whether a gateway runs, which version, and where it listens: `listening` holds
/// [`ListenAddresses`](crate::ops::listen_addresses::ListenAddresses).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ping;

single!(Ping is Ping);

impl Execute for Ping {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!({"ok": true, "version": env!("CARGO_PKG_VERSION"), "listening": gateway.listening.get()}))
    }
}

/// Asks every instance's provider whether it would take messages right now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceExamine;

single!(InstanceExamine is InstanceExamine);

impl Execute for InstanceExamine {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let all = gateway.instances.list(everybody()).await.map_err(text)?;
        Ok(Value::Array(join_all(all.iter().map(|instance| one(gateway, instance))).await))
    }
}

async fn one(gateway: &Gateway, instance: &Instance) -> Value {
    let found = gateway.registry.examine(&instance.id).await;
    let (ok, told) = found.map_or_else(|e| (false, e.to_string()), |told| (true, told));
    // Of a provider that gives no answer nothing more is known.
    let points = if ok { gateway.registry.check_setup(&instance.id).await.unwrap_or_default() } else { Vec::new() };
    let setup: Vec<Value> =
        points.iter().map(|p| json!({"point": p.point, "state": p.state, "text": p.text()})).collect();
    json!({"id": instance.id, "connector": instance.connector, "ok": ok, "text": told, "setup": setup})
}
