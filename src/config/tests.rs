//! The configuration by table: defaults, precedence, and a sentence for every mistake.

use super::*;
use std::{fs, time::Duration};

fn load(file: &str, env: &[(&str, &str)], overrides: &Overrides) -> Result<Config, String> {
    load_bytes(file.as_bytes(), env, overrides)
}

/// With the name of the file, which is in a new directory each time, written as FILE.
fn load_bytes(file: &[u8], env: &[(&str, &str)], overrides: &Overrides) -> Result<Config, String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.toml");
    fs::write(&path, file).expect("written");
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(Some(&path), env, overrides).map_err(|e| e.to_string().replace(&*path.display().to_string(), "FILE"))
}

fn of_file(file: &str) -> Result<Config, String> {
    load(file, &[], &Overrides::default())
}

#[test]
fn the_sample_is_the_defaults() {
    assert_eq!(of_file(&Config::sample()), Ok(Config::default()));
    assert_eq!(of_file(""), Ok(Config::default()));
}

#[test]
fn every_key_of_the_sample_is_explained() {
    let lines: Vec<_> = sample::TEXT.lines().collect();
    for key in sample::keys() {
        let name = key.rsplit('.').next().expect("a name");
        let at = lines.iter().position(|line| line.starts_with(&format!("{name} = "))).expect("its line");
        assert!(lines[at - 1].starts_with("# "), "{key} needs a comment with its unit and reason");
    }
    assert!(lines.iter().all(|line| line.len() <= 120));
    assert!(sample::keys().len() > 50);
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let c = Config::default();
    let seconds = Duration::from_secs;
    assert_eq!(c.data_dir, Path::new("/var/lib/wa-gateway"));
    assert_eq!((c.public_url, c.support_contact.as_str()), (None, ""));
    let addresses = [c.listen.local, c.listen.public, c.listen.http, c.listen.metrics];
    assert_eq!(
        addresses,
        [Some("127.0.0.1:8080"), Some("0.0.0.0:8443"), None, None].map(|a| a.map(|a| a.parse().unwrap()))
    );
    assert!(c.listen.trusted_proxies.is_empty() && c.egress.allow.is_empty() && c.tls.acme_domains.is_empty());
    assert_eq!((c.tls.mode, c.tls.acme_challenge), (TlsMode::SelfSigned, AcmeChallenge::TlsAlpn01));
    assert_eq!((c.tls.certificate, c.tls.key, c.tls.meta_client_ca), (None, None, None));
    assert_eq!((c.tls.acme_email.as_str(), c.tls.acme_directory.as_str()), ("", ""));
    assert_eq!((c.sending.answer_timeout, c.sending.idempotency_hours), (seconds(10), 24));
    assert_eq!(c.sending.schedule_grace, seconds(3600));
    let l = c.limits;
    assert_eq!((l.connections, l.connections_per_address), (1024, 256));
    let timeouts = [l.header_timeout, l.body_timeout, l.idle_timeout, l.handshake_timeout];
    assert_eq!(timeouts, [5, 10, 30, 5].map(seconds));
    let g = c.guard;
    let rates = [g.throttle_per_minute, g.throttle_burst, g.recipient_per_minute, g.recipient_burst];
    assert_eq!(rates, [60, 20, 10, 5]);
    assert_eq!((g.authentication_limit, g.authentication_window), (5, seconds(600)));
    assert_eq!((g.refuse_score, g.review_score, g.strikes), (80, 60, 3));
    assert_eq!((g.repetition_support, g.repetition_transactional), (30, 300));
    assert_eq!((g.repetition_operational, g.repetition_internal_team), (1000, 1000));
    assert_eq!((g.outreach_support, g.outreach_other), (20, 300));
    let health = [g.health_min_messages, g.health_failed_percent, g.health_opted_out_percent, g.health_pause_factor];
    assert_eq!(health, [50, 8, 4, 2]);
    let windows = [g.strikes_window, g.repetition_window, g.outreach_window, g.health_window];
    assert_eq!(windows, [1, 1, 1, 24].map(|hours| seconds(hours * 3600)));
    assert_eq!((g.content_policy, g.suppressed_may_get_authentication), (ContentPolicyMode::Enforce, false));
    assert_eq!(g.policy_dir, Path::new("/etc/wa-gateway/policy.d"));
    let p = c.portal;
    assert_eq!((p.registration, p.language, p.timezone.as_str()), (Registration::Off, Language::En, "UTC"));
    assert_eq!(c.threecx.failures_per_minute, 300);
    assert_eq!((c.log.level.as_str(), c.log.format), ("info", LogFormat::Text));
}

#[test]
fn later_layers_win() {
    let file =
        "data_dir = \"/file\"\n[guard]\nstrikes = 4\nthrottle_burst = 30\n[log]\nlevel = \"warn, wa_gateway=debug\"";
    let env = [("WA_GATEWAY_DATA_DIR", "/env"), ("WA_GATEWAY_GUARD__STRIKES", "5"), ("PATH", "/bin")];
    let overrides =
        Overrides { data_dir: Some("/flag".into()), listen_public: Some(String::new()), ..Overrides::default() };
    let c = load(file, &env, &overrides).expect("a configuration");
    assert_eq!(c.data_dir, Path::new("/flag"));
    assert_eq!((c.guard.strikes, c.guard.throttle_burst, c.guard.recipient_burst), (5, 30, 5));
    assert_eq!((c.log.level.as_str(), c.listen.public), ("warn,wa_gateway=debug", None));
}

#[test]
fn the_environment_has_every_kind_of_value() {
    let env = [
        ("WA_GATEWAY_EGRESS__ALLOW", "127.0.0.1:5678, 192.168.10.0/24:443"),
        ("WA_GATEWAY_GUARD__SUPPRESSED_MAY_GET_AUTHENTICATION", "true"),
        ("WA_GATEWAY_LISTEN__PUBLIC", ""),
        ("WA_GATEWAY_LISTEN__TRUSTED_PROXIES", "[\"10.0.0.0/8\", \"::1\"]"),
        ("WA_GATEWAY_SENDING__ANSWER_TIMEOUT", "1500ms"),
        ("WA_GATEWAY_SUPPORT_CONTACT", "0501234567"),
        ("WA_GATEWAY_TLS__ACME_DOMAINS", ""),
    ];
    let c = load("", &env, &Overrides::default()).expect("a configuration");
    let allow: Vec<_> = c.egress.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["127.0.0.1:5678", "192.168.10.0/24:443"]);
    assert!(c.guard.suppressed_may_get_authentication && c.listen.public.is_none());
    assert_eq!(c.listen.trusted_proxies.len(), 2);
    assert_eq!(c.sending.answer_timeout, Duration::from_millis(1500));
    assert_eq!(c.support_contact, "0501234567", "a text stays a text");
}

#[test]
fn every_mistake_in_a_file_has_its_sentence() {
    for (file, error) in [
        ("[gaurd]\nstrikes = 3", "FILE: gaurd: unknown section; the nearest known one is guard"),
        ("[guard]\nstrike = 3", "FILE: guard.strike: unknown key; the nearest known one is guard.strikes"),
        (
            "answer_timeout = \"5s\"",
            "FILE: answer_timeout: unknown key; the nearest known one is sending.answer_timeout",
        ),
        ("[notices]\nx = 1", "FILE: notices.x: unknown key; the nearest known one is "),
        ("guard = 3", "FILE: guard: it is a section: write [guard] and its keys below"),
        ("data_dir = 5", "FILE: data_dir: 5 is a number; a text in quotes would be right, such as the default \"/var/"),
        ("data_dir = \"\"", "FILE: data_dir: \"\" is no directory: write its path"),
        ("data_dir = 2026-05-08", "FILE: data_dir: this is a section or a date; a text in quotes would be right"),
        ("[data_dir]\nx = 1", "FILE: data_dir: this is a section or a date; a text in quotes"),
        (
            "[guard]\nstrikes = \"three\"",
            "FILE: guard.strikes: \"three\" is a text; a whole number would be right, such as the default 3",
        ),
        ("[guard]\nstrikes = 2.5", "FILE: guard.strikes: 2.5 is a fraction; a whole number"),
        ("[guard]\nstrikes = 0", "FILE: guard.strikes: 0 is not between 1 and 1000000"),
        ("[guard]\nstrikes = -1", "FILE: guard.strikes: -1 is not between 1 and 1000000"),
        ("[guard]\nrefuse_score = 101", "FILE: guard.refuse_score: 101 is not between 1 and 100"),
        (
            "[guard]\nsuppressed_may_get_authentication = \"no\"",
            "FILE: guard.suppressed_may_get_authentication: \"no\" is a text; true or false",
        ),
        (
            "[guard]\ncontent_policy = \"off\"",
            "FILE: guard.content_policy: \"off\" is none of \"enforce\", \"observe\"",
        ),
        (
            "[portal]\nlanguage = 1",
            "FILE: portal.language: 1 is a number; a text in quotes would be right, such as the default \"en\"",
        ),
        ("[portal]\nlanguage = \"fr\"", "FILE: portal.language: \"fr\" is none of \"en\", \"ar\", \"he\""),
        (
            "[portal]\ntimezone = \"Riyadh\"",
            "FILE: portal.timezone: \"Riyadh\" is no time zone, such as \"Asia/Riyadh\"",
        ),
        (
            "[sending]\nanswer_timeout = 10",
            "FILE: sending.answer_timeout: 10 is a number; a text in quotes would be right, such as the default \"10s\"",
        ),
        (
            "[sending]\nanswer_timeout = \"ten\"",
            "FILE: sending.answer_timeout: \"ten\" is no duration: write a whole number and ms, s, m, h or d",
        ),
        ("[listen]\nlocal = \":8080\"", "FILE: listen.local: \":8080\" is no IP address with a port, such as"),
        ("[listen]\nlocal = \"localhost:8080\"", "FILE: listen.local: \"localhost:8080\" is no IP address with a port"),
        (
            "[listen]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/40\"]",
            "FILE: listen.trusted_proxies: \"10.0.0.0/40\" is no network",
        ),
        (
            "[listen]\ntrusted_proxies = \"10.0.0.0/8\"",
            "FILE: listen.trusted_proxies: \"10.0.0.0/8\" is a text; a list of texts in quotes would be right",
        ),
        ("[listen]\ntrusted_proxies = [1]", "FILE: listen.trusted_proxies: 1 is a number; a list of texts"),
        ("[egress]\nallow = [\"127.0.0.1\"]", "FILE: egress.allow: \"127.0.0.1\" is no host and port, such as"),
        ("public_url = \"wa.example.com\"", "FILE: public_url: \"wa.example.com\" is no address, such as"),
        ("[tls]\nacme_domains = [\"https://a.b\"]", "FILE: tls.acme_domains: \"https://a.b\" is no host name"),
        ("[tls]\nacme_email = \"me\"", "FILE: tls.acme_email: \"me\" is no e-mail address"),
        ("[tls]\nacme_directory = \"prod\"", "FILE: tls.acme_directory: \"prod\" is no address, such as"),
        ("[log]\nlevel = \"loud\"", "FILE: log.level: \"loud\" is no level: write one of"),
        ("[log]\nformat = \"xml\"", "FILE: log.format: \"xml\" is none of \"text\", \"json\""),
        ("[tls]\nmode = \"files\"\nkey = \"/k\"", "FILE: tls.certificate: tls.mode \"files\" needs it"),
        ("[tls]\nmode = \"acme\"", "FILE: tls.acme_domains: tls.mode \"acme\" needs one at least"),
        (
            "[listen]\npublic = \"\"\n[tls]\nmeta_client_ca = \"/ca.pem\"",
            "FILE: tls.meta_client_ca: set this to have it checked here",
        ),
        (
            "[listen]\nlocal = \"127.0.0.1:8080\"\npublic = \"0.0.0.0:8080\"",
            "FILE: listen.public: it is where listen.local listens",
        ),
        (
            "[listen]\nlocal = \"\"\npublic = \"[::]:443\"\nhttp = \"0.0.0.0:443\"",
            "FILE: listen.http: it is where listen.public listens",
        ),
        (
            "[listen]\nlocal = \"127.0.0.1:8080\"\nmetrics = \"127.0.0.1:8080\"",
            "FILE: listen.metrics: it is where listen.local listens",
        ),
        (
            "[listen]\npublic = \"\"\n[tls]\nmode = \"acme\"\nacme_domains = [\"wa.example.com\"]",
            "FILE: listen.public: tls.mode \"acme\" needs it",
        ),
        (
            "[chattu]\nnew_client_settings = [\"x\"]",
            "FILE: chattu.new_client_settings: \"x\" is no setting: write key=value",
        ),
        ("[guard]\nreview_score = 90", "FILE: guard.review_score: set at most as much as guard.refuse_score"),
        ("[guard]\nrefuse_score = 50", "FILE: guard.review_score: set at most as much as guard.refuse_score"),
        ("[listen]\nlocal = \"\"\npublic = \"\"", "FILE: listen.local: nothing listens"),
        ("[notices]\nsmtp_host = \"mail.example\"", "FILE: notices.from: mail needs a sender"),
        (
            "[notices]\nsmtp_host = \"mail.example\"\nfrom = \"a@b.example\"\nsmtp_tls = \"off\"",
            "FILE: notices.smtp_tls: \"off\" is only for a mail server on this machine",
        ),
        (
            "[notices]\nsmtp_host = \"::1\"\nfrom = \"a@b.example\"\nsmtp_tls = \"off\"\nto_owners = false",
            "FILE: notices.to: nobody would get mail",
        ),
        ("[notices]\nto = [\"a@b.example\"]", "FILE: notices.smtp_host: notices.to needs it"),
        ("[notices]\nto = [\"a\"]", "FILE: notices.to: \"a\" is no e-mail address"),
        ("[notices]\nsmtp_user = \"a\"", "FILE: notices.smtp_password_file: a user and the file of its password"),
        ("[notices]\nwebhook_url = \"https://a.b/c\"", "FILE: notices.webhook_secret_file: the address and the file"),
        ("[notices]\nwebhook_url = \"ftp://a.b\"", "FILE: notices.webhook_url: \"ftp://a.b\" is no address"),
        ("[notices]\nsmtp_host = \"a:25\"", "FILE: notices.smtp_host: \"a:25\" is no host"),
        ("[notices]\nsmtp_port = 0", "FILE: notices.smtp_port: 0 is not between 1 and 65535"),
        ("a = 1\nb = = 2", "FILE: line 2, column 5 is not TOML: "),
        ("[log]\nlevel = \"a\"\nlevel = \"b\"", "FILE: line 3, column 1 is not TOML: duplicate key"),
    ] {
        let got = of_file(file).expect_err(file);
        assert!(got.contains(error) && !got.contains('\n'), "{file}\n  got  {got}\n  want {error}");
    }
}

#[test]
fn a_file_in_another_encoding_is_pointed_at() {
    let got = load_bytes(b"# one\n# caf\xe9", &[], &Overrides::default());
    assert_eq!(got, Err("FILE: line 2, column 6 is not UTF-8: save the file in that encoding".into()));
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    for (name, value, error) in [
        (
            "WA_GATEWAY_LISTEN_LOCAL",
            "x",
            "WA_GATEWAY_LISTEN_LOCAL: listen_local: unknown key; the nearest known one is listen.local (WA_GATEWAY_LISTEN__LOCAL)",
        ),
        ("WA_GATEWAY_GUARD", "x", "WA_GATEWAY_GUARD: guard: unknown key; the nearest known one is guard."),
        ("WA_GATEWAY_GUARD__STRIKES", "many", "WA_GATEWAY_GUARD__STRIKES: guard.strikes: \"many\" is no whole number"),
        ("WA_GATEWAY_GUARD__STRIKES", "0", "WA_GATEWAY_GUARD__STRIKES: guard.strikes: 0 is not between 1 and 1000000"),
        ("WA_GATEWAY_GUARD__SUPPRESSED_MAY_GET_AUTHENTICATION", "yes", "\"yes\" is not true or false"),
        ("WA_GATEWAY_EGRESS__ALLOW", "n8n", "WA_GATEWAY_EGRESS__ALLOW: egress.allow: \"n8n\" is no host and port"),
        ("WA_GATEWAY_EGRESS__ALLOW", "[1", "WA_GATEWAY_EGRESS__ALLOW: egress.allow: \"[1\" is no list"),
    ] {
        let got = load("", &[(name, value)], &Overrides::default()).expect_err(name);
        assert!(got.contains(error) && !got.contains('\n'), "{name}={value}\n  got  {got}\n  want {error}");
    }
}

#[test]
fn mistakes_in_flags_name_the_flag() {
    let overrides = Overrides { listen_local: Some("8080".into()), ..Overrides::default() };
    let got = load("", &[], &overrides).expect_err("no address");
    assert!(got.starts_with("--listen: listen.local: \"8080\" is no IP address"), "{got}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let file = "colour = 1\n[guard]\nstrikes = 0\nthrottle_burst = \"x\"\n[log]\nformat = 1";
    let got = load(file, &[("WA_GATEWAY_LOG__LEVEL", "loud"), ("WA_GATEWAY_X", "")], &Overrides::default());
    let got = got.expect_err("six problems");
    assert_eq!(got.lines().count(), 6, "{got}");
    for part in
        ["colour", "WA_GATEWAY_X: ", "guard.strikes", "guard.throttle_burst", "log.format", "WA_GATEWAY_LOG__LEVEL"]
    {
        assert!(got.contains(part), "{part} in {got}");
    }
}

#[test]
fn a_named_file_must_exist() {
    let got = Config::load(Some(Path::new("/nonexistent/a.toml")), std::iter::empty(), &Overrides::default());
    let got = got.expect_err("no file").to_string();
    assert!(got.starts_with("/nonexistent/a.toml: cannot be read: "), "{got}");
}

#[test]
fn durations_are_a_number_and_a_unit() {
    for (text, ms) in
        [("1ms", 1), ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("366d", 31_622_400_000)]
    {
        assert_eq!(values::parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
    }
    for no in ["", "s", "10", "10 s", "1.5s", "-1s", "1h30m", "10S", "0s", "367d", "99999999999999999999d", "١s"] {
        assert!(values::parse_duration(no).is_err(), "{no}");
    }
}

#[test]
fn addresses_lose_their_last_slash() {
    let c = of_file("public_url = \"https://wa.example.com/\"").expect("a configuration");
    assert_eq!(c.public_url.as_deref(), Some("https://wa.example.com"));
    for no in ["ftp://a.b", "https://", "https://a b", "https://u:p@a.b", "https://a.b/?x", "https://a.b/#x"] {
        assert!(of_file(&format!("public_url = {no:?}")).is_err(), "{no}");
    }
}
