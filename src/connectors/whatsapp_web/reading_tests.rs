//! Contents as they come, each in our words.

use super::*;
use whatsapp_rust::prelude::MessageField;

fn text(words: &str, answered: Option<&str>) -> wa::Message {
    let context = wa::ContextInfo { stanza_id: answered.map(str::to_owned), ..Default::default() };
    let text = wa::message::ExtendedTextMessage {
        text: Some(words.to_owned()),
        context_info: MessageField::some(context),
        ..Default::default()
    };
    wa::Message { extended_text_message: MessageField::some(text), ..Default::default() }
}

fn said(content: &wa::Message) -> (String, Option<String>) {
    described(content).expect("a message to a person")
}

#[test]
fn texts_and_what_they_answer() {
    let plain = wa::Message { conversation: Some("مرحبا".into()), ..Default::default() };
    assert_eq!(said(&plain), ("text".into(), Some("مرحبا".into())));
    assert_eq!((reply_to(&plain), raw("text", &plain)), (None, None));
    let answer = text("yes", Some("3AQ"));
    assert_eq!(said(&answer), ("text".into(), Some("yes".into())));
    assert_eq!(reply_to(&answer).as_deref(), Some("3AQ"));
    // Below what only says how it is shown.
    let inner = MessageField::some(answer);
    let ephemeral = MessageField::some(wa::message::FutureProofMessage { message: inner });
    let wrapped = wa::Message { ephemeral_message: ephemeral, ..Default::default() };
    assert_eq!(said(wrapped.get_base_message()).1.as_deref(), Some("yes"));
}

#[test]
fn a_reaction_answers_what_it_stands_on() {
    let key = wa::MessageKey { id: Some("3AQ".into()), ..Default::default() };
    let reaction =
        wa::message::ReactionMessage { key: MessageField::some(key), text: Some("👍".into()), ..Default::default() };
    let mut message = wa::Message { reaction_message: MessageField::some(reaction), ..Default::default() };
    assert_eq!((said(&message), reply_to(&message).as_deref()), (("reaction".into(), Some("👍".into())), Some("3AQ")));
    // Taken back.
    message.reaction_message.as_option_mut().expect("one").text = Some(String::new());
    assert_eq!(said(&message), ("reaction".into(), None));
}

#[test]
fn a_place_is_named_or_measured_and_kept_as_it_came() {
    let mut place = wa::message::LocationMessage {
        degrees_latitude: Some(24.5),
        degrees_longitude: Some(46.75),
        jpeg_thumbnail: Some(vec![1, 2, 3]),
        ..Default::default()
    };
    let of = |place: &wa::message::LocationMessage| wa::Message {
        location_message: MessageField::some(place.clone()),
        ..Default::default()
    };
    assert_eq!(said(&of(&place)), ("location".into(), Some("24.5, 46.75".into())));
    place.name = Some("Shop".into());
    assert_eq!(said(&of(&place)).1.as_deref(), Some("Shop"));
    let kept = raw("location", &of(&place)).expect("raw");
    assert!(kept.contains("46.75") && kept.contains("Shop") && !kept.contains("thumbnail"), "{kept}");
}

#[test]
fn what_is_not_known_keeps_its_word_and_what_phones_tell_each_other_is_nothing() {
    let poll = wa::Message {
        poll_update_message: MessageField::some(wa::message::PollUpdateMessage {
            sender_timestamp_ms: Some(7),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(said(&poll), ("pollUpdateMessage".into(), None));
    assert!(raw("pollUpdateMessage", &poll).expect("raw").contains('7'));
    let keys = wa::message::SenderKeyDistributionMessage { group_id: Some("g".into()), ..Default::default() };
    let keys = wa::Message { sender_key_distribution_message: MessageField::some(keys), ..Default::default() };
    assert_eq!(described(&keys), None);
    let protocol = wa::message::ProtocolMessage { ephemeral_expiration: Some(5), ..Default::default() };
    let protocol = wa::Message { protocol_message: MessageField::some(protocol), ..Default::default() };
    assert_eq!(described(&protocol), None);
    assert_eq!(described(&wa::Message::default()), None);
}
