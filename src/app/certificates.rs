//! Which certificate the public listener has, from the configuration: self-signed, the admin's files, or an
//! authority's.

use super::StartError;
use crate::{
    config::{Config, TlsMode},
    egress::{Egress, SystemResolver},
    gateway::Gateway,
    model::clock::Clock,
    ops::{
        acme::{self, Acme},
        tls::Certificate,
    },
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::sync::Arc;
use tokio::sync::watch;

/// Takes the keeper's first step, unless the gateway is stopped meanwhile.
pub(super) async fn first(gateway: Arc<Gateway>, mut stopping: watch::Receiver<bool>) {
    let Some(keeper) = gateway.keeper.get() else { return };
    tokio::select! {
        kept = keeper.step() => if let Err(e) = kept {
            tracing::warn!("no new certificate: {e}");
        },
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// The public listener's certificate, and who renews it.
pub(super) fn open(
    config: &Config,
    gateway: &Gateway,
    egress: &Egress,
) -> Result<(Arc<Certificate>, Option<Arc<Acme>>), StartError> {
    let (names, clock) = (host_names(config), &*gateway.clock);
    let made = match (config.tls.mode, &config.tls.certificate, &config.tls.key) {
        (TlsMode::Files, Some(chain), Some(key)) => Certificate::from_files(chain, key)
            .map_err(|e| StartError::Other(format!("tls.certificate, tls.key: {e}")))?,
        (TlsMode::Acme, ..) => {
            let acme = Arc::new(acme_of(config, gateway, egress)?);
            let is_test = config.tls.acme_directory == "staging";
            let made = Certificate::acme(&config.data_dir, &names, acme.clone(), is_test, clock)?;
            return Ok((Arc::new(asking(config, made, clock)?), Some(acme)));
        }
        _ => Certificate::self_signed(&config.data_dir, &names, clock)?,
    };
    Ok((Arc::new(asking(config, made, clock)?), None))
}

/// The same, where clients are asked for certificates if the configuration says so.
fn asking(config: &Config, made: Certificate, clock: &dyn Clock) -> Result<Certificate, StartError> {
    match &config.tls.meta_client_ca {
        Some(file) => {
            let asked = made.asking_clients(file, clock);
            asked.map_err(|e| StartError::Other(format!("tls.meta_client_ca: {e}")))
        }
        None => Ok(made),
    }
}

fn acme_of(config: &Config, gateway: &Gateway, egress: &Egress) -> Result<Acme, StartError> {
    let tls = &config.tls;
    let settings = acme::Settings {
        domains: tls.acme_domains.clone(),
        email: tls.acme_email.clone(),
        directory: acme::Settings::directory_of(&tls.acme_directory),
        challenge: tls.acme_challenge,
    };
    let (clock, random) = (gateway.clock.clone(), gateway.random.clone());
    let way = match &tls.acme_root {
        None => egress.clone(),
        Some(file) => {
            let bad = |e: String| StartError::Other(format!("tls.acme_root: {}: {e}", file.display()));
            let roots = CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|e| bad(e.to_string()));
            let (allow, resolver) = (config.egress.allow.clone(), Arc::new(SystemResolver::new(clock.clone())));
            Egress::with_roots(allow, resolver, clock.clone(), roots?).map_err(|e| bad(e.to_string()))?
        }
    };
    Ok(Acme::new(settings, &config.data_dir, way, clock, random))
}

/// The names that a self-signed certificate is made for.
fn host_names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let public = config.public_url.as_deref().and_then(|url| url.split("://").nth(1));
    let public = public.map(|rest| rest.split(['/', ':']).next().unwrap_or_default().to_owned());
    for name in public.into_iter().chain([host]).filter(|n| !n.is_empty()) {
        if !names.contains(&name) {
            names.insert(0, name);
        }
    }
    names
}
