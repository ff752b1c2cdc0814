//! Edits and deletions of which the provider tells only what they are about.

use super::{Recorded, Recording, echo, message, news};
use crate::{
    connectors::inbound_event::{Echo, GroupRef, HeardChange, InboundMessage, ProviderNews, RemoteParty, Told},
    model::{
        ids::{ContactId, InstanceId},
        message::{EDIT, EchoOrigin, REVOKE},
    },
    people::conversations::{self, IdentityKind},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{borrow::Cow, time::Duration};

/// How long after we changed a message the provider's word of it is taken for ours.
const HEARD_WITHIN: Duration = Duration::from_secs(15 * 60);

/// The message that is changed.
struct Original {
    /// The other side; of a message in a group, its writer.
    contact: Option<ContactId>,
    group: Option<String>,
    is_ours: bool,
}

pub(super) fn record(tx: &WriteTx<'_>, recording: &Recording<'_>, heard: &HeardChange) -> Result<Recorded, StoreError> {
    let Some(original) = find(tx, recording, &heard.about)? else { return unknown(tx, recording, heard) };
    let message = InboundMessage {
        provider_message_id: heard.provider_message_id.clone(),
        from: RemoteParty::default(),
        group: original.group.clone().map(|id| GroupRef { id, name: String::new() }),
        kind: if heard.text.is_some() { EDIT } else { REVOKE }.to_owned(),
        text: heard.text.clone(),
        reply_to: Some(heard.about.clone()),
        may_opt_out: true,
        payload: None,
        media: None,
        raw: Some(heard.raw.clone()),
        told: Told::Live,
    };
    let person = match original.contact {
        Some(contact) => party(tx, recording, contact)?,
        None => RemoteParty::default(),
    };
    if original.is_ours && is_our_doing(tx, recording, &message)? {
        return Ok(message::heard_before());
    }
    if original.is_ours {
        return echo::record(tx, recording, &Echo { to: person, origin: EchoOrigin::Phone, message });
    }
    let phrase = message.text.as_deref().filter(|_| message.group.is_none());
    let phrase = phrase.and_then(|text| recording.means.phrases.hear(text));
    message::record(tx, &Recording { phrase, ..*recording }, &InboundMessage { from: person, ..message })
}

/// Edits of one message that are followed back.
const EDITS_MAX: usize = 20;

/// A change as one of the message that was written first: a provider may name the edit before it instead.
pub(super) fn of_the_first<'a>(
    tx: &Tx<'_>,
    instance: &InstanceId,
    message: &'a InboundMessage,
) -> Result<Cow<'a, InboundMessage>, StoreError> {
    let sql = "SELECT reply_to FROM inbound_messages
               WHERE provider_message_id = ?1 AND instance_id = ?2 AND kind = 'edit' ORDER BY id DESC LIMIT 1";
    let mut about = message.reply_to.clone().filter(|_| message.kind == EDIT || message.kind == REVOKE);
    for _ in 0..EDITS_MAX {
        let Some(id) = &about else { break };
        let before = tx.find(sql, params![id, instance], |r| r.get::<_, Option<String>>(0))?.flatten();
        let Some(before) = before else { break };
        about = Some(before);
    }
    Ok(match about {
        Some(first) if message.reply_to.as_ref() != Some(&first) => {
            Cow::Owned(InboundMessage { reply_to: Some(first), ..message.clone() })
        }
        _ => Cow::Borrowed(message),
    })
}

/// Whether this gateway asked for the change a short while ago.
fn is_our_doing(tx: &Tx<'_>, recording: &Recording<'_>, change: &InboundMessage) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM messages
               WHERE instance_id = ?1 AND created_at > ?2 AND kind = ?3 AND reply_to = ?4 AND body = ?5
                 AND status NOT IN ('blocked', 'failed') LIMIT 1";
    let since = recording.now().minus(HEARD_WITHIN);
    let words = change.text.as_deref().unwrap_or_default();
    let of = params![recording.heard.instance, since, change.kind, change.reply_to, words];
    Ok(tx.find(sql, of, |_| Ok(()))?.is_some())
}

/// What is about a message that is not here is kept as it came.
fn unknown(tx: &WriteTx<'_>, recording: &Recording<'_>, heard: &HeardChange) -> Result<Recorded, StoreError> {
    let kind = if heard.text.is_some() { EDIT } else { REVOKE }.to_owned();
    let news = ProviderNews { kind, raw: heard.raw.clone(), notice: None, then: Vec::new() };
    Ok(Recorded { after: news::record(tx, recording, &news)?, has_row: false })
}

fn find(tx: &Tx<'_>, recording: &Recording<'_>, id: &str) -> Result<Option<Original>, StoreError> {
    let of = params![id, recording.heard.instance];
    let sent = tx.find(
        "SELECT contact_id, CASE WHEN recipient LIKE '%@g.us' THEN recipient END FROM messages
         WHERE provider_message_id = ?1 AND instance_id = ?2",
        of,
        |r| Ok(Original { contact: r.get(0)?, group: r.get(1)?, is_ours: true }),
    )?;
    if sent.is_some() {
        return Ok(sent);
    }
    tx.find(
        "SELECT contact_id, group_id, origin IS NOT NULL FROM inbound_messages
         WHERE provider_message_id = ?1 AND instance_id = ?2 ORDER BY id DESC LIMIT 1",
        of,
        |r| Ok(Original { contact: r.get(0)?, group: r.get(1)?, is_ours: r.get(2)? }),
    )
}

/// A contact by its names.
fn party(tx: &Tx<'_>, recording: &Recording<'_>, contact: ContactId) -> Result<RemoteParty, StoreError> {
    let found = conversations::find_by_id(tx, recording.account, contact)?;
    let names = found.map(|(_, names)| names).unwrap_or_default();
    let named = |kind| names.iter().find(|name| name.kind == kind).map(|name| name.value.clone());
    Ok(RemoteParty {
        phone: named(IdentityKind::Phone),
        lid: named(IdentityKind::Lid),
        bsuid: named(IdentityKind::Bsuid),
        other: named(IdentityKind::Other),
        name: None,
    })
}
