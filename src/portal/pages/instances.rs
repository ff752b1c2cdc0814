//! `/instances`: the numbers; a new one by its connector.

use super::too_many;
use crate::{
    accounts::Scope,
    connectors::registry::secret_settings,
    gateway::Gateway,
    instances::{self, Instance, NewInstance},
    model::{ids::InstanceId, instance::ConnectorKind},
    portal::{PageContext, PageError, page_error::see_other},
    sending::counts::{self, InstanceUse},
    store::StoreError,
};
use ::http::StatusCode;
use askama::Template;
use std::collections::BTreeMap;
use warp::reply::Response;

/// What one fills in for a connector. The contract's `--set` keys that people need; the others keep their defaults.
pub(super) const fn fields(kind: ConnectorKind) -> &'static [&'static str] {
    match kind {
        ConnectorKind::Sandbox => &["latency_ms", "state", "fail", "receipts"],
        ConnectorKind::CloudApi => &[
            "phone_number_id",
            "waba_id",
            "access_token",
            "app_secret",
            "verify_token",
            "window_template",
            "direct_send",
            "free_replies",
            "messaging_account_id",
            "base_url",
            "graph_version",
        ],
        ConnectorKind::Evolution => &["base_url", "api_key", "instance", "hook_secret"],
        ConnectorKind::WhatsappWeb => &["phone", "version", "warm_up_days", "warm_up_chats", "history_days"],
    }
}

#[derive(Template)]
#[template(path = "instances.html", config = "assets/askama.toml")]
struct InstancesPage<'a> {
    v: &'a PageContext,
    /// Each with what was sent by it.
    instances: Vec<(Instance, InstanceUse)>,
}

#[derive(Template)]
#[template(path = "instance_new.html", config = "assets/askama.toml")]
struct NewInstancePage<'a> {
    v: &'a PageContext,
    kind: ConnectorKind,
    fields: Vec<SettingField>,
    id: String,
    problem: String,
}

/// One setting of a connector in a form.
pub(super) struct SettingField {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) is_secret: bool,
    pub(super) is_set: bool,
}

/// `GET /instances`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (scope, since) = (v.scope()?, v.day_begins());
    let read = gateway.store.read(move |tx| {
        let mut all = Vec::new();
        for instance in instances::list(tx, scope)? {
            let used = counts::by_instance(tx, &instance.id, since)?;
            all.push((instance, used));
        }
        Ok::<_, StoreError>(all)
    });
    Ok(v.page(&InstancesPage { v, instances: read.await? }))
}

/// `GET /instances/new?connector=`.
///
/// # Errors
/// No account is chosen. Without a connector, the page on which one is chosen.
pub async fn new(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    v.account()?;
    let Some(kind) = ConnectorKind::parse(v.query.text("connector")) else { return Ok(see_other("/instances")) };
    let id = free_id(gateway, kind).await;
    Ok(v.page(&NewInstancePage { v, kind, fields: form_fields(v, kind), id, problem: String::new() }))
}

/// `POST /instances`.
///
/// # Errors
/// No account is chosen.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let kind = ConnectorKind::parse(v.form.text("connector")).ok_or(PageError::NotFound)?;
    let id = v.form.text("id").to_lowercase();
    let there = gateway.instances.list(Scope::Account(v.account()?)).await?.len();
    if let Some(problem) = too_many(gateway, v, there) {
        let page = NewInstancePage { v, kind, fields: form_fields(v, kind), id, problem };
        return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let new = NewInstance {
        id: InstanceId::from_text(&id),
        account: v.account()?,
        name: v.form.text("name").to_owned(),
        connector: kind,
        settings: settings(v, kind),
    };
    match gateway.instances.create(new, v.actor()).await {
        Ok(made) => Ok(see_other(&format!("/instances/{}/manage?done=instance_made", made.id))),
        Err(e) => {
            let problem = PageError::from(e).user_message(v)?;
            let page = NewInstancePage { v, kind, fields: form_fields(v, kind), id, problem };
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// The settings that a form fills in; what is empty keeps its default.
pub(super) fn settings(v: &PageContext, kind: ConnectorKind) -> BTreeMap<String, String> {
    let given = fields(kind).iter().filter_map(|name| Some(((*name).to_owned(), v.form.some(name)?.to_owned())));
    given.collect()
}

fn form_fields(v: &PageContext, kind: ConnectorKind) -> Vec<SettingField> {
    let secret = secret_settings(kind);
    let field = |name: &&'static str| {
        let is_secret = secret.contains(name);
        let value = if is_secret { String::new() } else { v.form.text(name).to_owned() };
        SettingField { name, value, is_secret, is_set: false }
    };
    fields(kind).iter().map(field).collect()
}

/// An id that nobody has, to begin with.
async fn free_id(gateway: &Gateway, kind: ConnectorKind) -> String {
    let stem = if kind == ConnectorKind::Sandbox { "sandbox-line" } else { "support-line" };
    gateway.instances.free_id(stem).await.unwrap_or_default()
}
