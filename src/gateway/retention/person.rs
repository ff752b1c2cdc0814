//! One person: everything that is kept about them, and its erasure.
//!
//! A person is whoever is known by the number, or a contact whose number is hidden, in every account or in one, with all that hangs on their contact: messages both
//! ways, files, calls, conversations, suppressions, messages that wait for their time, and the events that told of them, with what
//! endpoints answered. Erased, only two things stay: a keyed hash for each suppression in force, and the figures of used quota, which name nobody.
//!
//! The database overwrites what it deletes (`secure_delete`), and its write-ahead log is emptied after the commit.
//! Backups that were made before are the admin's to remove.

use super::{Retention, RetentionError, carry_out, traces};
use crate::{
    accounts::Scope,
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
        phone::Recipient,
    },
    people::suppression::Erased,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Params, params, types::ValueRef};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What an erasure did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ErasureReport {
    /// Contacts that were this person.
    pub contacts: usize,
    /// Messages, in and out.
    pub messages: usize,
    pub files: usize,
    /// Messages to them that waited for their time, or had waited for it.
    pub scheduled: usize,
    /// Events that told of them.
    pub events: usize,
    /// Rows of what providers told of them beside messages, which are empty now.
    pub news: usize,
    /// Suppressions that survive as a keyed hash.
    pub suppressions_kept: usize,
    /// Copies of the database from before an upgrade that are there still and may hold the person; they go by themselves,
    /// [`FORMER_KEPT_DAYS`](crate::store::FORMER_KEPT_DAYS) days after it.
    pub copies: usize,
}

/// What the person is looked for by: a number and the other form of it, or `contact:` and a contact's number.
pub(super) struct Forms(pub(super) Vec<String>);

impl Forms {
    fn of(who: &Recipient) -> Self {
        let twin = match who {
            Recipient::Phone(phone) => phone.twin().map(|twin| twin.to_string()),
            Recipient::Contact(_) | Recipient::Group(_) => None,
        };
        Self([Some(who.to_string()), twin].into_iter().flatten().collect())
    }

    fn json(&self) -> String {
        json!(self.0).to_string()
    }
}

/// A contact that is the person, with the names it is known by.
pub(super) struct KnownContact {
    pub(super) account: AccountId,
    contact: ContactId,
    names: Vec<(String, String)>,
}

impl KnownContact {
    /// The names that stand for this person wherever they are read, inside of other text, too: not our own words and
    /// short ones of the provider's.
    pub(super) fn telling(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|(kind, _)| kind != "jid").map(|(_, value)| value.as_str())
    }

    /// Their numbers here, the former ones, too.
    pub(super) fn numbers(&self) -> Vec<i64> {
        let former = self.names.iter().filter_map(|(_, value)| value.strip_prefix("contact:")?.parse().ok());
        former.chain([self.contact.0]).collect()
    }
}

impl Retention {
    /// Everything about the person with this number, or the contact of this number, as JSON: in one account, or in all of
    /// them.
    ///
    /// # Errors
    /// Nobody is known by it; the store's.
    pub async fn export(&self, who: &Recipient, scope: Scope) -> Result<Value, RetentionError> {
        let (who, now, forms) = (who.clone(), self.clock.now(), Forms::of(who));
        self.store
            .read(move |tx| {
                let known = find(tx, &who, scope)?;
                let names = traces::names(&forms, &known);
                if known.is_empty() && !was_named(tx, (&forms, &names), scope)? {
                    return Err(RetentionError::Unknown);
                }
                let people: Result<Vec<Value>, StoreError> = known.iter().map(|one| show(tx, one)).collect();
                let unattached = rows(
                    tx,
                    "SELECT * FROM messages WHERE recipient IN (SELECT value FROM json_each(?1)) AND contact_id IS NULL
                         AND (?2 IS NULL OR account_id = ?2) ORDER BY id",
                    params![forms.json(), scope],
                )?;
                let scheduled = rows(
                    tx,
                    "SELECT * FROM schedules s WHERE recipient IN (SELECT value FROM json_each(?1))
                         AND (?2 IS NULL OR account_id = ?2)
                         AND NOT EXISTS (SELECT 1 FROM contact_identities i
                             WHERE i.account_id = s.account_id AND i.kind = 'phone' AND i.value = s.recipient)
                     ORDER BY id",
                    params![forms.json(), scope],
                )?;
                let news = numbered(tx, "SELECT * FROM provider_news", &traces::news(tx, &names, scope)?)?;
                let notes = numbered(tx, "SELECT * FROM inbound_messages", &traces::notes(tx, &names, scope)?)?;
                Ok(json!({
                    "phone": who.to_string(), "exported_at": now, "people": people?, "refused_messages": unattached,
                    "scheduled_messages": scheduled, "provider_news": news, "notes": notes,
                }))
            })
            .await
    }

    /// Erases the person with this number, or the contact of this number, from one account or from all of them. Answers
    /// with the telephone numbers that were theirs, too.
    ///
    /// # Errors
    /// Nobody is known by it, messages to them are on their way, the store's.
    pub async fn erase(
        &self,
        who: &Recipient,
        scope: Scope,
        actor: &str,
    ) -> Result<(ErasureReport, Vec<String>), RetentionError> {
        let (who, now, erased, actor) = (who.clone(), self.clock.now(), self.erased.clone(), actor.to_owned());
        let done = self.store.write(move |tx| erase(tx, &erased, (&who, scope), &actor, now)).await?;
        self.media.unlink(done.paths).await;
        Ok((done.report, done.phones))
    }
}

fn find(tx: &Tx<'_>, who: &Recipient, scope: Scope) -> Result<Vec<KnownContact>, StoreError> {
    let (kind, contact) = match who {
        Recipient::Contact(contact) => ("jid", Some(*contact)),
        Recipient::Phone(_) | Recipient::Group(_) => ("phone", None),
    };
    let found = tx.list(
        "SELECT account_id, contact_id FROM contact_identities
         WHERE kind = ?1 AND value = ?2 AND (?3 IS NULL OR account_id = ?3)
         UNION SELECT account_id, id FROM contacts WHERE id = ?4 AND (?3 IS NULL OR account_id = ?3)",
        params![kind, who.to_string(), scope, contact],
        |r| Ok((r.get::<_, AccountId>(0)?, r.get::<_, ContactId>(1)?)),
    )?;
    let names = |contact: ContactId| {
        tx.list("SELECT kind, value FROM contact_identities WHERE contact_id = ?1", params![contact], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
    };
    found.into_iter().map(|(account, contact)| Ok(KnownContact { account, contact, names: names(contact)? })).collect()
}

/// Whether somebody was refused, written to, or is to be written to, by this number without becoming a contact; or was told
/// of.
fn was_named(tx: &Tx<'_>, (forms, names): (&Forms, &[String]), scope: Scope) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE recipient IN (SELECT value FROM json_each(?1))
                       AND (?2 IS NULL OR account_id = ?2))
                   OR EXISTS (SELECT 1 FROM schedules WHERE recipient IN (SELECT value FROM json_each(?1))
                       AND (?2 IS NULL OR account_id = ?2))";
    Ok(tx.one(sql, params![forms.json(), scope], |r| r.get(0))?
        || !traces::news(tx, names, scope)?.is_empty()
        || !traces::notes(tx, names, scope)?.is_empty())
}

const SHOWN: &[(&str, &str)] = &[
    ("contact", "SELECT * FROM contacts WHERE id = ?1"),
    ("identities", "SELECT kind, value, is_variant FROM contact_identities WHERE contact_id = ?1"),
    ("suppressions", "SELECT * FROM suppressions WHERE contact_id = ?1 ORDER BY id"),
    ("conversations", "SELECT * FROM conversations WHERE contact_id = ?1 ORDER BY id"),
    ("received", "SELECT * FROM inbound_messages WHERE contact_id = ?1 ORDER BY id"),
    ("sent", "SELECT * FROM messages WHERE contact_id = ?1 ORDER BY id"),
    ("calls", "SELECT * FROM calls WHERE contact_id = ?1 ORDER BY id"),
    (
        "scheduled",
        "SELECT s.* FROM schedules s JOIN contacts c ON c.account_id = s.account_id WHERE c.id = ?1
             AND (s.recipient = 'contact:' || ?1
                  OR s.recipient IN (SELECT value FROM contact_identities WHERE contact_id = ?1)) ORDER BY s.id",
    ),
    ("answers", "SELECT * FROM endpoint_answers WHERE contact_id = ?1 ORDER BY id"),
    (
        "files",
        "SELECT * FROM media WHERE inbound_id IN (SELECT id FROM inbound_messages WHERE contact_id = ?1)
             OR log_id IN (SELECT id FROM messages WHERE contact_id = ?1) ORDER BY id",
    ),
];

fn show(tx: &Tx<'_>, known: &KnownContact) -> Result<Value, StoreError> {
    let mut all = Map::new();
    for (name, sql) in SHOWN {
        all.insert((*name).into(), json!(rows(tx, sql, params![known.contact])?));
    }
    Ok(Value::Object(all))
}

/// The rows with these numbers.
fn numbered(tx: &Tx<'_>, select: &str, ids: &[i64]) -> Result<Vec<Value>, StoreError> {
    let sql = format!("{select} WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id");
    rows(tx, &sql, params![json!(ids).to_string()])
}

/// Rows as JSON objects by the names of their columns; times stay milliseconds, bytes become hex.
fn rows(tx: &Tx<'_>, sql: &str, params: impl Params) -> Result<Vec<Value>, StoreError> {
    tx.list(sql, params, |r| {
        let names: Vec<String> = r.as_ref().column_names().into_iter().map(str::to_owned).collect();
        let mut row = Map::new();
        for (at, name) in names.into_iter().enumerate() {
            let value = match r.get_ref(at)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(n) => json!(n),
                ValueRef::Real(x) => json!(x),
                ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
                ValueRef::Blob(bytes) => json!(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
            };
            row.insert(name, value);
        }
        Ok(Value::Object(row))
    })
}

/// What an erasure did, and what is left to do after it.
struct Erasure {
    report: ErasureReport,
    /// Files to remove.
    paths: Vec<String>,
    /// The telephone numbers that were the person's.
    phones: Vec<String>,
}

fn erase(
    tx: &WriteTx<'_>,
    erased: &Erased,
    (who, scope): (&Recipient, Scope),
    actor: &str,
    now: Time,
) -> Result<Erasure, RetentionError> {
    let (known, forms) = (find(tx, who, scope)?, &Forms::of(who));
    let names = traces::names(forms, &known);
    if known.is_empty() && !was_named(tx, (forms, &names), scope)? {
        return Err(RetentionError::Unknown);
    }
    let contacts: Vec<i64> = known.iter().map(|one| one.contact.0).collect();
    let list = json!(contacts).to_string();
    let callings = recipients(forms, &known);
    let named = json!(callings).to_string();
    let on_their_way = tx.one(
        "SELECT (SELECT count(*) FROM messages WHERE quota = 'reserved' AND (?3 IS NULL OR account_id = ?3)
                     AND (recipient IN (SELECT value FROM json_each(?1)) OR contact_id IN (SELECT value FROM json_each(?2))))
              + (SELECT count(*) FROM schedules s WHERE state = 'claimed' AND (?3 IS NULL OR account_id = ?3)
                     AND recipient IN (SELECT value FROM json_each(?1))
                     AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.message_id = s.message_id
                                     AND NOT (m.status = 'accepted' AND m.quota = 'none')))",
        params![named, list, scope],
        |r| r.get::<_, u64>(0),
    )?;
    if on_their_way > 0 {
        return Err(RetentionError::OnTheirWay(on_their_way));
    }
    let mut report = ErasureReport { contacts: contacts.len(), ..ErasureReport::default() };
    for one in &known {
        report.suppressions_kept += keep_suppressions(tx, erased, one)?;
    }
    report.events = traces::erase_events(tx, (&names, scope), &known)?;
    report.news = traces::erase_news(tx, &names, scope)?;
    let notes = traces::notes(tx, &names, scope)?;
    report.scheduled = tx.execute(
        "DELETE FROM schedules WHERE (?2 IS NULL OR account_id = ?2) AND recipient IN (SELECT value FROM json_each(?1))",
        params![named, scope],
    )?;
    let (messages, paths) = erase_messages(tx, (&callings, scope), (&contacts, notes))?;
    (report.messages, report.files) = (messages, paths.len());
    carry_out(tx, CONTACTS, &contacts)?;
    for one in &known {
        tx.execute(
            "INSERT INTO audit (at, actor, account_id, action, target) VALUES (?1, ?2, ?3, 'person.erase', ?4)",
            params![now, actor, one.account, format!("contact:{}", one.contact)],
        )?;
    }
    tx.leave_no_trace();
    let all = known.iter().flat_map(KnownContact::telling).map(str::to_owned).chain(forms.0.iter().cloned());
    let mut phones: Vec<String> = all.filter(|name| name.starts_with('+')).collect();
    phones.sort_unstable();
    phones.dedup();
    Ok(Erasure { report, paths, phones })
}

/// All that a message may call the person by to whom it goes.
fn recipients(forms: &Forms, known: &[KnownContact]) -> Vec<String> {
    let contacts = known.iter().map(|one| format!("contact:{}", one.contact));
    let names = known.iter().flat_map(|one| one.names.iter().map(|(_, value)| value.clone()));
    forms.0.iter().cloned().chain(contacts).chain(names).collect()
}

/// What hangs on a contact and nothing else; in an order in which nothing hangs on what is gone.
const CONTACTS: &[&str] = &[
    "DELETE FROM endpoint_answers WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM answerable_events WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM calls WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM conversations WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM suppressions WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM contact_identities WHERE contact_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM contacts WHERE id IN (SELECT value FROM json_each(?1))",
];

const INBOUND: &[&str] = &[
    "DELETE FROM media WHERE inbound_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM inbound_messages WHERE id IN (SELECT value FROM json_each(?1))",
];

const OUTBOUND: &[&str] = &[
    "DELETE FROM media WHERE log_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM policy_decisions WHERE log_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM idempotency WHERE log_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM strikes WHERE log_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))",
];

/// Messages both ways, and notes about them, with their files' rows; how many, and the files to remove after the commit.
fn erase_messages(
    tx: &WriteTx<'_>,
    (callings, scope): (&[String], Scope),
    (contacts, notes): (&[i64], Vec<i64>),
) -> Result<(usize, Vec<String>), StoreError> {
    let (named, list) = (json!(callings).to_string(), json!(contacts).to_string());
    let mut inbound: Vec<i64> = tx.list(
        "SELECT id FROM inbound_messages WHERE contact_id IN (SELECT value FROM json_each(?1))",
        params![list],
        |r| r.get(0),
    )?;
    inbound.extend(notes);
    let outbound: Vec<i64> = tx.list(
        "SELECT id FROM messages WHERE (?3 IS NULL OR account_id = ?3)
             AND (recipient IN (SELECT value FROM json_each(?1)) OR contact_id IN (SELECT value FROM json_each(?2)))",
        params![named, list, scope],
        |r| r.get(0),
    )?;
    let paths = tx.list(
        "SELECT path FROM media WHERE path IS NOT NULL AND (inbound_id IN (SELECT value FROM json_each(?1))
             OR log_id IN (SELECT value FROM json_each(?2)))",
        params![json!(inbound).to_string(), json!(outbound).to_string()],
        |r| r.get(0),
    )?;
    carry_out(tx, INBOUND, &inbound)?;
    carry_out(tx, OUTBOUND, &outbound)?;
    tx.execute(
        "DELETE FROM strikes WHERE recipient IN (SELECT value FROM json_each(?1))
             AND (?2 IS NULL OR instance_id IN (SELECT id FROM instances WHERE account_id = ?2))",
        params![named, scope],
    )?;
    tx.execute(
        "DELETE FROM threecx_cooldowns WHERE recipient IN (SELECT value FROM json_each(?1))
             AND (?2 IS NULL OR integration_id IN (SELECT id FROM threecx_integrations WHERE account_id = ?2))",
        params![named, scope],
    )?;
    traces::empty_requests(tx, (callings, scope), &outbound)?;
    Ok((inbound.len() + outbound.len(), paths))
}

fn keep_suppressions(tx: &WriteTx<'_>, erased: &Erased, known: &KnownContact) -> Result<usize, StoreError> {
    let in_force = tx.list(
        "SELECT source, since FROM suppressions WHERE contact_id = ?1 AND lifted_at IS NULL",
        params![known.contact],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, Time>(1)?)),
    )?;
    for (source, since) in &in_force {
        for (kind, value) in &known.names {
            erased.keep(tx, known.account, (kind, value), (source, *since))?;
        }
    }
    Ok(in_force.len())
}
