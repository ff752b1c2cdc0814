//! `/message-logs/{log_id}`: the timeline of one message, from the request to the read receipt and the webhooks; for a
//! refusal: what happened, why, and what to do.

use crate::{
    connectors::registry::known_reason,
    gateway::Gateway,
    model::{clock::Time, code::Code, ids::LogId, message::Status, percent, phone::Phone},
    portal::{PageContext, PageError, page_error::see_other},
    sending::{
        judgements::{self, JudgementEffect, NewJudgement},
        policy::{self, GATES},
        timeline::{self, Story},
    },
    store::StoreError,
    texts::locale::Lang,
    web::problem,
};
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "message.html", config = "assets/askama.toml")]
struct Message<'a> {
    v: &'a PageContext,
    m: Story,
    /// What is unusual about the recipient's number; empty: nothing.
    unusual: String,
    steps: Vec<TimelineStep>,
    /// The refusal's code, its documented text and what to do, where it is one of the catalogue.
    refusal: Option<(String, String)>,
    gates: Vec<GateRow>,
    may_settle: bool,
    /// What was said of the guard's verdict: the word's key; none: its text was not judged, or is gone.
    judged: Option<&'static str>,
    problem: &'static str,
}

impl Message<'_> {
    /// The page that mends what refused it, and its word's key.
    fn mends(&self, code: &str) -> Option<(String, &'static str)> {
        let of_number = |tab: &str| format!("/instances/{}/manage{tab}", percent::encode(&self.m.instance_id));
        Some(match Code::parse(code)? {
            Code::RecipientSuppressed => {
                (format!("/suppressed-recipients?q={}", percent::encode(&self.m.recipient)), "nav.suppressed")
            }
            Code::InstancePausedForReview | Code::GatewaySendFailed => (of_number(""), "common.instance"),
            Code::InvalidInstance => ("/instances".to_owned(), "nav.instances"),
            Code::DailyMessageLimitExceeded
            | Code::MonthlyMessageLimitExceeded
            | Code::ModuleNotEnabled
            | Code::ActivePlanRequired => ("/account".to_owned(), "nav.account"),
            Code::ConversationWindowClosed => (self.chat()?, "nav.chat"),
            Code::InvalidApiKey | Code::RevokedApiKey | Code::InsufficientScope => ("/api-keys".to_owned(), "nav.keys"),
            Code::PolicyViolation if self.judged.is_some() => ("#judge".to_owned(), "message.judge"),
            _ => return None,
        })
    }

    /// The chat with the recipient, of one that is known by a number.
    fn chat(&self) -> Option<String> {
        let phone = Phone::known(&self.m.recipient)?;
        let (instance, phone) = (percent::encode(&self.m.instance_id), percent::encode(phone.as_str()));
        Some(format!("/chat?instance={instance}&chat={phone}"))
    }
}

/// One line of the timeline.
struct TimelineStep {
    at: Time,
    tone: &'static str,
    text: String,
    detail: String,
}

/// One gate and what it saw.
struct GateRow {
    name: &'static str,
    tone: &'static str,
    figure: String,
}

/// `GET /message-logs/{log_id}`.
///
/// # Errors
/// No such row, or another account's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (id, scope) = (log_id(v)?, v.scope()?);
    let read = gateway.store.read(move |tx| -> Result<_, StoreError> {
        Ok((timeline::find(tx, scope, id)?, judgements::find(tx, scope, id)?))
    });
    let (story, said) = read.await?;
    let story = story.ok_or(PageError::NotFound)?;
    let judged = judged(&story, said);
    Ok(v.page(&Message { judged, ..page(v, story, "") }))
}

/// `POST /message-logs/{log_id}/judge`: the guard was right about it, or wrong. What an admin finds honest passes from
/// then on. `back=reviews` leads back to the queue.
///
/// # Errors
/// No such row, or another account's; none whose text was judged.
pub async fn judge(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let story = find(gateway, v).await?;
    let is_right = match v.form.text("verdict") {
        "right" => true,
        "wrong" => false,
        _ => return Err(PageError::NotFound),
    };
    let said = NewJudgement {
        scope: v.scope()?,
        log_id: story.log_id,
        is_right,
        may_let_pass: v.is_admin(),
        actor: v.actor().to_owned(),
    };
    let done = match gateway.sending.judge_verdict(said).await?.ok_or(PageError::NotFound)? {
        JudgementEffect::Noted => "settled",
        JudgementEffect::LetsPass => "lets_pass",
    };
    match v.form.text("back") {
        "reviews" => Ok(see_other(&format!("/admin/reviews?done={done}"))),
        _ => Ok(see_other(&format!("/message-logs/{}?done={done}", story.log_id))),
    }
}

/// `POST /message-logs/{log_id}/settle`: a person says what became of an `unknown` message.
///
/// # Errors
/// No such row, or another account's.
pub async fn settle(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let story = find(gateway, v).await?;
    let to = match v.form.text("outcome") {
        "sent" => Status::Sent,
        "failed" => Status::Failed,
        _ => return Ok(v.page(&page(v, story, "message.settle_choose"))),
    };
    let note = v.form.text("note");
    if note.is_empty() {
        return Ok(v.page(&page(v, story, "message.settle_note")));
    }
    let done = gateway.sending.settle(story.log_id, to, note, v.actor()).await;
    done?;
    Ok(see_other(&format!("/message-logs/{}?done=settled", story.log_id)))
}

async fn find(gateway: &Gateway, v: &PageContext) -> Result<Story, PageError> {
    let (id, scope) = (log_id(v)?, v.scope()?);
    gateway.store.read(move |tx| timeline::find(tx, scope, id)).await?.ok_or(PageError::NotFound)
}

fn log_id(v: &PageContext) -> Result<LogId, PageError> {
    v.segment().parse().map(LogId).map_err(|_| PageError::NotFound)
}

/// What stands on the page about the guard's verdict; none: its text was not judged. `said`: whether the verdict was
/// right, where somebody told.
fn judged(m: &Story, said: Option<bool>) -> Option<&'static str> {
    if m.decision.is_none() || m.body.is_empty() {
        return None;
    }
    Some(match said {
        None => "message.judge_nobody",
        Some(true) => "message.judge_was_right",
        Some(false) => "message.judge_was_wrong",
    })
}

fn page<'a>(v: &'a PageContext, m: Story, problem: &'static str) -> Message<'a> {
    let code = m.reason.as_deref().filter(|_| m.status == Status::Blocked).and_then(Code::parse);
    let refusal = code.map(|code| (code.as_str().to_owned(), because(v, &m, code)));
    let may_settle = m.status == Status::Unknown && v.may_change();
    Message {
        v,
        unusual: unusual(v, &m),
        steps: steps(v, &m),
        refusal,
        gates: gates(v, &m),
        may_settle,
        judged: None,
        m,
        problem,
    }
}

/// What is unusual about the recipient's number; empty: nothing.
fn unusual(v: &PageContext, m: &Story) -> String {
    let unusual = Phone::known(&m.recipient).and_then(|phone| phone.unusual());
    unusual.map(|unusual| v.word("phone_unusual", unusual.name())).unwrap_or_default()
}

/// Why this very message was refused, with its figures.
fn because(v: &PageContext, m: &Story, code: Code) -> String {
    let decision = m.decision.as_ref();
    let why = decision.and_then(|d| d.why.as_deref());
    if let Some(known) = why.filter(|why| known_reason(why).is_some()) {
        return v.reason(known);
    }
    if v.lang == Lang::En {
        return why.unwrap_or(problem::describe(code).1).to_owned();
    }
    let short = v.word("code", code.as_str());
    let Some(decision) = decision else { return short };
    let of = |pair: (u64, u64)| v.fill_all("message.of", &[("used", &v.number(pair.0)), ("limit", &v.number(pair.1))]);
    match decision.gate.as_deref() {
        Some("content") => {
            let ids: Vec<&str> = decision.signals.iter().map(|(id, ..)| id.as_str()).collect();
            v.fill_all("message.because_content", &[("score", &decision.score), ("signals", &ids.join(", "))])
        }
        Some("daily_limit") => of(decision.daily),
        Some("monthly_limit") => of(decision.monthly),
        // Behind the colon stands why, as the guard or a person wrote it.
        Some("pause") => why.and_then(|w| w.split_once(": ")).map_or(short, |(_, written)| v.reason(written)),
        _ => short,
    }
}

fn steps(v: &PageContext, m: &Story) -> Vec<TimelineStep> {
    let by = match (&m.key_name, m.source.as_str()) {
        (Some(key), _) => v.fill("message.by_key", "key", key),
        (None, source) => v.word("source", source),
    };
    let mut all = vec![TimelineStep {
        at: m.created_at,
        tone: "",
        text: v.t("message.accepted").to_owned(),
        detail: m.request_id.as_ref().map_or_else(|| by.clone(), |id| format!("{by} · {id}")),
    }];
    let mut add = |at: Option<Time>, tone, text: &'static str, detail: String| {
        if let Some(at) = at {
            all.push(TimelineStep { at, tone, text: v.t(text).to_owned(), detail });
        }
    };
    let blocked = (m.status == Status::Blocked).then_some(m.updated_at);
    add(blocked, "bad", "message.refused", m.reason.as_ref().map(|r| v.word("code", r)).unwrap_or_default());
    add(m.sending_at, "", "message.handed", v.fill("message.to_instance", "instance", &m.instance_id));
    add(m.sent_at, "good", "message.acknowledged", m.provider_message_id.clone().unwrap_or_default());
    add(m.delivered_at, "good", "message.delivered", String::new());
    add(m.read_at, "good", "message.read", String::new());
    let reason = m.reason.as_deref().map(|reason| v.reason(reason)).unwrap_or_default();
    add(m.failed_at, "bad", "message.failed", reason.clone());
    let unknown = (m.status == Status::Unknown).then_some(m.updated_at);
    add(unknown, "bad", "message.unknown", reason);
    for d in &m.deliveries {
        let answer = d.status.map_or_else(|| v.t("message.no_answer").to_owned(), |s| s.to_string());
        let tone = if d.is_delivered { "good" } else { "bad" };
        let took = format!("{} → {}: {answer} · {} ms", d.event, d.host, d.took_ms);
        add(Some(d.at), tone, "message.webhook", took);
    }
    all.sort_by_key(|step| step.at);
    all
}

/// The gates in their order, with the figure that each saw; those behind the one that refused were not asked.
fn gates(v: &PageContext, m: &Story) -> Vec<GateRow> {
    let Some(decision) = &m.decision else { return Vec::new() };
    let of = |pair: (u64, u64)| v.fill_all("message.of", &[("used", &v.number(pair.0)), ("limit", &v.number(pair.1))]);
    let refused_at = GATES.iter().position(|gate| decision.gate.as_deref() == Some(gate.name));
    let gate = |(i, gate): (usize, &policy::Gate)| {
        let tone = match refused_at {
            Some(at) if i == at => "refuse",
            Some(at) if i > at => "skipped",
            _ => "pass",
        };
        let figure = match gate.name {
            _ if tone == "skipped" => String::new(),
            "daily_limit" => of(decision.daily),
            "monthly_limit" => of(decision.monthly),
            "pace" if decision.wait_ms > 0 => v.count("message.waited", decision.wait_ms),
            "content" => v.fill("message.score", "score", decision.score),
            _ => String::new(),
        };
        GateRow { name: gate.name, tone, figure }
    };
    GATES.iter().enumerate().map(gate).collect()
}
