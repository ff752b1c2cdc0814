//! Why things are as they are, where a connector says it. Reasons are stored in English; those that are known have a text
//! of their own in each language, and what a provider gave stands behind it.

use super::locale::Locale;
use crate::{
    connectors::registry::{KnownReason, known_reason},
    model::clock::Time,
};

impl Locale {
    /// A reason that a connector gave: in the reader's language where it is one of the sentences that are known, else as it
    /// is stored.
    pub fn reason(&self, stored: &str) -> String {
        let (sentence, given) = match known_reason(stored) {
            None => return stored.to_owned(),
            Some(KnownReason::LinkedPhone(name, given)) => (self.word("web_state", name), given),
            Some(KnownReason::Connector(name, given)) => (self.word("connector_state", name), given),
        };
        let given = Time::parse(given).map_or_else(|_| given.to_owned(), |at| self.full(&at));
        if given.is_empty() { sentence } else { format!("{}: {given}", sentence.trim_end_matches('.')) }
    }
}
