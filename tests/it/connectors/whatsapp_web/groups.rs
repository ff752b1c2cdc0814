//! Groups and channels: listed by their names, read and written to; where only administrators write it is said.

use super::rig::{CUSTOMER, LINE, OWN, Rig};
use crate::harness::{visitor::Visitor, whatsapp::attribute};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    connectors::{AboutMessage, Address, Content},
    model::{ids::InstanceId, percent::encode},
    store::StoreError,
};

const SECOND: Duration = Duration::from_secs(1);

const DRIVERS: &str = "120363000000000001@g.us";
const NEWS: &str = "120363000000000009@newsletter";

#[tokio::test]
async fn groups_and_channels_are_listed_by_their_names() {
    let rig = Rig::start().await;
    rig.service.add_group(DRIVERS, "Drivers", &[OWN, CUSTOMER]);
    rig.service.add_channel(NEWS, "News", "subscriber");
    rig.service.add_channel("120363000000000010@newsletter", "Ours", "admin");
    let id = InstanceId::from_text(LINE);
    let groups = rig.world.gateway().registry.groups(&id).await.expect("groups");
    let told: Vec<_> =
        groups.iter().map(|g| (g.id.as_str(), g.name.as_str(), g.participants, g.is_channel, g.is_read_only)).collect();
    let expected = [
        (DRIVERS, "Drivers", Some(2), false, false),
        (NEWS, "News", Some(90), true, true),
        ("120363000000000010@newsletter", "Ours", Some(90), true, false),
    ];
    assert_eq!(told, expected);
    assert_eq!(groups[1].picture_url.as_deref(), Some("https://mmg.whatsapp.net/v/channel.jpg"));
}

#[tokio::test]
async fn a_group_is_read_and_written_to() {
    let rig = Rig::without_instance().await;
    rig.service.add_group(DRIVERS, "Drivers", &[OWN, CUSTOMER]);
    rig.create().await;
    rig.link().await;
    rig.subscribe(&["group.message_received"]).await;
    let group = || Address::Group(DRIVERS.to_owned());
    // Twice: the first brings the key along, the second does not.
    for n in 0..2 {
        let text = Content::Text(format!("load {n} is ready"));
        rig.customer.send(group(), &format!("msg_01GROUP{n}"), text, None).await.expect("taken");
    }
    let heard = rig.events("group.message_received", 2).await;
    for (n, event) in heard.iter().enumerate() {
        assert_eq!((&event["group_id"], &event["group_name"]), (&json!(DRIVERS), &json!("Drivers")), "{event}");
        assert_eq!(
            (&event["message_text"], &event["from"]),
            (&json!(format!("load {n} is ready")), &json!(rig.customer.phone()))
        );
    }
    rig.until("all is acknowledged", async || rig.service.kept(OWN) == 0).await;

    // An answer from the chat page: text waits its pause in the queue.
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let path = format!("/chat/{LINE}/{}/send", encode(DRIVERS));
    let fields = [("text", "On its way"), ("nonce", "n-1"), ("as", "json")];
    let sending = owner.post(&path, &fields);
    let passing = rig.pass_until("it is sent", SECOND, async || rig.service.taken().iter().any(|t| t.0 == OWN));
    let (told, ()) = tokio::join!(sending, passing);
    assert_eq!(told.json()["outcome"], "sent", "{}", told.body);
    let got = rig.customer.got(&rig.last_id()).await;
    assert_eq!((got.kind.as_str(), got.text.as_deref()), ("text", Some("On its way")));
    assert_eq!(got.group.as_ref().map(|g| g.id.as_str()), Some(DRIVERS));
    assert_eq!(got.from.phone, Some(format!("+{OWN}")));

    // A sign on it, whose key names its author.
    let author = got.from.lid.map(Address::Lid);
    let about = AboutMessage { provider_message_id: got.provider_message_id, from_me: false, author, file: None };
    let sign = Content::Reaction { about: about.clone(), emoji: "👍".into() };
    rig.customer.send(group(), "msg_01SIGN", sign, None).await.expect("taken");
    let heard = rig.events("group.message_received", 3).await;
    assert_eq!((&heard[2]["message_type"], &heard[2]["message_text"]), (&json!("reaction"), &json!("👍")));
    let read = rig.world.gateway().store.read(|tx| {
        tx.one("SELECT reply_to FROM inbound_messages ORDER BY id DESC LIMIT 1", [], |r| r.get::<_, String>(0))
    });
    let reply_to = read.await.map_err(|e: StoreError| e.to_string()).expect("a row");
    assert_eq!(reply_to, about.provider_message_id);
}

#[tokio::test]
async fn what_goes_to_a_channel_goes_as_it_is() {
    const OURS: &str = "120363000000000010@newsletter";
    let rig = Rig::start().await;
    rig.service.add_channel(OURS, "Ours", "admin");
    let text = Content::Text("We open at nine.".into());
    rig.customer.send(Address::Group(OURS.into()), "msg_01NEWS", text, None).await.expect("taken");
    let written = rig.service.seen("message").into_iter().find(|message| attribute(message, "to") == OURS);
    assert!(written.expect("one").get_optional_child("plaintext").is_some(), "channels are not encrypted");
}

/// From the chat page, too, although nobody heard of it yet.
#[tokio::test]
async fn a_channel_of_ours_is_written_to_from_the_chat_page() {
    const OURS: &str = "120363000000000010@newsletter";
    let rig = Rig::start().await;
    rig.service.add_channel(OURS, "Ours", "admin");
    rig.service.add_channel(NEWS, "News", "subscriber");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let path = |channel: &str| format!("/chat/{LINE}/{}/send", encode(channel));
    let fields = [("text", "We open at nine."), ("nonce", "n-1"), ("as", "json")];
    let to_ours = path(OURS);
    let sending = owner.post(&to_ours, &fields);
    let passing = rig.pass_until("it is sent", SECOND, async || rig.service.taken().iter().any(|t| t.0 == OWN));
    let (told, ()) = tokio::join!(sending, passing);
    assert_eq!((told.status, &told.json()["outcome"]), (200, &json!("sent")), "{}", told.body);
    assert_eq!(told.json()["chat"], OURS);
    let page = owner.get(&format!("/chat?instance={LINE}&chat={}", encode(OURS))).await;
    assert!(
        page.status == 200 && page.body.contains("We open at nine.") && page.body.contains("Ours"),
        "{}",
        page.body
    );
    // Looked at first, and then not written to: only its administrators write there.
    assert_eq!(owner.get(&format!("/chat?instance={LINE}&chat={}", encode(NEWS))).await.status, 200);
    let refused = owner.post(&path(NEWS), &[("text", "Hello"), ("nonce", "n-2"), ("as", "json")]).await;
    assert!(refused.status == 422 && refused.json()["problem"].is_string(), "{}", refused.body);
    assert_eq!(owner.get(&format!("/chat?instance={LINE}&chat={}", encode("1203@newsletter"))).await.status, 404);
}

#[tokio::test]
async fn what_changes_of_a_group_is_told() {
    let rig = Rig::without_instance().await;
    rig.service.add_group(DRIVERS, "Drivers", &[OWN, CUSTOMER]);
    rig.create().await;
    rig.link().await;
    rig.subscribe(&["group.updated"]).await;
    rig.service.rename_group(DRIVERS, "Drivers and packers", OWN);
    let told = rig.events("group.updated", 1).await;
    assert_eq!(
        (&told[0]["group_id"], &told[0]["group_name"], &told[0]["change"]),
        (&json!(DRIVERS), &json!("Drivers and packers"), &json!("subject")),
        "{told:?}"
    );
    rig.until("it is acknowledged", async || rig.service.kept(OWN) == 0).await;
}
