//! What the page of a number shows from the database.

use crate::{
    dialects::chattu,
    events::{
        live::feed,
        webhooks::{self, Endpoint},
    },
    gateway::inbound::{self, NewsRow},
    instances::{
        self, Instance, InstanceError,
        templates::{self, KnownTemplate},
    },
    model::ids::InstanceId,
    store::Tx,
};

/// News of the provider that the page shows.
const NEWS: u32 = 20;

/// What one read brings.
pub(super) struct InstanceFigures {
    pub(super) instance: Instance,
    pub(super) position: i64,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) secrets: Vec<String>,
    pub(super) templates: Vec<KnownTemplate>,
    pub(super) chattu_url: Option<String>,
    pub(super) news: Vec<NewsRow>,
}

pub(super) fn figures(tx: &Tx<'_>, id: &InstanceId) -> Result<InstanceFigures, InstanceError> {
    let instance = instances::find(tx, id)?;
    let mut endpoints = webhooks::list_endpoints(tx)?;
    let of_this = |e: &Endpoint| e.instance_id.as_ref().is_none_or(|it| it == id);
    endpoints.retain(|e| e.account_id == instance.account_id && of_this(e));
    // What changes from this position on is told.
    let (position, secrets) = (feed::newest(tx)?, instances::secret_names(tx, id)?);
    let chattu_url = chattu::webhook_address(tx, id)?;
    let news = inbound::list_news(tx, id, NEWS)?;
    Ok(InstanceFigures {
        position,
        endpoints,
        secrets,
        templates: templates::list(tx, id)?,
        chattu_url,
        news,
        instance,
    })
}
