//! The fingerprint of a text, for the guard's repetition signal: equal for one text sent to many people.
//!
//! Rules: digits of any script, links and the recipient's names do not count, nor case, marks or disguises. The number
//! is stable across runs of one version, because the guard's counters survive a restart.

use super::reading;
use crate::model::text;
use sha2::{Digest, Sha256};

/// The fingerprint of `message` as it would be for anybody: `names` are the recipient's names as far as known.
pub fn fingerprint(message: &str, names: &[&str]) -> u64 {
    let names: Vec<String> = names.iter().map(|n| text::words(n)).collect();
    let mut hash = Sha256::new();
    // Several numbers in a row count as one, and so do the several parts of a name.
    let mut last = "";
    let read = reading::read(message);
    for word in read.text.split_ascii_whitespace() {
        let known = names.iter().any(|n| n.split(' ').any(|part| part == word));
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
        assert_ne!(fingerprint("Dear Bob, invoice 99 of 7 EUR is due: https://x.example/2", &[]), a);
    }

    #[test]
    fn the_number_does_not_change_between_runs() {
        assert_eq!(fingerprint("", &[]), 0xe3b0_c442_98fc_1c14);
    }
}
