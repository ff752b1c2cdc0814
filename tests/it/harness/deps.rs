//! What connectors are given, in tests that start one alone.

use std::{path::Path, sync::Arc};
use wa_gateway::{
    connectors::{Ear, registry::Deps},
    egress::Egress,
    model::{clock::Clock, fence::Fence, random::SystemRandom},
};

/// A data directory, a clock and an ear; nothing may be called out to.
pub fn deps(data_dir: &Path, clock: Arc<dyn Clock>, ear: Arc<dyn Ear>) -> Deps {
    Deps {
        data_dir: data_dir.to_owned(),
        egress: Egress::system(Vec::new(), clock.clone()),
        clock,
        random: Arc::new(SystemRandom),
        ear,
        public_url: "http://127.0.0.1:8080".to_owned(),
        fence: Fence::default(),
    }
}

/// An entry of `egress.allow` for a place of the test's own: customers' files, too.
pub fn for_everything(place: &impl std::fmt::Display) -> wa_gateway::model::egress::EgressEntry {
    format!("{place} webhooks,connectors,media").parse().expect("an entry")
}
