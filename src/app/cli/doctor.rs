//! `wa-gateway doctor`

use super::{Printed, context::Context, presentation::Failed};
use crate::{
    app::{
        commands::{InstanceExamine, Ping},
        control,
    },
    model::clock::SystemClock,
    ops::doctor,
};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn run(context: &Context) -> Printed {
    let data_dir = &context.config.data_dir;
    let running = control::ask(data_dir, &Ping.into()).await.is_some_and(|a| a.is_ok());
    let patient = doctor::Patient { config: &context.config, running, clock: Arc::new(SystemClock) };
    let mut findings = doctor::examine(&patient).await;
    if running && let Some(Ok(told)) = control::ask(data_dir, &InstanceExamine.into()).await {
        findings.extend(told.as_array().into_iter().flatten().map(doctor::instance));
    }
    let failed = findings.iter().filter(|f| f.status == doctor::Status::Fail).count();
    let report = json!({"ok": failed == 0, "checks": findings});
    if failed == 0 {
        return Ok(Some(report));
    }
    Err(Failed { line: format!("{failed} of the checks failed"), report: Some(report) })
}
