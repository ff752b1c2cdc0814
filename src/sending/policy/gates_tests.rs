//! A table for each gate, with both sides of each boundary. Facts by hand: no database, no clock.

use super::*;
use crate::{
    connectors::{AboutMessage, Address, Capabilities, templates::TemplateName},
    model::{
        clock::Time,
        ids::ContactId,
        phone::Phone,
        plan::{Module, PlanLimits, Zone},
    },
    people::conversations::Contact,
    sending::{
        facts::{InstanceFacts, UsedQuota},
        pace::PaceFacts,
        policy::{GATES, content::Score, judge},
        request,
    },
};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn now() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

/// Facts with which every gate passes.
fn good() -> Facts {
    Facts {
        now: now(),
        period: Zone::parse("UTC").expect("a zone").period(now()),
        module: ModuleStanding::Enabled,
        limits: Some(PlanLimits { daily: 100, monthly: 2000 }),
        usage: UsedQuota { day: 0, month: 0 },
        instance: Some(InstanceFacts {
            capabilities: Capabilities { templates: true, replies: true, ..Capabilities::default() },
            paused: None,
            window_template: None,
            sends_directly: false,
        }),
        address: Some(Address::Phone(Phone::parse("+966501234567", None).expect("a phone"))),
        contact: None,
        window_opened_at: None,
        suppressed: None,
        reply_to: None,
        about: None,
        pace: PaceFacts { purpose: Some(Purpose::Transactional), ..PaceFacts::default() },
        fingerprint: 1,
        content: Score::default(),
        crowd: 10,
        is_marketing: false,
        template: None,
    }
}

fn request_with(members: Value) -> Request {
    let mut body = json!({"instance_id": "shop-line", "phone": "+966501234567", "message": "Your order has left.",
                          "message_purpose": "transactional"});
    for (name, value) in members.as_object().expect("an object") {
        body[name] = value.clone();
    }
    request::parse(body.as_object().expect("an object"), None, None).expect("a readable request")
}

fn good_request() -> Request {
    request_with(json!({}))
}

fn code(verdict: Verdict) -> Option<Code> {
    verdict.err().map(|refusal| refusal.code)
}

/// `details` as they are answered.
fn details(verdict: Verdict) -> Value {
    serde_json::to_value(verdict.expect_err("a refusal").details).expect("json")
}

#[test]
fn good_facts_pass_every_gate() {
    for gate in &GATES {
        assert_eq!((gate.check)(&good_request(), &good(), &Rules::default()), Ok(()), "{}", gate.name);
    }
}

#[test]
fn the_module_is_needed_on_the_list_and_on() {
    let check = |standing| module(&good_request(), &Facts { module: standing, ..good() }, &Rules::default());
    assert_eq!(check(ModuleStanding::NotNeeded), Ok(()));
    let missing = details(check(ModuleStanding::NotInPlan(Module::ApiAccess)));
    assert_eq!(missing, json!({"module": "api_access", "status": "not_in_plan"}));
    let off = details(check(ModuleStanding::Disabled(Module::ThreeCx)));
    assert_eq!(off, json!({"module": "3cx", "status": "disabled"}));
}

#[test]
fn a_plan_and_an_instance_are_needed() {
    let without_plan = Facts { limits: None, ..good() };
    assert_eq!(code(plan(&good_request(), &without_plan, &Rules::default())), Some(Code::ActivePlanRequired));
    let without_instance = Facts { instance: None, ..good() };
    assert_eq!(code(instance(&good_request(), &without_instance, &Rules::default())), Some(Code::InvalidInstance));
}

#[test]
fn what_the_instance_cannot_do_is_named_field_by_field() {
    let nothing = InstanceFacts {
        capabilities: Capabilities::default(),
        paused: None,
        window_template: None,
        sends_directly: false,
    };
    let weak = Facts { instance: Some(nothing), reply_to: Some("their-id".into()), ..good() };
    let answered = Facts { reply_to: Some("their-id".into()), ..good() };
    let lost = Facts { address: None, ..good() };
    let template = json!({"message": "", "template": {"name": "n", "language": "en"}});
    let media = json!({"message": "", "media_url": "https://x.example/a.png", "media_type": "image"});
    let able = Capabilities { media: true, ..Capabilities::default() };
    let with_media = Facts {
        instance: Some(InstanceFacts {
            capabilities: able,
            paused: None,
            window_template: None,
            sends_directly: false,
        }),
        ..good()
    };
    let sign = json!({"message": null, "reaction": {"message_id": "msg_1", "emoji": "👍"}});
    let reacting = |reactions, is_found: bool| {
        let capabilities = Capabilities { reactions, ..Capabilities::default() };
        let message = AboutMessage { provider_message_id: "their-id".into(), from_me: true, author: None, file: None };
        let about = EarlierMessage { message, kind: "text".into(), at: now(), is_deleted: false };
        Facts {
            instance: Some(InstanceFacts { capabilities, paused: None, window_template: None, sends_directly: false }),
            about: is_found.then_some(about),
            ..good()
        }
    };
    let before = |ms| json!({"expires_at": now().minus(Duration::from_millis(ms)).rfc3339()});
    let rows = [
        (template.clone(), good(), None),
        (template, weak.clone(), Some(json!(["template"]))),
        (media.clone(), with_media, None),
        (media, good(), Some(json!(["media_url"]))),
        (json!({"buttons": [{"title": "Yes"}]}), good(), Some(json!(["buttons"]))),
        (json!({"message": null, "location": {"latitude": 1, "longitude": 1}}), good(), Some(json!(["location"]))),
        (json!({"reply_to": "msg_1"}), answered, None),
        (json!({"reply_to": "msg_1"}), good(), Some(json!(["reply_to"]))),
        (json!({"reply_to": "msg_1"}), weak, Some(json!(["reply_to"]))),
        (sign.clone(), reacting(true, true), None),
        (sign.clone(), reacting(true, false), Some(json!(["reaction.message_id"]))),
        (sign, reacting(false, true), Some(json!(["reaction"]))),
        (json!({"expires_at": now().plus(Duration::from_millis(1)).rfc3339()}), good(), None),
        (before(0), good(), Some(json!(["expires_at"]))),
        (before(1), lost, Some(json!(["phone", "expires_at"]))),
    ];
    for (members, facts, wrong) in rows {
        let verdict = capability(&request_with(members.clone()), &facts, &Rules::default());
        let fields = verdict.as_ref().err().map(|_| details(verdict.clone())["fields"].clone());
        assert_eq!(fields, wrong, "{members}");
        assert!(verdict.is_ok() || code(verdict) == Some(Code::ValidationError));
    }
}

#[test]
fn the_five_purposes_pass_exactly_as_they_are_spelt() {
    let check = |text| purpose(&request_with(json!({"message_purpose": text})), &good(), &Rules::default());
    for allowed in ["transactional", "operational", "support", "internal_team", "authentication"] {
        assert_eq!(check(json!(allowed)), Ok(()), "{allowed}");
    }
    for missing in [json!(null), json!("")] {
        assert_eq!(code(check(missing.clone())), Some(Code::MessagePurposeRequired), "{missing}");
        assert_eq!(details(check(missing)), json!({"action": "block", "risk_score": 0}));
    }
    for wrong in [json!("marketing"), json!("promotion"), json!("unknown"), json!("SUPPORT"), json!(" "), json!(1)] {
        assert_eq!(code(check(wrong.clone())), Some(Code::MessagePurposeNotAllowed), "{wrong}");
        assert_eq!(details(check(wrong)), json!({"action": "block", "risk_score": 100}));
    }
}

#[test]
fn a_limit_has_room_up_to_its_last_message() {
    // Limit and use of the day, the same of the month, and which of them refuses.
    let rows = [
        ((100, 99), (2000, 1999), None, None),
        ((100, 100), (2000, 1999), Some(json!([100, 100])), None),
        ((100, 99), (2000, 2000), None, Some(json!([2000, 2000]))),
        ((100, 130), (2000, 2100), Some(json!([100, 130])), Some(json!([2000, 2100]))),
        ((0, 0), (1, 0), Some(json!([0, 0])), None),
    ];
    for (day, month, daily_refusal, monthly_refusal) in rows {
        let limits = Some(PlanLimits { daily: day.0, monthly: month.0 });
        let facts = Facts { limits, usage: UsedQuota { day: day.1, month: month.1 }, ..good() };
        let figures =
            |verdict: Verdict| verdict.is_err().then(|| details(verdict)).map(|d| json!([d["limit"], d["used"]]));
        assert_eq!(figures(daily_limit(&good_request(), &facts, &Rules::default())), daily_refusal);
        assert_eq!(figures(monthly_limit(&good_request(), &facts, &Rules::default())), monthly_refusal);
    }
}

#[test]
fn a_used_up_limit_says_when_it_ends() {
    let facts = Facts { limits: Some(PlanLimits { daily: 0, monthly: 0 }), ..good() };
    let wait = |verdict: Verdict| verdict.expect_err("a refusal").retry_after.map(|d| d.as_secs());
    let to_midnight = 16 * 3600;
    assert_eq!(wait(daily_limit(&good_request(), &facts, &Rules::default())), Some(to_midnight));
    assert_eq!(wait(monthly_limit(&good_request(), &facts, &Rules::default())), Some(to_midnight + 29 * 86400));
}

#[test]
fn suppression_knows_one_excuse_and_only_where_it_is_set() {
    let suppressed = Facts { suppressed: Some("recipient_requested_stop".into()), ..good() };
    let allowing = Rules { suppressed_may_get_authentication: true, ..Rules::default() };
    for (text, rules, passes) in [
        ("authentication", &Rules::default(), false),
        ("authentication", &allowing, true),
        ("transactional", &allowing, false),
        ("support", &allowing, false),
    ] {
        let verdict = suppression(&request_with(json!({"message_purpose": text})), &suppressed, rules);
        assert_eq!(verdict.is_ok(), passes, "{text}");
        assert!(passes || details(verdict) == json!({"action": "block", "risk_score": 100}));
    }
}

#[test]
fn a_slot_within_the_answers_time_is_waited_for_and_a_later_one_refused() {
    let longest = Rules::default().longest_wait();
    let rows = [
        (longest, Duration::ZERO, None),
        (longest + Duration::from_millis(1), Duration::ZERO, Some("instance")),
        (Duration::ZERO, longest, None),
        (Duration::ZERO, longest + SECOND, Some("recipient")),
        (longest + SECOND, longest + SECOND, Some("instance")),
    ];
    for (instance_wait, recipient_wait, rate) in rows {
        let facts = Facts { pace: PaceFacts { instance_wait, recipient_wait, ..good().pace }, ..good() };
        let verdict = pace(&good_request(), &facts, &Rules::default());
        let Some(rate) = rate else {
            assert_eq!(verdict, Ok(()), "{instance_wait:?} {recipient_wait:?}");
            continue;
        };
        assert!(verdict.as_ref().is_err_and(|refusal| refusal.retry_after.is_some_and(|wait| !wait.is_zero())));
        assert_eq!(details(verdict), json!({"action": "throttle", "risk_score": 65, "rate": rate}));
    }
}

#[test]
fn a_full_share_of_codes_stops_only_codes() {
    let facts = Facts { pace: PaceFacts { authentication_wait: Some(SECOND), ..good().pace }, ..good() };
    let check = |text| pace(&request_with(json!({"message_purpose": text})), &facts, &Rules::default());
    assert_eq!(check("transactional"), Ok(()));
    let refusal = check("authentication").expect_err("a refusal");
    assert_eq!((refusal.code, refusal.retry_after), (Code::SendingThrottled, Some(SECOND)));
}

#[test]
fn behaviour_throttles_but_in_observe_mode_and_the_plain_rates_hold_there_too() {
    let observe = Rules { observe: true, ..Rules::default() };
    let repeating = Facts { pace: PaceFacts { same_text_to: 301, ..good().pace }, ..good() };
    let verdict = pace(&good_request(), &repeating, &Rules::default());
    assert_eq!(details(verdict), json!({"action": "throttle", "risk_score": 65, "rate": "repetition"}));
    assert_eq!(pace(&good_request(), &repeating, &observe), Ok(()));
    let fast = Facts { pace: PaceFacts { instance_wait: SECOND * 60, ..good().pace }, ..good() };
    assert_eq!(code(pace(&good_request(), &fast, &observe)), Some(Code::SendingThrottled));
}

#[test]
fn a_paused_instance_sends_nothing() {
    let paused = InstanceFacts {
        capabilities: Capabilities::default(),
        paused: Some("three strikes".into()),
        window_template: None,
        sends_directly: false,
    };
    let verdict = pause(&good_request(), &Facts { instance: Some(paused), ..good() }, &Rules::default());
    assert!(verdict.as_ref().is_err_and(|refusal| refusal.reason.contains("three strikes")));
    assert_eq!(details(verdict), json!({"action": "pause_instance", "risk_score": 100}));
}

#[test]
fn content_is_refused_from_its_score_on_with_the_real_one() {
    let observe = Rules { observe: true, ..Rules::default() };
    for (total, rules, passes) in [
        (79, &Rules::default(), true),
        (80, &Rules::default(), false),
        (100, &Rules::default(), false),
        (100, &observe, true),
    ] {
        let facts = Facts { content: Score { total, ..Score::default() }, ..good() };
        let verdict = content(&good_request(), &facts, rules);
        assert_eq!(verdict.is_ok(), passes, "{total}");
        assert!(passes || details(verdict) == json!({"action": "block", "risk_score": total, "signals": []}));
    }
}

#[test]
fn a_marketing_template_is_refused_under_any_rules() {
    let observe = Rules { observe: true, ..Rules::default() };
    for rules in [&Rules::default(), &observe] {
        let facts = Facts { is_marketing: true, ..good() };
        let verdict = template(&good_request(), &facts, rules);
        assert_eq!(code(verdict.clone()), Some(Code::PolicyViolation));
        let told = json!({"action": "block", "risk_score": 90, "signals": ["marketing_template"]});
        assert_eq!(details(verdict), told);
        assert!(template(&good_request(), &good(), rules).is_ok());
    }
}

#[test]
fn free_text_needs_a_message_of_the_last_24_hours_where_the_provider_says_so() {
    let day = Duration::from_secs(24 * 3600);
    let heard = |ago: Duration| Some(now().minus(ago));
    let template = json!({"template": {"name": "n", "language": "en"}});
    let rows = [
        (false, None, json!({}), true),
        (true, None, json!({}), false),
        (true, None, template.clone(), true),
        (true, heard(day), json!({}), false),
        (true, heard(day), template, true),
        (true, heard(day - Duration::from_millis(1)), json!({}), true),
        (true, heard(Duration::ZERO), json!({}), true),
    ];
    for (window_24h, window_opened_at, members, passes) in rows {
        let capabilities = Capabilities { window_24h, templates: true, ..Capabilities::default() };
        // Another number of the account heard them a moment ago: that opens nothing here.
        let contact = Contact {
            id: ContactId(1),
            name: None,
            imported_at: None,
            first_outbound_at: None,
            last_inbound_at: Some(now()),
        };
        let facts = Facts {
            instance: Some(InstanceFacts { capabilities, paused: None, window_template: None, sends_directly: false }),
            contact: Some(contact),
            window_opened_at,
            ..good()
        };
        let verdict = window(&request_with(members.clone()), &facts, &Rules::default());
        assert_eq!(verdict.is_ok(), passes, "{window_24h} {window_opened_at:?} {members}");
        assert!(passes || code(verdict.clone()) == Some(Code::ConversationWindowClosed));
        assert!(passes || details(verdict) == json!({"action": "block"}));
    }
    let window_template = TemplateName::parse("order_news", "he");
    let capabilities = Capabilities { window_24h: true, ..Capabilities::default() };
    let offering = Facts {
        instance: Some(InstanceFacts { capabilities, paused: None, window_template, sends_directly: false }),
        contact: None,
        ..good()
    };
    assert_eq!(
        details(window(&good_request(), &offering, &Rules::default())),
        json!({"action": "block", "template": {"name": "order_news", "language": "he"}})
    );
    let nobody = Facts { contact: None, ..good() };
    let capabilities = Capabilities { window_24h: true, ..Capabilities::default() };
    let nobody = Facts {
        instance: Some(InstanceFacts { capabilities, paused: None, window_template: None, sends_directly: false }),
        ..nobody
    };
    assert_eq!(code(window(&good_request(), &nobody, &Rules::default())), Some(Code::ConversationWindowClosed));
}

#[test]
fn the_first_refusal_answers_and_names_its_gate() {
    let facts = Facts { limits: None, suppressed: Some("x".into()), ..good() };
    let refusal = judge(&good_request(), &facts, &Rules::default()).expect_err("a refusal");
    assert_eq!((refusal.gate, refusal.code), ("plan", Code::ActivePlanRequired));
}

/// After the window a provider that makes templates of texts gets those that were asked for, and nothing else.
#[test]
fn a_text_that_was_asked_for_goes_after_the_window_where_its_provider_lets_it() {
    let capabilities = Capabilities { window_24h: true, structured: true, ..Capabilities::default() };
    let facts = |sends_directly, opened: Option<Time>| Facts {
        instance: Some(InstanceFacts { capabilities, paused: None, window_template: None, sends_directly }),
        window_opened_at: opened,
        ..good()
    };
    let closed = Some(now().minus(Duration::from_secs(24 * 3600)));
    for (members, goes) in [
        (json!({}), true),
        (json!({"message_purpose": "operational"}), true),
        (json!({"message_purpose": "support"}), false),
        (json!({"message_purpose": "authentication"}), false),
        (json!({"message": "x".repeat(1024)}), true),
        (json!({"message": "x".repeat(1025)}), false),
        (json!({"buttons": [{"title": "Yes"}]}), true),
        (json!({"link_button": {"title": "Open", "url": "https://shop.example"}}), true),
        (json!({"message": null, "location": {"latitude": 1, "longitude": 1}}), false),
    ] {
        let request = request_with(members.clone());
        assert_eq!(window(&request, &facts(true, closed), &Rules::default()).is_ok(), goes, "{members}");
        assert_eq!(goes_directly(&request, &facts(true, closed)), goes, "{members}");
        assert!(window(&request, &facts(false, closed), &Rules::default()).is_err(), "{members}");
        assert!(!goes_directly(&request, &facts(true, Some(now()))), "within the window it is an answer: {members}");
    }
}
