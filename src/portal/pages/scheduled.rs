//! `/scheduled`: messages to be sent later: what waits, what became of the others; made and cancelled.
//!
//! Times are typed and shown in the account's zone and kept in UTC. Of a time that daylight saving skips or repeats,
//! `schedule::parse` says what is meant; the page says it, too. The guard judges when a message is sent.

use crate::{
    gateway::Gateway,
    instances::{self, Instance, InstanceError},
    model::{
        ids::InstanceId,
        phone::{Recipient, Region},
        plan::Zone,
        purpose::Purpose,
    },
    portal::{PageContext, PageError, page_error::see_other},
    sending::{
        Sender, Source,
        request::{Draft, MAX_CHARS},
        schedule::{self, Filter, NewSchedule, ScheduleId, ScheduledMessage},
    },
    store::StoreError,
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "scheduled.html", config = "assets/askama.toml")]
struct Scheduled<'a> {
    v: &'a PageContext,
    entries: Vec<ScheduledMessage>,
    instances: Vec<Instance>,
    purposes: Vec<&'static str>,
    next: Option<String>,
    is_filtered: bool,
    zone: String,
    problem: String,
    most: usize,
}

/// `GET /scheduled?instance=&after=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /scheduled`: `instance`, `phone`, `purpose`, `at`, `message`.
///
/// # Errors
/// Nothing is theirs.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id = InstanceId::from_text(v.form.text("instance"));
    let problem = match gateway.instances.find(&id).await {
        Ok(instance) if v.scope()?.sees(instance.account_id) => match read(gateway, v, &instance).await? {
            Ok(new) => match gateway.schedules.create(new).await {
                Ok(_) => return Ok(see_other("/scheduled?done=scheduled")),
                Err(e) => PageError::from(e).user_message(v)?,
            },
            Err(problem) => problem,
        },
        // Deleted meanwhile, or another account's: told alike.
        Ok(_) | Err(InstanceError::NotFound(_)) => v.fill("wrong.no_instance", "instance", id),
        Err(e) => return Err(e.into()),
    };
    Ok(v.page_with(&page(gateway, v, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /scheduled/{id}/cancel`.
///
/// # Errors
/// No such message, or another account's.
pub async fn cancel(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id: ScheduleId = v.segment().parse().map_err(|_| PageError::NotFound)?;
    match gateway.schedules.cancel(v.scope()?, None, id).await {
        Ok(_) => Ok(see_other("/scheduled?done=cancelled")),
        Err(e) => Err(e.into()),
    }
}

/// What the form says; else what is wrong with it, in plain words.
async fn read(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
) -> Result<Result<NewSchedule, String>, PageError> {
    let account = gateway.accounts.find_account(instance.account_id).await?;
    let region = account.region.and_then(|region| Region::parse(&region).ok());
    let zone = Zone::stored(account.timezone, None);
    let recipient = match Recipient::parse(v.form.text("phone"), gateway.sending.rules().reading(region)) {
        Ok(recipient) => recipient,
        Err(e) => return Ok(Err(v.why(&e.why()))),
    };
    let Ok(due_at) = schedule::parse(v.form.text("at"), &zone, v.now) else {
        return Ok(Err(v.t("scheduled.no_time").to_owned()));
    };
    let text = v.form.raw("message").replace("\r\n", "\n");
    if text.trim().is_empty() || text.contains('\0') || text.chars().count() > MAX_CHARS {
        return Ok(Err(v.fill("chat.too_long", "n", v.number(MAX_CHARS))));
    }
    let Some(purpose) = Purpose::parse(v.form.text("purpose")) else { return Err(PageError::NotFound) };
    Ok(Ok(NewSchedule {
        sender: Sender {
            account: instance.account_id,
            key: None,
            source: Source::Schedule,
            module: None,
            request_id: Some(v.request_id.clone()),
        },
        account: instance.account_id,
        instance: instance.id.clone(),
        recipient,
        draft: Draft::Text(text),
        purpose,
        reference: None,
        due_at,
        created_by: v.actor().to_owned(),
    }))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<Scheduled<'a>, PageError> {
    let instance = v.query.some("instance").map(InstanceId::from_text);
    let filter = Filter {
        scope: v.scope()?,
        instance: instance.clone(),
        before: v.query.parsed("after"),
        limit: u32::try_from(ROWS + 1).unwrap_or(u32::MAX),
    };
    let scope = v.scope()?;
    let read =
        gateway.store.read(move |tx| Ok::<_, StoreError>((schedule::list(tx, &filter)?, instances::list(tx, scope)?)));
    let (mut entries, instances) = read.await?;
    let more = entries.len() > ROWS;
    entries.truncate(ROWS);
    let next = entries.last().filter(|_| more).map(|last| v.query.with("after", &last.id.to_string()));
    Ok(Scheduled {
        v,
        entries,
        instances,
        purposes: Purpose::ALL.iter().map(|p| p.as_str()).collect(),
        next,
        is_filtered: instance.is_some(),
        zone: v.zone.name_at(v.now).to_owned(),
        problem,
        most: MAX_CHARS,
    })
}
