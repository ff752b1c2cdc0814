//! What every broker's client comes to for a publisher: an open connection that takes events and says what became of each.
//! It is made once; whoever needs another one opens it.

use super::message::BrokerMessage;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// How long it may take until a broker takes events, from the first byte on.
pub const GREETED_WITHIN: Duration = Duration::from_secs(5);
/// Events that wait for their confirmation at once.
pub const IN_FLIGHT_MAX: usize = 512;
/// As the log of attempts has them.
pub const LATE: &str = "no whole answer in time";
pub const BROKE: &str = "the connection broke";
/// What is kept of a broker's words, in bytes.
const WORDS_MAX: usize = 300;

/// An open connection whose greeting is over. Whoever drops it has said goodbye, where the protocol has a word for it, and
/// waits for nobody.
pub trait BrokerLine: Send + Sync {
    /// Hands an event over, and ends when the broker has confirmed it, with what it said.
    fn publish<'a>(&'a self, message: &'a BrokerMessage<'a>) -> BoxFuture<'a, Result<String, PublishFailure>>;
}

/// Why a broker has not confirmed an event.
#[derive(PartialEq, Eq, Debug)]
pub enum PublishFailure {
    /// It does not take this one; others may follow.
    Refused(String),
    /// Nobody knows, and the connection is of no more use.
    Broken(String),
}

/// What a broker said, as the log of attempts has it: its beginning, on one line.
pub fn refused(why: &str) -> String {
    let words: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("the broker refused: {}", &words[..words.floor_char_boundary(WORDS_MAX.min(words.len()))])
}

/// No connection that events can go over.
pub fn unconnected(why: &str) -> String {
    format!("no connection: {}", why.chars().take(WORDS_MAX).collect::<String>())
}
