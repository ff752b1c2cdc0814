//! Calls that are not taken: Meta is asked to end them.

use super::rig::{LINE, PHONE, Rig};
use crate::harness::graph::Fault;
use serde_json::{Value, json};
use wa_gateway::model::{clock::Clock as _, ids::InstanceId};

fn call(rig: &Rig, event: &str) -> Value {
    let at = rig.world.clock.now().seconds().to_string();
    let mut call = json!({"id": "wacid.1", "from": PHONE.trim_start_matches('+'), "to": "15550783881", "event": event,
                          "timestamp": at, "direction": "USER_INITIATED"});
    if event == "terminate" {
        call["status"] = json!("FAILED");
    }
    json!({"calls": [call]})
}

#[tokio::test]
async fn a_call_is_ended_where_the_instance_is_set_so_and_is_then_no_missed_one() {
    let rig = Rig::start().await;
    rig.subscribe(&["call.received", "call.missed"]).await;
    rig.set(&[("reject_calls", "on")]).await;
    rig.call(call(&rig, "connect")).await;
    rig.until("Meta was asked to end it", async || !rig.graph.state().calls.is_empty()).await;
    let asked = rig.graph.state().calls.clone();
    assert_eq!(asked, [json!({"messaging_product": "whatsapp", "call_id": "wacid.1", "action": "reject"})]);
    rig.call(call(&rig, "terminate")).await;
    rig.call(call(&rig, "connect")).await;
    let row = rig.world.number("SELECT count(*) FROM calls WHERE missed = 0 AND rejected_at IS NOT NULL").await;
    assert_eq!((row, rig.graph.state().calls.len()), (1, 1), "once");
    let told = rig.world.number("SELECT count(*) FROM events WHERE name = 'call.missed'").await;
    assert_eq!((told, rig.events("call.received", 1).await.len()), (0, 1));
    rig.assert_good_manners();
}

#[tokio::test]
async fn what_meta_says_against_it_is_told() {
    let rig = Rig::start().await;
    let line = InstanceId::from_text(LINE);
    let reject = async || rig.world.gateway().registry.reject_call(&line, "wacid.9").await;
    assert_eq!(reject().await, Ok(()));
    rig.graph.fault_next(Fault::code("400 Bad Request", 100));
    let why = reject().await.expect_err("refused").to_string();
    assert!(why.contains("100"), "{why}");
    rig.graph.fault_next(Fault::Answer("502 Bad Gateway".into(), "<html>".into()));
    assert!(reject().await.expect_err("no answer of Meta's").to_string().contains("502"));
    rig.graph.door.go_dark().await;
    assert!(reject().await.is_err());
}
