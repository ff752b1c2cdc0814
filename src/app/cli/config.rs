//! `wa-gateway check-config`

use super::context::Context;
use crate::{
    app::from_config::{content_policy, new_client},
    config::{Config, TlsMode},
    model::random::SystemRandom,
    ops::{
        backup,
        tls::{self, Certificate},
    },
    store::{self, KeyMatch, Vault},
};
use serde_json::{Value, json};
use std::{fmt::Display, io::Write, path::Path, sync::Arc};

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

/// The configuration was read already: had it not been right, we were not here. What it names is there as well, and what a
/// start would ask of it, as far as that can be seen before systemd has laid out the service's credentials.
pub(super) fn checked(context: &Context) -> Result<Value, String> {
    let file = context.config_path.as_ref().map(|p| p.display().to_string());
    let mut problems = absent(&context.config);
    if problems.is_empty() {
        problems = unusable(&context.config);
    }
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
    let places = [
        ("data_dir", Some(&config.data_dir)),
        ("guard.policy_dir", Some(&config.guard.policy_dir)),
        ("backup.directory", config.backup.directory.as_ref()),
    ];
    for (key, path) in places.into_iter().filter_map(|(key, path)| Some((key, path?))) {
        if path.exists() && !path.is_dir() {
            problems.push(format!("{key}: {}: it is no directory", path.display()));
        }
    }
    problems
}

/// What is there and would keep a gateway from starting: read as a start reads it, and nothing is made or changed.
fn unusable(config: &Config) -> Vec<String> {
    let tls = &config.tls;
    let own = if tls.mode == TlsMode::Files { tls.certificate.as_deref().zip(tls.key.as_deref()) } else { None };
    let own = own.filter(|(chain, key)| is_seen(chain) && is_seen(key));
    let acme_root = tls.acme_root.as_deref().filter(|path| tls.mode == TlsMode::Acme && is_seen(path));
    let client_ca = tls.meta_client_ca.as_deref().filter(|path| is_seen(path));
    let passphrase = config.backup.passphrase_file.as_deref().filter(|path| is_seen(path));
    [
        content_policy(&config.guard.policy_dir).err().map(|e| format!("guard.policy_dir: {e}")),
        new_client(config).err().map(|e| e.to_string()),
        own.and_then(|(chain, key)| told("tls.certificate, tls.key", Certificate::from_files(chain, key))),
        acme_root.and_then(|path| told("tls.acme_root", tls::certificates(path))),
        client_ca.and_then(|path| told("tls.meta_client_ca", tls::certificates(path))),
        passphrase.and_then(|path| told("backup.passphrase_file", backup::read_passphrase(path))),
        config.key_file.as_deref().filter(|path| is_seen(path)).and_then(|path| about_key(config, path)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn told<T>(key: &str, read: Result<T, impl Display>) -> Option<String> {
    read.err().map(|e| format!("{key}: {e}"))
}

/// Whether a file can be looked into before the service runs.
fn is_seen(path: &Path) -> bool {
    !path.starts_with(CREDENTIALS)
}

/// What is wrong with the key outside the data directory.
fn about_key(config: &Config, path: &Path) -> Option<String> {
    if let Err(e) = Vault::with_key_file(path, Arc::new(SystemRandom)) {
        return Some(format!("key_file: {e}"));
    }
    let database = config.data_dir.join(store::FILE_NAME);
    // Whatever else is wrong with the database is not the configuration's.
    let fits = store::compare_key(&database, path);
    let other = matches!(fits, Ok(KeyMatch::Other));
    other.then(|| format!("key_file: {}: it is not the key of {}", path.display(), database.display()))
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
        config.data_dir = file;
        assert_eq!(absent(&config).len(), 2, "a data directory that is none");
    }

    #[test]
    fn what_is_there_and_of_no_use_is_told_with_its_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let (empty, rules) = (dir.path().join("empty"), dir.path().join("rules"));
        std::fs::write(&empty, "").expect("written");
        std::fs::create_dir(&rules).expect("made");
        std::fs::write(rules.join("own.toml"), "nothing = [").expect("written");
        let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        assert_eq!(unusable(&config), Vec::<String>::new());
        config.tls.mode = TlsMode::Files;
        (config.tls.certificate, config.tls.key) = (Some(empty.clone()), Some(empty.clone()));
        config.tls.meta_client_ca = Some(empty.clone());
        config.backup.passphrase_file = Some(empty.clone());
        config.key_file = Some(empty);
        config.guard.policy_dir = rules;
        config.chattu.new_client_settings = vec!["no setting".into()];
        let problems = unusable(&config);
        let keys: Vec<_> = problems.iter().map(|line| line.split(": ").next().expect("a key")).collect();
        let named = [
            "guard.policy_dir",
            "chattu.new_client_settings",
            "tls.certificate, tls.key",
            "tls.meta_client_ca",
            "backup.passphrase_file",
            "key_file",
        ];
        assert_eq!(keys, named, "{problems:?}");
        assert!(!dir.path().join("data").exists(), "nothing is made");
    }
}
