//! The sample configuration: the one source of keys, defaults and their explanations.
//!
//! `assets/config/sample.toml` is what `check-config --print-defaults` prints, what supplies every default, and the
//! list of known keys. Hence a key that is not explained to admins does not exist.

use figment::{
    providers::{Format, Toml},
    value::{Dict, Value},
};

/// The sample's text.
pub(super) const TEXT: &str = include_str!("../../assets/config/sample.toml");

/// The sample's values.
pub(super) fn values() -> Dict {
    Toml::from_str(TEXT).expect("the embedded sample is TOML: a test reads it")
}

/// The default of a dotted key; a section's is its whole tree.
pub(super) fn default_of(key: &str) -> Option<Value> {
    Value::from(values()).find(key)
}

/// Every dotted key that has a value, in the order of the alphabet.
pub(super) fn keys() -> Vec<String> {
    let mut keys = Vec::new();
    for (name, value) in values() {
        match value {
            Value::Dict(_, inner) => keys.extend(inner.keys().map(|key| format!("{name}.{key}"))),
            _ => keys.push(name),
        }
    }
    keys
}

/// The known key that resembles `key` most.
pub(super) fn nearest_key(key: &str) -> String {
    nearest(key, keys())
}

/// The known key or section that resembles `key` most.
pub(super) fn nearest_any(key: &str) -> String {
    nearest(key, values().into_keys().chain(keys()).collect())
}

/// Compared whole, and by the last name alone: a key in the wrong section is a usual mistake.
fn nearest(key: &str, known: Vec<String>) -> String {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |candidate: &String| {
        let whole = strsim::normalized_damerau_levenshtein(key, candidate);
        let last = strsim::normalized_damerau_levenshtein(&name(key), &name(candidate));
        whole.max(last * 0.95)
    };
    known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or_default()
}
