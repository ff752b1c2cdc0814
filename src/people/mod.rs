//! The people at the other end: who they are, what was said, what they must not be sent, and the files that went to and fro.

pub mod chats;
pub mod conversations;
pub mod media;
pub mod presence;
pub mod suppression;
