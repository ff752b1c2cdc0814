//! `/admin/system`: is the machine well? Version, disk, database, jobs, certificate, what waits; a backup now, backups by
//! themselves where the configuration names no place for them, the log's level.

use crate::{
    gateway::Gateway,
    model::clock::Time,
    ops::{
        backlog::{self, JobRun, WaitingWork},
        backup::{BackupPlan, PassphraseSource},
        disk, keeper, logging,
        page_settings::{self, BackupSchedule, SettingsPart},
    },
    portal::{PageContext, PageError, admin::note, page_error::see_other},
    store::{SCHEMA_VERSION, StoreError},
};
use ::http::StatusCode;
use askama::Template;
use std::sync::atomic::Ordering;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/system.html", config = "assets/askama.toml")]
struct System<'a> {
    v: &'a PageContext,
    version: &'static str,
    schema: usize,
    started: Time,
    /// Bytes: free and in all, of the disk with the data.
    disk: Option<disk::DiskSpace>,
    /// Bytes of the database with its log.
    database: u64,
    data_dir: String,
    certificate: Option<CertificateView>,
    jobs: Vec<JobRun>,
    waiting: Vec<(&'static str, u64)>,
    backups: Option<Backups>,
    /// Whether the page may say where backups go: the configuration does not.
    may_set: bool,
    /// What the form shows, whether it was set up here, and whether it has a passphrase.
    form: BackupSchedule,
    is_set: bool,
    has_passphrase: bool,
    level: Option<String>,
    levels: &'static [&'static str],
    problem: String,
}

impl System<'_> {
    /// What is wrong, if it is the backups' form that was sent.
    fn told(&self) -> &str {
        if self.v.form.some("directory").is_some() { &self.problem } else { "" }
    }
}

struct CertificateView {
    until: Time,
    ends_soon: bool,
    own: bool,
    last_error: Option<String>,
}

struct Backups {
    directory: String,
    last: Option<Time>,
    keep: usize,
    under_way: bool,
}

/// `GET /admin/system`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /admin/system/backup`: one now, beside the scheduled ones. It goes on when the browser leaves.
pub async fn back_up(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let Some(plan) = gateway.backups.in_force() else {
        return again(gateway, v, v.t("system.no_backups_text").to_owned()).await;
    };
    if gateway.backing_up.swap(true, Ordering::AcqRel) {
        return again(gateway, v, v.t("system.backup_under_way").to_owned()).await;
    }
    let (now, random, flag) = (gateway.clock.now(), gateway.random.clone(), gateway.backing_up.clone());
    let (store, actor) = (gateway.store.clone(), v.actor().to_owned());
    let running = tokio::spawn(async move {
        let made = tokio::task::spawn_blocking(move || plan.make(now, &random)).await;
        flag.store(false, Ordering::Release);
        let made = made.map_err(|e| e.to_string()).and_then(|made| made.map_err(|e| e.to_string()));
        let outcome = match &made {
            Ok(made) => made.file.display().to_string(),
            Err(problem) => problem.clone(),
        };
        let noted = store.write(move |tx| note_backup(tx, &actor, &outcome, now)).await;
        made.and_then(|_| noted.map_err(|e: StoreError| e.to_string()))
    });
    match running.await.unwrap_or_else(|e| Err(e.to_string())) {
        Ok(()) => Ok(see_other("/admin/system?done=backed_up")),
        Err(problem) => again(gateway, v, problem).await,
    }
}

/// `POST /admin/system/log`: the level, until the next start.
pub async fn log(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let level = v.form.text("level").to_owned();
    if !logging::LEVELS.contains(&level.as_str()) {
        return Err(PageError::NotFound);
    }
    let before = logging::level();
    if let Err(problem) = logging::set_level(&level) {
        return again(gateway, v, problem).await;
    }
    let (now, actor) = (v.now, v.actor().to_owned());
    let noted = gateway.store.write(move |tx| note(tx, &actor, ("log.level", "log"), (before.as_deref(), &level), now));
    noted.await?;
    Ok(see_other("/admin/system?done=saved"))
}

fn note_backup(tx: &crate::store::WriteTx<'_>, actor: &str, outcome: &str, now: Time) -> Result<(), StoreError> {
    note(tx, actor, ("backup.make", "backup"), (None, outcome), now)
}

/// `POST /admin/system/backups`: backups by themselves, in force at once; `do=remove` takes them away. An empty
/// passphrase leaves the one that is there, unless `open` is ticked.
pub async fn schedule(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    if gateway.backups.is_configured() {
        return again(gateway, v, v.t("system.in_file").to_owned()).await;
    }
    let (now, actor) = (v.now, v.actor().to_owned());
    if v.form.text("do") == "remove" {
        let removed = gateway.store.write(move |tx| {
            page_settings::remove(tx, SettingsPart::Backups)?;
            note(tx, &actor, ("backup.schedule", "backup"), (None, "none"), now)
        });
        removed.await?;
        gateway.backups.choose(None);
        return Ok(see_other("/admin/system?done=saved"));
    }
    let schedule = BackupSchedule {
        directory: v.form.text("directory").into(),
        every_hours: v.form.parsed("every_hours").unwrap_or_default(),
        keep: v.form.parsed("keep").unwrap_or_default(),
    };
    if let Err(why) = schedule.judge(&gateway.data_dir) {
        return again(gateway, v, v.why(&why)).await;
    }
    let (passphrase, sealed) = passphrase(gateway, v).await?;
    let plan = schedule.plan(&gateway.backups, passphrase);
    if let Some(problem) = unwritable(v, plan.clone()).await? {
        return again(gateway, v, problem).await;
    }
    let told = format!("{} every {} h, {} kept", schedule.directory.display(), schedule.every_hours, schedule.keep);
    let written = gateway.store.write(move |tx| {
        page_settings::keep(tx, SettingsPart::Backups, &schedule, sealed.as_deref(), now)?;
        note(tx, &actor, ("backup.schedule", "backup"), (None, &told), now)
    });
    written.await?;
    gateway.backups.choose(Some(plan));
    Ok(see_other("/admin/system?done=saved"))
}

/// The passphrase that the form means, and as it is sealed.
async fn passphrase(gateway: &Gateway, v: &PageContext) -> Result<(PassphraseSource, Option<Vec<u8>>), PageError> {
    let secrets = &gateway.page_secrets;
    let stored = gateway.store.read(|tx| page_settings::find::<BackupSchedule>(tx, SettingsPart::Backups)).await?;
    let sealed = match v.form.raw("passphrase").lines().next().unwrap_or_default() {
        _ if v.form.is_on("open") => None,
        "" => stored.and_then(|(_, sealed)| sealed),
        typed => Some(secrets.seal(SettingsPart::Backups, typed)),
    };
    Ok((secrets.passphrase(sealed.as_deref()), sealed))
}

/// Why nothing can be written where the plan says.
async fn unwritable(v: &PageContext, plan: BackupPlan) -> Result<Option<String>, PageError> {
    let tried = tokio::task::spawn_blocking(move || plan.try_directory()).await;
    let tried = tried.map_err(|e| PageError::Failed(e.to_string()))?;
    Ok(tried.err().map(|e| v.fill("system.unwritable", "problem", e)))
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<System<'a>, PageError> {
    let read = gateway.store.read(|tx| {
        let stored = page_settings::find::<BackupSchedule>(tx, SettingsPart::Backups)?;
        Ok::<_, StoreError>((backlog::jobs(tx)?, WaitingWork::count(tx)?, stored))
    });
    let (jobs, waiting, stored) = read.await?;
    let certificate = gateway.keeper.get().and_then(|kept| {
        let facts = kept.certificate().facts()?;
        Some(CertificateView {
            until: facts.not_after,
            ends_soon: keeper::ends_soon(&facts, v.now),
            own: facts.self_issued,
            last_error: kept.last_error(),
        })
    });
    let backups = gateway.backups.in_force().map(|plan| Backups {
        directory: plan.directory.display().to_string(),
        last: plan.last(v.now).ok().flatten(),
        keep: plan.keep,
        under_way: gateway.backing_up.load(Ordering::Acquire),
    });
    Ok(System {
        v,
        version: env!("CARGO_PKG_VERSION"),
        schema: SCHEMA_VERSION,
        started: gateway.metrics.started(),
        disk: disk::space(&gateway.data_dir),
        database: disk::size_with_log(gateway.store.path()),
        data_dir: gateway.data_dir.display().to_string(),
        certificate,
        jobs,
        waiting: vec![
            ("system.wait_messages", waiting.messages),
            ("system.wait_deliveries", waiting.deliveries),
            ("system.wait_schedules", waiting.schedules),
            ("system.wait_files", waiting.files),
        ],
        backups,
        may_set: !gateway.backups.is_configured(),
        is_set: stored.is_some(),
        has_passphrase: stored.as_ref().is_some_and(|(_, sealed)| sealed.is_some()),
        form: stored.map_or_else(
            || BackupSchedule { directory: gateway.data_dir.join("backups"), every_hours: 24, keep: 7 },
            |(schedule, _)| schedule,
        ),
        level: logging::level(),
        levels: logging::LEVELS,
        problem,
    })
}
