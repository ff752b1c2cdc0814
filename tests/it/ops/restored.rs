//! What is worth to be restored, and what a restore does not do a second time.

use super::backup::{making, put_back};
use crate::harness::world::{World, message, message_with};
use rusqlite::Connection;
use serde_json::json;
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;
use wa_gateway::ops::backup::{write, write_file};

fn empty(dir: &Path) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.expect("removed");
    }
}

/// A move: the gateway was off when the backup was made, so nobody has sent what fell due since.
#[tokio::test]
async fn what_fell_due_during_a_move_is_sent_by_the_new_machine() {
    let mut world = World::start().await;
    world.send(&message_with(json!({"send_at": "2026-06-01T08:05:00Z"}))).await;
    let dir = world.dir.path().to_owned();
    world.go_down().await;
    let mut backup = Vec::new();
    write(&dir, &dir, &mut backup, &making(None)).expect("a backup");
    empty(&dir);
    world.later(Duration::from_secs(6 * 60));
    put_back(&backup, &dir, None).expect("restored");
    world.come_up().await;
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_backup_among_the_data_is_in_no_other_one() {
    let mut world = World::start().await;
    world.go_down().await;
    let dir = world.dir.path();
    for inside in ["mine.wabackup", "media/mine.wabackup"] {
        fs::create_dir_all(dir.join("media")).expect("a folder");
        let refused = write_file(dir, &dir.join(inside), &making(None)).map_err(|e| e.to_string());
        assert!(refused.as_ref().is_err_and(|said| said.contains("part of the next one")), "{inside}: {refused:?}");
    }
    let mut files = Vec::new();
    for day in 1..4 {
        fs::create_dir_all(dir.join("kept")).expect("a folder");
        let target = dir.join(format!("kept/wa-gateway-2026060{day}T080000Z.wabackup"));
        files.push(write_file(dir, &target, &making(None)).expect("a backup").files);
    }
    assert_eq!(files, vec![files[0]; 3], "none is in the next one");
    fs::create_dir_all(dir.join("backups")).expect("a folder");
    write_file(dir, &dir.join("backups/by-hand.wabackup"), &making(None)).expect("there it may lie");
    world.stop().await;
}

/// What could not be restored is no backup: it would be found out on the day of need, when the good ones are gone.
#[tokio::test]
async fn what_could_not_be_restored_is_not_backed_up() {
    let mut world = World::start().await;
    assert_eq!(world.send(&message()).await.status, 200);
    world.go_down().await;
    let (good, dir) = (world.dir.path().to_owned(), TempDir::new().expect("a directory"));
    let (database, key) = ("wa-gateway.db", "secret.key");
    let root = {
        let connection = Connection::open(good.join(database)).expect("a database");
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("moved");
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'messages'";
        connection.query_row(sql, [], |r| r.get::<_, usize>(0)).expect("a page")
    };
    let garbled = |mut bytes: Vec<u8>| {
        bytes[(root - 1) * 4096..root * 4096].fill(0xa5);
        bytes
    };
    type Change<'a> = Box<dyn Fn(Vec<u8>) -> Option<Vec<u8>> + 'a>;
    let rows: [(&str, Change<'_>, &str); 6] = [
        (database, Box::new(|_| Some(Vec::new())), "empty or no database"),
        (database, Box::new(|_| Some(b"no database at all".repeat(400))), "no database"),
        (database, Box::new(|bytes| Some(garbled(bytes))), "damaged"),
        (key, Box::new(|_| None), "key of this database's secrets is missing"),
        (key, Box::new(|_| Some(vec![7; 16])), "16 bytes"),
        (key, Box::new(|_| Some(vec![7; 32])), "not the key that belongs"),
    ];
    for (n, (name, change, why)) in rows.iter().enumerate() {
        let bad = dir.path().join(format!("data{n}"));
        fs::create_dir(&bad).expect("made");
        for file in [database, key] {
            let bytes = fs::read(good.join(file)).expect("a file");
            if let Some(bytes) = if file == *name { change(bytes) } else { Some(bytes) } {
                fs::write(bad.join(file), bytes).expect("written");
            }
        }
        let target = dir.path().join(format!("{n}.wabackup"));
        let refused = write_file(&bad, &target, &making(None)).map_err(|e| e.to_string());
        assert!(refused.as_ref().is_err_and(|said| said.contains(why)), "{name} {n}: {refused:?}");
        assert!(!target.exists(), "{name} {n}: nothing is left that looks like one");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_went_out_after_the_backup_is_not_sent_again_by_who_restores_it() {
    let mut world = World::start().await;
    let at = |minutes: i64| message_with(json!({"send_at": format!("2026-06-01T08:{minutes:02}:00Z")}));
    let (soon, late) = (world.send(&at(5)).await.json(), world.send(&at(50)).await.json());
    let dir = world.dir.path().to_owned();
    let mut backup = Vec::new();
    write(&dir, &dir, &mut backup, &making(None)).expect("a backup");
    world.later(Duration::from_secs(6 * 60));
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(world.inbox().await.len(), 1, "it went out after the backup was made");
    world.go_down().await;
    empty(&dir);
    put_back(&backup, &dir, None).expect("restored");
    // Given again, the command is refused and changes nothing.
    put_back(&backup, &dir, None).expect_err("it is not empty");
    assert!(dir.join("restored-at").exists());
    world.come_up().await;
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(world.inbox().await.len(), 0, "it is not sent again");
    let row = world.row(&soon["log_id"]).await;
    let why = row["reason"].as_str().unwrap_or_default();
    assert!(row["status"] == "unknown" && why.contains("a backup was restored"), "{row}");
    assert!(!dir.join("restored-at").exists(), "the next start knows nothing of it");
    // What was due later is sent, and what is taken from now on is not settled by the next start.
    let new = world.send(&at(30)).await.json();
    world.restart().await;
    world.later(Duration::from_secs(50 * 60));
    world.gateway().schedules.step().await.expect("a step");
    for log_id in [&late["log_id"], &new["log_id"]] {
        assert_eq!(world.row(log_id).await["status"], "sent");
    }
    world.stop().await;
}
