//! What programs ask for: every documented refusal, the lists, and the OpenAPI document.

mod errors;
mod lists;
mod openapi;
mod schema;
mod upload;
