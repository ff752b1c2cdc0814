//! An ear that remembers what it heard, and can be told to fail.

use tokio::sync::watch;
use wa_gateway::connectors::{Boxed, Ear, Heard, NotRecorded, What};

/// Remembers everything that it recorded.
#[derive(Default)]
pub struct RecordingEar {
    heard: watch::Sender<Vec<Heard>>,
    failures: watch::Sender<usize>,
}

impl RecordingEar {
    /// What was recorded, in its order.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    /// Forgets what was recorded, and to fail.
    pub fn clear(&self) {
        self.heard.send_replace(Vec::new());
        self.failures.send_replace(0);
    }

    /// The next `times` things are not recorded.
    pub fn fail_next(&self, times: usize) {
        self.failures.send_replace(times);
    }

    /// Ends when as many failures are left; the way to know that something was refused.
    pub async fn wait_for_failures_left(&self, left: usize) {
        self.failures.subscribe().wait_for(|f| *f == left).await.expect("the ear lives");
    }

    /// Ends when what was recorded, states aside, are at least `n` things; answers with them.
    pub async fn wait_for(&self, n: usize) -> Vec<What> {
        let mut heard = self.heard.subscribe();
        let heard = heard.wait_for(|heard| without_states(heard).len() >= n).await.expect("the ear lives");
        without_states(&heard)
    }
}

fn without_states(heard: &[Heard]) -> Vec<What> {
    heard.iter().map(|h| h.what.clone()).filter(|w| !matches!(w, What::State { .. })).collect()
}

impl Ear for RecordingEar {
    fn hear(&self, heard: Heard) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move {
            // The moment in which a real ear commits.
            tokio::task::yield_now().await;
            if self.failures.send_if_modified(|left| std::mem::replace(left, left.saturating_sub(1)) > 0) {
                return Err(NotRecorded("the test said so".into()));
            }
            self.heard.send_modify(|all| all.push(heard));
            Ok(())
        })
    }
}
