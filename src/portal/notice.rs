//! Words for notices, on the page and in letters: what happened, why, what to do.

use crate::texts::locale::{Lang, Locale};
use crate::{
    accounts::notices::{Notice, NoticeKind},
    events::notice_delivery::{AccountNotice, Letter, Wording},
    model::{clock::Time, plan::Zone},
};
use serde_json::Value;
use std::fmt::{Display, Write};

/// A notice in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// What happened, in two or three words.
    pub title: String,
    /// The same with its figures.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// What texts of notices may name.
const NAMES: &[&str] =
    &["name", "reason", "url", "period", "limit", "used", "until", "free_mb", "subject", "daily", "monthly", "answer"];

/// A notice in the words of a language.
pub fn words(locale: &Locale, notice: &Notice) -> Words {
    let value = |name: &str| match (name, &notice.parameters[name]) {
        ("subject", _) => notice.subject.clone(),
        ("until", Value::String(text)) => Time::parse(text).map_or_else(|_| text.clone(), |t| locale.date(&t)),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => "–".to_owned(),
        (_, other) => other.to_string(),
    };
    let values: Vec<(&str, String)> = NAMES.iter().map(|name| (*name, value(name))).collect();
    let values: Vec<(&str, &dyn Display)> = values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
    Words {
        title: locale.word("notice_title", &notice.kind),
        text: locale.fill_text(&locale.word("notice_text", &notice.kind), &values),
        advice: locale.word("notice_advice", &notice.kind),
    }
}

/// Where to mend it.
pub fn link(notice: &Notice) -> &'static str {
    match NoticeKind::parse(&notice.kind) {
        Some(NoticeKind::EndpointDisabled) => "/webhooks",
        Some(
            NoticeKind::InstanceDisconnected
            | NoticeKind::InstancePaused
            | NoticeKind::ProviderNews
            | NoticeKind::TemplateMarketing,
        ) => "/instances",
        Some(NoticeKind::LimitNear | NoticeKind::LimitReached) => "/overview",
        Some(NoticeKind::LimitRequested) => "/admin/requests",
        Some(NoticeKind::LimitDecided) => "/account",
        Some(NoticeKind::BackupFailed) => "/docs/backup",
        Some(NoticeKind::CertificateEnding | NoticeKind::DiskNearlyFull) | None => "/docs/install",
    }
}

/// How grave it is: the tone of its mark.
pub fn tone(notice: &Notice) -> &'static str {
    let is_warning = matches!(
        NoticeKind::parse(&notice.kind),
        Some(
            NoticeKind::LimitNear
                | NoticeKind::EndpointDisabled
                | NoticeKind::ProviderNews
                | NoticeKind::TemplateMarketing
                | NoticeKind::LimitRequested
                | NoticeKind::LimitDecided
        )
    );
    if notice.cleared_at.is_some() {
        "ok"
    } else if is_warning {
        "warn"
    } else {
        "bad"
    }
}

/// The words of letters.
pub struct Letters;

fn locale(language: &str, now: Time) -> Locale {
    Locale::new(Lang::parse(language).unwrap_or(Lang::En), Zone::stored("UTC".into(), None), now)
}

impl Wording for Letters {
    fn letter(&self, language: &str, told: &[AccountNotice], link: &str, now: Time) -> Letter {
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

    fn line(&self, language: &str, told: &AccountNotice) -> String {
        words(&locale(language, told.notice.created_at), &told.notice).text
    }
}
