//! The groups that an instance is in, as whoever writes to them gets them.

use super::rig::{LINE, Rig, THEIRS};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    connectors::GroupInfo,
    model::{clock::Time, ids::InstanceId},
};

/// The next look at the groups, nearly.
const ALMOST_TEN_MINUTES: Duration = Duration::from_secs(590);

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn groups_are_told_as_they_were_listed_last() {
    let rig = Rig::start().await;
    let own = rig.status().await["phone"].as_str().expect("its number").trim_start_matches('+').to_owned();
    let other = "966509999999@s.whatsapp.net";
    rig.server.with(THEIRS, |i| {
        i.groups = vec![
            json!({"id": "3@g.us", "subject": "Announcements", "size": 90, "announce": true, "owner": other,
                   "creation": 1_700_000_000, "desc": "Read only", "pictureUrl": "https://pps.example/3.jpg"}),
            json!({"id": "1@g.us", "subject": "Drivers", "size": 4, "announce": false, "owner": other}),
            json!({"id": "2@g.us", "subject": "Ours", "size": 7, "announce": true,
                   "owner": format!("{own}@s.whatsapp.net"), "desc": null, "pictureUrl": null}),
        ];
    });
    let looks = || rig.server.seen("/group/fetchAllGroups").len();
    let line = InstanceId::from_text(LINE);
    let groups = async || rig.world.gateway().registry.groups(&line).await.expect("groups");
    let before = looks();
    rig.world.later(ALMOST_TEN_MINUTES);
    rig.pass_until("the groups were listed", SECOND, async || looks() > before && groups().await.len() == 3).await;
    let told = groups().await;
    let names: Vec<_> = told.iter().map(|g| (g.name.as_str(), g.is_read_only, g.participants)).collect();
    assert_eq!(names, [("Drivers", false, Some(4)), ("Ours", false, Some(7)), ("Announcements", true, Some(90))]);
    let wanted = GroupInfo {
        id: "3@g.us".into(),
        name: "Announcements".into(),
        description: Some("Read only".into()),
        picture_url: Some("https://pps.example/3.jpg".into()),
        participants: Some(90),
        owner: Some(other.into()),
        created_at: Some(Time::from_millis(1_700_000_000_000)),
        is_read_only: true,
        ..GroupInfo::default()
    };
    assert_eq!(told[2], wanted);
    let before = looks();
    groups().await;
    assert_eq!(looks(), before, "the server is slow at it, and is not asked with every message");
    // One that was left is gone.
    rig.server.with(THEIRS, |i| i.groups.truncate(2));
    rig.world.later(ALMOST_TEN_MINUTES);
    rig.pass_until("the groups were listed again", SECOND, async || looks() > before && groups().await.len() == 2)
        .await;
}

#[tokio::test]
async fn groups_that_were_never_listed_are_asked_for() {
    let rig = Rig::without_instance().await;
    rig.server.add_open(THEIRS);
    rig.server.answer_everywhere(Some(("500 Internal Server Error", json!({"message": "no"}))));
    rig.create().await;
    let line = InstanceId::from_text(LINE);
    let why = rig.world.gateway().registry.groups(&line).await.expect_err("they are not known").to_string();
    assert!(why.contains("500"), "{why}");
    rig.server.with(THEIRS, |i| i.groups = vec![json!({"id": "1@g.us", "subject": "Drivers", "size": 4})]);
    rig.server.answer_everywhere(None);
    let told = rig.world.gateway().registry.groups(&line).await.expect("groups");
    assert_eq!((told.len(), told[0].name.as_str()), (1, "Drivers"));
}

/// The server has no route for it, and that is said, not passed over.
#[tokio::test]
async fn a_call_rings_on_and_says_where_that_is_changed() {
    let rig = Rig::start().await;
    let line = InstanceId::from_text(LINE);
    let why = rig.world.gateway().registry.reject_call(&line, "C1").await.expect_err("it cannot be").to_string();
    assert!(why.contains("cannot be asked to end one call"), "{why}");
}
