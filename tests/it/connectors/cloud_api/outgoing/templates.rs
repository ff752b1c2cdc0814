//! Templates are submitted, changed and deleted at Meta, on the page and by the command line.

use super::rig::{LINE, Rig};
use crate::harness::{graph::Fault, visitor::Visitor};
use serde_json::json;
use wa_gateway::app::commands::{TemplateDelete, TemplateList, TemplateSubmit};

/// What a page says of words that the guard refuses, and such words, short enough for a button.
const REFUSED: &str = "The content policy refuses this text";
const PRIZE: &str = "Claim your cash prize now";
const TEXT: &str = "Hello {{1}}, your order {{2}} is ready.";

#[tokio::test]
async fn an_owner_submits_changes_and_deletes_one() {
    let rig = Rig::start().await;
    let page = format!("/instances/{LINE}/templates");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let whole = [
        ("do", "submit"),
        ("name", "order_news"),
        ("language", "en-US"),
        ("category", "utility"),
        ("header", "Order"),
        ("body", TEXT),
        ("examples", "Amal\r\n2041"),
        ("footer", "The shop"),
        ("replies", "Thank you\nCall me"),
    ];
    let done = owner.post(&page, &whole).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let made = rig.graph.state().templates.last().cloned().expect("one");
    assert_eq!(
        (&made["name"], &made["language"], &made["category"]),
        (&json!("order_news"), &json!("en_US"), &json!("UTILITY"))
    );
    assert_eq!(
        made["components"],
        json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order"},
            {"type": "BODY", "text": TEXT, "example": {"body_text": [["Amal", "2041"]]}},
            {"type": "FOOTER", "text": "The shop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Thank you"}, {"type": "QUICK_REPLY", "text": "Call me"}]},
        ])
    );
    let shown = owner.get(&page).await.body;
    assert!(shown.contains("order_news") && shown.contains("Under review") && shown.contains(TEXT), "{shown}");

    let mut other = whole;
    other[5].1 = "Hello {{1}}, order {{2}} waits for you.";
    assert_eq!(owner.post(&page, &other).await.status, 303);
    assert_eq!(
        rig.graph.state().templates.iter().filter(|one| one["name"] == "order_news").count(),
        1,
        "it is changed"
    );
    assert!(owner.get(&page).await.body.contains("waits for you"));

    let name = [("do", "delete"), ("name", "order_news"), ("language", "en_US")];
    assert_eq!(owner.post(&page, &name).await.status, 303);
    assert!(!rig.graph.state().templates.iter().any(|one| one["name"] == "order_news"));
    let again = owner.post(&page, &name).await;
    assert!(again.status == 422 && again.body.contains("holds no template order_news"), "{}", again.body);
    rig.assert_good_manners();
}

#[tokio::test]
async fn what_cannot_be_says_so_and_keeps_what_was_typed() {
    let rig = Rig::start().await;
    let page = format!("/instances/{LINE}/templates");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let fields = |body: &'static str, examples: &'static str| {
        [
            ("do", "submit"),
            ("name", "order_news"),
            ("language", "en"),
            ("category", "utility"),
            ("body", body),
            ("examples", examples),
        ]
    };
    for (body, examples, said) in [
        ("{{1}} is ready", "2041", "neither begins nor ends"),
        (TEXT, "Amal", "2 examples"),
        ("You have won a cash prize, claim it now!", "", REFUSED),
        ("Hello {{1}}, your order is ready.", "you have won a cash prize, claim it now", REFUSED),
    ] {
        let refused = owner.post(&page, &fields(body, examples)).await;
        assert!(refused.status == 422 && refused.body.contains(said), "{said}: {}", refused.body);
        assert!(refused.body.contains("value=\"order_news\""), "{said}");
    }
    for field in ["header", "footer", "replies"] {
        let mut whole = fields(TEXT, "Amal\n2041").to_vec();
        whole.push((field, PRIZE));
        let refused = owner.post(&page, &whole).await;
        assert!(refused.status == 422 && refused.body.contains(REFUSED), "{field}: {}", refused.body);
    }
    assert!(rig.graph.state().templates.is_empty());
    let no = json!({"error": {"code": 100, "message": "Invalid parameter", "error_user_msg": "There is <b> such a template"}});
    rig.graph.fault_next(Fault::Answer("400 Bad Request".into(), no.to_string()));
    let refused = owner.post(&page, &fields(TEXT, "Amal\n2041")).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.body.contains("There is <b>"), "{}", refused.body);
    let mut viewer = Visitor::logged_in(&rig.world, "viewer").await;
    assert_eq!(viewer.post(&page, &fields(TEXT, "Amal\n2041")).await.status, 403);
    assert_eq!(owner.get("/instances/shop-line/templates").await.status, 404, "a sandbox has none at a provider");
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let rig = Rig::start().await;
    let submit = TemplateSubmit {
        instance: LINE.into(),
        name: "code".into(),
        language: "he".into(),
        category: "authentication".into(),
        ..TemplateSubmit::default()
    };
    let told = rig.world.command(submit.clone()).await.expect("submitted");
    assert_eq!((&told["status"], &told["language"]), (&json!("pending"), &json!("he")));
    let made = rig.graph.state().templates.last().cloned().expect("one");
    assert_eq!(
        made["components"][2],
        json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]})
    );
    let listed = rig.world.command(TemplateList { instance: LINE.into() }).await.expect("a list");
    assert!(listed[0]["name"] == "code" && listed[0]["status"] == "pending", "{listed}");
    let utility = TemplateSubmit {
        category: "utility".into(),
        body: TEXT.into(),
        examples: vec!["Amal".into(), "2041".into()],
        ..submit.clone()
    };
    let prize = || Some(PRIZE.to_owned());
    for wrong in [
        TemplateSubmit {
            body: "You have won a cash prize, claim it now!".into(),
            examples: Vec::new(),
            ..utility.clone()
        },
        TemplateSubmit {
            examples: vec!["you have won a cash prize, claim it now".into(), "1".into()],
            ..utility.clone()
        },
        TemplateSubmit { header: prize(), ..utility.clone() },
        TemplateSubmit { footer: prize(), ..utility.clone() },
        TemplateSubmit { replies: prize().into_iter().collect(), ..utility.clone() },
    ] {
        let told = rig.world.command(wrong.clone()).await.expect_err("refused");
        assert!(told.starts_with("the content policy refuses this text: "), "{wrong:?}: {told}");
    }
    assert_eq!(rig.graph.state().templates.len(), 1, "the first one");
    let wrong = TemplateSubmit { category: "marketing".into(), ..submit };
    assert!(rig.world.command(wrong).await.expect_err("refused").contains("utility and authentication"));
    let delete = TemplateDelete { instance: LINE.into(), name: "code".into(), language: "he".into() };
    assert_eq!(rig.world.command(delete).await.expect("deleted"), json!({"ok": true}));
    assert!(rig.graph.state().templates.is_empty());
    rig.assert_good_manners();
}
