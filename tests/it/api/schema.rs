//! A small JSON Schema validator: the keywords that our document uses, and a panic at any other, so that none is
//! passed over in silence.

use serde_json::Value;

/// Keywords that say something to people only.
const NOTES: [&str; 4] = ["description", "example", "format", "title"];

/// What is wrong with `value`; empty when it fits.
pub fn problems(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "$", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { panic!("{at}: no schema: {schema}") };
    for (keyword, rule) in schema {
        let fits = |schema: &Value| problems(document, schema, value).is_empty();
        let list = || rule.as_array().unwrap_or_else(|| panic!("{at}: {keyword} needs a list"));
        let problem = match keyword.as_str() {
            "$ref" => {
                let pointer = rule.as_str().and_then(|name| name.strip_prefix('#')).expect("a local reference");
                let target = document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not there"));
                check(document, target, value, at, found);
                None
            }
            "type" => {
                let kinds: Vec<&Value> = rule.as_array().map_or(vec![rule], |all| all.iter().collect());
                let is = kinds.iter().any(|kind| is_kind(kind.as_str().expect("a kind"), value));
                (!is).then(|| format!("{value} is no {rule}"))
            }
            "const" => (rule != value).then(|| format!("{value} is not {rule}")),
            "enum" => (!list().contains(value)).then(|| format!("{value} is none of {rule}")),
            "required" => value.as_object().and_then(|object| {
                let missing = list().iter().find(|name| !object.contains_key(name.as_str().expect("a name")));
                missing.map(|name| format!("{name} is missing"))
            }),
            "properties" => {
                let rules = rule.as_object().expect("properties");
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rules.get(name) {
                        check(document, schema, member, &format!("{at}.{name}"), found);
                    }
                }
                None
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{at}[{n}]"), found);
                }
                None
            }
            "anyOf" => (!list().iter().any(fits)).then(|| format!("{value} fits none of {keyword}")),
            "allOf" => {
                list().iter().for_each(|schema| check(document, schema, value, at, found));
                None
            }
            "maxItems" => value.as_array().filter(|a| a.len() as u64 > number(rule)).map(|_| "too many items".into()),
            "minLength" | "maxLength" => value.as_str().and_then(|text| {
                let n = text.chars().count() as u64;
                let is_wrong = if keyword == "minLength" { n < number(rule) } else { n > number(rule) };
                is_wrong.then(|| format!("{n} characters against {keyword} {rule}"))
            }),
            "minimum" => value.as_u64().filter(|n| *n < number(rule)).map(|n| format!("{n} is below {rule}")),
            "maximum" => value.as_u64().filter(|n| *n > number(rule)).map(|n| format!("{n} is above {rule}")),
            note if NOTES.contains(&note) => None,
            other => panic!("{at}: the validator does not know {other}"),
        };
        found.extend(problem.map(|problem| format!("{at}: {problem}")));
    }
}

fn number(rule: &Value) -> u64 {
    rule.as_u64().unwrap_or_else(|| panic!("{rule} is no number"))
}

fn is_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no kind"),
    }
}

#[test]
fn the_validator_finds_what_is_wrong() {
    use serde_json::json;
    let document = json!({"components": {"Kind": {"type": "string", "enum": ["a", "b"]}}});
    let schema = json!({
        "type": "object", "required": ["kind", "n"],
        "properties": {
            "kind": {"$ref": "#/components/Kind"}, "n": {"type": ["integer", "null"], "minimum": 2},
            "list": {"type": "array", "maxItems": 1, "items": {"anyOf": [{"const": 1}, {"type": "string", "maxLength": 1}]}},
        },
    });
    let count = |value: Value| problems(&document, &schema, &value).len();
    assert_eq!(count(json!({"kind": "a", "n": null, "list": ["x"], "more": true})), 0);
    for wrong in [
        json!([]),
        json!({"kind": "a"}),
        json!({"kind": "c", "n": 2}),
        json!({"kind": "a", "n": 1}),
        json!({"kind": "a", "n": "2"}),
        json!({"kind": "a", "n": 2, "list": ["xy"]}),
        json!({"kind": "a", "n": 2, "list": [1, 1]}),
    ] {
        assert_eq!(count(wrong.clone()), 1, "{wrong}");
    }
}
