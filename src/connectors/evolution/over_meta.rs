//! The server's mode WHATSAPP-BUSINESS, in which it speaks with Meta's Cloud API for an instance instead of a phone's account:
//! how it is known, and what does not hold there.
//!
//! Seen of version 2.3.7: it keeps the number of whoever writes in one place for all, so that messages that come at once,
//! and those of people whose number Meta hides, are told under somebody else's number; of a call with several messages it
//! reads the first; orders, edits, several cards and kinds that it does not know are not told at all.

use super::{
    EvolutionInner,
    reading::{self, text},
};
use crate::{
    connectors::{ActionError, EventKind, inbound_event::ProviderNews},
    model::percent,
};
use http::Method;
use serde_json::json;

/// The server's word for an instance that it reaches over Meta's API.
const OVER_META: &str = "WHATSAPP-BUSINESS";

const NO_LOGIN: &str = "the server reaches this number over Meta's API: there is no phone to log out of; \
     pause the instance, or delete it";

const WARNING: &str = "the Evolution server reaches this number over Meta's API (its mode WHATSAPP-BUSINESS). In that mode \
     version 2.3.7 tells what people write at the same moment, or with a hidden number, under somebody else's number, \
     opt-outs too, and loses some messages: reach the number by the connector cloud-api instead";

impl EvolutionInner {
    /// The instance's number, where the server tells one; notes on the way in which of its modes it reaches WhatsApp.
    pub(super) async fn own_number(&self) -> Option<String> {
        let path = format!("/instance/fetchInstances?instanceName={}", percent::encode(&self.settings.instance));
        let answer = self.client.ask_server(Method::GET, &path, None).await.ok()?;
        let one = answer.as_array().and_then(|all| all.first()).unwrap_or(&answer);
        let integration = text(&one["integration"]).or_else(|| text(&one["instance"]["integration"]));
        let is_so = integration.as_deref() == Some(OVER_META);
        let is_told = {
            let mut plan = self.plan();
            plan.over_meta = is_so;
            plan.owner_knows
        };
        if is_so && !is_told {
            self.warn().await;
        }
        reading::phone(one["ownerJid"].as_str().or_else(|| one["instance"]["owner"].as_str())?)
    }

    /// Tells the owner, once in the instance's life. What cannot be recorded now is told again with the next look.
    async fn warn(&self) {
        let news = ProviderNews {
            kind: "over_meta".to_owned(),
            raw: json!({"integration": OVER_META}).to_string(),
            notice: Some(WARNING.to_owned()),
            then: Vec::new(),
        };
        let told = self.line.tell(self.clock.now(), EventKind::News(news)).await;
        self.plan().owner_knows = told.is_ok();
    }

    /// Whether there is a phone's login that can be ended. Over Meta's API the server would close the instance, and open it
    /// again only when it is started anew.
    pub(super) fn has_login(&self) -> Result<(), ActionError> {
        if self.plan().over_meta { Err(ActionError(NO_LOGIN.to_owned())) } else { Ok(()) }
    }
}
