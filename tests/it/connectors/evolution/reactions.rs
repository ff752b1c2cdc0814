//! Signs on messages, as the server is asked for them.

use super::rig::{LINE, PHONE, Rig, THEIRS};
use serde_json::{Value, json};

const ROUTE: &str = "/message/sendReaction/Loja%201";

fn reaction(about: &Value) -> Value {
    json!({"instance_id": LINE, "phone": PHONE, "message_purpose": "support",
           "reaction": {"message_id": about, "emoji": "👍"}})
}

#[tokio::test]
async fn a_sign_names_the_message_by_its_whole_key_and_is_sent_when_whatsapp_has_it() {
    let rig = Rig::start().await;
    let chat = format!("{}@s.whatsapp.net", PHONE.trim_start_matches('+'));
    let told = rig.server.receive(THEIRS, &chat, "IN1", json!({"conversation": "It works"}));
    rig.tell("messages.upsert", told).await;
    let body = rig.message("Glad to hear it.");
    let ours = rig.send_body_past_the_deadline(&body, true).await;
    let our_key = rig.last_id();
    for (about, id, from_me) in [(json!("IN1"), "IN1", false), (ours.json()["message_id"].clone(), &our_key, true)] {
        let reply = rig.send_body_past_the_deadline(&reaction(&about), true).await;
        assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")), "{}", reply.body);
        let seen = rig.server.seen(ROUTE).pop().expect("it").body;
        assert_eq!(seen, json!({"key": {"remoteJid": chat, "fromMe": from_me, "id": id}, "reaction": "👍"}));
        rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
        assert_eq!(rig.row(&reply).await["status"], "sent");
    }
}

/// The server asks for the chat as it names it, which in some countries is not the number.
#[tokio::test]
async fn the_chat_is_the_one_that_the_server_names() {
    let rig = Rig::start().await;
    let mut body = rig.message("Seu pedido chegou.");
    body["phone"] = json!("+5511987654321");
    let ours = rig.send_body_past_the_deadline(&body, true).await;
    let mut sign = reaction(&ours.json()["message_id"]);
    sign["phone"] = json!("+5511987654321");
    let reply = rig.send_body_past_the_deadline(&sign, true).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let seen = rig.server.seen(ROUTE).pop().expect("it").body;
    assert_eq!(seen["key"]["remoteJid"], "551187654321@s.whatsapp.net");
    rig.server.add_stranger("5511987654321");
    let reply = rig.world.send(&sign).await;
    assert_eq!(reply.header("x-message-status"), Some("failed"), "{}", reply.body);
    assert_eq!(rig.server.seen(ROUTE).len(), 1, "nothing was handed over");
}
