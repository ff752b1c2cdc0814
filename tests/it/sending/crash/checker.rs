//! The checker: what callers were told, what stands in the log, what arrived on the phones, and the counters.
//!
//! It reads the files from outside, as somebody would who does not trust the program.

use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;
use std::{collections::HashMap, fs, path::Path, time::Duration};

/// A row of the log, as far as it is compared.
#[derive(Clone, Debug)]
pub struct Row {
    pub message_id: String,
    pub body: String,
    pub status: String,
}

/// A line of the sandbox's file.
#[derive(Clone, Debug, Deserialize)]
pub struct Arrived {
    pub message_id: String,
    pub text: String,
}

/// What a caller was told, with its message.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    pub message_id: String,
    pub text: String,
}

/// Holds the three against each other; each problem is one line.
pub fn compare(told: &[Acknowledged], log: &[Row], phones: &[Arrived]) -> Vec<String> {
    let mut problems = Vec::new();
    let rows: HashMap<&str, &Row> = log.iter().map(|r| (r.message_id.as_str(), r)).collect();
    let mut arrived: HashMap<&str, usize> = HashMap::new();
    let mut texts: HashMap<&str, usize> = HashMap::new();
    for line in phones {
        *arrived.entry(&line.message_id).or_default() += 1;
        *texts.entry(&line.text).or_default() += 1;
    }
    let went = |status: &str| matches!(status, "sent" | "delivered" | "read");
    for ack in told {
        match rows.get(ack.message_id.as_str()) {
            None => problems.push(format!("{ack:?} was acknowledged and is not in the log")),
            Some(row) if !went(&row.status) || row.body != ack.text => {
                problems.push(format!("{ack:?} was acknowledged and is in the log as {row:?}"));
            }
            Some(_) => {}
        }
        let times = arrived.get(ack.message_id.as_str()).copied().unwrap_or(0);
        if times != 1 {
            problems.push(format!("{ack:?} was acknowledged and arrived {times} times"));
        }
    }
    for (id, times) in arrived.iter().filter(|(_, times)| **times > 1) {
        problems.push(format!("{id} arrived {times} times"));
    }
    for (text, times) in texts.iter().filter(|(_, times)| **times > 1) {
        problems.push(format!("the text {text:?} arrived {times} times"));
    }
    for line in phones {
        match rows.get(line.message_id.as_str()) {
            None => problems.push(format!("{line:?} arrived and is not in the log")),
            Some(row) if !went(&row.status) && row.status != "unknown" => {
                problems.push(format!("{line:?} arrived and is in the log as {row:?}"));
            }
            Some(_) => {}
        }
    }
    for row in log {
        if matches!(row.status.as_str(), "accepted" | "sending") {
            problems.push(format!("{row:?} is under way for ever"));
        }
        if went(&row.status) && !arrived.contains_key(row.message_id.as_str()) {
            problems.push(format!("{row:?} did not arrive"));
        }
    }
    problems
}

/// What must hold in the database alone: sound pages, no dangling reference, counters that agree with the rows.
pub fn judge_database(db: &Connection) -> Vec<String> {
    let mut problems = lines(db, "PRAGMA integrity_check");
    problems.retain(|line| line != "ok");
    problems.extend(lines(db, "SELECT 'dangling: ' || \"table\" FROM pragma_foreign_key_check"));
    for (table, period) in [("usage_days", "day"), ("usage_months", "month")] {
        problems.extend(lines(
            db,
            &format!(
                "WITH rows AS (SELECT account_id, {period} AS period, sum(quota = 'counted') AS counted,
                                      sum(quota = 'reserved') AS reserved
                               FROM messages GROUP BY account_id, {period}),
                      used AS (SELECT account_id, {period} AS period, counted FROM {table})
                 SELECT '{table} ' || coalesce(r.period, u.period) || ': rows say ' || coalesce(r.counted, 0)
                        || ', counter ' || coalesce(u.counted, 0) || ', not settled ' || coalesce(r.reserved, 0)
                 FROM rows r FULL JOIN used u ON u.account_id = r.account_id AND u.period = r.period
                 WHERE coalesce(r.counted, 0) <> coalesce(u.counted, 0)
                    OR coalesce(r.reserved, 0) <> 0"
            ),
        ));
    }
    problems
}

fn lines(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |r| r.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

pub fn open_database(path: &Path) -> Connection {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
    db.busy_timeout(Duration::from_secs(10)).expect("a setting");
    db
}

pub fn read_log(db: &Connection) -> Vec<Row> {
    let mut statement = db.prepare("SELECT message_id, body, status FROM messages").expect("a statement");
    let rows = statement
        .query_map([], |r| Ok(Row { message_id: r.get(0)?, body: r.get(1)?, status: r.get(2)? }))
        .expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

pub fn read_phones(data: &Path, instance: &str) -> Vec<Arrived> {
    let file = fs::read_to_string(data.join("sandbox").join(format!("{instance}.jsonl"))).unwrap_or_default();
    // Only a line with its end was taken; a torn one is sealed and never parses.
    file.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, status: &str) -> Row {
        Row { message_id: id.into(), body: format!("text {id}"), status: status.into() }
    }

    fn arrived(id: &str) -> Arrived {
        Arrived { message_id: id.into(), text: format!("text {id}") }
    }

    fn told(id: &str) -> Acknowledged {
        Acknowledged { message_id: id.into(), text: format!("text {id}") }
    }

    #[test]
    fn the_checker_is_content_with_a_sound_run() {
        let log = [row("a", "sent"), row("b", "read"), row("c", "unknown"), row("d", "failed"), row("e", "unknown")];
        let phones = [arrived("a"), arrived("b"), arrived("c")];
        assert_eq!(compare(&[told("a"), told("b")], &log, &phones), Vec::<String>::new());
    }

    #[test]
    fn the_checker_sees_what_must_not_be() {
        let sound = || (vec![told("a")], vec![row("a", "sent")], vec![arrived("a")]);
        type Story = (Vec<Acknowledged>, Vec<Row>, Vec<Arrived>);
        type Break = fn(&mut Story);
        let broken: [(&str, Break); 10] = [
            ("an acknowledgement that nothing stands behind", |s| s.0.push(told("invented"))),
            ("an acknowledged message that failed", |s| s.1[0].status = "failed".into()),
            ("an acknowledged message that is unknown", |s| s.1[0].status = "unknown".into()),
            ("an acknowledged message with another text", |s| s.1[0].body = "another".into()),
            ("an acknowledged message that did not arrive", |s| s.2.clear()),
            ("a message that arrived twice", |s| s.2.push(arrived("a"))),
            ("one text under two ids", |s| {
                s.1.push(row("b", "sent"));
                s.2.push(Arrived { message_id: "b".into(), ..arrived("a") });
            }),
            ("a message that arrived and is not in the log", |s| s.2.push(arrived("b"))),
            ("a message that arrived and is said to have failed", |s| {
                s.1.push(row("b", "failed"));
                s.2.push(arrived("b"));
            }),
            ("a message under way for ever", |s| s.1.push(row("b", "sending"))),
        ];
        for (what, break_it) in broken {
            let mut story = sound();
            break_it(&mut story);
            assert!(!compare(&story.0, &story.1, &story.2).is_empty(), "{what} was not seen");
        }
    }

    #[test]
    fn the_checker_sees_a_counter_that_is_off_by_one() {
        let place = crate::harness::program::Place::new();
        place.furnish("shop-line");
        let send =
            ["send", "--instance", "shop-line", "--to", "+966501234567", "--purpose", "transactional", "Shipped."];
        assert_eq!(place.json(&send)["success"], true);
        assert_eq!(judge_database(&open_database(&place.database())), Vec::<String>::new());
        for wrong in ["usage_days SET counted = 2", "usage_months SET counted = 0", "messages SET quota = 'reserved'"] {
            let db = Connection::open(place.database()).expect("the database");
            db.execute(&format!("UPDATE {wrong}"), []).expect("an update");
            assert!(!judge_database(&db).is_empty(), "{wrong} was not seen");
        }
    }
}
