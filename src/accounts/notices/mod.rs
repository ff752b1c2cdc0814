//! What owner or admin should know without being asked: written in the transaction of its cause, cleared in the
//! transaction that ends it.
//!
//! A notice is a kind and its parameters; the words are its reader's business, in the reader's language. At most one of
//! a kind about a subject is open. Whoever sends notices elsewhere (mail, a webhook) reads them here.
//!
//! It knows nothing of what causes one.

use crate::{
    accounts::scope::Scope,
    model::{clock::Time, ids::AccountId, string_enum::string_enum},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::Value;

string_enum! {
    /// What happened; also the key of its text.
    NoticeKind {
        /// No backup could be made. Parameters: reason.
        BackupFailed = "backup_failed",
        /// A customer's endpoint was disabled by itself. Parameters: url, reason.
        EndpointDisabled = "endpoint_disabled",
        /// The public listener's certificate ends and was not renewed. Parameters: until, reason.
        CertificateEnding = "certificate_ending",
        /// The data directory's disk is nearly full. Parameters: free_mb.
        DiskNearlyFull = "disk_nearly_full",
        /// The free replies that a provider gives a number each month come to their end. Parameters: name, instance, used, limit.
        FreeRepliesEnding = "free_replies_ending",
        /// An instance that was open is not any more. Parameters: name, reason.
        InstanceDisconnected = "instance_disconnected",
        /// An instance was paused for review. Parameters: reason.
        InstancePaused = "instance_paused",
        /// A request for a higher limit was decided. Parameters: decision, answer.
        LimitDecided = "limit_decided",
        /// Four fifths of a period's messages are used. Parameters: period, limit, used.
        LimitNear = "limit_near",
        /// All of a period's messages are used. Parameters: period, limit, used.
        LimitReached = "limit_reached",
        /// A provider told something that its account's owner should know. Parameters: name, instance, kind, reason.
        ProviderNews = "provider_news",
        /// A provider made a template a marketing template: it is refused from now on. Parameters: name, instance,
        /// template, language, and the latter two as one text: reason.
        TemplateMarketing = "template_marketing",
        /// An account asks for a higher limit; for admins. Parameters: name, daily, monthly.
        LimitRequested = "limit_requested",
        /// A message went to a number of another country than the one that was asked for. Parameters: name, instance,
        /// asked, told (both masked).
        SentAbroad = "sent_abroad",
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Notice {
    pub id: i64,
    /// Whose; null: for admins alone.
    pub account_id: Option<AccountId>,
    /// See [`NoticeKind`].
    pub kind: String,
    /// Which instance, endpoint or period.
    pub subject: String,
    /// What its text needs.
    pub parameters: Value,
    pub created_at: Time,
    /// When somebody said that they saw it.
    pub seen_at: Option<Time>,
    /// When its cause was gone.
    pub cleared_at: Option<Time>,
}

/// Opens a notice; one that is open about the same stays as it is.
pub fn raise(
    tx: &WriteTx<'_>,
    account: Option<AccountId>,
    (kind, subject): (NoticeKind, &str),
    parameters: &Value,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO notices (account_id, kind, subject, parameters, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        params![account, kind.as_str(), subject, parameters.to_string(), now],
    )?;
    Ok(())
}

/// The same; one that is open about it says this from now on.
pub fn raise_or_reword(
    tx: &WriteTx<'_>,
    account: Option<AccountId>,
    (kind, subject): (NoticeKind, &str),
    parameters: &Value,
    now: Time,
) -> Result<(), StoreError> {
    let reworded = tx.execute(
        "UPDATE notices SET parameters = ?4
         WHERE coalesce(account_id, 0) = coalesce(?1, 0) AND kind = ?2 AND subject = ?3 AND cleared_at IS NULL",
        params![account, kind.as_str(), subject, parameters.to_string()],
    )?;
    if reworded > 0 { Ok(()) } else { raise(tx, account, (kind, subject), parameters, now) }
}

/// [`raise`], once for ever about a subject: also when the first one was cleared.
pub fn raise_once(
    tx: &WriteTx<'_>,
    account: AccountId,
    (kind, subject): (NoticeKind, &str),
    parameters: &Value,
    now: Time,
) -> Result<(), StoreError> {
    let known = "SELECT EXISTS (SELECT 1 FROM notices WHERE account_id = ?1 AND kind = ?2 AND subject = ?3)";
    if tx.one(known, params![account, kind.as_str(), subject], |r| r.get::<_, bool>(0))? {
        return Ok(());
    }
    raise(tx, Some(account), (kind, subject), parameters, now)
}

/// The cause is gone.
pub fn clear(
    tx: &WriteTx<'_>,
    account: Option<AccountId>,
    kind: NoticeKind,
    subject: &str,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE notices SET cleared_at = ?4
         WHERE coalesce(account_id, 0) = coalesce(?1, 0) AND kind = ?2 AND subject = ?3 AND cleared_at IS NULL",
        params![account, kind.as_str(), subject, now],
    )?;
    Ok(())
}

/// Has every notice say something else where it said `before`, such as an address without its token.
///
/// # Errors
/// The store's.
pub fn replace(tx: &WriteTx<'_>, before: &str, now: &str) -> Result<(), StoreError> {
    let sql = "UPDATE notices SET parameters = replace(parameters, ?1, ?2) WHERE instr(parameters, ?1) > 0";
    tx.execute(sql, params![before, now])?;
    Ok(())
}

/// The columns that [`Notice::read`] expects first, in its order.
pub const COLUMNS: &str = "notices.id, notices.account_id, notices.kind, notices.subject, notices.parameters,
    notices.created_at, notices.seen_at, notices.cleared_at";

impl Notice {
    /// From a row that begins with [`COLUMNS`].
    ///
    /// # Errors
    /// A column that is none of them.
    pub fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            account_id: r.get(1)?,
            kind: r.get(2)?,
            subject: r.get(3)?,
            parameters: serde_json::from_str(&r.get::<_, String>(4)?).unwrap_or_default(),
            created_at: r.get(5)?,
            seen_at: r.get(6)?,
            cleared_at: r.get(7)?,
        })
    }
}

/// Whose notices somebody sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoticeScope {
    pub scope: Scope,
    /// Whether what an admin is told of is among them, for an admin who looks at one account; with all accounts it is.
    pub with_appliance: bool,
}

/// Which notices of others an admin is told of who looks at one account: the appliance's own, and that a number waits for
/// review, which an admin alone ends.
const FOR_ADMINS: &str = "(account_id IS NULL OR kind = 'instance_paused')";

/// Open notices, newest first; with `cleared` the old ones too. 200 at most.
pub fn list(tx: &Tx<'_>, whose: NoticeScope, cleared: bool) -> Result<Vec<Notice>, StoreError> {
    let NoticeScope { scope, with_appliance } = whose;
    let sql = format!(
        "SELECT {COLUMNS} FROM notices
         WHERE (?1 IS NULL OR account_id = ?1 OR (?2 AND {FOR_ADMINS})) AND (?3 OR cleared_at IS NULL)
         ORDER BY id DESC LIMIT 200"
    );
    tx.list(&sql, params![scope, with_appliance, cleared], Notice::read)
}

/// Of which kinds the notices are that are open and for who runs the appliance, the first ones; none: a kind that this
/// version does not know.
pub fn list_appliance(tx: &Tx<'_>, limit: u32) -> Result<Vec<Option<NoticeKind>>, StoreError> {
    tx.list(
        "SELECT kind FROM notices WHERE account_id IS NULL AND cleared_at IS NULL ORDER BY id LIMIT ?1",
        params![limit],
        |r| r.get::<_, String>(0).map(|kind| NoticeKind::parse(&kind)),
    )
}

/// Somebody saw it; says whether there was one in their scope.
pub fn mark_seen(tx: &WriteTx<'_>, whose: NoticeScope, id: i64, now: Time) -> Result<bool, StoreError> {
    let NoticeScope { scope, with_appliance } = whose;
    let changed = tx.execute(
        &format!(
            "UPDATE notices SET seen_at = coalesce(seen_at, ?4)
             WHERE id = ?3 AND (?1 IS NULL OR account_id = ?1 OR (?2 AND {FOR_ADMINS}))"
        ),
        params![scope, with_appliance, id, now],
    )?;
    Ok(changed > 0)
}

/// A person puts it away, whatever its cause; says whether there was one in their scope. One that is over stays so.
pub fn dismiss(tx: &WriteTx<'_>, whose: NoticeScope, id: i64, now: Time) -> Result<bool, StoreError> {
    let NoticeScope { scope, with_appliance } = whose;
    let changed = tx.execute(
        &format!(
            "UPDATE notices SET cleared_at = coalesce(cleared_at, ?4), seen_at = coalesce(seen_at, ?4)
             WHERE id = ?3 AND (?1 IS NULL OR account_id = ?1 OR (?2 AND {FOR_ADMINS}))"
        ),
        params![scope, with_appliance, id, now],
    )?;
    Ok(changed > 0)
}
