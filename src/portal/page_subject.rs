//! Whose a page is that is about one thing: an admin who opens a message, a number, an endpoint or a telephone system by
//! its name sees it whosever it is, and the frame names its account. What an admin has chosen narrows lists.

use crate::{
    accounts::Scope,
    dialects::threecx::{self, IntegrationId},
    events::webhooks::{self, EndpointId},
    instances,
    model::{
        ids::{AccountId, InstanceId, LogId},
        percent,
    },
    sending::{schedule, timeline},
    store::Tx,
    web::form::Fields,
};

/// The account of what an address names: in its path, or as the number that a list is of. None: nothing, nothing that is
/// there, or a database that does not answer, which the page itself tells. `scope`: as who asks may see.
pub(super) fn account(tx: &Tx<'_>, scope: Scope, path: &str, query: &Fields) -> Option<AccountId> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let of_instance = |id: &str| Some(instances::find(tx, &InstanceId::from_text(id)).ok()?.account_id);
    let of_endpoint = |id: EndpointId| {
        let endpoint = webhooks::list_endpoints(tx).ok()?.into_iter().find(|endpoint| endpoint.id == id)?;
        Some(endpoint.account_id)
    };
    match parts.as_slice() {
        ["instances" | "chat", id, ..] => of_instance(&percent::decode(id)?),
        ["message-logs", id, ..] => timeline::find_account(tx, scope, LogId(id.parse().ok()?)).ok()?,
        ["scheduled", id, ..] => schedule::find_account(tx, scope, id.parse().ok()?).ok()?,
        ["webhooks", "deliveries", id, ..] => {
            of_endpoint(webhooks::find_delivery(tx, id.parse().ok()?).ok()??.endpoint_id)
        }
        ["webhooks", id, ..] => of_endpoint(EndpointId(id.parse().ok()?)),
        ["integrations", "3cx", id, ..] => {
            let id = IntegrationId::from_text(&percent::decode(id)?);
            Some(threecx::find_integration(tx, &id, scope).ok()?.account_id)
        }
        _ => of_instance(query.some("instance")?),
    }
    .filter(|account| scope.sees(*account))
}
