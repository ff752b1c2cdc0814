//! Languages: every text of the pages by its key, in English, Arabic and Hebrew; plurals, numbers and times by locale.
//!
//! The texts are `assets/locales/{language}/{file}.toml`; a key is `file.name`. A test holds that every key that a page
//! uses is there in all three languages, that none is unused, and that placeholders agree.
//!
//! Digits are 0 to 9 in all three: phones, limits and codes are compared with what other programs show.

use crate::{
    model::{clock::Time, plan::Zone, string_enum::string_enum, why::Why},
    texts::packed::LOCALES,
};
use std::{
    collections::HashMap,
    fmt::{Display, Write},
    sync::LazyLock,
};

string_enum! {
    /// A language of the pages.
    Lang {
        En = "en",
        Ar = "ar",
        He = "he",
    }
}

impl Lang {
    /// `ltr` or `rtl`.
    pub const fn dir(self) -> &'static str {
        match self {
            Self::En => "ltr",
            Self::Ar | Self::He => "rtl",
        }
    }

    /// Its own name.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ar => "العربية",
            Self::He => "עברית",
        }
    }

    /// The first of these that a browser asks for in `Accept-Language`.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut asked: Vec<(f32, Self)> = header
            .split(',')
            .filter_map(|part| {
                let mut pieces = part.trim().split(';');
                let tag = pieces.next()?.trim().to_ascii_lowercase();
                let lang = Self::parse(tag.split('-').next()?)?;
                let q = pieces.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
                (q > 0.0).then_some((q, lang))
            })
            .collect();
        asked.sort_by(|a, b| b.0.total_cmp(&a.0));
        asked.first().map(|(_, lang)| *lang)
    }

    /// The plural form of `n`, as CLDR names it.
    const fn plural(self, n: u64) -> &'static str {
        match (self, n) {
            (Self::Ar, 0) => "zero",
            (_, 1) => "one",
            (Self::Ar | Self::He, 2) => "two",
            (Self::Ar, _) if n % 100 >= 3 && n % 100 <= 10 => "few",
            (Self::Ar, _) if n % 100 >= 11 => "many",
            _ => "other",
        }
    }
}

type Texts = HashMap<String, String>;

static TEXTS: LazyLock<HashMap<Lang, Texts>> =
    LazyLock::new(|| Lang::ALL.iter().map(|lang| (*lang, load(*lang))).collect());

fn load(lang: Lang) -> Texts {
    let mut texts = Texts::new();
    let prefix = format!("{lang}/");
    for path in LOCALES.names().filter(|path| path.starts_with(&prefix)) {
        let name = path.trim_start_matches(&prefix).trim_end_matches(".toml");
        let table: toml::Table = toml::from_str(&LOCALES.text(path).unwrap_or_default()).unwrap_or_default();
        flatten(name, &table, &mut texts);
    }
    texts
}

fn flatten(prefix: &str, table: &toml::Table, out: &mut Texts) {
    for (key, value) in table {
        let key = format!("{prefix}.{key}");
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, out),
            toml::Value::String(text) => drop(out.insert(key, text.clone())),
            _ => {}
        }
    }
}

/// A language, and the zone that times are shown in.
#[derive(Clone)]
pub struct Locale {
    pub lang: Lang,
    pub zone: Zone,
    /// The same, as it holds now.
    pub time_zone: jiff::tz::TimeZone,
    /// The moment that "ago" is counted from.
    pub now: Time,
}

impl Locale {
    /// The language and the zone at this moment.
    pub fn new(lang: Lang, zone: Zone, now: Time) -> Self {
        let time_zone = zone.time_zone_at(now);
        Self { lang, zone, time_zone, now }
    }

    /// The text of a key; the key itself where there is none, which a test keeps from happening.
    pub fn t(&self, key: &'static str) -> &'static str {
        text(self.lang, key).unwrap_or(key)
    }

    /// The text of one of a family of keys, such as `word("status", "sent")` for `status.sent`; the name itself where
    /// it is none of them.
    pub fn word(&self, family: &str, name: impl Display) -> String {
        let name = name.to_string();
        text(self.lang, &format!("{family}.{name}")).map_or(name, str::to_owned)
    }

    /// What kind of message it is; for a provider's word that the gateway does not know, just that.
    pub fn kind(&self, kind: &str) -> String {
        let word = self.word("kind", kind);
        if word == kind || kind == "not_known" { self.fill("kind.not_known", "kind", kind) } else { word }
    }

    /// A text with one `{placeholder}` filled in.
    pub fn fill(&self, key: &'static str, name: &str, value: impl Display) -> String {
        self.fill_all(key, &[(name, &value)])
    }

    /// A text with its placeholders filled in. Values are isolated, so that a phone keeps its order in a text that runs
    /// the other way.
    pub fn fill_all(&self, key: &'static str, values: &[(&str, &dyn Display)]) -> String {
        self.filled(self.t(key), values)
    }

    /// The plural form for `n` of a family of texts (`key.one`, `key.other`, …), with `{n}` filled in.
    pub fn count(&self, key: &str, n: impl WholeNumber) -> String {
        let n = n.figure();
        let form = text(self.lang, &format!("{key}.{}", self.lang.plural(n)));
        let chosen = form.or_else(|| text(self.lang, &format!("{key}.other"))).unwrap_or("{n}");
        self.filled(chosen, &[("n", &self.number(n))])
    }

    /// A text that was looked up already, with its placeholders filled in.
    pub fn fill_text(&self, text: &str, values: &[(&str, &dyn Display)]) -> String {
        self.filled(text, values)
    }

    /// What a signal of the content policy means; `reason` is what its rule says, for rules that are the administrator's.
    pub fn signal(&self, id: &str, reason: &str) -> String {
        let known = id.replace('.', "_");
        let text = self.word("signal", &known);
        if self.lang == Lang::En || text == known { reason.to_owned() } else { text }
    }

    /// What a slice says was wrong and would be right.
    pub fn why(&self, why: &Why) -> String {
        let Some(text) = text(self.lang, &format!("wrong.{}", why.name())) else { return why.to_string() };
        let figures: Vec<(&str, &dyn Display)> =
            why.figures().iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        self.filled(text, &figures)
    }

    fn filled(&self, template: &str, values: &[(&str, &dyn Display)]) -> String {
        let isolate = self.lang.dir() == "rtl";
        let mut out = template.to_owned();
        for (name, value) in values {
            let value = if isolate { format!("\u{2068}{value}\u{2069}") } else { value.to_string() };
            out = out.replace(&format!("{{{name}}}"), &value);
        }
        out
    }

    /// A whole number with its thousands set apart.
    pub fn number(&self, n: impl WholeNumber) -> String {
        let digits = n.figure().to_string();
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        out
    }

    /// `3 min ago`; beyond a week the date.
    pub fn ago(&self, time: &Time) -> String {
        let seconds = self.now.since(*time).as_secs();
        match seconds {
            0..60 => self.t("common.just_now").to_owned(),
            60..3600 => self.count("common.minutes_ago", seconds / 60),
            3600..86_400 => self.count("common.hours_ago", seconds / 3600),
            86_400..604_800 => self.count("common.days_ago", seconds / 86_400),
            _ => self.date(time),
        }
    }

    /// The day, such as `8 May 2026`.
    pub fn date(&self, time: &Time) -> String {
        let local = self.local(time);
        format!("{} {} {}", local.day(), self.month(local.month()), local.year())
    }

    /// When the day of `now` began.
    pub fn day_begins(&self) -> Time {
        let midnight = self.local(&self.now).start_of_day();
        midnight.map_or(self.now, |at| Time::from_millis(at.timestamp().as_millisecond()))
    }

    /// Day and time to the second, such as `8 May 2026, 10:02:31`.
    pub fn exact(&self, time: &Time) -> String {
        let local = self.local(time);
        let comma = self.t("common.comma");
        format!("{}{comma} {:02}:{:02}:{:02}", self.date(time), local.hour(), local.minute(), local.second())
    }

    /// The time of the day to the millisecond.
    pub fn clock(&self, time: &Time) -> String {
        let local = self.local(time);
        format!("{:02}:{:02}:{:02}.{:03}", local.hour(), local.minute(), local.second(), local.millisecond())
    }

    /// What a pointer resting on a time is shown: exact, with the zone.
    pub fn full(&self, time: &Time) -> String {
        format!("{} ({})", self.exact(time), self.zone.name_at(self.now))
    }

    /// A time as the `datetime` attribute wants it.
    pub fn machine(&self, time: &Time) -> String {
        time.rfc3339()
    }

    /// The short name of a month, 1 to 12.
    pub fn month(&self, month: i8) -> &'static str {
        let index = usize::try_from(month - 1).unwrap_or(0);
        self.t("common.months").split('|').nth(index).unwrap_or_default()
    }

    /// A size in bytes for people.
    pub fn size(&self, bytes: impl WholeNumber) -> String {
        let bytes = bytes.figure();
        let mut out = String::new();
        let (unit, divisor) = match bytes {
            0..1024 => ("B", 1),
            1024..1_048_576 => ("KiB", 1024),
            1_048_576..1_073_741_824 => ("MiB", 1_048_576),
            _ => ("GiB", 1_073_741_824),
        };
        let tenths = bytes * 10 / divisor;
        let _ = write!(out, "{}", tenths / 10);
        if divisor > 1 && tenths < 1000 {
            let _ = write!(out, ".{}", tenths % 10);
        }
        // Kept in its order where the text around it runs the other way.
        format!("\u{2066}{out}\u{a0}{unit}\u{2069}")
    }

    fn local(&self, time: &Time) -> jiff::Zoned {
        time.timestamp().to_zoned(self.time_zone.clone())
    }
}

/// A whole number that is shown; what is below zero is shown as zero.
pub trait WholeNumber {
    fn figure(&self) -> u64;
}

macro_rules! figures {
    ($($kind:ty),+) => {$(
        impl WholeNumber for $kind {
            fn figure(&self) -> u64 {
                u64::try_from(*self).unwrap_or(0)
            }
        }
    )+};
}
figures!(u64, i64, u32, i32, usize);

impl<T: WholeNumber> WholeNumber for &T {
    fn figure(&self) -> u64 {
        (*self).figure()
    }
}

fn text(lang: Lang, key: &str) -> Option<&'static str> {
    TEXTS.get(&lang).and_then(|texts| texts.get(key)).map(String::as_str)
}

/// Every key of a language with its text, for tests.
pub fn all(lang: Lang) -> &'static HashMap<String, String> {
    &TEXTS[&lang]
}
