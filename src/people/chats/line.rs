//! A line of a chat as it is shown, and which of them are asked for.

use crate::model::{clock::Time, ids::ContactId, message::Status};

/// Lines of one page.
pub const PAGE: usize = 50;

/// A line's place: its time, then heard (0) before sent (1), then its row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// When: by the provider's clock for what was heard, by ours for what was sent.
    pub at: Time,
    /// 0 heard, 1 sent.
    pub side: u8,
    /// The row in its table.
    pub row: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChatMessage {
    /// `msg_…` or `inb_…`.
    pub id: String,
    pub key: Cursor,
    pub text: String,
    /// text, image, …
    pub kind: String,
    /// Where it is, of one that we sent.
    pub status: Option<Status>,
    /// Why it failed or was refused: the guard's code, or plain words.
    pub reason: Option<String>,
    /// The reference that its sender gave it.
    pub reference: Option<String>,
    /// By which part of the gateway it was sent; of one that did not leave through it: phone, agent.
    pub source: Option<String>,
    /// Whether it is ours: sent from here, or written on the number's own phone.
    pub is_ours: bool,
    /// Whether it was read here; ours are.
    pub is_read: bool,
    /// What it said before it was edited or taken back, earliest first.
    pub former: Vec<String>,
    /// Whether whoever wrote it took it back.
    pub is_deleted: bool,
    /// Who wrote it, in a group.
    pub writer: Option<String>,
    /// What it answers.
    pub quoted: Option<String>,
    pub file: Option<ChatFile>,
    /// What people thought of it.
    pub reactions: Vec<Reaction>,
    pub(super) provider_message_id: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) written_by: Option<ContactId>,
    /// Name and language of the template that it was.
    pub template: Option<String>,
}

impl ChatMessage {
    /// Whether its provider has an id for it, by which others can refer to it.
    pub fn is_known(&self) -> bool {
        self.provider_message_id.is_some()
    }
}

/// A line's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChatFile {
    /// image, video, audio, document or sticker.
    pub kind: String,
    /// stored, pending, failed, removed.
    pub state: String,
    /// What its bytes say that it is.
    pub media_type: Option<String>,
    pub name: Option<String>,
    /// Bytes.
    pub size: Option<i64>,
}

/// What somebody thought of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reaction {
    pub sign: String,
    /// Whose; none: this instance's own.
    pub by: Option<Reactor>,
}

/// Who thought something of a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reactor {
    pub name: Option<String>,
    /// The number, else a hidden id.
    pub address: String,
}

/// Which lines of a chat.
#[derive(Clone, Copy, Debug)]
pub struct LineWindow {
    /// Those before it; none: the last ones.
    pub before: Option<Cursor>,
    /// At most so many.
    pub most: usize,
    /// Whether with what was refused, and so never sent.
    pub refused: bool,
}

impl LineWindow {
    /// A page of whoever answers the chat.
    pub fn page(before: Option<Cursor>) -> Self {
        Self { before, most: PAGE, refused: true }
    }
}

/// Some lines, earliest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MessagePage {
    pub lines: Vec<ChatMessage>,
    /// Whether there are earlier ones.
    pub has_earlier: bool,
}
