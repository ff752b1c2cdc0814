//! What programs ask for: every documented refusal, and the OpenAPI document.

mod errors;
mod openapi;
mod schema;
