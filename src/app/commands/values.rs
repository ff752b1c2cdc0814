//! Values as they are typed, where several commands take them alike.

use crate::model::{
    clock::Time,
    plan::{Module, Plan},
};
use std::path::Path;

/// `none`, or a value.
pub(super) fn none_or<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if value == "none" { Ok(None) } else { parse(value).map(Some) }
}

pub(super) fn parse_plan(value: &str) -> Result<Option<Plan>, String> {
    let unknown = || format!("{value:?} is no plan: use starter, growth, scale or none");
    none_or(value, |v| Plan::parse(v).ok_or_else(unknown))
}

pub(super) fn parse_module(value: &str) -> Result<Module, String> {
    Module::parse(value).ok_or_else(|| format!("{value:?} is no module: use api_access, 3cx or chattu"))
}

pub(super) fn parse_modules(values: &[String]) -> Result<Vec<Module>, String> {
    match listed(values) {
        named if named.is_empty() && !values.is_empty() => parse_module("").map(|one| vec![one]),
        named => named.iter().map(|v| parse_module(v)).collect(),
    }
}

/// What a list names, as people type one: with commas between, and blanks where they like; `"a, b,"` is two.
pub(super) fn listed(values: &[String]) -> Vec<String> {
    let items = values.iter().flat_map(|value| value.split(','));
    items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A time, or a date that stands for its first moment in UTC.
pub(super) fn parse_time(value: &str) -> Result<Time, String> {
    let full = if value.len() == 10 { format!("{value}T00:00:00Z") } else { value.to_owned() };
    Time::parse(&full).map_err(|_| format!("{value:?} is no time: use 2026-05-08 or 2026-05-08T10:00:00Z"))
}

/// A text file of the caller's; `-` is stdin.
pub(super) fn read_text(file: &Path) -> Result<String, String> {
    let bytes = if file == Path::new("-") {
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut all).map(|_| all)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|e| format!("{}: {e}", file.display()))?;
    String::from_utf8(bytes).map_err(|e| {
        format!("{}: byte {} is no UTF-8: save the file as UTF-8", file.display(), e.utf8_error().valid_up_to())
    })
}
