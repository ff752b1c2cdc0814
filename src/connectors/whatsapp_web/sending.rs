//! One message on its way: asked whether it can reach anybody, handed over, and waited for until WhatsApp says that it
//! has it.
//!
//! - That the library wrote it to the connection says nothing. WhatsApp's acknowledgement is `sent`, a negative one is a
//!   refusal; where the connection ends before either, nobody can tell.
//! - A word that comes after its caller gave up is told as a receipt ([`events`](super::events)).
//! - 463 means one of two things, and only asking tells them apart: this number may start no new chats for a while, or
//!   this one person has to write first.

use super::{
    WebInner, ids,
    outgoing::{self, Quoted},
    session::names,
    wire::in_time,
};
use crate::{
    connectors::{Ack, Content, Outgoing, SendError, provider_text::repeated},
    model::{clock::Time, instance::InstanceState},
};
use std::{sync::Arc, time::Duration};
use whatsapp_rust::{
    ClientError, Jid, SendOptions, prelude::Client, send::SendError as Refused, wacore_binary::JidExt as _,
};

/// How long a question to WhatsApp may take.
pub(super) const ASK_WITHIN: Duration = Duration::from_secs(10);
/// What a line that is being made again gets.
const SOON: Duration = Duration::from_secs(1);
/// WhatsApp's word for "no new chat with this person".
const NEW_CHAT: &str = "463";

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
        let message = outgoing::message(out, uploaded, quoted, self.clock.now().millis())?;
        let (id, told) = self.memory().begin(&out.message_id);
        let _waits = Waits { inner: self, id: &id };
        let options = SendOptions::default().with_message_id(id.clone());
        let names = names(&client, &to).await;
        client.send_message_with_options(to, message, options).await.map_err(|e| refused(&e))?;
        match told.await {
            Ok(Ok(())) => ids::acknowledged(id.clone(), names),
            Ok(Err(code)) => Err(self.nacked(&client, &code).await),
            Err(_) => Err(SendError::ambiguous("no_answer", "the connection ended before WhatsApp acknowledged it")),
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
                let unknown = SendError::permanent("not_on_whatsapp", "the recipient's number has no WhatsApp");
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
    async fn nacked(&self, client: &Client, code: &str) -> SendError {
        if code != NEW_CHAT {
            return SendError::permanent(code, &refusal(code));
        }
        let lock = in_time(&*self.clock, ASK_WITHIN, client.mex().fetch_reachout_timelock()).await;
        let lock = lock.and_then(Result::ok);
        if lock.as_ref().is_none_or(|lock| lock.is_active != Some(true)) {
            let reason = "WhatsApp lets this number not begin a chat with this person; they have to write first";
            return SendError { recipient_fault: true, ..SendError::permanent(code, reason) };
        }
        let until = lock.and_then(|lock| lock.time_enforcement_ends).and_then(|text| ends(&text));
        self.note_lock(until).await;
        SendError::permanent("463_account", &lock_words(until))
    }
}

/// What an account whose new chats are locked says.
pub(super) fn lock_words(until: Option<Time>) -> String {
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    format!("WhatsApp lets this number begin no new chats{until}; answers to people who wrote still go")
}

/// The end of a lock: seconds, or a date.
fn ends(text: &str) -> Option<Time> {
    let seconds = text.parse::<i64>().ok().filter(|s| *s > 0);
    seconds.map(|s| Time::from_millis(s.saturating_mul(1000))).or_else(|| Time::parse(text).ok())
}

/// Why WhatsApp refused, as far as its codes are known.
pub(super) fn refusal(code: &str) -> String {
    match code {
        NEW_CHAT => "WhatsApp lets this number not begin this chat".to_owned(),
        "479" => "WhatsApp does not take this message from a linked device".to_owned(),
        "405" | "403" | "401" => format!("this number may not write in this chat (WhatsApp's code {code})"),
        "404" => "there is no such chat any more".to_owned(),
        "429" => "WhatsApp finds that this number sends too much".to_owned(),
        code => format!("WhatsApp refused the message with its code {}", repeated(code)),
    }
}

/// The line is being made.
pub(super) fn not_now() -> SendError {
    SendError::temporary("not_connected", "the instance is connecting to WhatsApp at this moment", Some(SOON))
}

/// What the library's own refusal says of the message.
fn refused(e: &Refused) -> SendError {
    let said = repeated(&e.to_string());
    match e {
        Refused::NotLoggedIn => not_now(),
        Refused::Client(ClientError::NotConnected) => not_now(),
        // Asked for before the message: who is in the chat, which keys they have.
        Refused::Iq(_) => {
            SendError::temporary("not_asked", &format!("WhatsApp did not answer before it left: {said}"), None)
        }
        Refused::InvalidRequest(_) => SendError::permanent("request", &format!("it cannot be sent: {said}")),
        _ => SendError::ambiguous("no_answer", &format!("the connection broke while it was written: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_lock_is_read_in_both_forms() {
        let at = Time::parse("2026-06-02T08:00:00Z").expect("a time");
        assert_eq!(ends("1780387200"), Some(at));
        assert_eq!(ends("2026-06-02T08:00:00Z"), Some(at));
        for none in ["", "0", "soon", "-5"] {
            assert_eq!(ends(none), None, "{none}");
        }
        assert!(lock_words(Some(at)).contains("until 2026-06-02T08:00:00"), "{}", lock_words(Some(at)));
        assert!(lock_words(None).contains("no new chats;"));
    }

    #[test]
    fn a_library_refusal_is_only_certain_where_nothing_was_written() {
        use crate::connectors::SendErrorKind;
        let kind = |e: Refused| refused(&e).kind;
        assert!(matches!(kind(Refused::NotLoggedIn), SendErrorKind::Temporary { .. }));
        assert!(matches!(kind(Refused::Client(ClientError::NotConnected)), SendErrorKind::Temporary { .. }));
        assert_eq!(kind(Refused::InvalidRequest("no 966501234567".into())), SendErrorKind::Permanent);
        let broken = || whatsapp_rust::anyhow::anyhow!("broken at 966501234567@s.whatsapp.net");
        assert_eq!(kind(Refused::Internal(broken())), SendErrorKind::Ambiguous);
        assert!(!refused(&Refused::Internal(broken())).reason.contains("966501234567"));
    }
}
