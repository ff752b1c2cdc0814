//! Who is to be told what: recipients, notices that they were not told of yet, and the letter that tells them.

use super::Channel;
use crate::{
    accounts::{self, Scope},
    config::NoticesConfig as Settings,
    model::clock::Time,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// The same notice goes to one address at most this often.
const NOT_AGAIN_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// Notices in one letter; the others are in the next one.
const IN_ONE: u32 = 50;

/// Somebody who gets letters.
struct LetterRecipient {
    channel: Channel,
    address: String,
    language: String,
    /// None: all notices.
    scope: Scope,
}

/// Whether [`plan`] would write anything.
pub(super) fn is_new(tx: &Tx<'_>, settings: &Settings, language: &str, now: Time) -> Result<bool, StoreError> {
    for recipient in recipients(tx, settings, language)? {
        if !untold(tx, &recipient, settings, now)?.is_empty() && letter(tx, &recipient, settings, now)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where a notice goes: a letter that waits already, or a new one.
enum Into {
    Waiting(i64),
    New,
}

/// Puts what is untold into letters: one that waits, or a new one when the last is long enough ago.
pub(super) fn plan(tx: &WriteTx<'_>, settings: &Settings, language: &str, now: Time) -> Result<(), StoreError> {
    for recipient in recipients(tx, settings, language)? {
        let untold = untold(tx, &recipient, settings, now)?;
        if untold.is_empty() {
            continue;
        }
        let digest = match letter(tx, &recipient, settings, now)? {
            None => continue,
            Some(Into::Waiting(id)) => id,
            Some(Into::New) => tx.insert(
                "INSERT INTO digests (channel, recipient, language, state, due_at, created_at)
                 VALUES (?1, ?2, ?3, 'pending', ?4, ?4)",
                params![recipient.channel.as_str(), recipient.address, recipient.language, now],
            )?,
        };
        for notice in untold {
            tx.execute("INSERT INTO digest_notices (digest_id, notice_id) VALUES (?1, ?2)", params![digest, notice])?;
        }
    }
    Ok(())
}

/// Those who run the gateway first: an owner who is among them gets all notices, and no letter besides.
fn recipients(tx: &Tx<'_>, settings: &Settings, language: &str) -> Result<Vec<LetterRecipient>, StoreError> {
    let mut all = Vec::new();
    if settings.smtp_host.is_some() {
        let admin = |to: &String| LetterRecipient {
            channel: Channel::Mail,
            address: to.clone(),
            language: language.to_owned(),
            scope: Scope::of_the_machine(),
        };
        all.extend(settings.to.iter().map(admin));
        if settings.to_owners {
            for owner in accounts::list_owners(tx)? {
                if all.iter().all(|known| !known.address.eq_ignore_ascii_case(&owner.email)) {
                    let (address, language, scope) = (owner.email, owner.language, Scope::Account(owner.account));
                    all.push(LetterRecipient { channel: Channel::Mail, address, language, scope });
                }
            }
        }
    }
    let hook = settings.webhook_url.iter().map(|url| LetterRecipient {
        channel: Channel::Webhook,
        address: url.clone(),
        language: language.to_owned(),
        scope: Scope::of_the_machine(),
    });
    all.extend(hook);
    Ok(all)
}

/// Open notices that this recipient was not told of: in no letter that was or will be sent, and none about the same
/// within the last day. A number that is not connected is none before its time.
fn untold(tx: &Tx<'_>, to: &LetterRecipient, settings: &Settings, now: Time) -> Result<Vec<i64>, StoreError> {
    tx.list(
        "SELECT n.id FROM notices n
         WHERE n.cleared_at IS NULL AND (?1 IS NULL OR n.account_id = ?1)
           AND (n.kind <> 'instance_disconnected' OR n.created_at <= ?2)
           AND NOT EXISTS (SELECT 1 FROM digest_notices t JOIN digests d ON d.id = t.digest_id
                           WHERE t.notice_id = n.id AND d.channel = ?3 AND d.recipient = ?4 AND d.state <> 'failed')
           AND NOT EXISTS (SELECT 1 FROM notices o JOIN digest_notices t ON t.notice_id = o.id
                           JOIN digests d ON d.id = t.digest_id
                           WHERE o.account_id IS n.account_id AND o.kind = n.kind AND o.subject = n.subject
                             AND d.channel = ?3 AND d.recipient = ?4
                             AND (d.state = 'pending' OR d.state = 'sent' AND d.sent_at > ?5))
         ORDER BY n.id LIMIT ?6",
        params![
            to.scope,
            now.minus(settings.disconnected_after),
            to.channel.as_str(),
            to.address,
            now.minus(NOT_AGAIN_WITHIN),
            IN_ONE
        ],
        |r| r.get(0),
    )
}

/// None: the last letter is too fresh for another.
fn letter(tx: &Tx<'_>, to: &LetterRecipient, settings: &Settings, now: Time) -> Result<Option<Into>, StoreError> {
    let last = tx.find(
        "SELECT id, state, created_at FROM digests WHERE channel = ?1 AND recipient = ?2
         ORDER BY created_at DESC, id DESC LIMIT 1",
        params![to.channel.as_str(), to.address],
        |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?, r.get::<_, Time>(2)?)),
    )?;
    Ok(match last {
        Some((id, state, _)) if state == "pending" => Some(Into::Waiting(id)),
        // A clock that was set back silences nobody.
        Some((_, _, at)) if at <= now && now.since(at) < settings.digest_every => None,
        _ => Some(Into::New),
    })
}
