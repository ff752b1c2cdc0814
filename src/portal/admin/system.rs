//! `/admin/system`: is the machine well? Version, disk, database, jobs, certificate, what waits; a backup now, the log's
//! level.

use crate::{
    gateway::Gateway,
    model::clock::Time,
    ops::{
        backlog::{self, JobRun, WaitingWork},
        disk, keeper, logging,
    },
    portal::{PageContext, PageError, page_error::see_other},
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
    level: Option<String>,
    levels: &'static [&'static str],
    problem: String,
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
    let Some(plan) = gateway.backups.clone() else {
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

fn note(
    tx: &crate::store::WriteTx<'_>,
    actor: &str,
    (action, target): (&str, &str),
    (before, after): (Option<&str>, &str),
    now: Time,
) -> Result<(), StoreError> {
    use crate::accounts::audit;
    audit::record(tx, now, &audit::AuditEntry { actor, account: None, action, target, before, after: Some(after) })
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<System<'a>, PageError> {
    let (jobs, waiting) =
        gateway.store.read(|tx| Ok::<_, StoreError>((backlog::jobs(tx)?, WaitingWork::count(tx)?))).await?;
    let certificate = gateway.keeper.get().and_then(|kept| {
        let facts = kept.certificate().facts()?;
        Some(CertificateView {
            until: facts.not_after,
            ends_soon: keeper::ends_soon(&facts, v.now),
            own: facts.self_issued,
            last_error: kept.last_error(),
        })
    });
    let backups = gateway.backups.as_ref().map(|plan| Backups {
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
        level: logging::level(),
        levels: logging::LEVELS,
        problem,
    })
}
