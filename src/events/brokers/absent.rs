//! In a build without brokers: no address of one is taken, so nothing is ever handed over.

use super::{
    address::BrokerAddress,
    message::{BrokerMessage, BrokerOutcome},
};
use crate::{
    egress::Egress,
    model::{clock::Clock, random::Random},
};
use std::sync::Arc;

/// No connections.
pub struct NoBrokers;

impl NoBrokers {
    /// Whatever it is given.
    pub fn new(_: Arc<dyn Clock>, _: Arc<dyn Random>) -> Self {
        Self
    }

    /// Tries nothing.
    #[expect(clippy::unused_async, reason = "as in a build with brokers")]
    pub async fn publish(
        &self,
        _: (i64, &Egress),
        _: &BrokerAddress,
        messages: &[BrokerMessage<'_>],
    ) -> Vec<Option<BrokerOutcome>> {
        vec![None; messages.len()]
    }

    /// There is nothing to hang up.
    pub fn sweep(&self) {}
}
