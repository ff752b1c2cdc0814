//! Each point of a set-up, good, bad and unseen, by what Meta tells.

use super::*;
use crate::connectors::setup_check::SetupState;
use serde_json::json;

const HOOKS: &str = "https://wa.example.com/hooks/cloud-api/";

fn now() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

fn good() -> MetaAnswers {
    MetaAnswers {
        token: Ok(json!({"data": {"app_id": "900", "is_valid": true, "expires_at": 0, "data_access_expires_at": 0,
                                  "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"]}})),
        number: Ok(json!({
            "display_phone_number": "+1 555-078-3881", "verified_name": "Shop", "quality_rating": "GREEN",
            "whatsapp_business_manager_messaging_limit": "TIER_2K", "platform_type": "CLOUD_API",
            "status": "CONNECTED", "name_status": "APPROVED",
            "webhook_configuration": {"application": format!("{HOOKS}shop-line")},
            "health_status": {"can_send_message": "AVAILABLE", "entities": []},
        })),
        apps: Some(Ok(json!({"data": [{"whatsapp_business_api_data": {"id": "900", "name": "Our app"}}]}))),
    }
}

fn found(told: &MetaAnswers, ours: &GatewaySide<'_>, point: SetupPoint) -> (SetupState, String) {
    let all = judge(told, ours);
    assert_eq!(all.len(), SetupPoint::ALL.len(), "each point once");
    let one = all.into_iter().find(|f| f.point == point).expect("the point");
    (one.state, one.text())
}

fn ours() -> GatewaySide<'static> {
    GatewaySide { hooks: HOOKS, has_app_secret: true, has_verify_token: true, now: now() }
}

/// One answer of `told` with one member set to another value; null takes it away.
fn with(mut told: MetaAnswers, which: &str, path: &str, value: Value) -> MetaAnswers {
    let answer = match which {
        "token" => told.token.as_mut().expect("an answer"),
        "number" => told.number.as_mut().expect("an answer"),
        _ => told.apps.as_mut().expect("asked").as_mut().expect("an answer"),
    };
    *answer.pointer_mut(path).expect("a member") = value;
    told
}

#[test]
fn a_whole_set_up_is_good_at_every_point() {
    let all = judge(&good(), &ours());
    assert!(all.iter().all(|f| f.state == SetupState::Good), "{all:?}");
    let (_, number) = found(&good(), &ours(), SetupPoint::Number);
    assert!(number.contains("+1 555-078-3881, Shop, GREEN, TIER_2K"), "{number}");
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    use SetupPoint as P;
    let soon = now().plus(Duration::from_secs(3600)).seconds();
    let payment = json!({"can_send_message": "BLOCKED", "entities": [{"entity_type": "WABA", "errors": [
        {"error_code": 141_006, "error_description": "There is an error with the payment method.",
         "possible_solution": "Add one."}]}]});
    let elsewhere = json!({"application": "https://other.example/hook?token=canary"});
    let rows = [
        (with(good(), "token", "/data/is_valid", json!(false)), P::Token, "system user"),
        (with(good(), "token", "/data/expires_at", json!(soon)), P::Token, "it ends at 2026-06-01T09:00:00Z"),
        (
            with(good(), "token", "/data/scopes", json!(["whatsapp_business_messaging"])),
            P::Scopes,
            "management is missing",
        ),
        (with(good(), "number", "/status", json!("PENDING")), P::Registered, "PENDING"),
        (with(good(), "number", "/platform_type", json!("NOT_APPLICABLE")), P::Registered, "PIN"),
        (with(good(), "number", "/name_status", json!("DECLINED")), P::Name, "DECLINED"),
        (with(good(), "number", "/health_status", payment), P::Sending, "payment method. (141006): Add one."),
        (with(good(), "number", "/health_status/can_send_message", json!("LIMITED")), P::Sending, "LIMITED"),
        (
            with(good(), "number", "/webhook_configuration", elsewhere),
            P::Callback,
            "it calls https://other.example/hook.",
        ),
        (with(good(), "number", "/webhook_configuration", json!({})), P::Callback, "none is set"),
        (with(good(), "apps", "/data", json!([])), P::Subscribed, "Press Subscribe"),
        (
            with(good(), "apps", "/data/0/whatsapp_business_api_data", json!({"id": "1", "name": "Old app"})),
            P::Subscribed,
            "Old app",
        ),
    ];
    for (told, point, said) in rows {
        let (state, text) = found(&told, &ours(), point);
        assert_eq!(state, SetupState::Bad, "{point}: {text}");
        assert!(text.contains(said) && !text.contains("canary"), "{said}: {text}");
    }
    let local = GatewaySide { hooks: "http://127.0.0.1:8080/hooks/cloud-api/", ..ours() };
    assert_eq!(found(&good(), &local, P::Callback).0, SetupState::Bad);
    let open = GatewaySide { has_app_secret: false, has_verify_token: false, ..ours() };
    assert!(found(&good(), &open, P::Secrets).1.contains("app_secret, verify_token is not set"));
}

/// An account whose calls go to an address of its own for this app is as good; one that goes elsewhere is not.
#[test]
fn an_address_of_the_accounts_own_comes_before_the_apps() {
    let mut told = with(good(), "number", "/webhook_configuration", json!({"application": "https://other.example/"}));
    let app = json!({"whatsapp_business_api_data": {"id": 900}, "override_callback_uri": format!("{HOOKS}shop-line")});
    told.apps = Some(Ok(json!({"data": [app]})));
    assert_eq!(found(&told, &ours(), SetupPoint::Callback).0, SetupState::Good);
    assert_eq!(found(&told, &ours(), SetupPoint::Subscribed).0, SetupState::Good, "an id may be a number");
}

#[test]
fn what_cannot_be_seen_is_not_called_good() {
    let no_answer = || GraphFailure::NoAnswer("no route".into());
    let dark = MetaAnswers { token: Err(no_answer()), number: Err(no_answer()), apps: Some(Err(no_answer())) };
    let states: Vec<SetupState> = judge(&dark, &ours()).into_iter().map(|f| f.state).collect();
    assert_eq!(states.iter().filter(|s| **s == SetupState::Good).count(), 1, "the secrets are ours: {states:?}");
    assert!(!states.contains(&SetupState::Bad));
    let bad = GraphError::find(&json!({"error": {"code": 190, "message": "expired"}}));
    let refused = || GraphFailure::Refused { status: 401, error: bad.clone() };
    let told = MetaAnswers { token: Err(refused()), number: Err(refused()), apps: None };
    for point in [SetupPoint::Token, SetupPoint::Number] {
        assert_eq!(found(&told, &ours(), point).0, SetupState::Bad, "{point}");
    }
    assert!(found(&told, &ours(), SetupPoint::Subscribed).1.contains("waba_id"));
    let alone = MetaAnswers { token: Err(refused()), ..good() };
    assert_eq!(
        found(&alone, &ours(), SetupPoint::Token).0,
        SetupState::Unseen,
        "it asks about the number all the same"
    );
    let bare = MetaAnswers { number: Ok(json!({"display_phone_number": "1", "id": "5"})), ..good() };
    for point in [SetupPoint::Registered, SetupPoint::Name, SetupPoint::Sending, SetupPoint::Callback] {
        assert_eq!(found(&bare, &ours(), point).0, SetupState::Unseen, "{point}");
    }
}
