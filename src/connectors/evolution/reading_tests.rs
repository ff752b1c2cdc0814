//! Contents of every kind, as the server writes them.

use super::*;
use serde_json::json;

fn told(message: Value) -> Value {
    json!({
        "key": {"remoteJid": "966501234567@s.whatsapp.net", "fromMe": false, "id": "A1"},
        "pushName": "Amal", "message": message, "messageTimestamp": 1_780_000_000,
    })
}

fn inbound(message: Value) -> InboundMessage {
    read(&told(message)).expect("a message").inbound(|_| None).expect("inbound")
}

#[test]
fn every_kind_of_content_is_named() {
    for (message, kind, words) in [
        (json!({"conversation": "hi"}), "text", Some("hi")),
        (json!({"extendedTextMessage": {"text": "hi"}}), "text", Some("hi")),
        (json!({"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "hi"}}}}), "text", Some("hi")),
        (json!({"viewOnceMessageV2": {"message": {"imageMessage": {"caption": "c"}}}}), "image", Some("c")),
        (json!({"imageMessage": {}}), "image", None),
        (json!({"videoMessage": {"caption": "c"}}), "video", Some("c")),
        (json!({"ptvMessage": {}}), "video", None),
        (json!({"audioMessage": {"ptt": true}}), "audio", None),
        (
            json!({"documentWithCaptionMessage": {"message": {"documentMessage": {"caption": "c"}}}}),
            "document",
            Some("c"),
        ),
        (json!({"stickerMessage": {}}), "sticker", None),
        (json!({"locationMessage": {"name": "Shop", "address": "x"}}), "location", Some("Shop")),
        (json!({"contactMessage": {"displayName": "Amal"}}), "contacts", Some("Amal")),
        (json!({"reactionMessage": {"text": "👍", "key": {"id": "Q"}}}), "reaction", Some("👍")),
        (json!({"templateButtonReplyMessage": {"selectedDisplayText": "STOP"}}), "button", Some("STOP")),
        (json!({"listResponseMessage": {"title": "Two"}}), "interactive", Some("Two")),
        (json!({"interactiveResponseMessage": {"body": {"text": "Yes"}}}), "interactive", Some("Yes")),
        (json!({"pollCreationMessageV3": {"name": "When?"}}), "poll", Some("When?")),
        (
            json!({"locationMessage": {"degreesLatitude": 24.7, "degreesLongitude": 46.5}}),
            "location",
            Some("24.7, 46.5"),
        ),
        (json!({"liveLocationMessage": {"caption": "On my way"}}), "location", Some("On my way")),
        (json!({"contactsArrayMessage": {"displayName": "2 contacts"}}), "contacts", Some("2 contacts")),
        (json!({"buttonsResponseMessage": {"selectedDisplayText": "Yes"}}), "interactive", Some("Yes")),
        (json!({"orderMessage": {"message": "Two of these"}}), "order", Some("Two of these")),
        (json!({"pollCreationMessage": {"name": "When?"}}), "poll", Some("When?")),
        (json!({"pollCreationMessageV2": {"name": "When?"}}), "poll", Some("When?")),
        (json!({"viewOnceMessage": {"message": {"videoMessage": {}}}}), "video", None),
        (json!({"groupMentionedMessage": {"message": {"conversation": "@all"}}}), "text", Some("@all")),
        (json!({"somethingNew": {"a": 1}}), "somethingNew", None),
        (
            json!({"messageContextInfo": {}, "senderKeyDistributionMessage": {}, "eventMessage": {}}),
            "eventMessage",
            None,
        ),
        (json!({"messageContextInfo": {}}), "unsupported", None),
        (json!({"no <word>": {}}), "unsupported", None),
        (json!({}), "unsupported", None),
        (Value::Null, "unsupported", None),
    ] {
        let read = inbound(message.clone());
        assert_eq!((read.kind.as_str(), read.text.as_deref()), (kind, words), "{message}");
        assert_eq!(read.may_opt_out, kind == "text" || kind == "button", "{message}");
    }
}

#[test]
fn what_the_fields_cannot_hold_is_kept_as_it_came() {
    for (message, kept) in [
        (json!({"conversation": "hi"}), false),
        (json!({"imageMessage": {"caption": "c"}, "base64": "aGVsbG8="}), false),
        (json!({"reactionMessage": {"text": "👍", "key": {"id": "Q"}}}), false),
        (
            json!({"locationMessage": {"degreesLatitude": 24.7, "degreesLongitude": 46.5, "jpegThumbnail": "AAAA"}}),
            true,
        ),
        (json!({"contactMessage": {"displayName": "Amal", "vcard": "BEGIN:VCARD"}}), true),
        (json!({"pollCreationMessageV3": {"name": "When?", "options": [{"optionName": "Now"}]}}), true),
        (json!({"somethingNew": {"a": [1, {"base64": "AAAA"}]}}), true),
    ] {
        let raw = inbound(message.clone()).raw;
        assert_eq!(raw.is_some(), kept, "{message}");
        let Some(raw) = raw else { continue };
        assert!(!raw.contains("AAAA"), "no bytes: {raw}");
        let raw: Value = serde_json::from_str(&raw).expect("JSON");
        let (name, content) = message.as_object().and_then(|m| m.iter().next()).expect("a content");
        for (member, value) in content.as_object().expect("an object").iter().filter(|(n, _)| *n != "jpegThumbnail") {
            let told = &raw["message"][name][member];
            assert!(*told == *value || value.is_array(), "{member}: {told}");
        }
        assert_eq!(raw["key"]["id"], "A1");
    }
}

#[test]
fn what_is_answered_is_found_in_the_content_or_beside_it() {
    let inner = inbound(json!({"extendedTextMessage": {"text": "x", "contextInfo": {"stanzaId": "Q1"}}}));
    assert_eq!(inner.reply_to.as_deref(), Some("Q1"));
    let mut beside = told(json!({"conversation": "x"}));
    beside["contextInfo"] = json!({"stanzaId": "Q2"});
    assert_eq!(read(&beside).and_then(|r| r.reply_to).as_deref(), Some("Q2"));
    assert_eq!(inbound(json!({"reactionMessage": {"key": {"id": "Q3"}}})).reply_to.as_deref(), Some("Q3"));
    assert_eq!(inbound(json!({"conversation": "x"})).reply_to, None);
}

#[test]
fn a_file_comes_along_or_is_left_to_be_fetched() {
    let file = json!({"mimetype": "application/pdf", "fileName": "a.pdf", "fileLength": {"low": 5, "high": 0}});
    let with = inbound(json!({"documentMessage": file, "base64": "aGVsbG8="})).media.expect("a file");
    assert_eq!(with.source, MediaSource::Bytes(b"hello".to_vec()));
    assert_eq!(
        (with.mime_type.as_str(), with.file_name.as_deref(), with.size),
        ("application/pdf", Some("a.pdf"), Some(5))
    );
    let later = inbound(json!({"documentMessage": file})).media.expect("a file");
    assert_eq!(later.source, MediaSource::Later("A1".into()));
    let broken = inbound(json!({"documentMessage": file, "base64": "%%%"})).media.expect("a file");
    assert_eq!(broken.source, MediaSource::Later("A1".into()));
    assert_eq!(inbound(json!({"conversation": "x"})).media, None);
    assert_eq!(decoded(&json!("data:image/png;base64,aGVsbG8=")), Some(b"hello".to_vec()));
}

#[test]
fn people_are_named_by_all_that_is_known() {
    for (jid, phone, lid) in [
        ("966501234567@s.whatsapp.net", Some("+966501234567"), None),
        ("966501234567:12@s.whatsapp.net", Some("+966501234567"), None),
        ("77:3@lid", None, Some("77@lid")),
        ("966501234567@c.us", Some("+966501234567"), None),
        ("966501234567:99@hosted", Some("+966501234567"), None),
        ("77:99@hosted.lid", None, Some("77@lid")),
        ("1203630@g.us", None, None),
        ("status@broadcast", None, None),
        ("12@s.whatsapp.net", None, None),
        ("nobody", None, None),
    ] {
        let mut sender = RemoteParty::default();
        name(&mut sender, jid);
        assert_eq!((sender.phone.as_deref(), sender.lid.as_deref()), (phone, lid), "{jid}");
    }
}

#[test]
fn whoever_writes_from_a_server_of_people_is_heard() {
    for (chat, is_heard) in [
        ("966501234567@s.whatsapp.net", true),
        ("966501234567@c.us", true),
        ("966501234567@hosted", true),
        ("77@lid", true),
        ("77@hosted.lid", true),
        ("0029@newsletter", false),
        ("status@broadcast", false),
        ("bot@bot", false),
    ] {
        let mut data = told(json!({"conversation": "STOP"}));
        data["key"] = json!({"remoteJid": chat, "id": "A1", "fromMe": false});
        let heard = read(&data).expect("a message").inbound(|_| None);
        assert_eq!(heard.is_some(), is_heard, "{chat}");
    }
}

#[test]
fn a_group_message_is_its_participants() {
    let mut data = told(json!({"conversation": "hi"}));
    data["key"] = json!({"remoteJid": "1@g.us", "id": "G1", "fromMe": false, "participant": "77@lid",
                         "participantAlt": "966501234567@s.whatsapp.net"});
    let heard = read(&data).expect("a message").inbound(|id| (id == "1@g.us").then(|| "Team".into())).expect("inbound");
    assert_eq!(heard.group, Some(GroupRef { id: "1@g.us".into(), name: "Team".into() }));
    assert_eq!((heard.from.phone.as_deref(), heard.from.lid.as_deref()), (Some("+966501234567"), Some("77@lid")));
    let unnamed = read(&data).expect("a message").inbound(|_| None).expect("inbound");
    assert_eq!(unnamed.group.map(|g| g.name).as_deref(), Some("1@g.us"));
}

#[test]
fn what_has_no_id_is_no_message() {
    for key in
        [json!(null), json!({}), json!({"id": "A"}), json!({"remoteJid": "x"}), json!({"id": 5, "remoteJid": "x"})]
    {
        assert!(read(&json!({"key": key, "message": {"conversation": "x"}})).is_none(), "{key}");
    }
    for bad in [json!(null), json!("soon"), json!(-5), json!(0), json!([])] {
        assert_eq!(time(&bad), None, "{bad}");
    }
}

#[test]
fn the_accounts_own_keys_are_not_kept() {
    let key = json!({"keyId": {"keyId": "AAAAAA=="}, "keyData": {"keyData": "c2VjcmV0"}});
    let told = json!({"type": "APP_STATE_SYNC_KEY_SHARE", "appStateSyncKeyShare": {"keys": [key]}});
    assert_eq!(as_came(&told), r#"{"type":"APP_STATE_SYNC_KEY_SHARE"}"#);
}
