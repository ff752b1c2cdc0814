//! People on the other side: contacts and the identities by which they are known, and conversations with them.
//!
//! A contact belongs to an account. Its phone is not its key: people hide their numbers, change them, and are known by
//! a hidden id first and by a number later (`identify.rs`, `merge.rs`). Whatever hangs on a person (suppression, the
//! conversation window, "never written to") hangs on the contact, so that every spelling and every identity is hit.
//!
//! It knows nothing of limits, HTTP or providers.

mod announce;
mod chat;
mod contact;
mod heard;
mod identify;
mod import;
mod lists;
mod merge;
mod search;

pub use announce::announce;
pub use chat::{
    Conversation, InConversation, TALKED_WITH, WINDOW, WhoWrote, find_conversation, is_held, is_window_open,
    note_holder, note_message, window_opened_at,
};
pub use contact::{
    Contact, Identity, IdentityKind, NOBODY, add, add_written_to, address_of, find, find_by_id, find_name, find_or_add,
    find_phone, note_inbound, note_name, note_outbound, retire, revive,
};
pub use heard::{HeardMessage, heard_statement, list_heard};
pub use identify::{Identified, identify};
pub use import::{ImportReport, import};
pub use lists::{
    ListedContact, ListedConversation, contacts_statement, conversations_statement, list_contacts, list_conversations,
};
pub use search::{PeopleSearch, Whose};
