//! What a provider tells that is no message, receipt or call: who is known by which names, and news that are kept as
//! they came. The same thing told twice is recorded once, and what follows from it happens once.

use super::{After, Recording};
use crate::{
    accounts::notices::{self, NoticeKind},
    connectors::{
        ProviderEvent,
        inbound_event::{ProviderNews, RemoteParty, Whom},
    },
    model::{clock::Time, ids::InstanceId},
    people::conversations::{self, Identity},
    sending::receipts,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Something that a provider told, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NewsRow {
    /// When it happened, by the provider's clock where it gives one.
    pub at: Time,
    /// The provider's word for it, or ours where it has none: `unknown_status`, `other_number`, …
    pub kind: String,
    /// As it came: JSON. Empty: it is not kept any more.
    pub raw: String,
}

/// What the provider told an instance besides messages, receipts and calls, newest first, in a read that brings more.
///
/// # Errors
/// The store's.
pub fn list(tx: &Tx<'_>, instance: &InstanceId, limit: u32) -> Result<Vec<NewsRow>, StoreError> {
    let sql = "SELECT heard_at, kind, raw FROM provider_news WHERE instance_id = ?1 ORDER BY id DESC LIMIT ?2";
    tx.list(sql, params![instance, limit], |r| Ok(NewsRow { at: r.get(0)?, kind: r.get(1)?, raw: r.get(2)? }))
}

/// Keeps it; does what follows from it when it is new.
pub(super) fn record(tx: &WriteTx<'_>, recording: &Recording<'_>, heard: &ProviderNews) -> Result<After, StoreError> {
    let ProviderNews { kind, raw, notice, then } = heard;
    let ProviderEvent { instance, at, .. } = recording.heard;
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(raw).finalize();
    let is_new = tx.execute(
        "INSERT INTO provider_news (account_id, instance_id, kind, digest, raw, heard_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![recording.account, instance, kind, &digest[..], raw, at, recording.now()],
    )? > 0;
    if !is_new {
        return Ok(After::Nothing);
    }
    if let Some(text) = notice {
        tell_owner(tx, recording, kind, text)?;
    }
    for what in then {
        let heard = ProviderEvent { instance: instance.clone(), at: *at, what: what.clone() };
        super::news(tx, &Recording { heard: &heard, phrase: None, ..*recording })?;
    }
    Ok(After::Nothing)
}

fn tell_owner(tx: &WriteTx<'_>, recording: &Recording<'_>, kind: &str, text: &str) -> Result<(), StoreError> {
    let instance = &recording.heard.instance;
    let sql = "SELECT name FROM instances WHERE id = ?1";
    let name = tx.find(sql, params![instance], |r| r.get::<_, String>(0))?.unwrap_or_default();
    let parameters = json!({"name": name, "instance": instance, "kind": kind, "reason": text});
    // What comes for a stranger comes again and again: it is told once, until somebody has seen it.
    if kind.starts_with("other_") {
        let subject = format!("{instance}/{kind}/{text}");
        return notices::raise(
            tx,
            Some(recording.account),
            (NoticeKind::ProviderNews, &subject),
            &parameters,
            recording.now(),
        );
    }
    // A newer word about the same thing takes the older one's place.
    let (account, subject) = (Some(recording.account), format!("{instance}/{kind}"));
    notices::clear(tx, account, NoticeKind::ProviderNews, &subject, recording.now())?;
    notices::raise(tx, account, (NoticeKind::ProviderNews, &subject), &parameters, recording.now())
}

/// The provider knows somebody, whom we know, by these names.
pub(super) fn named(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    whom: &Whom,
    names: &RemoteParty,
) -> Result<After, StoreError> {
    let asked = match whom {
        Whom::Address(address) => Some(address.clone()),
        Whom::Recipient { provider_message_id, message_id } => {
            let recipient =
                receipts::recipient(tx, &recording.heard.instance, provider_message_id, message_id.as_ref())?;
            recipient.and_then(|text| Identity::of(&text).address())
        }
    };
    // A receipt of a message that is not ours, or not yet known to be.
    let Some(asked) = asked else { return Ok(After::Nothing) };
    if recording.learning().recipient(tx, &asked, names)? {
        recording.means.has_merged.set(true);
    }
    Ok(After::Nothing)
}

/// One person is known by all of these names. Whoever is not known stays so, unless a name of theirs took the place of
/// another: calls come in any order, and what they said under the former one may be told after this.
pub(super) fn person(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    names: &RemoteParty,
    former: &RemoteParty,
) -> Result<After, StoreError> {
    let (good, former) = (Identity::all_of(names), Identity::all_of(former));
    let all: Vec<_> = good.iter().chain(&former).cloned().collect();
    let mut is_known = false;
    for identity in &all {
        is_known |= conversations::find(tx, recording.account, identity)?.is_some();
    }
    if !is_known && (good.is_empty() || former.is_empty()) {
        // Who was erased stays suppressed under their new names, too.
        recording.learning().spread(tx, &all)?;
        return Ok(After::Nothing);
    }
    let contact = recording.person(tx, &all)?;
    if let (Some(contact), Some(name)) = (contact, &names.name)
        && conversations::note_name(tx, contact, name)?
    {
        conversations::announce(tx, recording.account, &recording.heard.instance, contact, recording.means.moment)?;
    }
    let Some(contact) = contact else { return Ok(After::Nothing) };
    for identity in former.iter().filter(|old| !good.contains(old)) {
        conversations::retire(tx, recording.account, (contact, identity), recording.heard.at)?;
    }
    // Who goes back to a name that they gave up has it again.
    for identity in good.iter().filter(|_| !former.is_empty()) {
        conversations::revive(tx, recording.account, identity, recording.heard.at)?;
    }
    Ok(After::Nothing)
}
