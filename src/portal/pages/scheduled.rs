//! `/scheduled`: messages to be sent later: what waits, what became of the others; made and cancelled.
//!
//! Times are typed and shown in the account's zone and kept in UTC. Of a time that daylight saving skips or repeats,
//! `schedule::parse` says what is meant; the page says it, too. The guard judges when a message is sent.

use crate::{
    gateway::Gateway,
    instances::{self, Instance, InstanceError, templates},
    model::{
        ids::InstanceId,
        phone::{Recipient, Region},
        plan::Zone,
        purpose::Purpose,
        text,
    },
    portal::{
        PageContext, PageError,
        page_error::see_other,
        template_form::{self, TemplateForm},
    },
    sending::{
        Sender, Source,
        request::{Draft, MAX_CHARS},
        schedule::{self, Filter, LONGEST_WAIT, NewSchedule, ScheduleId, ScheduledMessage},
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
    /// The templates that can be sent, as a form names them, by their number.
    offered: Vec<(Instance, Vec<String>)>,
    chosen: Option<TemplateForm>,
    /// Whose it is.
    chosen_of: InstanceId,
}

impl Scheduled<'_> {
    /// Whether a template is the one that was chosen.
    fn is_shown(&self, of: &InstanceId, id: &str) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.id == id && self.chosen_of == *of)
    }

    /// Whether a number sends what the form is for: a template is one number's.
    fn may_send(&self, of: &InstanceId) -> bool {
        self.chosen.is_none() || self.chosen_of == *of
    }

    /// Whether a purpose stands there chosen.
    fn is_purpose(&self, purpose: &str) -> bool {
        template_form::is_purpose(self.v, self.chosen.as_ref(), purpose)
    }
}

/// `GET /scheduled?instance=&after=&template=`; a template is named with its number: `instance/name/language`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /scheduled`: `instance`, `phone`, `purpose`, `at`, and `message` or `template` with its blanks; `do=preview` shows it,
/// and keeps nothing.
///
/// # Errors
/// Nothing is theirs.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id = InstanceId::from_text(v.form.text("instance"));
    let problem = match gateway.instances.find(&id).await {
        Ok(instance) if v.scope()?.sees(instance.account_id) => match read(gateway, v, &instance).await? {
            Ok(_) if v.form.text("do") == "preview" => return Ok(v.page(&page(gateway, v, String::new()).await?)),
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
    // A slip in the year would wait silently; the guarded API takes no later time either.
    if due_at > v.now.plus(LONGEST_WAIT) {
        return Ok(Err(v.t("scheduled.far").to_owned()));
    }
    let draft = match template_form::draft(gateway, v, instance).await? {
        Some(Ok(draft)) => draft,
        Some(Err(problem)) => return Ok(Err(problem)),
        None => {
            let text = v.form.raw("message").replace("\r\n", "\n");
            if text::is_blank(&text) || text.contains('\0') || text.chars().count() > MAX_CHARS {
                return Ok(Err(v.fill("chat.too_long", "n", v.number(MAX_CHARS))));
            }
            Draft::Text(text)
        }
    };
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
        draft,
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
    let may_change = v.may_change();
    let read = gateway.store.read(move |tx| {
        let instances = instances::list(tx, scope)?;
        // Whoever only looks is offered none.
        let senders = instances.iter().filter(|_| may_change);
        let templates = senders.map(|i| templates::list(tx, &i.id)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>((schedule::list(tx, &filter)?, instances, templates))
    });
    let (mut entries, instances, templates) = read.await?;
    let more = entries.len() > ROWS;
    entries.truncate(ROWS);
    let next = entries.last().filter(|_| more).map(|last| v.query.with("after", &last.id.to_string()));
    let sent = v.form.some("template").map(|id| (v.form.text("instance"), id));
    let (of, id) = sent.or(v.query.text("template").split_once('/')).unwrap_or_default();
    let chosen_of = InstanceId::from_text(of);
    let (mut offered, mut chosen) = (Vec::new(), None);
    for (instance, known) in instances.iter().zip(&templates) {
        let ready = template_form::offered(known);
        if instance.id == chosen_of {
            chosen = TemplateForm::of(v, &ready, id);
        }
        if !ready.is_empty() {
            offered.push((instance.clone(), ready.into_iter().map(template_form::id_of).collect()));
        }
    }
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
        offered,
        chosen,
        chosen_of,
    })
}
