//! Answers to a telephone system: JSON for the webhook, and for the provider of text messages a short text, because an
//! agent reads it beside his message.

use crate::{
    dialects::threecx::{RequestOutcome, ThreecxReply},
    model::code::{Code, Details},
    sending::{Outcome, Refusal},
    web::{problem, reply},
};
use ::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use warp::{Reply, reply::Response};

/// The webhook's answer.
pub(super) fn webhook(told: &ThreecxReply) -> Response {
    let mut body = json!({"success": true, "status": "", "event_type": told.event_type});
    let status = match &told.ending {
        RequestOutcome::Refused(refusal) => return with_message(problem::threecx(refusal), told),
        RequestOutcome::Sent(outcome) => outcome.as_str(),
        RequestOutcome::Recorded => "recorded",
        RequestOutcome::Skipped(_) => "skipped",
        RequestOutcome::Ready(_) => "ok",
    };
    body["status"] = Value::from(status);
    if let Some(answer) = &told.answer {
        body["message_id"] = json!(answer.message_id);
        body["log_id"] = json!(answer.log_id);
    }
    match &told.ending {
        RequestOutcome::Skipped(reason) => body["reason"] = Value::from(*reason),
        RequestOutcome::Ready(configured) => body["integration"] = configured.clone(),
        _ => {}
    }
    with_message(warp::reply::json(&body).into_response(), told)
}

/// The answer to a text message: its id, or why it did not go.
pub(super) fn sms(told: &ThreecxReply) -> Response {
    let response = match &told.ending {
        RequestOutcome::Refused(refusal) => refused(refusal, told.answer.as_ref().map(|a| a.outcome)),
        _ => {
            let id = told.answer.as_ref().map(|a| a.message_id.as_str().to_owned());
            warp::reply::json(&json!({"data": {"id": id}})).into_response()
        }
    };
    with_message(response, told)
}

/// The same when the gateway itself cannot: nothing was sent, and a telephone system may try again by itself.
pub(super) fn not_now(problem: Response) -> Response {
    let status = problem.status();
    as_text(problem, status, "Not sent: the gateway cannot take messages right now. Try again in a moment.")
}

fn refused(refusal: &Refusal, outcome: Option<Outcome>) -> Response {
    let (status, text) = for_agents(refusal, outcome);
    as_text(problem::threecx(refusal), status, text)
}

/// A refusal as a line of text; when to come back is said as before.
fn as_text(mut problem: Response, status: StatusCode, text: &'static str) -> Response {
    let retry_after = problem.headers_mut().remove(header::RETRY_AFTER);
    let mut response = warp::reply::with_status(text, status).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, wait);
    }
    response
}

/// What an agent is told. Never a status from 500 on where a message may have gone: a telephone system would try again.
fn for_agents(refusal: &Refusal, outcome: Option<Outcome>) -> (StatusCode, &'static str) {
    let code = refusal.code;
    let (status, text) = problem::describe_threecx(code);
    let is_about = |field: &str| match &refusal.details {
        Details::Fields(fields) | Details::FieldsBecause(fields, _) => fields.contains(&field),
        _ => false,
    };
    let text = match code {
        Code::ConversationWindowClosed => {
            "Not sent: this person has not written lately, so WhatsApp does not let you write first. Wait until they \
             write."
        }
        Code::RecipientSuppressed => "Not sent: this person has opted out of messages from you.",
        Code::DailyMessageLimitExceeded => "Not sent: today's message limit is used up. Try again tomorrow.",
        Code::MonthlyMessageLimitExceeded => "Not sent: this month's message limit is used up.",
        Code::SendingThrottled => "Not sent: too many messages at once. Wait a minute and send it again.",
        Code::WebhookRateLimited => "Not sent: too many messages in a minute. Wait a moment and send it again.",
        Code::PolicyViolation => "Not sent: this text looks like advertising, which is not allowed here.",
        Code::InstancePausedForReview => "Not sent: this WhatsApp number is paused until somebody has looked at it.",
        Code::OutboundDisabled => "Not sent: replies are switched off for this telephone system.",
        Code::ModuleNotEnabled => "Not sent: the 3CX connection is not enabled for this account.",
        Code::ActivePlanRequired => "Not sent: the account has no active plan.",
        Code::MissingPhone => "Not sent: there is no valid number to send to.",
        Code::MissingMessageText => "Not sent: only text can be sent, and there is none.",
        Code::ValidationError if is_about("media_urls") => {
            "Not sent: one file goes with a message. Send several one after the other."
        }
        Code::ValidationError if is_about("media_url") => {
            "Not sent: the file could not be fetched, or WhatsApp does not take this kind of file."
        }
        Code::ValidationError => "Not sent: the text is too long.",
        Code::PayloadTooLarge => "Not sent: the message is too large.",
        Code::InvalidInstance => "Not sent: the WhatsApp number of this telephone system is gone.",
        Code::GatewaySendFailed if outcome == Some(Outcome::Unknown) => {
            "It is not known whether this message arrived. Ask before you send it again."
        }
        Code::GatewaySendFailed => "Not sent: WhatsApp did not take the message. Try again later.",
        _ => text,
    };
    let status = if status.is_server_error() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    (status, text)
}

fn with_message(mut response: Response, told: &ThreecxReply) -> Response {
    if let Some(answer) = &told.answer {
        reply::message_headers(&mut response, answer);
    }
    response
}
