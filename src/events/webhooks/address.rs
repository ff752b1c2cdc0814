//! Where events go: what may be secret in an address is sealed, and people are shown the rest.
//!
//! Many receivers are told apart by a token in their address, in its query or as a part of its path. Such an address is a
//! password: only the worker, which calls it, has it whole.

use super::{WebhookError, endpoint::URL_MAX};
use crate::{
    accounts::{audit, notices},
    events::brokers::{self, BrokerAddress},
    model::why::why,
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;
use std::borrow::Cow;

/// What an address is sealed for.
const SEALED_FOR: &str = "webhook_url";
/// What stands where something is not shown.
pub(super) const HIDDEN: &str = "***";
/// So much of a part of a path is shown, so that two addresses can be told apart.
const SHOWN: usize = 3;
/// Shorter parts of a path are no tokens.
const TOKEN_MIN: usize = 6;
/// Longer words are none.
const WORD_MAX: usize = 15;

/// An address as people are shown it: without the values of its query, and without what may be a token in its path; of a broker's
/// without its password.
pub fn shown(url: &str) -> String {
    if brokers::is_broker(url) {
        return brokers::shown(url);
    }
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..].find(['/', '?']).map_or(url.len(), |at| after_scheme + at);
    let (host, rest) = url.split_at(end);
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let query = query.map(|query| query.split('&').map(pair).collect::<Vec<_>>().join("&"));
    query.map_or_else(|| format!("{host}{path}"), |query| format!("{host}{path}?{query}"))
}

/// What the egress has to judge of an address that a customer gives: a webhook's address itself, a broker's host and port.
///
/// # Errors
/// No address of an endpoint.
pub(super) fn callable(url: &str) -> Result<Cow<'_, str>, WebhookError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        // What has no scheme at all is told what is wrong with it as an address of the web; so is what has a strange one, where
        // there are no others.
        None | Some("https" | "http") => Ok(Cow::Borrowed(url)),
        Some(_) if brokers::is_broker(url) => {
            judge_length(url)?;
            Ok(Cow::Owned(BrokerAddress::parse(url).map_err(WebhookError::Invalid)?.place))
        }
        Some(_) if !brokers::HERE => Ok(Cow::Borrowed(url)),
        Some(_) => Err(WebhookError::Invalid(why!(
            "endpoint_scheme",
            "an endpoint's address begins with https://, http://, {schemes}",
            schemes = brokers::schemes()
        ))),
    }
}

/// # Errors
/// An address that is too long to be kept.
pub(super) fn judge_length(url: &str) -> Result<(), WebhookError> {
    if url.len() <= URL_MAX {
        return Ok(());
    }
    Err(WebhookError::Invalid(why!("url_long", "an address has at most {most} characters", most = URL_MAX)))
}

/// An address to be stored: as it is shown, and whole where that is not all of it.
pub(crate) fn sealed(url: &str, vault: &Vault) -> (String, Option<Vec<u8>>) {
    let shown = shown(url);
    let whole = (shown != url).then(|| vault.seal(SEALED_FOR, url));
    (shown, whole)
}

/// The whole address behind what is stored.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn whole(shown: String, sealed: Option<&[u8]>, vault: &Vault) -> Result<String, WebhookError> {
    let Some(sealed) = sealed else { return Ok(shown) };
    vault.unseal(SEALED_FOR, sealed).map_err(|e| WebhookError::Invalid(why!("sealed", "{e}", e = e)))
}

/// Seals the addresses of endpoints that an earlier version kept in the clear, also where the audit and notices name them.
///
/// # Errors
/// The store's.
pub(super) fn seal_old(tx: &WriteTx<'_>, vault: &Vault) -> Result<(), StoreError> {
    for (id, url) in in_the_clear(tx)? {
        let (shown, whole) = sealed(&url, vault);
        tx.execute("UPDATE endpoints SET url = ?2, sealed_url = ?3 WHERE id = ?1", params![id, shown, whole])?;
        hide(tx, &url, &shown)?;
    }
    Ok(())
}

/// Has the audit and notices name an address as it is shown.
///
/// # Errors
/// The store's.
pub fn hide(tx: &WriteTx<'_>, whole: &str, shown: &str) -> Result<(), StoreError> {
    audit::replace(tx, whole, shown)?;
    notices::replace(tx, whole, shown)
}

/// The addresses that are not sealed and should be.
pub(super) fn in_the_clear(tx: &Tx<'_>) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT id, url FROM endpoints WHERE sealed_url IS NULL";
    let mut all = tx.list(sql, [], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))?;
    all.retain(|(_, url)| shown(url) != *url);
    Ok(all)
}

/// A part of a path.
fn part(part: &str) -> String {
    if part.len() < TOKEN_MIN || part.split(['-', '_', '.', '~']).all(is_word) {
        return part.to_owned();
    }
    let shown: String = part.chars().take(SHOWN).collect();
    format!("{shown}{HIDDEN}")
}

/// A word, perhaps with a small number behind it, or a small number.
fn is_word(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.len() - letters.len();
    let is_plain = letters.chars().all(|c| c.is_ascii_alphabetic());
    is_plain && letters.len() <= WORD_MAX && digits <= if letters.is_empty() { 4 } else { 2 }
}

/// A parameter of a query: its name.
fn pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, "")) => format!("{name}="),
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => part(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_token_is_not_shown() {
        for (url, wanted) in [
            ("https://shop.example", "https://shop.example"),
            ("https://shop.example/", "https://shop.example/"),
            ("https://shop.example:8443/whatsapp/events", "https://shop.example:8443/whatsapp/events"),
            ("https://shop.example/api/v2/order-events_2026.php", "https://shop.example/api/v2/order-events_2026.php"),
            ("https://shop.example/webhook2", "https://shop.example/webhook2"),
            ("https://shop.example/hook?token=s3cret&x=&y", "https://shop.example/hook?token=***&x=&y"),
            ("https://shop.example?key=abc", "https://shop.example?key=***"),
            ("https://n8n.example/webhook/550e8400-e29b-41d4-a716-446655440000", "https://n8n.example/webhook/550***"),
            (
                "https://hooks.example/services/T01AB2CD3/B0/XyZ12abcDEF34",
                "https://hooks.example/services/T01***/B0/XyZ***",
            ),
            ("https://hooks.example/catch/1234567/bfkk7zl/", "https://hooks.example/catch/123***/bfk***/"),
            ("https://hooks.example/abcdefghijklmnopqrstuvwxyz", "https://hooks.example/abc***"),
            ("https://shop.example/%D7%A9%D7%9C%D7%95%D7%9D", "https://shop.example/%D7***"),
            ("http://[::1]:8080/a?b=c#d", "http://[::1]:8080/a?b=***"),
            ("not an address", "not an address"),
            ("nats://shop:s3cret@broker.example/wa.events", "nats://shop:***@broker.example/wa.events"),
        ] {
            assert_eq!(shown(url), wanted);
            assert_eq!(shown(&shown(url)), wanted, "what is shown is shown as it is");
        }
    }
}
