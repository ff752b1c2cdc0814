//! `wa-gateway doctor`: every instance's provider is asked whether it would take messages right now.

use super::perform::{Done, text};
use crate::{gateway::Gateway, instances::Instance};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub(super) async fn examine(gateway: &Gateway) -> Done {
    let all = gateway.instances.list(None).await.map_err(text)?;
    Ok(Value::Array(join_all(all.iter().map(|instance| one(gateway, instance))).await))
}

async fn one(gateway: &Gateway, instance: &Instance) -> Value {
    let found = gateway.registry.examine(&instance.id).await;
    let (ok, told) = found.map_or_else(|e| (false, e.to_string()), |told| (true, told));
    json!({"id": instance.id, "connector": instance.connector, "ok": ok, "text": told})
}
