//! `wa-gateway check-config`

use super::context::Context;
use crate::config::Config;
use serde_json::{Value, json};
use std::io::Write;

#[derive(clap::Args)]
pub(super) struct CheckConfigArgs {
    /// Print the whole sample configuration: every key with its unit, default and reason
    #[arg(long)]
    pub(super) print_defaults: bool,
}

pub(super) fn print_defaults(json: bool) -> Result<Option<Value>, String> {
    if json {
        return Ok(Some(json!({"ok": true, "sample": Config::sample()})));
    }
    let _ = write!(std::io::stdout(), "{}", Config::sample());
    Ok(None)
}

/// The configuration was read already: had it not been right, we were not here.
pub(super) fn checked(context: &Context) -> Value {
    let file = context.config_path.as_ref().map(|p| p.display().to_string());
    json!({"ok": true, "file": file, "data_dir": context.config.data_dir.display().to_string()})
}
