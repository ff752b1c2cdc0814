//! What programs ask for: every documented refusal, the lists, and the OpenAPI document.

mod errors;
mod events;
mod generators;
mod keys;
pub mod lists;
mod mcp;
mod openapi;
mod schema;
mod trouble;
mod upload;
