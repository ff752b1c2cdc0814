//! Lists that leave and come: the message log and the suppressed as files, an import that is looked at first, and one
//! number's history for proof.

use crate::harness::{
    visitor::Visitor,
    world::{PHONE, World, message_with},
};
use serde_json::json;
use wa_gateway::app::commands::{ContactsImport, SuppressImport};

/// A body that came in pieces, put together.
fn whole(body: &str) -> String {
    let (mut out, mut rest) = (String::new(), body);
    while let Some((size, more)) = rest.split_once("\r\n") {
        let Some(size) = usize::from_str_radix(size, 16).ok().filter(|size| *size > 0) else { break };
        out.push_str(&more[..size]);
        rest = &more[size + 2..];
    }
    out
}

#[tokio::test]
async fn the_log_leaves_as_it_is_filtered_whole_and_safe_for_spreadsheets() {
    let world = World::start().await;
    world.send(&message_with(json!({"message": "=HYPERLINK(\"https://evil.example\") your order, please"}))).await;
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)
             INSERT INTO messages (message_id, account_id, source, instance_id, recipient, purpose, kind, body,
                 fingerprint, status, quota, day, month, created_at, updated_at)
             SELECT 'msg_' || i, 1, 'api', 'shop-line', '+966500000000', 'support', 'text', 'row ' || i, 0, 'read',
                 'none', '2026-05-01', '2026-05', 1780000000000 + i / 3, 1780000000000 FROM n",
        )
        .await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let all = owner.get("/message-logs/export.csv").await;
    assert_eq!((all.status, all.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert!(all.header("content-disposition").is_some_and(|d| d.starts_with("attachment")));
    let text = whole(&all.body);
    let lines: Vec<&str> = text.split("\r\n").filter(|l| !l.is_empty()).collect();
    assert_eq!(lines.len(), 1 + 1 + 1300, "a heading, and each row once");
    let mut ids: Vec<&str> = lines[1..].iter().filter_map(|l| l.split(',').next()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1301);
    assert!(lines.iter().any(|l| l.contains("\"'=HYPERLINK(\"\"https")), "it is text and no formula");
    assert!(lines[1].contains("'+966"), "a phone as well: {}", lines[1]);
    let some = owner.get("/message-logs/export.csv?status=sent&purpose=transactional").await;
    assert_eq!(whole(&some.body).lines().count(), 2, "{}", some.body);
    let page = owner.get("/message-logs?status=read").await.body;
    assert!(page.contains("/message-logs/export.csv?status=read"));
    let stranger = world.new_account("Other", "growth").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    assert_eq!(whole(&other.get("/message-logs/export.csv").await.body).lines().count(), 1, "nothing of another's");
    world.stop().await;
}

#[tokio::test]
async fn a_list_is_looked_at_first_and_comes_in_whole_or_not_at_all() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let list = "phone,reason\n+966501234501,asked by letter\nnonsense,\n+966501234502,\n";
    let path = "/suppressed-recipients/import";
    let count = || world.number("SELECT count(*) FROM suppressions");
    let looked = owner.post(path, &[("csv", list), ("do", "check")]).await;
    assert_eq!(looked.status, 422);
    for part in ["2 lines are right.", "1 line is wrong", "nonsense", "<td class=\"n\" data-label=\"Line\">3</td>"] {
        assert!(looked.body.contains(part), "{part} in {}", looked.body);
    }
    assert_eq!(owner.post(path, &[("csv", list), ("do", "import")]).await.status, 422);
    assert_eq!(count().await, 0, "nothing half done");
    let without = owner.post(path, &[("csv", list), ("do", "import"), ("skip", "on")]).await;
    assert_eq!((without.status, count().await), (303, 2));
    assert!(owner.get(without.header("location").expect("a way on")).await.body.contains("right lines: 2."));
    let at_home = owner.post(path, &[("csv", "0501234567\n"), ("do", "check")]).await;
    assert!(at_home.body.contains("<a href=\"/account#region\">"), "what mends it: {}", at_home.body);
    let right = "+966501234503\n";
    assert_eq!(owner.post(path, &[("csv", right), ("do", "check")]).await.status, 200);
    assert_eq!(count().await, 2, "looking changes nothing");
    assert_eq!(owner.post(path, &[("csv", right), ("do", "import")]).await.status, 303);
    assert_eq!(count().await, 3);
    assert_eq!(owner.post(path, &[("csv", ""), ("do", "import")]).await.status, 422);
    // A reason is as long as one that is typed, whoever brings it in.
    let long = format!("+966501234504,{}\n", "x".repeat(1001));
    let refused = owner.post(path, &[("csv", long.as_str()), ("do", "import")]).await;
    assert!(refused.status == 422 && refused.body.contains("at most 1000 characters"), "{}", refused.body);
    let command = SuppressImport { account: world.account, csv: long.clone(), ..Default::default() };
    let report = world.command(command).await.expect("a report");
    assert_eq!((&report["imported"], &report["skipped"]), (&json!(0), &json!(1)), "{report}");
    let people = ContactsImport { account: world.account, csv: long, ..Default::default() };
    let report = world.command(people).await.expect("a report");
    assert!(report["problems"][0].as_str().is_some_and(|why| why.contains("1 to 128 characters")), "{report}");
    assert_eq!(count().await, 3);
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert_eq!(viewer.post(path, &[("csv", right), ("do", "import")]).await.status, 403);
    assert!(!viewer.get("/suppressed-recipients").await.body.contains(path));
    let file = viewer.get("/suppressed-recipients/export.csv").await.body;
    assert!(file.contains("'+966501234501,asked by letter,manual"), "{file}");
    world.stop().await;
}

#[tokio::test]
async fn one_numbers_history_is_there_for_proof_and_nobody_elses() {
    let world = World::start().await;
    world.hears(PHONE, "STOP").await;
    world.send(&message_with(json!({}))).await;
    world.hears(PHONE, "START").await;
    world.hears(PHONE, "STOP").await;
    let id = world.number("SELECT contact_id FROM suppressions LIMIT 1").await;
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let page = viewer.get(&format!("/suppressed-recipients/{id}")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(PHONE) && page.body.contains("Lifted by"), "{}", page.body);
    assert!(page.body.contains("1 message to this number was refused"), "{}", page.body);
    assert_eq!(page.body.matches("<li class=\"bad\">").count(), 2);
    let stranger = world.new_account("Other", "growth").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    assert_eq!(other.get(&format!("/suppressed-recipients/{id}")).await.status, 404);
    world.stop().await;
}
