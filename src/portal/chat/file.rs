//! `GET /chat/{instance}/file/{message_id}`: a line's file, for whoever is logged in and may see its instance.

use crate::{
    api::media as give,
    gateway::Gateway,
    model::{code::Code, ids::LogId},
    people::media::{self, Of},
    portal::Subscriber,
    sending::log,
    store::{StoreError, Tx},
    web::{Incoming, problem},
};
use warp::reply::Response;

/// Answers with the file; another account's is answered like one that does not exist.
pub async fn handle(gateway: &Gateway, subscriber: Subscriber, incoming: Incoming) -> Response {
    let [instance, id] = incoming.segments.as_slice() else { return problem::code(Code::NotFound) };
    let (instance, id) = (instance.clone(), id.clone());
    let found = match gateway.store.read(move |tx| item(tx, &id)).await {
        Ok(found) => found,
        Err(e) => return problem::internal(&e, &incoming.request_id),
    };
    let is_theirs =
        |item: &media::StoredFile| item.instance.as_str() == instance && subscriber.scope.sees(item.account);
    match found.filter(is_theirs) {
        Some(item) => give::give(gateway, &incoming, item).await,
        None => problem::code(Code::NotFound),
    }
}

fn item(tx: &Tx<'_>, id: &str) -> Result<Option<media::StoredFile>, StoreError> {
    let of = match id.strip_prefix("inb_") {
        Some(row) => row.parse().ok().map(Of::Inbound),
        None => log::id_of(tx, id)?.map(|LogId(id)| Of::Outbound(LogId(id))),
    };
    of.map_or(Ok(None), |of| media::find_of(tx, of))
}
