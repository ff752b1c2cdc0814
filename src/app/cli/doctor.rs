//! `wa-gateway doctor`

use super::{Printed, context::Context, presentation::CommandFailed};
use crate::{
    app::{
        commands::{InstanceExamine, Ping},
        control,
    },
    model::clock::SystemClock,
    ops::{doctor, listen_addresses::ListenAddresses},
};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn run(context: &Context) -> Printed {
    let data_dir = &context.config.data_dir;
    let running = control::ask(data_dir, &Ping.into()).await.and_then(Result::ok);
    // One of an earlier version does not say where it listens: then where it should.
    let running = running.map(|told| serde_json::from_value(told["listening"].clone()).unwrap_or(configured(context)));
    let patient = doctor::Patient { config: &context.config, running, clock: Arc::new(SystemClock) };
    let mut findings = doctor::examine(&patient).await;
    if running.is_some()
        && let Some(Ok(told)) = control::ask(data_dir, &InstanceExamine.into()).await
    {
        findings.extend(told.as_array().into_iter().flatten().flat_map(doctor::instance));
    }
    let failed = findings.iter().filter(|f| f.status == doctor::CheckStatus::Fail).count();
    let report = json!({"ok": failed == 0, "checks": findings});
    if failed == 0 {
        return Ok(Some(report));
    }
    Err(CommandFailed { line: format!("{failed} of the checks failed"), report: Some(report) })
}

fn configured(context: &Context) -> ListenAddresses {
    let listen = &context.config.listen;
    ListenAddresses { local: listen.local, public: listen.public, http: listen.http, metrics: listen.metrics }
}
