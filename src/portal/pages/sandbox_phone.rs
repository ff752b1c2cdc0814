//! `/instances/{id}/phone`: the customers' phones of a sandbox. What they show, what their people do, how the network
//! behaves; so that everything can be tried without a terminal.

use crate::{
    connectors::{
        inbound_event::RemoteParty,
        sandbox::{
            InboxMessage, Sandbox,
            settings::{Fail, Receipts, Settings},
        },
    },
    gateway::Gateway,
    instances::Instance,
    model::{
        ids::InstanceId,
        instance::InstanceState,
        phone::{Impossible, Phone, PhoneReading},
    },
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use std::{collections::BTreeMap, sync::Arc};
use warp::reply::Response;

/// Messages that the page shows, newest first.
const SHOWN: usize = 30;
/// The sandbox is a provider of its own: whoever it plays may have any number.
const ANY: PhoneReading = PhoneReading { region: None, impossible: Impossible::Warn };
/// How the network behaves: the settings of the sandbox that the page switches.
const SWITCHES: &[&str] = &["state", "receipts", "fail"];

#[derive(Template)]
#[template(path = "sandbox_phone.html", config = "assets/askama.toml")]
struct Phones<'a> {
    v: &'a PageContext,
    i: Instance,
    messages: Vec<InboxMessage>,
    switches: Vec<Switch>,
    problem: String,
}

/// One of the network's switches.
struct Switch {
    name: &'static str,
    /// Where it stands.
    now: String,
    positions: Vec<&'static str>,
}

/// `GET /instances/{id}/phone`.
///
/// # Errors
/// No such sandbox, or another account's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /instances/{id}/phone`: `do=write` (`from`, `text`), `do=call` and `do=missed` (`from`), or `do=set` with the
/// switches.
///
/// # Errors
/// No such sandbox, or another account's.
pub async fn play(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (instance, sandbox) = own(gateway, v).await?;
    let done = see_other(&format!("/instances/{}/phone?done=played", instance.id));
    if v.form.text("do") == "set" {
        let chosen = SWITCHES.iter().filter_map(|name| Some(((*name).to_owned(), v.form.some(name)?.to_owned())));
        let changes: BTreeMap<String, String> = chosen.collect();
        return match gateway.instances.set(&instance.id, changes, v.actor()).await {
            Ok(_) => Ok(done),
            Err(e) => again(gateway, v, PageError::from(e).user_message(v)?).await,
        };
    }
    let from = match Phone::parse(v.form.text("from"), ANY) {
        Ok(phone) => RemoteParty { phone: Some(phone.as_str().to_owned()), ..RemoteParty::default() },
        Err(e) => return again(gateway, v, v.why(&e.why())).await,
    };
    let played = match v.form.text("do") {
        "write" if v.form.text("text").is_empty() => return again(gateway, v, v.t("phones.no_text").to_owned()).await,
        "write" => sandbox.receive(from, v.form.text("text")).await,
        "call" => sandbox.call(from, false).await,
        "missed" => sandbox.call(from, true).await,
        _ => return Err(PageError::NotFound),
    };
    played.map_err(|e| PageError::Failed(e.to_string()))?;
    Ok(done)
}

async fn own(gateway: &Gateway, v: &PageContext) -> Result<(Instance, Arc<Sandbox>), PageError> {
    let instance = gateway.instances.find(&InstanceId::from_text(v.segment())).await?;
    if !v.scope()?.sees(instance.account_id) {
        return Err(PageError::NotFound);
    }
    let sandbox = gateway.registry.sandbox(&instance.id).ok_or(PageError::NotFound)?;
    Ok((instance, sandbox))
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<Phones<'a>, PageError> {
    let (i, sandbox) = own(gateway, v).await?;
    let read = tokio::task::spawn_blocking(move || sandbox.inbox(None)).await;
    let read = read.map_err(|e| PageError::Failed(e.to_string()))?;
    let mut messages = read.map_err(|e| PageError::Failed(e.to_string()))?;
    messages.reverse();
    messages.truncate(SHOWN);
    let now = |name: &str, by_default: &str| i.settings.get(name).map_or(by_default, String::as_str).to_owned();
    let usual = Settings::default();
    let switches = vec![
        Switch {
            name: "state",
            now: i.state.as_str().to_owned(),
            positions: InstanceState::ALL.iter().map(|s| s.as_str()).collect(),
        },
        Switch {
            name: "receipts",
            now: now("receipts", usual.receipts.as_str()),
            positions: Receipts::ALL.iter().map(|r| r.as_str()).collect(),
        },
        Switch {
            name: "fail",
            now: now("fail", usual.fail.as_str()),
            positions: Fail::ALL.iter().map(|f| f.as_str()).collect(),
        },
    ];
    Ok(Phones { v, i, messages, switches, problem })
}
