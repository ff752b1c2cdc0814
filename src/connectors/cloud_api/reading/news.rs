//! Changes that are no messages: groups, templates, people's names, and what Meta says about number and account.

use super::{Parsed, WebhookChange, capitals, id, list, news_of, people, text, time, word};
use crate::{
    connectors::{
        ConnectionStatus, EventKind,
        provider_text::repeated,
        templates::{Category, TemplateChange, TemplateName},
    },
    model::instance::{Health, InstanceState},
};
use serde_json::Value;

/// Reads a change by its field; every one of them is kept.
pub(super) fn read(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    match change.field {
        "group_lifecycle_update" | "group_settings_update" | "group_participants_update" | "group_status_update" => {
            groups(change, told);
        }
        "user_id_update" => names(change, told),
        "message_template_status_update" | "message_template_quality_update" | "template_category_update" => {
            template(change, told);
        }
        _ => {
            let then = closed(change).into_iter().collect();
            told.push(news_of(change, change.field, change.value, alarm(change), then));
        }
    }
}

/// The account is gone or disabled: nothing goes any more, and a person must see to it.
fn closed(change: &WebhookChange<'_>) -> Option<EventKind> {
    let value = change.value;
    let is_gone = change.field == "account_update"
        && match &*capitals(&value["event"]) {
            "ACCOUNT_DELETED" => true,
            "DISABLED_UPDATE" => ban_state(value).as_deref() == Some("DISABLE"),
            _ => false,
        };
    let reason = Some("Meta has disabled or deleted this business account".to_owned());
    let closed =
        ConnectionStatus { state: InstanceState::Close, health: Health::Ok, reason, phone: None, last_heard_at: None };
    is_gone.then_some(EventKind::State(closed))
}

/// Whether a ban, or the announcement of one, is over.
fn is_reinstated(value: &Value) -> bool {
    ban_state(value).as_deref() == Some("REINSTATE")
}

fn ban_state(value: &Value) -> Option<String> {
    let state = &value["ban_info"]["waba_ban_state"];
    word(&state[0]).or_else(|| word(state)).map(|word| word.to_ascii_uppercase())
}

/// Groups. The field decides: Meta's own examples carry a wrong type beside it.
fn groups(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let all = list(&change.value["groups"]);
    if all.is_empty() {
        told.push(news_of(change, change.field, change.value, None, Vec::new()));
    }
    for group in all {
        let follows = id(&group["group_id"]).map_or_else(Vec::new, |group_id| {
            let what = |word: &&str| EventKind::GroupUpdated {
                group_id: group_id.clone(),
                group_name: subject(group).unwrap_or_default(),
                change: (*word).to_owned(),
            };
            changes(change.field, group).iter().map(what).collect()
        });
        let (_, what) = news_of(change, change.field, group, None, follows);
        told.push((time(&group["timestamp"]).unwrap_or(change.at), what));
    }
}

/// What changed about a group, in the words of the contract.
fn changes(field: &str, group: &Value) -> Vec<&'static str> {
    // What was asked for and did not happen changed nothing.
    if group["errors"].as_array().is_some_and(|errors| !errors.is_empty()) {
        return Vec::new();
    }
    match field {
        "group_lifecycle_update" | "group_participants_update" => vec!["participants"],
        "group_status_update" => vec!["read_only"],
        _ => [
            (&["subject", "group_subject"][..], "subject"),
            (&["description", "group_description"], "description"),
            (&["profile_picture"], "picture"),
        ]
        .into_iter()
        .filter(|(members, _)| members.iter().any(|m| !group[*m].is_null() && group[*m]["update_successful"] != false))
        .map(|(_, word)| word)
        .collect(),
    }
}

fn subject(group: &Value) -> Option<String> {
    text(&group["subject"]).or_else(|| text(&group["group_subject"])).or_else(|| text(&group["group_subject"]["text"]))
}

/// People whose hidden ids changed.
fn names(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let listed = [&change.value["user_id_update"], &change.value["user_id_updates"]];
    let all = listed.into_iter().find_map(Value::as_array).map_or(std::slice::from_ref(change.value), Vec::as_slice);
    for update in all {
        let then = people::updated(change, update).into_iter().collect();
        let (_, what) = news_of(change, change.field, update, None, then);
        told.push((time(&update["timestamp"]).unwrap_or(change.at), what));
    }
}

/// What Meta tells of one template.
fn template(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let value = change.value;
    let name = |name: &str| text(&value[name]).unwrap_or_default();
    let named = TemplateName::parse(&name("message_template_name"), &name("message_template_language"));
    let small = |name: &str| word(&value[name]).map(|word| word.to_ascii_lowercase());
    // A coming change is told a day before, with the category that holds until then.
    let category = small("new_category").or_else(|| small("message_template_category"));
    let changed = named.map(|template| TemplateChange {
        template,
        category: category.map(|word| Category::parse(&word).unwrap_or(Category::Other)),
        status: (change.field == "message_template_status_update").then(|| small("event").map(state_after)).flatten(),
        quality: small("new_quality_score"),
        reason: small("reason").filter(|reason| reason != "none"),
    });
    if let Some(changed) = changed {
        told.push((change.at, EventKind::TemplateChanged(changed)));
    }
    told.push(news_of(change, change.field, value, alarm(change), Vec::new()));
}

/// The state that a template is in after what happened to it.
fn state_after(event: String) -> String {
    match event.as_str() {
        "reinstated" | "unarchived" => "approved".to_owned(),
        _ => event,
    }
}

/// What is told of an account that harms nobody.
const HARMLESS: [&str; 15] = [
    "VOLUME_BASED_PRICING_TIER_UPDATE",
    "PARTNER_ADDED",
    "PARTNER_APP_INSTALLED",
    "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
    "MM_LITE_TERMS_SIGNED",
    "AD_ACCOUNT_LINKED",
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
    "ACCOUNT_RECONNECTED",
    "VERIFIED_ACCOUNT",
    "BUSINESS_VERIFICATION_STATUS_UPDATE",
    "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
    "PHONE_NUMBER_ADDED",
    "ACCOUNT_RESTORED",
    "REINSTATE",
    "",
];

/// The states of a template in which it cannot be sent, or will soon be none.
const TEMPLATE_TROUBLE: [&str; 8] =
    ["REJECTED", "PAUSED", "DISABLED", "FLAGGED", "ARCHIVED", "PENDING_DELETION", "LOCKED", "LIMIT_EXCEEDED"];

/// What happened to an account: the violation, the ban, each restriction with its end.
fn account_trouble(value: &Value, event: String) -> Vec<String> {
    let mut parts = vec![
        event,
        word(&value["violation_info"]["violation_type"]).unwrap_or_default(),
        ban_state(value).unwrap_or_default(),
        text(&value["ban_info"]["waba_ban_date"]).unwrap_or_default(),
        word(&value["disconnection_info"]["reason"]).unwrap_or_default(),
    ];
    for one in list(&value["restriction_info"]) {
        let Some(kind) = word(&one["restriction_type"]) else { continue };
        let until = time(&one["expiration"]).map(|end| format!(" until {}", end.rfc3339()));
        parts.push(format!("{kind}{}", until.unwrap_or_default()));
    }
    parts
}

/// An alert about the account, in the shape of today (`alert_info`) or in the older one. One that is over is none, nor is
/// what Meta itself calls mere information.
fn alert(value: &Value) -> Option<String> {
    let info = list(&value["alert_info"]).first().unwrap_or(value);
    let is = |member: &str, words: &[&str]| words.contains(&&*capitals(&info[member]));
    if is("alert_status", &["RESOLVED", "NONE", "INACTIVE"]) || is("alert_severity", &["INFORMATIONAL"]) {
        return None;
    }
    let description = text(&info["alert_description"]);
    let parts = [word(&info["alert_severity"]), word(&info["alert_type"]), description];
    let words = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    // Whatever its shape is: that there is an alert is news.
    Some(repeated(if words.is_empty() { "an alert that Meta does not name" } else { &words }))
}

/// What the owner should know, in Meta's words.
fn alarm(change: &WebhookChange<'_>) -> Option<String> {
    let value = change.value;
    let event = capitals(&value["event"]);
    let name = word(&value["message_template_name"]).unwrap_or_default();
    let parts = match change.field {
        "phone_number_quality_update"
            if !["UNFLAGGED", "UPGRADE", "ONBOARDING", "THROUGHPUT_UPGRADE"].contains(&&*event) =>
        {
            vec![event, word(&value["current_limit"]).unwrap_or_default()]
        }
        "account_update" if !HARMLESS.contains(&&*event) && !is_reinstated(value) => account_trouble(value, event),
        "account_alerts" => return alert(value),
        "phone_number_name_update" if capitals(&value["decision"]) != "APPROVED" => {
            let name = text(&value["requested_verified_name"]).map(|name| name.chars().take(80).collect());
            let decision = word(&value["decision"]).unwrap_or_default();
            vec![name.unwrap_or_default(), decision, word(&value["rejection_reason"]).unwrap_or_default()]
        }
        "template_correct_category_detection" => {
            let category = word(&value["correct_category"]).or_else(|| word(&value["new_category"]));
            vec![name, category.unwrap_or_default()]
        }
        "account_review_update" if capitals(&value["decision"]) != "APPROVED" => {
            vec![word(&value["decision"]).unwrap_or_default()]
        }
        "message_template_status_update" if TEMPLATE_TROUBLE.contains(&&*event) => {
            vec![name, event, word(&value["reason"]).unwrap_or_default()]
        }
        "template_category_update" if capitals(&value["correct_category"]) == "MARKETING" => {
            vec![name, "MARKETING".to_owned()]
        }
        "security" => vec![event],
        _ => return None,
    };
    let words = parts.into_iter().filter(|part| !part.is_empty() && part != "NONE").collect::<Vec<_>>().join(", ");
    Some(repeated(&words))
}
