//! Headers of a customer's own that go with each delivery, such as the one that opens their receiver's door. They are
//! secrets: sealed, shown when they are set, and by name alone after it.

use super::WebhookError;
use crate::{
    model::why::why,
    store::{StoreError, Vault, WriteTx},
};
use ::http::{HeaderName, HeaderValue};
use rusqlite::params;
use std::collections::BTreeMap;

/// What further headers are sealed for.
pub(super) const SEALED_FOR: &str = "webhook_headers";
/// Most headers of an endpoint.
pub const HEADERS_MAX: usize = 20;
/// Longest value of one, in characters.
const VALUE_MAX: usize = 2000;
/// What the gateway says itself, and what belongs to the connection.
const OURS: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// How the names of signatures begin.
const SIGNED: [&str; 2] = ["webhook-", "x-whatsapp-gateway-"];

/// Reads headers as people write them, `Name: value`, each on a line of its own; empty lines are none.
///
/// # Errors
/// The first line that is no header, or one that cannot be set.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, String>, WebhookError> {
    let mut all = BTreeMap::new();
    for line in lines.into_iter().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| WebhookError::Invalid(why!("header_form", "a header is written as Name: value")))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name.parse::<HeaderName>().is_err() {
            return Err(WebhookError::Invalid(why!("header_name", "{name:?} is no name of a header", name = name)));
        }
        if OURS.contains(&name.as_str()) || SIGNED.iter().any(|begin| name.starts_with(begin)) {
            return Err(WebhookError::Invalid(why!("header_ours", "the gateway sets {name} itself", name = name)));
        }
        let is_good = !value.is_empty() && value.len() <= VALUE_MAX && value.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !is_good {
            return Err(WebhookError::Invalid(why!(
                "header_value",
                "the value of {name} has 1 to {most} letters, digits and ASCII signs",
                name = name,
                most = VALUE_MAX
            )));
        }
        if all.insert(name.clone(), value.to_owned()).is_some() {
            return Err(WebhookError::Invalid(why!("header_twice", "{name} is there twice", name = name)));
        }
    }
    if all.len() > HEADERS_MAX {
        return Err(WebhookError::Invalid(why!(
            "headers_many",
            "an endpoint has at most {most} headers of its own",
            most = HEADERS_MAX
        )));
    }
    Ok(all)
}

/// What an endpoint's own headers are from now on; none takes them away.
pub(super) fn keep(
    tx: &WriteTx<'_>,
    id: super::EndpointId,
    headers: &BTreeMap<String, String>,
    vault: &Vault,
) -> Result<(), StoreError> {
    let names: Vec<&String> = headers.keys().collect();
    let (names, sealed) = if headers.is_empty() {
        (None, None)
    } else {
        let text = serde_json::to_string(headers).unwrap_or_default();
        (serde_json::to_string(&names).ok(), Some(vault.seal(SEALED_FOR, &text)))
    };
    tx.execute("UPDATE endpoints SET headers = ?2, header_names = ?3 WHERE id = ?1", params![id, sealed, names])?;
    Ok(())
}

/// A header as it is sent; its value is none for logs.
pub(super) fn to_send(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value: HeaderValue = value.parse().ok()?;
    value.set_sensitive(true);
    Some((name.parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_what_is_wrong_is_said() {
        let all = parse(["Authorization: Basic dXNlcjpwdw==", "", "  X-Api-Key :a:b "]).expect("headers");
        let read: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(read, [("authorization", "Basic dXNlcjpwdw=="), ("x-api-key", "a:b")]);
        for (lines, told) in [
            (vec!["Authorization"], "Name: value"),
            (vec!["two words: x"], "no name of a header"),
            (vec![": x"], "no name of a header"),
            (vec!["X-Key:"], "1 to 2000"),
            (vec!["X-Key: שלום"], "1 to 2000"),
            (vec!["X-Key: a", "x-key: b"], "twice"),
            (vec!["Content-Type: text/plain"], "sets content-type itself"),
            (vec!["Host: x"], "sets host itself"),
            (vec!["webhook-signature: v1,x"], "sets webhook-signature itself"),
            (vec!["X-WhatsApp-Gateway-Event: x"], "sets x-whatsapp-gateway-event itself"),
        ] {
            let problem = parse(lines.iter().copied()).expect_err("no headers").to_string();
            assert!(problem.contains(told), "{lines:?}: {problem}");
        }
        let many: Vec<String> = (0..=HEADERS_MAX).map(|n| format!("X-{n}: x")).collect();
        assert!(parse(many.iter().map(String::as_str)).is_err());
    }
}
