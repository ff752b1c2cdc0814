//! What the configuration says, in the words of each slice.

use super::{StartError, commands::key_value};
use crate::{
    config::{self, Config},
    dialects::chattu::{self, NewClient},
    egress::Egress,
    gateway::retention,
    model::{clock::Clock, fence::Fence, instance::ConnectorKind, phone::Impossible, random::Random},
    ops::{backup, standby::Vigil, tls},
    people::media::{self, MediaStore},
    sending::{Rules, policy::content::ContentPolicy},
    store::{Store, Vault},
    web::server,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// The rules of the content policy, and the admin's own files among them.
pub(super) fn content_policy(dir: &Path) -> Result<(ContentPolicy, Vec<(String, String)>), StartError> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        let text =
            std::fs::read_to_string(&path).map_err(|e| StartError::Policy(format!("{}: {e}", path.display())))?;
        files.push((path.display().to_string(), text));
    }
    let policy = ContentPolicy::with_extra(files.clone()).map_err(|e| StartError::Policy(e.to_string()))?;
    Ok((policy, files))
}

pub(super) fn rules(config: &Config) -> Rules {
    let guard = &config.guard;
    let score = |n: u32| u8::try_from(n).unwrap_or(100);
    Rules {
        answer_timeout: config.sending.answer_timeout,
        throttle_per_minute: guard.throttle_per_minute,
        throttle_burst: guard.throttle_burst,
        recipient_per_minute: guard.recipient_per_minute,
        recipient_burst: guard.recipient_burst,
        authentication_limit: guard.authentication_limit,
        authentication_window: guard.authentication_window,
        repetition_support: guard.repetition_support,
        repetition_transactional: guard.repetition_transactional,
        repetition_operational: guard.repetition_operational,
        repetition_internal_team: guard.repetition_internal_team,
        repetition_window: guard.repetition_window,
        outreach_support: guard.outreach_support,
        outreach_other: guard.outreach_other,
        outreach_window: guard.outreach_window,
        health_min_messages: guard.health_min_messages,
        health_failed_percent: guard.health_failed_percent,
        health_opted_out_percent: guard.health_opted_out_percent,
        health_pause_factor: guard.health_pause_factor,
        health_window: guard.health_window,
        refuse_score: score(guard.refuse_score),
        review_score: score(guard.review_score),
        strikes: guard.strikes,
        strikes_window: guard.strikes_window,
        impossible_phone: match guard.impossible_phone {
            config::ImpossiblePhone::Refuse => Impossible::Refuse,
            config::ImpossiblePhone::Warn => Impossible::Warn,
        },
        observe: guard.content_policy == config::ContentPolicyMode::Observe,
        suppressed_may_get_authentication: guard.suppressed_may_get_authentication,
        idempotency_life: Duration::from_secs(u64::from(config.sending.idempotency_hours) * 3600),
    }
}

/// What a client is made with that the API adds: a phone is linked where this program can.
///
/// # Errors
/// A setting that is none, or a file of one that cannot be read.
pub(super) fn new_client(config: &Config) -> Result<NewClient, StartError> {
    let best = if ConnectorKind::WhatsappWeb.is_built() { ConnectorKind::WhatsappWeb } else { ConnectorKind::Sandbox };
    let settings = key_value::parse(&config.chattu.new_client_settings)
        .map_err(|problem| StartError::Other(format!("chattu.new_client_settings: {problem}")))?;
    Ok(NewClient { connector: config.chattu.new_client_connector.unwrap_or(best), settings })
}

pub(super) fn rates(config: &Config) -> chattu::rates::Allowed {
    let chattu = &config.chattu;
    chattu::rates::Allowed {
        sensitive: chattu.sensitive_per_hour,
        delete: chattu.deletes_per_15_minutes,
        api: chattu.requests_per_15_minutes,
        chat: chattu.chat_per_minute,
    }
}

pub(super) fn server_limits(config: &Config) -> server::ServerLimits {
    let limits = &config.limits;
    server::ServerLimits {
        connections: limits.connections as usize,
        per_address: limits.connections_per_address as usize,
        per_address_loopback: limits.connections as usize,
        handshake: limits.handshake_timeout,
        header: limits.header_timeout,
        body: limits.body_timeout,
        idle: limits.idle_timeout,
        ..server::ServerLimits::default()
    }
}

pub(super) fn periods(config: &Config) -> retention::Periods {
    let days = |n: u32| Duration::from_secs(u64::from(n) * 24 * 60 * 60);
    let keep = &config.retention;
    retention::Periods {
        texts: days(keep.texts_days),
        log: days(keep.log_days),
        media: days(keep.media_days),
        deliveries: days(keep.deliveries_days),
        audit: days(keep.audit_days),
        notices: days(keep.notices_days),
    }
}

pub(super) fn shelf(config: &Config, vault: &Vault, egress: &Egress, random: Arc<dyn Random>) -> MediaStore {
    let mb = |n: u32| u64::from(n) << 20;
    let media = &config.media;
    MediaStore::new(media::Parts {
        files: media::MediaFolder::new(&config.data_dir, random),
        key: vault.derive("media addresses"),
        limits: media::MediaLimits {
            image: mb(media.image_mb),
            video: mb(media.video_mb),
            audio: mb(media.audio_mb),
            document: mb(media.document_mb),
            download_timeout: media.download_timeout,
            budget: mb(media.disk_budget_mb),
        },
        egress: egress.clone(),
        public_url: reachable_at(config),
    })
}

/// Where this gateway is reached from outside: as configured, else by the local listener, without a slash at the end.
pub(super) fn reachable_at(config: &Config) -> String {
    let configured = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    match (configured, config.listen.local) {
        ("", Some(address)) => format!("http://{address}"),
        (configured, _) => configured.to_owned(),
    }
}

/// Where people reach the portal, for links that a command prints: as configured; else the public listener by this
/// machine's own address, for who follows the link sits elsewhere; else the local one.
pub(super) fn portal_at(config: &Config) -> String {
    let (None, Some(public)) = (&config.public_url, config.listen.public) else { return reachable_at(config) };
    let own = || tls::own_addresses().into_iter().next().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let ip = if public.ip().is_unspecified() { own() } else { public.ip() };
    match (ip, public.port()) {
        (IpAddr::V4(ip), 443) => format!("https://{ip}"),
        (IpAddr::V6(ip), 443) => format!("https://[{ip}]"),
        (ip, port) => format!("https://{}", SocketAddr::new(ip, port)),
    }
}

/// Who looks after the fence; none: there is no second machine.
pub(super) fn vigil(
    config: &Config,
    store: &Store,
    (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
    fence: &Fence,
) -> Option<Vigil> {
    let place = config.standby.place.clone()?;
    Some(Vigil::new(place, config.standby.alone_for, store.clone(), (clock, random), fence.clone()))
}

pub(super) fn backups(config: &Config) -> backup::BackupPlans {
    let (plan, key_file) = (&config.backup, config.key_file.clone());
    let configured = plan.directory.clone().map(|directory| backup::BackupPlan {
        data_dir: config.data_dir.clone(),
        key_file: key_file.clone(),
        directory,
        every: plan.every,
        keep: plan.keep as usize,
        passphrase: plan.passphrase_file.clone().map_or(backup::PassphraseSource::None, backup::PassphraseSource::File),
    });
    backup::BackupPlans::new(config.data_dir.clone(), key_file, configured.map(Arc::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_where_people_are() {
        let with = |public_url: Option<&str>, public: Option<&str>| {
            let mut config = Config { public_url: public_url.map(str::to_owned), ..Config::default() };
            config.listen.public = public.map(|a| a.parse().expect("an address"));
            portal_at(&config)
        };
        assert_eq!(with(Some("https://wa.example.com"), Some("0.0.0.0:443")), "https://wa.example.com");
        assert_eq!(with(None, Some("192.0.2.7:443")), "https://192.0.2.7");
        assert_eq!(with(None, Some("[2001:db8::7]:8443")), "https://[2001:db8::7]:8443");
        assert_eq!(with(None, None), "http://127.0.0.1:8080");
        let own = with(None, Some("0.0.0.0:443"));
        assert!(own.starts_with("https://") && !own.contains("0.0.0.0"), "{own}");
    }
}
