//! Configuration: figment → typed [`Config`].
//!
//! What is written later wins: the defaults (the sample, `assets/config/sample.toml`), a TOML file, the environment
//! (`WA_GATEWAY_SECTION__KEY`), flags. An unknown key or a bad value is an error that names the file, variable or flag,
//! the key, what is wrong and what would be right; all problems of a start are reported together, one line each.
//!
//! Nothing is read here but the file: the environment comes in as an argument, so that tests need none of their own.
//! This module must not know what the gateway does with a value.

mod layers;
mod notices;
mod sample;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use figment::{
    Figment,
    error::{Actual, Kind},
    value::Value,
};
use layers::{DEFAULTS, Layer};
pub use notices::NoticesConfig;
pub use settings::{
    BackupConfig, ChattuConfig, Config, EgressConfig, Guard, LimitsConfig, Listen, LogConfig, MediaConfig, Portal,
    RetentionConfig, SendingConfig, ThreecxConfig, Tls, WebhooksConfig,
};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
pub use values::{
    AcmeChallenge, ContentPolicyMode, ImpossiblePhone, Language, LogFormat, Registration, SmtpTls, TlsMode,
};

/// Where a file is looked for when none is named: the package's place, then the working directory.
const USUAL_FILES: [&str; 2] = ["/etc/wa-gateway/config.toml", "wa-gateway.toml"];

/// What flags of the command line say; texts are judged as if they stood in the file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`: the local listener.
    pub listen_local: Option<String>,
    /// `--listen-public`.
    pub listen_public: Option<String>,
    /// `--log-level`.
    pub log_level: Option<String>,
}

impl Config {
    /// Reads the configuration. A file that is named must exist; of the usual ones the first that exists counts.
    /// `env` is the process's environment (from `vars_os`, without what is no UTF-8).
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut figment = Figment::from(Layer::defaults());
        match read_file(path) {
            Ok(Some((path, bytes))) => figment = figment.merge(Layer::file(&path, &bytes, &mut problems)),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
        figment = figment.merge(Layer::environment(env, &mut problems));
        figment = figment.merge(Layer::flags(overrides, &mut problems));
        let config = extract(figment, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems }),
        }
    }

    /// The whole sample configuration: every key with its unit, default and reason.
    pub fn sample() -> String {
        sample::TEXT.to_owned()
    }
}

impl Default for Config {
    fn default() -> Self {
        Figment::from(Layer::defaults()).extract().expect("the sample is a configuration: a test reads it")
    }
}

fn read_file(path: Option<&Path>) -> Result<Option<(PathBuf, Vec<u8>)>, Problem> {
    let problem = |path: &Path, e: &io::Error| Problem {
        place: path.display().to_string(),
        key: String::new(),
        wrong: format!("cannot be read: {e}"),
    };
    if let Some(path) = path {
        return std::fs::read(path).map(|bytes| Some((path.into(), bytes))).map_err(|e| problem(path, &e));
    }
    for path in USUAL_FILES.map(Path::new) {
        match std::fs::read(path) {
            Ok(bytes) => return Ok(Some((path.into(), bytes))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(problem(path, &e)),
        }
    }
    Ok(None)
}

/// Serde stops at the first bad value. Here its default is laid over it and the rest is read again, so that every bad
/// value is found; what was wrong in any of them makes the whole an error.
fn extract(mut figment: Figment, problems: &mut Vec<Problem>) -> Option<Config> {
    let before = problems.len();
    // More rounds than keys cannot be needed.
    for _ in 0..=sample::keys().len() {
        match figment.extract::<Config>() {
            Ok(config) => {
                if problems.len() == before {
                    problems.extend(contradictions(&config).map(|[key, other, wrong]| {
                        // The admin wrote one of the two; a default is nobody's mistake.
                        let place = [key, other].map(|key| place_of(&figment, key)).into_iter().find(|p| p != DEFAULTS);
                        Problem { place: place.unwrap_or_default(), key: key.into(), wrong: wrong.into() }
                    }));
                }
                return Some(config);
            }
            Err(error) => {
                // A path goes on into lists: "egress.allow.0".
                let key = error.path.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(".");
                let key =
                    sample::keys().into_iter().find(|k| key == *k || key.starts_with(&format!("{k}."))).unwrap_or(key);
                let (place, wrong) = (place_of(&figment, &key), sentence(&error.kind, &key));
                let default = Layer::default_of(&key);
                problems.push(Problem { place, key, wrong });
                figment = figment.merge(default?);
            }
        }
    }
    None
}

/// The file, variable or flag that a value came from.
fn place_of(figment: &Figment, key: &str) -> String {
    let names: Vec<_> = key.split('.').collect();
    figment.find_metadata(key).map(|m| m.interpolate(figment.profile(), &names)).unwrap_or_default()
}

/// What is wrong with a value of the wrong type, or what its own reader said.
fn sentence(kind: &Kind, key: &str) -> String {
    let found = match kind {
        Kind::Message(message) => return message.clone(),
        Kind::InvalidType(Actual::Str(text), _) => format!("{text:?} is a text"),
        Kind::InvalidType(Actual::Unsigned(n), _) => format!("{n} is a number"),
        Kind::InvalidType(Actual::Signed(n), _) => format!("{n} is a number"),
        Kind::InvalidType(Actual::Float(n), _) => format!("{n} is a fraction"),
        Kind::InvalidType(Actual::Bool(b), _) => format!("{b} stands alone"),
        Kind::InvalidType(Actual::Seq, _) => "this is a list".into(),
        Kind::InvalidType(Actual::Map, _) => "this is a section or a date".into(),
        other => other.to_string(),
    };
    let (right, example) = match sample::default_of(key) {
        Some(Value::String(_, text)) => ("a text in quotes", format!("{text:?}")),
        Some(Value::Num(_, n)) => ("a whole number", n.to_i128().unwrap_or_default().to_string()),
        Some(Value::Bool(_, b)) => ("true or false", b.to_string()),
        _ => ("a list of texts in quotes", "[]".into()),
    };
    format!("{found}; {right} would be right, such as the default {example}")
}

/// Keys that are fine alone and not together: the one to change, the one it does not agree with, and why.
fn contradictions(config: &Config) -> impl Iterator<Item = [&'static str; 3]> {
    let (listen, tls, limits) = (&config.listen, &config.tls, &config.limits);
    let told = notices::contradictions(&config.notices);
    let (files, acme) = (tls.mode == TlsMode::Files, tls.mode == TlsMode::Acme);
    let http01 = acme && tls.acme_challenge == AcmeChallenge::Http01;
    [
        (
            listen.local.is_none() && listen.public.is_none(),
            ["listen.local", "listen.public", "nothing listens: set this or listen.public"],
        ),
        (
            limits.connections_per_address > limits.connections,
            ["limits.connections_per_address", "limits.connections", "set at most as many as limits.connections"],
        ),
        (
            files && tls.certificate.is_none(),
            ["tls.certificate", "tls.mode", "tls.mode \"files\" needs it: write the path of a PEM file"],
        ),
        (
            files && tls.key.is_none(),
            ["tls.key", "tls.mode", "tls.mode \"files\" needs it: write the path of a PEM file"],
        ),
        (
            acme && tls.acme_domains.is_empty(),
            ["tls.acme_domains", "tls.mode", "tls.mode \"acme\" needs one at least, such as [\"wa.example.com\"]"],
        ),
        (
            http01 && listen.http.is_none(),
            ["listen.http", "tls.acme_challenge", "tls.acme_challenge \"http-01\" needs it, such as \"0.0.0.0:80\""],
        ),
        (
            acme && !http01 && listen.public.is_none(),
            ["listen.public", "tls.mode", "tls.mode \"acme\" needs it: the authority asks there, at port 443"],
        ),
        (
            tls.meta_client_ca.is_some() && listen.public.is_none(),
            [
                "tls.meta_client_ca",
                "listen.public",
                "set this to have it checked here; a proxy's TLS is its own to check",
            ],
        ),
        (
            config.guard.review_score > config.guard.refuse_score,
            ["guard.review_score", "guard.refuse_score", "set at most as much as guard.refuse_score"],
        ),
    ]
    .into_iter()
    .chain(collisions(listen))
    .chain(told)
    .filter_map(|(wrong, which)| wrong.then_some(which))
}

/// Listeners that stand in each other's way.
fn collisions(listen: &Listen) -> [(bool, [&'static str; 3]); 6] {
    let Listen { local, public, http, metrics, .. } = *listen;
    let local_is_there = "it is where listen.local listens: give each a port of its own";
    let public_is_there = "it is where listen.public listens: give each a port of its own";
    let http_is_there = "it is where listen.http listens: give each a port of its own";
    let both = |one: Option<SocketAddr>, other: Option<SocketAddr>| one.zip(other).is_some_and(|(a, b)| collide(a, b));
    [
        (both(public, local), ["listen.public", "listen.local", local_is_there]),
        (both(http, local), ["listen.http", "listen.local", local_is_there]),
        (both(http, public), ["listen.http", "listen.public", public_is_there]),
        (both(metrics, local), ["listen.metrics", "listen.local", local_is_there]),
        (both(metrics, public), ["listen.metrics", "listen.public", public_is_there]),
        (both(metrics, http), ["listen.metrics", "listen.http", http_is_there]),
    ]
}

/// Whether two listeners cannot both be there; a port that the system chooses is free.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    // The IPv6 one that stands for all addresses has IPv4's as well.
    let covers = |a: IpAddr, b: IpAddr| a == b || a.is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    one.port() == other.port() && one.port() != 0 && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}

/// One thing that is wrong with the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file, variable or flag.
    pub place: String,
    /// The dotted key; empty when the whole file is meant.
    pub key: String,
    /// What is wrong, and what would be right.
    pub wrong: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, wrong } = self;
        if key.is_empty() {
            write!(f, "{place}: {wrong}")
        } else {
            write!(f, "{place}: {}: {wrong}", key.escape_debug())
        }
    }
}

/// Everything that is wrong with a configuration: one line each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// At least one, in the order of file, environment, flags, values.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigError {}
