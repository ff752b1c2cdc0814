//! What the chat page shows, in one view of the database: what changes after it has a later position.

use super::{Thread, To, key_text, line_html, resolve, row_html, shown};
use crate::{
    accounts::{Account, AccountError, Scope},
    events::live::feed,
    instances::{
        self, Instance,
        templates::{self, KnownTemplate},
    },
    model::phone::{Impossible, Phone, PhoneReading, Region},
    people::chats::{self, ChatId, Cursor, Filter, LineWindow, SendHints},
    store::{StoreError, Tx},
    texts::locale::Locale,
};

/// Chats of the list; a search finds the others.
const CHATS: u32 = 100;

/// What the page is to show. `instance`: its id; empty: the first one.
pub(super) struct ChatQuery {
    pub(super) instance: String,
    pub(super) chat: String,
    pub(super) q: String,
    pub(super) before: Option<Cursor>,
    /// What becomes of a number that cannot be one.
    pub(super) impossible: Impossible,
}

pub(super) struct Loaded {
    pub(super) rows: Vec<String>,
    pub(super) open: Option<(Thread, SendHints)>,
    pub(super) position: i64,
}

/// What one read brings.
pub(super) enum View {
    /// The account has no instance.
    NoInstance,
    /// No such instance or chat, or another account's.
    Gone,
    Found(Box<Viewed>),
}

pub(super) struct Viewed {
    pub(super) instances: Vec<Instance>,
    /// Which of them is shown.
    pub(super) at: usize,
    pub(super) region: Option<Region>,
    pub(super) loaded: Loaded,
    pub(super) templates: Vec<KnownTemplate>,
}

/// All of the page in one view of the database: what changes after it has a later position.
pub(super) fn view_of(tx: &Tx<'_>, v: &Locale, scope: Scope, asked: &ChatQuery) -> Result<View, AccountError> {
    let instances = instances::list(tx, scope)?;
    let at = match asked.instance.as_str() {
        "" if instances.is_empty() => return Ok(View::NoInstance),
        "" => 0,
        id => match instances.iter().position(|i| i.id.as_str() == id) {
            Some(at) => at,
            None => return Ok(View::Gone),
        },
    };
    let region = Account::find(tx, instances[at].account_id, v.now)?.region;
    let region = region.and_then(|region| Region::parse(&region).ok());
    let Some(loaded) = load(tx, v, &instances[at], asked, region)? else { return Ok(View::Gone) };
    let templates = match loaded.open {
        Some(_) => templates::list(tx, &instances[at].id)?,
        None => Vec::new(),
    };
    Ok(View::Found(Box::new(Viewed { instances, at, region, loaded, templates })))
}

fn load(
    tx: &Tx<'_>,
    v: &Locale,
    instance: &Instance,
    asked: &ChatQuery,
    region: Option<Region>,
) -> Result<Option<Loaded>, StoreError> {
    let position = feed::newest(tx)?;
    let filter = Filter { text: asked.q.clone(), limit: CHATS };
    let rows = chats::list(tx, &instance.id, &filter)?;
    let row = |c: &chats::Chat| row_html(v, &shown::chat(v, c), &instance.id, c.id.to_string() == asked.chat);
    let rows = rows.iter().map(row).collect();
    if asked.chat.is_empty() {
        return Ok(Some(Loaded { rows, open: None, position }));
    }
    let Some(to) = resolve(tx, instance, &asked.chat, PhoneReading { region, impossible: asked.impossible })? else {
        return Ok(None);
    };
    let open = match to {
        To::Known(id) => known(tx, v, instance, &id, asked.before)?,
        To::New(phone) => Some((unknown(v, &phone), SendHints::default())),
    };
    Ok(open.map(|open| Loaded { rows, open: Some(open), position }))
}

fn known(
    tx: &Tx<'_>,
    v: &Locale,
    instance: &Instance,
    id: &ChatId,
    before: Option<Cursor>,
) -> Result<Option<(Thread, SendHints)>, StoreError> {
    let Some(chat) = chats::find(tx, &instance.id, id)? else { return Ok(None) };
    let page = chats::lines(tx, instance.account_id, &instance.id, id, LineWindow::page(before))?;
    let earlier = page.lines.first().filter(|_| page.has_earlier).map(|l| key_text(l.key));
    let mut day = String::new();
    let lines = page.lines.into_iter().map(|l| {
        let mut line = shown::line(v, &instance.id, l);
        line.begins_day = line.day != day;
        day.clone_from(&line.day);
        line_html(v, &line)
    });
    let lines = lines.collect();
    let standing = chats::standing(tx, &instance.id, id)?;
    let chat = shown::chat(v, &chat);
    let thread = Thread {
        id: chat.id.clone(),
        chat,
        lines,
        earlier,
        hints: Vec::new(),
        templates: Vec::new(),
        suppressed: None,
    };
    Ok(Some((thread, standing)))
}

/// A number that nobody has written with yet.
fn unknown(v: &Locale, phone: &Phone) -> Thread {
    let chat = chats::Chat {
        id: ChatId::Group(phone.as_str().to_owned()),
        name: None,
        address: phone.as_str().to_owned(),
        last: None,
        at: v.now,
        unread: 0,
    };
    let id = phone.as_str().to_owned();
    Thread {
        chat: shown::chat(v, &chat),
        id,
        lines: Vec::new(),
        earlier: None,
        hints: Vec::new(),
        templates: Vec::new(),
        suppressed: None,
    }
}
