//! `/chat`: conversations of an instance, live.
//!
//! The first view is written here and works by itself: links open chats, a form sends. The script (`chat.js`) adds what
//! is live: it hears of changes from the position on that the page was made at, and puts in what the same templates
//! wrote. `send.rs` sends and marks read, with `attach.rs` for files, `compose.rs` for buttons and the like, `template.rs` for templates and `about_line.rs` for
//! signs, edits and deletions; `file.rs` gives files, `view.rs` reads what the page shows, `shown.rs` says what chats and lines look like.

pub mod about_line;
pub mod attach;
pub mod compose;
pub mod file;
pub mod send;
pub mod shown;
pub mod template;
mod view;

use super::{PageContext, PageError};
use crate::{
    gateway::Gateway,
    instances::Instance,
    model::{
        clock::Time,
        ids::{ContactId, InstanceId},
        instance::InstanceState,
        phone::{Phone, PhoneReading, Region},
        random::base62,
    },
    people::{
        chats::{self, ChatId, Cursor, SendHints},
        conversations::{self, WINDOW},
    },
    sending::request::MAX_CHARS,
    store::{StoreError, Tx},
    texts::locale::Locale,
};
use askama::Template;
use serde_json::json;
use shown::{ShownChat, ShownLine};
use view::{ChatQuery, View, Viewed, view_of};
use warp::reply::Response;

#[derive(Template)]
#[template(path = "chat.html", config = "assets/askama.toml")]
struct ChatPage<'a> {
    v: &'a PageContext,
    instances: Vec<Instance>,
    instance: &'a Instance,
    rows: Vec<String>,
    /// A number that was searched for and nobody has written with yet.
    new_to: Option<String>,
    open: Option<Thread>,
    position: i64,
    may_send: bool,
    /// Whether a message can answer another one.
    may_reply: bool,
    /// Whether signs can be put on messages.
    may_react: bool,
    /// Whether lines of our own can be edited and taken back.
    may_change: bool,
    /// Which messages with more than words can be put together here.
    composed: &'static [&'static str],
    /// Which ones are offered.
    signs: &'static [&'static str],
    /// Files that may be chosen, as JSON for the script; empty: none.
    limits: String,
    text: String,
    problem: String,
    nonce: String,
    most: usize,
}

impl ChatPage<'_> {
    /// Whether one of the messages with more than words is to be corrected.
    fn is_refused_part(&self) -> bool {
        !self.problem.is_empty() && self.v.form.some("compose").is_some()
    }

    /// Whether it is the one of this kind.
    fn is_refused(&self, kind: &str) -> bool {
        self.is_refused_part() && self.v.form.text("compose") == kind
    }

    /// What was typed into a field of the form of this kind, if it is to be corrected.
    fn again(&self, kind: &str, name: &str) -> &str {
        if self.is_refused(kind) { self.v.form.raw(name) } else { "" }
    }

    /// The same of a button, from 1 on.
    fn button(&self, kind: &str, n: &usize) -> &str {
        let typed = self.v.form.all("button").nth(n - 1).unwrap_or_default();
        if self.is_refused(kind) { typed } else { "" }
    }
}

#[derive(Template)]
#[template(path = "chat_none.html", config = "assets/askama.toml")]
struct None_<'a> {
    v: &'a PageContext,
}

/// The chat that is open.
struct Thread {
    chat: ShownChat,
    /// Its address on the page; of a number that nobody has written with yet, the number.
    id: String,
    lines: Vec<String>,
    /// For the link to earlier lines.
    earlier: Option<String>,
    hints: Vec<Hint>,
    /// What can be sent while free text cannot.
    templates: Vec<template::Offer>,
    /// Whose suppression stands against everything that one could write here.
    suppressed: Option<ContactId>,
}

/// What whoever types should know.
struct Hint {
    tone: &'static str,
    text: String,
    link: Option<(String, &'static str)>,
}

/// One line, for the page and for what comes later.
#[derive(Template)]
#[template(path = "chat_line.html", config = "assets/askama.toml")]
struct LineTemplate<'a> {
    v: &'a Locale,
    l: &'a ShownLine,
}

/// One chat of the list.
#[derive(Template)]
#[template(path = "chat_row.html", config = "assets/askama.toml")]
struct RowTemplate<'a> {
    v: &'a Locale,
    c: &'a ShownChat,
    instance: &'a InstanceId,
    is_open: bool,
}

/// A line as it stands on the page.
pub fn line_html(v: &Locale, l: &ShownLine) -> String {
    LineTemplate { v, l }.render().unwrap_or_default()
}

/// A chat as it stands in the list.
pub fn row_html(v: &Locale, c: &ShownChat, instance: &InstanceId, is_open: bool) -> String {
    RowTemplate { v, c, instance, is_open }.render().unwrap_or_default()
}

/// `GET /chat?instance=&chat=&q=&before=`.
///
/// # Errors
/// No such instance or chat, or another account's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    view(gateway, v, v.query.text("instance"), v.query.text("chat"), ("", String::new())).await
}

/// The page, with what was typed and what was wrong about it.
async fn view(
    gateway: &Gateway,
    v: &PageContext,
    instance: &str,
    chat: &str,
    (text, problem): (&str, String),
) -> Result<Response, PageError> {
    if matches!(chat.parse(), Ok(ChatId::Group(_))) {
        meet(gateway, &own(gateway, v, instance).await?, chat).await?;
    }
    let asked = ChatQuery {
        instance: instance.to_owned(),
        chat: chat.to_owned(),
        q: v.query.text("q").to_owned(),
        before: key(v.query.text("before")),
        impossible: gateway.sending.rules().impossible_phone,
    };
    let (locale, scope, is_paging) = (v.locale.clone(), v.scope()?, asked.before.is_some());
    let read = gateway.store.read(move |tx| view_of(tx, &locale, scope, &asked)).await?;
    let viewed = match read {
        View::NoInstance => return Ok(v.page(&None_ { v })),
        View::Gone => return Err(PageError::NotFound),
        View::Found(viewed) => *viewed,
    };
    let Viewed { instances, at, region, loaded, templates } = viewed;
    let instance = &instances[at];
    let how = gateway.sending.rules().reading(region);
    let new_to = Phone::parse(v.query.text("q"), how).ok().filter(|_| v.may_change());
    let new_to = new_to.map(|phone| phone.as_str().to_owned());
    let mut open = loaded.open.map(|(mut thread, standing)| {
        thread.suppressed = suppressed(&thread.id, &standing);
        thread.hints = hints(gateway, v, instance, (&standing, thread.suppressed));
        (thread, standing)
    });
    let may_write = v.may_change() && open.as_ref().is_none_or(|(thread, _)| thread.suppressed.is_none());
    if let Some((thread, standing)) = &mut open
        && may_write
        && is_window_closed(gateway, v, instance, standing)
    {
        thread.templates = template::offers(templates);
    }
    let open = open.map(|(thread, _)| thread);
    let can = gateway.registry.capabilities(&instance.id);
    // An older part of a chat is no place that hears of new lines.
    let position = if is_paging { -1 } else { loaded.position };
    Ok(v.page(&ChatPage {
        v,
        instances: instances.clone(),
        instance,
        rows: loaded.rows,
        new_to,
        may_send: v.may_change(),
        may_reply: may_write && can.is_some_and(|can| can.replies),
        may_react: may_write && can.is_some_and(|can| can.reactions),
        may_change: may_write && can.is_some_and(|can| can.changes),
        signs: about_line::OFFERED,
        composed: if may_write && can.is_some_and(|can| can.structured) { compose::OFFERED } else { &[] },
        limits: if may_write { limits(gateway, v, instance) } else { String::new() },
        open,
        position,
        // Of a message with more than words it stands in its own form again.
        text: if v.form.some("compose").is_some() { String::new() } else { text.to_owned() },
        problem,
        nonce: base62(&*gateway.random, 20),
        most: MAX_CHARS,
    }))
}

/// What files may be chosen, for the script.
fn limits(gateway: &Gateway, v: &PageContext, instance: &Instance) -> String {
    let all = attach::limits(gateway, v, instance);
    let shown: Vec<_> = all.iter().map(|l| json!({"kind": l.kind, "most": l.most, "text": l.text})).collect();
    if shown.is_empty() { String::new() } else { json!(shown).to_string() }
}

/// Whom a chat's address means.
pub(super) enum To {
    /// A chat that is there.
    Known(ChatId),
    /// A number that nobody has written with yet.
    New(Phone),
}

/// Reads a chat's address: `c12`, a group's id, or a number in any spelling. None: there is no such chat.
pub(super) fn resolve(
    tx: &Tx<'_>,
    instance: &Instance,
    text: &str,
    how: PhoneReading,
) -> Result<Option<To>, StoreError> {
    if let Ok(id) = text.parse::<ChatId>() {
        return Ok(chats::known(tx, instance.account_id, &instance.id, id)?.map(To::Known));
    }
    // Some groups' ids are digits alone, as numbers are: one that the instance knows comes first.
    if let Some(group) = chats::known(tx, instance.account_id, &instance.id, ChatId::Group(text.to_owned()))? {
        return Ok(Some(To::Known(group)));
    }
    let Ok(phone) = Phone::parse(text, how) else { return Ok(None) };
    let known = chats::with_phone(tx, instance.account_id, &phone)?;
    Ok(Some(known.map_or(To::New(phone), To::Known)))
}

/// A group or channel that nothing was heard of yet becomes a chat, if the instance is in it. Its connector is asked then.
async fn meet(gateway: &Gateway, instance: &Instance, chat: &str) -> Result<(), PageError> {
    let Ok(ChatId::Group(group)) = chat.parse::<ChatId>() else { return Ok(()) };
    let (account, id, known) = (instance.account_id, instance.id.clone(), ChatId::Group(group.clone()));
    if gateway.store.read(move |tx| chats::known(tx, account, &id, known)).await?.is_some() {
        return Ok(());
    }
    let told = gateway.registry.groups(&instance.id).await.unwrap_or_default();
    if let Some(told) = told.into_iter().find(|told| told.id == group) {
        let (id, now) = (instance.id.clone(), gateway.clock.now());
        gateway.store.write(move |tx| chats::note_group(tx, &id, &told.id, &told.name, now)).await?;
    }
    Ok(())
}

/// An instance that whoever visits may see.
pub(super) async fn own(gateway: &Gateway, v: &PageContext, id: &str) -> Result<Instance, PageError> {
    let instance = gateway.instances.find(&InstanceId::from_text(id)).await?;
    if v.scope()?.sees(instance.account_id) { Ok(instance) } else { Err(PageError::NotFound) }
}

/// How numbers are read for the instance's account.
pub(super) async fn reading(gateway: &Gateway, instance: &Instance) -> Result<PhoneReading, PageError> {
    let account = gateway.accounts.find_account(instance.account_id).await?;
    let region = account.region.and_then(|region| Region::parse(&region).ok());
    Ok(gateway.sending.rules().reading(region))
}

/// The person of a chat who is not to be written to.
fn suppressed(chat: &str, standing: &SendHints) -> Option<ContactId> {
    standing.suppressed.as_ref()?;
    match chat.parse() {
        Ok(ChatId::Person(contact)) => Some(contact),
        _ => None,
    }
}

fn hints(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    (standing, suppressed): (&SendHints, Option<ContactId>),
) -> Vec<Hint> {
    let mut all = Vec::new();
    let mut add = |tone, text, link| all.push(Hint { tone, text, link });
    let is_open = gateway.registry.standing(&instance.id).is_some_and(|s| s.state == InstanceState::Open);
    if !v.may_change() {
        add("", v.t("chat.look_only").to_owned(), None);
    }
    if standing.paused.is_some() {
        add("bad", v.t("chat.paused").to_owned(), Some(("/docs/troubleshooting".to_owned(), "chat.why")));
    } else if !is_open {
        add("bad", v.t("chat.closed").to_owned(), None);
    }
    if let Some((reason, contact)) = standing.suppressed.as_ref().zip(suppressed) {
        let text = v.fill("chat.suppressed", "reason", v.word("suppressed_reason", reason));
        add("bad", text, Some((format!("/suppressed-recipients/{contact}"), "chat.why")));
    }
    if standing.is_held {
        add("warn", v.t("chat.held").to_owned(), None);
    }
    if is_window_closed(gateway, v, instance, standing) {
        add("warn", v.t("chat.window_closed").to_owned(), Some(("/docs/responsible-messaging".to_owned(), "chat.why")));
    } else if has_window(gateway, instance)
        && let Some(at) = standing.window_opened_at
    {
        add("", v.fill("chat.window_until", "time", v.exact(&at.plus(WINDOW))), None);
    }
    all
}

fn has_window(gateway: &Gateway, instance: &Instance) -> bool {
    gateway.registry.capabilities(&instance.id).is_some_and(|can| can.window_24h)
}

/// Whether the provider takes no free text for this chat now.
fn is_window_closed(gateway: &Gateway, v: &PageContext, instance: &Instance, standing: &SendHints) -> bool {
    let is_open = conversations::is_window_open(standing.window_opened_at, v.now, WINDOW);
    has_window(gateway, instance) && !is_open
}

/// A line's place as it stands in an address.
fn key_text(key: Cursor) -> String {
    format!("{}.{}.{}", key.at.millis(), key.side, key.row)
}

fn key(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let mut next = || parts.next()?.parse::<i64>().ok();
    let (at, side, row) = (next()?, next()?, next()?);
    Some(Cursor { at: Time::from_millis(at), side: u8::try_from(side).ok()?, row })
}
