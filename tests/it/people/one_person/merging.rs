//! Any names, linked in any order, are one contact with the strictest state that any of them had; and what an older
//! database knew twice is one after the upgrade, with nothing lost.

use proptest::{prelude::*, test_runner::TestRunner};
use rusqlite::Connection;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use wa_gateway::{
    model::{clock::Time, ids::AccountId},
    people::{
        conversations::{self, Identity, IdentityKind},
        suppression::{self, SuppressionSource},
    },
    store::{self, Store, StoreError},
};

fn now() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

/// Names of one person: both forms of a number, another number, hidden ids.
fn names() -> Vec<Identity> {
    let hidden = |kind, value: &str| Identity { kind, value: value.to_owned() };
    vec![
        Identity::phone("+5511987654321"),
        Identity::phone("+551187654321"),
        Identity::phone("+966501234567"),
        hidden(IdentityKind::Lid, "77@lid"),
        hidden(IdentityKind::Bsuid, "BR.1"),
        hidden(IdentityKind::Bsuid, "BR.2"),
    ]
}

/// What is told, one after the other.
#[derive(Clone, Debug)]
enum Told {
    /// Names of these numbers are one person's.
    Link(Vec<usize>),
    /// Whoever is known by this opted out.
    OptOut(usize),
    /// They are blocked by hand.
    Block(usize),
}

fn stories() -> impl Strategy<Value = Vec<Told>> {
    let one = prop_oneof![
        3 => prop::collection::vec(0..6usize, 1..4).prop_map(Told::Link),
        1 => (0..6usize).prop_map(Told::OptOut),
        1 => (0..6usize).prop_map(Told::Block),
    ];
    prop::collection::vec(one, 1..12)
}

/// Which names belong together, and who is suppressed: told the plain way.
fn expected(story: &[Told]) -> (Vec<usize>, Vec<(bool, bool)>) {
    let mut group: Vec<usize> = (0..6).collect();
    let mut state = [(false, false); 6];
    let join = |group: &mut Vec<usize>, a: usize, b: usize| {
        let (from, to) = (group[a], group[b]);
        group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
    };
    join(&mut group, 0, 1);
    for told in story {
        match told {
            Told::Link(all) => all.windows(2).for_each(|pair| join(&mut group, pair[0], pair[1])),
            Told::OptOut(n) => state[*n].0 = true,
            Told::Block(n) => state[*n].1 = true,
        }
    }
    let of = |n: usize| {
        let members = (0..6).filter(|m| group[*m] == group[n]);
        members.fold((false, false), |all, m| (all.0 | state[m].0, all.1 | state[m].1))
    };
    let states = (0..6).map(of).collect();
    (group, states)
}

#[test]
fn any_names_linked_in_any_order_are_one_contact_with_the_strictest_state() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = TempDir::new().expect("a directory");
    let store = runtime.block_on(async { Store::open(dir.path(), now()) }).expect("a store");
    let account = AtomicI64::new(0);
    let mut runner = TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    runner
        .run(&stories(), |story| {
            let (all, told) = (names(), story.clone());
            account.fetch_add(1, Ordering::Relaxed);
            let id = account.load(Ordering::Relaxed);
            let found = runtime.block_on(store.write(move |tx| {
                tx.execute("INSERT INTO accounts (id, name, timezone, created_at) VALUES (?1, 'A', 'UTC', 0)", [id])?;
                let account = AccountId(id);
                for told in &told {
                    let which: Vec<Identity> = match told {
                        Told::Link(which) => which.iter().map(|n| all[*n].clone()).collect(),
                        Told::OptOut(n) | Told::Block(n) => vec![all[*n].clone()],
                    };
                    let person = conversations::identify(tx, account, &which, now())?.expect("somebody");
                    let source = match told {
                        Told::Link(_) => continue,
                        Told::OptOut(_) => SuppressionSource::Recipient,
                        Told::Block(_) => SuppressionSource::Manual,
                    };
                    let contact = person.contact;
                    let new =
                        suppression::NewSuppression { account, contact, source, reason: "said so", instance: None };
                    suppression::add(tx, &new, now())?;
                }
                all.iter()
                    .map(|name| {
                        let Some(contact) = conversations::find(tx, account, name)? else { return Ok(None) };
                        let has = |source: &str| {
                            let sql = "SELECT count(*) FROM suppressions
                                       WHERE contact_id = ?1 AND source = ?2 AND lifted_at IS NULL";
                            tx.one(sql, rusqlite::params![contact.id, source], |r| r.get::<_, i64>(0))
                        };
                        Ok(Some((contact.id, has("recipient")?, has("manual")?)))
                    })
                    .collect::<Result<Vec<_>, StoreError>>()
            }));
            let found = found.expect("the story was written");
            let (group, states) = expected(&story);
            for n in 0..6 {
                let Some((contact, opted_out, blocked)) = found[n] else { continue };
                prop_assert_eq!((opted_out > 0, blocked > 0), states[n], "name {} of {:?}", n, &story);
                prop_assert!(opted_out <= 1 && blocked <= 1);
                for m in 0..6 {
                    let Some((other, ..)) = found[m] else { continue };
                    prop_assert_eq!(contact == other, group[n] == group[m], "{} and {} of {:?}", n, m, &story);
                }
            }
            Ok(())
        })
        .expect("the property holds");
    runtime.block_on(store.close());
}

/// A database as the release before left it, with people who are known twice.
fn old_database(path: &std::path::Path) -> Connection {
    let db = Connection::open(path).expect("a database");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    files.sort();
    for file in &files[..14] {
        db.execute_batch(&std::fs::read_to_string(file).expect("a text")).expect("a migration");
    }
    db.pragma_update(None, "user_version", 14).expect("a number");
    db.execute_batch(
        "INSERT INTO accounts (id, name, timezone, created_at) VALUES (1, 'A', 'UTC', 0), (2, 'B', 'UTC', 0);
         INSERT INTO contacts (id, account_id, name, last_inbound_at, created_at) VALUES
             (1, 1, NULL, 5, 1), (2, 1, 'Ana', 9, 2), (3, 1, NULL, NULL, 3), (4, 2, NULL, NULL, 4), (5, 1, NULL, NULL, 5),
             (6, 1, NULL, NULL, 6);
         INSERT INTO contact_identities (account_id, kind, value, contact_id) VALUES
             (1, 'phone', '+5511987654321', 1), (1, 'phone', '+551187654321', 2), (1, 'phone', '+966501234567', 3),
             (2, 'phone', '+551187654321', 4), (1, 'phone', '+5215512345678', 2), (1, 'phone', '+525512345678', 5),
             (1, 'phone', '+22961234567', 6);
         INSERT INTO suppressions (account_id, contact_id, source, reason, since) VALUES
             (1, 2, 'recipient', 'recipient_requested_stop', 7), (1, 5, 'recipient', 'recipient_requested_stop', 8),
             (1, 5, 'manual', 'by hand', 9);
         INSERT INTO conversations (id, account_id, instance_id, contact_id, unread_count, sequence, last_message_at,
             last_inbound_at, created_at) VALUES
             (1, 1, 'line', 1, 1, 2, 5, 5, 1), (2, 1, 'line', 2, 2, 3, 9, 9, 1), (3, 1, 'other', 2, 0, 1, 8, 8, 1);
         INSERT INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id, conversation_id,
             kind, body, heard_at, created_at) VALUES
             (1, 'line', 'contact:1', 'A', 1, 1, 'text', 'one', 5, 5), (1, 'line', 'contact:2', 'B', 2, 2, 'text', 'two', 9, 9),
             (1, 'line', 'contact:2', 'A', 2, 2, 'text', 'one', 5, 5);
         INSERT INTO calls (account_id, instance_id, call_id, contact_id, is_video, missed, started_at) VALUES
             (1, 'line', 'c', 2, 0, 1, 4);",
    )
    .expect("rows");
    db
}

#[tokio::test]
async fn an_older_database_that_knew_people_twice_knows_them_once_and_the_stricter_state_holds() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("wa-gateway.db");
    drop(old_database(&path));
    let twice = store::peek(&path, store::known_twice).map_err(|e: StoreError| e.to_string());
    assert_eq!(twice, Ok(2), "what a dry run says");
    let store = Store::open(dir.path(), now()).expect("the step");
    let read = store.read(|tx| {
        let number = |sql: &str| tx.one(sql, [], |r| r.get::<_, i64>(0));
        let owner = |value: &str| {
            let sql = "SELECT contact_id FROM contact_identities WHERE account_id = 1 AND value = ?1";
            tx.one(sql, [value], |r| r.get::<_, i64>(0))
        };
        for value in ["+5511987654321", "+551187654321", "+5215512345678", "+525512345678"] {
            assert_eq!(owner(value)?, 1, "{value}");
        }
        assert_eq!(owner("+966501234567")?, 3);
        assert_eq!(owner("+2290161234567")?, 6, "the other form of somebody who was known once");
        assert_eq!(number("SELECT contact_id FROM contact_identities WHERE account_id = 2 AND is_variant = 0")?, 4);
        assert_eq!(number("SELECT count(*) FROM contacts WHERE account_id = 1")?, 3);
        assert_eq!(number("SELECT count(*) FROM contacts WHERE id = 1 AND name = 'Ana' AND last_inbound_at = 9")?, 1);
        let in_force = "SELECT count(*) FROM suppressions WHERE contact_id = 1 AND lifted_at IS NULL";
        assert_eq!(number(in_force)?, 2, "one of each source");
        assert_eq!(number("SELECT count(*) FROM suppressions")?, 3, "none is lost");
        assert_eq!(number("SELECT count(*) FROM inbound_messages WHERE chat = 'contact:1' AND contact_id = 1")?, 3);
        assert_eq!(number("SELECT count(*) FROM conversations WHERE contact_id = 1")?, 2);
        assert_eq!(number("SELECT sequence FROM conversations WHERE id = 1")?, 5);
        assert_eq!(number("SELECT contact_id FROM calls")?, 1);
        assert_eq!(number("SELECT count(*) FROM audit WHERE action = 'contact.merge' AND actor = 'upgrade'")?, 2);
        assert_eq!(number("SELECT count(*) FROM audit WHERE before LIKE '%987654321%'")?, 0, "masked");
        assert_eq!(number("SELECT count(*) FROM pragma_foreign_key_check")?, 0);
        Ok::<_, StoreError>(())
    });
    read.await.expect("the rows");
    store.close().await;
    let twice = store::peek(&path, store::known_twice).map_err(|e: StoreError| e.to_string());
    assert_eq!(twice, Ok(0), "nothing is left to do");
}
