//! Edits and deletions of our own messages, as the server is asked for them, and its word of them coming back.

use super::rig::{LINE, PHONE, Rig, THEIRS};
use serde_json::{Value, json};

fn changed(about: &Value, text: Option<&str>) -> Value {
    let field = if text.is_some() { "edit" } else { "delete" };
    json!({"instance_id": LINE, "phone": PHONE, "message": text, "message_purpose": "transactional",
           field: {"message_id": about}})
}

#[tokio::test]
async fn an_edit_and_a_deletion_are_handed_over_and_their_echo_is_no_second_message() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent"]).await;
    let chat = format!("{}@s.whatsapp.net", PHONE.trim_start_matches('+'));
    let ours = rig.send_past_the_deadline("2 pieces are on their way.").await.json();
    let id = rig.last_id();
    rig.tell_status(&id, "SERVER_ACK").await;
    let reply = rig.world.send(&changed(&ours["message_id"], Some("3 pieces are on their way."))).await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
    let key = json!({"id": id, "fromMe": true, "remoteJid": chat});
    let asked = rig.server.with(THEIRS, |i| i.changed.clone());
    let edit = json!({"number": chat, "key": key, "text": "3 pieces are on their way."});
    assert_eq!(asked, [("edited".to_owned(), edit)]);
    // What the server tells of it then is ours.
    let told = json!({"key": {"remoteJid": chat, "fromMe": true, "id": id}, "type": "MESSAGE_EDIT",
        "editedMessage": {"conversation": "3 pieces are on their way."}, "timestampMs": "1780300800000"});
    rig.tell("messages.edited", told).await;
    let reply = rig.world.send(&changed(&ours["message_id"], None)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(rig.server.with(THEIRS, |i| i.changed.last().cloned()), Some(("deleted".to_owned(), key.clone())));
    rig.tell("messages.delete", json!({"id": "row", "key": key})).await;
    let told = rig.events("message.sent", 3).await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|event| event["source"] == "api"), "{told:?}");
    assert_eq!(told[2]["changed_provider_message_id"], json!(id));
    assert!(rig.heard().await.is_empty(), "nobody else wrote");
}

/// The server says no: nothing was changed, and the quota is given back.
#[tokio::test]
async fn what_the_server_does_not_find_is_failed() {
    let rig = Rig::start().await;
    let ours = rig.send_past_the_deadline("2 pieces are on their way.").await.json();
    rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
    rig.server.with(THEIRS, |i| i.log.clear());
    let reply = rig.world.send(&changed(&ours["message_id"], Some("3 pieces are on their way."))).await;
    assert_eq!((reply.status, reply.header("x-message-status")), (502, Some("failed")), "{}", reply.body);
    assert_eq!(rig.world.used().await, (1, 1));
}
