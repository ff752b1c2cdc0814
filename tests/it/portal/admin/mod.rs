//! The pages of who runs the appliance: what they change is in force, recorded, and told.

use crate::harness::{
    visitor::{PASSWORD, Visitor},
    world::{INSTANCE, SPAM, World, message, message_with},
};

mod account;
mod accounts;
mod guard;
mod machine;
mod people;

/// The newest row of the audit with this action: who, what, before, after.
async fn audited(world: &World, action: &str) -> (String, String, String, String) {
    let action = action.to_owned();
    let read = world.gateway().store.read(move |tx| {
        tx.find(
            "SELECT actor, target, coalesce(before, ''), coalesce(after, '') FROM audit WHERE action = ?1
             ORDER BY id DESC LIMIT 1",
            [&action],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
    });
    let row: Result<Option<_>, wa_gateway::store::StoreError> = read.await;
    row.expect("the audit").expect("an audit row")
}
