//! `GET /openapi.json`, and the Postman collection made from it: what the table serves, in the words of each contract.

use super::routes::ROUTES;
use crate::{
    api::openapi::{self, Part},
    dialects::{AppState, chattu, threecx},
    web::Incoming,
};
use serde_json::Value;
use std::sync::LazyLock;
use warp::reply::Response;

/// The interface, without the address of a gateway.
pub static INTERFACE: LazyLock<Value> = LazyLock::new(|| {
    let served: Vec<_> = ROUTES.iter().map(|route| (route.method.as_str(), route.path)).collect();
    let mut guarded = openapi::guarded::operations();
    // Both contracts share the route: a header decides.
    guarded.iter_mut().filter(|operation| operation.id == "send_message").for_each(chattu::openapi::share);
    let part = |tag, text, operations| Part { tag, text, operations };
    openapi::make(
        &served,
        vec![
            part("messages", "The guarded API: one message, one answer.", guarded),
            part("threecx", "What a 3CX telephone system calls.", threecx::openapi::operations()),
            part("chattu", "The Chattu-style dialect over the same guard.", chattu::openapi::operations()),
            part("service", "The state of the gateway.", openapi::service::operations()),
        ],
        chattu::components(),
    )
});

/// `GET /openapi.json`
pub async fn document(state: &AppState, _: Incoming) -> Response {
    openapi::answer(&openapi::at(state.interface, &state.public_url))
}

/// `GET /docs/wa-gateway.postman_collection.json`
pub async fn collection(state: &AppState, _: Incoming) -> Response {
    openapi::collection(&openapi::at(state.interface, &state.public_url))
}
