//! The machine: private addresses that may be called, a backup now, how it stands.

use super::{Visitor, World, audited};

#[tokio::test]
async fn a_private_address_is_allowed_at_once_and_after_a_restart_and_forbidden_again() {
    let mut world = World::start().await;
    let hook = [("url", "http://127.0.0.1:5678/hook"), ("event", "message.received")];
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/webhooks", &hook).await.status, 422, "not on the list");
    for bad in [("127.0.0.1", "n8n"), ("127.0.0.1:5678", " "), ("nowhere at all:1", "n8n")] {
        let reply = admin.post("/admin/egress", &[("entry", bad.0), ("reason", bad.1)]).await;
        assert!(reply.status == 422 && reply.body.contains(&format!("value=\"{}\"", bad.0)), "{bad:?}");
    }
    assert_eq!(admin.post("/admin/egress", &[("entry", "127.0.0.1:5678"), ("reason", "n8n")]).await.status, 303);
    assert_eq!(admin.post("/admin/egress", &[("entry", "127.0.0.1:5678"), ("reason", "n8n")]).await.status, 422);
    assert_eq!(admin.post("/webhooks", &hook).await.status, 200);
    assert_eq!(audited(&world, "egress.add").await.3, "n8n");
    world.restart().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let other = [("url", "http://127.0.0.1:5678/other"), ("event", "message.received")];
    assert_eq!(admin.post("/webhooks", &other).await.status, 200, "after a restart");
    assert_eq!(admin.post("/admin/egress", &[("entry", "127.0.0.1:5678"), ("do", "remove")]).await.status, 303);
    assert_eq!(admin.post("/admin/egress", &[("entry", "127.0.0.1:5678"), ("do", "remove")]).await.status, 404);
    assert_eq!(admin.post("/webhooks", &other).await.status, 422, "forbidden again");
}

#[tokio::test]
async fn a_backup_is_made_now() {
    let place = tempfile::TempDir::new().expect("a directory");
    let directory = place.path().join("kept");
    let to = directory.clone();
    let world = World::start_with(move |config| config.backup.directory = Some(to)).await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let made = admin.post("/admin/system/backup", &[]).await;
    assert_eq!(made.header("location"), Some("/admin/system?done=backed_up"));
    let files: Vec<_> = std::fs::read_dir(&directory).expect("the directory").map(|e| e.expect("an entry")).collect();
    assert_eq!(files.len(), 1);
    let target = tempfile::TempDir::new().expect("a directory");
    let restored = target.path().join("data");
    let file = std::fs::File::open(files[0].path()).expect("the backup");
    wa_gateway::ops::backup::restore(file, &restored, None).expect("it can be restored");
    assert!(audited(&world, "backup.make").await.3.contains(".wabackup"));
    assert!(admin.get("/admin/system").await.body.contains("just now"));
}

#[tokio::test]
async fn without_a_place_for_backups_the_page_says_what_to_set() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let reply = admin.post("/admin/system/backup", &[]).await;
    assert!(reply.status == 422 && reply.body.contains("backup.directory"));
    assert_eq!(admin.post("/admin/system/log", &[("level", "loud")]).await.status, 404);
}
