//! Nothing is written to WhatsApp before what it told until then is on disk.
//!
//! The library acknowledges receipts, calls and notices by itself, as soon as it has told them; only for messages does it
//! wait. What a frame says cannot be seen where it is written, so every frame waits for what was told before it: a kill
//! loses nothing that WhatsApp takes for known.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use whatsapp_rust::anyhow;

/// Stands between what is told and what is written, for all connections of an instance.
#[derive(Default)]
pub(super) struct WriteGate {
    /// So many things were told since the instance began.
    told: AtomicU64,
    now: watch::Sender<GateState>,
    /// So many frames were written since the instance began, or may have been.
    written: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct GateState {
    /// So many of them are recorded, in their order.
    recorded: u64,
    closing: Closing,
}

/// What becomes of frames that would have to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Closing {
    /// They wait.
    #[default]
    No,
    /// Nobody records any more: they are not written, and WhatsApp tells the same again.
    Refused,
    /// The login ends with the connection, and with it whatever could be told again: they go.
    LetThrough,
}

impl WriteGate {
    /// Something is told; called before anything that follows from it can be written.
    pub(super) fn told(&self) {
        self.told.fetch_add(1, Ordering::AcqRel);
    }

    /// The next so many things that were told are recorded.
    pub(super) fn recorded(&self, how_many: u64) {
        self.now.send_modify(|now| now.recorded += how_many);
    }

    /// A frame is handed to the connection.
    pub(super) fn writes(&self) {
        self.written.fetch_add(1, Ordering::AcqRel);
    }

    /// How many were: whatever failed while this did not change has surely not left.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub(super) fn close(&self, how: Closing) {
        self.now.send_modify(|now| now.closing = how);
    }

    /// Ends when all that was told until now is recorded.
    ///
    /// # Errors
    /// It will not be, by this connection.
    pub(super) async fn pass(&self) -> anyhow::Result<()> {
        let told = self.told.load(Ordering::Acquire);
        let mut now = self.now.subscribe();
        let now = *now.wait_for(|now| now.recorded >= told || now.closing != Closing::No).await?;
        if now.recorded >= told || now.closing == Closing::LetThrough {
            return Ok(());
        }
        anyhow::bail!("the connection ends, and what was told before this is not recorded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, poll};

    #[tokio::test]
    async fn a_frame_waits_for_what_was_told_before_it_and_for_nothing_else() {
        let gate = WriteGate::default();
        gate.pass().await.expect("nothing was told");
        gate.told();
        gate.told();
        let mut first = Box::pin(gate.pass());
        assert!(poll!(&mut first).is_pending());
        gate.told();
        gate.recorded(1);
        assert!(poll!(&mut first).is_pending());
        gate.recorded(1);
        first.await.expect("both are recorded, the third came later");
        let mut second = Box::pin(gate.pass());
        assert!(poll!(&mut second).is_pending());
        gate.close(Closing::Refused);
        second.await.expect_err("it will not be");
        gate.close(Closing::LetThrough);
        gate.pass().now_or_never().expect("at once").expect("it goes");
        gate.close(Closing::No);
        assert!(gate.pass().now_or_never().is_none());
        gate.recorded(1);
        gate.pass().await.expect("all is recorded");
    }
}
