//! What happened is told: to endpoints, to open pages, by mail.

mod digests;
mod live;
mod webhooks;
