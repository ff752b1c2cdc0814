//! What a telephone system says: the ten event types, and the fields of a request under all the names that 3CX's tools
//! give them. Pure. Values may be texts, numbers or booleans: those tools send everything as text.

use crate::{
    model::{
        phone::{Phone, PhoneError, PhoneReading, Recipient},
        string_enum::string_enum,
        text,
    },
    sending::request::MAX_CHARS,
};
use serde_json::{Map, Value};

string_enum! {
    /// The event types of the contract.
    EventType {
        /// Checks the set-up; sends nothing.
        Test = "test",
        /// An agent's reply.
        OutboundMessage = "outbound_message",
        /// An agent's reply, too.
        InboundReply = "inbound_reply",
        /// Nobody answered.
        MissedCall = "missed_call",
        /// A call began; recorded.
        CallStarted = "call_started",
        /// A call ended.
        CallEnded = "call_ended",
        /// Somebody spoke to the machine.
        Voicemail = "voicemail",
        /// Something about a queue; recorded.
        QueueEvent = "queue_event",
        /// Somebody asked a queue to call back.
        QueueCallback = "queue_callback",
        /// Somebody called while nobody is there.
        AfterHours = "after_hours",
    }
}

/// What is to be done about an event type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventAction {
    /// Say what is configured.
    Test,
    /// Send what an agent wrote.
    Reply,
    /// Send the event's template.
    Call,
    /// Keep it in the log.
    Recorded,
}

impl EventType {
    /// The five that send a template, in the order of the documents.
    pub const WITH_TEMPLATE: [Self; 5] =
        [Self::MissedCall, Self::Voicemail, Self::CallEnded, Self::QueueCallback, Self::AfterHours];

    /// What is to be done about it.
    pub const fn kind(self) -> EventAction {
        match self {
            Self::Test => EventAction::Test,
            Self::OutboundMessage | Self::InboundReply => EventAction::Reply,
            Self::MissedCall | Self::Voicemail | Self::CallEnded | Self::QueueCallback | Self::AfterHours => {
                EventAction::Call
            }
            Self::CallStarted | Self::QueueEvent => EventAction::Recorded,
        }
    }

    /// What 3CX's call journal calls it, for its `CallType`: a call that nobody took is missed, a call that somebody
    /// took has ended when the journal tells of it.
    fn of_journal(text: &str) -> Option<Self> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("Missed") || is("Notanswered") {
            return Some(Self::MissedCall);
        }
        (is("Inbound") || is("Outbound")).then_some(Self::CallEnded)
    }
}

/// Where the customer's number may stand; the first that is a number counts.
const PHONES: [&str; 8] = ["to", "from", "customer_phone", "caller", "phone", "number", "callerid", "Number"];
/// Where an agent's pictures may stand, one address or a list of them.
const FILES: [&str; 6] = ["media_urls", "media_url", "mediaUrls", "mediaUrl", "media", "attachments"];
const TEXTS: [&str; 4] = ["message_text", "message", "text", "body"];
/// Longest value of a side field, in characters; more is cut.
const SIDE_MAX: usize = 100;

/// One request, its fields under one name each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreecxEvent {
    /// What happened; else how it was called.
    pub event_type: Result<EventType, String>,
    phones: Vec<String>,
    /// What an agent wrote.
    pub text: Text,
    /// The addresses of files that an agent attached; what is attached in another way is an empty one.
    pub files: Vec<String>,
    /// Why, as it was stated.
    pub purpose: Option<String>,
    /// 3CX's own name of the chat.
    pub conversation_id: Option<String>,
    /// Who speaks for the business.
    pub agent_extension: Option<String>,
    /// Where the caller waited.
    pub queue: Option<String>,
    /// When the call was, as it was sent.
    pub call_time: Option<String>,
}

/// The text of a reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text {
    /// None, or nothing but space.
    Missing,
    /// Too long for a message, or with a NUL.
    Malformed,
    /// As it was written.
    Given(String),
}

impl ThreecxEvent {
    /// What a request to the webhook says.
    pub fn of_webhook(object: &Map<String, Value>) -> Self {
        Self { event_type: event_type(object), phones: texts(object, &PHONES), ..Self::common(object) }
    }

    /// What a provider of text messages is asked to send: always an agent's reply to `to`; `from` is the trunk.
    pub fn of_sms(object: &Map<String, Value>) -> Self {
        let purpose = Some("support".to_owned());
        Self { phones: texts(object, &["to"]), purpose, ..Self::common(object) }
    }

    fn common(object: &Map<String, Value>) -> Self {
        let side = |name: &str| first(object, &[name]).map(|text| short(&text));
        Self {
            event_type: Ok(EventType::OutboundMessage),
            phones: Vec::new(),
            text: message_text(object),
            files: FILES.iter().filter_map(|name| object.get(*name)).flat_map(files).collect(),
            purpose: first(object, &["message_purpose"]),
            conversation_id: side("conversation_id"),
            agent_extension: side("agent_extension"),
            queue: side("queue"),
            call_time: side("call_time"),
        }
    }

    /// The customer: the first of the fields that is a number (or `contact:ID`, for people who hide theirs).
    pub fn recipient(&self, how: PhoneReading) -> Option<Recipient> {
        self.meant().find_map(|text| Recipient::parse(text, how).ok())
    }

    /// Why the first of the fields is no number, where none is; of a reply, the number that was meant.
    pub fn no_recipient(&self, how: PhoneReading) -> Option<PhoneError> {
        let all: Vec<&str> = self.meant().collect();
        let last = all.last().filter(|text| self.is_reply() && is_meant_as_number(text));
        last.or(all.first()).and_then(|text| Recipient::parse(text, how).err())
    }

    /// The fields that are looked at. An agent writes to one person: behind a number that was meant, and may be mistyped,
    /// nobody else's is taken. A call has extensions and trunks beside the caller.
    fn meant(&self) -> impl Iterator<Item = &str> {
        let is_reply = self.is_reply();
        let end = self.phones.iter().position(|text| is_reply && is_meant_as_number(text));
        self.phones.iter().take(end.map_or(usize::MAX, |end| end + 1)).map(String::as_str)
    }

    fn is_reply(&self) -> bool {
        matches!(self.event_type, Ok(EventType::OutboundMessage | EventType::InboundReply))
    }
}

/// Whether a text is no extension and no name: seven digits, or a plus.
fn is_meant_as_number(text: &str) -> bool {
    text.contains('+') || text.chars().filter(|c| c.is_numeric()).count() >= 7
}

/// For people: enough of a recipient to tell them by.
pub fn masked(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Phone(phone) => Phone::masked(phone),
        Recipient::Contact(_) | Recipient::Group(_) => recipient.to_string(),
    }
}

fn event_type(object: &Map<String, Value>) -> Result<EventType, String> {
    let found = ["event_type", "event", "CallType"].iter().find_map(|name| Some((*name, text(object.get(*name)?)?)));
    let Some((name, text)) = found else { return Err(String::new()) };
    let journal = || if name == "CallType" { EventType::of_journal(&text) } else { None };
    EventType::parse(&text).or_else(journal).ok_or_else(|| short(&text))
}

fn message_text(object: &Map<String, Value>) -> Text {
    match first(object, &TEXTS) {
        None => Text::Missing,
        Some(text) if text.chars().count() > MAX_CHARS || text.contains('\0') => Text::Malformed,
        Some(text) => Text::Given(text),
    }
}

/// The addresses in a value: a text, a list of texts, or of objects with a `url`. Nothing that is there is passed over.
fn files(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()).into_iter().collect(),
        Value::Array(all) => all.iter().flat_map(files).collect(),
        Value::Object(one) => vec![one.get("url").and_then(Value::as_str).unwrap_or_default().to_owned()],
        _ => vec![String::new()],
    }
}

fn first(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(object.get(*name)?))
}

fn texts(object: &Map<String, Value>, names: &[&str]) -> Vec<String> {
    names.iter().filter_map(|name| text(object.get(*name)?)).collect()
}

/// A text, number or boolean as text; none for anything else and for what shows nothing.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text::is_blank(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Without what could break a line of a log or a message, and not endless.
fn short(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(SIDE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(value: Value) -> ThreecxEvent {
        ThreecxEvent::of_webhook(value.as_object().expect("an object"))
    }

    fn phone(value: Value) -> Option<String> {
        event(value).recipient(PhoneReading::default()).map(|r| r.to_string())
    }

    #[test]
    fn event_types_and_their_aliases() {
        use EventType as E;
        for each in E::ALL {
            assert_eq!(event(json!({"event_type": each})).event_type, Ok(*each));
            assert_eq!(event(json!({"event": each})).event_type, Ok(*each));
            assert_eq!(event(json!({"CallType": each})).event_type, Ok(*each));
        }
        assert_eq!(E::ALL.len(), 10);
        for (word, expected) in [
            ("Missed", E::MissedCall),
            ("Notanswered", E::MissedCall),
            ("notanswered", E::MissedCall),
            ("Inbound", E::CallEnded),
            ("Outbound", E::CallEnded),
        ] {
            assert_eq!(event(json!({"CallType": word})).event_type, Ok(expected));
            // Only the journal speaks so.
            assert!(event(json!({"event_type": word})).event_type.is_err());
        }
        for (body, said) in [
            (json!({}), ""),
            (json!({"event_type": null}), ""),
            (json!({"event_type": "Test"}), "Test"),
            (json!({"event_type": "test "}), "test"),
            (json!({"event_type": {"a": 1}}), ""),
            (json!({"event_type": "dial", "event": "test"}), "dial"),
        ] {
            assert_eq!(event(body.clone()).event_type, Err(said.to_owned()), "{body}");
        }
        assert_eq!(event(json!({"event_type": null, "event": "test"})).event_type, Ok(E::Test));
    }

    #[test]
    fn the_first_field_that_is_a_number_is_the_customer() {
        let (a, b) = ("+966500000001", "+966500000002");
        for pair in PHONES.windows(2) {
            assert_eq!(phone(json!({pair[1]: b, pair[0]: a})).as_deref(), Some(a), "{pair:?}");
            assert_eq!(phone(json!({pair[1]: b, pair[0]: null})).as_deref(), Some(b), "{pair:?}");
            assert_eq!(phone(json!({pair[1]: b, pair[0]: "101"})).as_deref(), Some(b), "an extension is no number");
        }
        assert_eq!(phone(json!({"to": 966_500_000_001_i64})).as_deref(), Some(a));
        assert_eq!(phone(json!({"to": "contact:12"})).as_deref(), Some("contact:12"));
        for none in [json!({}), json!({"to": ""}), json!({"to": "anonymous"}), json!({"to": ["+966500000001"]})] {
            assert_eq!(phone(none), None);
        }
    }

    #[test]
    fn behind_a_number_that_an_agent_mistyped_nobody_elses_is_taken() {
        let b = "+966500000002";
        for meant in ["+96650999000", "966500000120.0", "9.66E+11", "+999123456789", "+966 50 999 00"] {
            for kind in ["outbound_message", "inbound_reply"] {
                let said = event(json!({"event_type": kind, "to": meant, "from": b}));
                assert_eq!(said.recipient(PhoneReading::default()), None, "{meant}");
                let why = said.no_recipient(PhoneReading::default());
                assert_eq!(why, Recipient::parse(meant, PhoneReading::default()).err(), "{meant}");
            }
            let call = json!({"event_type": "missed_call", "to": meant, "from": b});
            assert_eq!(phone(call).as_deref(), Some(b), "a trunk is no customer");
        }
        for named in ["101", "abc", "anonymous"] {
            assert_eq!(phone(json!({"event_type": "outbound_message", "to": named, "from": b})).as_deref(), Some(b));
        }
    }

    #[test]
    fn a_provider_of_texts_is_asked_to_write_to_the_customer_alone() {
        let object = json!({"from": "+966500000001", "text": "Hello", "event_type": "missed_call"});
        let event = ThreecxEvent::of_sms(object.as_object().expect("an object"));
        assert_eq!(event.event_type, Ok(EventType::OutboundMessage));
        assert_eq!(event.recipient(PhoneReading::default()), None, "the trunk is nobody to write to");
        assert_eq!(event.purpose.as_deref(), Some("support"));
    }

    #[test]
    fn texts_and_side_fields() {
        for (body, expected) in [
            (json!({"message_text": "a", "message": "b"}), Text::Given("a".into())),
            (json!({"message_text": "\u{200b}", "message": "\u{2800}"}), Text::Missing),
            (json!({"message_text": " ", "message": "b"}), Text::Given("b".into())),
            (json!({"text": "c", "body": "d"}), Text::Given("c".into())),
            (json!({"body": 12}), Text::Given("12".into())),
            (json!({"body": true}), Text::Given("true".into())),
            (json!({"message": ["a"]}), Text::Missing),
            (json!({"message": "م".repeat(4096)}), Text::Given("م".repeat(4096))),
            (json!({"message": "م".repeat(4097)}), Text::Malformed),
            (json!({"message": "a\0b"}), Text::Malformed),
        ] {
            assert_eq!(event(body).text, expected);
        }
        let event = event(json!({"agent_extension": 101, "queue": "Sales\n{{x}}", "conversation_id": "x".repeat(300)}));
        assert_eq!(event.agent_extension.as_deref(), Some("101"));
        assert_eq!(event.queue.as_deref(), Some("Sales{{x}}"));
        assert_eq!(event.conversation_id.map(|id| id.len()), Some(SIDE_MAX));
    }

    #[test]
    fn files_are_found_wherever_they_stand() {
        for (body, found) in [
            (json!({"media_urls": ["https://pbx.example/f.jpg"]}), vec!["https://pbx.example/f.jpg"]),
            (json!({"media_urls": ["https://a/1.jpg", "https://a/2.jpg"]}), vec!["https://a/1.jpg", "https://a/2.jpg"]),
            (json!({"media_urls": "https://a/1.jpg"}), vec!["https://a/1.jpg"]),
            (json!({"media": [{"url": "https://a/1.jpg", "content_type": "image/jpeg"}]}), vec!["https://a/1.jpg"]),
            (json!({"attachments": [{"id": 5}]}), vec![""]),
            (json!({"media_url": 5}), vec![""]),
            (json!({"media_urls": [], "media": null, "media_url": " "}), vec![]),
        ] {
            assert_eq!(event(body.clone()).files, found, "{body}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,30}".prop_map(Value::from),
            "[+0-9 ()-]{0,20}".prop_map(Value::from),
            Just(json!([1, "a"])),
            Just(json!({"a": 1})),
        ]
    }

    proptest! {
        #[test]
        fn any_object_is_an_event_with_short_side_fields(values in proptest::collection::vec(any_value(), 16)) {
            let names = [
                "event_type", "event", "CallType", "to", "from", "phone", "Number", "message_text", "message", "body",
                "message_purpose", "conversation_id", "agent_extension", "queue", "call_time", "text",
            ];
            let object: Map<String, Value> = names.map(str::to_owned).into_iter().zip(values).collect();
            for event in [ThreecxEvent::of_webhook(&object), ThreecxEvent::of_sms(&object)] {
                let _ = event.recipient(PhoneReading::default());
                let sides = [&event.conversation_id, &event.agent_extension, &event.queue, &event.call_time];
                for side in sides.into_iter().flatten() {
                    prop_assert!(side.chars().count() <= SIDE_MAX && !side.chars().any(char::is_control));
                }
                prop_assert!(!matches!(event.text, Text::Given(text) if text.trim().is_empty()));
            }
        }
    }
}
