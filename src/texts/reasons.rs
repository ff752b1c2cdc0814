//! Why things are as they are, in the reader's language. Reasons are stored as the gateway wrote them, in English; those
//! that are known have a text of their own in each language. What a provider or a person wrote stays as it is.

use super::locale::{Lang, Locale, all};
use crate::{
    connectors::registry::{KnownReason, known_reason},
    model::{clock::Time, instance::InstanceState},
};
use std::{fmt::Display, sync::LazyLock};

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

/// A blank that holds a sentence of its own, which may be known again.
const REST: &str = "rest";
/// A blank that holds what a provider gave, in whatever words.
const GIVEN: &str = "given";

/// The sentences that are stored, as `assets/locales/en/reason.toml` has them with their blanks, by name: those with most
/// words of their own first, so that none hides behind one that says less.
static SENTENCES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let of_ours = |(key, text): (&'static String, &'static String)| Some((key.strip_prefix("reason.")?, text.as_str()));
    let mut found: Vec<_> = all(Lang::En).iter().filter_map(of_ours).collect();
    let words =
        |text: &str| text.split('{').map(|part| part.split('}').next_back().unwrap_or(part).len()).sum::<usize>();
    found.sort_by_key(|(name, text)| (std::cmp::Reverse(words(text)), *name));
    found
});

/// What stands in the blanks of a sentence; none: the text is another one.
fn blanks<'a>(sentence: &'static str, text: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let (mut sentence, mut text, mut found) = (sentence, text, Vec::new());
    while let Some((before, behind)) = sentence.split_once('{') {
        text = text.strip_prefix(before)?;
        let (name, after) = behind.split_once('}')?;
        let next = after.split('{').next().unwrap_or_default();
        let end = match next {
            "" => text.len(),
            last if last.len() == after.len() => text.strip_suffix(last)?.len(),
            next => text.find(next)?,
        };
        let (value, rest) = text.split_at(end);
        let is_free = name == REST || name == GIVEN;
        if value.is_empty() || (!is_free && value.contains(' ')) {
            return None;
        }
        found.push((name, value));
        (sentence, text) = (after, rest);
    }
    (text == sentence).then_some(found)
}

impl Locale {
    /// A reason as it was stored: in the reader's language where it is one of the sentences that are known, else as it is.
    pub fn reason(&self, stored: &str) -> String {
        let (sentence, given) = match known_reason(stored) {
            None => return self.sentence(stored),
            Some(KnownReason::LinkedPhone(name, given)) => (self.word("web_state", name), given),
            Some(KnownReason::Connector(name, given)) => (self.word("connector_state", name), given),
        };
        let given = Time::parse(given).map_or_else(|_| self.reason(given), |at| self.full(&at));
        if given.is_empty() { sentence } else { format!("{}: {given}", sentence.trim_end_matches('.')) }
    }

    /// Why a delivery failed, or an endpoint is disabled.
    pub fn why_undelivered(&self, stored: &str) -> String {
        match delivery_word(stored) {
            None => stored.to_owned(),
            Some((name, "")) => self.word("delivery_why", name),
            Some((name, detail)) => format!("{}: {}", self.word("delivery_why", name), self.reason(detail)),
        }
    }

    /// Whatever is no state of a connector's.
    fn sentence(&self, stored: &str) -> String {
        if self.lang == Lang::En {
            return stored.to_owned();
        }
        let text = stored.trim_end_matches([':', ' ']);
        let known = SENTENCES.iter().find_map(|(name, sentence)| Some((name, blanks(sentence, text)?)));
        let Some((name, blanks)) = known else { return self.why_undelivered(stored) };
        let values: Vec<(&str, String)> =
            blanks.into_iter().map(|(name, value)| (name, self.blank(name, value))).collect();
        let values: Vec<(&str, &dyn Display)> =
            values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        self.fill_text(&self.word("reason", name), &values)
    }

    /// What stands in a blank, in the reader's language as far as it is ours.
    fn blank(&self, name: &str, value: &str) -> String {
        match name {
            REST => self.reason(value),
            "state" if InstanceState::parse(value).is_some() => self.word("state", value),
            "part" => self.word("reason_part", value),
            _ => value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connectors::meta_error::words_of, model::plan::Zone};

    fn locale(lang: Lang) -> Locale {
        Locale::new(lang, Zone::stored("UTC".into(), None), Time::from_millis(0))
    }

    /// Whether three words of Latin letters stand in a row, none of them a name.
    fn is_english(text: &str) -> bool {
        let is_plain = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        let words: Vec<&str> = text.split([' ', '\u{2068}', '\u{2069}', ':', ',', ';']).collect();
        words.windows(3).any(|three| three.iter().all(|word| is_plain(word)))
    }

    #[test]
    fn every_reason_of_a_delivery_has_a_word_in_every_language() {
        for lang in Lang::ALL {
            for (_, name) in DELIVERY {
                assert_ne!(locale(*lang).word("delivery_why", name), *name, "{lang} {name}");
            }
        }
    }

    #[test]
    fn what_metas_codes_mean_is_there_in_every_language() {
        let mut seen = 0;
        for code in (-10..400).chain(613..614).chain(80_000..81_000).chain(130_000..140_000) {
            let Some(words) = words_of(code) else { continue };
            let (stored, there) = (format!("{words} (Meta's code {code})"), "set it anew at the Evolution server");
            let over_evolution = stored.replace("set access_token anew", there);
            for lang in [Lang::Ar, Lang::He] {
                for text in [&stored, &over_evolution] {
                    let told = locale(lang).reason(text);
                    assert!(told.contains(&code.to_string()) && !is_english(&told), "{lang}: {text}: {told}");
                }
                assert_eq!(locale(Lang::En).reason(&stored), stored);
            }
            seen += 1;
        }
        assert!(seen > 60, "{seen} codes");
    }

    #[test]
    fn a_sentence_in_a_sentence_is_told_in_the_readers_language_too() {
        let paused = "the instance was paused while it waited: 3 messages within 60 min violated the content policy";
        let closed =
            "the instance is not open, it is close: Meta has locked this business account (Meta's code 131031)";
        let nameless =
            "Meta's API cannot be reached: the name cannot be resolved: there is no such name, or it has no address";
        let refused =
            "the Evolution server cannot be reached: no connection: 127.0.0.1:9: Connection refused (os error 111)";
        for lang in [Lang::Ar, Lang::He] {
            for text in [paused, closed, nameless, refused, "no connection: nobody answered in time"] {
                let told = locale(lang).reason(text);
                assert!(!is_english(&told), "{lang}: {text}: {told}");
            }
        }
        let told = locale(Lang::He).reason(closed);
        assert!(told.contains("מנותק") && told.contains("131031"), "{told}");
        assert!(locale(Lang::Ar).reason(refused).contains("127.0.0.1:9"));
    }

    #[test]
    fn what_somebody_else_wrote_stays_as_it_is() {
        for text in [
            "a complaint of a customer",
            "Meta answered",
            "",
            ": ",
            "3 messages within an hour violated the content policy",
        ] {
            assert_eq!(locale(Lang::Ar).reason(text), text);
        }
        let given = locale(Lang::Ar).reason("Meta answered 999: (#999) of Meta's own words: {rest}");
        assert!(given.contains("(#999) of Meta's own words: {rest}"), "{given}");
    }

    #[test]
    fn the_blanks_of_a_sentence_are_found() {
        assert_eq!(
            blanks("{n} messages within {m} min", "3 messages within 60 min"),
            Some(vec![("n", "3"), ("m", "60")])
        );
        assert_eq!(blanks("{rest} (code {code})", "a b (code 7)"), Some(vec![("rest", "a b"), ("code", "7")]));
        assert_eq!(blanks("it is {state}", "it is close: why"), None, "one word");
        assert_eq!(blanks("no words: {rest}", "no words: "), None);
        assert_eq!(blanks("as it is", "as it is not"), None);
    }
}
