//! Forms (application/x-www-form-urlencoded) as the object that they stand for. As strict as JSON is here: a key that
//! stands twice and an encoding that is none are refused.

use serde_json::{Map, Value};

/// Whether the content type is a form's; parameters do not matter.
pub(super) fn is_form(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|e| e.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The form's fields as texts.
///
/// # Errors
/// Why it is no form, for the log.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let mut all = Map::new();
    for field in bytes.split(|b| *b == b'&').filter(|field| !field.is_empty()) {
        let at = field.iter().position(|b| *b == b'=').unwrap_or(field.len());
        let name = decoded(&field[..at])?;
        let value = decoded(field.get(at + 1..).unwrap_or_default())?;
        if all.insert(name, Value::String(value)).is_some() {
            return Err("a field stands twice".into());
        }
    }
    Ok(all)
}

fn decoded(text: &[u8]) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit(), digit());
                let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                out.push(byte.ok_or("a percent sign without two hexadecimal digits")?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| "a field is no UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn forms_are_objects_of_texts() {
        for (text, expected) in [
            ("", json!({})),
            ("event_type=test", json!({"event_type": "test"})),
            ("to=%2B966500000000&message=a+b%26c%3Dd&x", json!({"to": "+966500000000", "message": "a b&c=d", "x": ""})),
            ("text=%D7%A9%D7%9C%D7%95%D7%9D&&a==", json!({"text": "שלום", "a": "="})),
        ] {
            assert_eq!(object(text.as_bytes()).map(Value::Object), Ok(expected), "{text}");
        }
        for no in ["a=1&a=2", "a=%", "a=%2", "a=%zz", "a=%ff", "a=1&%61=2"] {
            assert!(object(no.as_bytes()).is_err(), "{no}");
        }
        assert!(is_form(Some("application/x-www-form-urlencoded; charset=UTF-8")));
        assert!(!is_form(Some("multipart/form-data")) && !is_form(None));
    }
    proptest! {
        #[test]
        fn any_bytes_are_a_form_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }

        #[test]
        fn what_is_encoded_comes_out(name in "\\PC{1,20}", value in "\\PC{0,40}") {
            let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
            let form = format!("{}={}", encode(&name), encode(&value));
            prop_assert_eq!(object(form.as_bytes()).map(Value::Object), Ok(json!({ name: value })));
        }
    }
}
