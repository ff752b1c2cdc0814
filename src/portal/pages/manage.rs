//! `/instances/{id}/manage`: one number. Is it connected; a test send; who is told; its settings.

use super::{
    instance_figures::{InstanceFigures, figures},
    instances::{SettingField, fields, settings},
};
use crate::{
    accounts::Account,
    connectors::{
        ConnectionStatus, Pairing, new_chats::NewChatAllowance, registry::secret_settings, setup_check::SetupFinding,
    },
    dialects::AppState,
    events::webhooks::Endpoint,
    gateway::{Gateway, inbound::NewsRow},
    instances::{Instance, InstanceError, templates::KnownTemplate},
    model::{clock::Time, ids::InstanceId, plan::Module, purpose::Purpose, qr},
    portal::{
        PageContext, PageError,
        page_error::see_other,
        template_form::{self, TemplateForm},
    },
    sending::pace::NewChats,
    store::Tx,
};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use sha2::{Digest, Sha256};
use warp::reply::Response;

/// The settings that every connector has.
const COMMON: &[&str] = &["tell_read", "reject_calls", "reject_text"];
/// The tabs, in their order; and those of who only looks.
const TABS: &[&str] = &["connection", "send", "webhook", "settings"];
const LOOKING: &[&str] = &["connection", "webhook"];

#[derive(Template)]
#[template(path = "manage.html", config = "assets/askama.toml")]
pub(super) struct Manage<'a> {
    v: &'a PageContext,
    i: Instance,
    tabs: &'static [&'static str],
    tab: &'a str,
    standing: Option<ConnectionStatus>,
    pairing: Option<Pairing>,
    /// Of a number that was linked lately.
    new_chats: Option<NewChats>,
    /// What its provider says of new chats.
    allowance: Option<NewChatAllowance>,
    position: i64,
    endpoints: Vec<Endpoint>,
    purposes: Vec<&'static str>,
    fields: Vec<SettingField>,
    hook: String,
    templates: Vec<KnownTemplate>,
    /// Those that can be sent now, as a form names them; and the one that was chosen.
    offered: Vec<String>,
    chosen: Option<TemplateForm>,
    /// What Meta's console is to send.
    hook_fields: &'static [&'static str],
    /// What its provider told of its set-up, where it was asked for this page.
    setup: Vec<SetupFinding>,
    /// What its provider told besides messages, newest first.
    news: Vec<NewsRow>,
    /// Where the Chattu dialect tells of this number; none: the account does not have it.
    chattu_url: Option<String>,
    problem: String,
    missing_entry: String,
}

impl Manage<'_> {
    /// How far a number is that was linked lately.
    fn warm_up(&self, chats: &NewChats) -> String {
        let NewChats { warm_up, .. } = chats;
        let of = [("day", warm_up.day), ("days", warm_up.days), ("left", chats.left()), ("chats", warm_up.new_chats)];
        let of = of.map(|(name, figure)| (name, self.v.number(u64::from(figure))));
        self.v.fill_all(
            "manage.warm_up_left",
            &of.each_ref().map(|(name, figure)| (*name, figure as &dyn std::fmt::Display)),
        )
    }

    /// For how long a code is still good, in whole seconds.
    fn seconds_left(&self, ends: &Time) -> u64 {
        ends.since(self.v.now).as_secs()
    }

    /// How many new chats its provider allows it, and until when none.
    fn allowed(&self, told: &NewChatAllowance) -> String {
        match (told.is_locked, told.locked_until, told.quota) {
            (true, Some(until), _) => self.v.fill("manage.new_chats_locked", "time", self.v.full(&until)),
            (true, None, _) | (false, _, None) => self.v.t("manage.new_chats_locked_open").to_owned(),
            (false, _, Some(quota)) => {
                let (left, total) = (self.v.number(quota.left()), self.v.number(quota.total));
                let left = self.v.fill_all("manage.new_chats_left", &[("left", &left), ("total", &total)]);
                let until = quota.until.map(|at| self.v.fill("manage.new_chats_until", "time", self.v.full(&at)));
                [Some(left), until].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// What is wrong with the form that was sent to this path; empty for the page's other forms.
    fn problem_of(&self, form: &str) -> &str {
        if self.v.path.ends_with(form) { &self.problem } else { "" }
    }

    /// Whether a template is the one that was chosen.
    fn is_shown(&self, id: &str) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.id == id)
    }

    /// Whether a purpose stands there chosen.
    fn is_purpose(&self, purpose: &str) -> bool {
        template_form::is_purpose(self.v, self.chosen.as_ref(), purpose)
    }

    /// Whether a secret setting has a value.
    fn is_set(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && field.is_set)
    }
}

/// The webhook fields of Meta's that mean something here; the first one is needed.
const HOOK_FIELDS: &[&str] = &[
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
    "template_correct_category_detection",
    "phone_number_quality_update",
    "phone_number_name_update",
    "business_capability_update",
    "account_update",
    "account_review_update",
    "account_alerts",
    "security",
    "calls",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "standby",
    "messaging_handovers",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
];

/// `GET /instances/{id}/manage?tab=`.
///
/// # Errors
/// No such instance, or another account's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, v.query.text("tab"), String::new()).await?))
}

/// `GET /instances/{id}/qr.svg`: the code to be scanned, for those who may link a phone.
///
/// # Errors
/// No such instance, or another account's; none waits to be scanned.
pub async fn code(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let pairing = gateway.registry.pairing(&instance.id).and_then(|p| p.qr);
    let picture = pairing.and_then(|text| qr::svg(&text)).ok_or(PageError::NotFound)?;
    let mut response = Response::new(picture.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    Ok(response)
}

/// Tells one code from the next in its picture's address; nobody reads the code from it.
pub fn mark(code: &str) -> String {
    Sha256::digest(code.as_bytes()).iter().take(4).map(|b| format!("{b:02x}")).collect()
}

/// `POST /instances/{id}/connection`: `reconnect` or `log_out`.
///
/// # Errors
/// No such instance, or another account's.
pub async fn connection(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let done = match v.form.text("do") {
        "reconnect" => gateway.registry.reconnect(&instance.id).await,
        "log_out" => gateway.registry.log_out(&instance.id).await,
        _ => return Err(PageError::NotFound),
    };
    match done {
        Ok(()) => Ok(see_other(&format!("/instances/{}/manage?done=asked", instance.id))),
        Err(e) => {
            let problem = v.fill("manage.not_done", "answer", e);
            let page = page(gateway, v, "connection", problem).await?;
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /instances/{id}/setup`: `check` asks the provider about every point of the set-up, `subscribe` has it bring what
/// happens first. The page with what it told is the answer.
///
/// # Errors
/// No such instance, or another account's.
pub async fn setup(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let done = match v.form.text("do") {
        "check" => Ok(()),
        "subscribe" => gateway.registry.subscribe(&instance.id).await,
        _ => return Err(PageError::NotFound),
    };
    let found = gateway.registry.check_setup(&instance.id).await;
    let problem = done.err().or(found.as_ref().err().cloned()).map(|e| v.fill("manage.not_done", "answer", e));
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = page(gateway, v, "connection", problem.unwrap_or_default()).await?;
    Ok(v.page_with(&Manage { setup: found.unwrap_or_default(), ..page }, status))
}

/// `POST /instances/{id}/pause`: its owner stops its sending until they resume it (`do=resume`); an admin until somebody
/// has looked, and the reason is the owner's to read.
///
/// # Errors
/// No such instance, or another account's.
pub async fn pause(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let Instance { id, .. } = own(gateway, v).await?;
    let reason = v.form.text("reason");
    let (done, word) = match (v.form.text("do"), v.is_admin()) {
        ("resume", _) => (gateway.instances.resume_own(&id, v.actor()).await, "resumed"),
        _ if reason.is_empty() => {
            let page = page(gateway, v, "connection", v.t("manage.pause_reason").to_owned()).await?;
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
        (_, true) => (gateway.instances.pause(&id, reason, v.actor()).await, "paused"),
        (_, false) => (gateway.instances.pause_own(&id, reason, v.actor()).await, "paused_own"),
    };
    match done {
        Ok(_) => Ok(see_other(&format!("/instances/{id}/manage?done={word}"))),
        Err(e) => {
            let problem = PageError::from(e).user_message(v)?;
            let page = page(gateway, v, "connection", problem).await?;
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /instances/{id}/settings`: an empty secret stays as it is.
///
/// # Errors
/// No such instance, or another account's.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let mut changes = settings(v, instance.connector);
    let secret = secret_settings(instance.connector);
    for name in fields(instance.connector).iter().filter(|name| !secret.contains(name)) {
        changes.entry((*name).to_owned()).or_default();
    }
    let common = COMMON.iter().filter(|name| v.form.has(name));
    changes.extend(common.map(|name| ((*name).to_owned(), v.form.text(name).to_owned())));
    match gateway.instances.set(&instance.id, changes, v.actor()).await {
        Ok(_) => Ok(see_other(&format!("/instances/{}/manage?tab=settings&done=saved", instance.id))),
        Err(e) => {
            let problem = PageError::from(e).user_message(v)?;
            let page = page(gateway, v, "settings", problem).await?;
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /instances/{id}/chattu`: where the Chattu dialect tells of this number; an empty address ends it.
///
/// # Errors
/// No such instance, or another account's.
pub async fn chattu(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(state, v).await?;
    let key = state.accounts.client_key(instance.account_id, &instance.id).await?;
    match state.chattu.set_webhook(&instance, v.form.text("chattu_url"), &key, v.actor()).await {
        Ok(()) => Ok(see_other(&format!("/instances/{}/manage?tab=webhook&done=saved", instance.id))),
        Err(e) => {
            let missing_entry = super::webhooks::missing_entry(&e);
            let problem = PageError::from(e).user_message(v)?;
            let page = Manage { missing_entry, ..page(state, v, "webhook", problem).await? };
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /instances/{id}/delete`: with the id typed again.
///
/// # Errors
/// No such instance, or another account's.
pub async fn delete(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    if v.form.text("id") != instance.id.as_str() {
        let page = page(gateway, v, "settings", v.t("manage.delete_type").to_owned()).await?;
        return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
    }
    gateway.instances.delete(&instance.id, v.actor()).await?;
    Ok(see_other("/instances?done=instance_gone"))
}

pub(super) async fn own(gateway: &Gateway, v: &PageContext) -> Result<Instance, PageError> {
    let instance = gateway.instances.find(&InstanceId::from_text(v.segment())).await?;
    if v.scope()?.sees(instance.account_id) { Ok(instance) } else { Err(PageError::NotFound) }
}

pub(super) async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    tab: &'a str,
    problem: String,
) -> Result<Manage<'a>, PageError> {
    let id = InstanceId::from_text(v.segment());
    let (registry, now) = (gateway.registry.clone(), gateway.clock.now());
    let read = gateway.store.read(move |tx: &Tx<'_>| {
        Ok::<_, InstanceError>((NewChats::so_far(tx, &registry, &id, now)?, figures(tx, &id)?))
    });
    let (new_chats, read) = read.await?;
    let InstanceFigures { instance: i, position, endpoints, secrets: kept, templates, chattu_url, news } = read;
    if !v.scope()?.sees(i.account_id) {
        return Err(PageError::NotFound);
    }
    let secret = secret_settings(i.connector);
    let typed = if v.path.ends_with("/settings") { problem.as_str() } else { "" };
    let field = |name: &&'static str| SettingField {
        name,
        value: v.kept(typed, name, i.settings.get(*name).map_or("", String::as_str)),
        is_secret: secret.contains(name),
        is_set: kept.iter().any(|k| k == name),
    };
    let is_theirs = |a: &Account| a.id == i.account_id && a.modules.iter().any(|m| m == Module::Chattu.as_str());
    let has_chattu = chattu_url.is_some() || v.account_facts().is_some_and(is_theirs);
    let tabs = if v.may_change() { TABS } else { LOOKING };
    let offered = template_form::offered(&templates);
    let chosen = v.form.some("template").or(v.query.some("template"));
    Ok(Manage {
        chosen: chosen.and_then(|id| TemplateForm::of(v, &offered, id)),
        offered: offered.into_iter().map(template_form::id_of).collect(),
        v,
        tabs,
        tab: if tabs.contains(&tab) { tab } else { "connection" },
        standing: gateway.registry.standing(&i.id),
        // Who scans it holds the number: not for those who only look.
        pairing: gateway.registry.pairing(&i.id).filter(|p| v.may_change() && p.expires_at > v.now),
        new_chats,
        allowance: gateway.registry.new_chats(&i.id),
        position,
        endpoints,
        purposes: Purpose::ALL.iter().map(|p| p.as_str()).collect(),
        fields: fields(i.connector).iter().map(field).collect(),
        templates,
        hook_fields: HOOK_FIELDS,
        setup: Vec::new(),
        news,
        hook: format!("{}/hooks/{}/{}", v.base_url, i.connector, i.id),
        chattu_url: has_chattu.then(|| chattu_url.unwrap_or_default()),
        i,
        problem,
        missing_entry: String::new(),
    })
}
