//! Both directions: what people write reaches the telephone system in either shape, what agents answer reaches them, and
//! each side is told in words it understands when it does not.

use crate::harness::{
    deps::for_everything,
    files::FileServer,
    http::Reply,
    pbx::{Pbx, call, reply_to},
    receiver::{Got, Receiver},
    wait,
    world::{INSTANCE, PHONE, SPAM, World},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    app::commands::{SandboxGroup, ThreecxRotate, ThreecxSettings, WebhookDeliveries, WebhookResend},
    connectors::inbound_event::{InboundMessage, RemoteParty, Told},
    model::{
        clock::{Clock, SystemClock},
        ids::InstanceId,
        message::{EDIT, REVOKE},
    },
};

const TRUNK: &str = "+966112345678";

/// A world that may call these receivers.
async fn world_with(receivers: &[&Receiver]) -> World {
    let entries = receivers.iter().map(|r| r.address.to_string().parse().expect("an entry")).collect();
    // The verifier looks at its own clock: the gateway's is the same here.
    let now = SystemClock.now().rfc3339();
    World::start_at(&now, |config| {
        config.egress.allow = entries;
        config.guard.recipient_per_minute = 0;
    })
    .await
}

fn to(receiver: &Receiver, mode: &str) -> ThreecxSettings {
    ThreecxSettings {
        destination: Some(receiver.url()),
        mode: Some(mode.into()),
        trunk_number: Some(TRUNK.into()),
        call_events: Some(true),
        ..Default::default()
    }
}

/// Secret and both signatures are the integration's.
fn assert_proven(got: &Got, pbx: &Pbx) {
    assert_eq!(got.header("x-whatsapp-gateway-3cx-secret"), pbx.secret);
    assert_eq!(got.header("x-whatsapp-gateway-event"), "message.received");
    let mut mac = Hmac::<Sha256>::new_from_slice(pbx.signing.as_bytes()).expect("a key");
    for part in [got.header("x-whatsapp-gateway-timestamp"), ".", got.body.as_str()] {
        mac.update(part.as_bytes());
    }
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(got.header("x-whatsapp-gateway-signature"), format!("sha256={hex}"));
    let verifier = standardwebhooks::Webhook::new(&pbx.signing).expect("a good secret");
    let mut headers = ::http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, got.header(name).parse().expect("a header"));
    }
    verifier.verify(got.body.as_bytes(), &headers).expect("it verifies");
}

/// Refused with a short text for the agent, and not with JSON.
fn assert_told(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(reply.body.contains(words) && reply.body.len() < 160, "{}", reply.body);
}

#[tokio::test]
async fn a_whole_conversation() {
    let (flow, trunk) = (Receiver::start().await, Receiver::start().await);
    let world = world_with(&[&flow, &trunk]).await;
    let events = world.pbx(to(&flow, "event")).await;
    let sms = world.another_pbx(INSTANCE, to(&trunk, "sms")).await;
    for pbx in [&events, &sms] {
        world.template(pbx, "missed_call", Some("Sorry we missed your call. {{business_name}}")).await;
    }

    // Nobody wrote yet: nobody is written to.
    assert_eq!(world.event(&events, &reply_to(PHONE)).await.error(), "conversation_window_closed");
    assert_told(&world.agent_writes(&sms, PHONE, "Hello").await, 403, "has not written lately");
    assert_eq!(world.event(&events, &call("missed_call", PHONE)).await.error(), "conversation_window_closed");

    // She writes: each integration gets its copy in its shape.
    let text = "هل المتجر مفتوح؟ — האם פתוח? 👩‍🚀";
    world.hears(PHONE, text).await;
    let event = &flow.wait_for(1).await[0];
    assert_proven(event, &events);
    let body = event.json();
    assert_eq!((&body["event"], &body["from"]), (&json!("message.received"), &json!(PHONE)));
    assert_eq!((&body["message_text"], &body["instance_id"]), (&json!(text), &json!(INSTANCE)));
    assert_eq!(body["event_id"], event.header("webhook-id"));
    let message = &trunk.wait_for(1).await[0];
    assert_proven(message, &sms);
    let data = &message.json()["data"];
    let members: Vec<&String> = data.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["event_type", "id", "occurred_at", "payload"]);
    let payload = &data["payload"];
    let members: Vec<&String> = payload.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "received_at", "from", "to", "text"]);
    assert_eq!((&data["event_type"], &payload["text"]), (&json!("message.received"), &json!(text)));
    assert_eq!(payload["from"], json!({"phone_number": PHONE}));
    assert_eq!(payload["to"], json!([{"phone_number": TRUNK}]));
    assert_eq!(payload["received_at"], world.clock.now().to_second());

    // Agents answer, in the 3CX client and from a call flow.
    let answer = world.agent_writes(&sms, PHONE, "Yes, until ten.").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let id = answer.json()["data"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.json(), json!({"data": {"id": id}}));
    assert_eq!(world.event(&events, &reply_to(PHONE)).await.status, 200);
    let inbox = world.inbox().await;
    assert_eq!((&inbox[0]["message_id"], &inbox[0]["text"]), (&json!(id), &json!("Yes, until ten.")));
    assert_eq!(inbox.len(), 2);

    // She calls, and is told once, by each integration; a quarter of an hour later once more.
    for (minutes, status) in [(0, "sent"), (14, "skipped"), (1, "sent")] {
        world.later(Duration::from_secs(minutes * 60));
        for pbx in [&events, &sms] {
            let reply = world.event(pbx, &call("missed_call", PHONE)).await;
            assert_eq!(reply.json()["status"], status, "after {minutes}: {}", reply.body);
        }
    }
    assert_eq!(world.inbox().await.len(), 6);

    // She wants no more: the next answer is refused, in words.
    world.hears(PHONE, "STOP").await;
    assert_told(&world.agent_writes(&sms, PHONE, "One thing more").await, 403, "opted out");
    let refused = world.event(&events, &reply_to(PHONE)).await;
    assert_eq!((refused.status, refused.error()), (403, "recipient_suppressed".into()));
    world.later(Duration::from_secs(15 * 60));
    assert_eq!(world.event(&events, &call("missed_call", PHONE)).await.error(), "recipient_suppressed");
    // What was refused leaves no cooldown behind: after START the call is answered.
    world.hears(PHONE, "START").await;
    assert_eq!(world.event(&events, &call("missed_call", PHONE)).await.json()["status"], "sent");

    // A day later nobody is written to.
    world.later(Duration::from_secs(24 * 3600));
    assert_eq!(world.event(&events, &call("missed_call", PHONE)).await.error(), "conversation_window_closed");
    assert_told(&world.agent_writes(&sms, PHONE, "Hello?").await, 403, "has not written lately");
    assert_eq!(world.inbox().await.len(), 7);
    assert_eq!((flow.wait_for(3).await.len(), trunk.wait_for(3).await.len()), (3, 3));
    world.stop().await;
}

#[tokio::test]
async fn agents_are_told_why_in_a_line() {
    let world = World::start_with(|config| {
        config.sending.answer_timeout = Duration::from_secs(1);
        config.guard.recipient_per_minute = 0;
    })
    .await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    assert_told(&world.agent_writes(&pbx, "101", "Hello").await, 422, "no valid number");
    assert_told(&world.agent_writes(&pbx, PHONE, " ").await, 422, "only text");
    assert_told(&world.agent_writes(&pbx, PHONE, &"x".repeat(4097)).await, 422, "too long");
    assert_told(&world.agent_writes(&pbx, PHONE, SPAM).await, 403, "advertising");
    world.grant(Some(0), None).await;
    let told = world.agent_writes(&pbx, PHONE, "Hello").await;
    assert_told(&told, 429, "today's message limit");
    assert!(told.header("retry-after").is_some());
    world.grant(Some(1000), None).await;
    world.sandbox("fail", "refuse").await;
    assert_told(&world.agent_writes(&pbx, PHONE, "Hello").await, 422, "did not take the message");
    world.sandbox("fail", "timeout_after_accept").await;
    let (unknown, ()) = tokio::join!(world.agent_writes(&pbx, PHONE, "Hello again"), world.step(&[1]));
    assert_told(&unknown, 422, "not known whether");
    assert_eq!(unknown.header("x-message-status"), Some("unknown"));
    world.sandbox("fail", "").await;
    world.pause().await;
    assert_told(&world.agent_writes(&pbx, PHONE, "Hello").await, 423, "paused");
    world.resume().await;
    world.set_pbx(&pbx, ThreecxSettings { outbound: Some(false), ..Default::default() }).await;
    assert_told(&world.agent_writes(&pbx, PHONE, "Hello").await, 403, "switched off");
    world.set_plan("none").await;
    assert_told(&world.agent_writes(&pbx, PHONE, "Hello").await, 403, "no active plan");
    world.take_module().await;
    assert_told(&world.agent_writes(&pbx, PHONE, "Hello").await, 403, "not enabled");
    assert_eq!(world.last_request(&pbx).await["via"], "sms");
    world.stop().await;
}

/// An agent's picture goes, or the agent is told that it did not: no text alone with a good answer.
#[tokio::test]
async fn an_agents_file_goes_or_the_agent_is_told() {
    let server = FileServer::start().await;
    let entry = for_everything(&server.address);
    let world = World::start_with(|config| {
        config.egress.allow = vec![entry];
        config.guard.recipient_per_minute = 0;
    })
    .await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    let picture = server.put("f.png", "image/png", b"\x89PNG\r\n\x1a\n");
    let voice = server.put("v.mp3", "audio/mpeg", b"ID3 and more");
    let sends = async |members: Value| {
        let headers = [format!("Authorization: Bearer {}", pbx.secret), "Content-Type: application/json".to_owned()];
        let mut body = json!({"from": TRUNK, "to": PHONE});
        body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        crate::harness::http::call(world.address(), "POST", &pbx.sms_path(), &headers, body.to_string().as_bytes())
            .await
    };
    for (members, kind, text) in [
        (json!({"text": "see the picture", "media_urls": [picture]}), "image", "see the picture"),
        (json!({"media_urls": [picture]}), "image", ""),
        (json!({"text": "listen", "media": [{"url": voice}]}), "document", "listen"),
        (json!({"media_url": voice}), "audio", ""),
    ] {
        let reply = sends(members.clone()).await;
        assert_eq!(reply.status, 200, "{members}: {}", reply.body);
        let last = world.inbox().await.last().expect("a message").clone();
        assert_eq!((&last["kind"], &last["text"]), (&json!(kind), &json!(text)), "{members}");
    }
    let before = world.inbox().await.len();
    let gone = format!("http://{}/gone.png", server.address);
    for (members, words) in [
        (json!({"text": "two", "media_urls": [picture, picture]}), "one file"),
        (json!({"text": "no address", "attachments": [{"id": 7}]}), "one file"),
        (json!({"text": "gone", "media_urls": [gone]}), "could not be fetched"),
    ] {
        assert_told(&sends(members).await, 422, words);
    }
    let mut body = reply_to(PHONE);
    body["media_url"] = json!(picture);
    assert_eq!(world.event(&pbx, &body).await.status, 200);
    assert_eq!(world.inbox().await.len(), before + 1, "the webhook sends it, too, and what was refused did not go");
    world.stop().await;
}

#[tokio::test]
async fn what_is_forwarded_is_a_delivery_like_any_other() {
    let trunk = Receiver::start().await;
    let world = world_with(&[&trunk]).await;
    let pbx = world.pbx(to(&trunk, "sms")).await;
    trunk.answer_next("500 Internal Server Error");
    world.hears(PHONE, "Hello?").await;
    trunk.wait_for(1).await;
    settled(&world, 1).await;
    world.later(Duration::from_secs(6));
    let got = trunk.wait_for(2).await;
    assert_eq!((&got[0].body, got[0].header("webhook-id")), (&got[1].body, got[1].header("webhook-id")));
    settled(&world, 2).await;
    // After a rotation the new secrets go with what is sent again, and the bytes stay.
    let made = world.command(ThreecxRotate { id: pbx.id.clone() }).await.expect("rotated");
    let delivery = deliveries(&world).await[0]["id"].as_i64();
    let resend = WebhookResend { delivery, ..Default::default() };
    world.command(resend).await.expect("sent again");
    let got = trunk.wait_for(3).await;
    assert_eq!(got[2].body, got[0].body);
    assert_eq!(got[2].header("x-whatsapp-gateway-3cx-secret"), made["secret"].as_str().expect("a secret"));
    assert_eq!(got[2].header("webhook-signature").split(' ').count(), 2, "the old one signs beside it");
    // The mode of the moment makes the bytes.
    world.set_pbx(&pbx, ThreecxSettings { mode: Some("event".into()), ..Default::default() }).await;
    world.hears(PHONE, "And now?").await;
    assert_eq!(trunk.wait_for(4).await[3].json()["event"], "message.received");
    let id = wa_gateway::dialects::threecx::IntegrationId::from_text(pbx.id.clone());
    world.gateway().threecx.test_forward(&id, everybody()).await.expect("a test");
    assert_eq!(trunk.wait_for(5).await[4].json()["event"], "test");
    world.set_pbx(&pbx, ThreecxSettings { mode: Some("sms".into()), ..Default::default() }).await;
    world.gateway().threecx.test_forward(&id, everybody()).await.expect("a test");
    assert_eq!(trunk.wait_for(6).await[5].json()["data"]["payload"]["from"]["phone_number"], TRUNK);
    world.stop().await;
}

#[tokio::test]
async fn a_new_address_is_tried_where_the_old_one_was_given_up() {
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    let world = world_with(&[&old, &new]).await;
    let pbx = world.pbx(to(&old, "event")).await;
    let forwarding = async || {
        let reply = world.event(&pbx, &json!({"event_type": "test"})).await;
        reply.json()["integration"]["forwarding"].clone()
    };
    assert_eq!(forwarding().await, true);
    old.answer_next("410 Gone");
    world.hears(PHONE, "Hello?").await;
    old.wait_for(1).await;
    settled(&world, 1).await;
    assert_eq!(forwarding().await, false, "the receiver said that it is gone");
    world.set_pbx(&pbx, ThreecxSettings { destination: Some(new.url()), ..Default::default() }).await;
    assert_eq!(forwarding().await, true);
    // What was collected goes there, with the bytes that it has.
    assert_eq!(new.wait_for(1).await[0].body, old.got()[0].body);
    world.stop().await;
}

#[tokio::test]
async fn nothing_is_forwarded_that_should_not_be() {
    let (flow, other) = (Receiver::start().await, Receiver::start().await);
    let world = world_with(&[&flow, &other]).await;
    let pbx = world.pbx(to(&flow, "event")).await;
    world.new_instance(world.account, "other-line").await;
    world.another_pbx("other-line", to(&other, "event")).await;
    let id = wa_gateway::dialects::threecx::IntegrationId::from_text(pbx.id.clone());
    for change in [
        ThreecxSettings { inbound: Some(false), ..Default::default() },
        ThreecxSettings { inbound: Some(true), enabled: Some(false), ..Default::default() },
        ThreecxSettings { enabled: Some(true), destination: Some(String::new()), ..Default::default() },
    ] {
        world.set_pbx(&pbx, change).await;
        world.hears(PHONE, "Is anybody there?").await;
        assert!(world.gateway().threecx.test_forward(&id, everybody()).await.is_err());
    }
    world.set_pbx(&pbx, ThreecxSettings { destination: Some(flow.url()), ..Default::default() }).await;
    world.take_module().await;
    world.hears(PHONE, "Is anybody there?").await;
    world.enable_threecx().await;
    assert!(deliveries(&world).await.is_empty());
    // Groups and opt-outs of others are none of its business; what comes last gets there first.
    let group = SandboxGroup {
        instance: INSTANCE.into(),
        group: "120363000000000001@g.us".into(),
        name: Some("Neighbours".into()),
        from: PHONE.into(),
        text: "Hello all".into(),
    };
    world.command(group).await.expect("recorded");
    world.hears(PHONE, "Now?").await;
    assert_eq!(flow.wait_for(1).await[0].json()["message_text"], "Now?");
    assert_eq!((deliveries(&world).await.len(), other.got().len()), (1, 0));
    world.stop().await;
}

async fn deliveries(world: &World) -> Vec<Value> {
    let request = WebhookDeliveries { ..Default::default() };
    world.command(request).await.expect("a list").as_array().expect("a list").clone()
}

/// Waits until the outcome of so many attempts is written.
async fn settled(world: &World, attempts: i64) {
    let sum = |all: &[Value]| all.iter().map(|d| d["attempts"].as_i64().unwrap_or(0)).sum::<i64>();
    wait::until(&format!("{attempts} attempts are written"), async || sum(&deliveries(world).await) >= attempts).await;
}

/// What was edited or taken back is told in words: an agent reads no empty text, and no kind of ours.
#[tokio::test]
async fn an_edit_and_a_deletion_are_words_for_an_agent() {
    let trunk = Receiver::start().await;
    let world = world_with(&[&trunk]).await;
    let sms = world.pbx(to(&trunk, "sms")).await;
    changed(&world).await;
    let got = trunk.wait_for(4).await;
    let texts: Vec<String> =
        got.iter().map(|got| got.json()["data"]["payload"]["text"].as_str().expect("a text").to_owned()).collect();
    assert_eq!(texts, ["2 pieces", "[edited] 3 pieces", "[deleted] 2 pieces", "[deleted a message]"]);
    assert_proven(&got[3], &sms);
}

/// Somebody writes, edits it, takes it back; and takes back what was never heard here.
async fn changed(world: &World) {
    let line = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let from = || RemoteParty { phone: Some(PHONE.into()), ..RemoteParty::default() };
    line.receive_again("in-1", from(), "2 pieces").await.expect("heard");
    for (id, kind, text, about) in
        [("in-2", EDIT, Some("3 pieces"), "in-1"), ("in-3", REVOKE, None, "in-1"), ("in-4", REVOKE, None, "in-unknown")]
    {
        world.later(Duration::from_secs(1));
        let change = InboundMessage {
            provider_message_id: id.into(),
            from: from(),
            group: None,
            kind: kind.into(),
            text: text.map(str::to_owned),
            reply_to: Some(about.into()),
            may_opt_out: true,
            payload: None,
            media: None,
            raw: None,
            told: Told::Live,
        };
        line.receive_message(change).await.expect("heard");
    }
}
