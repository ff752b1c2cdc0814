//! What needs a hand, above every page: a number that is not connected or is paused, a limit near or reached, an
//! endpoint that was disabled; for admins the certificate, the disk and backups. Nothing else stands there.

use crate::{
    accounts::{
        Account, Scope,
        notices::{self, NoticeKind},
        usage,
    },
    events::webhooks,
    instances::{self, Instance},
    model::{clock::Time, instance::InstanceState},
    sending::review,
    store::{StoreError, Tx},
};

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

/// What needs the hand of somebody who is logged in. `everybody`: of an admin. `account`: the one that is looked at, with
/// its limits.
pub(super) fn list(
    tx: &Tx<'_>,
    (scope, everybody): (Scope, Option<Scope>),
    account: Option<&Account>,
    now: Time,
) -> Result<Vec<Banner>, StoreError> {
    let mut all = instances(tx, scope)?;
    if let Some(account) = account {
        let period = account.zone().period(now);
        let used = usage::of(tx, &[(account.id, period)])?.into_iter().next().unwrap_or_default();
        all.extend(limit(used.day, account.daily_limit, ["banner.day_full", "banner.day_near"]));
        all.extend(limit(used.month, account.monthly_limit, ["banner.month_full", "banner.month_near"]));
    }
    all.extend(endpoints(tx, scope)?);
    if let Some(everybody) = everybody {
        let elsewhere = review::count(tx, everybody)?.saturating_sub(review::count(tx, scope)?);
        all.extend(reviews(elsewhere));
        all.extend(appliance(tx)?);
    }
    Ok(all)
}

fn instances(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Banner>, StoreError> {
    let all = instances::list(tx, scope)?;
    Ok(TROUBLES.iter().filter_map(|trouble| trouble.banner(&all)).collect())
}

/// What can be the matter with a number; the texts' keys for one, and for several.
struct Trouble {
    tone: &'static str,
    holds: fn(&Instance) -> bool,
    one: &'static str,
    several: &'static str,
}

/// One line for each, however many numbers it holds for, so that the page itself stays in view.
const TROUBLES: &[Trouble] = &[
    Trouble {
        tone: "bad",
        holds: |i| i.paused_at.is_some() && !i.is_paused_by_owner,
        one: "banner.paused",
        several: "banner.paused_several",
    },
    Trouble {
        tone: "warn",
        holds: |i| i.is_paused_by_owner,
        one: "banner.own_pause",
        several: "banner.own_pause_several",
    },
    Trouble {
        tone: "bad",
        holds: |i| i.paused_at.is_none() && i.state == InstanceState::Close,
        one: "banner.closed",
        several: "banner.closed_several",
    },
    Trouble {
        tone: "warn",
        holds: |i| i.paused_at.is_none() && i.state == InstanceState::Qr,
        one: "banner.scan",
        several: "banner.scan_several",
    },
];

impl Trouble {
    fn banner(&self, all: &[Instance]) -> Option<Banner> {
        let troubled: Vec<&Instance> = all.iter().filter(|one| (self.holds)(one)).collect();
        let (tone, first) = (self.tone, *troubled.first()?);
        Some(match troubled.len() {
            1 => {
                let link = format!("/instances/{}/manage", first.id);
                Banner { tone, text: self.one, name: first.name.clone(), link }
            }
            n => Banner { tone, text: self.several, name: n.to_string(), link: "/instances".into() },
        })
    }
}

/// Numbers of accounts that an admin does not look at, and which wait for an admin: they end the pause alone.
fn reviews(elsewhere: u64) -> Option<Banner> {
    let text = match elsewhere {
        0 => return None,
        1 => "banner.review",
        _ => "banner.review_several",
    };
    Some(Banner { tone: "bad", text, name: elsewhere.to_string(), link: "/admin/reviews".into() })
}

/// What only who runs the appliance can mend.
fn appliance(tx: &Tx<'_>) -> Result<Vec<Banner>, StoreError> {
    let told = notices::list_appliance(tx, 5)?.into_iter();
    Ok(told
        .map(|kind| {
            let text = match kind {
                Some(NoticeKind::CertificateEnding) => "banner.certificate",
                Some(NoticeKind::DiskNearlyFull) => "banner.disk",
                Some(NoticeKind::BackupFailed) => "banner.backup",
                _ => "banner.appliance",
            };
            Banner { tone: "bad", text, name: String::new(), link: "/notices".into() }
        })
        .collect())
}

/// A limit that is reached or near; `texts`: their keys.
fn limit(used: u64, limit: Option<u64>, texts: [&'static str; 2]) -> Option<Banner> {
    let limit = limit.filter(|l| *l > 0)?;
    let (tone, text) = match (used >= limit, used * 5 >= limit * 4) {
        (true, _) => ("bad", texts[0]),
        (false, true) => ("warn", texts[1]),
        _ => return None,
    };
    Some(Banner { tone, text, name: format!("{used}/{limit}"), link: "/overview".into() })
}

fn endpoints(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Banner>, StoreError> {
    let given_up = webhooks::list_given_up(tx, scope, 3)?.into_iter();
    Ok(given_up.map(|name| Banner { tone: "warn", text: "banner.endpoint", name, link: "/webhooks".into() }).collect())
}
