//! Who is meant: by number, by business-scoped user id, or both. Either may be missing; a name stands beside the
//! contacts of a value, not in the message.

use super::{Parsed, WebhookChange, id, list, text};
use crate::connectors::{EventKind, inbound_event::RemoteParty};
use serde_json::Value;

/// The least digits of a whole number in the world: Niue's, +683 and four.
const PHONE_MIN: usize = 7;
/// Longest word for somebody that is kept as a name, in characters.
const OTHER_MAX: usize = 128;

/// The one who wrote `message` or made a call.
pub(super) fn writer(change: &WebhookChange<'_>, message: &Value) -> RemoteParty {
    let mut sender = RemoteParty::default();
    for name in [&message["from"], &message["from_user_id"]].into_iter().filter_map(id) {
        add(&mut sender, &name);
    }
    let contacts = list(&change.value["contacts"]);
    let alone = contacts.len() == 1 && list(&change.value["messages"]).len() == 1;
    // A value with one message and one contact is about that one, even where their numbers are spelt differently.
    let same = |contact: &&Value| {
        let other = of_contact(contact);
        alone
            || (sender.phone.is_some() && sender.phone == other.phone)
            || (sender.bsuid.is_some() && sender.bsuid == other.bsuid)
    };
    if let Some(contact) = contacts.iter().find(same) {
        let other = of_contact(contact);
        sender.phone = sender.phone.or(other.phone);
        sender.bsuid = sender.bsuid.or(other.bsuid);
        sender.name = other.name;
    }
    let given = [&message["from"], &message["from_user_id"]];
    named(sender, &given)
}

/// Who is known by neither a number nor a hidden id goes by what is said in their place.
fn named(mut party: RemoteParty, given: &[&Value]) -> RemoteParty {
    if party.phone.is_none() && party.bsuid.is_none() {
        party.other = given.iter().find_map(|name| id(name)).filter(|name| name.chars().count() <= OTHER_MAX);
    }
    party
}

/// The one to whom a message of the number's own went. Where it does not say, the only contact beside it.
pub(super) fn receiver(change: &WebhookChange<'_>, message: &Value) -> RemoteParty {
    let mut receiver = RemoteParty::default();
    for name in [&message["to"], &message["to_user_id"], &message["recipient_id"]].into_iter().filter_map(id) {
        add(&mut receiver, &name);
    }
    let contacts = list(&change.value["contacts"]);
    let is_named = receiver.phone.is_some() || receiver.bsuid.is_some();
    let same = |other: &RemoteParty| {
        receiver.phone.is_some() && receiver.phone == other.phone
            || receiver.bsuid.is_some() && receiver.bsuid == other.bsuid
            || !is_named && contacts.len() == 1
    };
    if let Some(other) = contacts.iter().map(of_contact).find(same) {
        receiver.phone = receiver.phone.or(other.phone);
        receiver.bsuid = receiver.bsuid.or(other.bsuid);
    }
    let given = [&message["to"], &message["to_user_id"], &message["recipient_id"]];
    named(receiver, &given)
}

/// Contacts that link a number with a hidden id: a person who hides the number later is still known.
pub(super) fn known(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    for contact in list(&change.value["contacts"]) {
        let names = RemoteParty { name: None, ..of_contact(contact) };
        if names.phone.is_some() && names.bsuid.is_some() {
            told.push((change.at, EventKind::Person { names, former: RemoteParty::default() }));
        }
    }
}

/// `user_id_update`: a person's hidden id became another one, as it does when the number changes.
pub(super) fn updated(change: &WebhookChange<'_>, update: &Value) -> Option<EventKind> {
    let (mut names, mut former) = (RemoteParty::default(), RemoteParty::default());
    let wa_id = id(&update["wa_id"]);
    for (now, before) in [
        (&update["user_id"]["current"], &update["user_id"]["previous"]),
        (&update["user_id"]["new"], &update["user_id"]["old"]),
        (&update["current_user_id"], &update["previous_user_id"]),
        (&update["new_user_id"], &update["old_user_id"]),
        (&update["user_id"], &update["previous_user_id"]),
    ] {
        if let (Some(now), Some(before)) = (text(now), text(before)) {
            add(&mut names, &now);
            add(&mut former, &before);
            break;
        }
    }
    if let Some(wa_id) = wa_id {
        add(&mut names, &wa_id);
    }
    for contact in list(&change.value["contacts"]) {
        let other = of_contact(contact);
        if other.bsuid.is_some() && (other.bsuid == names.bsuid || other.bsuid == former.bsuid) {
            names.phone = names.phone.or(other.phone);
        }
    }
    (names.bsuid.is_some() && former.bsuid.is_some()).then_some(EventKind::Person { names, former })
}

/// `system` messages: somebody has another number, or another hidden id. The hidden id changes with the number, and a
/// note of that usually names nobody beside it: no `from`, no contact, only `previous_user_id`.
pub(super) fn moved(message: &Value) -> Option<EventKind> {
    let system = &message["system"];
    let (mut names, mut former) = (RemoteParty::default(), RemoteParty::default());
    for name in [&system["wa_id"], &system["user_id"], &system["new_wa_id"]].into_iter().filter_map(id) {
        add(&mut names, &name);
    }
    if let Some(previous) = id(&system["previous_user_id"]) {
        add(&mut former, &previous);
    }
    // Where only the hidden id changed, the number beside it is still theirs.
    let is_hidden_only = system["type"] == "user_changed_user_id";
    for name in [&message["from"], &message["from_user_id"]].into_iter().filter_map(id) {
        let still_theirs = is_hidden_only && !is_hidden(&name) || Some(&name) == names.bsuid.as_ref();
        add(if still_theirs { &mut names } else { &mut former }, &name);
    }
    // A name that stays is no former one.
    former.bsuid = former.bsuid.filter(|old| Some(old) != names.bsuid.as_ref());
    former.phone = former.phone.filter(|old| Some(old) != names.phone.as_ref());
    let is_some = |s: &RemoteParty| s.phone.is_some() || s.bsuid.is_some();
    (is_some(&names) && is_some(&former)).then_some(EventKind::Person { names, former })
}

/// Whom a message went to, as an answer's or a status's contact names them: the number as Meta knows it (`wa_id`), the
/// hidden id, or both.
pub(in crate::connectors::cloud_api) fn recipient(contact: &Value) -> RemoteParty {
    RemoteParty { name: None, ..of_contact(contact) }
}

/// A name and identities, as a value's contacts tell. Who shows no name is called by the name that they chose to be found
/// by.
fn of_contact(contact: &Value) -> RemoteParty {
    let profile = &contact["profile"];
    let name = text(&profile["name"])
        .or_else(|| text(&profile["username"]).map(|name| format!("@{}", name.trim_start_matches('@'))));
    let mut sender = RemoteParty { name, ..RemoteParty::default() };
    for name in [&contact["wa_id"], &contact["user_id"]].into_iter().filter_map(id) {
        add(&mut sender, &name);
    }
    sender
}

/// Adds what an id says: a number in digits, or a hidden id such as `US.13491208655302741918`.
pub(super) fn add(sender: &mut RemoteParty, name: &str) {
    let digits = name.strip_prefix('+').unwrap_or(name);
    if (PHONE_MIN..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        sender.phone.get_or_insert_with(|| format!("+{digits}"));
    } else if is_hidden(name) {
        sender.bsuid.get_or_insert_with(|| name.to_owned());
    }
}

/// Two letters of a country, a dot, and letters, digits and dots.
fn is_hidden(name: &str) -> bool {
    let Some((country, rest)) = name.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}
