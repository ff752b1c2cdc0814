//! What is about an earlier line of a chat: a sign on it, or taking it back; new words for one of our own, or deleting it.

use super::{
    To, own,
    send::{ChatDraft, conclude, find, refuse, submit, to_group, wrong},
    shown,
};
use crate::{
    dialects::AppState,
    model::{emoji, phone::Recipient, text},
    people::chats::{self, ChatId},
    portal::{PageContext, PageError},
    sending::request::Draft,
};
use warp::reply::Response;

/// The signs that the page offers, as phones do.
pub const OFFERED: &[&str] = &["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// `POST /chat/{instance}/{chat}/react`: `nonce`, `line`, `emoji` (empty takes back what was given before).
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn react(gateway: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let sign = v.form.text("emoji").to_owned();
    let is_sign = sign.is_empty() || emoji::is_one(&sign);
    about_line(gateway, v, |about| is_sign.then_some(Draft::Reaction { about, emoji: sign })).await
}

/// `POST /chat/{instance}/{chat}/change`: `nonce`, `line`, and its new `text`; without one it is deleted.
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn change(gateway: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let text = Some(v.form.raw("text").replace("\r\n", "\n")).filter(|text| !text::is_blank(text));
    about_line(gateway, v, |about| Some(Draft::Change { about, text })).await
}

/// Sends what is about the line that the form names.
async fn about_line(
    gateway: &AppState,
    v: &PageContext,
    draft: impl FnOnce(String) -> Option<Draft>,
) -> Result<Response, PageError> {
    let instance = own(gateway, v, v.segment()).await?;
    let chat = v.segments.get(1).cloned().unwrap_or_default();
    let To::Known(id) = find(gateway, &instance, &chat).await? else { return Err(PageError::NotFound) };
    let (of, with, line) = (instance.id.clone(), id.clone(), v.form.text("line").to_owned());
    let named = gateway.store.read(move |tx| chats::answerable(tx, &of, &with, &line)).await?;
    let draft = match (wrong(v, v.form.raw("text"), true), named.and_then(draft)) {
        (Some(problem), _) => return refuse(gateway, v, &instance, &chat, ("", problem)).await,
        (None, Some(draft)) => draft,
        (None, None) => return refuse(gateway, v, &instance, &chat, ("", v.t("chat.no_reply").to_owned())).await,
    };
    let reference = format!("{}{}", shown::OWN_REFERENCE, v.form.text("nonce"));
    let said = ChatDraft { draft, reference, reply_to: None };
    let done = match &id {
        ChatId::Person(contact) => submit(gateway, v, &instance, Recipient::Contact(*contact), said).await?,
        ChatId::Group(group) => to_group(gateway, v, &instance, group.clone(), said).await?,
    };
    conclude(gateway, v, &instance, (&chat, &To::Known(id)), done).await
}
