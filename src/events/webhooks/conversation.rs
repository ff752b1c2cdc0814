//! Which events keep their order at a broker: those of one conversation, by a number that is the same for all of them.
//! What is told of an instance is a conversation of its own.

use super::event::{Event, EventPerson};
use crate::model::ids::InstanceId;
use sha2::{Digest, Sha256};

/// The number of the conversation that an event belongs to. Two that share one, which is unlikely, wait for each other.
pub(super) fn number(event: &Event, instance: &InstanceId) -> i64 {
    let whose = format!("{instance} {}", with_whom(event));
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(whose));
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// With whom, within the instance.
fn with_whom(event: &Event) -> String {
    match event {
        Event::MessageReceived { from, .. }
        | Event::RecipientOptedOut { from, .. }
        | Event::ConversationUpdated { from, .. }
        | Event::Call { from, .. }
        | Event::CallRejected { from, .. } => person(from, ""),
        Event::MessageSent(m)
        | Event::MessageFailed(m, _)
        | Event::MessageDelivered(m)
        | Event::MessageRead(m)
        | Event::MessageStatusUpdated(m, _) => person(&m.to, &m.recipient),
        Event::MessageEchoed(echo) => echo.group_id.clone().unwrap_or_else(|| person(&echo.to, "")),
        Event::GroupMessageReceived { group_id, .. } | Event::GroupUpdated { group_id, .. } => group_id.clone(),
        Event::InstanceConnected { .. }
        | Event::InstanceDisconnected { .. }
        | Event::InstanceConnectionUpdated { .. }
        | Event::InstanceQrUpdated { .. }
        | Event::Test => String::new(),
    }
}

/// A person by the number that they have here; a group has none, and goes by its own id.
fn person(person: &EventPerson, otherwise: &str) -> String {
    let contact = person.contact_id.map(|id| format!("contact {id}"));
    contact.or_else(|| person.phone.clone()).unwrap_or_else(|| otherwise.to_owned())
}

/// Whether the log's recipient is a group or a channel. Meta's own ids have no server, and are longer than any number.
pub(super) fn is_group(recipient: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"_-=".contains(&b);
    let is_metas = recipient.len() >= 20 && recipient.bytes().all(is_letter);
    recipient.ends_with("@g.us") || recipient.ends_with("@newsletter") || is_metas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{ContactId, LogId};

    #[test]
    fn groups_and_channels_are_none_of_the_people() {
        for (recipient, is) in [
            ("120363000000000001@g.us", true),
            ("120363000000000001@newsletter", true),
            ("Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM", true),
            ("+966501234567", false),
            ("contact:900000000000000001", false),
            ("US.13491208655302741918", false),
        ] {
            assert_eq!(is_group(recipient), is, "{recipient}");
        }
    }

    #[test]
    fn what_belongs_together_has_one_number() {
        let (one, other) = (InstanceId::from_text("main"), InstanceId::from_text("shop"));
        let who = |id| EventPerson { contact_id: Some(ContactId(id)), phone: Some("+966501234567".into()) };
        let heard = |id| Event::RecipientOptedOut { from: who(id), message_text: String::new() };
        let sent = |to, recipient: &str| {
            Event::MessageSent(super::super::OutboundRef {
                log_id: LogId(1),
                message_id: String::new(),
                provider_message_id: None,
                reference: None,
                to,
                recipient: recipient.into(),
                message_purpose: String::new(),
                message_text: String::new(),
                source: String::new(),
                changed: None,
            })
        };
        let nobody = EventPerson { contact_id: None, phone: None };
        let group = Event::GroupUpdated { group_id: "g@g.us".into(), group_name: String::new(), change: "x".into() };
        assert_eq!(number(&heard(7), &one), number(&sent(who(7), "+966501234567"), &one));
        assert_eq!(number(&group, &one), number(&sent(nobody, "g@g.us"), &one));
        assert_eq!(number(&Event::Test, &one), number(&Event::InstanceConnected { phone: None }, &one));
        let all = [number(&heard(7), &one), number(&heard(8), &one), number(&heard(7), &other), number(&group, &one)];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), 4);
        // Stored with what waits, so it must not change from one version to the next.
        assert_eq!(number(&Event::Test, &one), 9_046_449_138_735_172_158);
    }
}
