//! The pause before a message to a group: people do not answer a group at once, and a number that does looks like a
//! program. Chattu's contract asks for it (`POST /api/send-group-message`), and the chat page keeps to it. Contract 1
//! does not wait: its callers are answered as soon as the guard's own pace lets the message go.

use crate::model::{clock::Time, random::Random};
use std::time::Duration;

/// Milliseconds: at least, and by how much more at most.
const PAUSE_MS: (u64, u64) = (2000, 3000);

/// When a message to a group goes out that is sent now: in two to five seconds.
pub fn after_group_pause(now: Time, random: &dyn Random) -> Time {
    now.plus(Duration::from_millis(PAUSE_MS.0 + random.u64() % (PAUSE_MS.1 + 1)))
}
