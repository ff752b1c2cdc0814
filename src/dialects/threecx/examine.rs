//! A request that somebody wants to understand before 3CX sends it: what the webhook would say to it, and why. Nothing
//! is sent, written, counted or used up.

use super::{
    Integration, IntegrationId, Payload, Presented, Threecx, ThreecxError,
    event::masked,
    facts::{self, Asking},
    handle::{event_of, sender},
    judge::{self, NextStep},
};
use crate::accounts::Scope;
use crate::store::StoreError;
use serde::Serialize;

/// What would become of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Examination {
    /// Why it would not be believed; empty: it would.
    pub not_authentic: Vec<&'static str>,
    /// The code that it would be refused with, once it is believed.
    pub refused_with: Option<&'static str>,
    /// What would be done, or why not, in plain words.
    pub explanation: String,
    /// What would be sent.
    pub text: Option<String>,
}

impl Threecx {
    /// Examines a request to the webhook or to the provider of text messages. The guard's own checks (limits, opt-outs,
    /// content) are made when something is really sent.
    ///
    /// # Errors
    /// No such integration.
    pub async fn examine(
        &self,
        id: &IntegrationId,
        scope: Scope,
        shown: &Presented<'_>,
        (body, asked): (&[u8], Payload),
    ) -> Result<Examination, ThreecxError> {
        let Integration { id, account_id, .. } = self.find(id, scope).await?;
        let mut proof = self.begin(&Presented { id: id.as_str(), ..*shown });
        proof.update(body);
        let not_authentic = self.ring.examine(proof);
        let (now, via) = (self.clock.now(), shown.via);
        let before = Asking { rate: Ok(()), impossible: self.sending.rules().impossible_phone, now };
        let judged = self.store.read(move |tx| {
            let event = event_of(&asked, via);
            let facts = facts::load(tx, &id, &sender(account_id, ""), event.as_ref(), &before)?;
            let next = judge::before_reading(&asked, &facts).and_then(|()| match &event {
                Some(event) => judge::judge(event, &facts),
                None => Ok(NextStep::Record),
            });
            Ok::<_, StoreError>(next)
        });
        let (refused_with, explanation, text) = match judged.await? {
            Err(refusal) => (Some(refusal.code.as_str()), refusal.reason, None),
            Ok(NextStep::Record) => (None, "it would be kept in the log; nothing is sent".to_owned(), None),
            Ok(NextStep::Skip(reason)) => (None, format!("nothing would be sent: {reason}"), None),
            Ok(NextStep::SayReady) => (None, "it would be told what is configured; nothing is sent".to_owned(), None),
            Ok(NextStep::Send { recipient, purpose, text, .. }) => {
                (None, format!("it would go to {} as {purpose}", masked(&recipient)), Some(text))
            }
        };
        Ok(Examination { not_authentic, refused_with, explanation, text })
    }
}
