//! Contract 1: the guarded API. One file a route; the rules are in `sending`.

pub mod account;
pub mod lists;
pub mod message;
pub mod paging;
pub mod send_message;

use crate::{
    accounts::KeyProblem,
    model::code::Code,
    web::{Incoming, body, problem},
};
use ::http::Method;
use warp::reply::Response;

/// The refusal of a request without a key that is in force. In the contract's order a body that is no JSON comes before
/// the key.
pub fn no_key(incoming: &Incoming, problem: KeyProblem) -> Response {
    if incoming.method == Method::POST && !body::is_json(incoming.header("content-type")) {
        return problem::code(Code::UnsupportedMediaType);
    }
    problem::code(match problem {
        KeyProblem::Invalid => Code::InvalidApiKey,
        KeyProblem::Revoked => Code::RevokedApiKey,
    })
}
