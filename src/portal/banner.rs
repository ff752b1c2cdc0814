//! What needs a hand, above every page: a number that is not connected or is paused, a limit near or reached, an
//! endpoint that was disabled; for admins the certificate, the disk and backups. Nothing else stands there.

use crate::{
    accounts::{Account, Scope, notices::NoticeKind},
    model::{clock::Time, ids::AccountId},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Banner {
    /// `bad` or `warn`.
    pub tone: &'static str,
    /// Its text's key in `banner.…`.
    pub text: &'static str,
    /// What it is about.
    pub name: String,
    /// Where to mend it.
    pub link: String,
}

/// What needs the hand of somebody who is logged in. `account`: the one that is looked at, with its limits.
pub(super) fn list(
    tx: &Tx<'_>,
    (scope, is_admin): (Scope, bool),
    account: Option<&Account>,
    now: Time,
) -> Result<Vec<Banner>, StoreError> {
    let mut all = instances(tx, scope)?;
    if let Some(account) = account {
        let period = account.zone().period(now);
        all.extend(limit(tx, account.id, "day", &period.day, account.daily_limit)?);
        all.extend(limit(tx, account.id, "month", &period.month, account.monthly_limit)?);
    }
    all.extend(endpoints(tx, scope)?);
    if is_admin {
        all.extend(appliance(tx)?);
    }
    Ok(all)
}

fn instances(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Banner>, StoreError> {
    tx.list(
        "SELECT id, name, paused_at IS NOT NULL FROM instances
         WHERE deleted_at IS NULL AND (?1 IS NULL OR account_id = ?1)
           AND (paused_at IS NOT NULL OR state = 'close') ORDER BY id LIMIT 5",
        params![scope],
        |r| {
            let (id, name, paused): (String, String, bool) = (r.get(0)?, r.get(1)?, r.get(2)?);
            let text = if paused { "banner.paused" } else { "banner.closed" };
            Ok(Banner { tone: "bad", text, name, link: format!("/instances/{id}/manage") })
        },
    )
}

/// What only who runs the appliance can mend.
fn appliance(tx: &Tx<'_>) -> Result<Vec<Banner>, StoreError> {
    tx.list("SELECT kind FROM notices WHERE account_id IS NULL AND cleared_at IS NULL ORDER BY id LIMIT 5", [], |r| {
        let text = match NoticeKind::parse(&r.get::<_, String>(0)?) {
            Some(NoticeKind::CertificateEnding) => "banner.certificate",
            Some(NoticeKind::DiskNearlyFull) => "banner.disk",
            Some(NoticeKind::BackupFailed) => "banner.backup",
            _ => "banner.appliance",
        };
        Ok(Banner { tone: "bad", text, name: String::new(), link: "/notices".into() })
    })
}

fn limit(
    tx: &Tx<'_>,
    account: AccountId,
    kind: &str,
    period: &str,
    limit: Option<u64>,
) -> Result<Option<Banner>, StoreError> {
    let Some(limit) = limit.filter(|l| *l > 0) else { return Ok(None) };
    let sql = if kind == "day" {
        "SELECT counted + reserved FROM usage_days WHERE account_id = ?1 AND day = ?2"
    } else {
        "SELECT counted + reserved FROM usage_months WHERE account_id = ?1 AND month = ?2"
    };
    let used = tx.find(sql, params![account, period], |r| r.get::<_, u64>(0))?.unwrap_or(0);
    let (tone, text) = match (used >= limit, used * 5 >= limit * 4, kind) {
        (true, _, "day") => ("bad", "banner.day_full"),
        (true, _, _) => ("bad", "banner.month_full"),
        (false, true, "day") => ("warn", "banner.day_near"),
        (false, true, _) => ("warn", "banner.month_near"),
        _ => return Ok(None),
    };
    Ok(Some(Banner { tone, text, name: format!("{used}/{limit}"), link: "/overview".into() }))
}

fn endpoints(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Banner>, StoreError> {
    tx.list(
        "SELECT url FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NOT NULL AND failing_since IS NOT NULL
           AND (?1 IS NULL OR account_id = ?1) ORDER BY id LIMIT 3",
        params![scope],
        |r| Ok(Banner { tone: "warn", text: "banner.endpoint", name: r.get(0)?, link: "/webhooks".into() }),
    )
}
