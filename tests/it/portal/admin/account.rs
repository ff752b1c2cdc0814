//! A customer's own page, one person's data, and registration.

use super::{PASSWORD, Visitor, World, message_with};
use serde_json::{Value, json};
use wa_gateway::{
    app::commands::{AccountDeny, AccountGrant, AccountRequests},
    config::Registration,
    model::ids::AccountId,
};

const PERSON: &str = "+966507654321";

#[tokio::test]
async fn an_owner_changes_zone_country_and_language_and_a_viewer_only_looks() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let fields = [("timezone", "Asia/Riyadh"), ("region", "SA"), ("language", "he")];
    for (field, bad) in [("timezone", "Mars/Olympus"), ("region", "Narnia")] {
        let fields: Vec<_> = fields.iter().map(|(n, v)| if *n == field { (*n, bad) } else { (*n, *v) }).collect();
        let reply = owner.post("/account", &fields).await;
        assert!(reply.status == 422 && reply.body.contains(&format!("value=\"{bad}\"")), "{field}");
    }
    assert_eq!(owner.post("/account", &fields).await.status, 303);
    let account = world.gateway().accounts.find_account(AccountId(1)).await.expect("the account");
    assert_eq!((account.region.as_deref(), account.next_timezone.as_deref()), (Some("SA"), Some("Asia/Riyadh")));
    assert!(owner.get("/account").await.body.contains("lang=\"he\" dir=\"rtl\""));
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let page = viewer.get("/account").await.body;
    assert!(page.contains("Scale") && !page.contains("action=\"/account"), "nothing to change");
}

#[tokio::test]
async fn a_request_for_more_is_decided_on_the_command_line_too() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let ask = [("daily", "2000"), ("monthly", ""), ("reason", "the season")];
    assert_eq!(owner.post("/account/limits", &ask).await.status, 303);
    let waiting = world.command(AccountRequests).await.expect("a list");
    assert_eq!((&waiting[0]["daily"], &waiting[0]["decision"]), (&json!(2000), &Value::Null));
    let id = waiting[0]["id"].as_i64().expect("a number");
    let deny = || AccountDeny { request: id, answer: "ask in spring".into() };
    assert_eq!(world.command(deny()).await.expect("denied")["decision"], "denied");
    world.command(deny()).await.expect_err("decided already");

    assert_eq!(owner.post("/account/limits", &ask).await.status, 303);
    let id = id + 1;
    let grant = |answer: &str| {
        let until = Some("2027-01-01".into());
        AccountGrant { request: id, until, answer: answer.into(), ..Default::default() }
    };
    world.command(grant(" ")).await.expect_err("no answer");
    assert_eq!(world.command(grant("good numbers")).await.expect("granted")["decided_by"], "cli");
    let account = world.gateway().accounts.find_account(AccountId(1)).await.expect("the account");
    assert_eq!(account.daily_limit, Some(2000), "what was asked for");
    assert!(owner.get("/account").await.body.contains("good numbers"), "the account is told");
}

#[tokio::test]
async fn a_persons_data_is_shown_and_erased_in_this_account_alone() {
    let world = World::start().await;
    let stranger = world.new_account("Other", "growth").await;
    world.new_instance(stranger, "other-line").await;
    let key = world.new_key(stranger, &[]).await;
    let ours = message_with(json!({"phone": PERSON, "message": "Your order is ready at the corner."}));
    let theirs = message_with(json!({"phone": PERSON, "message": "Their secret order.", "instance_id": "other-line"}));
    assert_eq!(world.send(&ours).await.status, 200);
    assert_eq!(world.send_with(&key, &theirs, &[]).await.status, 200);

    let mut owner = Visitor::logged_in(&world, "owner").await;
    let export = owner.post("/account/person", &[("do", "export"), ("phone", PERSON)]).await;
    assert_eq!(export.status, 200);
    let all: Value = serde_json::from_str(&export.body).expect("JSON");
    assert_eq!(all["people"].as_array().map(Vec::len), Some(1));
    assert!(export.body.contains("at the corner") && !export.body.contains("secret order"));

    for again in ["", "+966507654322"] {
        let fields = [("do", "erase"), ("phone", PERSON), ("again", again)];
        assert_eq!(owner.post("/account/person", &fields).await.status, 422, "{again}");
    }
    let gone = owner.post("/account/person", &[("do", "erase"), ("phone", PERSON), ("again", PERSON)]).await;
    assert_eq!(gone.status, 200);
    let export = owner.post("/account/person", &[("do", "export"), ("phone", PERSON)]).await;
    assert!(export.status == 422 && export.body.contains("Nobody is known"), "no trace here");
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    let theirs = other.post("/account/person", &[("do", "export"), ("phone", PERSON)]).await.body;
    assert!(theirs.contains("Their secret order."), "the other account keeps its own");
    assert_eq!(owner.post("/account/person", &[("do", "export"), ("phone", "12")]).await.status, 422);
}

const NEW: &[(&str, &str)] = &[
    ("business", "New <shop>"),
    ("email", "new@new.example"),
    ("password", PASSWORD),
    ("again", PASSWORD),
    ("timezone", "Asia/Riyadh"),
    ("language", "en"),
];

#[tokio::test]
async fn nobody_registers_unless_the_configuration_says_so() {
    let world = World::start().await;
    let mut nobody = Visitor::nobody(&world);
    for path in ["/register", "/register/anything"] {
        assert_eq!(nobody.get(path).await.status, 404, "{path}");
        assert_eq!(nobody.post(path, NEW).await.status, 404, "{path}");
    }
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/admin/invitations", &[]).await.status, 404);
}

#[tokio::test]
async fn an_invitation_is_good_once() {
    let world = World::start_with(|config| config.portal.registration = Registration::Invite).await;
    let mut nobody = Visitor::nobody(&world);
    assert_eq!(nobody.get("/register").await.status, 404, "not without an invitation");
    assert_eq!(nobody.post("/register/made-up", NEW).await.status, 403);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.post("/admin/invitations", &[("plan", "growth")]).await.body;
    let link = page.split("id=\"link\" dir=\"ltr\">").nth(1).and_then(|t| t.split('<').next()).expect("a link");
    let path = link.find("/register/").map(|at| link[at..].to_owned()).expect("a path");
    assert_eq!(nobody.get(&path).await.status, 200);
    let short = [NEW, &[("x", "y")]].concat();
    let short: Vec<_> = short.iter().map(|(n, v)| if *n == "email" { (*n, "none") } else { (*n, *v) }).collect();
    let again = nobody.post(&path, &short).await;
    assert!(
        again.status == 422 && again.body.contains("New &#60;shop&#62;"),
        "kept, and the invitation is not used up"
    );
    assert_eq!(nobody.post(&path, NEW).await.header("location"), Some("/overview"));
    assert_eq!(nobody.get("/account").await.status, 200, "logged in");
    let account = world.gateway().accounts.find_account(AccountId(2)).await.expect("the account");
    assert_eq!((account.plan.as_deref(), account.timezone.as_str()), (Some("growth"), "Asia/Riyadh"));
    assert_eq!(nobody.get("/admin/accounts").await.status, 403, "an owner, no admin");
    assert_eq!(Visitor::nobody(&world).post(&path, NEW).await.status, 403, "once");
}

#[tokio::test]
async fn open_registration_gives_no_plan_and_bounds_one_address() {
    let world = World::start_with(|config| config.portal.registration = Registration::Open).await;
    assert!(Visitor::nobody(&world).get("/login").await.body.contains("href=\"/register\""));
    let mut made = 0;
    for n in 0..8 {
        let email = format!("new{n}@new.example");
        let fields: Vec<_> =
            NEW.iter().map(|(k, v)| if *k == "email" { (*k, email.as_str()) } else { (*k, *v) }).collect();
        made += usize::from(Visitor::nobody(&world).post("/register", &fields).await.status == 303);
    }
    assert!((1..8).contains(&made), "{made} were made");
    let account = world.gateway().accounts.find_account(AccountId(2)).await.expect("the account");
    assert_eq!(account.plan, None);
}
