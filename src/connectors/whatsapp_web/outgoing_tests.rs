//! Each kind of content in WhatsApp's words.

use super::*;
use crate::{
    connectors::Address,
    model::{
        ids::{InstanceId, MessageId},
        phone::Phone,
    },
};

fn out(content: Content) -> Outgoing {
    Outgoing {
        instance: InstanceId::from_text("line"),
        message_id: MessageId::from_text("msg_01A"),
        to: Address::Phone(Phone::parse("+966501234567", None).expect("a number")),
        content,
        reply_to: None,
    }
}

fn quoted() -> Option<Quoted> {
    Some(Quoted { id: "3AQ".into(), author: "77:4@lid".parse().ok() })
}

#[test]
fn a_text_stands_alone_or_under_what_it_answers() {
    let plain = message(&out(Content::Text("שלום 👍".into())), None, None, 0).expect("a message");
    assert_eq!(plain.conversation.as_deref(), Some("שלום 👍"));
    assert!(plain.extended_text_message.is_unset());

    let answer = message(&out(Content::Text("yes".into())), None, quoted(), 0).expect("a message");
    assert_eq!(answer.conversation, None);
    let text = answer.extended_text_message.as_option().expect("a text");
    let context = text.context_info.as_option().expect("a context");
    assert_eq!((text.text.as_deref(), context.stanza_id.as_deref()), (Some("yes"), Some("3AQ")));
    assert_eq!(context.participant.as_deref(), Some("77@lid"), "a person, not their device");
}

#[test]
fn a_reaction_names_the_message_and_in_a_group_its_author() {
    let about = |from_me, author| AboutMessage { provider_message_id: "3AQ".into(), from_me, author };
    let key = |out: &Outgoing| {
        let message = message(out, None, None, 5).expect("a message");
        let reaction = message.reaction_message.as_option().expect("a reaction").clone();
        (reaction.key.as_option().expect("a key").clone(), reaction.text, reaction.sender_timestamp_ms)
    };
    let plain = out(Content::Reaction { about: about(true, None), emoji: "👍".into() });
    let (to, text, at) = key(&plain);
    assert_eq!(to.remote_jid.as_deref(), Some("966501234567@s.whatsapp.net"));
    assert_eq!((to.from_me, to.id.as_deref(), to.participant), (Some(true), Some("3AQ"), None));
    assert_eq!((text.as_deref(), at), (Some("👍"), Some(5)));

    let author = Some(Address::Lid("77@lid".into()));
    let group = Outgoing { to: Address::Group("120363@g.us".into()), ..plain };
    let theirs =
        Outgoing { content: Content::Reaction { about: about(false, author.clone()), emoji: String::new() }, ..group };
    assert_eq!(key(&theirs).0.participant.as_deref(), Some("77@lid"));
    let ours = Outgoing { content: Content::Reaction { about: about(true, author), emoji: String::new() }, ..theirs };
    assert_eq!(key(&ours).0.participant, None);
}

#[test]
fn what_whatsapp_web_does_not_have_is_refused_for_good() {
    let template =
        Content::Template { name: "x".into(), language: "en".into(), variables: Vec::new(), file_name: None };
    let error = message(&out(template), None, None, 0).expect_err("none");
    assert_eq!(error.code, "template");
}
