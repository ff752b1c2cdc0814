//! Who is not to be written to: opt-outs by the people themselves, and blocks by hand.
//!
//! Rules (contract: "Suppression and opt-out"): a suppression hangs on the contact and holds for the whole account,
//! whatever the purpose; START lifts what the contact did themself, never a block by hand; a lifted row stays for proof.
//! At most one of each source is in force for a contact.
//!
//! It knows contacts by their number only, and nothing of messages or HTTP.

mod erased;
mod export;
pub mod phrases;
mod row;

pub use erased::Erased;
pub use export::{PastSuppression, export, history};
pub use row::{NewSuppression, Suppression, SuppressionSource, active, add, lift, list, newest, newest_people};
