//! What happened is told: to endpoints, to open pages, by mail.

#[cfg(feature = "brokers")]
mod brokers;
#[cfg(not(feature = "brokers"))]
mod brokers_absent;
mod digests;
mod live;
mod webhooks;
