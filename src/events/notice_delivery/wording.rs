//! The words of letters, each in its recipient's language.

use super::{AccountNotice, Letter};
use crate::{
    model::{clock::Time, plan::Zone},
    texts::{
        locale::{Lang, Locale},
        notices::words,
    },
};
use std::fmt::Write;

/// A letter in `language` (`en`, `ar`, `he`) about these; none: a test. `link`: where they are listed.
pub(super) fn letter(language: &str, told: &[AccountNotice], link: &str, now: Time) -> Letter {
    let locale = locale(language, now);
    let (mut subject, mut body) = (locale.count("notices.letter", told.len()), String::new());
    if let [only] = told {
        subject = words(&locale, &only.notice).title;
    } else if told.is_empty() {
        locale.t("notices.test_subject").clone_into(&mut subject);
        let _ = writeln!(body, "{}\n", locale.t("notices.test_text"));
    }
    for one in told {
        let words = words(&locale, &one.notice);
        let whose = if one.account.is_empty() { String::new() } else { format!(" ({})", one.account) };
        let since = locale.fill("notices.since", "time", locale.full(&one.notice.created_at));
        let _ = writeln!(body, "{}{whose}\n{}\n{since}", words.title, words.text);
        match &one.notice.cleared_at {
            Some(at) => drop(writeln!(body, "{}", locale.fill("notices.over_since", "time", locale.full(at)))),
            None => drop(writeln!(body, "{}", words.advice)),
        }
        body.push('\n');
    }
    let _ = write!(body, "{}\n{link}\n", locale.t("notices.letter_link"));
    Letter { subject: format!("{} · {}", subject, locale.t("common.product")), body }
}

/// One notice as one line, for programs that show it to people.
pub(super) fn line(language: &str, told: &AccountNotice) -> String {
    words(&locale(language, told.notice.created_at), &told.notice).text
}

fn locale(language: &str, now: Time) -> Locale {
    Locale::new(Lang::parse(language).unwrap_or(Lang::En), Zone::stored("UTC".into(), None), now)
}
