//! What happens is told: to customers' endpoints and brokers through the outbox, to open pages, to people by mail.
//!
//! It knows nothing of why things happen.

pub mod brokers;
pub mod live;
pub mod notice_delivery;
pub mod webhooks;
