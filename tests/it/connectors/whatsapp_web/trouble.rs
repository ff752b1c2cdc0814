//! What goes wrong on our own side: the file with the keys is damaged, an instance ends while its phone is being linked.

use super::{
    rig::{LINE, OWN, Rig},
    told::pages_tell,
};
use crate::harness::wait::came;
use rusqlite::Connection;
use std::{path::PathBuf, time::Duration};
use wa_gateway::{
    app::commands::InstanceDelete,
    connectors::{Content, whatsapp_web::words},
    model::ids::InstanceId,
    store::StoreError,
};

/// The files of the instance's keys that there are.
fn files(rig: &Rig) -> Vec<PathBuf> {
    let folder = rig.world.dir.path().join("whatsapp-web");
    let all = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("one").path());
    all.filter(|path| path.file_stem().is_some_and(|stem| stem == LINE)).collect()
}

#[tokio::test]
async fn a_damaged_file_of_keys_is_told_and_a_new_link_replaces_it() {
    let mut rig = Rig::start().await;
    rig.world.go_down().await;
    for path in files(&rig) {
        match path.extension().and_then(|end| end.to_str()) {
            Some("db") => std::fs::write(path, [7; 8192]).expect("damaged"),
            Some("linked") => {}
            _ => std::fs::remove_file(path).expect("gone"),
        }
    }
    rig.world.come_up().await;
    let why = rig.closed().await;
    let (name, given) = words::find(&why).expect("one of ours");
    assert!(name == "no_store" && given.contains("not a database"), "{why}");
    pages_tell(&rig, name, &[format!("/instances/{LINE}/manage"), "/instances".to_owned()]).await;
    // It says so again as long as nothing is done about it, and nothing of it is lost.
    rig.reconnect().await;
    assert_eq!(words::find(&rig.closed().await).map(|(name, _)| name), Some("no_store"));
    assert!(!files(&rig).is_empty());
    rig.world.gateway().registry.log_out(&InstanceId::from_text(LINE)).await.expect("forgotten");
    rig.reconnect().await;
    rig.link().await;
    assert_eq!(rig.send("Your order is ready.").await.header("x-message-status"), Some("sent"));
}

#[tokio::test]
async fn an_instance_that_ends_while_its_phone_is_linked_leaves_nothing() {
    let rig = Rig::without_instance().await;
    rig.create().await;
    let code = rig.code().await;
    assert!(!files(&rig).is_empty());
    rig.world.command(InstanceDelete { id: LINE.into() }).await.expect("deleted");
    assert_eq!(files(&rig), Vec::<PathBuf>::new());
    // The phone was just being held to it.
    rig.service.scan(OWN, &code);
    rig.world.settle().await;
    assert!(!rig.service.is_linked(OWN) && files(&rig).is_empty());
}

/// The texts that came in, in their order.
async fn heard(rig: &Rig) -> Vec<String> {
    let store = &rig.world.gateway().store;
    let rows = store.read(|tx| tx.list("SELECT body FROM inbound_messages ORDER BY id", [], |r| r.get::<_, String>(0)));
    rows.await.map_err(|e: StoreError| e.to_string()).expect("read")
}

/// The keys' file, as another program has it open.
fn keys(rig: &Rig) -> Connection {
    let path = files(rig).into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).expect("a file");
    Connection::open(path).expect("opened")
}

/// From now on nothing can be written into the file of keys, as on a full disk; or it can again.
fn fill_disk(rig: &Rig, is_full: bool) {
    let keys = keys(rig);
    let mut asked =
        keys.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").expect("read");
    let tables: Vec<String> =
        asked.query_map([], |row| row.get(0)).expect("read").map(|t| t.expect("a name")).collect();
    for table in tables {
        for what in ["INSERT", "UPDATE"] {
            let change = if is_full {
                format!(
                    "CREATE TRIGGER full_{table}_{what} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                )
            } else {
                format!("DROP TRIGGER full_{table}_{what}")
            };
            keys.execute_batch(&change).expect("changed");
        }
    }
}

/// The sessions with other phones, as they are kept.
fn sessions(rig: &Rig) -> Vec<Vec<u8>> {
    let keys = keys(rig);
    let mut asked = keys.prepare("SELECT record FROM sessions ORDER BY address").expect("read");
    asked.query_map([], |row| row.get(0)).expect("read").map(|one| one.expect("a record")).collect()
}

/// Enough for the next message to leave at once.
const BETWEEN: Duration = Duration::from_secs(30);

/// What both sides said while nothing could be written, and after a restart that could not settle it either, arrives once:
/// the sessions are older than what was said, so either phone asks for what it cannot read.
#[tokio::test]
async fn keys_that_cannot_be_written_lose_nothing() {
    let mut rig = Rig::start().await;
    assert_eq!(rig.send("The first.").await.header("x-message-status"), Some("sent"));
    rig.customer.write(OWN, "msg_01BEFORE", Content::Text("before".into())).await.expect("taken");
    rig.until("it is heard", async || heard(&rig).await == ["before"]).await;
    fill_disk(&rig, true);
    let kept = sessions(&rig);
    let mut written = vec!["before".to_owned()];
    let mut sent = vec!["The first.".to_owned()];
    for n in 0..3 {
        written.push(format!("full {n}"));
        let taken = rig.customer.write(OWN, &format!("msg_01FULL{n}"), Content::Text(written[n + 1].clone())).await;
        taken.expect("taken");
        rig.world.later(BETWEEN);
        sent.push(format!("While it is full {n}."));
        let status = rig.send(&sent[n + 1]).await.header("x-message-status").map(str::to_owned);
        assert_eq!(status.as_deref(), Some("sent"));
    }
    rig.world.go_down().await;
    assert!(!kept.is_empty() && sessions(&rig) == kept, "nothing of it was written");
    fill_disk(&rig, false);
    rig.world.come_up().await;
    rig.until_connected().await;
    for n in 0..3 {
        rig.world.later(BETWEEN);
        sent.push(format!("After {n}."));
        assert_eq!(rig.send(&sent[n + 4]).await.header("x-message-status"), Some("sent"));
    }
    let got = || {
        let mut texts: Vec<_> = rig.customer.messages().into_iter().filter_map(|m| m.text).collect();
        texts.sort();
        texts
    };
    sent.sort();
    came(async || got() == sent).await;
    assert_eq!(got(), sent, "what the customer has");
    let theirs = async || {
        let mut texts = heard(&rig).await;
        texts.sort();
        texts
    };
    came(async || theirs().await == written).await;
    assert_eq!(theirs().await, written, "what was heard");
}
