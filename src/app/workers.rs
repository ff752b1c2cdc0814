//! The tasks that work while the gateway serves: what is due is sent, events are delivered. Where a second machine stands
//! ready they work only while the fence is open, and so do the connectors: nothing of a machine that was superseded
//! reaches anybody, and a linked phone has one client.

use crate::{
    dialects::AppState,
    ops::standby::{LOOK_EVERY, Vigil},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// How long workers that have to end may take; then they are ended.
const END_WITHIN: Duration = Duration::from_secs(3);

/// Starts them; they end with `stopping`.
pub(super) fn start(tasks: &mut JoinSet<()>, gateway: &Arc<AppState>, stopping: &watch::Receiver<bool>) {
    let calls = gateway.calls.handle();
    tasks.spawn_on(gateway.media.clone().run(stopping.clone()), &calls);
    tasks.spawn(gateway.schedules.clone().run(stopping.clone()));
    tasks.spawn(gateway.chattu.clone().run(stopping.clone()));
    tasks.spawn(gateway.digests.clone().run(stopping.clone()));
    tasks.spawn(gateway.live.clone().run(stopping.clone()));
    tasks.spawn(gateway.webhooks.clone().run_feed(stopping.clone()));
    tasks.spawn_on(gateway.webhooks.clone().run(stopping.clone()), &calls);
}

/// Has them work while the fence is open, until `stopping`. The connectors run already if it is open at first.
pub(super) async fn run_within_fence(gateway: Arc<AppState>, vigil: Vigil, mut stopping: watch::Receiver<bool>) {
    let mut has_connectors = gateway.fence.is_open();
    loop {
        if gateway.fence.is_open() {
            if !has_connectors {
                start_connectors(&gateway).await;
            }
            let (end, ending) = watch::channel(false);
            let mut workers = JoinSet::new();
            start(&mut workers, &gateway, &ending);
            let stops = look_while(true, &gateway, &vigil, &mut stopping).await;
            let _ = end.send(true);
            if stops {
                while workers.join_next().await.is_some() {}
                return;
            }
            let late = gateway.clock.now().plus(END_WITHIN);
            tokio::select! {
                () = async { while workers.join_next().await.is_some() {} } => {}
                () = gateway.clock.sleep_until(late) => workers.abort_all(),
            }
            gateway.registry.stop_all().await;
            has_connectors = false;
        } else if look_while(false, &gateway, &vigil, &mut stopping).await {
            return;
        }
    }
}

/// Looks into the place again and again, as long as the fence stays so; true: the gateway stops.
async fn look_while(open: bool, gateway: &AppState, vigil: &Vigil, stopping: &mut watch::Receiver<bool>) -> bool {
    while gateway.fence.is_open() == open {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return true,
            () = gateway.clock.sleep_until(gateway.clock.now().plus(LOOK_EVERY)) => {}
        }
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return true,
            () = vigil.look() => {}
        }
    }
    false
}

async fn start_connectors(gateway: &AppState) {
    match gateway.instances.all_setups().await {
        Ok(setups) => gateway.instances.start_all(setups).await,
        Err(e) => tracing::error!("the numbers could not be started: {e}"),
    }
}
