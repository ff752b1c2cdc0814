//! What goes wrong on our own side: the file with the keys is damaged, an instance ends while its phone is being linked.

use super::{
    rig::{LINE, OWN, Rig},
    told::pages_tell,
};
use std::path::PathBuf;
use wa_gateway::{app::commands::InstanceDelete, connectors::whatsapp_web::words, model::ids::InstanceId};

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
