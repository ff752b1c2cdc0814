//! The machine's clock is wrong, either way: at pairing, after a restart, and while it is connected. Messages go all the same,
//! and state, log, event and pages say that it is wrong and what to do.

use super::{
    rig::{LINE, OWN, Rig},
    told::pages_tell,
};
use crate::harness::{log::CapturedLog, visitor::Visitor};
use wa_gateway::{
    connectors::whatsapp_web::words,
    model::{
        clock::{Clock as _, Time},
        ids::InstanceId,
    },
};

const HOURS: i64 = 3600;
/// How far WhatsApp's clock is ahead of the machine's.
const APART: [i64; 2] = [5 * HOURS, -7 * HOURS];

/// WhatsApp's clock is so far ahead of the machine's from now on: how it says it.
fn set_apart(rig: &Rig, seconds: i64) -> String {
    let theirs = Time::from_millis((rig.world.clock.now().seconds() + seconds) * 1000);
    rig.service.tell_time(theirs.seconds());
    theirs.to_string()
}

/// WhatsApp's clock, as the instance's reason says it; none: nothing is said.
async fn told(rig: &Rig) -> Option<String> {
    let status = rig.status().await;
    assert_eq!(status["state"], "open", "{status}");
    let (name, theirs) = words::find(status["state_reason"].as_str()?).expect("one of ours");
    assert_eq!(name, "clock_wrong");
    Some(theirs.to_owned())
}

#[tokio::test]
async fn a_wrong_clock_at_pairing_is_told_everywhere_and_messages_go() {
    for apart in APART {
        let log = CapturedLog::begin();
        let rig = Rig::without_instance().await;
        let wanted = set_apart(&rig, apart);
        rig.create().await;
        rig.subscribe(&["instance.connection_updated"]).await;
        rig.link().await;
        assert_eq!(told(&rig).await, Some(wanted.clone()));
        let updates = || rig.receiver.got().into_iter().map(|got| got.json()).filter(|e| e["state"] == "open");
        rig.until("an event tells it", async || updates().next().is_some()).await;
        let reason = updates().next().expect("one")["reason"].as_str().map(str::to_owned).expect("a reason");
        assert_eq!(words::find(&reason), Some(("clock_wrong", wanted.as_str())));
        assert!(log.text().contains(&reason), "{}", log.text());
        let paths = [format!("/instances/{LINE}/manage"), "/instances".to_owned()];
        pages_tell(&rig, "clock_wrong", &paths).await;
        let page = Visitor::logged_in(&rig.world, "owner").await.get(&paths[1]).await.body;
        assert!(page.contains("state open") && !page.contains("state unanswered"), "it is connected: {page}");
        assert_eq!(rig.send("Your order is ready.").await.header("x-message-status"), Some("sent"));
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong_while_it_is_connected_is_told_and_so_is_its_mending() {
    for apart in APART {
        let rig = Rig::start().await;
        rig.subscribe(&["instance.connection_updated"]).await;
        assert_eq!(told(&rig).await, None);
        let connected = rig.service.logins(OWN);
        // Every answer says what time it is; this asks for one.
        let wanted = set_apart(&rig, apart);
        let ask = async || rig.world.gateway().registry.groups(&InstanceId::from_text(LINE)).await;
        ask().await.expect("an answer");
        rig.until("it is told", async || told(&rig).await.is_some()).await;
        assert_eq!(told(&rig).await, Some(wanted));
        assert_eq!(rig.events("instance.connection_updated", 1).await[0]["state"], "open");
        set_apart(&rig, 60);
        ask().await.expect("an answer");
        rig.until("it is right again", async || told(&rig).await.is_none()).await;
        let events = rig.events("instance.connection_updated", 2).await;
        assert_eq!(events[1]["reason"], serde_json::Value::Null, "{events:?}");
        assert_eq!(rig.service.logins(OWN), connected, "it stayed connected");
    }
}
