//! The gates themselves. See the contract's "Order of the checks" for the numbers.

use crate::{
    connectors::{
        AboutMessage, Address,
        message_limits::{DELETABLE_FOR, EDITABLE_FOR, MessageLimits, has_editable_words},
        structured::{BUTTON_TEXT_MAX, Structured},
        templates::{self, Category},
    },
    model::{
        clock::Time,
        code::{Action, Code, Details, Extra},
        plan::PlanLimits,
        purpose::Purpose,
    },
    people::conversations::{self, WINDOW},
    sending::{
        facts::{Facts, ModuleStanding},
        message_ref::EarlierMessage,
        refusal::Refusal,
        request::{Draft, PurposeField, Request},
        rules::Rules,
        waiting_room::LONGEST_WAIT,
    },
};
use std::time::Duration;

type Verdict = Result<(), Refusal>;

/// 5: the account has the module that this way of sending needs.
pub(super) fn module(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    module_stands(facts.module)
}

/// The same for a caller that asks before there is a request.
pub(super) fn module_stands(standing: ModuleStanding) -> Verdict {
    let (module, status) = match standing {
        ModuleStanding::Enabled | ModuleStanding::NotNeeded => return Ok(()),
        ModuleStanding::NotInPlan(module) => (module, "not_in_plan"),
        ModuleStanding::Disabled(module) => (module, "disabled"),
    };
    let reason = format!("the account's module {module} is {}", status.replace('_', " "));
    Err(Refusal { details: Details::Module { module, status }, ..Refusal::new(Code::ModuleNotEnabled, reason) })
}

/// 5: the account has a plan that has not run out.
pub(super) fn plan(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    plan_stands(facts.limits).map(drop)
}

/// The limits of the plan in force; also for a caller that asks before there is a request.
pub(super) fn plan_stands(limits: Option<PlanLimits>) -> Result<PlanLimits, Refusal> {
    limits.ok_or_else(|| Refusal::new(Code::ActivePlanRequired, "the account has no plan, or it has run out"))
}

/// 6: there is such an instance, and this key may use it; both are told alike.
pub(super) fn instance(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    match facts.instance {
        Some(_) => Ok(()),
        None => Err(Refusal::new(Code::InvalidInstance, "no such instance, or not for this key")),
    }
}

/// 4, as far as it depends on the instance: its connector does what the request asks for, and the people and messages
/// that it names are there.
pub(super) fn capability(request: &Request, facts: &Facts, _: &Rules) -> Verdict {
    let mut fields = Vec::new();
    let mut reasons = Vec::new();
    if let Err(field) = address(facts) {
        let why = match facts.contact {
            Some(_) => "nothing can be sent to them: their provider named neither a number nor a hidden id",
            None => "there is no such contact",
        };
        reasons.push(format!("{field}: {why}"));
        fields.push(field);
    }
    let can = facts.instance.as_ref().map(|i| i.capabilities).unwrap_or_default();
    if matches!(facts.address, Some(Address::Group(_))) && !can.groups {
        fields.push("phone");
    }
    if matches!(request.draft, Draft::Template { .. }) && !can.templates {
        fields.push("template");
    }
    if matches!(request.draft, Draft::Media { .. }) && !can.media {
        fields.push("media_url");
    }
    if request.reply_to.is_some() && (!can.replies || facts.reply_to.is_none()) {
        fields.push("reply_to");
    }
    if let Draft::Structured(structured) = &request.draft
        && !can.structured
    {
        fields.push(structured.field());
    }
    if let Some((field, id)) = about_earlier(&request.draft) {
        let is_able = if field == "reaction" { can.reactions } else { can.changes };
        match facts.about.as_ref().filter(|_| is_able) {
            _ if !is_able => fields.push(field),
            None => fields.push(id),
            Some(earlier) => {
                let problem = unchangeable(&request.draft, earlier, facts.now);
                reasons.extend(problem.map(|why| format!("{id}: {why}")));
                fields.extend(problem.map(|_| id));
            }
        }
    }
    if request.expires_at.is_some_and(|at| at <= facts.now) {
        reasons.push("expires_at: it is over".to_owned());
        fields.push("expires_at");
    }
    for (field, why) in not_a_time(request, facts).into_iter().chain(not_taken(request, facts, can.limits)) {
        // Of a list, its own words say which member.
        reasons.push(if why.starts_with(field) { why } else { format!("{field}: {why}") });
        fields.push(field);
    }
    if fields.is_empty() {
        return Ok(());
    }
    Err(impossible(fields, &reasons.join("; ")))
}

/// What is wrong with the time that a message is to wait for.
fn not_a_time(request: &Request, facts: &Facts) -> Option<(&'static str, String)> {
    let send_at = request.later.as_ref()?.send_at?;
    let why = if send_at <= facts.now {
        "it is over"
    } else if send_at > facts.now.plus(LONGEST_WAIT) {
        "it is more than a year away"
    } else if request.expires_at.is_some_and(|end| end <= send_at) {
        "expires_at comes before it"
    } else {
        return None;
    };
    Some(("send_at", why.to_owned()))
}

/// What the provider would surely refuse, by field, and why.
fn not_taken(request: &Request, facts: &Facts, limits: MessageLimits) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    match &request.draft {
        Draft::Media { caption, .. } => found.extend(limits.caption_problem(caption).map(|why| ("message", why))),
        Draft::Template { variables, .. } => {
            let Some(known) = &facts.template else { return found };
            let is_code = known.category == Some(Category::Authentication);
            if is_code && limits.codes_need_a_number && matches!(facts.address, Some(Address::Bsuid(_))) {
                found.push(("phone", "a one-time code goes to a number, and this person's is hidden".to_owned()));
            }
            found.extend(known.obstacle().map(|why| ("template", why)));
            let misfit = known.slots.as_ref().and_then(|slots| templates::misfit(known.category, slots, variables));
            found.extend(misfit.map(|why| ("template.variables", why)));
        }
        Draft::Text(_) | Draft::Structured(_) | Draft::Reaction { .. } | Draft::Change { .. } => {}
    }
    found
}

/// Where the message goes, or the field that names nobody who can be reached.
pub(super) fn address(facts: &Facts) -> Result<&Address, &'static str> {
    facts.address.as_ref().ok_or("phone")
}

/// The field of a request that is about an earlier message, and its member that names that message.
fn about_earlier(draft: &Draft) -> Option<(&'static str, &'static str)> {
    match draft {
        Draft::Reaction { .. } => Some(("reaction", "reaction.message_id")),
        Draft::Change { text: Some(_), .. } => Some(("edit", "edit.message_id")),
        Draft::Change { text: None, .. } => Some(("delete", "delete.message_id")),
        _ => None,
    }
}

/// The message that the request is about, or the field that names none of this chat.
pub(super) fn about<'a>(request: &Request, facts: &'a Facts) -> Result<&'a AboutMessage, &'static str> {
    let named = about_earlier(&request.draft).map_or("message", |(_, id)| id);
    facts.about.as_ref().map(|earlier| &earlier.message).ok_or(named)
}

/// Why an earlier message cannot be edited or taken back any more, where it is that which is asked.
fn unchangeable(draft: &Draft, earlier: &EarlierMessage, now: Time) -> Option<&'static str> {
    let Draft::Change { text, .. } = draft else { return None };
    let within = if text.is_some() { EDITABLE_FOR } else { DELETABLE_FOR };
    match () {
        () if !earlier.message.from_me => Some("only messages of this number's own are edited or taken back"),
        () if earlier.is_deleted => Some("it was taken back"),
        () if text.is_some() && !has_editable_words(&earlier.kind) => {
            Some("only texts, and the words beside a picture, a film or a document, are edited")
        }
        () if now.since(earlier.at) <= within => None,
        () if text.is_some() => Some("WhatsApp takes an edit within 15 minutes"),
        () => Some("WhatsApp takes a message back within 60 hours"),
    }
}

/// The refusal for one field that asks for what the instance cannot do.
pub(super) fn not_possible(field: &'static str) -> Refusal {
    Refusal { gate: "capability", ..impossible(vec![field], "") }
}

/// The refusal for fields that ask for what the instance cannot do; `why` where more can be said than that.
fn impossible(fields: Vec<&'static str>, why: &str) -> Refusal {
    let reason = format!("not possible on this instance: {}", fields.join(", "));
    if why.is_empty() {
        return Refusal { details: Details::Fields(fields), ..Refusal::new(Code::ValidationError, reason) };
    }
    let details = Details::FieldsBecause(fields, why.to_owned());
    Refusal { details, ..Refusal::new(Code::ValidationError, format!("{reason} ({why})")) }
}

/// 7: one of the five purposes.
pub(super) fn purpose(request: &Request, _: &Facts, _: &Rules) -> Verdict {
    match &request.purpose {
        PurposeField::Allowed(_) => Ok(()),
        PurposeField::Missing => {
            Err(Refusal::guard(Code::MessagePurposeRequired, Action::Block, 0, "no message_purpose was given"))
        }
        PurposeField::NotAllowed(text) => Err(Refusal::guard(
            Code::MessagePurposeNotAllowed,
            Action::Block,
            100,
            format!("the purpose {text:?} is not served"),
        )),
    }
}

/// 8: the day has room for one more.
pub(super) fn daily_limit(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    let Some(limits) = facts.limits else { return Ok(()) };
    let (limit, used) = (limits.daily, facts.usage.day);
    if used < limit {
        return Ok(());
    }
    let reason = format!("{used} of {limit} messages of {} are used", facts.period.day);
    Err(Refusal::guard(Code::DailyMessageLimitExceeded, Action::Block, 90, reason)
        .with(Extra::Limit { limit, used })
        .retry_after(facts.period.day_ends.since(facts.now)))
}

/// 8: the month has room for one more.
pub(super) fn monthly_limit(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    let Some(limits) = facts.limits else { return Ok(()) };
    let (limit, used) = (limits.monthly, facts.usage.month);
    if used < limit {
        return Ok(());
    }
    let reason = format!("{used} of {limit} messages of {} are used", facts.period.month);
    Err(Refusal::guard(Code::MonthlyMessageLimitExceeded, Action::Block, 90, reason)
        .with(Extra::Limit { limit, used })
        .retry_after(facts.period.month_ends.since(facts.now)))
}

/// 9: the recipient has not opted out and is not blocked.
pub(super) fn suppression(request: &Request, facts: &Facts, rules: &Rules) -> Verdict {
    let Some(why) = &facts.suppressed else { return Ok(()) };
    let excused =
        rules.suppressed_may_get_authentication && request.purpose == PurposeField::Allowed(Purpose::Authentication);
    if excused {
        return Ok(());
    }
    Err(Refusal::guard(Code::RecipientSuppressed, Action::Block, 100, format!("the recipient is suppressed: {why}")))
}

/// 10: rates of the instance and the recipient, authentication limits, behaviour (`pace.rs` counts).
pub(super) fn pace(request: &Request, facts: &Facts, rules: &Rules) -> Verdict {
    let throttled = |rate: &'static str, wait: Duration, reason: String| {
        Err(Refusal::guard(Code::SendingThrottled, Action::Throttle, 65, reason)
            .with(Extra::Rate(rate))
            .retry_after(wait))
    };
    let pace = &facts.pace;
    for (rate, wait) in [("instance", pace.instance_wait), ("recipient", pace.recipient_wait)] {
        if wait > rules.longest_wait() {
            let reason = format!("the {rate}'s next slot is in {} s", wait.as_secs().max(1));
            return throttled(rate, wait - rules.longest_wait(), reason);
        }
    }
    if let Some(wait) = pace.authentication_wait
        && request.purpose == PurposeField::Allowed(Purpose::Authentication)
    {
        let reason = format!("{} authentication messages to this recipient already", rules.authentication_limit);
        return throttled("authentication", wait, reason);
    }
    match pace.behaviour(rules) {
        // Who insists on it is told by the gate of the content.
        Some(signal) if !rules.observe && !facts.content.insisted => throttled(signal.name, signal.wait, signal.reason),
        _ => Ok(()),
    }
}

/// 11: nobody has paused the instance.
pub(super) fn pause(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    let Some(why) = facts.instance.as_ref().and_then(|i| i.paused.as_ref()) else { return Ok(()) };
    Err(Refusal::guard(
        Code::InstancePausedForReview,
        Action::PauseInstance,
        100,
        format!("the instance is paused for review: {why}"),
    ))
}

/// 12: the text is none that the content policy refuses.
pub(super) fn content(_: &Request, facts: &Facts, rules: &Rules) -> Verdict {
    let score = facts.content.total;
    if score < rules.refuse_score || rules.observe {
        return Ok(());
    }
    let ids: Vec<String> = facts.content.signals.iter().map(|s| s.id.to_string()).collect();
    let reason = format!("content score {score}: {}", ids.join(", "));
    Err(Refusal::guard(Code::PolicyViolation, Action::Block, score, reason).with(Extra::Signals(ids)))
}

/// What a refused template scores: it is advertising by its provider's own word.
const MARKETING_SCORE: u8 = 90;

/// 12, ours: no template that its provider holds for marketing.
pub(super) fn template(_: &Request, facts: &Facts, _: &Rules) -> Verdict {
    if !facts.is_marketing {
        return Ok(());
    }
    let reason = "the provider holds this template for a marketing template";
    Err(Refusal::guard(Code::PolicyViolation, Action::Block, MARKETING_SCORE, reason)
        .with(Extra::Signals(vec!["marketing_template".to_owned()])))
}

/// 12, ours: a provider with a window takes free text only within 24 hours of the recipient's last message or call to
/// this number.
pub(super) fn window(request: &Request, facts: &Facts, _: &Rules) -> Verdict {
    if !is_outside_window(request, facts) || goes_directly(request, facts) {
        return Ok(());
    }
    let offered = facts.instance.as_ref().and_then(|i| i.window_template.clone());
    let reason = "the recipient has not written within 24 hours; this provider takes only a template then";
    let reason = match &offered {
        Some(t) => format!("{reason}, such as {} in {}", t.name, t.language),
        None => reason.to_owned(),
    };
    let template = offered.map(|t| Box::new((t.name, t.language)));
    Err(Refusal { details: Details::Window { template }, ..Refusal::new(Code::ConversationWindowClosed, reason) })
}

/// Whether a message that its provider takes only within the window comes after it.
fn is_outside_window(request: &Request, facts: &Facts) -> bool {
    let has_window = facts.instance.as_ref().is_some_and(|i| i.capabilities.window_24h);
    let is_group = matches!(facts.address, Some(Address::Group(_)));
    let is_bound = has_window && !is_group && !matches!(request.draft, Draft::Template { .. });
    is_bound && !conversations::is_window_open(facts.window_opened_at, facts.now, WINDOW)
}

/// Whether the message goes after the window all the same: its provider makes a template of a text, perhaps with reply
/// buttons or a link, that is about something the recipient asked for. What people type is not: they answer.
pub(super) fn goes_directly(request: &Request, facts: &Facts) -> bool {
    let is_utility = matches!(request.purpose, PurposeField::Allowed(Purpose::Transactional | Purpose::Operational));
    let words = match &request.draft {
        Draft::Text(text) => text.as_str(),
        Draft::Structured(Structured::Buttons { text, .. } | Structured::Link { text, .. }) => text.as_str(),
        _ => return false,
    };
    let fits = words.chars().count() <= BUTTON_TEXT_MAX;
    let lets = facts.instance.as_ref().is_some_and(|i| i.sends_directly);
    lets && is_utility && fits && is_outside_window(request, facts)
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
