//! Why things are as they are, in the reader's language. Reasons are stored as the gateway wrote them, in English; those that
//! are known have a text of their own here. What a provider or a person wrote stays as it is.

use super::PageContext;

/// Why a delivery failed or an endpoint was disabled: how the stored text begins, and its word in `delivery_why.…`. What
/// follows is a figure or a detail, and stands behind the word.
const DELIVERY: &[(&str, &str)] = &[
    ("answered ", "answered"),
    ("no whole answer in time", "late"),
    ("the connection broke", "broke"),
    ("no connection: ", "no_connection"),
    ("no TLS connection: ", "no_tls"),
    ("the name cannot be resolved: ", "no_name"),
    ("the broker refused: ", "broker"),
    ("the address cannot be reached, or may not be called", "closed"),
    ("the endpoint was deleted", "deleted"),
    ("switched off by hand", "by_hand"),
    ("disabled by hand", "by_hand"),
    ("five days of nothing but failures", "five_days"),
    ("the receiver answered 410 Gone", "gone"),
];
/// The words behind which what follows is told.
const WITH_DETAIL: &[&str] = &["answered", "no_connection", "no_tls", "no_name", "broker"];

/// The word of a stored text, and the detail that stands behind it; none: it is not one of ours.
pub fn delivery_word(stored: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = DELIVERY.iter().find_map(|(begin, name)| Some((*name, stored.strip_prefix(begin)?)))?;
    Some((name, if WITH_DETAIL.contains(&name) { rest } else { "" }))
}

impl PageContext {
    /// Why a delivery failed, or an endpoint is disabled.
    pub fn why_undelivered(&self, stored: &str) -> String {
        match delivery_word(stored) {
            None => stored.to_owned(),
            Some((name, "")) => self.word("delivery_why", name),
            Some((name, detail)) => format!("{}: {detail}", self.word("delivery_why", name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{clock::Time, plan::Zone},
        texts::locale::{Lang, Locale},
    };

    #[test]
    fn every_reason_has_a_word_in_every_language() {
        for lang in Lang::ALL {
            let locale = Locale::new(*lang, Zone::stored("UTC".into(), None), Time::from_millis(0));
            for (_, name) in DELIVERY {
                assert_ne!(locale.word("delivery_why", name), *name, "{lang} {name}");
            }
        }
    }
}
