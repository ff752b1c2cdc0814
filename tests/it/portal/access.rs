//! Getting into the portal, and what keeps strangers out: set-up, login, guesses, second factor, sessions, forms that
//! come from elsewhere.

use crate::harness::{
    visitor::{PASSWORD, Visitor},
    world::{INSTANCE, PHONE, World, message_with},
};
use ring::hmac;
use std::time::Duration;
use wa_gateway::{
    app::commands::{SetupToken, UserList, UserResetPassword},
    model::clock::Clock,
};

async fn setup_path(world: &World) -> String {
    let link = world.command(SetupToken).await.expect("a link");
    let link = link["link"].as_str().expect("an address").to_owned();
    link[link.find("/setup/").expect("a set-up link")..].to_owned()
}

fn first(email: &str) -> Vec<(&str, &str)> {
    vec![
        ("business", "Corner Shop"),
        ("email", email),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("language", "ar"),
        ("timezone", "Asia/Riyadh"),
    ]
}

#[tokio::test]
async fn the_set_up_link_makes_one_admin_and_is_used_up() {
    let world = World::start().await;
    let path = setup_path(&world).await;
    let mut visitor = Visitor::nobody(&world);
    assert_eq!(visitor.get(&path).await.status, 200);
    for (field, bad) in [("again", "another one here"), ("timezone", "Mars/Olympus"), ("business", " "), ("email", "x")]
    {
        let mut fields = first("boss@shop.example");
        fields.iter_mut().filter(|(n, _)| *n == field).for_each(|(_, v)| *v = bad);
        let reply = visitor.post(&path, &fields).await;
        assert_eq!(reply.status, 422, "{field}");
        assert!(reply.body.contains("role=\"alert\"") && !reply.body.contains(PASSWORD), "{field}");
        assert!(reply.body.contains("<option value=\"ar\" lang=\"ar\" selected>"), "the language that was chosen");
    }
    let reply = visitor.post(&path, &first("boss@shop.example")).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/overview")));
    let page = visitor.get("/overview").await;
    assert!(page.body.contains("lang=\"ar\" dir=\"rtl\""), "the language that was chosen");
    assert_eq!(Visitor::nobody(&world).get(&path).await.status, 403, "used up");
    assert!(world.command(SetupToken).await.is_err(), "there is somebody now");
}

#[tokio::test]
async fn of_many_who_set_up_at_once_exactly_one_gets_through() {
    let world = World::start().await;
    let path = setup_path(&world).await;
    let tries = (0..12).map(|n| {
        let (mut visitor, path, email) = (Visitor::nobody(&world), path.clone(), format!("boss{n}@shop.example"));
        async move { visitor.post(&path, &first(&email)).await.status }
    });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|s| **s == 303).count(), 1, "{answers:?}");
    let users = world.command(UserList).await.expect("users");
    assert_eq!(users.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_password_lets_in_and_guessing_gets_slower() {
    let world = World::start().await;
    Visitor::logged_in(&world, "owner").await;
    let mut visitor = Visitor::nobody(&world);
    let reply = visitor.get("/message-logs").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/login?next=%2Fmessage-logs")));
    let right = [("email", "Owner@shop.example"), ("password", PASSWORD), ("next", "/message-logs")];
    let reply = visitor.post("/login", &right).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/message-logs")));
    assert_eq!(visitor.get("/message-logs").await.status, 200);
    let foreign = [("email", "owner@shop.example"), ("password", PASSWORD), ("next", "//evil.example/")];
    let reply = Visitor::nobody(&world).post("/login", &foreign).await;
    assert_eq!(reply.header("location"), Some("/overview"), "never to another site");

    let mut guesser = Visitor::nobody(&world);
    let wrong = [("email", "owner@shop.example"), ("password", "not this one at all")];
    let nobody = [("email", "nobody@shop.example"), ("password", "not this one at all")];
    let (known, unknown) = (guesser.post("/login", &wrong).await, guesser.post("/login", &nobody).await);
    assert_eq!((known.status, unknown.status), (422, 422));
    let masked = |body: &str| body.replace("owner@", "").replace("nobody@", "");
    assert_eq!(masked(&known.body), masked(&unknown.body), "whether there is such a person is not told");
    for _ in 0..4 {
        guesser.post("/login", &wrong).await;
    }
    let reply = guesser.post("/login", &right).await;
    assert_eq!(reply.status, 429, "even the right one has to wait now");
    assert!(reply.header("retry-after").is_some());
    world.later(Duration::from_secs(31));
    assert_eq!(guesser.post("/login", &right).await.status, 303);
}

#[tokio::test]
async fn a_burst_of_guesses_gets_five_and_does_not_keep_the_owner_out() {
    let world = World::start().await;
    Visitor::logged_in(&world, "owner").await;
    let right = [("email", "owner@shop.example"), ("password", PASSWORD)];
    let mut known = Visitor::nobody(&world);
    assert_eq!(known.post("/login", &right).await.status, 303);
    known.post("/logout", &[]).await;
    let guess = || async {
        let wrong = [("email", "Owner@shop.example"), ("password", "not this one at all")];
        Visitor::nobody(&world).post("/login", &wrong).await.status
    };
    let statuses = futures_util::future::join_all((0..30).map(|_| guess())).await;
    let judged = statuses.iter().filter(|status| **status == 422).count();
    assert_eq!((judged, statuses.iter().filter(|s| **s == 429).count()), (5, 25), "{statuses:?}");
    let elsewhere = Visitor::nobody(&world).post("/login", &right).await;
    assert_eq!(elsewhere.status, 429, "a stranger with the right password waits");
    assert!(elsewhere.body.contains("wa-gateway user reset-password"), "the way in is told: {}", elsewhere.body);
    assert_eq!(known.post("/login", &right).await.status, 303, "where the owner was before, nobody waits");
    // The name is bound; the network's own share is not used up by what nobody looked at.
    let other = [("email", "somebody@shop.example"), ("password", "not this one at all")];
    assert_eq!(Visitor::nobody(&world).post("/login", &other).await.status, 422);
}

#[tokio::test]
async fn guesses_inside_a_session_are_counted_too() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let new = [("password", "quite another phrase"), ("again", "quite another phrase")];
    let mut statuses = Vec::new();
    for n in 0..8 {
        let old = format!("wrong one {n}");
        let fields: Vec<_> = [("old", old.as_str())].into_iter().chain(new).collect();
        statuses.push(owner.post("/security/password", &fields).await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429, 429]);
    assert_eq!(owner.post("/security/second-factor/off", &[("old", PASSWORD)]).await.status, 429, "one count for all");
    let confirm = [("code", "000000"), ("seed", "")];
    assert_eq!(owner.post("/security/second-factor/confirm", &confirm).await.status, 429);
    world.later(Duration::from_secs(31));
    let fields: Vec<_> = [("old", PASSWORD)].into_iter().chain(new).collect();
    assert_eq!(owner.post("/security/password", &fields).await.status, 303, "the right one, after the wait");
    owner.post("/security/second-factor", &[]).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(owner.post("/security/second-factor/confirm", &confirm).await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429, 429]);
}

#[tokio::test]
async fn forms_from_elsewhere_change_nothing() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let fields = [("lang", "he"), ("next", "/overview")];
    let host = format!("Origin: http://{}", world.address());
    for headers in [
        vec!["Sec-Fetch-Site: cross-site"],
        vec!["Sec-Fetch-Site: same-site"],
        vec!["Sec-Fetch-Site: none"],
        vec!["Origin: https://evil.example"],
        vec!["Origin: null"],
        vec![],
    ] {
        let reply = owner.post_with("/preferences", &fields, &headers).await;
        assert_eq!(reply.status, 403, "{headers:?}");
        assert!(!owner.cookies.contains_key("lang"), "{headers:?}");
    }
    assert_eq!(owner.post_with("/preferences", &fields, &[&host]).await.status, 303, "our own origin");
    // A browser that tells neither: the form's token.
    let page = owner.get("/security").await.body;
    let token = page.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next()).expect("a token");
    let fields = [("lang", "ar"), ("csrf", token)];
    assert_eq!(owner.post_with("/preferences", &fields, &[]).await.status, 303);
    let mut other = Visitor::of_account(&world, "viewer", world.account, "other@shop.example").await;
    assert_eq!(other.post_with("/preferences", &fields, &[]).await.status, 403, "somebody else's token");
}

#[tokio::test]
async fn a_session_ends_by_logging_out_by_a_new_password_and_by_itself() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let mut stolen = Visitor::nobody(&world);
    stolen.cookies = owner.cookies.clone();
    assert_eq!(stolen.get("/overview").await.status, 200);
    assert_eq!(owner.post("/logout", &[]).await.status, 303);
    assert!(!owner.cookies.contains_key("session"));
    assert_eq!(stolen.get("/overview").await.status, 303, "the cookie is worth nothing any more");

    let mut here = Visitor::logged_in(&world, "owner").await;
    let mut there = Visitor::logged_in(&world, "owner").await;
    let fields = |old| [("old", old), ("password", "quite another phrase"), ("again", "quite another phrase")];
    assert_eq!(here.post("/security/password", &fields("wrong one here")).await.status, 422);
    assert_eq!(here.post("/security/password", &fields(PASSWORD)).await.status, 303);
    assert_eq!(here.get("/overview").await.status, 200);
    assert_eq!(there.get("/overview").await.status, 303, "all others end");

    world.later(Duration::from_secs(11 * 3600));
    assert_eq!(here.get("/overview").await.status, 200, "in use");
    world.later(Duration::from_secs(11 * 3600));
    assert_eq!(here.get("/overview").await.status, 200, "still in use");
    world.later(Duration::from_secs(12 * 3600 + 61));
    assert_eq!(here.get("/overview").await.status, 303, "idle for too long");
}

/// What an authenticator app would show, written from RFC 6238 alone.
fn app_code(seed: &str, seconds: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = seed.chars().map(|c| format!("{:05b}", alphabet.find(c).expect("base 32"))).collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).expect("digits"), 2).expect("a byte"))
        .collect();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &(seconds / 30).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_works_once_and_has_a_way_out() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.post("/security/second-factor", &[]).await.body;
    let seed = page.split("id=\"seed\">").nth(1).and_then(|t| t.split('<').next()).expect("a seed").to_owned();
    let code = |w: &World| app_code(&seed, w.clock.now().seconds());
    let wrong = owner.post("/security/second-factor/confirm", &[("code", "000000"), ("seed", &seed)]).await;
    assert_eq!(wrong.status, 422);
    let page = owner.post("/security/second-factor/confirm", &[("code", &code(&world)), ("seed", &seed)]).await.body;
    let codes = page.split("id=\"codes\">").nth(1).and_then(|t| t.split('<').next()).expect("codes");
    let codes: Vec<String> = codes.split_whitespace().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);

    let log_in = async |code: &str| {
        let mut visitor = Visitor::nobody(&world);
        let page = visitor.post("/login", &[("email", "owner@shop.example"), ("password", PASSWORD)]).await;
        assert!(!visitor.cookies.contains_key("session"), "the password alone opens nothing");
        let ticket = page.body.split("name=\"ticket\" value=\"").nth(1).and_then(|t| t.split('"').next());
        let ticket = ticket.expect("a ticket").to_owned();
        let status = visitor.post("/login/code", &[("ticket", &ticket), ("code", code)]).await.status;
        assert_eq!(visitor.cookies.contains_key("session"), status == 303);
        status
    };
    assert_eq!(log_in(&code(&world)).await, 422, "the code that confirmed is used up");
    world.later(Duration::from_secs(60));
    let now = code(&world);
    assert_eq!(log_in(&now).await, 303);
    assert_eq!(log_in(&now).await, 422, "twice");
    assert_eq!(log_in(&codes[3]).await, 303, "a recovery code");
    assert_eq!(log_in(&codes[3]).await, 422, "which works once");
    assert_eq!(owner.post("/security/second-factor/off", &[("old", "not the password")]).await.status, 422);
    assert_eq!(owner.post("/security/second-factor/off", &[("old", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn a_password_link_works_once_and_looking_does_not_use_it_up() {
    let world = World::start().await;
    Visitor::logged_in(&world, "owner").await;
    let link = world.command(UserResetPassword { email: "owner@shop.example".into() }).await.expect("a link");
    let link = link["link"].as_str().expect("an address");
    let path = &link[link.find("/password/").expect("a password link")..];
    let mut visitor = Visitor::nobody(&world);
    let form = visitor.get(path).await;
    assert!(form.status == 200 && form.body.contains("value=\"owner@shop.example\""), "it says whose: {}", form.body);
    let short = visitor.post(path, &[("password", "short"), ("again", "short")]).await;
    assert!(short.status == 422 && short.body.contains("value=\"owner@shop.example\""), "{}", short.body);
    let good = [("password", "a phrase of mine own"), ("again", "a phrase of mine own")];
    assert_eq!(visitor.post(path, &good).await.status, 303);
    assert_eq!(visitor.get("/overview").await.status, 200);
    assert_eq!(visitor.get(path).await.status, 403);
    let reply =
        Visitor::nobody(&world).post("/login", &[("email", "owner@shop.example"), ("password", PASSWORD)]).await;
    assert_eq!(reply.status, 422, "the old password is gone");
}

#[tokio::test]
async fn a_browser_finds_the_icon_where_it_looks_by_itself() {
    let world = World::start().await;
    let icon = Visitor::nobody(&world).get("/favicon.ico").await;
    assert_eq!((icon.status, icon.header("content-type")), (200, Some("image/x-icon")));
    assert!(icon.body.starts_with("\0\0\u{1}\0"), "an icon file");
    assert_eq!(icon.header("x-content-type-options"), Some("nosniff"));
    let login = Visitor::nobody(&world).get("/login").await;
    let own = login.body.split("<link rel=\"icon\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let own = Visitor::nobody(&world).get(own.expect("a page names its icon")).await;
    assert_eq!((own.status, own.header("content-type")), (200, Some("image/svg+xml")));
    assert!(login.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
}

#[tokio::test]
async fn a_viewer_without_an_account_sees_nothing() {
    let world = World::start().await;
    world.send(&message_with(serde_json::json!({"message": "Your parcel is here"}))).await;
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let pages = [
        "/overview",
        "/instances",
        "/message-logs",
        "/message-logs/1",
        "/inbound-logs",
        "/scheduled",
        "/webhooks",
        "/message-logs/export.csv",
        "/notices",
        "/chat",
    ];
    let told = async |viewer: &mut Visitor| {
        let mut all = String::new();
        for path in pages {
            all += &viewer.get(path).await.body;
        }
        [INSTANCE, PHONE, "Your parcel is here"].map(|word| all.contains(word))
    };
    assert_eq!(told(&mut viewer).await, [true; 3], "with an account they see what is its own");
    // What no form and no command can make.
    world.sql("PRAGMA ignore_check_constraints = ON").await;
    world.sql("UPDATE users SET account_id = NULL WHERE role = 'viewer'").await;
    assert_eq!(told(&mut viewer).await, [false; 3]);
    // Its samples name a phone, but nobody's instance.
    assert!(!viewer.get("/docs/quickstart").await.body.contains(INSTANCE));
    world.stop().await;
}
