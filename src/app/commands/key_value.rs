//! `key=value` arguments; `key=@/path` takes the value from a file, so that secrets stay out of the shell's history.

use std::collections::BTreeMap;

pub(crate) fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?}: use key=value"))?;
        if all.insert(key.trim().to_owned(), text_or_file(key, value)?).is_some() {
            return Err(format!("{key} is set twice"));
        }
    }
    Ok(all)
}

/// A value as it was typed; `@/path` stands for what the file holds.
pub(super) fn text_or_file(name: &str, value: &str) -> Result<String, String> {
    let Some(path) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{name}: {path}: {e}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
