//! Sending from the chat page, and marking read.
//!
//! A person at the portal answers with the purpose `support`, through the guard like everybody else. The form carries a
//! word of its own for each message (`nonce`); it is the request's Idempotency-Key and reference, so that a page that
//! does not know whether a message got through may send it again.

use super::{To, attach, compose, line_html, meet, own, reading, resolve, shown, template};
use crate::{
    connectors::registry::known_reason,
    dialects::AppState,
    gateway::Gateway,
    instances::Instance,
    model::{code::Code, ids::LogId, percent::encode, phone::Recipient, purpose::Purpose, text},
    people::chats,
    portal::{PageContext, PageError, page_error::see_other},
    sending::{
        Answer, Outcome, Request, Sender, Source,
        request::{Draft, MAX_CHARS},
        schedule::{NewSchedule, ScheduleError, after_group_pause},
    },
};
use ::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use warp::{Reply, reply::Response};

/// Longest word for a message, in characters.
const NONCE_MAX: usize = 64;

/// What became of a message.
pub(super) enum SentReply {
    Answered(Box<Answer>),
    /// An earlier request with the same word is on its way.
    UnderWay,
}

/// What is to be sent.
pub(super) struct ChatDraft {
    pub(super) draft: Draft,
    pub(super) reference: String,
    /// What it answers, as the guarded sender names it.
    pub(super) reply_to: Option<String>,
}

/// `POST /chat/{instance}/{chat}/send`: `nonce`, `text`, `file`, `reply_to` (the line that it answers); or `template`
/// with a `variable` for each of its placeholders; or `compose`, a field of the guarded API, with its members.
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn send(gateway: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v, v.segment()).await?;
    let chat = v.segments.get(1).cloned().unwrap_or_default();
    let to = find(gateway, &instance, &chat).await?;
    let text = v.form.raw("text").replace("\r\n", "\n");
    let said = match read_form(gateway, v, &instance, &to, &text).await? {
        Ok(said) => said,
        Err(problem) => return refuse(gateway, v, &instance, &chat, (&text, problem)).await,
    };
    let done = match &to {
        To::Known(chats::ChatId::Group(id)) => {
            let Some(group) = gateway.chattu.group(&instance.id, id).await? else { return Err(PageError::NotFound) };
            if group.is_read_only {
                let problem = v.t("chat.read_only").to_owned();
                return refuse(gateway, v, &instance, &chat, (&text, problem)).await;
            }
            to_group(gateway, v, &instance, group.id, said).await?
        }
        To::Known(chats::ChatId::Person(contact)) => {
            submit(gateway, v, &instance, Recipient::Contact(*contact), said).await?
        }
        To::New(phone) => submit(gateway, v, &instance, Recipient::Phone(phone.clone()), said).await?,
    };
    conclude(gateway, v, &instance, (&chat, &to), done).await
}

/// What became of it, for the script or as the page to go on with.
pub(super) async fn conclude(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    (chat, to): (&str, &To),
    done: SentReply,
) -> Result<Response, PageError> {
    if let To::Known(id) = to
        && is_on_its_way(&done)
    {
        gateway.attention.read(&instance.id, id).await?;
    }
    if let SentReply::Answered(answer) = &done {
        gateway.metrics.message(answer.outcome);
    }
    if wants_json(v) {
        return Ok(as_json(&told(gateway, v, instance, done).await?, StatusCode::OK));
    }
    let to = format!("/chat?instance={}&chat={}", encode(instance.id.as_str()), encode(chat));
    match done {
        SentReply::Answered(answer) if !matches!(answer.outcome, Outcome::Sent | Outcome::Accepted) => {
            Ok(see_other(&format!("/message-logs/{}", answer.log_id)))
        }
        _ => Ok(see_other(&to)),
    }
}

/// `POST /chat/{instance}/{chat}/read`.
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn read(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v, v.segment()).await?;
    let chat = v.segments.get(1).cloned().unwrap_or_default();
    let To::Known(id) = find(gateway, &instance, &chat).await? else { return Err(PageError::NotFound) };
    gateway.attention.read(&instance.id, &id).await?;
    if wants_json(v) {
        return Ok(as_json(&json!({"done": true}), StatusCode::OK));
    }
    Ok(see_other(&format!("/chat?instance={}&chat={}", encode(instance.id.as_str()), encode(&chat))))
}

/// `POST /chat/{instance}/{chat}/typing`: whoever is logged in writes an answer. There is nothing to show for it.
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn typing(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v, v.segment()).await?;
    let chat = v.segments.get(1).cloned().unwrap_or_default();
    if let To::Known(id) = find(gateway, &instance, &chat).await? {
        gateway.attention.writing(&instance.id, &id).await?;
    }
    Ok(as_json(&json!({"done": true}), StatusCode::OK))
}

pub(super) async fn find(gateway: &Gateway, instance: &Instance, chat: &str) -> Result<To, PageError> {
    let how = reading(gateway, instance).await?;
    meet(gateway, instance, chat).await?;
    let (instance, chat) = (instance.clone(), chat.to_owned());
    gateway.store.read(move |tx| resolve(tx, &instance, &chat, how)).await?.ok_or(PageError::NotFound)
}

/// What a form says, or what is wrong with it in plain words.
async fn read_form(
    gateway: &AppState,
    v: &PageContext,
    instance: &Instance,
    to: &To,
    text: &str,
) -> Result<Result<ChatDraft, String>, PageError> {
    let (file, template) = (attach::chosen(v), v.form.some("template"));
    let composed = v.form.some("compose");
    if let Some(problem) = wrong(v, text, file.is_some() || template.is_some() || composed.is_some()) {
        return Ok(Err(problem));
    }
    let draft = match (template, file) {
        _ if composed.is_some() => compose::draft(gateway, v, instance, composed.unwrap_or_default()).await?,
        (Some(template), _) => template::draft(gateway, v, instance, template).await?,
        (None, Some(file)) => attach::draft(gateway, v, instance, file, text).await?,
        (None, None) => Ok(Draft::Text(text.to_owned())),
    };
    let draft = match draft {
        Ok(draft) => draft,
        Err(problem) => return Ok(Err(problem)),
    };
    let reply_to = match (v.form.some("reply_to"), to) {
        (None, _) => None,
        (Some(line), To::Known(chat)) => {
            let (of, chat, line) = (instance.id.clone(), chat.clone(), line.to_owned());
            let named = gateway.store.read(move |tx| chats::answerable(tx, &of, &chat, &line)).await?;
            if named.is_none() {
                return Ok(Err(v.t("chat.no_reply").to_owned()));
            }
            named
        }
        (Some(_), To::New(_)) => return Ok(Err(v.t("chat.no_reply").to_owned())),
    };
    let reference = format!("{}{}", shown::OWN_REFERENCE, v.form.text("nonce"));
    Ok(Ok(ChatDraft { draft, reference, reply_to }))
}

/// What is wrong with what was typed, in plain words.
pub(super) fn wrong(v: &PageContext, text: &str, has_more: bool) -> Option<String> {
    let nonce = v.form.text("nonce");
    let is_word = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if nonce.is_empty() || nonce.len() > NONCE_MAX || !nonce.bytes().all(is_word) {
        return Some(v.t("chat.reload").to_owned());
    }
    if text::is_blank(text) && !has_more {
        return Some(v.t("chat.empty_text").to_owned());
    }
    let is_too_long = text.chars().count() > MAX_CHARS || text.contains('\0');
    is_too_long.then(|| v.fill("chat.too_long", "n", v.number(MAX_CHARS)))
}

pub(super) async fn refuse(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    chat: &str,
    (text, problem): (&str, String),
) -> Result<Response, PageError> {
    if wants_json(v) {
        return Ok(as_json(&json!({"problem": problem}), StatusCode::UNPROCESSABLE_ENTITY));
    }
    let mut page = super::view(gateway, v, instance.id.as_str(), chat, (text, problem)).await?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

fn sender(v: &PageContext, instance: &Instance) -> Sender {
    let request_id = Some(v.request_id.clone());
    Sender { account: instance.account_id, key: None, source: Source::Portal, module: None, request_id }
}

pub(super) async fn submit(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    to: Recipient,
    said: ChatDraft,
) -> Result<SentReply, PageError> {
    let ChatDraft { draft, reference, reply_to } = said;
    let mut request = Request::text(instance.id.clone(), to, Purpose::Support, String::new());
    (request.draft, request.reply_to) = (draft, reply_to);
    (request.idempotency_key, request.reference) = (Some(reference.clone()), Some(reference));
    let answer = gateway.sending.submit(sender(v, instance), request).await?;
    let is_under_way = answer.refusal.as_ref().is_some_and(|r| r.code == Code::IdempotencyInProgress);
    Ok(if is_under_way { SentReply::UnderWay } else { SentReply::Answered(Box::new(answer)) })
}

pub(super) async fn to_group(
    gateway: &AppState,
    v: &PageContext,
    instance: &Instance,
    group: String,
    said: ChatDraft,
) -> Result<SentReply, PageError> {
    let due_at = after_group_pause(gateway.clock.now(), &*gateway.random);
    let ChatDraft { draft, reference, reply_to } = said;
    let draft = match draft {
        Draft::Text(text) if reply_to.is_none() => Draft::Text(text),
        Draft::Reaction { about, emoji } if reply_to.is_none() => Draft::Reaction { about, emoji },
        Draft::Change { about, text } => Draft::Change { about, text },
        // The queue keeps texts, signs and changes; the rest waits here, and is lost with whoever waits for the answer.
        draft => {
            gateway.clock.sleep_until(due_at).await;
            return submit(gateway, v, instance, Recipient::Group(group), ChatDraft { draft, reference, reply_to })
                .await;
        }
    };
    let new = NewSchedule {
        sender: sender(v, instance),
        account: instance.account_id,
        instance: instance.id.clone(),
        recipient: Recipient::Group(group),
        draft,
        purpose: Purpose::Support,
        reference: Some(reference),
        due_at,
        created_by: v.actor().to_owned(),
    };
    match gateway.schedules.send_after_once(new).await {
        Ok(Some(answer)) => Ok(SentReply::Answered(Box::new(answer))),
        Ok(None) | Err(ScheduleError::NotKnown) => Ok(SentReply::UnderWay),
        Err(e) => Err(e.into()),
    }
}

const fn is_on_its_way(done: &SentReply) -> bool {
    match done {
        SentReply::Answered(answer) => answer.refusal.is_none(),
        SentReply::UnderWay => true,
    }
}

/// What the page is told: the line as it stands now, and for a refusal why and what to do.
async fn told(gateway: &Gateway, v: &PageContext, instance: &Instance, done: SentReply) -> Result<Value, PageError> {
    let nonce = v.form.text("nonce");
    let SentReply::Answered(answer) = done else { return Ok(json!({"nonce": nonce, "outcome": "under_way"})) };
    let LogId(row) = answer.log_id;
    let found = gateway.store.read(move |tx| chats::sent(tx, row)).await?;
    let line = found.map(|(chat, line)| (chat, shown::line(v, &instance.id, line)));
    let refusal = answer.refusal.as_ref().map(|refusal| {
        let (code, why) = (refusal.code.as_str(), &refusal.reason);
        match known_reason(why) {
            // Says what to do, too.
            Some(_) => json!({"code": code, "text": v.reason(why)}),
            None => json!({"code": code, "text": v.word("code", code), "advice": v.word("advice", code)}),
        }
    });
    Ok(json!({
        "nonce": nonce, "outcome": answer.outcome, "refusal": refusal,
        "chat": line.as_ref().map(|(chat, _)| chat.to_string()),
        "html": line.as_ref().map(|(_, line)| line_html(v, line)),
        "story": format!("/message-logs/{row}"),
    }))
}

fn wants_json(v: &PageContext) -> bool {
    v.form.text("as") == "json"
}

fn as_json(body: &Value, status: StatusCode) -> Response {
    let mut response = warp::reply::with_status(warp::reply::json(body), status).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
