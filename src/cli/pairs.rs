//! `key=value` arguments; `key=@/path` takes the value from a file, so that secrets stay out of the shell's history.

use std::collections::BTreeMap;

pub(super) fn parse(pairs: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?}: use key=value"))?;
        let value = match value.strip_prefix('@') {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| format!("{key}: {path}: {e}"))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => value.to_owned(),
        };
        if all.insert(key.trim().to_owned(), value).is_some() {
            return Err(format!("{key} is set twice"));
        }
    }
    Ok(all)
}
