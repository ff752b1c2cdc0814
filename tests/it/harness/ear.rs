//! An ear that remembers what it heard, and can be told to fail.

use std::sync::Mutex;
use tokio::sync::watch;
use wa_gateway::connectors::{Boxed, Ear, EventKind, NotRecorded, ProviderEvent};

/// Remembers everything that it recorded.
#[derive(Default)]
pub struct RecordingEar {
    heard: Mutex<Vec<ProviderEvent>>,
    /// How many of them are no states, to be waited for without looking through them all.
    told: watch::Sender<usize>,
    failures: watch::Sender<usize>,
}

impl RecordingEar {
    /// What was recorded, in its order.
    pub fn heard(&self) -> Vec<ProviderEvent> {
        self.heard.lock().expect("unpoisoned").clone()
    }

    /// Forgets what was recorded, and to fail.
    pub fn clear(&self) {
        self.heard.lock().expect("unpoisoned").clear();
        self.told.send_replace(0);
        self.failures.send_replace(0);
    }

    /// The next `times` things are not recorded.
    pub fn fail_next(&self, times: usize) {
        self.failures.send_replace(times);
    }

    /// How many more things are not recorded.
    #[cfg(feature = "whatsapp-web-double")]
    pub fn failures_left(&self) -> usize {
        *self.failures.borrow()
    }

    /// Ends when as many failures are left; the way to know that something was refused.
    pub async fn wait_for_failures_left(&self, left: usize) {
        self.failures.subscribe().wait_for(|f| *f == left).await.expect("the ear lives");
    }

    /// Ends when what was recorded, states aside, are at least `n` things; answers with them.
    pub async fn wait_for(&self, n: usize) -> Vec<EventKind> {
        self.told.subscribe().wait_for(|told| *told >= n).await.expect("the ear lives");
        self.heard().into_iter().map(|h| h.what).filter(|what| !is_state(what)).collect()
    }
}

fn is_state(what: &EventKind) -> bool {
    matches!(what, EventKind::State(_))
}

impl Ear for RecordingEar {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move {
            // The moment in which a real ear commits.
            tokio::task::yield_now().await;
            if self.failures.send_if_modified(|left| std::mem::replace(left, left.saturating_sub(1)) > 0) {
                return Err(NotRecorded("the test said so".into()));
            }
            let told = usize::from(!is_state(&heard.what));
            self.heard.lock().expect("unpoisoned").push(heard);
            self.told.send_modify(|n| *n += told);
            Ok(())
        })
    }
}
