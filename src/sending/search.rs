//! Looking through the message log: by what a person knows of a message, newest first, a page at a time.

use crate::{
    accounts::Scope,
    instances::templates::{self, SentTemplate},
    model::{
        clock::Time,
        ids::{ContactId, InstanceId, LogId},
        message::Status,
        phone::Phone,
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, ToSql};

/// Which rows. What is not set does not matter.
#[derive(Clone, Debug)]
pub struct LogSearch {
    pub scope: Scope,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// Of any of these; none: of whichever.
    pub among: Option<Vec<String>>,
    /// In one state.
    pub status: Option<Status>,
    /// For one purpose.
    pub purpose: Option<String>,
    /// To one recipient, E.164 or a hidden id.
    pub recipient: Option<String>,
    /// To one person, whatever they were written to under.
    pub contact: Option<ContactId>,
    /// With one of the caller's own ids.
    pub reference: Option<String>,
    /// With this number, `msg_…` id or provider's id.
    pub id: Option<String>,
    /// With this in its text; asked together with a time, for texts have no index.
    pub text: Option<String>,
    /// Sent, with at least this content score.
    pub scored: Option<u8>,
    /// Not before.
    pub since: Option<Time>,
    pub until: Option<Time>,
    /// Older than this row: the page after the one that ended with it.
    pub after: Option<(Time, LogId)>,
    /// At most so many.
    pub limit: u32,
}

impl LogSearch {
    /// Everything of theirs; how many rows at most is still to be said (`limit` is 0).
    pub const fn of(scope: Scope) -> Self {
        Self {
            scope,
            instance: None,
            among: None,
            status: None,
            purpose: None,
            recipient: None,
            contact: None,
            reference: None,
            id: None,
            text: None,
            scored: None,
            since: None,
            until: None,
            after: None,
            limit: 0,
        }
    }
}

/// A row, as a list shows it.
#[derive(Clone, Debug)]
pub struct LogRow {
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: String,
    /// The provider's id, once known.
    pub provider_message_id: Option<String>,
    /// When it last changed.
    pub updated_at: Time,
    /// When it came.
    pub created_at: Time,
    /// As the caller named it.
    pub instance_id: String,
    /// E.164, a hidden id, or empty.
    pub recipient: String,
    /// As the caller named it.
    pub purpose: String,
    pub body: String,
    pub status: Status,
    /// The refusal's code, or why it failed.
    pub reason: Option<String>,
    /// The caller's own id.
    pub reference: Option<String>,
    /// Refusals of the same kind on this row.
    pub repeats: i64,
    /// Of a template message.
    pub template: Option<SentTemplate>,
}

pub fn search(tx: &Tx<'_>, wanted: &LogSearch) -> Result<Vec<LogRow>, StoreError> {
    let (sql, values) = statement(wanted);
    let rows = tx.list(&sql, rusqlite::params_from_iter(values.iter()), read)?;
    let filled = |(mut row, is_template): (LogRow, bool)| {
        row.template = if is_template { templates::sent(tx, row.log_id.0)? } else { None };
        Ok::<_, StoreError>(row)
    };
    rows.into_iter().map(filled).collect()
}

/// The statement that looks for these rows, and its values.
pub fn statement(wanted: &LogSearch) -> (String, Vec<Box<dyn ToSql>>) {
    let after = wanted.after.unzip();
    let number = wanted.id.as_ref().and_then(|id| id.parse::<i64>().ok());
    let named = wanted.id.clone().filter(|_| number.is_none());
    let text = wanted.text.as_ref().map(|text| format!("%{}%", like(text)));
    let mut query = Query::default();
    query.add("account_id = ?", wanted.scope.account());
    query.add("instance_id = ?", wanted.instance.clone());
    let among = wanted.among.as_ref().map(|ids| serde_json::json!(ids).to_string());
    query.add("instance_id IN (SELECT value FROM json_each(?))", among);
    query.add("status = ?", wanted.status);
    query.add("purpose = ?", wanted.purpose.clone());
    // Whatever the same person is written to under: both forms of a number, and every other name. The account stands
    // there because the index of the names begins with it.
    let accounts = wanted.scope.account().map_or("SELECT id FROM accounts".to_owned(), |account| account.0.to_string());
    query.add(
        &format!(
            "recipient IN (SELECT value FROM json_each(?) UNION SELECT value FROM contact_identities WHERE contact_id IN (
                 SELECT contact_id FROM contact_identities WHERE account_id IN ({accounts}) AND kind = 'phone'
                     AND value IN (SELECT value FROM json_each(?))))"
        ),
        wanted.recipient.as_deref().map(forms),
    );
    query.add(
        "recipient IN (SELECT 'contact:' || ? UNION SELECT value FROM contact_identities WHERE contact_id = ?)",
        wanted.contact,
    );
    query.add("reference = ?", wanted.reference.clone());
    if wanted.scope.account().is_none() && (wanted.reference.is_some() || wanted.recipient.is_some()) {
        // Of all accounts: their indexes begin with the account.
        query.conditions += " AND account_id IN (SELECT id FROM accounts)";
    }
    query.add("id = ?", number);
    query.add("message_id = ?", named.clone().filter(|id| id.starts_with("msg_")));
    query.add("provider_message_id = ?", named.filter(|id| !id.starts_with("msg_")));
    query.add("body LIKE ? ESCAPE '\\'", text);
    // The bound that is looked for stands first: the index is entered by it, and not at its own `score > 0`.
    query.add(
        "id IN (SELECT log_id FROM policy_decisions WHERE verdict = 'pass' AND score >= ? AND score > 0)",
        wanted.scored,
    );
    query.add("created_at >= ?", wanted.since);
    query.add("created_at < ?", wanted.until);
    query.add("created_at <= ?", after.0);
    query.add("NOT (created_at = ? ", after.0);
    query.add("id >= ?)", after.1);
    let limit = query.values.len() + 1;
    query.values.push(Box::new(wanted.limit));
    // Few rows have a reference or one recipient: they are sorted, and not looked for along all of time.
    let is_few = wanted.reference.is_some() || wanted.recipient.is_some() || wanted.contact.is_some();
    let by = if is_few { "+created_at" } else { "created_at" };
    let sql = format!(
        "SELECT id, created_at, instance_id, recipient, purpose, body, status, reason, reference, repeats,
                message_id, provider_message_id, updated_at, kind = 'template'
         FROM messages WHERE 1{} ORDER BY {by} DESC, id DESC LIMIT ?{limit}",
        query.conditions
    );
    (sql, query.values)
}

/// The conditions that are set, and their values.
#[derive(Default)]
struct Query {
    conditions: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Query {
    fn add<T: ToSql + 'static>(&mut self, condition: &str, value: Option<T>) {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            self.conditions += &format!(" AND {}", condition.replace('?', &format!("?{}", self.values.len())));
        }
    }
}

/// A number and its other form, as a JSON list.
fn forms(phone: &str) -> String {
    let twin = Phone::known(phone).and_then(|phone| phone.twin()).map(|twin| twin.to_string());
    serde_json::json!([Some(phone), twin.as_deref()].into_iter().flatten().collect::<Vec<_>>()).to_string()
}

/// A text as LIKE takes it literally.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A row, and whether it is a template message.
fn read(r: &Row<'_>) -> rusqlite::Result<(LogRow, bool)> {
    let row = LogRow {
        log_id: r.get(0)?,
        created_at: r.get(1)?,
        instance_id: r.get(2)?,
        recipient: r.get(3)?,
        purpose: r.get(4)?,
        body: r.get(5)?,
        status: r.get(6)?,
        reason: r.get(7)?,
        reference: r.get(8)?,
        repeats: r.get(9)?,
        message_id: r.get(10)?,
        provider_message_id: r.get(11)?,
        updated_at: r.get(12)?,
        template: None,
    };
    Ok((row, r.get(13)?))
}
