//! What Meta tells of templates, and of the number and the account.

use super::rig::{LINE, Rig, change};
use serde_json::{Value, json};
use wa_gateway::app::commands::InstanceStatus;

fn template(field: &str, members: Value) -> Value {
    let mut told =
        json!({"message_template_id": 7, "message_template_name": "order_ready", "message_template_language": "en_US"});
    told.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    change(field, told)
}

async fn known(rig: &Rig) -> Value {
    rig.row("SELECT name, language, category, status, quality, reason FROM templates").await
}

async fn open_notices(rig: &Rig) -> Vec<Value> {
    rig.rows("SELECT kind, subject, parameters FROM notices WHERE cleared_at IS NULL ORDER BY id").await
}

fn by_template(name: &str, language: &str) -> Value {
    json!({"instance_id": LINE, "phone": "+16505551234", "message_purpose": "transactional",
           "template": {"name": name, "language": language, "variables": []}})
}

#[tokio::test]
async fn a_template_that_meta_makes_marketing_is_refused_from_then_on_and_its_owner_told() {
    let rig = Rig::start().await;
    let status = json!({"event": "APPROVED", "reason": "NONE", "message_template_category": "UTILITY"});
    rig.bring(&template("message_template_status_update", status)).await;
    let expected = json!({"name": "order_ready", "language": "en_US", "category": "utility", "status": "approved",
                          "quality": null, "reason": null});
    assert_eq!(known(&rig).await, expected);
    assert_ne!(rig.world.send(&by_template("order_ready", "en_US")).await.error(), "policy_violation");
    // A day before, Meta tells what it will be: it is sent until then.
    let coming = json!({"new_category": "UTILITY", "correct_category": "MARKETING"});
    rig.bring(&template("template_category_update", coming)).await;
    assert_ne!(rig.world.send(&by_template("order_ready", "en_US")).await.error(), "policy_violation");
    let marketing =
        template("template_category_update", json!({"previous_category": "UTILITY", "new_category": "MARKETING"}));
    for _ in 0..2 {
        rig.bring(&marketing).await;
        assert_eq!(known(&rig).await["category"], "marketing");
    }
    let notices = open_notices(&rig).await;
    let about: Vec<&Value> = notices.iter().filter(|n| n["kind"] == "template_marketing").collect();
    assert_eq!(about.len(), 1, "{notices:?}");
    assert!(about[0]["parameters"].as_str().expect("a text").contains("\"template\":\"order_ready\""));
    let refused = rig.world.send(&by_template("order_ready", "en_US")).await;
    assert_eq!((refused.status, refused.error()), (403, "policy_violation".to_owned()));
    assert_eq!(
        refused.json()["details"],
        json!({"action": "block", "risk_score": 90, "signals": ["marketing_template"]})
    );
    let other = rig.world.send(&by_template("order_ready", "he")).await;
    assert_eq!(other.error(), "policy_violation", "a language of it that was never told of");
    assert_ne!(rig.world.send(&by_template("another", "en_US")).await.error(), "policy_violation");
    let back = json!({"previous_category": "MARKETING", "new_category": "UTILITY"});
    rig.bring(&template("template_category_update", back)).await;
    assert_ne!(rig.world.send(&by_template("order_ready", "en_US")).await.error(), "policy_violation");
    assert!(open_notices(&rig).await.iter().all(|n| n["kind"] != "template_marketing"));
}

#[tokio::test]
async fn status_and_quality_of_templates_are_kept() {
    let rig = Rig::start().await;
    let paused = json!({"event": "PAUSED", "reason": "LOW_QUALITY"});
    rig.bring(&template("message_template_status_update", paused)).await;
    let quality = json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"});
    rig.bring(&template("message_template_quality_update", quality)).await;
    let expected = json!({"name": "order_ready", "language": "en_US", "category": null, "status": "paused",
                          "quality": "red", "reason": "low_quality"});
    assert_eq!(known(&rig).await, expected);
    let notices = open_notices(&rig).await;
    assert_eq!(notices.len(), 1);
    assert!(notices[0]["parameters"].as_str().expect("a text").contains("order_ready, PAUSED, LOW_QUALITY"));
    let approved = json!({"event": "APPROVED", "reason": null});
    rig.bring(&template("message_template_status_update", approved)).await;
    let now = known(&rig).await;
    assert_eq!((&now["status"], &now["reason"], &now["quality"]), (&json!("approved"), &json!(null), &json!("red")));
}

#[tokio::test]
async fn news_of_number_and_account_are_kept_and_those_that_matter_told() {
    let rig = Rig::start().await;
    for (n, (field, told, notice)) in [
        (
            "phone_number_quality_update",
            json!({"display_phone_number": "15550783881", "event": "FLAGGED", "current_limit": "TIER_1K"}),
            Some("FLAGGED, TIER_1K"),
        ),
        ("phone_number_quality_update", json!({"display_phone_number": "15550783881", "event": "UNFLAGGED"}), None),
        (
            "account_update",
            json!({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SPAM"}}),
            Some("ACCOUNT_VIOLATION, SPAM"),
        ),
        (
            "account_update",
            json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}}),
            Some("DISABLED_UPDATE, SCHEDULE_FOR_DISABLE"),
        ),
        (
            "account_update",
            json!({"event": "DISABLED_UPDATE",
                   "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "August 1 2027"}}),
            Some("DISABLED_UPDATE, SCHEDULE_FOR_DISABLE, August 1 2027"),
        ),
        (
            "account_update",
            json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["REINSTATE"]}}),
            None,
        ),
        ("account_update", json!({"event": "partner_added"}), None),
        (
            "account_update",
            json!({"event": "ACCOUNT_RESTRICTION",
                   "restriction_info": {"restriction_type": "RESTRICTED_X", "expiration": "1780387200.0"}}),
            Some("ACCOUNT_RESTRICTION, RESTRICTED_X until 2026-06-02T08:00:00Z"),
        ),
        (
            "account_alerts",
            json!({"alert_info": [{"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "A_TYPE",
                   "alert_description": "Look at it"}]}),
            Some("CRITICAL, A_TYPE, Look at it"),
        ),
        ("account_alerts", json!({"alert_info": {"alert_severity": "informational", "alert_type": "B_TYPE"}}), None),
        ("account_review_update", json!({"decision": "APPROVED"}), None),
        ("account_review_update", json!({"decision": "REJECTED"}), Some("REJECTED")),
        (
            "phone_number_name_update",
            json!({"display_phone_number": "15550783881", "decision": "APPROVED", "requested_verified_name": "Shop"}),
            None,
        ),
        (
            "phone_number_name_update",
            json!({"display_phone_number": "15550783881", "decision": "REJECTED", "requested_verified_name": "Shop 24",
                   "rejection_reason": "NAME_EMPLOYS_GENERIC_TERM"}),
            Some("Shop 24, REJECTED, NAME_EMPLOYS_GENERIC_TERM"),
        ),
        ("business_capability_update", json!({"max_daily_conversations_per_business": "TIER_2K"}), None),
        (
            "template_correct_category_detection",
            json!({"message_template_id": 7, "message_template_name": "order_news", "message_template_language": "en",
                   "category": "UTILITY", "correct_category": "MARKETING"}),
            Some("order_news, MARKETING"),
        ),
        (
            "account_alerts",
            json!({"alert_severity": "CRITICAL", "alert_type": "OBA_REJECTED"}),
            Some("CRITICAL, OBA_REJECTED"),
        ),
        (
            "account_alerts",
            json!({"entity_type": "WABA", "entity_id": "77", "alert_info": {
                "alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": "INCREASED_CAPABILITIES",
                "alert_description": "Your limit was not raised."}}),
            Some("WARNING, INCREASED_CAPABILITIES, Your limit was not raised."),
        ),
        ("account_alerts", json!({"alert_info": {"alert_status": "RESOLVED", "alert_type": "OBA_REJECTED"}}), None),
        (
            "account_alerts",
            json!({"alert_info": {"alert_severity": "INFORMATIONAL", "alert_status": "ACTIVE", "alert_type": "OBA_APPROVED"}}),
            None,
        ),
        ("account_alerts", json!({"of": "another shape"}), Some("an alert that Meta does not name")),
        (
            "account_update",
            json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_780_300_000},
                {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}]}),
            Some(
                "ACCOUNT_RESTRICTION, RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-06-01T07:46:40Z, \
                 RESTRICTED_ADD_PHONE_NUMBER_ACTION",
            ),
        ),
        ("account_update", json!({"event": "ACCOUNT_OFFBOARDED"}), Some("ACCOUNT_OFFBOARDED")),
        ("account_update", json!({"event": "AN_EVENT_OF_NEXT_YEAR"}), Some("AN_EVENT_OF_NEXT_YEAR")),
        ("account_update", json!({"event": "VOLUME_BASED_PRICING_TIER_UPDATE", "volume_tier_info": {}}), None),
        ("account_update", json!({"event": "PARTNER_ADDED", "waba_info": {"waba_id": "77"}}), None),
        ("account_update", json!({"event": "PARTNER_APP_INSTALLED", "waba_info": {}}), None),
        ("account_update", json!({"event": "MM_LITE_TERMS_SIGNED"}), None),
        ("account_update", json!({"event": "AD_ACCOUNT_LINKED"}), None),
        ("account_update", json!({"event": "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE"}), None),
        ("account_update", json!({"event": "ACCOUNT_RECONNECTED"}), None),
        ("business_capability_update", json!({"max_daily_conversation_per_phone": 1000}), None),
        ("a_field_of_next_year", json!({"anything": ["at", "all"]}), None),
    ]
    .into_iter()
    .enumerate()
    {
        let before = open_notices(&rig).await.len();
        let body = change(field, told.clone());
        rig.bring(&body).await;
        rig.bring(&body).await;
        let news = rig.rows("SELECT kind, raw FROM provider_news ORDER BY id").await;
        assert_eq!(news.len(), n + 1, "{field}: once");
        assert_eq!(news[n]["kind"], field);
        let raw: Value = serde_json::from_str(news[n]["raw"].as_str().expect("a text")).expect("JSON");
        assert_eq!(raw["value"], told, "{field}: as it came");
        let open = open_notices(&rig).await;
        match notice {
            Some(text) => {
                let all: Vec<Value> = open
                    .iter()
                    .map(|n| serde_json::from_str(n["parameters"].as_str().expect("a text")).expect("JSON"))
                    .collect();
                let told = all.iter().any(|p| p["reason"] == text && p["kind"] == field);
                assert!(told, "{field}: {text}: {all:?}");
            }
            None => assert_eq!(open.len(), before, "{field}"),
        }
    }
    assert_eq!(rig.events().await, [] as [Value; 0]);
}

/// A template that is put away, locked or at its limit is told; Meta's two spellings of a language are one.
#[tokio::test]
async fn a_template_that_cannot_be_sent_any_more_is_told() {
    let rig = Rig::start().await;
    for event in ["ARCHIVED", "PENDING_DELETION", "LOCKED", "LIMIT_EXCEEDED"] {
        let told = json!({"event": event, "reason": "NONE", "message_template_language": "en-US"});
        rig.bring(&template("message_template_status_update", told)).await;
        let now = known(&rig).await;
        assert_eq!((&now["status"], &now["language"]), (&json!(event.to_ascii_lowercase()), &json!("en_US")));
        let notices = open_notices(&rig).await;
        assert_eq!(notices.len(), 1, "{event}");
        let told = notices[0]["parameters"].as_str().expect("a text");
        assert!(told.contains(event) && !told.contains("NONE"), "{event}: {told}");
    }
    for event in ["UNARCHIVED", "REINSTATED"] {
        let told = json!({"event": event, "reason": "NONE", "message_template_language": "en-US"});
        rig.bring(&template("message_template_status_update", told)).await;
        assert_eq!(known(&rig).await["status"], "approved", "{event}");
    }
    let marketing = json!({"previous_category": "UTILITY", "new_category": "MARKETING",
                           "message_template_language": "en-US"});
    rig.bring(&template("template_category_update", marketing)).await;
    for language in ["en_US", "en-US"] {
        let refused = rig.world.send(&by_template("order_ready", language)).await;
        assert_eq!(refused.error(), "policy_violation", "{language}");
    }
}

#[tokio::test]
async fn news_of_another_account_are_only_noted() {
    let rig = Rig::with(&[("waba_id", "77")]).await;
    let told = json!({"event": "APPROVED", "reason": "NONE", "message_template_category": "UTILITY"});
    rig.bring(&template("message_template_status_update", told)).await;
    assert_eq!(rig.counts().await["templates"], 0);
    assert_eq!(rig.row("SELECT kind FROM provider_news").await["kind"], "other_account");
    // Who names our number is believed whatever account it is said to be of: Meta's examples differ in it.
    rig.bring_value(json!({"messages": [super::rig::text("wamid.1", "16505551234", 1_780_300_740, "Hi")]})).await;
    assert_eq!(rig.counts().await["inbound_messages"], 1);
}

#[tokio::test]
async fn an_account_that_is_disabled_sends_no_more_until_a_person_has_seen_to_it() {
    let rig = Rig::start().await;
    let told = |state: &str| {
        change("account_update", json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}}))
    };
    rig.bring(&told("SCHEDULE_FOR_DISABLE")).await;
    assert_eq!(rig.row("SELECT state FROM instances WHERE connector = 'cloud-api'").await["state"], "open");
    rig.bring(&told("DISABLE")).await;
    assert_eq!(rig.event_names().await, ["instance.disconnected", "instance.connection_updated"]);
    let line = rig.world.command(InstanceStatus { id: LINE.into() }).await.expect("it is there");
    assert_eq!(line["state"], "close");
    assert!(line.to_string().contains("disabled"), "{line}");
    let refused = rig.world.send(&by_template("order_ready", "en_US")).await;
    assert_eq!(refused.error(), "gateway_send_failed");
}
