//! Every place of the program that looks somebody up by a name, with how it finds the person under all of them. A new
//! place without a row fails, and so does a row whose place is gone.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a lookup by a name looks like in the source.
const MARKS: &[&str] = &[
    "contact_identities",
    "Identity::phone(",
    "Identity::of(",
    "recipient = ?",
    "recipient IN",
    "recipient {whom}",
    "kind = 'phone'",
    "phone = ?",
];

/// File below `src`, and why nobody is missed there.
const USES: &[(&str, &str)] = &[
    (
        "api/guarded/people",
        "suppress and lift: by `find` and `find_or_add`; what is left of the erased under both forms of the number",
    ),
    (
        "app/commands/suppress",
        "suppress add, remove, import: by `find` and `find_or_add`, to which a number's other form is a name like others",
    ),
    ("dialects/chattu/answers", "automatic answers: by contact; `contact:ID` follows a merge"),
    ("dialects/chattu/http/chats", "ids of chats by `find`; the lines are the chat page's"),
    ("dialects/chattu/lists", "shows the best name of a contact"),
    ("dialects/threecx/facts", "window by contact; cooldown by the number's canonical form and all identities"),
    ("dialects/threecx/handle", "cooldown is kept under the number's canonical form"),
    ("events/notice_delivery/plan", "recipients of notices, no contacts"),
    ("gateway/inbound/backlog", "the provider's ids of an instance's own messages, by the address that was written to"),
    ("gateway/inbound/echo", "a message of ours that waits for its answer: by contact, groups by their one id"),
    ("gateway/inbound/news", "the recipient of a message, by the name in the log"),
    ("gateway/inbound/opt_out", "our last message to a person: by contact, sought under all identities of the contact"),
    ("gateway/retention/person", "export and erasure: contact by any name, rows without a contact by both forms"),
    ("people/chats/inbox", "searched by any number of the contact; shows the best one"),
    ("people/chats/list", "chats of contacts; searched by any identity; the last message by all of them"),
    ("people/chats/mod", "the chat of a number, by `find`"),
    ("people/chats/since", "our edits, deletions and signs on lines, by all identities of the contact"),
    ("people/chats/thread", "what was sent, by all identities of the contact"),
    ("people/conversations/contact", "the one lookup; each number is written with its other form"),
    ("people/conversations/heard", "what a person said: by contact, found by any number; shows the best one"),
    ("people/conversations/import", "known customers, by `find_or_add`"),
    ("people/conversations/lists", "people and conversations: by contact, found by any number; shows the best one"),
    ("people/conversations/merge", "moves every identity and row"),
    ("people/conversations/search", "one person of the lists: by contact, found by any number"),
    ("people/suppression/export", "shows the best number of a contact"),
    ("people/suppression/row", "shows the best number of a contact"),
    ("portal/pages/suppressed", "by `find` and `find_or_add`; the history by all identities"),
    ("portal/pages/suppressed_import", "by `find_or_add`, in both readings of a doubtful line"),
    (
        "sending/facts",
        "suppression, window, pace: by contact; a relative's and an erased person's suppression by both forms",
    ),
    ("sending/learn", "names that a provider tells of the one who was written to"),
    ("sending/log", "refusals of a suppressed person: by every name of the contact"),
    ("sending/message_ref", "a message to react to, by contact or by the address"),
    ("sending/schedule/row", "one form that is sent twice: the same request has the same recipient"),
    ("sending/search", "the message log: both forms, and all identities of the contact"),
    ("sending/strikes", "by contact, else by the number's canonical form"),
    ("store/one_person", "the step that makes one of those who were known twice"),
];

fn found(text: &str) -> bool {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    MARKS.iter().any(|mark| code.contains(mark))
}

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.to_string_lossy().ends_with("tests.rs") {
            all.push(path);
        }
    }
}

#[test]
fn every_lookup_by_a_name_has_its_row() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let name = |path: &PathBuf| {
        let below = path.strip_prefix(&src).expect("below src").with_extension("");
        below.to_string_lossy().into_owned()
    };
    let real: BTreeSet<String> =
        all.iter().filter(|path| found(&fs::read_to_string(path).expect("a text"))).map(name).collect();
    let listed: BTreeSet<String> = USES.iter().map(|(file, _)| (*file).to_owned()).collect();
    let missing: Vec<_> = real.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?} look somebody up: how do they find the person under every name?");
    let gone: Vec<_> = listed.difference(&real).collect();
    assert!(gone.is_empty(), "{gone:?} look nobody up any more");
    assert!(USES.iter().all(|(_, why)| why.len() > 15));
}

#[test]
fn the_marks_find_a_planted_lookup() {
    assert!(found("tx.find(\"SELECT 1 FROM messages WHERE recipient = ?1\", params![phone], |_| Ok(()))"));
    assert!(found("conversations::find(tx, account, &Identity::phone(phone.as_str()))"));
    assert!(!found("let x = 1;\n#[cfg(test)]\nmod tests { const S: &str = \"contact_identities\"; }"));
}
