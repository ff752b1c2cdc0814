//! A number that others write from, too: its own phone (the Business app beside the Cloud API), and Meta's own agent.
//!
//! Each field is kept as news besides, where it holds more than messages: nothing of it goes without a trace.

use super::{Parsed, WebhookChange, id, is_own, list, message, news_of, people, status, text, time};
use crate::connectors::{
    EventKind,
    inbound_event::{RemoteParty, Told},
};
use crate::model::message::EchoOrigin;
use serde_json::Value;

/// `smb_message_echoes`: what was written on the number's own phone.
pub(super) fn echoes(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let before = told.len();
    people::known(change, told);
    for name in ["message_echoes", "messages"] {
        for one in list(&change.value[name]) {
            message::echo(change, one, (EchoOrigin::Phone, Told::Live), told);
        }
    }
    kept_whole(change, before, told);
}

/// `history`: the chats that the phone held before, in parts, newest first; or that its owner does not share them. A file
/// of then comes later by itself, as a message beside the parts.
pub(super) fn history(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let before = told.len();
    for part in list(&change.value["history"]) {
        for thread in list(&part["threads"]) {
            for one in list(&thread["messages"]) {
                old(change, thread, one, told);
            }
        }
        if !list(&part["errors"]).is_empty() {
            told.push(news_of(change, "history", &part["errors"], None, Vec::new()));
        }
    }
    for one in list(&change.value["messages"]) {
        old(change, &Value::Null, one, told);
    }
    kept_whole(change, before, told);
}

/// One message of a thread, whose id is the other side's.
fn old(change: &WebhookChange<'_>, thread: &Value, one: &Value, told: &mut Vec<Parsed>) {
    let mut whole = one.clone();
    let is_ours = is_own(change, one) || one["history_context"]["from_me"] == true;
    let other = if is_ours { "to" } else { "from" };
    if let Some(members) = whole.as_object_mut() {
        members.remove("history_context");
        if id(&members.get(other).cloned().unwrap_or_default()).is_none() && !thread["id"].is_null() {
            members.insert(other.to_owned(), thread["id"].clone());
        }
    }
    match is_ours {
        true => message::echo(change, &whole, (EchoOrigin::Phone, Told::History), told),
        false => message::read(change, &whole, Told::History, told),
    }
}

/// `smb_app_state_sync`: the phone's address book. It names those whom we know; nobody becomes a contact by it.
pub(super) fn address_book(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let before = told.len();
    for one in list(&change.value["state_sync"]) {
        let contact = &one["contact"];
        let mut names = RemoteParty { name: text(&contact["full_name"]), ..RemoteParty::default() };
        names.name = names.name.or_else(|| text(&contact["first_name"]));
        for name in [&contact["phone_number"], &contact["user_id"]].into_iter().filter_map(id) {
            people::add(&mut names, &name);
        }
        let is_named = names.name.is_some() && (names.phone.is_some() || names.bsuid.is_some());
        let person = EventKind::Person { names, former: RemoteParty::default() };
        let then = if is_named && one["action"] != "remove" { vec![person] } else { Vec::new() };
        let (_, what) = news_of(change, change.field, one, None, then);
        told.push((time(&one["metadata"]["timestamp"]).unwrap_or(change.at), what));
    }
    kept_whole(change, before, told);
}

/// `standby`: what is written while Meta's agent has the conversation, by either side; sources disagree whether below a
/// member of that name or as in `messages`.
pub(super) fn standby(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let before = told.len();
    let below = list(&change.value["standby"]);
    for one in if below.is_empty() { std::slice::from_ref(change.value) } else { below } {
        let mut value = one.clone();
        if let Some(members) = value.as_object_mut() {
            for beside in ["metadata", "contacts"] {
                if !change.value[beside].is_null() {
                    members.entry(beside).or_insert_with(|| change.value[beside].clone());
                }
            }
        }
        stood_by(&WebhookChange { value: &value, ..*change }, told);
    }
    kept_whole(change, before, told);
}

fn stood_by(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    people::known(change, told);
    for one in list(&change.value["messages"]) {
        message::read(change, one, Told::Standby, told);
    }
    for one in list(&change.value["message_echoes"]) {
        message::echo(change, one, (EchoOrigin::Agent, Told::Live), told);
    }
    for one in list(&change.value["statuses"]) {
        status::read(change, one, told);
    }
}

/// `messaging_handovers`: who has a conversation from now on. The role that is named first is the former one.
pub(super) fn handover(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let (value, passed) = (change.value, &change.value["control_passed"]);
    let mut with = RemoteParty::default();
    for name in [&value["sender"]["phone_number"], &value["sender"]["wa_id"], &value["sender"]["user_id"]] {
        id(name).into_iter().for_each(|name| people::add(&mut with, &name));
    }
    let is_agent = |names: [&str; 2]| {
        let words = names.into_iter().filter_map(|name| passed[name].as_str());
        words.map(str::to_ascii_lowercase).any(|word| word.contains("agent") || word == "mba")
    };
    let to_agent = is_agent(["new_owner_role", "new_owner_app_role"]);
    let from_agent = is_agent(["previous_owner_role", "previous_owner_app_role"]);
    let is_known = value["control_passed"].is_object() && (to_agent || from_agent);
    let by = to_agent.then_some(EchoOrigin::Agent);
    let then = if is_known { vec![EventKind::Held { with, by }] } else { Vec::new() };
    let (_, what) = news_of(change, change.field, value, None, then);
    told.push((time(&value["timestamp"]).unwrap_or(change.at), what));
}

/// A value of which nothing was understood is kept as it came.
fn kept_whole(change: &WebhookChange<'_>, before: usize, told: &mut Vec<Parsed>) {
    if told.len() == before {
        told.push(news_of(change, change.field, change.value, None, Vec::new()));
    }
}
