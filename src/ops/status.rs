//! How the gateway's numbers, webhooks and jobs stand, read from the database in a few short queries: for `/metrics`,
//! which is asked four times a minute, and for the doctor, who also looks where no gateway runs.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        instance::{ConnectorKind, Health, InstanceState},
    },
    store::{StoreError, Tx},
};
use std::{collections::BTreeMap, time::Duration};

/// All of it, as of one commit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Survey {
    /// Every number that is not deleted.
    pub numbers: Vec<InstanceSurvey>,
    /// Webhooks that fail or were switched off for it.
    pub troubled: Vec<Webhook>,
    /// Deliveries that wait for their time or for an answer.
    pub waiting: u64,
    /// When the first of them was to go.
    pub waiting_since: Option<Time>,
    /// Messages between their acceptance and the provider's answer.
    pub under_way: u64,
    /// Jobs whose last run failed, and what it said.
    pub failed_jobs: Vec<(String, String)>,
    /// When any job last ran.
    pub last_job_at: Option<Time>,
    /// What providers brought lately for numbers, accounts or instances that nobody here has.
    pub strangers: Vec<Stranger>,
}

/// What a provider brought to the address of an instance, and is nobody's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stranger {
    /// To whose address it came.
    pub instance: InstanceId,
    /// other_number, other_account, other_instance.
    pub kind: String,
    /// Whose it is, in the provider's word.
    pub whose: String,
    /// How many calls brought it in the last days.
    pub count: u64,
    /// When the last one did.
    pub last_at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstanceSurvey {
    /// Its slug.
    pub id: InstanceId,
    pub account: AccountId,
    /// By which way.
    pub connector: ConnectorKind,
    /// Where its provider is, when the settings say so.
    pub base_url: Option<String>,
    /// Open or not.
    pub state: InstanceState,
    /// Why it is not open.
    pub reason: Option<String>,
    /// Whether it hears.
    pub health: Health,
    /// Since when it waits for a person.
    pub paused_at: Option<Time>,
}

/// One webhook that is in trouble.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    pub id: i64,
    /// Scheme and host; the rest of the address may be a secret.
    pub place: String,
    /// Since when nothing but failures came back.
    pub failing_since: Option<Time>,
    /// Since when nothing is sent there any more.
    pub disabled_at: Option<Time>,
}

/// What is read of an endpoint that fails for this long is trouble; a receiver that restarts is none.
const FAILING_FOR_MS: i64 = 5 * 60 * 1000;

impl Survey {
    /// Reads it. `now` tells whether a failing webhook has failed for long enough to be said.
    ///
    /// # Errors
    /// The database's own; one of an older version may lack what is asked for.
    pub fn take(tx: &Tx<'_>, now: Time) -> Result<Self, StoreError> {
        let waiting = tx.one(
            "SELECT count(*), min(due_at) FROM deliveries WHERE state = 'pending'
             AND endpoint_id IN (SELECT id FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL)",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        Ok(Self {
            numbers: numbers(tx)?,
            troubled: troubled(tx, now)?,
            waiting: waiting.0,
            waiting_since: waiting.1,
            under_way: tx.one(
                "SELECT count(*) FROM messages WHERE status IN ('accepted', 'sending') AND quota <> 'none'",
                [],
                |r| r.get(0),
            )?,
            failed_jobs: tx.list(
                "SELECT name, last_error FROM jobs WHERE last_error IS NOT NULL ORDER BY name",
                [],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?,
            last_job_at: tx.one("SELECT max(last_run_at) FROM jobs", [], |r| r.get(0))?,
            strangers: strangers(tx, now)?,
        })
    }
}

fn numbers(tx: &Tx<'_>) -> Result<Vec<InstanceSurvey>, StoreError> {
    tx.list(
        "SELECT id, connector, settings, state, state_reason, health, paused_at, account_id FROM instances
         WHERE deleted_at IS NULL ORDER BY id",
        [],
        |r| {
            let settings: BTreeMap<String, String> = serde_json::from_str(&r.get::<_, String>(2)?).unwrap_or_default();
            Ok(InstanceSurvey {
                id: r.get(0)?,
                account: r.get(7)?,
                connector: r.get(1)?,
                base_url: settings.get("base_url").cloned(),
                state: r.get(3)?,
                reason: r.get(4)?,
                health: r.get(5)?,
                paused_at: r.get(6)?,
            })
        },
    )
}

/// How far back strangers are looked for.
const STRANGERS_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

fn strangers(tx: &Tx<'_>, now: Time) -> Result<Vec<Stranger>, StoreError> {
    tx.list(
        "SELECT n.instance_id, n.kind,
                coalesce(n.raw ->> 'phone_number_id', n.raw ->> 'account', n.raw ->> 'instance', '') AS whose,
                count(*), max(n.created_at)
         FROM provider_news n JOIN instances i ON i.id = n.instance_id AND i.deleted_at IS NULL
         WHERE n.created_at > ?1 AND n.kind IN ('other_number', 'other_account', 'other_instance') AND n.raw <> ''
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        [now.minus(STRANGERS_FOR)],
        |r| {
            Ok(Stranger {
                instance: r.get(0)?,
                kind: r.get(1)?,
                whose: r.get(2)?,
                count: r.get(3)?,
                last_at: r.get(4)?,
            })
        },
    )
}

fn troubled(tx: &Tx<'_>, now: Time) -> Result<Vec<Webhook>, StoreError> {
    let since = Time::from_millis(now.millis().saturating_sub(FAILING_FOR_MS));
    tx.list(
        "SELECT id, url, failing_since, disabled_at FROM endpoints
         WHERE deleted_at IS NULL AND failing_since <= ?1 ORDER BY id",
        [since],
        |r| {
            Ok(Webhook {
                id: r.get(0)?,
                place: place(&r.get::<_, String>(1)?),
                failing_since: r.get(2)?,
                disabled_at: r.get(3)?,
            })
        },
    )
}

/// Scheme and host of an address, without what may be secret in it.
fn place(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "?".to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("https://hooks.example.com/T0/secret?token=1", "https://hooks.example.com"),
            ("http://user:word@10.0.0.1:5678/x", "http://10.0.0.1:5678"),
            ("nonsense", "?"),
        ] {
            assert_eq!(place(url), shown, "{url}");
        }
    }
}
