//! What `message.status_updated` tells of a step.

use crate::model::message::{Retry, Status};

/// A change of a message's status; for a failure as `message.failed` tells it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct StatusStep {
    /// Where it is now.
    pub status: Status,
    /// Where it was before.
    pub previous_status: Status,
    /// Why it failed or was refused; none for any other status.
    pub reason: Option<String>,
    /// The provider's code of a failure, where it gave one.
    pub provider_code: Option<String>,
    /// Of a failure: whether the same message may go another time.
    pub retry: Option<Retry>,
}
