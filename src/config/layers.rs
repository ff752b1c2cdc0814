//! The layers of the configuration: a file, the environment, flags. Each becomes a tree of values that has only known
//! keys, and remembers how to name the place a value came from.
//!
//! The known keys are those of the sample and no others, so that they cannot drift from what admins read. An unknown
//! key is reported with the nearest known one and left out, so that one run reports every problem. This file must not
//! know what a value means.

use super::{Overrides, Problem, sample};
use figment::{
    Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use std::path::Path;

/// What the names of our environment variables begin with.
const PREFIX: &str = "WA_GATEWAY_";

/// The place of a value that nobody wrote.
pub(super) const DEFAULTS: &str = "the defaults";

/// One source of values.
pub(super) struct Layer {
    values: Dict,
    place: ValuePlace,
}

/// How to name the place of a value.
#[derive(Clone)]
pub(super) enum ValuePlace {
    /// In a file, or in the defaults.
    Named(String),
    /// In a variable called like the key.
    Environment,
    /// In a flag.
    Flags,
}

impl ValuePlace {
    /// Where the value of the dotted key stands: a file, a variable, a flag.
    pub fn of(&self, key: &str) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Environment => variable(key),
            Self::Flags => FLAGS.iter().find(|(k, _)| *k == key).map_or(key, |(_, flag)| flag).to_owned(),
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let place = self.place.clone();
        Metadata::named("configuration").interpolater(move |_, keys| place.of(&keys.join(".")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

impl Layer {
    /// The sample: every key with its default.
    pub fn defaults() -> Self {
        Self { values: sample::values(), place: ValuePlace::Named(DEFAULTS.into()) }
    }

    /// The default of one key alone, laid over a value that was wrong.
    pub fn default_of(key: &str) -> Option<Self> {
        let mut values = Dict::new();
        insert(&mut values, key, sample::default_of(key)?);
        Some(Self { values, ..Self::defaults() })
    }

    /// A TOML file's contents.
    pub fn file(path: &Path, bytes: &[u8], problems: &mut Vec<Problem>) -> Self {
        let place = ValuePlace::Named(path.display().to_string());
        let mut values = match parse_toml(bytes) {
            Ok(values) => values,
            Err(wrong) => {
                problems.push(Problem { place: place.of(""), key: String::new(), wrong });
                Dict::new()
            }
        };
        keep_known(&mut values, &sample::values(), "", &place, problems);
        Self { values, place }
    }

    /// Those of the variables that begin with `WA_GATEWAY_`.
    pub fn environment(vars: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self { values: Dict::new(), place: ValuePlace::Environment };
        let mut ours: Vec<_> = vars.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        ours.sort(); // The environment's order is nobody's; problems should not change theirs.
        for (name, text) in ours {
            let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
            let value = match sample::default_of(&key) {
                None | Some(Value::Dict(..)) => {
                    let near = sample::nearest_key(&key);
                    Err(format!("unknown key; the nearest known one is {near} ({})", variable(&near)))
                }
                Some(default) => like(&default, &text),
            };
            match value {
                Ok(value) => insert(&mut layer.values, &key, value),
                Err(wrong) => problems.push(Problem { place: name, key, wrong }),
            }
        }
        layer
    }

    /// What was said on the command line.
    pub fn flags(overrides: &Overrides, problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self { values: Dict::new(), place: ValuePlace::Flags };
        let data_dir = overrides.data_dir.as_ref().map(|dir| dir.to_str().ok_or("the path is not UTF-8"));
        let given = [
            data_dir,
            overrides.listen_local.as_deref().map(Ok),
            overrides.listen_public.as_deref().map(Ok),
            overrides.log_level.as_deref().map(Ok),
        ];
        for ((key, flag), text) in FLAGS.iter().zip(given) {
            match text {
                Some(Ok(text)) => insert(&mut layer.values, key, text.into()),
                Some(Err(wrong)) => {
                    problems.push(Problem { place: (*flag).into(), key: (*key).into(), wrong: wrong.into() });
                }
                None => {}
            }
        }
        layer
    }
}

/// The keys that have a flag, in the order of [`Overrides`].
const FLAGS: [(&str, &str); 4] = [
    ("data_dir", "--data-dir"),
    ("listen.local", "--listen"),
    ("listen.public", "--listen-public"),
    ("log.level", "--log-level"),
];

/// The environment variable of a dotted key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Reads TOML; what is wrong with it comes with line and column, counted from one.
fn parse_toml(bytes: &[u8]) -> Result<Dict, String> {
    let text = str::from_utf8(bytes).map_err(|e| {
        let before = String::from_utf8_lossy(&bytes[..e.valid_up_to()]);
        format!("{} is not UTF-8: save the file in that encoding", line_and_column(&before))
    })?;
    Toml::from_str(text).map_err(|e| {
        let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("{} is not TOML: {}", line_and_column(before), e.message().trim().replace('\n', ", "))
    })
}

fn line_and_column(before: &str) -> String {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

/// Takes out, and reports, what is not among the `known` keys.
fn keep_known(values: &mut Dict, known: &Dict, prefix: &str, place: &ValuePlace, problems: &mut Vec<Problem>) {
    values.retain(|name, value| {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let wrong = match (known.get(name), &mut *value) {
            (Some(Value::Dict(_, inner)), Value::Dict(_, values)) => {
                keep_known(values, inner, &key, place, problems);
                return true;
            }
            (Some(Value::Dict(..)), _) => format!("it is a section: write [{key}] and its keys below"),
            // A date is a Dict for this reader, too: the typed side says what is expected instead.
            (Some(_), _) => return true,
            (None, Value::Dict(..)) => {
                format!("unknown section; the nearest known one is {}", sample::nearest_any(&key))
            }
            (None, _) => format!("unknown key; the nearest known one is {}", sample::nearest_key(&key)),
        };
        problems.push(Problem { place: place.of(&key), key, wrong });
        false
    });
}

/// A variable's text as a value of the same kind as the default.
fn like(default: &Value, text: &str) -> Result<Value, String> {
    match default {
        Value::Num(..) => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| format!("{text:?} is no whole number"))
        }
        Value::Bool(..) => {
            text.trim().parse::<bool>().map(Value::from).map_err(|_| format!("{text:?} is not true or false"))
        }
        Value::Array(..) if text.trim_start().starts_with('[') => {
            let list = Toml::from_str::<Dict>(&format!("list = {text}")).ok().and_then(|mut dict| dict.remove("list"));
            list.ok_or_else(|| format!("{text:?} is no list: write its items with commas between them"))
        }
        Value::Array(..) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(Value::from).collect::<Vec<_>>().into())
        }
        _ => Ok(text.into()),
    }
}

/// Keys have one section at most.
fn insert(values: &mut Dict, key: &str, value: Value) {
    let Some((section, name)) = key.split_once('.') else {
        values.insert(key.to_owned(), value);
        return;
    };
    let section = values.entry(section.to_owned()).or_insert_with(|| Dict::new().into());
    if let Value::Dict(_, inner) = section {
        inner.insert(name.to_owned(), value);
    }
}
