//! What programs ask for over HTTP: the guarded API, providers' calls, files, health and metrics, and the description of
//! all of it.

pub mod guarded;
pub mod health;
pub mod mcp;
pub mod media;
pub mod metrics;
pub mod openapi;
pub mod provider_hooks;
