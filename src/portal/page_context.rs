//! One visit to a page: who, in which language, with what they sent. [`enter`] is the one door: it judges the session,
//! the role and where a form came from before a page's own code runs.
//!
//! Who may see what stands in the route table (`http::ROUTES`). A page asks for its rows with [`PageContext::scope`] or
//! [`PageContext::account`], so that another account's row is answered like one that does not exist.

use super::{
    banner::{self, Banner},
    chat,
    page_error::PageError,
};
use crate::{
    accounts::{Role, Session},
    connectors::outgoing::MediaKind,
    gateway::Gateway,
    model::{ids::AccountId, plan::Zone, why::Why},
    web::{Access, Incoming, body, problem},
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
use sha2::{Digest, Sha256};
use std::{net::IpAddr, ops::Deref, time::Duration};
use tokio::sync::OwnedSemaphorePermit;
use warp::reply::Response;

/// Largest form, in bytes; imports are larger than anything typed.
const FORM_MAX: usize = 8 * 1024 * 1024;
/// The time of a session's last use is written this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// One visit.
pub struct PageContext {
    /// Who is logged in.
    pub who: Option<Session>,
    /// Their language and zone; its functions are the visit's too.
    pub locale: Locale,
    /// `light`, `dark` or empty for what the system prefers.
    pub theme: &'static str,
    /// The path.
    pub path: String,
    /// What stood for `{…}` in the path.
    pub segments: Vec<String>,
    /// The query.
    pub query: Fields,
    /// The form, of a POST.
    pub form: Fields,
    /// A file that came with it.
    pub upload: Option<Upload>,
    /// Held as long as a large file is.
    room: Option<OwnedSemaphorePermit>,
    /// What needs a hand.
    pub banners: Vec<Banner>,
    /// All accounts, for an admin to choose from.
    pub accounts: Vec<(AccountId, String)>,
    /// From where.
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
}

impl Deref for PageContext {
    type Target = Locale;
    fn deref(&self) -> &Locale {
        &self.locale
    }
}

/// Runs a page's code for a request that may see it, and answers for it otherwise.
pub async fn enter<F>(gateway: &Gateway, incoming: Incoming, access: Access, page: F) -> Response
where
    F: AsyncFnOnce(&Gateway, &PageContext) -> Result<Response, PageError>,
{
    let method = incoming.method.clone();
    // What programs post below `/integrations/` is no form: where nothing is, they are told so in their own terms.
    if method == Method::POST && incoming.path.starts_with("/integrations/") && !incoming.wants_html() {
        return problem::unmatched(&[]);
    }
    let (visit, origin) = match begin(gateway, incoming).await {
        Ok(begun) => begun,
        Err(response) => return response,
    };
    let answer = match judge(&visit, access, &method, &origin) {
        Ok(()) => page(gateway, &visit).await,
        Err(trouble) => Err(trouble),
    };
    match answer {
        Ok(response) => response,
        Err(trouble) => trouble.page(&visit),
    }
}

/// Somebody who is logged in and only listens.
pub(super) struct Subscriber {
    /// Who.
    pub(super) who: Session,
    /// The session's cookie.
    pub(super) token: String,
    /// The account whose rows are shown; none: an admin looks at all of them.
    pub(super) scope: Option<AccountId>,
    /// In which language.
    pub(super) lang: Lang,
    /// In which zone.
    pub(super) zone: Zone,
}

/// Who listens; none: nobody is logged in.
pub(super) async fn subscriber(gateway: &Gateway, incoming: &Incoming) -> Option<Subscriber> {
    let token = cookie::session(incoming, incoming.is_https(gateway))?;
    let who = gateway.accounts.session(&token).await.ok().flatten()?;
    let accounts = accounts(gateway, Some(&who)).await;
    let scope = chosen(incoming, Some(&who), &accounts);
    let zone = zone(gateway, scope.or(who.account)).await;
    let lang = language(gateway, incoming, Some(&who));
    // Nobody but admins is without an account; nothing is theirs then.
    let scope = if who.role == Role::Admin { scope } else { Some(scope.unwrap_or(AccountId(0))) };
    Some(Subscriber { who, token, scope, lang, zone })
}

/// Where a form came from, as the browser says.
struct Origin {
    same: Option<bool>,
}

async fn begin(gateway: &Gateway, incoming: Incoming) -> Result<(PageContext, Origin), Response> {
    let is_https = incoming.is_https(gateway);
    let address = incoming.client_address(gateway);
    let token = cookie::session(&incoming, is_https);
    let who = match &token {
        Some(token) => gateway.accounts.session(token).await.ok().flatten(),
        None => None,
    };
    let origin = origin(&incoming);
    let now = gateway.clock.now();
    if let (Some(who), Some(token)) = (&who, &token)
        && !now.is_within(TOUCH_EVERY, who.seen_at)
    {
        // A page is shown even while nothing can be written.
        let _ = gateway.accounts.touch_session(token).await;
    }
    let lang = language(gateway, &incoming, who.as_ref());
    let theme = cookie::theme(&incoming);
    let accounts = accounts(gateway, who.as_ref()).await;
    let chosen = chosen(&incoming, who.as_ref(), &accounts);
    let zone = zone(gateway, chosen.or(who.as_ref().and_then(|w| w.account))).await;
    let banners = banner::list(gateway, who.as_ref(), chosen).await;
    let query = Fields::parse(&incoming.query);
    let device = cookie::device(&incoming, is_https);
    let user_agent = incoming.header("user-agent").unwrap_or_default().to_owned();
    let length = incoming.header("content-length").and_then(|text| text.parse().ok());
    let content_type = incoming.header("content-type").unwrap_or_default().to_owned();
    let Incoming { method, path, segments, request_id, body: content, .. } = incoming;
    let mut visit = PageContext {
        who,
        locale: Locale::new(lang, zone, now),
        theme,
        path,
        segments,
        query,
        form: Fields::default(),
        upload: None,
        room: None,
        banners,
        accounts,
        address,
        user_agent,
        is_https,
        token: token.clone(),
        device,
        request_id,
        support: gateway.support_contact.clone(),
        may_register: gateway.registration == "open",
        base_url: gateway.public_url.clone(),
        chosen,
    };
    if method == Method::POST {
        let most = match form_max(gateway, &mut visit, length) {
            Ok(most) => most,
            Err(trouble) => return Err(trouble.page(&visit)),
        };
        let Ok(bytes) = body::read(content, most).await else {
            return Err(PageError::Invalid(visit.t("common.form_unread").to_owned()).page(&visit));
        };
        if content_type.starts_with("multipart/form-data") {
            (visit.form, visit.upload) = form::multipart(&bytes, &content_type);
        } else {
            visit.form = Fields::parse(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok((visit, origin))
}

/// How large this visit's form may be. A file for a chat may be larger than all other forms, for those who may send one,
/// and as long as there is room.
fn form_max(gateway: &Gateway, visit: &mut PageContext, length: Option<usize>) -> Result<usize, PageError> {
    let is_message = visit.path.starts_with("/chat/") && visit.path.ends_with("/send");
    if !is_message || !visit.may_change() || length.is_none_or(|length| length <= FORM_MAX) {
        return Ok(FORM_MAX);
    }
    visit.room = gateway.media.shelf().room();
    match visit.room {
        Some(_) => Ok(chat::attach::most(gateway, MediaKind::Document) + FORM_MAX),
        None => Err(PageError::Invalid(visit.t("chat.no_room").to_owned())),
    }
}

fn judge(visit: &PageContext, access: Access, method: &Method, origin: &Origin) -> Result<(), PageError> {
    if *method == Method::POST {
        let same = origin.same.unwrap_or_else(|| visit.who.is_some() && visit.form.text("csrf") == visit.csrf());
        if !same {
            return Err(PageError::Elsewhere);
        }
    }
    let least = match access {
        Access::Viewer => Role::Viewer,
        Access::Owner => Role::Owner,
        Access::Admin => Role::Admin,
        _ => return Ok(()),
    };
    match &visit.who {
        None => Err(PageError::LogIn),
        Some(who) if rank(who.role) >= rank(least) => Ok(()),
        Some(_) => Err(PageError::Forbidden),
    }
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::Viewer => 0,
        Role::Owner => 1,
        Role::Admin => 2,
    }
}

/// `Sec-Fetch-Site` where the browser sends it, else `Origin` against `Host`; neither: the form's token decides.
fn origin(incoming: &Incoming) -> Origin {
    if let Some(site) = incoming.header("sec-fetch-site") {
        return Origin { same: Some(site == "same-origin") };
    }
    let same = incoming.header("origin").map(|origin| {
        let host = incoming.header("host").unwrap_or_default();
        origin.split_once("://").is_some_and(|(_, at)| !host.is_empty() && at.eq_ignore_ascii_case(host))
    });
    Origin { same }
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

async fn accounts(gateway: &Gateway, who: Option<&Session>) -> Vec<(AccountId, String)> {
    if who.is_none_or(|w| w.role != Role::Admin) {
        return Vec::new();
    }
    let all = gateway.accounts.list_accounts().await.unwrap_or_default();
    all.into_iter().map(|a| (a.id, a.name)).collect()
}

/// The account that an admin looks at; everybody else has one.
fn chosen(incoming: &Incoming, who: Option<&Session>, all: &[(AccountId, String)]) -> Option<AccountId> {
    let who = who?;
    if who.role != Role::Admin {
        return who.account;
    }
    let asked = cookie::find(incoming, cookie::ACCOUNT);
    match asked {
        Some("all") => None,
        Some(id) => id.parse().ok().filter(|id| all.iter().any(|(known, _)| known == id)).or(who.account),
        None => who.account,
    }
}

async fn zone(gateway: &Gateway, account: Option<AccountId>) -> Zone {
    let utc = || Zone::stored("UTC".into(), None);
    match account {
        None => utc(),
        Some(id) => gateway.accounts.find_account(id).await.map_or_else(|_| utc(), |a| Zone::stored(a.timezone, None)),
    }
}

impl PageContext {
    /// Why something cannot be taken, in the visitor's language; who does not run the machine hears nothing of its inside.
    pub fn why(&self, why: &Why) -> String {
        match &self.who {
            Some(who) if who.role == Role::Admin => self.locale.why(why),
            _ => self.locale.why(&why.for_customers()),
        }
    }

    /// The account whose rows are shown; none: an admin looks at all of them.
    pub const fn scope(&self) -> Option<AccountId> {
        self.chosen
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

    /// The token that forms carry for browsers that do not say where a form comes from.
    pub fn csrf(&self) -> String {
        let token = self.token.as_deref().unwrap_or_default();
        Sha256::digest(format!("csrf:{token}")).iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    /// The hidden field of every form.
    pub fn csrf_field(&self) -> String {
        format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", self.csrf())
    }

    /// Whether a link of the frame leads to where one is.
    pub fn is_at(&self, path: &str) -> bool {
        self.path == path || self.path.starts_with(&format!("{path}/"))
    }

    /// The text for `?done=…` after something was done, if it is one of ours.
    pub fn done(&self) -> Option<String> {
        let name = self.query.some("done")?;
        let known = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        known.then(|| self.word("done", name)).filter(|text| text != name)
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
