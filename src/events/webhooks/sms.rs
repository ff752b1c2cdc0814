//! Events as a provider of text messages would tell a telephone system of them: an inbound message, in the shape that
//! 3CX's generic SMS provider reads. Pure but for the ids, which are made when the event is.

use super::{echo_ref::ChangedRef, event::Event};
use crate::model::{
    clock::Time,
    random::{Random, bytes},
};
use serde_json::json;

/// The event's bytes, if it is one that has this shape: a message that came in, or a test.
///
/// `number`: whom people wrote to, E.164; `at`: when they did. Who hides his number stands there as `contact:ID`, which is
/// also where an answer to him goes. A message with a file says what it is and where, behind its own text:
/// `[image] https://…`.
pub(super) fn body(event: &Event, number: &str, at: Time, random: &dyn Random) -> Option<String> {
    let (from, text) = match event {
        Event::MessageReceived { from, message_text, message_type, media, changed, .. } => {
            let hidden = || from.contact_id.map(|id| format!("contact:{id}"));
            let url = media.as_ref().and_then(|file| file["url"].as_str());
            let file = [&format!("[{message_type}]"), url.unwrap_or_default()].join(" ").trim_end().to_owned();
            let text = match message_text.as_deref().filter(|text| !text.is_empty()) {
                None => changed.as_ref().map_or(file, ChangedRef::taken_back),
                Some(text) if changed.is_some() => format!("[edited] {text}"),
                Some(text) if media.is_some() => format!("{text}\n{file}"),
                Some(text) => text.to_owned(),
            };
            (from.phone.clone().or_else(hidden)?, text)
        }
        Event::Test => (number.to_owned(), "This is a test of your endpoint.".to_owned()),
        _ => return None,
    };
    let message = json!({
        "id": uuid(random),
        "received_at": at,
        "from": {"phone_number": from},
        "to": [{"phone_number": number}],
        "text": text,
    });
    let data = json!({"event_type": "message.received", "id": uuid(random), "occurred_at": at, "payload": message});
    Some(json!({"data": data}).to_string())
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: &dyn Random) -> String {
    let mut raw = bytes::<16>(random);
    raw[6] = raw[6] & 0x0f | 0x40;
    raw[8] = raw[8] & 0x3f | 0x80;
    let hex: String = raw.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        events::webhooks::EventPerson,
        model::{ids::ContactId, random::SystemRandom},
    };
    use serde_json::Value;

    fn received(phone: Option<&str>, text: Option<&str>) -> Event {
        Event::MessageReceived {
            from: EventPerson { contact_id: Some(ContactId(7)), phone: phone.map(str::to_owned) },
            contact_name: None,
            message_type: "image".into(),
            message_text: text.map(str::to_owned),
            message_id: "inb_1".into(),
            provider_message_id: "x".into(),
            conversation_id: 1,
            sequence: 1,
            reply_to: None,
            media: None,
            raw: None,
            changed: None,
            is_standby: false,
        }
    }

    fn shaped(event: &Event) -> Option<Value> {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        let text = body(event, "+966112345678", now, &SystemRandom)?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn a_message_has_the_providers_shape() {
        let found = shaped(&received(Some("+966501234567"), Some("Hello"))).expect("a message");
        let payload = &found["data"]["payload"];
        assert_eq!(found["data"]["event_type"], "message.received");
        assert_eq!(payload["from"]["phone_number"], "+966501234567");
        assert_eq!(payload["to"], json!([{"phone_number": "+966112345678"}]));
        assert_eq!(payload["text"], "Hello");
        assert_eq!(payload["received_at"], "2026-06-01T08:00:00Z");
        assert_ne!(found["data"]["id"], payload["id"]);
        let id = payload["id"].as_str().expect("an id");
        assert!(id.len() == 36 && &id[14..15] == "4", "{id}");
    }

    #[test]
    fn hidden_numbers_and_messages_without_text_are_told_as_well_as_can_be() {
        let found = shaped(&received(None, None)).expect("a message");
        assert_eq!(found["data"]["payload"]["from"]["phone_number"], "contact:7");
        assert_eq!(found["data"]["payload"]["text"], "[image]");
        let mut with_file = received(Some("+966501234567"), Some("The roof"));
        let Event::MessageReceived { media, .. } = &mut with_file else { unreachable!() };
        *media = Some(json!({"type": "image", "url": "https://wa.example.com/media/abc"}));
        let found = shaped(&with_file).expect("a message");
        assert_eq!(found["data"]["payload"]["text"], "The roof\n[image] https://wa.example.com/media/abc");
        assert!(shaped(&Event::Test).is_some());
        assert!(shaped(&Event::InstanceConnected { phone: None }).is_none());
    }
}
