//! Where a person is named inside of something else: events, what providers told beside messages, notes in nobody's chat,
//! the requests of telephone systems. Whoever never became a contact may stand there, too: a provider tells of a phone's
//! whole address book.

use super::{
    EVENTS_GO, carry_out,
    person::{Forms, KnownContact},
};
use crate::{
    accounts::Scope,
    model::phone::Phone,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::json;

/// All that the person goes by inside of other texts, without a plus sign, each once.
pub(super) fn names(forms: &Forms, known: &[KnownContact]) -> Vec<String> {
    let given = forms.0.iter().map(String::as_str).filter(|form| form.starts_with('+'));
    let all = given.chain(known.iter().flat_map(KnownContact::telling));
    let mut names: Vec<String> = all.map(|name| name.trim_start_matches('+').to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Rows of what providers told beside messages that name the person.
pub(super) fn news(tx: &Tx<'_>, names: &[String], scope: Scope) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT id, raw FROM provider_news WHERE instr(raw, ?1) > 0 AND (?2 IS NULL OR account_id = ?2)";
    naming(names, |name| tx.list(sql, params![name, scope], |r| Ok((r.get(0)?, r.get(1)?))))
}

/// Rows in nobody's chat that no contact has, and that name the person.
pub(super) fn notes(tx: &Tx<'_>, names: &[String], scope: Scope) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT id, body || ' ' || coalesce(raw, '') FROM inbound_messages
               WHERE chat = 'nobody' AND contact_id IS NULL AND (?2 IS NULL OR account_id = ?2)
                 AND instr(body || ' ' || coalesce(raw, ''), ?1) > 0";
    naming(names, |name| tx.list(sql, params![name, scope], |r| Ok((r.get(0)?, r.get(1)?))))
}

/// The rows that `holding` finds for each name, where it stands there as a whole one.
fn naming(
    names: &[String],
    holding: impl Fn(&str) -> Result<Vec<(i64, String)>, StoreError>,
) -> Result<Vec<i64>, StoreError> {
    let mut ids = Vec::new();
    for name in names {
        ids.extend(holding(name)?.into_iter().filter(|(_, text)| has_whole(text, name)).map(|(id, _)| id));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Whether `name` stands in `text`, and not only as a part of another one. Before a number there may be the zeros that are
/// dialled for other countries.
fn has_whole(text: &str, name: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let before =
            before.strip_suffix("00").filter(|_| name.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(before);
        !before.ends_with(goes_on) && !after.starts_with(goes_on)
    })
}

/// The words of what providers told of the person are kept no longer; says of how many rows.
pub(super) fn erase_news(tx: &WriteTx<'_>, names: &[String], scope: Scope) -> Result<usize, StoreError> {
    let ids = news(tx, names, scope)?;
    let list = json!(ids).to_string();
    tx.execute("UPDATE provider_news SET raw = '' WHERE id IN (SELECT value FROM json_each(?1))", params![list])
}

/// Requests of telephone systems about the person say only how they ended. Their numbers are masked there: one that looks
/// the same is emptied with them. `named`: all that messages called the person by; `outbound`: rows of the log.
pub(super) fn empty_requests(
    tx: &WriteTx<'_>,
    (named, scope): (&[String], Scope),
    outbound: &[i64],
) -> Result<(), StoreError> {
    let masked = named.iter().filter_map(|name| Phone::known(name)).map(|phone| phone.masked());
    let shown: Vec<String> = named.iter().cloned().chain(masked).collect();
    tx.execute(
        "UPDATE threecx_requests SET reason = NULL, phone = NULL, conversation_id = NULL, log_id = NULL
         WHERE (log_id IN (SELECT value FROM json_each(?1)) OR phone IN (SELECT value FROM json_each(?2)))
           AND (?3 IS NULL OR integration_id IN (SELECT id FROM threecx_integrations WHERE account_id = ?3))",
        params![json!(outbound).to_string(), json!(shown).to_string(), scope],
    )?;
    Ok(())
}

/// Events that name the person, by any name or as a contact, with their deliveries; and answers that repeat a name.
pub(super) fn erase_events(
    tx: &WriteTx<'_>,
    (names, scope): (&[String], Scope),
    known: &[KnownContact],
) -> Result<usize, StoreError> {
    let mut ids: Vec<i64> = Vec::new();
    for one in known {
        for number in one.numbers() {
            ids.extend(tx.list(
                "SELECT id FROM events WHERE account_id = ?1 AND json_extract(body, '$.contact_id') = ?2",
                params![one.account, number],
                |r| r.get::<_, i64>(0),
            )?);
        }
    }
    for name in names {
        ids.extend(tx.list(
            "SELECT id FROM events WHERE instr(body, ?1) > 0 AND (?2 IS NULL OR account_id = ?2)",
            params![name, scope],
            |r| r.get::<_, i64>(0),
        )?);
        tx.execute(
            "UPDATE attempts SET answer = '' WHERE instr(answer, ?1) > 0 AND (?2 IS NULL OR delivery_id IN (
                 SELECT d.id FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.account_id = ?2))",
            params![name, scope],
        )?;
    }
    ids.sort_unstable();
    ids.dedup();
    carry_out(tx, EVENTS_GO, &ids)?;
    Ok(ids.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_where_it_stands_as_a_whole_one() {
        for text in
            ["966501234567", "\"+966501234567\"", "00966501234567", "966501234567@s.whatsapp.net", "x 966501234567."]
        {
            assert!(has_whole(text, "966501234567"), "{text}");
        }
        for text in ["1966501234567", "9665012345670", "100966501234567", "96650123456"] {
            assert!(!has_whole(text, "966501234567"), "{text}");
        }
        assert!(has_whole("1966501234567 966501234567", "966501234567"), "each place is looked at");
        assert!(has_whole("{\"user_id\":\"SA.12\"}", "SA.12") && !has_whole("SA.123", "SA.12"));
    }
}
