//! Whether anything still happens on a connection. A tick looks every now and then; requests pay a few counters and no
//! timer.
//!
//! hyper has one time-out for "no header yet", which also ends idle connections. We want two: a short one for who sends
//! nothing or drips a header, a longer one for a client that keeps a good connection. hyper has none for a client that
//! does not take its answer.

use super::{ServerLimits, table::ConnectionSlot};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};

/// Bytes that are an answer on its way. Less may be HTTP/2's pings, which say nothing.
const PINGS: u64 = 512;

/// How often to look.
pub(super) fn step(limits: &ServerLimits) -> Duration {
    limits.header.min(limits.idle) / 2
}

/// What the last looks saw.
#[derive(Default)]
pub(super) struct Watch {
    requests: u64,
    written: u64,
    /// How long nothing has been under way.
    quiet: Duration,
    /// How long the client has been owing a header.
    partial: Duration,
    /// How long the client has not been taking what is written.
    blocked: Duration,
}

impl Watch {
    /// Whether nothing happened for too long; `since` is the time since the last look.
    pub(super) fn is_over(&mut self, slot: &ConnectionSlot, limits: &ServerLimits, since: Duration, h2: bool) -> bool {
        let (requests, written) = (slot.requests.load(Relaxed), slot.written.load(Relaxed));
        let moved = requests != self.requests || written - self.written > if h2 { PINGS } else { 0 };
        (self.requests, self.written) = (requests, written);
        self.blocked =
            if slot.slot_state.blocked.load(Relaxed) && !moved { self.blocked + since } else { Duration::ZERO };
        if self.blocked >= limits.idle {
            return true;
        }
        if moved || !slot.slot_state.is_idle() {
            (self.quiet, self.partial) = Default::default();
            return false;
        }
        self.quiet += since;
        // HTTP/2 reads frames that are no requests; its own keep-alive judges them.
        if !h2 && (slot.reads.load(Relaxed) > 0 || requests == 0) {
            self.partial += since;
        }
        self.partial >= limits.header || self.quiet >= limits.idle
    }
}
