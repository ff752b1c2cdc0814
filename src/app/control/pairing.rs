//! `wa-gateway instance pair`: has an instance connect, and answers with what links a phone to it.

use super::perform::{Done, text};
use crate::{
    gateway::Gateway,
    model::{ids::InstanceId, instance::InstanceState},
};
use serde_json::json;
use std::time::Duration;

/// How long a provider may take until it has a code, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn pair(gateway: &Gateway, id: &str) -> Done {
    let id = gateway.instances.find(&InstanceId::from_text(id)).await.map_err(text)?.id;
    let late = gateway.clock.now().plus(PATIENCE);
    let mut asked = false;
    loop {
        let standing = gateway.registry.standing(&id);
        let standing =
            standing.ok_or_else(|| format!("{id} is not running: `wa-gateway instance status {id}` says why"))?;
        if standing.state == InstanceState::Open {
            return Err(format!("{id} is paired already, and open"));
        }
        if let Some(pairing) = gateway.registry.pairing(&id) {
            return Ok(json!({
                "ok": true, "id": id, "state": standing.state, "qr": pairing.qr, "code": pairing.code,
                "expires_at": pairing.expires_at,
            }));
        }
        if !asked {
            asked = true;
            gateway.registry.reconnect(&id).await.map_err(text)?;
            continue;
        }
        let now = gateway.clock.now();
        if now >= late {
            let why = standing.reason.unwrap_or_else(|| "its provider gives no code".to_owned());
            return Err(format!("{id} has no code to scan: {why}"));
        }
        gateway.clock.sleep_until(now.plus(LOOK)).await;
    }
}
