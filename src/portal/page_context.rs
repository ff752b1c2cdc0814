//! One visit to a page: who, in which language, with what they sent. [`enter`] is the one door: it judges the session,
//! the role and where a form came from before a page's own code runs.
//!
//! Who may see what stands in the table of routes (`app::routes::ROUTES`). A page asks for its rows with
//! [`PageContext::scope`] or [`PageContext::account`], so that another account's row is answered like one that does not
//! exist.

use super::{
    banner::Banner,
    chat,
    navigation::unread_text,
    once,
    page_error::PageError,
    page_facts::{PageFacts, PageWish},
};
use crate::{
    accounts::{Account, Role, Scope, Session},
    connectors::outgoing::MediaKind,
    dialects::AppState,
    gateway::Gateway,
    model::{clock::Time, ids::AccountId, plan::Zone, why::Why},
    store::{StoreError, Tx},
    web::{
        Incoming, Origin,
        body::{self, Body},
        problem,
    },
};
use crate::{
    texts::locale::{Lang, Locale},
    web::{
        cookie,
        form::{self, Fields, Upload},
    },
};
use ::http::Method;
use askama::Template;
use std::{future::Future, net::IpAddr, ops::Deref, pin::Pin, time::Duration};
use tokio::sync::OwnedSemaphorePermit;
use warp::reply::Response;

/// Largest form, in bytes; imports are larger than anything typed.
const FORM_MAX: usize = 8 * 1024 * 1024;
/// The time of a session's last use is written this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

pub struct PageContext {
    /// Who is logged in.
    pub who: Option<Session>,
    /// Their language and zone; its functions are the visit's too.
    pub locale: Locale,
    /// `light`, `dark` or empty for what the system prefers.
    pub theme: &'static str,
    pub path: String,
    /// The page that a form stood on, as the browser says; empty: it does not.
    pub came_from: String,
    /// What stood for `{…}` in the path.
    pub segments: Vec<String>,
    pub query: Fields,
    /// The form, of a POST.
    pub form: Fields,
    /// A file that came with it.
    pub upload: Option<Upload>,
    /// Held as long as a large file is.
    room: Option<OwnedSemaphorePermit>,
    /// What needs a hand.
    pub banners: Vec<Banner>,
    /// Chats that wait to be read, as it is said; empty: none.
    pub unread: String,
    /// All accounts, for an admin to choose from.
    pub accounts: Vec<(AccountId, String)>,
    pub address: IpAddr,
    /// By which browser, as it says.
    pub user_agent: String,
    /// Over TLS.
    pub is_https: bool,
    /// The session's cookie.
    pub token: Option<String>,
    /// What the browser keeps of an earlier login.
    pub device: String,
    /// For the log.
    pub request_id: String,
    /// Shown where a text says "contact support".
    pub support: String,
    /// Whether anybody may register.
    pub may_register: bool,
    /// This gateway's address, for samples.
    pub base_url: String,
    chosen: Option<AccountId>,
    account: Option<Account>,
}

impl Deref for PageContext {
    type Target = Locale;
    fn deref(&self) -> &Locale {
        &self.locale
    }
}

/// A page's own code.
pub type Page =
    for<'a> fn(&'a AppState, &'a PageContext) -> Pin<Box<dyn Future<Output = Result<Response, PageError>> + Send + 'a>>;

/// Runs a page's code for a request that may see it, and answers for it otherwise. `least`: the role that it takes; none:
/// everybody may see it.
pub async fn enter(state: &AppState, incoming: Incoming, least: Option<Role>, page: Page) -> Response {
    let method = incoming.method.clone();
    // What programs post below `/integrations/` is no form: where nothing is, they are told so in their own terms.
    if method == Method::POST && incoming.path.starts_with("/integrations/") && !incoming.wants_html() {
        return problem::unmatched(&[]);
    }
    let origin = Origin::of(&incoming, state);
    let v = match begin(state, incoming).await {
        Ok(begun) => begun,
        Err(response) => return response,
    };
    let judged = if method == Method::POST { judge_form(&v, origin) } else { Ok(()) };
    let answer = match judged.and_then(|()| judge_role(&v, least)) {
        Ok(()) => once::run(state, &v, page).await,
        Err(e) => Err(e),
    };
    answer.unwrap_or_else(|e| e.page(&v))
}

/// Somebody who is logged in and only listens.
pub struct Subscriber {
    pub(super) who: Session,
    /// The session's cookie.
    pub(super) token: String,
    /// Whose rows are shown.
    pub(super) scope: Scope,
    /// In which language.
    pub(super) lang: Lang,
    /// In which zone.
    pub(super) zone: Zone,
}

/// Who listens; none: nobody is logged in, or nothing is theirs.
pub async fn subscriber(gateway: &Gateway, incoming: &Incoming) -> Option<Subscriber> {
    let token = cookie::session(incoming, incoming.is_https(gateway))?;
    let facts = read(gateway, incoming, &token, PageFacts::load_quietly).await;
    let zone = facts.zone();
    let who = facts.who?;
    let lang = language(gateway, incoming, Some(&who));
    let scope = who.scope(facts.chosen)?;
    Some(Subscriber { who, token, scope, lang, zone })
}

type Load = fn(&Tx<'_>, &str, &PageWish, Time) -> Result<PageFacts, StoreError>;

/// What is known of who asks. While the database does not answer, that is nothing, and nobody is anybody.
async fn read(gateway: &Gateway, incoming: &Incoming, token: &str, load: Load) -> PageFacts {
    let wish = PageWish::of(incoming);
    let (token, now) = (token.to_owned(), gateway.clock.now());
    let facts = gateway.store.read(move |tx| load(tx, &token, &wish, now)).await;
    facts.unwrap_or_default()
}

async fn begin(gateway: &Gateway, incoming: Incoming) -> Result<PageContext, Response> {
    let is_https = incoming.is_https(gateway);
    let address = incoming.client_address(gateway);
    let token = cookie::session(&incoming, is_https);
    let facts = match &token {
        Some(token) => read(gateway, &incoming, token, PageFacts::load).await,
        None => PageFacts::default(),
    };
    let now = gateway.clock.now();
    if let (Some(who), Some(token)) = (&facts.who, &token)
        && !now.is_within(TOUCH_EVERY, who.seen_at)
    {
        // A page is shown even while nothing can be written.
        let _ = gateway.accounts.touch_session(token).await;
    }
    let lang = language(gateway, &incoming, facts.who.as_ref());
    let zone = facts.zone();
    let device = cookie::device(&incoming, is_https);
    let length = incoming.header("content-length").and_then(|text| text.parse().ok());
    let content_type = incoming.header("content-type").unwrap_or_default().to_owned();
    let came_from = incoming.came_from().unwrap_or_default().to_owned();
    let PageFacts { who, chosen, account, accounts, banners, unread } = facts;
    let locale = Locale::new(lang, zone, now);
    let mut v = PageContext {
        who,
        unread: unread_text(&locale, unread),
        locale,
        theme: cookie::theme(&incoming),
        query: Fields::parse(&incoming.query),
        form: Fields::default(),
        upload: None,
        room: None,
        banners,
        accounts,
        address,
        user_agent: incoming.header("user-agent").unwrap_or_default().to_owned(),
        is_https,
        token,
        device,
        support: gateway.support_contact.clone(),
        may_register: gateway.registration == "open",
        base_url: gateway.public_url.clone(),
        chosen,
        account,
        came_from,
        path: incoming.path,
        segments: incoming.segments,
        request_id: incoming.request_id,
    };
    if incoming.method == Method::POST {
        let most = match form_max(gateway, &mut v, length) {
            Ok(most) => most,
            Err(e) => return Err(e.page(&v)),
        };
        if read_form(&mut v, incoming.body, &content_type, most).await.is_none() {
            return Err(PageError::Invalid(v.t("common.form_unread").to_owned()).page(&v));
        }
    }
    Ok(v)
}

/// Reads a form of at most `most` bytes; none where it is larger, breaks off, or is no form.
async fn read_form(v: &mut PageContext, content: Body, kind: &str, most: usize) -> Option<()> {
    if kind.starts_with("multipart/form-data") {
        (v.form, v.upload) = form::multipart(content, kind, most).await.ok()?;
    } else {
        let bytes = body::read(content, most).await.ok()?;
        v.form = Fields::parse(&String::from_utf8_lossy(&bytes));
    }
    Some(())
}

/// How large this visit's form may be. A file for a chat may be larger than all other forms, for those who may send one,
/// and as long as there is room.
fn form_max(gateway: &Gateway, v: &mut PageContext, length: Option<usize>) -> Result<usize, PageError> {
    let is_message = v.path.starts_with("/chat/") && v.path.ends_with("/send");
    if !is_message || !v.may_change() || length.is_none_or(|length| length <= FORM_MAX) {
        return Ok(FORM_MAX);
    }
    v.room = gateway.media.shelf().room();
    match v.room {
        Some(_) => Ok(chat::attach::most(gateway, MediaKind::Document) + FORM_MAX),
        None => Err(PageError::Invalid(v.t("chat.no_room").to_owned())),
    }
}

/// A form of ours comes from a page of ours. Where nothing says it, the form's token does; and somebody without a session
/// has nothing that another site could use.
fn judge_form(v: &PageContext, origin: Origin) -> Result<(), PageError> {
    let is_ours = match origin {
        Origin::Own => true,
        Origin::Foreign => false,
        Origin::Unsaid => v.token.is_none() || (v.who.is_some() && v.form.text("csrf") == v.csrf()),
    };
    if is_ours { Ok(()) } else { Err(PageError::Elsewhere) }
}

fn judge_role(v: &PageContext, least: Option<Role>) -> Result<(), PageError> {
    match (least, &v.who) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(PageError::LogIn),
        (Some(least), Some(who)) if rank(who.role) >= rank(least) => Ok(()),
        (Some(_), Some(_)) => Err(PageError::Forbidden),
    }
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::Viewer => 0,
        Role::Owner => 1,
        Role::Admin => 2,
    }
}

fn language(gateway: &Gateway, incoming: &Incoming, who: Option<&Session>) -> Lang {
    let asked = Fields::parse(&incoming.query);
    Lang::parse(asked.text("lang"))
        .or_else(|| cookie::find(incoming, cookie::LANGUAGE).and_then(Lang::parse))
        .or_else(|| who.and_then(|w| w.language.as_deref()).and_then(Lang::parse))
        .or_else(|| incoming.header("accept-language").and_then(Lang::accepted))
        .or_else(|| Lang::parse(gateway.language))
        .unwrap_or(Lang::En)
}

impl PageContext {
    /// Why something cannot be taken, in the visitor's language; who does not run the machine hears nothing of its inside.
    pub fn why(&self, why: &Why) -> String {
        match &self.who {
            Some(who) if who.role == Role::Admin => self.locale.why(why),
            _ => self.locale.why(&why.for_customers()),
        }
    }

    /// Whose rows are shown.
    ///
    /// # Errors
    /// Nothing is theirs: they are no admin, and have no account.
    pub fn scope(&self) -> Result<Scope, PageError> {
        self.who.as_ref().and_then(|who| who.scope(self.chosen)).ok_or(PageError::ChooseAccount)
    }

    /// Whether rows of all accounts are shown: an admin has chosen none.
    pub fn sees_everybody(&self) -> bool {
        matches!(self.scope(), Ok(Scope::All(_)))
    }

    /// Everybody's rows, for the pages of those who run the appliance.
    ///
    /// # Errors
    /// They are no admin.
    pub fn everybody(&self) -> Result<Scope, PageError> {
        self.who.as_ref().and_then(Session::everybody).ok_or(PageError::NotFound)
    }

    /// Whether this account is the one that an admin looks at.
    pub fn is_chosen(&self, id: &AccountId) -> bool {
        self.chosen.as_ref() == Some(id)
    }

    /// The one account that a page is about.
    ///
    /// # Errors
    /// An admin has chosen none.
    pub fn account(&self) -> Result<AccountId, PageError> {
        self.chosen.ok_or(PageError::ChooseAccount)
    }

    /// The same with its plan, zone and limits, as they were when the request came.
    pub fn account_facts(&self) -> Option<&Account> {
        self.account.as_ref().filter(|account| Some(account.id) == self.chosen)
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// Nobody.
    pub fn session(&self) -> Result<&Session, PageError> {
        self.who.as_ref().ok_or(PageError::LogIn)
    }

    /// Their name for the audit.
    pub fn actor(&self) -> &str {
        self.who.as_ref().map_or("nobody", |w| w.email.as_str())
    }

    /// Whether somebody is logged in.
    pub const fn is_in(&self) -> bool {
        self.who.is_some()
    }

    /// Whether they run the appliance.
    pub fn is_admin(&self) -> bool {
        self.who.as_ref().is_some_and(|w| w.role == Role::Admin)
    }

    /// Whether they may change things.
    pub fn may_change(&self) -> bool {
        self.who.as_ref().is_some_and(|w| w.role != Role::Viewer)
    }

    /// The first segment of the path that stood for `{…}`.
    pub fn segment(&self) -> &str {
        self.segments.first().map(String::as_str).unwrap_or_default()
    }

    /// Where one is, with what is asked of the page: for coming back after a login or another language.
    pub fn here(&self) -> String {
        let asked = self.query.with("done", "");
        if asked.is_empty() { self.path.clone() } else { format!("{}?{asked}", self.path) }
    }

    /// Whether a link of the frame leads to where one is.
    pub fn is_at(&self, path: &str) -> bool {
        self.path == path || self.path.starts_with(&format!("{path}/"))
    }

    /// The text for `?done=…` after something was done, if it is one of ours; `n=…` is how much of it.
    pub fn done(&self) -> Option<String> {
        let name = self.query.some("done")?;
        let known = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let text = known.then(|| self.word("done", name)).filter(|text| text != name)?;
        Some(self.fill_text(&text, &[("n", &self.number(self.query.parsed::<u64>("n").unwrap_or_default()))]))
    }

    /// A template as a page.
    pub fn page(&self, template: &impl Template) -> Response {
        super::page(template, ::http::StatusCode::OK)
    }

    /// The same with another status, such as 422 for a form that is to be corrected.
    pub fn page_with(&self, template: &impl Template, status: ::http::StatusCode) -> Response {
        super::page(template, status)
    }
}
