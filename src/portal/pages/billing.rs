//! `/instances/{id}/billing`: what a number's provider bills, by month and category, and the free replies that are left.

use crate::{
    gateway::Gateway,
    instances::Instance,
    model::{ids::InstanceId, instance::ConnectorKind},
    portal::{PageContext, PageError},
    sending::billed::{self, Billed},
    store::StoreError,
};
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "billing.html", config = "assets/askama.toml")]
struct BillingPage<'a> {
    v: &'a PageContext,
    i: Instance,
    billed: Billed,
}

impl BillingPage<'_> {
    /// How many free replies are left.
    fn left(&self) -> String {
        let (left, all) = (self.v.number(self.billed.free_left()), self.v.number(self.billed.free_replies));
        self.v.fill_all("billing.left", &[("left", &left), ("all", &all)])
    }
}

/// `GET /instances/{id}/billing`.
///
/// # Errors
/// No such instance, another account's, or one whose provider tells of no prices.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let i = gateway.instances.find(&InstanceId::from_text(v.segment())).await?;
    if !v.scope()?.sees(i.account_id) || i.connector != ConnectorKind::CloudApi {
        return Err(PageError::NotFound);
    }
    let (id, now) = (i.id.clone(), gateway.clock.now());
    let read = gateway.store.read(move |tx| billed::billed(tx, &id, now)).await;
    let billed = read.map_err(|e: StoreError| PageError::from(e))?;
    Ok(v.page(&BillingPage { v, i, billed }))
}
