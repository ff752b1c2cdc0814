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
        outside_window: false,
    }
}

fn quoted() -> Option<Quoted> {
    Some(Quoted { id: "3AQ".into(), author: "77:4@lid".parse().ok() })
}

#[test]
fn a_text_stands_alone_or_under_what_it_answers() {
    let plain = message(&out(Content::Text("שלום 👍".into())), None, None, None, 0).expect("a message");
    assert_eq!(plain.conversation.as_deref(), Some("שלום 👍"));
    assert!(plain.extended_text_message.is_unset());

    let answer = message(&out(Content::Text("yes".into())), None, quoted(), None, 0).expect("a message");
    assert_eq!(answer.conversation, None);
    let text = answer.extended_text_message.as_option().expect("a text");
    let context = text.context_info.as_option().expect("a context");
    assert_eq!((text.text.as_deref(), context.stanza_id.as_deref()), (Some("yes"), Some("3AQ")));
    assert_eq!(context.participant.as_deref(), Some("77@lid"), "a person, not their device");
}

#[test]
fn a_reaction_names_the_message_and_in_a_group_its_author() {
    let about = |from_me, author| AboutMessage { provider_message_id: "3AQ".into(), from_me, author, file: None };
    let key = |out: &Outgoing| {
        let message = message(out, None, None, None, 5).expect("a message");
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
    let error = message(&out(template), None, None, None, 0).expect_err("none");
    assert_eq!(error.code, "template");
}

#[test]
fn an_edit_repeats_the_kind_and_a_deletion_names_the_message_alone() {
    let about = |file| AboutMessage { provider_message_id: "3EB0".into(), from_me: true, author: None, file };
    let told = |file, text: Option<&str>, own: Option<&Jid>| {
        let out = out(Content::Change { about: about(file), text: text.map(str::to_owned) });
        message(&out, None, None, own, 5).expect("a message").protocol_message.into_option().expect("told")
    };
    let own = Jid::lid("77");
    let edit = told(None, Some("3 pieces"), Some(&own));
    let key = edit.key.as_option().expect("a key");
    assert_eq!(
        (key.id.as_deref(), key.from_me, key.participant.as_deref()),
        (Some("3EB0"), Some(true), Some("77@lid"))
    );
    assert_eq!((edit.r#type, edit.timestamp_ms), (Some(ProtocolType::MESSAGE_EDIT), Some(5)));
    let words = |edit: &wa::message::ProtocolMessage| edit.edited_message.as_option().expect("words").clone();
    assert_eq!(words(&edit).conversation.as_deref(), Some("3 pieces"));
    let image = words(&told(Some(MediaKind::Image), Some("3 pieces"), None));
    assert_eq!(image.image_message.as_option().and_then(|m| m.caption.as_deref()), Some("3 pieces"));
    let video = words(&told(Some(MediaKind::Video), Some("3 pieces"), None));
    assert_eq!(video.video_message.as_option().and_then(|m| m.caption.as_deref()), Some("3 pieces"));
    let document = words(&told(Some(MediaKind::Document), Some("3 pieces"), None));
    assert_eq!(document.document_message.as_option().and_then(|m| m.caption.as_deref()), Some("3 pieces"));
    let deletion = told(None, None, Some(&own));
    assert_eq!((deletion.r#type, deletion.edited_message.is_set()), (Some(ProtocolType::REVOKE), false));
    assert_eq!(deletion.key.as_option().and_then(|key| key.participant.clone()), None);
    let channel = Outgoing {
        to: Address::Group("1@newsletter".into()),
        ..out(Content::Change { about: about(None), text: None })
    };
    assert_eq!(
        message(&channel, None, None, None, 5).expect_err("none").kind,
        crate::connectors::SendErrorKind::Permanent
    );
}
