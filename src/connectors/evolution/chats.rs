//! Chats, as the server names them: which one a person's is, who has one, and what was read in it.

use super::{
    EvolutionInner,
    client::EvolutionError,
    reading::{self, text},
};
use crate::{
    connectors::{
        ActionError, Address, EventKind, NotRecorded,
        inbound_event::{RemoteParty, Whom},
    },
    model::phone::Phone,
};
use http::Method;
use serde_json::{Value, json};

/// Numbers that are asked for at once.
const NUMBERS_MAX: usize = 50;

impl EvolutionInner {
    /// The chat that the server would send to; none for a number without WhatsApp. It changes the digits of some
    /// countries' numbers, so that only it can tell.
    pub(super) async fn chat_of(&self, to: &str) -> Result<Option<String>, EvolutionError> {
        let Some(phone) = Phone::known(to) else { return Ok(Some(to.to_owned())) };
        if self.plan().over_meta {
            // There it cannot be asked, and sends to the digits as they are.
            return Ok(Some(format!("{}@s.whatsapp.net", phone.digits())));
        }
        let rows = self.numbers(std::slice::from_ref(&phone)).await?;
        Ok(rows.into_iter().find(|row| row["exists"] == true).and_then(|row| text(&row["jid"])))
    }

    pub(super) async fn mark_read(&self, chat: &Address, messages: &[String]) -> Result<(), ActionError> {
        let said = |trouble: EvolutionError| ActionError(trouble.text());
        let chat = self.chat_of(&chat.to_string()).await.map_err(said)?;
        let chat = chat.ok_or_else(|| ActionError("the number has no WhatsApp".to_owned()))?;
        let read: Vec<Value> =
            messages.iter().map(|id| json!({"remoteJid": chat, "fromMe": false, "id": id})).collect();
        let body = json!({"readMessages": read});
        self.client.ask(Method::POST, "/chat/markMessageAsRead", "", Some(&body)).await.map(drop).map_err(said)
    }

    pub(super) async fn check_numbers(&self, phones: &[Phone]) -> Result<Vec<bool>, ActionError> {
        if phones.len() > NUMBERS_MAX {
            return Err(ActionError(format!("at most {NUMBERS_MAX} numbers are asked for at once")));
        }
        let rows = self.numbers(phones).await.map_err(|trouble| ActionError(trouble.text()))?;
        // The answers come in an order of their own.
        let exists = |phone: &Phone| rows.iter().any(|row| is_about(row, phone) && row["exists"] == true);
        Ok(phones.iter().map(exists).collect())
    }

    async fn numbers(&self, phones: &[Phone]) -> Result<Vec<Value>, EvolutionError> {
        let digits: Vec<&str> = phones.iter().map(Phone::digits).collect();
        let body = json!({"numbers": digits});
        let answer = self.client.ask(Method::POST, "/chat/whatsappNumbers", "", Some(&body)).await?;
        let rows = answer.as_array().cloned().unwrap_or_default();
        for phone in phones {
            if let Some(row) = rows.iter().find(|row| row["exists"] == true && is_about(row, phone)) {
                self.learn(phone, row).await;
            }
        }
        Ok(rows)
    }

    /// A receipt of ours names the chat of its message, and with it the hidden id of whoever it went to. It is asked for
    /// once a message: the server says the same with each of its receipts.
    pub(super) async fn learn_recipient(&self, id: &str, data: &Value) -> Result<(), NotRecorded> {
        let mut names = RemoteParty::default();
        let jids = [data, &data["key"]].into_iter().flat_map(|at| [&at["remoteJid"], &at["remoteJidAlt"]]);
        jids.filter_map(text).for_each(|jid| reading::name(&mut names, &jid));
        if names.lid.is_none() || self.keys().was_named(id) {
            return Ok(());
        }
        let whom = Whom::Recipient { provider_message_id: id.to_owned(), message_id: None };
        self.line.tell(self.clock.now(), EventKind::Named { whom, names }).await?;
        self.keys().note_named(id);
        Ok(())
    }

    /// The server names the chat of a number, and the hidden id beside it. What cannot be recorded now is told again
    /// with the next message.
    async fn learn(&self, phone: &Phone, row: &Value) {
        let mut names = RemoteParty::default();
        [&row["jid"], &row["lid"]].into_iter().filter_map(text).for_each(|jid| reading::name(&mut names, &jid));
        if names != RemoteParty::default() {
            let whom = Whom::Address(Address::Phone(phone.clone()));
            let _ = self.line.tell(self.clock.now(), EventKind::Named { whom, names }).await;
        }
    }
}

/// Whether a row answers for this number, as it was asked.
fn is_about(row: &Value, phone: &Phone) -> bool {
    row["number"].as_str().is_some_and(|n| n.trim_start_matches('+') == phone.digits())
}
