//! The order in which a batch of events goes to a broker: those of one conversation each after the confirmation of the
//! one before, those of different conversations side by side. What follows a failure in its conversation is not tried.

use super::message::{BrokerMessage, BrokerOutcome};
use crate::model::clock::Time;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The events of one batch, and how far they are.
pub struct Batch<'a> {
    pub messages: &'a [BrokerMessage<'a>],
    /// What came of each; none: it was not tried, or was and nothing came back yet.
    pub outcomes: Vec<Option<BrokerOutcome>>,
    /// The next of each conversation that may go.
    ready: VecDeque<usize>,
    /// The later ones of each conversation.
    behind: HashMap<i64, VecDeque<usize>>,
    /// Who waits for a confirmation, and since when.
    in_flight: BTreeMap<usize, Time>,
}

impl<'a> Batch<'a> {
    pub fn new(messages: &'a [BrokerMessage<'a>]) -> Self {
        let (mut ready, mut behind) = (VecDeque::new(), HashMap::<i64, VecDeque<usize>>::new());
        for (n, message) in messages.iter().enumerate() {
            behind.entry(message.conversation).or_insert_with(|| {
                ready.push_back(n);
                VecDeque::new()
            });
            if ready.back() != Some(&n) {
                behind.entry(message.conversation).or_default().push_back(n);
            }
        }
        Self { messages, outcomes: vec![None; messages.len()], ready, behind, in_flight: BTreeMap::new() }
    }

    /// The next one that may go, which begins now.
    pub fn begin(&mut self, now: Time) -> Option<usize> {
        let n = self.ready.pop_front()?;
        self.in_flight.insert(n, now);
        Some(n)
    }

    /// A broker said what became of one.
    pub fn settle(&mut self, (n, result): (usize, Result<String, String>), now: Time) {
        let Some(begun) = self.in_flight.remove(&n) else { return };
        if result.is_ok() {
            let next = self.behind.get_mut(&self.messages[n].conversation).and_then(VecDeque::pop_front);
            self.ready.extend(next);
        }
        self.outcomes[n] = Some(BrokerOutcome { begun, took: now.since(begun), result });
    }

    /// The connection is gone: what waited for its confirmation goes first over the next one.
    pub fn again(&mut self) {
        let waited = std::mem::take(&mut self.in_flight);
        waited.into_keys().rev().for_each(|n| self.ready.push_front(n));
    }

    /// The connection is gone, or none came about: what waited for its confirmation has failed, or else the first that
    /// would have gone.
    pub fn fail(&mut self, why: &str, now: Time) {
        if self.in_flight.is_empty() {
            self.begin(now);
        }
        for n in self.in_flight.keys().copied().collect::<Vec<_>>() {
            self.settle((n, Err(why.to_owned())), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static EMPTY: bytes::Bytes = bytes::Bytes::new();
    const NOW: Time = Time::from_millis(1_800_000_000_000);

    fn messages(conversations: &[i64]) -> Vec<BrokerMessage<'static>> {
        let one = |conversation: &i64| BrokerMessage {
            id: "",
            name: String::new(),
            conversation: *conversation,
            body: &EMPTY,
            headers: Vec::new(),
        };
        conversations.iter().map(one).collect()
    }

    fn go(batch: &mut Batch<'_>) -> Vec<usize> {
        let mut gone = Vec::new();
        while let Some(n) = batch.begin(NOW) {
            gone.push(n);
        }
        gone
    }

    fn settle(batch: &mut Batch<'_>, n: usize, result: Result<(), &str>) {
        batch.settle((n, result.map(|()| String::new()).map_err(str::to_owned)), NOW);
    }

    #[test]
    fn one_of_each_conversation_goes_and_the_next_after_its_confirmation() {
        let all = messages(&[1, 1, 2, 3, 1, 2]);
        let mut batch = Batch::new(&all);
        assert_eq!(go(&mut batch), [0, 2, 3]);
        settle(&mut batch, 2, Ok(()));
        assert_eq!(go(&mut batch), [5]);
        settle(&mut batch, 3, Ok(()));
        assert_eq!(go(&mut batch), [0; 0], "it was the last of its conversation");
        settle(&mut batch, 0, Ok(()));
        assert_eq!(go(&mut batch), [1]);
        settle(&mut batch, 1, Err("full"));
        assert_eq!(go(&mut batch), [0; 0], "4 would overtake 1");
        settle(&mut batch, 5, Ok(()));
        let results: Vec<Option<bool>> = batch.outcomes.iter().map(|o| o.as_ref().map(|o| o.result.is_ok())).collect();
        assert_eq!(results, [Some(true), Some(false), Some(true), Some(true), None, Some(true)]);
        assert!(batch.in_flight.is_empty());
    }

    #[test]
    fn a_lost_connection_is_one_failure_of_each_that_waited_or_of_the_first() {
        let all = messages(&[1, 2, 1]);
        let mut batch = Batch::new(&all);
        assert_eq!(go(&mut batch), [0, 1]);
        batch.again();
        assert_eq!(go(&mut batch), [0, 1], "in the same order");
        batch.fail("gone", NOW);
        assert!(batch.outcomes[0].is_some() && batch.outcomes[1].is_some() && batch.outcomes[2].is_none());
        let mut batch = Batch::new(&all);
        batch.fail("nobody there", NOW);
        assert!(batch.outcomes[0].is_some() && batch.outcomes[1].is_none());
    }
}
