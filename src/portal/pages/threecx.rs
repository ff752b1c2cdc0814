//! `/integrations/3cx`: telephone systems. One is made and set up with what its page shows: addresses to paste, a line
//! for a shell, the properties for 3CX's call flow designer, templates with a preview, tests in both directions.

use crate::{
    accounts::Scope,
    dialects::{
        AppState,
        threecx::{
            self, Actor, EventType, Examination, Integration, IntegrationId, Mode, Monitored, NewIntegration, Payload,
            Presented, RequestLogEntry, Saved, Secrets, SettingsChange, ThreecxError, Via,
            snippet::{Snippets, snippets},
            template::TemplateValues,
        },
    },
    instances,
    model::{ids::InstanceId, purpose::Purpose},
    portal::{PageContext, PageError, page_error::see_other},
    store::{StoreError, Tx},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

/// The tabs of an integration, in their order; and those of who only looks.
const TABS: &[&str] = &["connect", "try", "settings", "texts", "requests"];
const LOOKING: &[&str] = &["connect", "texts", "requests"];

#[derive(Template)]
#[template(path = "threecx.html", config = "assets/askama.toml")]
struct List<'a> {
    v: &'a PageContext,
    all: Vec<Monitored>,
    instances: Vec<String>,
    problem: String,
}

#[derive(Template)]
#[template(path = "threecx_one.html", config = "assets/askama.toml")]
struct IntegrationPage<'a> {
    v: &'a PageContext,
    tabs: &'static [&'static str],
    tab: &'static str,
    i: Integration,
    secrets: Option<Secrets>,
    lines: Snippets,
    templates: Vec<Preview>,
    requests: Vec<RequestLogEntry>,
    instances: Vec<String>,
    finding: Option<Examination>,
    problem: String,
}

impl IntegrationPage<'_> {
    /// The number of the trunk; empty where none is set.
    fn trunk(&self) -> &str {
        self.i.settings.trunk_number.as_ref().map_or("", |number| number.as_str())
    }

    /// Whether a missed call is answered: calls may send, and the text for it is on.
    fn answers_missed_calls(&self) -> bool {
        let is_on = |p: &Preview| p.saved.event_type == EventType::MissedCall && p.saved.enabled;
        self.i.settings.call_events && self.templates.iter().any(is_on)
    }

    /// What is wrong with the settings, or with the template of an event; empty for the page's other forms.
    fn problem_of(&self, form: &str) -> &str {
        let sent = if self.v.path.ends_with("/templates") { self.v.form.text("event") } else { "settings" };
        if sent == form { &self.problem } else { "" }
    }
}

/// What the page says besides how things stand.
enum IntegrationNote {
    Nothing,
    Secrets(Secrets),
    Finding(Examination),
    Problem(String),
}

/// A template and what it says to somebody.
struct Preview {
    saved: Saved,
    says: String,
}

/// `GET /integrations/3cx`.
pub async fn list(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&overview(state, v, String::new()).await?))
}

/// `POST /integrations/3cx`: the secrets are on the answer, and nowhere after it.
///
/// # Errors
/// No account is chosen.
pub async fn create(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let new = NewIntegration {
        account: v.account()?,
        instance: InstanceId::from_text(v.form.text("instance")),
        change: SettingsChange {
            name: v.form.some("name").map(str::to_owned),
            destination_url: v.form.some("destination_url").map(str::to_owned),
            ..SettingsChange::default()
        },
    };
    match state.threecx.create(new, by(v)).await {
        Ok((id, secrets)) => one(state, v, &id, IntegrationNote::Secrets(secrets)).await,
        Err(e) => {
            let page = overview(state, v, PageError::from(e).user_message(v)?).await?;
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `GET /integrations/3cx/{integration_id}?tab=`.
///
/// # Errors
/// No such integration, or another account's.
pub async fn show(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    one(state, v, &id(v), IntegrationNote::Nothing).await
}

/// `POST /integrations/3cx/{integration_id}`: the settings; or `do=rotate`, `do=test`, `do=examine`, `do=on`, `do=off`,
/// `do=missed_calls` (calls may send, and the text for a missed one is on).
///
/// # Errors
/// No such integration, or another account's.
pub async fn save(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let (id, threecx) = (id(v), &state.threecx);
    let (mut tab, path) = ("connect", format!("/integrations/3cx/{id}"));
    let change = match v.form.text("do") {
        "rotate" => {
            let secrets = threecx.rotate(&id, v.scope()?, by(v)).await?;
            return one(state, v, &id, IntegrationNote::Secrets(secrets)).await;
        }
        "test" => {
            return match threecx.test_forward(&id, v.scope()?).await {
                Ok(delivery) => Ok(see_other(&format!("/webhooks/deliveries/{delivery}?done=queued"))),
                Err(e) => again(state, v, &id, e).await,
            };
        }
        "examine" => return examine(state, v, &id).await,
        "on" => SettingsChange { enabled: Some(true), ..SettingsChange::default() },
        "off" => SettingsChange { enabled: Some(false), ..SettingsChange::default() },
        "missed_calls" => {
            let text_on = (EventType::MissedCall, Some(true), None);
            if let Err(e) = threecx.save_template(&id, v.scope()?, text_on, by(v)).await {
                return again(state, v, &id, e).await;
            }
            SettingsChange { call_events: Some(true), ..SettingsChange::default() }
        }
        _ => {
            tab = "settings";
            wanted(v)
        }
    };
    match threecx.update(&id, v.scope()?, change, by(v)).await {
        Ok(_) => Ok(see_other(&format!("{path}?tab={tab}&done=saved"))),
        Err(e) => again(state, v, &id, e).await,
    }
}

/// Says what would become of a request with what the form holds. The secret is judged where one is typed in.
async fn examine(state: &AppState, v: &PageContext, id: &IntegrationId) -> Result<Response, PageError> {
    let fields = ["event_type", "to", "message_text", "message_purpose", "agent_extension", "queue"];
    let filled = fields.iter().filter_map(|name| Some(((*name).to_owned(), v.form.some(name)?.into())));
    let asked: serde_json::Map<String, serde_json::Value> = filled.collect();
    let body = serde_json::Value::Object(asked.clone()).to_string();
    let secret = v.form.some("secret");
    let shown = Presented { id: "", via: Via::Webhook, secret, timestamp: None, signature: None, address: v.address };
    match state.threecx.examine(id, v.scope()?, &shown, (body.as_bytes(), Payload::Object(asked))).await {
        Ok(mut finding) => {
            if secret.is_none() {
                finding.not_authentic.clear();
            }
            one(state, v, id, IntegrationNote::Finding(finding)).await
        }
        Err(e) => again(state, v, id, e).await,
    }
}

/// `POST /integrations/3cx/{integration_id}/templates`: one template, judged as it is saved.
///
/// # Errors
/// No such integration, or another account's.
pub async fn template(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let id = id(v);
    let event = EventType::parse(v.form.text("event")).ok_or(PageError::NotFound)?;
    let change = (event, Some(v.form.is_on("enabled")), Some(v.form.text("text").to_owned()));
    match state.threecx.save_template(&id, v.scope()?, change, by(v)).await {
        Ok(_) => Ok(see_other(&format!("/integrations/3cx/{id}?tab=texts&done=saved#text-{event}"))),
        Err(e) => again(state, v, &id, e).await,
    }
}

/// What the settings' form says. A box that is not ticked is off.
fn wanted(v: &PageContext) -> SettingsChange {
    let list = |name: &str| {
        v.form.text(name).split([',', '\n', ' ']).map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect()
    };
    SettingsChange {
        instance: v.form.some("instance").map(InstanceId::from_text),
        name: v.form.some("name").map(str::to_owned),
        enabled: None,
        inbound: Some(v.form.is_on("inbound")),
        outbound: Some(v.form.is_on("outbound")),
        call_events: Some(v.form.is_on("call_events")),
        signing: Some(v.form.is_on("signing")),
        facade_while_signing: Some(v.form.is_on("facade_while_signing")),
        strict_mode: v.is_admin().then(|| v.form.is_on("strict_mode")),
        window_hours: v.form.parsed("window_hours"),
        allowlist: Some(list("allowlist")),
        business_name: Some(v.form.text("business_name").to_owned()),
        mode: Mode::parse(v.form.text("mode")),
        destination_url: Some(v.form.text("destination_url").to_owned()),
        trunk_number: Some(v.form.text("trunk_number").to_owned()),
    }
}

async fn again(state: &AppState, v: &PageContext, id: &IntegrationId, e: ThreecxError) -> Result<Response, PageError> {
    let mut response = one(state, v, id, IntegrationNote::Problem(PageError::from(e).user_message(v)?)).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn overview<'a>(state: &AppState, v: &'a PageContext, problem: String) -> Result<List<'a>, PageError> {
    let scope = v.scope()?;
    let read =
        state.store.read(move |tx| Ok::<_, StoreError>((threecx::monitored(tx, scope)?, instance_ids(tx, scope)?)));
    let (all, instances) = read.await?;
    Ok(List { v, all: state.threecx.with_rejections(all), instances, problem })
}

async fn one(
    state: &AppState,
    v: &PageContext,
    id: &IntegrationId,
    shown: IntegrationNote,
) -> Result<Response, PageError> {
    let (mut secrets, mut finding, mut problem) = (None, None, String::new());
    match shown {
        IntegrationNote::Nothing => {}
        IntegrationNote::Secrets(made) => secrets = Some(made),
        IntegrationNote::Finding(found) => finding = Some(found),
        IntegrationNote::Problem(text) => problem = text,
    }
    let (id, scope) = (id.clone(), v.scope()?);
    let read = state.store.read(move |tx| {
        let integration = threecx::find_integration(tx, &id, scope)?;
        let (saved, requests) = (threecx::list_templates(tx, &id)?, threecx::list_requests(tx, &id)?);
        Ok::<_, ThreecxError>((integration, saved, requests, instance_ids(tx, scope)?))
    });
    let (integration, saved, requests, instances) = read.await?;
    let values = TemplateValues {
        customer_phone: "+966501234567".into(),
        agent_extension: "101".into(),
        queue: "800".into(),
        call_time: "10:02".into(),
        business_name: integration.settings.business_name.clone(),
    };
    let preview = |saved: Saved| Preview {
        says: state
            .threecx
            .preview(&saved.text, &values)
            .or_else(|e| PageError::from(e).user_message(v))
            .unwrap_or_default(),
        saved,
    };
    let tabs = if v.may_change() { TABS } else { LOOKING };
    let lines = snippets(&integration, &v.base_url);
    let page = IntegrationPage {
        v,
        tabs,
        tab: tab(v, tabs, finding.is_some()),
        lines: match &secrets {
            Some(secrets) => lines.with(secrets),
            None => lines,
        },
        secrets,
        templates: saved.into_iter().map(preview).collect(),
        requests,
        instances,
        i: integration,
        finding,
        problem,
    };
    Ok(v.page(&page))
}

/// Which tab is open: the one that is asked for, or the one whose form was sent.
fn tab(v: &PageContext, tabs: &'static [&'static str], is_examined: bool) -> &'static str {
    let wanted = match v.form.text("do") {
        _ if v.path.ends_with("/templates") => "texts",
        "examine" if is_examined => "try",
        "" if v.form.has("mode") => "settings",
        _ => v.query.text("tab"),
    };
    tabs.iter().find(|tab| **tab == wanted).unwrap_or(&tabs[0])
}

fn instance_ids(tx: &Tx<'_>, scope: Scope) -> Result<Vec<String>, StoreError> {
    Ok(instances::list(tx, scope)?.into_iter().map(|i| i.id.to_string()).collect())
}

fn id(v: &PageContext) -> IntegrationId {
    IntegrationId::from_text(v.segment())
}

fn by(v: &PageContext) -> Actor<'_> {
    Actor { actor: v.actor(), is_admin: v.is_admin() }
}
