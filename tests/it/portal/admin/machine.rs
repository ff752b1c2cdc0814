//! The machine: private addresses that may be called, a backup now, how it stands.

use super::{Visitor, World, audited};
use crate::harness::{deps::for_everything, post_office::PostOffice};
use wa_gateway::{
    app::scheduler::Scheduler,
    config::Config,
    ops::{
        backup::{Passphrase, restore},
        page_settings,
    },
};

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
    restore(file, &restored, None).expect("it can be restored");
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

/// Whether any file of the database holds the text.
fn is_on_disk(world: &World, text: &str) -> bool {
    let files =
        std::fs::read_dir(&world.gateway().data_dir).expect("a directory").map(|entry| entry.expect("one").path());
    files
        .filter(|path| path.is_file())
        .any(|path| std::fs::read(path).expect("a file").windows(text.len()).any(|part| part == text.as_bytes()))
}

/// The configuration, as the doctor sees it.
fn as_seen(world: &World) -> Config {
    page_settings::over(&Config { data_dir: world.gateway().data_dir.clone(), ..Config::default() })
}

#[tokio::test]
async fn mail_is_set_up_on_the_page_tried_there_and_taken_away() {
    let office = PostOffice::plain().await;
    let mut world = World::start().await;
    let port = office.address.port().to_string();
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let fields = |port: &'static str, user: &'static str, password: &'static str| {
        [
            ("host", "127.0.0.1"),
            ("port", port),
            ("tls", "off"),
            ("user", user),
            ("password", password),
            ("from", "gateway@shop.example"),
            ("to", "boss@shop.example, ops@shop.example"),
        ]
    };
    let port: &'static str = port.leak();
    assert_eq!(
        admin.post("/admin/notices", &fields(port, "", "")).await.header("location"),
        Some("/admin/notices?done=saved")
    );
    let tried = admin.post("/admin/notices/test", &[]).await.body;
    assert_eq!(tried.matches("taken").count(), 2, "{tried}");
    let to: Vec<String> = office.got().into_iter().map(|mail| mail.to).collect();
    assert!(to.len() == 2 && to[0].contains("boss@") && to[1].contains("ops@"), "{to:?}");
    assert_eq!(audited(&world, "notices.mail").await.3, format!("127.0.0.1:{port} off"));
    assert_eq!(as_seen(&world).notices.smtp_host.as_deref(), Some("127.0.0.1"), "the doctor knows of it");

    // A password is sealed, shown nowhere, and stays where it is left empty.
    assert_eq!(admin.post("/admin/notices", &fields(port, "gateway", "0penS3same")).await.status, 303);
    assert_eq!(admin.post("/admin/notices", &fields(port, "gateway", "")).await.status, 303);
    let page = admin.get("/admin/notices").await.body;
    assert!(page.contains("value=\"gateway\"") && !page.contains("0penS3same") && !is_on_disk(&world, "0penS3same"));
    world.restart().await;
    assert!(world.gateway().digests.is_on(), "after a restart");
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert!(admin.get("/admin/notices").await.body.contains(&format!("127.0.0.1:{port}")));

    assert_eq!(admin.post("/admin/notices", &[("do", "remove")]).await.status, 303);
    assert!(!world.gateway().digests.is_on() && as_seen(&world).notices.smtp_host.is_none());
    assert!(admin.post("/admin/notices/test", &[]).await.body.contains("Nobody is named"));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert_eq!(owner.post("/admin/notices", &fields(port, "", "")).await.status, 403);
}

#[tokio::test]
async fn what_the_configuration_says_of_mail_and_backups_is_not_changed_on_a_page() {
    let (office, place) = (PostOffice::plain().await, tempfile::TempDir::new().expect("a directory"));
    let (at, kept) = (office.address, place.path().join("kept"));
    let world = World::start_with(move |config| {
        let notices = &mut config.notices;
        (notices.smtp_host, notices.smtp_port) = (Some("127.0.0.1".into()), at.port());
        (notices.smtp_tls, notices.from) = (wa_gateway::config::SmtpTls::Off, "gateway@shop.example".into());
        config.egress.allow = vec![for_everything(&at)];
        config.backup.directory = Some(kept);
    })
    .await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    for (path, show) in [("/admin/notices", "/admin/notices"), ("/admin/system/backups", "/admin/system")] {
        let page = admin.get(show).await.body;
        assert!(!page.contains(&format!("action=\"{path}\"")), "{path}");
        for fields in [vec![("do", "remove")], vec![("host", "mail.example"), ("directory", "/tmp/x")]] {
            let refused = admin.post(path, &fields).await;
            assert!(refused.status == 422 && refused.body.contains("it is changed there"), "{path} {fields:?}");
        }
    }
}

#[tokio::test]
async fn backups_are_set_up_on_the_page_made_by_themselves_and_taken_away() {
    let place = tempfile::TempDir::new().expect("a directory");
    let directory = place.path().join("kept");
    let mut world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let at = directory.to_str().expect("UTF-8").to_owned();
    let fields = |passphrase: &'static str| {
        [("directory", &*at), ("every_hours", "12"), ("keep", "2"), ("passphrase", passphrase)]
            .map(|(n, v)| (n, v.to_owned()))
    };
    let sent = fields("four words in a row");
    let sent: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(admin.post("/admin/system/backups", &sent).await.header("location"), Some("/admin/system?done=saved"));
    let files = || {
        let all = std::fs::read_dir(&directory).expect("the directory").map(|entry| entry.expect("an entry").path());
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    };
    assert_eq!(files(), Vec::<std::path::PathBuf>::new(), "what was tried is gone");
    Scheduler(world.gateway().clone()).step().await;
    assert_eq!(files().len(), 1, "made by itself");
    for _ in 0..2 {
        world.later(std::time::Duration::from_secs(12 * 3600));
        Scheduler(world.gateway().clone()).step().await;
    }
    assert_eq!(files().len(), 2, "and no more are kept");
    assert!(!is_on_disk(&world, "four words in a row"));
    let open = |passphrase: Option<&str>| {
        let target = tempfile::TempDir::new().expect("a directory");
        let passphrase = passphrase.map(|text| Passphrase::from_text(text).expect("one"));
        let file = std::fs::File::open(&files()[0]).expect("the backup");
        restore(file, &target.path().join("data"), passphrase.as_ref()).map(drop)
    };
    assert!(open(None).is_err(), "it is encrypted");
    open(Some("four words in a row")).expect("it can be restored");

    world.restart().await;
    // Two in one second would have one name.
    world.later(std::time::Duration::from_secs(60));
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.get("/admin/system").await.body;
    assert!(page.contains(&format!("value=\"{at}\"")) && page.contains("value=\"12\"") && !page.contains("four words"));
    assert_eq!(admin.post("/admin/system/backup", &[]).await.status, 303, "a button for one now");
    let seen = as_seen(&world).backup;
    assert_eq!((seen.directory.as_ref(), seen.keep), (Some(&directory), 2), "the doctor knows of it");
    assert!(audited(&world, "backup.schedule").await.3.contains("every 12 h, 2 kept"));

    // A passphrase that cannot be opened makes no backup that anybody can.
    let before = files();
    world.sql("UPDATE appliance_settings SET secret = x'00' WHERE part = 'backups'").await;
    world.restart().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let refused = admin.post("/admin/system/backup", &[]).await;
    assert!(refused.status == 422 && refused.body.contains("type it again"), "{}", refused.body);
    let kept = fields("");
    let kept: Vec<(&str, &str)> = kept.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(admin.post("/admin/system/backups", &kept).await.status, 303, "an empty field leaves what is there");
    assert_eq!(admin.post("/admin/system/backup", &[]).await.status, 422);
    assert_eq!(files(), before);

    assert_eq!(admin.post("/admin/system/backups", &[("do", "remove")]).await.status, 303);
    assert_eq!(admin.post("/admin/system/backup", &[]).await.status, 422);
    assert!(!files().is_empty(), "those that are there stay");
}
