//! The sandbox's file: what was accepted is read back to the letter, what was torn is not, and neither hides the next.

use super::*;
use crate::connectors::{
    AboutMessage, Address,
    outgoing::{MediaFile, MediaKind},
};
use std::{fs, os::unix::fs::PermissionsExt};

const AT: Time = Time::from_millis(1_767_225_600_000);

fn out(to: &str, content: Content) -> Outgoing {
    Outgoing {
        instance: InstanceId::from_text("shop"),
        message_id: MessageId::from_text("msg_1"),
        to: Address::Lid(to.to_owned()),
        content,
        reply_to: None,
        outside_window: false,
    }
}

fn text(to: &str, text: &str) -> Outgoing {
    out(to, Content::Text(text.to_owned()))
}

fn texts(path: &Path) -> Vec<String> {
    read(path, None).expect("readable").into_iter().map(|a| a.text).collect()
}

#[test]
fn a_file_that_is_not_there_is_an_empty_inbox() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(read(&dir.path().join("none.jsonl"), None).expect("empty"), []);
    assert!(read(dir.path(), None).is_err(), "a folder is no inbox");
}

#[test]
fn folder_and_file_are_the_gateways_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = path(dir.path(), &InstanceId::from_text("shop"));
    assert!(path.ends_with("sandbox/shop.jsonl"));
    InboxFile::open(&path).expect("made");
    let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
}

#[test]
fn every_text_comes_back_to_the_letter() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.jsonl");
    let sent = ["مرحبا", "שָׁלוֹם", "👨‍👩‍👧‍👦 \u{200f}‎", "line\nline\r\n\t\"\\\u{2028}\u{1}", "", &"א".repeat(4096)];
    let mut log = InboxFile::open(&path).expect("opened");
    for t in sent {
        log.append("sbx_1", AT, &text("a@lid", t)).expect("written");
    }
    assert_eq!(texts(&path), sent);
    assert_eq!(fs::read(&path).expect("there").iter().filter(|b| **b == b'\n').count(), sent.len(), "a line each");
}

#[test]
fn a_plain_text_has_the_documented_members_and_no_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.jsonl");
    InboxFile::open(&path).expect("opened").append("sbx_1", AT, &text("+9665", "hi")).expect("written");
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        "{\"provider_message_id\":\"sbx_1\",\"message_id\":\"msg_1\",\"to\":\"+9665\",\"text\":\"hi\",\
         \"at\":\"2026-01-01T00:00:00Z\"}\n"
    );
}

#[test]
fn files_templates_and_reactions_keep_all_their_parts() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.jsonl");
    let mut log = InboxFile::open(&path).expect("opened");
    let (mime_type, file_name) = ("application/pdf".to_owned(), Some("invoice.pdf".to_owned()));
    let file = MediaFile { path: "/a/b".into(), mime_type, size: 9, file_name };
    let media = Content::Media { kind: MediaKind::Document, file, caption: "here".into() };
    let template = Content::Template {
        name: "due".into(),
        language: "he".into(),
        variables: vec!["1".into(), "".into()],
        file_name: None,
    };
    let answer = Outgoing { reply_to: Some("sbx_0".into()), ..out("b", template) };
    log.append("sbx_1", AT, &out("a", media)).expect("written");
    log.append("sbx_2", AT, &answer).expect("written");
    let about = AboutMessage { provider_message_id: "sbx_1".into(), from_me: true, author: None, file: None };
    let reaction = Content::Reaction { about, emoji: "👍🏽".into() };
    log.append("sbx_3", AT, &out("a", reaction)).expect("written");
    let read = read(&path, None).expect("readable");
    let [media, template, reaction] = &read[..] else { panic!("three lines: {read:?}") };
    assert_eq!((reaction.kind.as_deref(), reaction.text.as_str()), (Some("reaction"), "👍🏽"));
    assert_eq!(reaction.reply_to.as_deref(), Some("sbx_1"));
    assert_eq!((media.kind.as_deref(), media.text.as_str()), (Some("document"), "here"));
    assert_eq!((media.mime_type.as_deref(), media.size), (Some("application/pdf"), Some(9)));
    assert_eq!(media.file_name.as_deref(), Some("invoice.pdf"));
    assert_eq!((template.kind.as_deref(), template.template.as_deref()), (Some("template"), Some("due")));
    assert_eq!((template.language.as_deref(), template.variables.len()), (Some("he"), 2));
    assert_eq!((template.reply_to.as_deref(), template.at), (Some("sbx_0"), AT));
}

#[test]
fn a_torn_line_was_not_accepted_and_does_not_swallow_the_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.jsonl");
    InboxFile::open(&path).expect("opened").append("sbx_1", AT, &text("a", "first")).expect("written");
    let whole = fs::read(&path).expect("there");
    for cut in 1..whole.len() {
        let mut bytes = whole.clone();
        bytes.extend_from_slice(&whole[..cut]);
        fs::write(&path, &bytes).expect("written");
        assert_eq!(texts(&path), ["first"], "torn after {cut} bytes");
        InboxFile::open(&path).expect("opened").append("sbx_2", AT, &text("a", "second")).expect("written");
        assert_eq!(texts(&path), ["first", "second"], "torn after {cut} bytes");
    }
}

#[test]
fn a_full_disk_accepts_nothing() {
    let mut full = InboxFile::open(Path::new("/dev/full")).expect("opened");
    assert!(full.append("sbx_1", AT, &text("a", "lost")).is_err());
    assert!(!full.torn, "nothing of the line was written");
}

#[test]
fn the_inbox_of_one_phone_is_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.jsonl");
    let mut log = InboxFile::open(&path).expect("opened");
    for (to, t) in [("+1", "one"), ("+12", "two"), ("+1", "three")] {
        log.append("sbx_1", AT, &text(to, t)).expect("written");
    }
    let one: Vec<_> = read(&path, Some("+1")).expect("readable").into_iter().map(|a| a.text).collect();
    assert_eq!(one, ["one", "three"]);
}

#[test]
fn a_file_that_grew_beyond_its_bound_keeps_its_newer_half() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let path = path(dir.path(), &InstanceId::from_text("line"));
    let mut log = InboxFile::open(&path).expect("a file");
    for n in 0..100 {
        let text = format!(
            "{{\"provider_message_id\":\"sbx_{n:03}\",\"message_id\":\"m\",\"to\":\"+1\",\"text\":\"\",\"at\":\"2026-06-01T08:00:00Z\"}}\n"
        );
        log.file.write_all(text.as_bytes()).expect("written");
        log.size += text.len() as u64;
    }
    let keep = log.size / 2;
    log.halve(keep).expect("halved");
    let kept = read(&path, None).expect("readable");
    assert!((48..=50).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().map(|one| one.provider_message_id.as_str()), Some("sbx_099"), "the newest are there");
    assert_eq!(log.size, std::fs::metadata(&path).expect("there").len());
}
