//! What every message of the sender shares while it is under way.

use super::{
    key_uses::KeyUses,
    pace::Pace,
    policies::Policies,
    policy::content::Score,
    receipts::AckWaiters,
    request::{PurposeField, Request},
    rules::Rules,
    waiting_room::WaitingRoom,
};
use crate::{
    connectors::{Registry, Wire},
    model::{clock::Clock, ids::AccountId, purpose::Purpose, random::Random},
    people::{media::MediaStore, suppression::Erased},
    sending::refusal_dedup::Repeats,
    store::{Store, WriteTx},
};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What a running message needs.
pub(super) struct SendingContext {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) registry: Registry,
    pub(super) wire: Wire,
    pub(super) rules: ArcSwap<Rules>,
    /// What the configuration says, before anything was tuned.
    pub(super) configured: Rules,
    /// By account.
    pub(super) policies: ArcSwap<Policies>,
    /// The admin's own files, beside the built-in ones: name and text.
    pub(super) content_files: Vec<(String, String)>,
    pub(super) pace: Pace,
    pub(super) key_uses: KeyUses,
    pub(super) repeats: Repeats,
    pub(super) waiting: AckWaiters,
    pub(super) room: WaitingRoom,
    pub(super) shelf: MediaStore,
    pub(super) erased: Erased,
}

impl SendingContext {
    /// What the content policy says about the text of an account's request.
    pub(super) fn score(&self, account: AccountId, request: &Request) -> Score {
        let purpose = match &request.purpose {
            PurposeField::Allowed(purpose) => *purpose,
            // Refused by the gate "purpose"; scored all the same, for the log.
            _ => Purpose::Transactional,
        };
        self.policies.load().of(Some(account)).score(purpose, &request.draft.text())
    }

    /// Begins what is written together with other messages: where it was undone and runs again, what was counted meanwhile
    /// is counted from the log.
    pub(super) fn begin(&self, tx: &WriteTx<'_>) {
        if tx.runs_again() {
            self.pace.recount();
        }
    }
}
