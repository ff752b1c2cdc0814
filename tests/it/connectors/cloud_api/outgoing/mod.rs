//! The connector to Meta's Cloud API, on its way out, against an API that judges by Meta's own examples.

mod billing;
mod calls;
mod chat;
mod contract;
mod direct_send;
mod failures;
mod limits;
mod messages;
mod program;
pub mod rig;
mod setup;
mod standing;
mod structured;
mod templates;
