//! One message on its way: asked whether it can reach anybody, handed over, and waited for until WhatsApp says that it
//! has it.
//!
//! - That the library wrote it to the connection says nothing. WhatsApp's acknowledgement is `sent`, a negative one is a
//!   refusal; where the connection ends before either, nobody can tell.
//! - A word that comes after its caller gave up is told as a receipt ([`events`](super::events)).
//! - 463 means one of three things, and only asking tells them apart: this number may start no new chats for a while, or
//!   none more in this cycle, or this one person has to write first.

use super::{
    WebInner, ids,
    outgoing::{self, Quoted},
    session::names,
    words::{
        self, MAY_NOT_WRITE, NO_ANSWER, NO_SUCH_CHAT, NO_WHATSAPP, NOT_FROM_HERE, RECIPIENT_FIRST, REFUSED_MESSAGE,
        TOO_MUCH,
    },
};
use crate::{
    connectors::{
        Ack, Content, Outgoing, SendError,
        new_chats::{NewChatAllowance, NewChatBar},
        provider_text::repeated,
    },
    model::instance::InstanceState,
};
use std::{sync::Arc, time::Duration};
use whatsapp_rust::{
    ClientError, Jid, SendOptions, SignalMaintenanceError, prelude::Client, send::SendError as Refused,
    types::message::AddressingMode, wacore_binary::JidExt as _,
};

/// How long a question to WhatsApp may take.
pub(super) const ASK_WITHIN: Duration = Duration::from_secs(10);
/// What a line that is being made again gets.
const SOON: Duration = Duration::from_secs(1);
/// WhatsApp's word for "no new chat with this person".
const NEW_CHAT: &str = "463";
/// Its word for "no new chat more in this cycle".
const CAPPED: &str = "475";

/// Forgets that somebody waits, however the wait ends.
struct Waits<'a> {
    inner: &'a WebInner,
    id: &'a str,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.inner.memory().give_up(self.id);
    }
}

impl WebInner {
    pub(super) async fn send(&self, out: &Outgoing) -> Result<Ack, SendError> {
        let client = self.may_send()?;
        let to = ids::jid(&out.to)
            .ok_or_else(|| SendError::permanent("recipient", "a linked phone cannot reach this kind of hidden id"))?;
        let to = self.reachable(&client, to).await?;
        let uploaded = match &out.content {
            Content::Media { kind, file, .. } => Some(self.upload(*kind, file).await?),
            _ => None,
        };
        let quoted = out.reply_to.as_deref().map(|id| self.quoted(&client, id, &to));
        let own_name = match &out.content {
            Content::Change { text: Some(_), .. } if to.is_group() => own_name_in(&client, &to).await,
            _ => None,
        };
        let message = outgoing::message(out, uploaded, quoted, own_name.as_ref(), self.clock.now().millis())?;
        let (id, told) = self.memory().begin(&out.message_id);
        let _waits = Waits { inner: self, id: &id };
        let options = SendOptions::default().with_message_id(id.clone());
        let names = names(&client, &to).await;
        let before = self.gate.written();
        let handed = client.send_message_with_options(to, message, options).await;
        handed.map_err(|e| refused(&e, self.gate.written() == before))?;
        match told.await {
            Ok(Ok(())) => ids::acknowledged(id.clone(), names),
            Ok(Err(code)) => {
                let refused = self.nacked(&client, &code).await;
                tracing::warn!(instance = %self.instance, "a message was refused: {}", refused.reason);
                Err(refused)
            }
            Err(_) => Err(SendError::ambiguous("no_answer", NO_ANSWER)),
        }
    }

    /// The client, if anything may be handed to it now.
    fn may_send(&self) -> Result<Arc<Client>, SendError> {
        if self.line.is_stopped() {
            return Err(SendError::permanent("", "the instance is not running"));
        }
        let standing = self.line.standing();
        match (standing.state, self.client()) {
            (InstanceState::Open, Some(client)) => Ok(client),
            (InstanceState::Open | InstanceState::Connecting, _) => Err(not_now()),
            (InstanceState::Qr | InstanceState::Close, _) => {
                let why = standing.reason.unwrap_or_default();
                Err(SendError::permanent(
                    "not_open",
                    &format!("the instance is not open, it is {}: {why}", standing.state),
                ))
            }
        }
    }

    /// The recipient, if they have WhatsApp. Whoever is known by a hidden id has.
    async fn reachable(&self, client: &Arc<Client>, to: Jid) -> Result<Jid, SendError> {
        if !to.is_pn() || client.get_lid_pn_entry(&to).await.ok().flatten().is_some() {
            return Ok(to);
        }
        match self.has_whatsapp(client, std::slice::from_ref(&to)).await {
            Ok(found) if found.first() == Some(&true) => Ok(to),
            Ok(_) => {
                let unknown = SendError::permanent("not_on_whatsapp", NO_WHATSAPP);
                Err(SendError { recipient_fault: true, ..unknown })
            }
            Err(why) => Err(SendError::temporary("not_asked", &why.0, Some(SOON))),
        }
    }

    /// Who wrote the message that is answered: as it was heard, or whoever else can have written in this chat.
    fn quoted(&self, client: &Client, id: &str, chat: &Jid) -> Quoted {
        let memory = self.memory();
        let author = match (memory.theirs(id), memory.ours(id), client.pn()) {
            (Some((_, author)), ..) => Some(author),
            (None, Some(_), own) => own,
            (None, None, _) => Some(chat.clone()).filter(|chat| !chat.is_group()),
        };
        Quoted { id: id.to_owned(), author }
    }

    /// WhatsApp refused it.
    pub(super) async fn nacked(&self, client: &Client, code: &str) -> SendError {
        if !is_about_new_chats(code) {
            return SendError::permanent(code, &refusal(code));
        }
        let bar = self.ask_allowance(client).await.and_then(NewChatAllowance::bar);
        if let Some(lock) = bar.filter(|bar| bar.is_lock) {
            self.note_lock(lock).await;
        }
        match bar.filter(|_| code == NEW_CHAT) {
            Some(bar) => SendError::permanent("463_account", &bar.reason()),
            None => SendError { recipient_fault: code == NEW_CHAT, ..SendError::permanent(code, &refusal(code)) },
        }
    }
}

/// Under which name this number writes in a group: its hidden id, or its number in groups of before those.
async fn own_name_in(client: &Client, group: &Jid) -> Option<Jid> {
    let addressing = client.groups().query_info(group).await.ok()?.addressing_mode;
    let hidden = client.lid().filter(|_| addressing == AddressingMode::Lid);
    hidden.or_else(|| client.pn())
}

/// Whether a code says that no new chat may be begun; whose fault that is has to be asked for.
pub(super) fn is_about_new_chats(code: &str) -> bool {
    matches!(code, NEW_CHAT | CAPPED)
}

/// Why WhatsApp refused, as far as its codes are known.
pub(super) fn refusal(code: &str) -> String {
    match code {
        NEW_CHAT => RECIPIENT_FIRST.to_owned(),
        CAPPED => NewChatBar { is_lock: false, until: None }.reason(),
        "479" => NOT_FROM_HERE.to_owned(),
        "405" | "403" | "401" => words::with(MAY_NOT_WRITE, code),
        "404" => NO_SUCH_CHAT.to_owned(),
        "429" => TOO_MUCH.to_owned(),
        code => words::with(REFUSED_MESSAGE, &repeated(code)),
    }
}

/// The line is being made.
pub(super) fn not_now() -> SendError {
    SendError::temporary("not_connected", "the instance is connecting to WhatsApp at this moment", Some(SOON))
}

/// What the library's own refusal says of the message; `nothing_left`: no frame was written meanwhile.
fn refused(e: &Refused, nothing_left: bool) -> SendError {
    let said = repeated(&e.to_string());
    match e {
        Refused::NotLoggedIn => not_now(),
        Refused::Client(ClientError::NotConnected) => not_now(),
        // Asked for before the message: who is in the chat, which keys they have.
        Refused::Iq(_) => {
            SendError::temporary("not_asked", &format!("WhatsApp did not answer before it left: {said}"), None)
        }
        Refused::InvalidRequest(_) => SendError::permanent("request", &format!("it cannot be sent: {said}")),
        // The library writes the state of the session before the message.
        Refused::Internal(e) if e.chain().any(|cause| cause.is::<SignalMaintenanceError>()) => {
            SendError::temporary("not_kept", &format!("its keys cannot be written, so it did not leave: {said}"), None)
        }
        _ if nothing_left => SendError::temporary("not_left", &format!("it did not leave: {said}"), None),
        _ => SendError::ambiguous("no_answer", &format!("the connection broke while it was written: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_refusal_is_only_certain_where_nothing_was_written() {
        use crate::connectors::SendErrorKind;
        let kind = |e: Refused| refused(&e, false).kind;
        assert!(matches!(kind(Refused::NotLoggedIn), SendErrorKind::Temporary { .. }));
        assert!(matches!(kind(Refused::Client(ClientError::NotConnected)), SendErrorKind::Temporary { .. }));
        assert_eq!(kind(Refused::InvalidRequest("no 966501234567".into())), SendErrorKind::Permanent);
        let broken = || whatsapp_rust::anyhow::anyhow!("broken at 966501234567@s.whatsapp.net");
        assert_eq!(kind(Refused::Internal(broken())), SendErrorKind::Ambiguous);
        assert!(!refused(&Refused::Internal(broken()), false).reason.contains("966501234567"));
        let ready = refused(&Refused::Internal(broken()), true);
        assert!(matches!(ready.kind, SendErrorKind::Temporary { .. }), "no frame was written: {ready:?}");
    }
}
