//! What a command prints: one JSON value for programs, lines and columns for people.

use serde_json::{Map, Value};
use std::io::Write;

/// Prints a command's value on stdout. A reader that went away is no error.
pub(super) fn print(value: &Value, json: bool) {
    let text = if json { value.to_string() } else { human(value) };
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Prints a line for people on stdout. A reader that went away is no error.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn human(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.is_empty() => "nothing there".into(),
        Value::Array(rows) if rows.iter().all(Value::is_object) => table(rows),
        Value::Object(object) => lines(object, ""),
        other => plain(other),
    }
}

fn lines(object: &Map<String, Value>, indent: &str) -> String {
    let mut out = String::new();
    let hide_ok = object.len() > 1;
    for (name, value) in object.iter().filter(|(n, v)| !(hide_ok && *n == "ok" && **v == Value::Bool(true))) {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out += &format!("{indent}{name}:\n{}", lines(inner, &format!("{indent}  ")));
            }
            Value::Array(rows) if rows.iter().any(Value::is_object) => {
                let inner = table(rows).replace('\n', &format!("\n{indent}  "));
                out += &format!("{indent}{name}:\n{indent}  {}\n", inner.trim_end());
            }
            Value::Null => {}
            other => out += &format!("{indent}{name}: {}\n", plain(other)),
        }
    }
    out
}

/// Columns: those that any row has something in.
fn table(rows: &[Value]) -> String {
    let objects: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, value) in objects.iter().flat_map(|o| o.iter()) {
        if !names.contains(&name) && !value.is_null() && *value != Value::Array(Vec::new()) {
            names.push(name);
        }
    }
    let cell = |o: &Map<String, Value>, n: &String| o.get(n).map(plain).unwrap_or_default();
    let width = |n: &String| objects.iter().map(|o| cell(o, n).chars().count()).max().unwrap_or(0).max(n.len());
    let widths: Vec<usize> = names.iter().map(|n| width(n)).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}")).collect::<Vec<_>>();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(names.iter().map(ToString::to_string).collect());
    for object in &objects {
        out += &line(names.iter().map(|n| cell(object, n)).collect());
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_get_lines_and_columns() {
        assert_eq!(human(&json!({"ok": true})), "ok: true\n");
        assert_eq!(human(&json!({"ok": true, "id": 3, "why": null})), "id: 3\n");
        let rows = json!([{"id": 1, "name": "Amal", "x": null}, {"id": 20, "name": "B"}]);
        assert_eq!(human(&rows), "id  name\n1   Amal\n20  B\n");
    }
}
