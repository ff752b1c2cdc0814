//! `wa-gateway check-config`

use super::context::Context;
use crate::config::{Config, TlsMode};
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

/// The configuration was read already: had it not been right, we were not here. What it names is there as well, as far as
/// that can be seen before systemd has laid out the service's credentials.
pub(super) fn checked(context: &Context) -> Result<Value, String> {
    let file = context.config_path.as_ref().map(|p| p.display().to_string());
    let problems = absent(&context.config);
    if !problems.is_empty() {
        let place = file.map(|file| format!("{file}: ")).unwrap_or_default();
        return Err(problems.iter().map(|problem| format!("{place}{problem}")).collect::<Vec<_>>().join("\n"));
    }
    Ok(json!({"ok": true, "file": file, "data_dir": context.config.data_dir.display().to_string()}))
}

/// Where systemd puts what only a running service sees.
const CREDENTIALS: &str = "/run/credentials/";

/// What the configuration names and is not there, or is no directory where one is needed.
fn absent(config: &Config) -> Vec<String> {
    let tls = &config.tls;
    let own = tls.mode == TlsMode::Files;
    let files = [
        ("key_file", config.key_file.as_ref()),
        ("tls.certificate", tls.certificate.as_ref().filter(|_| own)),
        ("tls.key", tls.key.as_ref().filter(|_| own)),
        ("tls.acme_root", tls.acme_root.as_ref().filter(|_| tls.mode == TlsMode::Acme)),
        ("tls.meta_client_ca", tls.meta_client_ca.as_ref()),
        ("backup.passphrase_file", config.backup.passphrase_file.as_ref()),
    ];
    let named = files.into_iter().filter_map(|(key, path)| Some((key, path?)));
    let missing = named.filter(|(_, path)| !path.starts_with(CREDENTIALS) && !path.exists());
    let mut problems: Vec<_> =
        missing.map(|(key, path)| format!("{key}: {}: there is no such file", path.display())).collect();
    let places =
        [("guard.policy_dir", Some(&config.guard.policy_dir)), ("backup.directory", config.backup.directory.as_ref())];
    for (key, path) in places.into_iter().filter_map(|(key, path)| Some((key, path?))) {
        if path.exists() && !path.is_dir() {
            problems.push(format!("{key}: {}: it is no directory", path.display()));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_is_named_and_not_there_is_told_with_its_key() {
        let mut config = Config::default();
        assert_eq!(absent(&config), Vec::<String>::new());
        let file = PathBuf::from(file!());
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
        config.tls.mode = TlsMode::Files;
        config.tls.certificate = Some("/nowhere/chain.pem".into());
        config.tls.key = Some(file.clone());
        config.key_file = Some("/run/credentials/wa-gateway.service/secret.key".into());
        config.backup.directory = Some(file.clone());
        assert_eq!(
            absent(&config),
            [
                "tls.certificate: /nowhere/chain.pem: there is no such file".to_owned(),
                format!("backup.directory: {}: it is no directory", file.display()),
            ]
        );
        config.tls.mode = TlsMode::SelfSigned;
        assert_eq!(absent(&config).len(), 1, "files of another mode are nobody's to read");
    }
}
