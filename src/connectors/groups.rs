//! Groups and channels, as a connector tells of them.

use crate::model::clock::Time;

/// A group or channel that an instance is in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupInfo {
    /// The provider's id, such as `120363123456789012@g.us`.
    pub id: String,
    pub name: String,
    /// What it says about itself.
    pub description: Option<String>,
    /// Where its picture is.
    pub picture_url: Option<String>,
    /// How many people are in it, this instance included; none: not told, as for channels.
    pub participants: Option<u32>,
    /// Who made it, in the provider's spelling.
    pub owner: Option<String>,
    /// When it was made.
    pub created_at: Option<Time>,
    /// One that only its owners write in, for followers to read.
    pub is_channel: bool,
    /// Whether this instance may not write in it.
    pub is_read_only: bool,
    /// Whether it was silenced on the phone.
    pub is_muted: bool,
    /// Whether it was pinned on the phone.
    pub is_pinned: bool,
}
