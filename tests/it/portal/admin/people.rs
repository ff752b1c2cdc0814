//! Who logs in, what was changed by whom, and requests for higher limits.

use super::{PASSWORD, Visitor, World, audited};
use wa_gateway::{
    accounts::{
        Scope,
        notices::{self, NoticeScope},
    },
    model::ids::AccountId,
};

#[tokio::test]
async fn a_person_is_made_with_a_link_given_a_role_and_kept_out() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    for bad in [("nobody", "1"), ("new@shop.example", ""), ("new@shop.example", "77")] {
        let fields = [("email", bad.0), ("account", bad.1), ("role", "owner")];
        let reply = admin.post("/admin/users", &fields).await;
        assert!(reply.status == 422 && reply.body.contains(&format!("value=\"{}\"", bad.0)), "{bad:?}");
    }
    let fields = [("email", "new@shop.example"), ("account", "1"), ("role", "viewer")];
    let page = admin.post("/admin/users", &fields).await.body;
    let link = page.split("id=\"link\" dir=\"ltr\">").nth(1).and_then(|t| t.split('<').next()).expect("a link");
    let path = link.find("/password/").map(|at| link[at..].to_owned()).expect("a path");
    assert!(!admin.get("/admin/users").await.body.contains(&path), "shown once");
    let mut new = Visitor::nobody(&world);
    assert_eq!(new.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await.status, 303);
    assert_eq!(new.post("/api-keys", &[("scope", "send"), ("name", "x")]).await.status, 403, "a viewer");

    let change = |what: &'static str| [("do", what), ("role", "owner")];
    assert_eq!(admin.post("/admin/users/2", &change("role")).await.status, 303);
    assert!(new.get("/overview").await.header("location").is_some_and(|l| l.starts_with("/login")), "the role is new");
    let login = [("email", "new@shop.example"), ("password", PASSWORD)];
    assert_eq!(new.post("/login", &login).await.status, 303);
    assert_eq!(new.post("/api-keys", &[("scope", "send"), ("name", "x")]).await.status, 200, "an owner");
    assert_eq!(audited(&world, "user.role").await.3, "owner");

    assert_eq!(admin.post("/admin/users/2", &change("disable")).await.status, 303);
    assert_eq!(new.post("/login", &login).await.status, 422);
    assert_eq!(admin.post("/admin/users/2", &change("enable")).await.status, 303);
    assert_eq!(new.post("/login", &login).await.status, 303);
    for last in ["disable", "role"] {
        assert_eq!(admin.post("/admin/users/1", &change(last)).await.status, 422, "the last admin: {last}");
    }
    assert_eq!(admin.get("/admin/users").await.status, 200, "nothing was changed");
    assert_eq!(admin.post("/admin/users/77", &change("disable")).await.status, 404);
}

#[tokio::test]
async fn a_lost_second_factor_is_taken_away() {
    let world = World::start().await;
    let (mut admin, mut owner) = (Visitor::logged_in(&world, "admin").await, Visitor::logged_in(&world, "owner").await);
    owner.post("/security/second-factor", &[]).await;
    let done = world
        .gateway()
        .store
        .write(|tx| tx.execute("UPDATE second_factors SET confirmed_at = 1 WHERE user_id = 2", []));
    let done: Result<usize, wa_gateway::store::StoreError> = done.await;
    assert_eq!(done.expect("written"), 1);
    let login = [("email", "owner@shop.example"), ("password", PASSWORD)];
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 200, "the code is asked for");
    assert_eq!(admin.post("/admin/users/2", &[("do", "factor")]).await.status, 303);
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 303);
}

#[tokio::test]
async fn the_audit_is_filtered_by_its_address_and_read_page_by_page() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    for n in 0..60 {
        admin.post("/admin/accounts", &[("name", format!("Account {n}").as_str()), ("timezone", "UTC")]).await;
    }
    let count = |body: &str| body.matches("<a href=\"?action=").count();
    let first = admin.get("/admin/audit?action=account.create&actor=ADMIN").await.body;
    assert_eq!(count(&first), 50);
    let next = first.split("class=\"pages\"><a class=\"button\" href=\"").nth(1).and_then(|t| t.split('"').next());
    let next = next.expect("an older page").replace("&#38;", "&");
    let second = admin.get(&format!("/admin/audit{next}")).await.body;
    assert_eq!(count(&second), 10, "{next}");
    for (query, found) in [
        ("actor=nobody", 0),
        ("action=account.create&target=5", 1),
        ("action=account.create&account=5", 1),
        ("to=2020-01-01", 0),
    ] {
        assert_eq!(count(&admin.get(&format!("/admin/audit?{query}")).await.body), found, "{query}");
    }
    // People are named, and not by the number of their row.
    let logins = admin.get("/admin/audit?action=session.create").await.body;
    assert_eq!(logins.matches("<bdi>admin@shop.example</bdi>").count(), 2, "who, and on what: {logins}");
    assert!(!logins.contains("<bdi>self</bdi>"));
}

#[tokio::test]
async fn a_request_for_more_is_asked_once_decided_once_and_told() {
    let world = World::start().await;
    let (mut admin, mut owner) = (Visitor::logged_in(&world, "admin").await, Visitor::logged_in(&world, "owner").await);
    let asked = [("daily", "2000"), ("monthly", ""), ("reason", "Ramadan <orders>")];
    for bad in
        [[("daily", "1500"), ("reason", "x")], [("daily", "2000"), ("reason", " ")], [("daily", "no"), ("reason", "x")]]
    {
        assert_eq!(owner.post("/account/limits", &bad).await.status, 422, "{bad:?}");
    }
    assert_eq!(owner.post("/account/limits", &asked).await.status, 303);
    assert_eq!(owner.post("/account/limits", &asked).await.status, 422, "one at a time");
    let page = admin.get("/admin/requests").await.body;
    assert!(page.contains("Ramadan &#60;orders&#62;") && page.contains("value=\"2000\""));

    assert_eq!(admin.post("/admin/requests/1", &[("do", "grant"), ("daily", "1800")]).await.status, 422, "no answer");
    let granted = [("do", "grant"), ("daily", "1800"), ("answer", "Good numbers: 1,800 for now")];
    assert_eq!(admin.post("/admin/requests/1", &granted).await.status, 303);
    let late = admin.post("/admin/requests/1", &granted).await;
    assert_eq!(late.header("location"), Some("/admin/requests?done=decided_already"), "once");
    let account = world.gateway().accounts.find_account(AccountId(1)).await.expect("the account");
    assert_eq!((account.daily_limit, account.monthly_limit), (Some(1800), Some(30_000)));
    assert!(owner.get("/account").await.body.contains("Good numbers: 1,800 for now"));
    let whose = NoticeScope { scope: Scope::Account(AccountId(1)), with_appliance: false };
    let raised = world.gateway().store.read(move |tx| notices::list(tx, whose, false)).await;
    let raised = raised.expect("notices");
    assert!(raised.iter().any(|n| n.kind == "limit_decided" && n.parameters["decision"] == "granted"), "{raised:?}");

    assert_eq!(owner.post("/account/limits", &[("monthly", "90000"), ("reason", "more")]).await.status, 303);
    assert_eq!(admin.post("/admin/requests/2", &[("do", "deny"), ("answer", "Too early")]).await.status, 303);
    let account = world.gateway().accounts.find_account(AccountId(1)).await.expect("the account");
    assert_eq!(account.monthly_limit, Some(30_000));
    assert!(owner.get("/account").await.body.contains("Too early"));
}
