//! Accounts: made, changed, granted more, switched off and on.

use super::{PASSWORD, Visitor, World, audited, message};

const PATH: &str = "/admin/accounts/1";

#[tokio::test]
async fn an_account_is_made_and_changed_with_what_was_typed_kept() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let new = [("name", "Corner <b>shop</b>"), ("plan", "growth"), ("timezone", "Asia/Riyadh"), ("region", "sa")];
    let made = admin.post("/admin/accounts", &[&new[..], &[("module", "3cx")]].concat()).await;
    assert_eq!(made.header("location"), Some("/admin/accounts/2?done=account_made"));
    let page = admin.get("/admin/accounts/2").await.body;
    assert!(page.contains("Corner &#60;b&#62;shop") && page.contains("value=\"Asia/Riyadh\"") && page.contains("SA"));
    assert!(admin.get("/admin/accounts?q=corner").await.body.contains("/admin/accounts/2\""));
    assert!(!admin.get("/admin/accounts?q=nobody").await.body.contains("/admin/accounts/2\""));

    for (field, bad) in [("timezone", "Mars/Olympus"), ("region", "Narnia"), ("name", " ")] {
        let fields: Vec<_> = new.iter().map(|(n, v)| if *n == field { (*n, bad) } else { (*n, *v) }).collect();
        let again = admin.post("/admin/accounts", &fields).await;
        assert_eq!(again.status, 422, "{field}");
        assert!(again.body.contains("value=\"Asia/Riyadh\"") || field == "timezone", "{field}");
        assert!(again.body.contains("role=\"alert\""), "{field}");
    }

    let change = [("plan", "starter"), ("timezone", "Asia/Riyadh"), ("module_api_access", "on"), ("module_3cx", "off")];
    assert_eq!(admin.post("/admin/accounts/2", &change).await.status, 303);
    let account =
        world.gateway().accounts.find_account(wa_gateway::model::ids::AccountId(2)).await.expect("it is there");
    assert_eq!((account.plan.as_deref(), account.daily_limit), (Some("starter"), Some(100)));
    assert_eq!((account.modules, account.disabled_modules), (vec!["api_access".into()], vec!["3cx".into()]));
    assert_eq!((account.region, account.next_timezone), (None, None));
    let (actor, target, before, after) = audited(&world, "account.update").await;
    assert_eq!((actor.as_str(), target.as_str()), ("admin@shop.example", "2"));
    assert!(before.contains("growth") && after.contains("starter"), "{before} {after}");
    let over = admin.post("/admin/accounts/2", &[&change[..], &[("plan_until", "2020-01-01")]].concat()).await;
    assert!(over.status == 422 && over.body.contains("value=\"2020-01-01\""), "a day that is over");
    assert_eq!(admin.post("/admin/accounts/77", &change).await.status, 404);
}

#[tokio::test]
async fn a_granted_limit_holds_until_it_is_taken_back_or_ends() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let limits = async || {
        let account = world.gateway().accounts.find_account(wa_gateway::model::ids::AccountId(1)).await.expect("there");
        (account.daily_limit, account.monthly_limit)
    };
    let path = format!("{PATH}/grants");
    for bad in
        [[("daily", "2000"), ("reason", " ")], [("daily", "many"), ("reason", "x")], [("daily", ""), ("reason", "x")]]
    {
        let reply = admin.post(&path, &bad).await;
        assert!(reply.status == 422 && reply.body.contains("role=\"alert\""), "{bad:?}");
    }
    let fields = [("daily", "2,000"), ("reason", "the season"), ("until", "2026-06-03")];
    assert_eq!(admin.post(&path, &fields).await.status, 303);
    assert_eq!(limits().await, (Some(2000), Some(30_000)));
    assert!(admin.get(PATH).await.body.contains("the season"));
    world.later(std::time::Duration::from_secs(64 * 3600));
    assert_eq!(limits().await, (Some(1500), Some(30_000)), "its last day is over");

    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post(&path, &[("monthly", "40000"), ("reason", "more shops")]).await.status, 303);
    assert_eq!(limits().await, (Some(1500), Some(40_000)));
    assert_eq!(admin.post(&format!("{path}/2/withdraw"), &[]).await.status, 303);
    assert_eq!(limits().await, (Some(1500), Some(30_000)));
    assert_eq!(admin.post(&format!("{path}/2/withdraw"), &[]).await.status, 404, "once");
    assert_eq!(admin.post("/admin/accounts/2/grants/1/withdraw", &[]).await.status, 404, "another account's");
    assert_eq!(audited(&world, "account.limit_withdrawn").await.1, "1");
}

#[tokio::test]
async fn an_account_that_is_switched_off_sends_nothing_and_lets_nobody_in() {
    let world = World::start().await;
    let (mut admin, mut owner) = (Visitor::logged_in(&world, "admin").await, Visitor::logged_in(&world, "owner").await);
    assert_eq!(world.send(&message()).await.status, 200);
    assert_eq!(admin.post(&format!("{PATH}/state"), &[("do", "sleep")]).await.status, 404);
    assert_eq!(admin.post(&format!("{PATH}/state"), &[("do", "disable")]).await.status, 303);
    assert_eq!(world.send(&message()).await.error(), "active_plan_required");
    assert!(owner.get("/overview").await.header("location").is_some_and(|l| l.starts_with("/login")));
    let login = [("email", "owner@shop.example"), ("password", PASSWORD)];
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 422);
    assert_eq!(admin.get(PATH).await.status, 200, "who runs the appliance still gets in");
    assert_eq!(audited(&world, "account.disable").await.1, "1");

    assert_eq!(admin.post(&format!("{PATH}/state"), &[("do", "enable")]).await.status, 303);
    assert_eq!(world.send(&message()).await.status, 200);
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 303);
}
