//! An owner's colleagues, and one's own logins: invited, given a role, kept out; sessions seen and ended; a first password;
//! a second factor by its picture.

use crate::harness::{
    http::Reply,
    visitor::{PASSWORD, Visitor},
    world::World,
};
use wa_gateway::app::commands::{UserCreate, UserLoginLink};

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

async fn choose_password(world: &World, page: &Reply) -> Visitor {
    let path = between(&page.body, "/password/", "<").expect("a link").to_owned();
    let mut new = Visitor::nobody(world);
    let path = format!("/password/{path}");
    assert_eq!(new.get(&path).await.status, 200);
    assert_eq!(new.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await.status, 303);
    new
}

#[tokio::test]
async fn an_owner_invites_colleagues_and_keeps_them_out_again() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let made = owner.post("/account/people", &[("email", "till@shop.example"), ("role", "viewer")]).await;
    assert_eq!(made.status, 200);
    let mut till = choose_password(&world, &made).await;
    assert_eq!(till.get("/overview").await.status, 200);
    assert_eq!(till.get("/account/people").await.status, 403, "a viewer invites nobody");
    let listed = owner.get("/account/people").await.body;
    let id = between(&listed, "action=\"/account/people/", "\"").expect("a row").to_owned();
    let path = format!("/account/people/{id}");
    assert_eq!(owner.post(&path, &[("do", "role"), ("role", "owner")]).await.status, 303);
    assert_eq!(till.get("/overview").await.status, 303, "the sessions with the old role have ended");
    assert_eq!(owner.post(&path, &[("do", "disable")]).await.status, 303);
    let login = [("email", "till@shop.example"), ("password", PASSWORD)];
    assert_ne!(Visitor::nobody(&world).post("/login", &login).await.status, 303);
    assert_eq!(owner.post(&path, &[("do", "enable")]).await.status, 303);
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 303);
}

#[tokio::test]
async fn an_owner_makes_no_administrator_and_touches_nobody_elses_people() {
    let world = World::start().await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let made = owner.post("/account/people", &[("email", "x@shop.example"), ("role", "admin")]).await;
    assert_eq!(made.status, 200);
    let mut new = choose_password(&world, &made).await;
    assert_eq!(new.get("/admin/system").await.status, 403, "a viewer at most");
    let page = owner.get("/account/people").await.body;
    assert!(!page.contains("admin@shop.example") && page.contains("owner@shop.example"));

    let stranger = world.new_account("Other", "growth").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    assert!(!other.get("/account/people").await.body.contains("owner@shop.example"));
    let people = admin.get("/admin/users").await.body;
    let ids: Vec<&str> = people.split("action=\"/admin/users/").skip(1).filter_map(|r| r.split('"').next()).collect();
    assert!(ids.len() >= 4, "{ids:?}");
    for id in ids {
        for what in ["disable", "link", "enable"] {
            let reply = other.post(&format!("/account/people/{id}"), &[("do", what)]).await;
            assert_eq!(reply.status, 404, "{id} {what}: not theirs, an administrator, or themself");
        }
    }
    assert_eq!(admin.get("/overview").await.status, 200);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let world = World::start().await;
    let mut here = Visitor::logged_in(&world, "owner").await;
    let mut there = Visitor::logged_in(&world, "owner").await;
    let mut third = Visitor::logged_in(&world, "owner").await;
    let mut stranger = Visitor::logged_in(&world, "viewer").await;
    let page = here.get("/security").await.body;
    let numbers: Vec<String> = page
        .split("name=\"session\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect();
    assert_eq!(numbers.len(), 2, "the others, and not this one");
    assert!(!page.contains(&here.cookies["session"]) && !page.contains(&there.cookies["session"]));
    // Who is somebody else ends none of them.
    stranger.post("/security/sessions", &[("session", &numbers[0])]).await;
    assert_eq!((there.get("/overview").await.status, third.get("/overview").await.status), (200, 200));
    assert_eq!(here.post("/security/sessions", &[("session", &numbers[0])]).await.status, 303);
    let after = [there.get("/overview").await.status, third.get("/overview").await.status];
    assert_eq!(after.iter().filter(|status| **status == 303).count(), 1, "{after:?}");
    assert_eq!(here.post("/security/sessions", &[]).await.status, 303);
    let after = [there.get("/overview").await.status, third.get("/overview").await.status];
    assert_eq!((after, here.get("/overview").await.status), ([303, 303], 200));
    assert_eq!(stranger.get("/overview").await.status, 200);
}

#[tokio::test]
async fn who_came_by_a_link_chooses_a_password_without_an_old_one() {
    let world = World::start().await;
    let email = "boss@shop.example";
    let new =
        UserCreate { account: Some(world.account), email: email.into(), role: "admin".into(), ..Default::default() };
    world.command(new).await.expect("a user");
    let link = world.command(UserLoginLink { email: email.into() }).await.expect("a link");
    let link = link["link"].as_str().expect("an address").to_owned();
    let mut boss = Visitor::nobody(&world);
    assert_eq!(boss.get(&link[link.find("/login/").expect("a path")..]).await.status, 200);
    let page = boss.get("/security").await.body;
    assert!(!page.contains("name=\"old\""), "there is no old one to ask for");
    let chosen = [("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(boss.post("/security/password", &chosen).await.status, 303);
    // From now on it is asked for.
    assert!(boss.get("/security").await.body.contains("name=\"old\""));
    assert_eq!(boss.post("/security/password", &chosen).await.status, 422);
    let login = [("email", email), ("password", PASSWORD)];
    assert_eq!(Visitor::nobody(&world).post("/login", &login).await.status, 303);
}

#[tokio::test]
async fn the_second_factor_is_a_picture_to_scan() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.post("/security/second-factor", &[]).await.body;
    assert!(page.contains("<img class=\"qr\" src=\"data:image/png;base64,iVBOR"), "{page}");
}
