//! One request on its way through the guard: who asks, for what, by which rules, when. Every step of the first
//! transaction is a question about it.

use super::{
    request::{Request, Sender},
    rules::Rules,
    shared::SendingContext,
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, LogId, MessageId},
    },
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::sync::Arc;

/// A request that was handed in. Cheap to clone, so that each transaction may hold it.
#[derive(Clone)]
pub(super) struct Submission {
    pub(super) shared: Arc<SendingContext>,
    sent_in: Arc<(Sender, Request)>,
}

/// The same while a transaction looks at it: one moment and one set of rules for all that is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) shared: &'a SendingContext,
    pub(super) rules: &'a Rules,
    pub(super) sender: &'a Sender,
    pub(super) request: &'a Request,
    pub(super) now: Time,
}

impl Submission {
    pub(super) fn new(shared: Arc<SendingContext>, sender: Sender, request: Request) -> Self {
        Self { shared, sent_in: Arc::new((sender, request)) }
    }

    pub(super) fn account(&self) -> AccountId {
        self.sent_in.0.account
    }

    pub(super) fn request(&self) -> &Request {
        &self.sent_in.1
    }

    /// Looks at it now.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Asked<'_>) -> T) -> T {
        let Self { shared, sent_in } = self;
        let (sender, request) = &**sent_in;
        question(&Asked { shared, rules: &shared.rules.load(), sender, request, now: shared.clock.now() })
    }
}

impl Asked<'_> {
    /// The row of the message, where it has been waiting: only what the schedule hands in has.
    pub(super) fn waited(&self, tx: &Tx<'_>) -> Result<Option<LogId>, StoreError> {
        let Some(message_id) = &self.request.message_id else { return Ok(None) };
        let sql = "SELECT id FROM messages WHERE message_id = ?1 AND status = 'accepted' AND quota = 'none'";
        tx.find(sql, params![message_id], |r| r.get(0))
    }

    /// The id that the caller chose for the message, else a new one.
    pub(super) fn message_id(&self) -> MessageId {
        self.request.message_id.clone().unwrap_or_else(|| MessageId::new(self.now, &*self.shared.random))
    }
}
