//! The fingerprint of a text, for the guard's repetition signal: equal for one text sent to many people.
//!
//! Rules: digits of any script, links and the recipient's names do not count, nor case, marks or disguises. A name that
//! nobody told the gateway is known by where it stands (`addressee.rs`). The number is stable across runs of one
//! version, because the guard's counters survive a restart.

use super::reading::{self, Reading};
use crate::model::text;
use sha2::{Digest, Sha256};

/// The fingerprint of `message` as it would be for anybody: `names` are the recipient's names as far as known.
pub fn fingerprint(message: &str, names: &[&str]) -> u64 {
    of(message, &reading::read(message), names)
}

/// The same of a message that was read already; `read` is all of it.
pub(super) fn of(message: &str, read: &Reading, names: &[&str]) -> u64 {
    let greeted = if read.greets { None } else { greeted(message) };
    let names: Vec<String> = names.iter().chain(&greeted).map(|n| text::words(n)).collect();
    // By its place, too: a name of another script looks like a disguise there.
    let again = greeted.map(|name| reading::read(&message.replacen(name, "@", 1)));
    let read = again.as_ref().unwrap_or(read);
    let mut hash = Sha256::new();
    // Several numbers in a row count as one, and so do the several parts of a name.
    let mut last = "";
    for word in read.text.split_ascii_whitespace() {
        let at = word.as_ptr() as usize - read.text.as_ptr() as usize;
        let known = read.names.overlap(at, at + 1) || names.iter().any(|n| n.split(' ').any(|part| part == word));
        let word = if known { "@" } else { word };
        if word == last && matches!(word, "#" | "@") {
            continue;
        }
        hash.update(word.as_bytes());
        hash.update(b" ");
        last = word;
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// How far into a message a greeting may reach, in characters, and how many words it has at most.
const GREETING: (usize, usize) = (40, 4);

/// The words of a greeting in any language that may be a name: "Anna" of "Anna: …", "Anna Smith" of "Salom Anna Smith, …".
fn greeted(message: &str) -> Option<&str> {
    let head = message.char_indices().nth(GREETING.0).map_or(message, |(at, _)| &message[..at]);
    let end = head.find([',', '!', ':', '\n', '،'])?;
    let (first, rest) = head[..end].trim().split_once(char::is_whitespace).unwrap_or(("", head[..end].trim()));
    let is_name = |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '’' | '-') || !c.is_ascii();
    let words = rest.split_whitespace().count() + usize::from(!first.is_empty());
    (words <= GREETING.1 && rest.chars().all(is_name)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_to_many_people_has_one_fingerprint() {
        let a = fingerprint("Dear Anna Smith, invoice 1001 of 12.50 EUR is due: https://x.example/1", &["Anna Smith"]);
        for (message, name) in [
            ("Dear Bob, invoice 99 of 7 EUR is due: https://x.example/2", "Bob"),
            ("DEAR BOB, invoice ٩٩ of 7 EUR is  due: https://x.example/zz", "Bob"),
            ("Dear J\u{200b}osé Luis, invoice 5 of 1,000.00 EUR is due: https://x.example/9", "Jose Luis"),
        ] {
            assert_eq!(fingerprint(message, &[name]), a, "{message}");
        }
        assert_ne!(fingerprint("Dear Bob, order 99 of 7 EUR is due: https://x.example/2", &["Bob"]), a);
        assert_ne!(fingerprint("Invoice 99 of 7 EUR is due to Bob: https://x.example/2", &[]), a);
    }

    #[test]
    fn a_name_behind_a_greeting_is_one_that_nobody_has_to_tell() {
        for (one, other) in [
            ("Anna, our new shop is open", "Karl, our new shop is open"),
            ("Hi Anna! Our new shop is open, Anna", "Hi Bob! Our new shop is open, Bob"),
            ("Hi Anna our new shop is open", "Hi Bob our new shop is open"),
            ("Estimada Ana María: ya abrimos", "Estimada Lucía: ya abrimos"),
            ("Sehr geehrte Frau Müller,\nwir sind umgezogen", "Sehr geehrte Frau Li,\nwir sind umgezogen"),
            ("Hello Anna, our new shop is open", "Hello Мария, our new shop is open"),
            ("The shop that you know is ready now, Anna", "The shop that you know is ready now, Bob"),
            ("مرحبا سارة، تم افتتاح المتجر", "مرحبا نورة، تم افتتاح المتجر"),
            ("שלום דנה, החנות נפתחה", "שלום רון, החנות נפתחה"),
        ] {
            assert_eq!(fingerprint(one, &[]), fingerprint(other, &[]), "{one}");
        }
        for (one, other) in [
            ("Your order is ready", "Your invoice is ready"),
            ("Hi Anna, your order is ready", "Hi Anna, your order is late"),
            ("Order 5: it is ready", "Ticket 5: it is ready"),
            ("The shop that you know by Anna is ready", "The shop that you know by Bob is ready"),
        ] {
            assert_ne!(fingerprint(one, &[]), fingerprint(other, &[]), "{one}");
        }
    }

    #[test]
    fn the_number_does_not_change_between_runs() {
        assert_eq!(fingerprint("", &[]), 0xe3b0_c442_98fc_1c14);
    }
}
