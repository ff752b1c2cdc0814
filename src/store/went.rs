//! When a message went, for whoever counts: one that waited for its time (`send_at`, a schedule) was put in long before it
//! went, and counts for when it went.
//!
//! Two questions instead of one, each by its index: the one of the messages that went as they were put in (or after the
//! seconds that the pace made them wait), and `messages_waited` of the others.

/// The column of a message `m` that says when it went, and which messages it says it of.
pub const WENT: [(&str, &str); 2] = [
    ("created_at", "coalesce(m.sending_at, 0) <= m.created_at + 60000"),
    ("sending_at", "m.sending_at > m.created_at + 60000"),
];

/// The same as one value, for a question that is asked of few messages.
pub const WENT_AT: &str = "iif(coalesce(m.sending_at, 0) > m.created_at + 60000, m.sending_at, m.created_at)";

/// That a message went after `?2`, as a condition that finds its rows by either index.
pub const WENT_AFTER: &str = "(created_at > ?2 OR (sending_at > ?2 AND sending_at > created_at + 60000))";
