//! What a client is called. The dialect's callers choose a client's id freely; an instance has a slug. Where the two
//! differ, the instance's row keeps both: the slug names it everywhere else, the client id in this dialect.

use crate::{
    accounts::Scope,
    model::ids::InstanceId,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// Longest client id, in characters.
const CLIENT_ID_MAX: usize = 128;
/// Longest slug that is made of one; what makes it unique comes behind.
const SLUG_MAX: usize = 48;

/// A client id as somebody may choose it: 1 to 128 characters of any script, without control characters and without
/// `/`, because it stands in paths.
///
/// # Errors
/// What would be right.
pub fn check(id: &str) -> Result<(), String> {
    let fits = !id.is_empty() && id.chars().count() <= CLIENT_ID_MAX;
    if fits && !id.chars().any(|c| c.is_control() || c == '/') {
        return Ok(());
    }
    Err(format!("clientId has 1 to {CLIENT_ID_MAX} characters, none of them '/' or a control character"))
}

/// The instance that a client id means to whoever asks: their own account's before anybody else's. Another account's is
/// found, too, so that it can be refused as such.
pub fn find(tx: &Tx<'_>, whose: Scope, client_id: &str) -> Result<Option<InstanceId>, StoreError> {
    tx.find(
        "SELECT id FROM instances WHERE deleted_at IS NULL AND (client_id = ?2 OR id = ?2)
         ORDER BY account_id IS ?1 DESC, client_id IS ?2 DESC LIMIT 1",
        params![whose, client_id],
        |r| r.get(0),
    )
}

/// What an instance is called in the dialect.
pub fn of(tx: &Tx<'_>, instance: &InstanceId) -> Result<String, StoreError> {
    let sql = "SELECT coalesce(client_id, id) FROM instances WHERE id = ?1";
    Ok(tx.find(sql, params![instance], |r| r.get(0))?.unwrap_or_else(|| instance.to_string()))
}

/// A slug that is free for a client of this id: the id itself where it is one.
pub fn free_slug(tx: &Tx<'_>, client_id: &str) -> Result<InstanceId, StoreError> {
    let base = slug(client_id);
    let (mut tried, mut n) = (InstanceId::from_text(base.clone()), 1);
    let is_taken = |id: &InstanceId| tx.find("SELECT 1 FROM instances WHERE id = ?1", params![id], |_| Ok(()));
    while tried.is_reserved() || is_taken(&tried)?.is_some() {
        n += 1;
        tried = InstanceId::from_text(format!("{base}-{n}"));
    }
    Ok(tried)
}

/// Notes what the dialect calls an instance.
pub fn set(tx: &WriteTx<'_>, instance: &InstanceId, client_id: &str) -> Result<(), StoreError> {
    let name = Some(client_id).filter(|name| *name != instance.as_str());
    tx.execute("UPDATE instances SET client_id = ?2 WHERE id = ?1", params![instance, name]).map(drop)
}

fn slug(client_id: &str) -> String {
    if InstanceId::parse(client_id).is_ok() {
        return client_id.to_owned();
    }
    let mut slug = String::new();
    for c in client_id.chars().take(SLUG_MAX).map(|c| c.to_ascii_lowercase()) {
        let plain = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        if !(plain == '-' && (slug.is_empty() || slug.ends_with('-'))) {
            slug.push(plain);
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.len() < 3 { format!("client{}{slug}", if slug.is_empty() { "" } else { "-" }) } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_becomes_a_slug() {
        for (id, expected) in [
            ("shop", "shop"),
            ("my_line-2", "my_line-2"),
            ("Client_1", "client-1"),
            ("my client", "my-client"),
            ("client.1", "client-1"),
            ("חנות", "client"),
            ("  -A-  ", "client-a"),
            ("1", "client-1"),
        ] {
            assert_eq!(slug(id), expected, "{id}");
            InstanceId::parse(&slug(id)).expect("a slug");
        }
        InstanceId::parse(&slug(&"x y".repeat(90))).expect("a slug");
    }

    #[test]
    fn what_cannot_stand_in_a_path_is_no_client_id() {
        for right in ["a", "Client_1", "my client", "חנות", &"x".repeat(128)] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for wrong in ["", "a/b", "a\nb", &"x".repeat(129)] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
