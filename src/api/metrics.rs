//! `/metrics` (Prometheus; not on the public listener): the counters, and what is measured when somebody asks.

use crate::{
    gateway::Gateway,
    ops::{memory, metrics::Gauges, status::Survey},
    web::Incoming,
};
use warp::{Reply, reply::Response};

/// What is counted and measured.
pub async fn handle(gateway: &Gateway, _: Incoming) -> Response {
    let text = gateway.metrics.render(&measure(gateway).await);
    warp::reply::with_header(text, "content-type", "text/plain; version=0.0.4; charset=utf-8").into_response()
}

async fn measure(gateway: &Gateway) -> Gauges {
    let now = gateway.clock.now();
    let surveyed = gateway.store.read(move |tx| Survey::take(tx, now)).await;
    if let Err(e) = &surveyed {
        tracing::warn!("the database could not be asked for /metrics: {e}");
    }
    let path = gateway.store.path();
    let free = rustix::fs::statvfs(path).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    Gauges {
        survey: surveyed.ok(),
        database_bytes: std::fs::metadata(path).ok().map(|file| file.len()),
        disk_free_bytes: free,
        memory_bytes: memory::resident_bytes(),
        certificate_ends: gateway.keeper.get().and_then(|k| k.certificate().facts()).map(|facts| facts.not_after),
        last_backup: gateway.backups.in_force().and_then(|plan| plan.last(now).ok().flatten()),
    }
}
