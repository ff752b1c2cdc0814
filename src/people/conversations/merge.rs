//! One person, known twice: when a link between a number and a hidden id is learnt, two contacts become one.
//!
//! What hung on either hangs on the one that stays: identities, log rows, conversations, suppressions,
//! messages and answers that wait for them. Nothing of a
//! person's will is lost: a suppression of either holds for the one. Programs were told the number of the one that goes
//! (`contact_id`): it leads to the one that stays.

use super::contact::Identity;
use crate::{
    model::ids::ContactId,
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// Makes `gone` a part of `stays`.
pub fn merge(tx: &WriteTx<'_>, stays: ContactId, gone: ContactId) -> Result<(), StoreError> {
    if stays == gone {
        return Ok(());
    }
    tx.execute(
        "UPDATE contacts SET
             name = coalesce(name, (SELECT name FROM contacts WHERE id = ?2)),
             imported_at = coalesce(imported_at, (SELECT imported_at FROM contacts WHERE id = ?2)),
             first_outbound_at = coalesce(first_outbound_at, (SELECT first_outbound_at FROM contacts WHERE id = ?2)),
             created_at = min(created_at, (SELECT created_at FROM contacts WHERE id = ?2)),
             last_inbound_at = nullif(max(coalesce(last_inbound_at, 0),
                 coalesce((SELECT last_inbound_at FROM contacts WHERE id = ?2), 0)), 0)
         WHERE id = ?1",
        params![stays, gone],
    )?;
    merge_conversations(tx, stays, gone)?;
    for sql in [
        // A row's recipient is one of the person's names. The log has an index by it, and none by contact.
        "UPDATE messages SET contact_id = ?1
         WHERE account_id = (SELECT account_id FROM contacts WHERE id = ?1) AND contact_id = ?2
           AND recipient IN (SELECT value FROM contact_identities WHERE contact_id = ?2 UNION ALL SELECT 'contact:' || ?2)",
        "UPDATE contact_identities SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE calls SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE inbound_messages SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE endpoint_answers SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE answerable_events SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE schedules SET recipient = 'contact:' || ?1 WHERE recipient = 'contact:' || ?2",
        // Both may be suppressed from the same source: the one that stays keeps its own row in force.
        "UPDATE OR IGNORE suppressions SET contact_id = ?1 WHERE contact_id = ?2",
    ] {
        tx.execute(sql, params![stays, gone])?;
    }
    tx.execute(
        "UPDATE suppressions SET lifted_at = since, lifted_by = 'merged', contact_id = ?1
         WHERE contact_id = ?2 AND lifted_at IS NULL",
        params![stays, gone],
    )?;
    tx.execute("UPDATE suppressions SET contact_id = ?1 WHERE contact_id = ?2", params![stays, gone])?;
    let was = Identity::former(gone);
    tx.execute(
        "INSERT OR IGNORE INTO contact_identities (account_id, kind, value, contact_id)
         SELECT account_id, ?2, ?3, id FROM contacts WHERE id = ?1",
        params![stays, was.kind.as_str(), was.value],
    )?;
    tx.execute("DELETE FROM contacts WHERE id = ?1", params![gone])?;
    Ok(())
}

/// Chats with both become one chat; the same message heard in both is one message.
fn merge_conversations(tx: &WriteTx<'_>, stays: ContactId, gone: ContactId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations AS kept SET
             unread_count = kept.unread_count + other.unread_count, sequence = kept.sequence + other.sequence,
             last_message_at = max(kept.last_message_at, other.last_message_at),
             last_inbound_at = nullif(max(coalesce(kept.last_inbound_at, 0), coalesce(other.last_inbound_at, 0)), 0)
         FROM conversations AS other
         WHERE kept.contact_id = ?1 AND other.contact_id = ?2 AND other.instance_id = kept.instance_id",
        params![stays, gone],
    )?;
    tx.execute(
        "UPDATE OR IGNORE inbound_messages SET chat = 'contact:' || ?1
         WHERE contact_id = ?2 AND chat = 'contact:' || ?2",
        params![stays, gone],
    )?;
    tx.execute("DELETE FROM inbound_messages WHERE contact_id = ?1 AND chat = 'contact:' || ?1", params![gone])?;
    tx.execute(
        "UPDATE inbound_messages SET conversation_id = kept.id
         FROM conversations AS kept, conversations AS other
         WHERE inbound_messages.conversation_id = other.id AND other.contact_id = ?2 AND kept.contact_id = ?1
           AND kept.instance_id = other.instance_id",
        params![stays, gone],
    )?;
    tx.execute("UPDATE OR IGNORE conversations SET contact_id = ?1 WHERE contact_id = ?2", params![stays, gone])?;
    tx.execute("DELETE FROM conversations WHERE contact_id = ?1", params![gone])?;
    Ok(())
}
