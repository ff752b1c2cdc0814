//! The step to schema 15: people whom a database knows twice, under both forms of one number, become one contact.
//!
//! What hung on either hangs on the one that stays, and the stricter state holds: an opt-out or a block of either is
//! in force for the one. Nothing is deleted but the second contact's own row. Each pair is written to the audit log.
//! What changes many rows is done for all pairs at once, because the log has no index by contact.
//!
//! The statements are those of the schema as it was then, and stay so.

use super::{StoreError, Tx};
use crate::model::{clock::Time, phone::Phone};
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Two contacts of an account that are one person.
struct Pair {
    account: i64,
    stays: i64,
    gone: i64,
    /// The number that both are known by, masked.
    phone: String,
}

/// How many contacts the step would make a part of another one; none once it was taken.
pub fn known_twice(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let phones = tx.list(PHONES, params![], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(pairs(&phones).len() as u64)
}

const PHONES: &str = "SELECT account_id, value, contact_id FROM contact_identities WHERE kind = 'phone'
     ORDER BY account_id, contact_id, value";

/// Merges, and gives each number its other form. After the step's own SQL, in its transaction.
pub(super) fn merge(tx: &Connection, now: Time) -> rusqlite::Result<()> {
    let phones: Vec<(i64, String, i64)> = tx
        .prepare(PHONES)?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let pairs = pairs(&phones);
    tx.execute_batch("CREATE TEMP TABLE merged (gone INTEGER NOT NULL PRIMARY KEY, stays INTEGER NOT NULL) STRICT")?;
    let mut note = tx.prepare("INSERT INTO merged (gone, stays) VALUES (?1, ?2)")?;
    for pair in &pairs {
        note.execute(params![pair.gone, pair.stays])?;
    }
    drop(note);
    for pair in &pairs {
        for sql in ONE_BY_ONE {
            tx.prepare_cached(sql)?.execute(params![pair.stays, pair.gone])?;
        }
        tx.prepare_cached(
            "INSERT INTO audit (at, actor, account_id, action, target, before, after)
             VALUES (?1, 'upgrade', ?2, 'contact.merge', ?3, ?4, ?5)",
        )?
        .execute(params![
            now,
            pair.account,
            format!("contact:{}", pair.stays),
            format!("contact:{} was known by the other form of {}", pair.gone, pair.phone),
            format!("contact:{}", pair.stays),
        ])?;
    }
    tx.execute_batch(AT_ONCE)?;
    name_variants(tx, &phones)
}

/// The number's other form leads to the contact, too.
fn name_variants(tx: &Connection, phones: &[(i64, String, i64)]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare(
        "INSERT OR IGNORE INTO contact_identities (account_id, kind, value, contact_id, is_variant)
         SELECT ?1, 'phone', ?2, contact_id, 1 FROM contact_identities
         WHERE account_id = ?1 AND kind = 'phone' AND value = ?3",
    )?;
    for (account, value, _) in phones {
        if let Some(twin) = Phone::known(value).and_then(|phone| phone.twin()) {
            insert.execute(params![account, twin.as_str(), value])?;
        }
    }
    Ok(())
}

/// Contacts that are known by a form of a number of which another contact has the other form. A contact may have
/// several numbers, so that three and more can be one: the oldest stays.
fn pairs(phones: &[(i64, String, i64)]) -> Vec<Pair> {
    let owners: HashMap<(i64, &str), i64> =
        phones.iter().map(|(account, value, contact)| ((*account, value.as_str()), *contact)).collect();
    let mut roots: HashMap<i64, i64> = HashMap::new();
    let root = |roots: &HashMap<i64, i64>, mut contact: i64| {
        while let Some(next) = roots.get(&contact) {
            contact = *next;
        }
        contact
    };
    let mut met: Vec<(i64, i64, String)> = Vec::new();
    for (account, value, contact) in phones {
        let Some(phone) = Phone::known(value) else { continue };
        let Some(twin) = phone.twin() else { continue };
        let Some(other) = owners.get(&(*account, twin.as_str())) else { continue };
        let (a, b) = (root(&roots, *contact), root(&roots, *other));
        if a != b {
            roots.insert(a.max(b), a.min(b));
            met.push((*account, a.max(b), phone.masked()));
        }
    }
    met.into_iter().map(|(account, gone, phone)| Pair { account, stays: root(&roots, gone), gone, phone }).collect()
}

/// For each pair: `?1` stays, `?2` goes. All of these tables have an index by contact.
const ONE_BY_ONE: &[&str] = &[
    "UPDATE contacts SET
         name = coalesce(name, (SELECT name FROM contacts WHERE id = ?2)),
         imported_at = coalesce(imported_at, (SELECT imported_at FROM contacts WHERE id = ?2)),
         first_outbound_at = coalesce(first_outbound_at, (SELECT first_outbound_at FROM contacts WHERE id = ?2)),
         last_inbound_at = nullif(max(coalesce(last_inbound_at, 0),
             coalesce((SELECT last_inbound_at FROM contacts WHERE id = ?2), 0)), 0)
     WHERE id = ?1",
    "UPDATE conversations AS kept SET
         unread_count = kept.unread_count + other.unread_count, sequence = kept.sequence + other.sequence,
         last_message_at = max(kept.last_message_at, other.last_message_at),
         last_inbound_at = nullif(max(coalesce(kept.last_inbound_at, 0), coalesce(other.last_inbound_at, 0)), 0)
     FROM conversations AS other
     WHERE kept.contact_id = ?1 AND other.contact_id = ?2 AND other.instance_id = kept.instance_id",
    "UPDATE inbound_messages SET conversation_id = kept.id
     FROM conversations AS kept, conversations AS other
     WHERE inbound_messages.contact_id = ?2 AND inbound_messages.conversation_id = other.id
       AND other.contact_id = ?2 AND kept.contact_id = ?1 AND kept.instance_id = other.instance_id",
    "UPDATE OR IGNORE conversations SET contact_id = ?1 WHERE contact_id = ?2",
    "DELETE FROM conversations WHERE contact_id = ?2",
    // The same message may stand in both chats: it is kept twice rather than lost.
    "UPDATE OR IGNORE inbound_messages SET chat = 'contact:' || ?1
     WHERE contact_id = ?2 AND chat = 'contact:' || ?2",
    "UPDATE inbound_messages SET chat = 'contact:' || ?1, provider_message_id = provider_message_id || '/' || id
     WHERE contact_id = ?2 AND chat = 'contact:' || ?2",
    "UPDATE inbound_messages SET contact_id = ?1 WHERE contact_id = ?2",
    "UPDATE contact_identities SET contact_id = ?1 WHERE contact_id = ?2",
];

/// For all pairs together.
const AT_ONCE: &str = "
    UPDATE messages SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    UPDATE calls SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    UPDATE endpoint_answers SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    UPDATE answerable_events SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    UPDATE schedules SET recipient = (SELECT 'contact:' || stays FROM merged WHERE 'contact:' || gone = recipient)
    WHERE recipient IN (SELECT 'contact:' || gone FROM merged);
    UPDATE OR IGNORE suppressions SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    UPDATE suppressions SET lifted_at = since, lifted_by = 'merged'
    WHERE contact_id IN (SELECT gone FROM merged) AND lifted_at IS NULL;
    UPDATE suppressions SET contact_id = (SELECT stays FROM merged WHERE gone = contact_id)
    WHERE contact_id IN (SELECT gone FROM merged);
    DELETE FROM contacts WHERE id IN (SELECT gone FROM merged);
    DROP TABLE merged;";
