//! Doubt about a number is spoken: what cannot be one is refused with what would be possible, a spreadsheet's number with
//! that word, and what is merely unusual is told to whoever sends, looks or imports.

use super::House;
use crate::harness::{
    http, pbx,
    world::{INSTANCE, World, message_to, update},
};
use serde_json::json;
use wa_gateway::{
    app::commands::{ContactsImport, SendText, SuppressAdd, SuppressImport},
    config::ImpossiblePhone,
};

#[tokio::test]
async fn a_spreadsheets_number_is_refused_with_that_word_by_every_door() {
    let mut house = House::open().await;
    let account = house.world.account;
    for written in ["966500000120.0", "9.66500000120E+11", "+4915112345678.0"] {
        let world = &house.world;
        let has_word = |text: &str| assert!(text.contains("spreadsheet"), "{written}: {text}");
        let reply = world.send(&message_to(written)).await;
        assert_eq!((reply.status, reply.error().as_str()), (422, "validation_error"));
        assert_eq!(reply.json()["details"]["fields"], json!(["phone"]));
        has_word(&reply.body);
        has_word(&world.event(&house.pbx, &pbx::reply_to(written)).await.body);
        let csv = format!("phone\n{written}\n");
        let suppressed = SuppressImport { account, csv: csv.clone(), ..Default::default() };
        let known = ContactsImport { account, csv: csv.clone(), ..Default::default() };
        for report in [world.command(suppressed).await, world.command(known).await] {
            let report = report.expect("a report");
            assert_eq!((&report["imported"], &report["skipped"]), (&json!(0), &json!(1)));
            has_word(&report["problems"].to_string());
        }
        let args = SendText {
            instance: INSTANCE.into(),
            to: written.into(),
            purpose: "support".into(),
            text: "x".into(),
            source: "cli".into(),
        };
        has_word(&world.command(args).await.expect_err("refused"));
        let add = SuppressAdd { account, phone: written.into(), reason: None };
        has_word(&world.command(add).await.expect_err("refused"));
        let headers = [format!("x-api-key: {}", house.chattu), "Content-Type: application/json".to_owned()];
        let body = json!({"clientId": INSTANCE, "number": written, "message": "x"}).to_string();
        let reply =
            crate::harness::http::call(world.address(), "POST", "/api/send-message", &headers, body.as_bytes()).await;
        has_word(&reply.body);
        let fields = [("phone", written), ("message", "x"), ("purpose", "support")];
        has_word(&house.staff.post(&format!("/instances/{INSTANCE}/send"), &fields).await.body);
        has_word(&house.staff.post("/suppressed-recipients", &[("phone", written)]).await.body);
        has_word(&house.staff.post("/suppressed-recipients/import", &[("csv", &csv), ("do", "check")]).await.body);
    }
    assert_eq!(house.world.inbox().await.len(), 0, "nothing went to anybody");
    house.world.stop().await;
}

#[tokio::test]
async fn an_impossible_length_says_what_would_be_possible_and_an_admin_can_let_it_pass() {
    let world = World::start().await;
    let reply = world.send(&message_to("+451234567")).await;
    assert_eq!(reply.error(), "validation_error");
    assert!(reply.body.contains("has 8 digits after it"), "{}", reply.body);
    world.stop().await;
    let world = World::start_with(|config| config.guard.impossible_phone = ImpossiblePhone::Warn).await;
    let reply = world.send(&message_to("+451234567")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("x-phone-warning"), Some("no number of this country has so many digits"));
    world.stop().await;
}

/// Bare digits are read with their country code, and told where the account's own people would write a number so.
#[tokio::test]
async fn a_number_that_may_be_one_of_the_accounts_own_country_is_told() {
    let world = World::start().await;
    let mut request = update(world.account);
    request.region = Some("BR".into());
    world.update_account(request).await;
    let doubt = "read with its country code in front; without one it would be a number of the account's own country: \
                 write a +";
    for (phone, told) in [
        ("(11) 98765-4321", Some(doubt)),
        ("11987654321", Some(doubt)),
        ("+11987654321", None),
        ("011987654321", None),
        ("+5511987654321", None),
    ] {
        let reply = world.send(&message_to(phone)).await;
        assert_eq!((reply.status, reply.header("x-phone-warning")), (200, told), "{phone}: {}", reply.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn an_unusual_number_is_told_in_the_answer_and_in_the_log() {
    let world = World::start().await;
    let reply = world.send(&message_to("+5215512345678")).await;
    let told = "an older form of the number, which WhatsApp may still use";
    assert_eq!((reply.status, reply.header("x-phone-warning")), (200, Some(told)), "{}", reply.body);
    let entry = world.get(&format!("/api/messages/{}", reply.json()["log_id"])).await.json();
    assert_eq!(entry["phone_warning"], told);
    let mut owner = crate::harness::visitor::Visitor::logged_in(&world, "owner").await;
    let page = owner.get(&format!("/message-logs/{}", reply.json()["log_id"])).await;
    assert!(page.body.contains("An older form of the number"), "{}", page.body);
    let reply = world.send(&message_to("+966501234567")).await;
    assert_eq!((reply.status, reply.header("x-phone-warning")), (200, None));
    let entry = world.get(&format!("/api/messages/{}", reply.json()["log_id"])).await.json();
    assert!(entry.get("phone_warning").is_none(), "{entry}");
    world.stop().await;
}

#[tokio::test]
async fn every_program_that_sends_to_an_unusual_number_is_told() {
    let house = House::open().await;
    let (phone, told) = ("+5215512345678", Some("an older form of the number, which WhatsApp may still use"));
    let body = json!({"clientId": INSTANCE, "number": phone.trim_start_matches('+'), "message": "Hello"}).to_string();
    let headers = [format!("x-api-key: {}", house.chattu), "Content-Type: application/json".to_owned()];
    let reply = http::call(house.world.address(), "POST", "/api/send-message", &headers, body.as_bytes()).await;
    assert_eq!((reply.status, reply.header("x-phone-warning")), (200, told), "{}", reply.body);
    house.world.hears(phone, "Hello").await;
    let reply = house.world.agent_writes(&house.pbx, phone, "Good morning").await;
    assert_eq!((reply.status, reply.header("x-phone-warning")), (200, told), "{}", reply.body);
    let mut event = pbx::reply_to(phone);
    event["message_text"] = json!("Good evening");
    let reply = house.world.event(&house.pbx, &event).await;
    assert_eq!((reply.status, reply.header("x-phone-warning")), (200, told), "{}", reply.body);
    // What is refused for another reason says so, too.
    house.world.hears(phone, "STOP").await;
    let reply = house.world.send(&message_to(phone)).await;
    assert_eq!((reply.error().as_str(), reply.header("x-phone-warning")), ("recipient_suppressed", told));
    house.world.stop().await;
}

#[tokio::test]
async fn a_list_that_lost_its_zeros_blocks_whom_it_may_mean_and_says_so() {
    let world = World::start_with(|config| config.guard.recipient_burst = 100).await;
    let mut request = update(world.account);
    request.region = Some("TR".into());
    world.update_account(request).await;
    let account = world.account;
    // Cuba's numbers have eight digits, Turkey's ten: the first line may be either, the second is none but with its 0.
    let csv = "phone\n5321234567\n2123456789\n905321234568\n".to_owned();
    let report =
        world.command(SuppressImport { account, csv: csv.clone(), ..Default::default() }).await.expect("a report");
    assert_eq!(report["imported"], 3, "{report}");
    let warnings = report["warnings"].as_array().expect("a list");
    assert!(warnings.len() == 2 && warnings[0].as_str().is_some_and(|w| w.starts_with("line 2: ")), "{report}");
    for phone in ["+5321234567", "+905321234567", "+902123456789", "+905321234568"] {
        assert_eq!(world.send(&message_to(phone)).await.error(), "recipient_suppressed", "{phone}");
    }
    // Known customers: what is only a number with its 0 back is listed, and not guessed.
    let report = world.command(ContactsImport { account, csv, ..Default::default() }).await.expect("a report");
    assert_eq!((&report["imported"], &report["skipped"]), (&json!(2), &json!(1)), "{report}");
    assert!(report["problems"][0].as_str().is_some_and(|p| p.starts_with("line 3: ")), "{report}");
    world.stop().await;
}
