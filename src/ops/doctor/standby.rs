//! Where a second machine stands ready: whether this one may send, and whether everything of it is copied.

use super::{Finding, fail, ok, warn};
use crate::{
    config::Config,
    model::clock::Time,
    ops::standby::{FollowStatus, FoundPlace, Membership, Place, last_copy_at, last_status},
    sending,
    store::{self, StoreError},
};
use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

const CHECK: &str = "second machine";
/// Changes that are not copied after so long are a fault; a busy machine takes a second or two.
const COPIED_WITHIN: Duration = Duration::from_secs(60);
/// A second machine that follows says how it is every few seconds.
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// None: there is no second machine.
pub(super) fn finding(config: &Config, now: Time) -> Option<Finding> {
    let place = Place::new(config.standby.place.clone()?);
    let shown = place.dir().display();
    let found = match place.look() {
        Ok(found) => found,
        Err(e) => {
            return Some(fail(CHECK, format!("{shown} (standby.place): {e}; without it nothing is sent for long")));
        }
    };
    let database = config.data_dir.join(store::FILE_NAME);
    if let Some(follows) = last_status(&config.data_dir).filter(|_| !database.exists()) {
        return Some(judge_follower(&follows, &shown.to_string(), now));
    }
    let own = if database.exists() { store::peek(&database, Membership::find) } else { Ok(None) };
    Some(match own {
        Err(e) => warn(CHECK, format!("to which place the database belongs is not known: {e}")),
        Ok(None) => warn(CHECK, format!("{shown} is not this gateway's yet: it is when the gateway starts")),
        Ok(Some(own)) => judge(&place, &found, &own, &database),
    })
}

/// This machine is the second one.
fn judge_follower(follows: &FollowStatus, shown: &str, now: Time) -> Finding {
    let silent = now.since(Time::from_millis(follows.at));
    if silent > HEARD_WITHIN {
        let ago = silent.as_secs();
        return fail(
            CHECK,
            format!("this is the second machine, and `wa-gateway standby` was last heard {ago} s ago: start it"),
        );
    }
    match &follows.problem {
        Some(problem) => fail(CHECK, format!("this is the second machine: {problem}")),
        None => ok(
            CHECK,
            format!(
                "this is the second machine: it follows {shown} (epoch {}), {} changes behind, and serves nothing before a \
                 `wa-gateway takeover`",
                follows.epoch, follows.behind_changes
            ),
        ),
    }
}

fn judge(place: &Place, found: &FoundPlace, own: &Membership, database: &Path) -> Finding {
    let shown = place.dir().display();
    if found.gateway.as_ref() != Some(&own.gateway) || found.epoch < own.epoch {
        return fail(CHECK, format!("{shown} is not this gateway's place, or is not mounted: nothing is sent"));
    }
    if found.epoch > own.epoch {
        let lost = left_behind(place, (own.epoch, found.epoch), database).unwrap_or_else(|e| format!("; {e}"));
        return fail(
            CHECK,
            format!(
                "another machine took over (epoch {}): this one sends nothing any more{lost}. Move its data directory away, \
                 and it can be the second machine",
                found.epoch
            ),
        );
    }
    let changed_at = ["", "-wal"].iter().filter_map(|end| {
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        fs::metadata(file).ok().map(|m| m.mtime())
    });
    let changed_at = Time::from_millis(changed_at.max().unwrap_or(0).saturating_mul(1000));
    match last_copy_at(&place.database(own.epoch)) {
        None => warn(CHECK, format!("nothing of this machine is in {shown} yet: run `wa-gateway replicate` beside it")),
        Some(at) if changed_at.since(at) > COPIED_WITHIN => warn(
            CHECK,
            format!(
                "the last change in {shown} is of {at}, the database's of {changed_at}: does `wa-gateway replicate` run?"
            ),
        ),
        Some(_) => ok(CHECK, format!("this one sends (epoch {}), and is copied to {shown}", own.epoch)),
    }
}

/// What this machine took that the one which went on from it does not have.
fn left_behind(place: &Place, (own, epoch): (u64, u64), database: &Path) -> Result<String, StoreError> {
    let Some(taken) = place.taken(epoch).filter(|taken| taken.from == own) else {
        return Ok("; what it has alone is not known".into());
    };
    let beyond = store::peek(database, move |tx| sending::beyond(tx, taken.reach))?;
    Ok(match beyond {
        sending::Beyond { messages: 0, inbound: 0, .. } => "; it left nothing behind".into(),
        sending::Beyond { messages, inbound, from } => format!(
            "; {messages} messages of the log (from log id {from}) and {inbound} inbound messages are here alone: \
             `wa-gateway message list` shows them"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::CheckStatus;

    #[test]
    fn a_second_machine_is_told_from_a_first_one() {
        let now = Time::parse("2026-06-03T08:00:00Z").expect("a time");
        let status = |ago_ms: i64, problem: Option<&str>| FollowStatus {
            at: now.millis() - ago_ms,
            epoch: 3,
            behind_changes: 0,
            behind_s: 0,
            heard_s: Some(1),
            problem: problem.map(str::to_owned),
        };
        for (ago_ms, problem, expected, says) in [
            (2000, None, CheckStatus::Ok, "(epoch 3), 0 changes behind"),
            (2000, Some("the key is missing"), CheckStatus::Fail, "the key is missing"),
            (120_000, None, CheckStatus::Fail, "last heard 120 s ago"),
        ] {
            let found = judge_follower(&status(ago_ms, problem), "/shared", now);
            assert!(found.status == expected && found.text.contains(says), "{}", found.text);
        }
    }
}
