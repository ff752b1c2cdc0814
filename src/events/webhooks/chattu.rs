//! Events as the Chattu dialect has them, and what an endpoint's answer to one asks for.
//!
//! A body is `{"event": …, "data": …}`; numbers are digits, the client is the instance's id, times are milliseconds. The
//! answer may carry a text for whoever wrote or called: it is kept here, in the transaction that settles the delivery,
//! and taken from here by whoever may send. What a later attempt brings is an answer, too, for as long as a person's
//! message may be answered freely; a caller is told something at the first. An event is answered once, also when its
//! delivery is sent again by hand. An answer that says something which cannot go to anybody is told of in the audit log.

use super::{
    echo_ref::ChangedRef,
    endpoint,
    event::{Event, EventName, EventPerson},
    managed::Format,
};
use crate::{
    accounts::audit::{self, AuditEntry},
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        text,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::{Value, json};
use std::time::Duration;

/// Within this an endpoint answers an event of a message, and one of a call.
const MESSAGE_WITHIN: Duration = Duration::from_secs(5);
const CALL_WITHIN: Duration = Duration::from_secs(3);
/// An attempt that comes later than this after its event brings no answer: a message may be answered for a day, a caller
/// does not wait for longer than some minutes.
const STALE_AFTER: Duration = Duration::from_secs(24 * 3600);
const CALL_STALE_AFTER: Duration = Duration::from_secs(5 * 60);
/// What is read of an answer, in bytes: the longest text that can be sent, with everything escaped, and some more.
pub(super) const ANSWER_MAX: usize = 64 * 1024;
/// Longest text of an answer, in characters.
const TEXT_MAX: usize = 4096;

/// What an endpoint's answer to an event asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointReply {
    pub id: i64,
    pub account: AccountId,
    /// To which instance somebody wrote or called.
    pub instance: InstanceId,
    pub contact: ContactId,
    /// Whether they called.
    pub is_call: bool,
    /// What they are to be told; none: the endpoint said nothing in time.
    pub text: Option<String>,
    /// When it was answered.
    pub at: Time,
}

/// How long an endpoint of this dialect may take.
pub(super) fn answer_within(event_name: &str) -> Duration {
    if event_name == "call.rejected" { CALL_WITHIN } else { MESSAGE_WITHIN }
}

/// The event's body; none: the dialect has no word for it. `client`: what the dialect calls the instance;
/// `at`: when it happened.
pub(super) fn body(event: &Event, client: &str, at: Time) -> Option<String> {
    let (name, data) = match event {
        // Whom the provider's agent answers, a program must not: this dialect has no word for that.
        Event::MessageReceived { is_standby: true, .. } => return None,
        Event::MessageReceived { from, message_text, changed, .. } => {
            ("message_received", message(&number(from), client, &words(message_text, changed), "received_message", at))
        }
        Event::GroupMessageReceived { group_id, message_text, changed, .. } => {
            ("message_received", message(group_id, client, &words(message_text, changed), "received_message", at))
        }
        Event::MessageEchoed(sent) => {
            let to = sent.group_id.clone().unwrap_or_else(|| number(&sent.to));
            let words = words(&sent.message_text, &sent.changed);
            ("message_sent", message(client, &to, &words, "sent_message", at))
        }
        Event::MessageSent(sent) => {
            let to = sent.recipient.trim_start_matches('+');
            let said = Some(sent.message_text.clone()).filter(|text| !text.is_empty() || sent.changed.is_none());
            ("message_sent", message(client, to, &words(&said, &sent.changed), "sent_message", at))
        }
        Event::CallRejected { from, is_video, .. } => (
            "call_rejected",
            json!({
                "from": number(from), "to": client, "isVideo": is_video, "timestamp": at.millis(),
                "type": "call_rejected",
            }),
        ),
        Event::Test => ("test", json!({"to": client, "timestamp": at.millis(), "type": "test"})),
        _ => return None,
    };
    Some(json!({"event": name, "data": data}).to_string())
}

fn message(from: &str, to: &str, text: &str, kind: &str, at: Time) -> Value {
    json!({"from": from, "to": to, "body": text, "message": text, "timestamp": at.millis(), "type": kind})
}

/// What was said. Of a deletion, whose own text is none: that it is one, and of what.
fn words(text: &Option<String>, changed: &Option<ChangedRef>) -> String {
    match (text, changed) {
        (Some(text), _) => text.clone(),
        (None, Some(about)) => about.taken_back(),
        (None, None) => String::new(),
    }
}

/// Digits; the contact's number here where theirs is hidden.
fn number(person: &EventPerson) -> String {
    match (&person.phone, person.contact_id) {
        (Some(phone), _) => phone.trim_start_matches('+').to_owned(),
        (None, Some(contact)) => format!("contact:{contact}"),
        (None, None) => String::new(),
    }
}

/// Remembers whom an answer to this event would go to. What nobody can be answered on is not remembered: groups, and
/// what we sent ourselves.
pub(super) fn note_answerable(
    tx: &WriteTx<'_>,
    event_row: i64,
    account: AccountId,
    instance: &InstanceId,
    event: &Event,
) -> Result<(), StoreError> {
    let (from, is_call) = match event {
        // What was taken back asks for no answer.
        Event::MessageReceived { message_text: None, changed: Some(_), .. } => return Ok(()),
        Event::MessageReceived { is_standby: true, .. } => return Ok(()),
        Event::MessageReceived { from, .. } => (from, false),
        Event::CallRejected { from, .. } => (from, true),
        _ => return Ok(()),
    };
    let Some(contact) = from.contact_id else { return Ok(()) };
    tx.execute(
        "INSERT INTO answerable_events (event_row, account_id, instance_id, contact_id, is_call)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![event_row, account, instance, contact, is_call],
    )
    .map(drop)
}

/// What an attempt brought.
pub(super) struct AttemptAnswer<'a> {
    pub(super) delivery: i64,
    pub(super) is_first: bool,
    pub(super) is_success: bool,
    /// The answer's body.
    pub(super) text: &'a str,
    pub(super) at: Time,
}

/// Keeps what an attempt brought, where it is an answer. Of a call the first attempt alone counts.
pub(super) fn keep_answer(tx: &WriteTx<'_>, brought: &AttemptAnswer<'_>) -> Result<(), StoreError> {
    let now = brought.at;
    let event = tx.find(
        "SELECT a.event_row, a.is_call, e.created_at, a.account_id, a.instance_id FROM deliveries d
         JOIN answerable_events a ON a.event_row = d.event_id JOIN events e ON e.id = d.event_id
         WHERE d.id = ?1",
        params![brought.delivery],
        |r| Ok((r.get::<_, i64>(0)?, r.get::<_, bool>(1)?, r.get::<_, Time>(2)?, (r.get(3)?, r.get(4)?))),
    )?;
    let Some((event, is_call, happened, (account, instance))) = event else { return Ok(()) };
    if is_call && !brought.is_first {
        return Ok(());
    }
    let answered = if brought.is_success { asked(brought.text, is_call) } else { ReplyAsked::Nothing };
    let stale_after = if is_call { CALL_STALE_AFTER } else { STALE_AFTER };
    if now.since(happened) > stale_after {
        return match answered {
            ReplyAsked::Nothing => Ok(()),
            // An event that is told again, long after its answer went.
            _ if tx.find("SELECT 1 FROM endpoint_answers WHERE event_row = ?1", [event], |_| Ok(()))?.is_some() => {
                Ok(())
            }
            _ => record_withheld(tx, account, &instance, "it is too old", now),
        };
    }
    let text = match answered {
        ReplyAsked::Text(text) => Some(text),
        ReplyAsked::Unfit(why) => {
            record_withheld(tx, account, &instance, &why, now)?;
            None
        }
        ReplyAsked::Nothing => None,
    };
    // Somebody who called is told something in any case.
    if text.is_none() && !is_call {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO endpoint_answers (event_row, account_id, instance_id, contact_id, is_call, text, created_at)
         SELECT event_row, account_id, instance_id, contact_id, is_call, ?2, ?3 FROM answerable_events
         WHERE event_row = ?1
         ON CONFLICT DO NOTHING",
        params![event, text, now],
    )
    .map(drop)
}

/// Tells whoever looks for the reason why an endpoint's answer is not sent.
///
/// # Errors
/// The store's.
pub fn record_withheld(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    why: &str,
    now: Time,
) -> Result<(), StoreError> {
    tracing::info!(%instance, "an endpoint's answer is not sent: {why}");
    let entry = AuditEntry {
        actor: "gateway",
        account: Some(account),
        action: "webhook.answer_withheld",
        target: instance.as_str(),
        before: None,
        after: Some(why),
    };
    audit::record(tx, now, &entry)
}

/// Whether an endpoint that works will be asked what somebody who called is to be told.
pub fn is_asked_about_calls(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    now: Time,
) -> Result<bool, StoreError> {
    let wanting = endpoint::wanting(tx, account, instance, EventName::CallRejected, now)?;
    for one in wanting.endpoints.iter().filter(|w| w.format == Format::Chattu) {
        let sql = "SELECT 1 FROM endpoints WHERE id = ?1 AND disabled_at IS NULL";
        if tx.find(sql, params![one.id], |_| Ok(()))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A call was rejected and no endpoint is asked: the caller is told what the instance says.
pub fn answer_unasked(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    contact: ContactId,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO endpoint_answers (account_id, instance_id, contact_id, is_call, created_at)
         VALUES (?1, ?2, ?3, 1, ?4)",
        params![account, instance, contact, now],
    )
    .map(drop)
}

/// What an answer asks to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
enum ReplyAsked {
    Nothing,
    Text(String),
    /// Something that cannot be sent, and why.
    Unfit(String),
}

/// What an answer asks for. A script whose file begins with a byte order mark answers with one; an empty text asks for
/// nothing.
fn asked(answer: &str, is_call: bool) -> ReplyAsked {
    let answer = answer.strip_prefix('\u{feff}').unwrap_or(answer);
    let member = if is_call { "rejectionMessage" } else { "response" };
    let Ok(read) = serde_json::from_str::<Value>(answer) else {
        // What is longer is not read to its end, and is no JSON for that reason.
        return match answer.len() + '\u{feff}'.len_utf8() >= ANSWER_MAX && answer.trim_start().starts_with('{') {
            true => ReplyAsked::Unfit(format!("the answer has more than {} KiB", ANSWER_MAX / 1024)),
            false => ReplyAsked::Nothing,
        };
    };
    match read.get(member) {
        None | Some(Value::Null) => ReplyAsked::Nothing,
        Some(Value::String(said)) if text::is_blank(said) => ReplyAsked::Nothing,
        Some(Value::String(said)) if said.contains('\0') => {
            ReplyAsked::Unfit(format!("its {member} has the character U+0000, which no message can have"))
        }
        Some(Value::String(said)) => match said.chars().count() {
            length if length > TEXT_MAX => {
                ReplyAsked::Unfit(format!("its {member} has {length} characters, and {TEXT_MAX} is the most"))
            }
            _ => ReplyAsked::Text(said.clone()),
        },
        Some(_) => ReplyAsked::Unfit(format!("its {member} is no text in quotes")),
    }
}

/// What waits to be sent, oldest first.
pub fn answers(tx: &Tx<'_>, limit: u32) -> Result<Vec<EndpointReply>, StoreError> {
    tx.list(
        "SELECT id, account_id, instance_id, contact_id, is_call, text, created_at FROM endpoint_answers
         WHERE done_at IS NULL ORDER BY id LIMIT ?1",
        params![limit],
        |r| {
            Ok(EndpointReply {
                id: r.get(0)?,
                account: r.get(1)?,
                instance: r.get(2)?,
                contact: r.get(3)?,
                is_call: r.get(4)?,
                text: r.get(5)?,
                at: r.get(6)?,
            })
        },
    )
}

/// What endpoints answered and nobody took yet, and what they are still asked: another gateway has answered, or may have.
pub fn drop_answers(tx: &WriteTx<'_>, now: Time) -> Result<(), StoreError> {
    tx.execute("UPDATE endpoint_answers SET done_at = ?1 WHERE done_at IS NULL", params![now])?;
    tx.execute("DELETE FROM answerable_events", []).map(drop)
}

/// It is done, in the transaction that does it; false: it was done before.
pub fn close_answer(tx: &WriteTx<'_>, id: i64, now: Time) -> Result<bool, StoreError> {
    let sql = "UPDATE endpoint_answers SET done_at = ?2 WHERE id = ?1 AND done_at IS NULL";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_member_is_an_answer() {
        let rows = [
            (r#"{"status":"success","response":"Danke! שלום"}"#, false, Some("Danke! שלום")),
            (r#"{"status":"success","rejectionMessage":"Later"}"#, true, Some("Later")),
            (r#"{"status":"success","rejectionMessage":"Later"}"#, false, None),
            (r#"{"status":"success","response":"Later"}"#, true, None),
            (r#"{"response":"  \n"}"#, false, None),
            (r#"{"response":"\u200b"}"#, false, None),
            (r#"{"response":null}"#, false, None),
            ("ok", false, None),
            ("", false, None),
        ];
        for (answer, is_call, expected) in rows {
            let expected = expected.map_or(ReplyAsked::Nothing, |text: &str| ReplyAsked::Text(text.to_owned()));
            assert_eq!(asked(answer, is_call), expected, "{answer}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_told_from_no_answer() {
        let said = |n: usize| json!({"response": "א".repeat(n)}).to_string();
        let longest = said(TEXT_MAX);
        assert!(matches!(asked(&longest, false), ReplyAsked::Text(_)) && longest.len() < ANSWER_MAX);
        let cut = format!("{{\"response\": \"{}", "x".repeat(ANSWER_MAX));
        let rows = [
            (said(TEXT_MAX + 1), "4097 characters"),
            (r#"{"response":7}"#.to_owned(), "no text"),
            (r#"{"response":["a"]}"#.to_owned(), "no text"),
            (r#"{"response":"a\u0000b"}"#.to_owned(), "U+0000"),
            (cut[..ANSWER_MAX].to_owned(), "64 KiB"),
        ];
        for (answer, why) in rows {
            assert!(matches!(asked(&answer, false), ReplyAsked::Unfit(told) if told.contains(why)), "{why}");
        }
    }
}
