//! An event as a broker gets it, and what came of handing it over.

use crate::model::clock::Time;
use bytes::Bytes;
use std::time::Duration;

/// An event as a broker gets it.
#[derive(Clone)]
pub struct BrokerMessage<'a> {
    /// The event's id, by which a reader knows a repeat.
    pub id: &'a str,
    /// Where in the broker it goes.
    pub name: String,
    /// Which events it must not overtake: those with the same number.
    pub conversation: i64,
    /// The bytes.
    pub body: &'a Bytes,
    /// What goes beside them.
    pub headers: Vec<(&'static str, String)>,
}

/// What came of handing an event to a broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerOutcome {
    pub begun: Time,
    pub took: Duration,
    /// The broker has it, with what it said; or why it has not.
    pub result: Result<String, String>,
}
