//! What code generators need of the OpenAPI document: schemas that are some, and none of what they stumble over.

use serde_json::{Value, json};
use wa_gateway::{api::openapi, app::interface::INTERFACE};

#[test]
fn every_schema_is_one() {
    let document = openapi::at(&INTERFACE, "");
    let mut found = Vec::new();
    all_schemas(&json!([document["paths"], document["webhooks"]]), "", &mut found);
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        faults(schema, name, &mut found);
    }
    assert!(found.is_empty(), "{} faults: {}", found.len(), found.join("\n"));
    let mut control = Vec::new();
    faults(&json!({"type": "object", "properties": {"a": {"type": "array"}, "b": null}}), "control", &mut control);
    assert_eq!(control.len(), 2, "{control:?}");
}

/// What code generators stumble over: each of these made a client that could not be imported, sent nothing or knew no
/// refusal.
#[test]
fn generators_understand_it() {
    let document = openapi::at(&INTERFACE, "https://wa.example");
    for tag in document["tags"].as_array().expect("tags") {
        let name = tag["name"].as_str().expect("a name");
        assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "{name} makes a module that has no name");
    }
    look(&document, "$", &mut |schema, at| {
        if schema["type"] == "array" {
            assert!(schema["items"].is_object(), "{at}: an array of nothing");
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let fixed = property["const"].is_null() || property["const"].is_string();
            assert!(fixed || required.contains(&json!(name)), "{at}.{name}: an optional constant that is no text");
        }
        if let Some(forms) = schema["anyOf"].as_array() {
            for form in forms {
                let says_what = ["type", "$ref", "allOf", "const"].iter().any(|word| !form[*word].is_null());
                assert!(says_what, "{at}: an alternative without a type: {form}");
            }
        }
    });
    let body = &document["paths"]["/api/send-message"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let named: Vec<&str> = body["anyOf"].as_array().expect("forms").iter().filter_map(|f| f["$ref"].as_str()).collect();
    assert_eq!(named, ["#/components/schemas/SendMessage", "#/components/schemas/ChattuMessage"]);
    // A client that sends every scheme it has a key for must not send two kinds of key at once.
    let security = document["paths"]["/api/send-message"]["post"]["security"].to_string();
    assert!(!security.contains("chattu"), "{security}");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
    for (name, event) in document["webhooks"].as_object().expect("events") {
        assert!(event["post"]["summary"].as_str().is_some_and(|s| !s.is_empty()), "{name}");
        assert_eq!(event["post"]["security"], json!([]), "{name}");
    }
}

/// What is no schema about a schema, and about those within it: generators refuse the whole document for one.
fn faults(schema: &Value, place: &str, found: &mut Vec<String>) {
    let Some(members) = schema.as_object() else { return found.push(format!("{place} is no schema: {schema}")) };
    for (name, value) in members {
        let place = format!("{place}/{name}");
        match name.as_str() {
            "properties" => match value.as_object() {
                Some(all) => all.iter().for_each(|(name, one)| faults(one, &format!("{place}/{name}"), found)),
                None => found.push(format!("{place} is no object: {value}")),
            },
            "items" | "additionalProperties" => faults(value, &place, found),
            "anyOf" | "allOf" | "oneOf" => match value.as_array() {
                Some(all) => all.iter().for_each(|one| faults(one, &place, found)),
                None => found.push(format!("{place} is no list: {value}")),
            },
            "const" | "default" | "example" => {}
            _ if value.is_null() => found.push(format!("{place} is null")),
            "type" if value == "array" && !members.contains_key("items") => found.push(format!("{place} has no items")),
            _ => {}
        }
    }
}

fn all_schemas(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(all) => {
            for (name, one) in all {
                let place = format!("{place}/{name}");
                if name == "schema" { faults(one, &place, found) } else { all_schemas(one, &place, found) }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| all_schemas(one, place, found)),
        _ => {}
    }
}

/// Looks at each schema of the document.
fn look(value: &Value, at: &str, see: &mut dyn FnMut(&Value, &str)) {
    match value {
        Value::Object(members) => {
            see(value, at);
            members.iter().for_each(|(name, member)| {
                if !["example", "examples"].contains(&name.as_str()) {
                    look(member, &format!("{at}.{name}"), see);
                }
            });
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| look(item, &format!("{at}[{n}]"), see)),
        _ => {}
    }
}
