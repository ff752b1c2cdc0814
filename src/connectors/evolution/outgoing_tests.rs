//! What is handed over, and what answers mean, row for row.

use super::*;
use crate::connectors::outgoing::MediaFile;
use crate::model::{
    ids::{InstanceId, MessageId},
    phone::Phone,
    why::why,
};
use bytes::Bytes;

fn out(to: Address, content: Content) -> Outgoing {
    let (instance, message_id) = (InstanceId::from_text("line"), MessageId::from_text("msg_1"));
    Outgoing { instance, message_id, to, content, reply_to: None, outside_window: false }
}

fn phone() -> Address {
    Address::Phone(Phone::parse("+966501234567", None).expect("a number"))
}

#[test]
fn every_address_has_its_spelling() {
    let text = || Content::Text("hi".into());
    for (to, number) in [
        (phone(), "966501234567"),
        (Address::Lid("77@lid".into()), "77@lid"),
        (Address::Group("1203630@g.us".into()), "1203630@g.us"),
    ] {
        let (method, route, body) = request(&out(to, text()), None, None, false).expect("it can be sent");
        assert_eq!((method, route), (Method::POST, "/message/sendText"));
        assert_eq!((&body["number"], &body["text"]), (&json!(number), &json!("hi")));
    }
    let refused =
        request(&out(Address::Bsuid("US.1".into()), text()), None, None, false).expect_err("no such address there");
    assert_eq!(refused.kind, SendErrorKind::Permanent);
    let template =
        Content::Template { name: "n".into(), language: "he".into(), variables: Vec::new(), file_name: None };
    assert_eq!(
        request(&out(phone(), template), None, None, false).expect_err("no templates").kind,
        SendErrorKind::Permanent
    );
}

#[test]
fn a_file_goes_in_base64_with_what_is_known_of_it() {
    let file = |name: Option<&str>| MediaFile {
        path: "/nowhere".into(),
        mime_type: "application/pdf".into(),
        size: 5,
        file_name: name.map(str::to_owned),
    };
    let sent = |kind, name, caption: &str| {
        let content = Content::Media { kind, file: file(name), caption: caption.into() };
        request(&out(phone(), content), Some("aGVsbG8=".into()), None, false).expect("it can be sent")
    };
    let (_, route, body) = sent(MediaKind::Document, Some("a.pdf"), "Your invoice");
    let wanted = json!({"number": "966501234567", "mediatype": "document", "mimetype": "application/pdf",
                        "media": "aGVsbG8=", "caption": "Your invoice", "fileName": "a.pdf"});
    assert_eq!((route, body), ("/message/sendMedia", wanted));
    for (kind, name, wanted) in [
        (MediaKind::Document, None, "document.pdf"),
        (MediaKind::Document, Some("bill"), "bill.pdf"),
        (MediaKind::Image, None, "image.pdf"),
    ] {
        assert_eq!(sent(kind, name, "").2["fileName"], wanted, "over Meta's API its ending is its type");
    }
    let voice = sent(MediaKind::Voice, Some("a.ogg"), "");
    assert_eq!(
        (voice.1, voice.2),
        ("/message/sendWhatsAppAudio", json!({"number": "966501234567", "audio": "aGVsbG8="}))
    );
    let sticker = sent(MediaKind::Sticker, None, "");
    assert_eq!(
        (sticker.1, sticker.2),
        ("/message/sendSticker", json!({"number": "966501234567", "sticker": "aGVsbG8="}))
    );
    let sound = sent(MediaKind::Audio, None, "not heard").2;
    assert!(sound["caption"].is_null(), "{sound}");
    let content = Content::Media { kind: MediaKind::Voice, file: file(None), caption: String::new() };
    let (_, route, over_meta) =
        request(&out(phone(), content), Some("aGVsbG8=".into()), None, true).expect("it can be sent");
    assert_eq!((route, &over_meta["mediatype"]), ("/message/sendMedia", &json!("audio")), "{over_meta}");
}

#[test]
fn a_reaction_names_the_message_by_its_key() {
    let said = |about: AboutMessage, chat: &str| {
        let content = Content::Reaction { about, emoji: "👍".into() };
        request(&out(phone(), content), None, Some(chat), false).expect("it can be sent")
    };
    let about = |from_me, author| AboutMessage { provider_message_id: "3EB0".into(), from_me, author, file: None };
    let chat = "966501234567@s.whatsapp.net";
    let ours = json!({"key": {"remoteJid": chat, "fromMe": true, "id": "3EB0"}, "reaction": "👍"});
    assert_eq!(said(about(true, None), chat), (Method::POST, "/message/sendReaction", ours));
    let theirs = json!({"key": {"remoteJid": chat, "fromMe": false, "id": "3EB0"}, "reaction": "👍"});
    assert_eq!(said(about(false, None), chat), (Method::POST, "/message/sendReaction", theirs));
    for (author, participant) in [(phone(), chat), (Address::Lid("77@lid".into()), "77@lid")] {
        let (.., body) = said(about(false, Some(author)), "1203630@g.us");
        assert_eq!(body["key"]["participant"], participant, "a group's server must be told who wrote it");
    }
    let taken_back = Content::Reaction { about: about(false, None), emoji: String::new() };
    let (.., body) = request(&out(phone(), taken_back), None, Some(chat), false).expect("it can be sent");
    assert_eq!(body["reaction"], "");
}

#[test]
fn an_edit_and_a_deletion_name_the_message_by_its_key() {
    let chat = "551187654321@s.whatsapp.net";
    let asked = |text: Option<&str>| {
        let about = AboutMessage { provider_message_id: "3EB0".into(), from_me: true, author: None, file: None };
        let content = Content::Change { about, text: text.map(str::to_owned) };
        request(&out(phone(), content), None, Some(chat), false).expect("it can be sent")
    };
    let key = json!({"id": "3EB0", "fromMe": true, "remoteJid": chat});
    let edit = json!({"number": chat, "key": key, "text": "3 pieces"});
    assert_eq!(asked(Some("3 pieces")), (Method::POST, "/chat/updateMessage", edit));
    assert_eq!(asked(None), (Method::DELETE, "/chat/deleteMessageForEveryone", key));
}

#[test]
fn a_question_before_the_message_leaves_nothing_in_doubt() {
    for (trouble, is_temporary) in [
        (EvolutionError::NotSent("x".into()), true),
        (EvolutionError::Unclear("x".into()), true),
        (EvolutionError::Forbidden("x".into()), false),
        (EvolutionError::Licence, false),
        (EvolutionError::Refused { status: 401, words: "x".into() }, false),
    ] {
        let kind = not_asked(&trouble).kind;
        assert_eq!(matches!(kind, SendErrorKind::Temporary { .. }), is_temporary, "{trouble:?}");
        assert_ne!(kind, SendErrorKind::Ambiguous, "{trouble:?}");
    }
}

fn at() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

fn answered(status: u16, body: &str) -> Result<Ack, SendError> {
    let (status, body) = (StatusCode::from_u16(status).expect("a status"), Bytes::from(body.to_owned()));
    outcome(Ok(EvolutionResponse { status, retry_after: None, body, truncated: false }), at())
}

#[test]
fn in_hand_is_not_acknowledged() {
    let pending = answered(201, r#"{"key":{"id":"A","fromMe":true},"status":"PENDING"}"#).expect("in hand");
    assert_eq!(pending, Ack { provider_message_id: "A".into(), acknowledged: false, names: RemoteParty::default() });
    let silent = answered(200, r#"{"key":{"id":"A"}}"#).expect("in hand");
    assert!(!silent.acknowledged);
    assert!(answered(201, r#"{"key":{"id":"A"},"status":"SERVER_ACK"}"#).expect("taken").acknowledged);
    // Over the Cloud API an id is Meta's own: what has one is taken.
    assert!(answered(201, r#"{"key":{"id":"wamid.A"},"status":"PENDING"}"#).expect("taken").acknowledged);
}

/// An answer that repeats a large file is not read to its end.
#[test]
fn the_key_in_front_of_a_long_answer_is_enough() {
    let body = Bytes::from_static(br#"{"key":{"remoteJid":"x","fromMe":true,"id":"A"},"message":{"base64":"AAAA"#);
    let long =
        |truncated| EvolutionResponse { status: StatusCode::CREATED, retry_after: None, body: body.clone(), truncated };
    assert_eq!(outcome(Ok(long(true)), at()).expect("in hand").provider_message_id, "A");
    let cut = outcome(Ok(long(false)), at()).expect_err("a cut answer proves nothing");
    assert_eq!(cut.kind, SendErrorKind::Ambiguous);
}

#[test]
fn each_failure_says_whether_it_may_have_left() {
    let (p, a) = (SendErrorKind::Permanent, SendErrorKind::Ambiguous);
    let t = |wait: Option<u64>| SendErrorKind::Temporary { retry_after: wait.map(Duration::from_secs) };
    for (status, body, kind, code) in [
        (400, r#"{"response":{"message":["Error: Connection Closed"]}}"#, t(None), "400"),
        (400, r#"{"response":{"message":["Error: Timed Out"]}}"#, a, "400"),
        (400, r#"{"response":{"message":[{"jid":"1","exists":false,"number":"1"}]}}"#, p, "not_on_whatsapp"),
        (400, r#"{"response":{"message":{"jid":"1","exists":false}}}"#, p, "not_on_whatsapp"),
        (400, "no json", p, "400"),
        (401, "", p, "401"),
        (404, "{}", p, "404"),
        (429, "{}", t(Some(5)), "429"),
        (500, "{}", a, "500"),
        (502, "<html>", a, "502"),
        (503, r#"{"error":"LICENSE_REQUIRED"}"#, p, "LICENSE_REQUIRED"),
        (503, "", a, "503"),
        (307, "", p, "307"),
        (201, "", a, "no_key"),
        (201, r#"{"key":{"id":""}}"#, a, "no_key"),
        (201, r#"{"error":false}"#, a, "no_key"),
        (201, r#"{"error":{"code":131026,"message":"x"}}"#, p, "131026"),
        // What the server passes on of Meta's, bare.
        (201, r#"{"message":"x","type":"OAuthException","code":131047,"fbtrace_id":"A"}"#, p, "131047"),
        (201, r#"{"message":"x","type":"OAuthException","code":190,"fbtrace_id":"A"}"#, p, "190"),
        (201, r#"{"message":"x","code":130429,"error_data":{"details":"d"}}"#, t(Some(5)), "130429"),
        (201, r#"{"message":"x","code":131057,"error_data":{"details":"d"}}"#, t(Some(120)), "131057"),
        (400, r#"{"response":{"message":{"message":"x","code":131000,"fbtrace_id":"A"}}}"#, t(None), "131000"),
        (500, r#"{"error":{"message":"x","code":131008}}"#, p, "131008"),
    ] {
        let error = answered(status, body).expect_err(body);
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{status} {body}");
        assert_eq!(error.recipient_fault, ["not_on_whatsapp", "131026"].contains(&code), "{status} {body}");
    }
}

#[test]
fn what_never_arrived_may_be_tried_again() {
    for (e, kind) in [
        (EgressError::Dns("x".into()), SendErrorKind::Temporary { retry_after: None }),
        (EgressError::Connect("x".into()), SendErrorKind::Temporary { retry_after: None }),
        (EgressError::Tls("x".into()), SendErrorKind::Temporary { retry_after: None }),
        (EgressError::Broken { sent: false, status: None }, SendErrorKind::Temporary { retry_after: None }),
        (EgressError::Broken { sent: true, status: None }, SendErrorKind::Ambiguous),
        (EgressError::TimedOut { sent: true, status: Some(StatusCode::CREATED) }, SendErrorKind::Ambiguous),
        (EgressError::BadUrl(why!("url_host", "x")), SendErrorKind::Permanent),
        (EgressError::Forbidden { why: why!("place_never", "x"), entry: None }, SendErrorKind::Permanent),
    ] {
        assert_eq!(outcome(Err(e.clone()), at()).expect_err("it failed").kind, kind, "{e:?}");
    }
}
