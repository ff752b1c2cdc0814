//! What programs ask for: every documented refusal, the lists, and the OpenAPI document.

mod errors;
mod events;
pub mod lists;
mod mcp;
mod openapi;
mod schema;
mod upload;
