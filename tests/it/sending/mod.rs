//! Why it exists: a request judged, recorded, sent; now or later.

mod behaviour;
mod bulk;
mod changes;
mod counts;
pub mod crash;
mod idempotency;
mod main_path;
mod order;
pub mod pace;
mod reactions;
mod schedule;
mod waiting;
mod walks;
mod went;
