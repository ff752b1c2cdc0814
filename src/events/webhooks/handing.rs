//! Batches for brokers: what was claimed for one is handed over together, and settled as any attempt is.

use super::{
    Webhooks,
    claim::{ClaimedDelivery, ClaimedEvent},
    retry::{self, AttemptResult},
    settling::EndedAttempt,
};
use crate::{
    events::brokers::{BrokerAddress, BrokerMessage, BrokerOutcome},
    model::clock::Time,
};

impl Webhooks {
    /// Hands a batch to its broker: at least one delivery, all of one endpoint. What was not tried stays due, and is not
    /// in the answer.
    pub(super) async fn hand_over(&self, batch: Vec<ClaimedDelivery>) -> Vec<EndedAttempt> {
        let Some(ClaimedDelivery { endpoint, account, proof, .. }) = batch.first() else { return Vec::new() };
        let (endpoint, egress) = (*endpoint, self.egress.of_account(*account));
        let begun = self.clock.now();
        let outcomes = match BrokerAddress::parse(&proof.url) {
            Ok(address) => {
                let messages: Vec<BrokerMessage<'_>> = batch.iter().map(|one| message(one, &address, begun)).collect();
                self.brokers.publish((endpoint.0, &egress), &address, &messages).await
            }
            // Another version of the gateway took it.
            Err(why) => {
                let told = |_: &ClaimedDelivery| BrokerOutcome {
                    begun,
                    took: std::time::Duration::ZERO,
                    result: Err(why.to_string()),
                };
                batch.first().map(told).into_iter().map(Some).collect()
            }
        };
        let now = self.clock.now();
        let tried = batch.into_iter().zip(outcomes).filter_map(|(delivery, outcome)| Some((delivery, outcome?)));
        let ended: Vec<EndedAttempt> = tried.map(|(delivery, outcome)| self.ended(delivery, outcome, now)).collect();
        let works = ended.iter().any(|one| one.next == retry::RetryDecision::Delivered);
        self.breakers.note(endpoint, works, now);
        ended
    }

    fn ended(&self, delivery: ClaimedDelivery, outcome: BrokerOutcome, now: Time) -> EndedAttempt {
        let BrokerOutcome { begun, took, result } = outcome;
        let (brought, answer) = match result {
            Ok(answer) => (AttemptResult::Confirmed, answer),
            Err(why) => (AttemptResult::NoAnswer(why), String::new()),
        };
        // Asked where it counts alone: a batch has hundreds of these.
        let chance = if brought == AttemptResult::Confirmed { 0 } else { self.random.u64() };
        let next = retry::next(&brought, delivery.attempt, now, chance);
        EndedAttempt { delivery, begun, took, brought, answer, next }
    }
}

fn message<'a>(delivery: &'a ClaimedDelivery, address: &BrokerAddress, now: Time) -> BrokerMessage<'a> {
    let ClaimedDelivery { event, proof, conversation, .. } = delivery;
    let ClaimedEvent { id, name, body, instance } = &**event;
    BrokerMessage {
        id,
        name: address.name_for(name, instance),
        conversation: conversation.unwrap_or_default(),
        body,
        headers: proof.signer.standard_headers(id, now.seconds(), body),
    }
}
