//! The readable page of `/docs/openapi`, made from the OpenAPI document itself. Names and types are the document's;
//! words are the reader's.

use crate::{portal::docs::render::escape, texts::locale::Locale};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The operations and events as HTML, in the reader's language.
pub fn html(locale: &Locale, document: &Value) -> String {
    let none = Map::new();
    let mut out = String::new();
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let _ = write!(out, "<h2 id=\"{0}\"><bdi>{0}</bdi></h2>", escape(name));
        for (path, methods) in document["paths"].as_object().unwrap_or(&none) {
            for (method, operation) in methods.as_object().unwrap_or(&none) {
                if operation["tags"][0] == tag["name"] {
                    out += &operation_html(locale, document, path, method, operation);
                }
            }
        }
    }
    let _ = write!(out, "<h2 id=\"events\">{}</h2>", escape(locale.t("docs.events")));
    for (name, event) in document["webhooks"].as_object().unwrap_or(&none) {
        let _ = write!(out, "<h3 id=\"event-{0}\"><code dir=\"ltr\">{0}</code></h3>", escape(name));
        out += &members(locale, document, &event["post"]["requestBody"]["content"]["application/json"]["schema"]);
    }
    out
}

fn operation_html(locale: &Locale, document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let mut out = format!(
        "<h3 id=\"{id}\"><code dir=\"ltr\"><span class=\"docs-method\">{}</span> {}</code></h3><p>{}</p>",
        method.to_ascii_uppercase(),
        escape(path),
        escape(&locale.word("operation", id)),
    );
    let schemes: Vec<String> = operation["security"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|scheme| scheme.as_object()?.keys().next().map(|name| code(name)))
        .collect();
    let needed = if schemes.is_empty() { escape(locale.t("docs.nobody")) } else { schemes.join(" / ") };
    let _ = write!(out, "<p><strong>{}:</strong> {needed}</p>", escape(locale.t("docs.authentication")));
    let parameters = operation["parameters"].as_array().filter(|all| !all.is_empty());
    if let Some(parameters) = parameters {
        let rows = parameters.iter().map(|p| {
            let required = p["required"] == true;
            [code_of(&p["name"]), code_of(&p["in"]), kind(document, &p["schema"]), yes(locale, required)]
        });
        out += &titled(locale, "docs.parameters");
        out += &table(
            &[locale.t("docs.name"), locale.t("docs.place"), locale.t("docs.kind"), locale.t("docs.required")],
            rows,
        );
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if body.is_object() {
        out += &titled(locale, "docs.body");
        out += &members(locale, document, body);
    }
    out += &titled(locale, "docs.answers");
    out + &answers(locale, operation)
}

fn answers(locale: &Locale, operation: &Value) -> String {
    let none = Map::new();
    let rows = operation["responses"].as_object().unwrap_or(&none).iter().map(|(status, answer)| {
        let content = answer["content"].as_object().and_then(|all| all.iter().next());
        let codes: Vec<String> = content
            .and_then(|(_, content)| content["examples"].as_object())
            .map(|all| {
                let link = |c: &String| format!("<a href=\"/docs/troubleshooting#{c}\">{}</a>", code(c));
                all.keys().map(link).collect()
            })
            .unwrap_or_default();
        let kind = content.map(|(kind, _)| code(kind)).unwrap_or_default();
        [code(status), if codes.is_empty() { kind } else { codes.join(" ") }]
    });
    table(&[locale.t("docs.status"), locale.t("docs.codes")], rows)
}

/// The members of an object's schema, those of all its forms.
fn members(locale: &Locale, document: &Value, schema: &Value) -> String {
    let mut out = String::new();
    for form in forms(document, schema) {
        let required: Vec<&str> = form["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some(properties) = form["properties"].as_object() else { continue };
        let rows = properties.iter().map(|(name, property)| {
            [code(name), kind(document, property), yes(locale, required.contains(&name.as_str()))]
        });
        out += &table(&[locale.t("docs.name"), locale.t("docs.kind"), locale.t("docs.required")], rows);
    }
    out
}

/// A schema's alternatives that have members; the schema itself where it has some.
fn forms<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(document, schema);
    if schema["properties"].is_object() {
        return vec![schema];
    }
    schema["anyOf"].as_array().into_iter().flatten().flat_map(|form| forms(document, form)).collect()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// A type in the document's own words: `string | null`, or the values that are allowed.
fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolved(document, schema);
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(code_of).collect::<Vec<_>>().join(" ");
    }
    if !schema["const"].is_null() {
        return code(schema["const"].as_str().unwrap_or(&schema["const"].to_string()));
    }
    match &schema["type"] {
        Value::Array(kinds) => code(&kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ")),
        Value::String(kind) => code(kind),
        _ => code("object"),
    }
}

fn code(text: &str) -> String {
    format!("<code dir=\"ltr\">{}</code>", escape(text))
}

fn code_of(value: &Value) -> String {
    code(value.as_str().unwrap_or_default())
}

fn yes(locale: &Locale, is: bool) -> String {
    escape(if is { locale.t("docs.yes") } else { locale.t("docs.no") })
}

fn titled(locale: &Locale, key: &'static str) -> String {
    format!("<p><strong>{}</strong></p>", escape(locale.t(key)))
}

/// A table; the cells are HTML already.
fn table<const N: usize>(heads: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let heads = heads.map(escape);
    let labelled = |(head, cell): (&String, &String)| format!("<td data-label=\"{head}\">{cell}</td>");
    let rows: String = rows
        .map(|row| {
            let cells: String = heads.iter().zip(&row).map(labelled).collect();
            format!("<tr>{cells}</tr>")
        })
        .collect();
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!(
        "<div class=\"table\" tabindex=\"0\"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}
