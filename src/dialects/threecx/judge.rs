//! Judging a proven request, in the contract's order. Pure: the facts are loaded before, the outcome is written after.

use super::{
    event::{EventAction, Text, ThreecxEvent},
    facts::RequestFacts,
    handle::Payload,
    template::TemplateValues,
};
use crate::{
    model::{
        code::{Action, Code, Details},
        phone::{PhoneError, Recipient},
        purpose::Purpose,
    },
    people::conversations,
    sending::Refusal,
};
use std::time::Duration;

/// What is to be done about a request that nothing speaks against.
#[derive(Debug)]
pub(super) enum NextStep {
    Record,
    Skip(&'static str),
    SayReady,
    /// With an agent's text, his file, or both.
    Send {
        recipient: Recipient,
        purpose: Purpose,
        text: String,
        file: Option<String>,
    },
}

/// The first checks of the contract's order: size, rate, readable, module, plan.
pub(super) fn before_reading(asked: &Payload, facts: &RequestFacts) -> Result<(), Refusal> {
    if let Payload::TooLarge = asked {
        return Err(refusal(Code::PayloadTooLarge, "the body is larger than 256 KiB"));
    }
    if let Err(wait) = facts.rate {
        return Err(refusal(Code::WebhookRateLimited, "more than 60 requests in a minute").retry_after(wait));
    }
    if let Payload::Unreadable(why) = asked {
        return Err(refusal(Code::InvalidJson, why));
    }
    facts.standing.clone()
}

/// The others, in the contract's order; then what is to be done.
pub(super) fn judge(event: &ThreecxEvent, facts: &RequestFacts) -> Result<NextStep, Refusal> {
    let settings = &facts.integration.settings;
    let event_type = match &event.event_type {
        Ok(event_type) => *event_type,
        Err(said) => return Err(refusal(Code::UnsupportedEventType, &format!("{said:?} is no event type"))),
    };
    match event_type.kind() {
        EventAction::Test => return Ok(NextStep::SayReady),
        EventAction::Recorded => return Ok(NextStep::Record),
        EventAction::Reply if !settings.outbound => return Err(refusal(Code::OutboundDisabled, "outbound is off")),
        EventAction::Call if !settings.call_events => {
            return Err(refusal(Code::CallEventsDisabled, "call events are off"));
        }
        EventAction::Reply | EventAction::Call => {}
    }
    let missing = || match &facts.no_recipient {
        // What looks like a number is worth a word; an extension among the fields is not.
        Some(problem @ (PhoneError::Spreadsheet | PhoneError::Impossible { .. })) => {
            let details = Details::FieldsBecause(vec!["phone"], problem.to_string());
            let why = format!("none of the fields is a number: {problem}");
            Refusal { details, ..refusal(Code::MissingPhone, &why) }
        }
        _ => refusal(Code::MissingPhone, "none of the fields is a number"),
    };
    let recipient = facts.recipient.clone().ok_or_else(missing)?;
    if event_type.kind() == EventAction::Reply {
        let file = reply_file(event)?;
        let text = reply_text(event, file.is_some())?;
        let purpose = reply_purpose(event)?;
        window(facts)?;
        return Ok(NextStep::Send { recipient, purpose, text, file });
    }
    let Some(template) = &facts.template else { return Ok(NextStep::Skip("template_disabled")) };
    if settings.strict_mode {
        window(facts)?;
    }
    if facts.cooling {
        return Ok(NextStep::Skip("cooldown"));
    }
    let text = template.render(&values(event, &recipient, facts));
    Ok(NextStep::Send { recipient, purpose: Purpose::Support, text, file: None })
}

/// The one file of a reply. A second one, and what has no address, would be lost: then nothing goes.
fn reply_file(event: &ThreecxEvent) -> Result<Option<String>, Refusal> {
    let is_address = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
    match &event.files[..] {
        [] => Ok(None),
        [one] if is_address(&one) => Ok(Some(one.clone())),
        _ => {
            let why = "one file with an http or https address goes with a message";
            let details = Details::FieldsBecause(vec!["media_urls"], why.to_owned());
            Err(Refusal { details, ..refusal(Code::ValidationError, why) })
        }
    }
}

fn reply_text(event: &ThreecxEvent, may_be_missing: bool) -> Result<String, Refusal> {
    match &event.text {
        Text::Given(text) => Ok(text.clone()),
        Text::Missing if may_be_missing => Ok(String::new()),
        Text::Missing => Err(refusal(Code::MissingMessageText, "there is no text")),
        Text::Malformed => Err(Refusal {
            details: Details::Fields(vec!["message_text"]),
            ..refusal(Code::ValidationError, "the text is longer than a message, or has a NUL")
        }),
    }
}

fn reply_purpose(event: &ThreecxEvent) -> Result<Purpose, Refusal> {
    let no = |score, why: &str| {
        let refusal = Refusal::guard(Code::MessagePurposeNotAllowed, Action::Block, score, why);
        Err(Refusal { gate: GATE, ..refusal })
    };
    match event.purpose.as_deref() {
        None => no(0, "no message_purpose was given"),
        Some(stated) => Purpose::parse(stated).map_or_else(|| no(100, "the purpose is not served"), Ok),
    }
}

/// The recipient wrote to this instance or called it, and not too long ago: the number's own window, not the account's.
/// The contract says that "the WhatsApp user must have messaged first", and a reply goes out from the number that the
/// integration has: a customer of another number of the same account has said nothing to this one.
fn window(facts: &RequestFacts) -> Result<(), Refusal> {
    let length = Duration::from_secs(u64::from(facts.integration.settings.window_hours) * 3600);
    if conversations::is_window_open(facts.window_opened_at, facts.now, length) {
        return Ok(());
    }
    let why = match facts.window_opened_at {
        None => "the recipient never wrote to this instance",
        Some(_) => "the recipient last wrote before the window",
    };
    let details = Details::Action(Action::Block);
    Err(Refusal { details, ..refusal(Code::ConversationWindowClosed, why) })
}

fn values(event: &ThreecxEvent, recipient: &Recipient, facts: &RequestFacts) -> TemplateValues {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    TemplateValues {
        customer_phone: match recipient {
            Recipient::Phone(phone) => phone.to_string(),
            Recipient::Contact(_) | Recipient::Group(_) => String::new(),
        },
        agent_extension: text(&event.agent_extension),
        queue: text(&event.queue),
        call_time: text(&event.call_time),
        business_name: facts.integration.settings.business_name.clone(),
    }
}

/// The log's name for where these refusals come from.
const GATE: &str = "3cx";

fn refusal(code: Code, why: &str) -> Refusal {
    Refusal { gate: GATE, ..Refusal::new(code, why) }
}
