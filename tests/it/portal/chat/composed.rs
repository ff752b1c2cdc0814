//! A message with more than words that is to be corrected: why, part by part, and as it was typed.

use crate::harness::{
    visitor::Visitor,
    world::{PHONE, World},
};

/// What a form says: names and values.
type Members<'a> = &'a [(&'a str, &'a str)];

const SEND: &str = "/chat/shop-line/c1/send";

/// What is said of a form of this kind, in this language.
async fn told(owner: &mut Visitor, kind: &str, members: &[(&str, &str)]) -> String {
    let fields: Vec<(&str, &str)> =
        [("compose", kind), ("nonce", "n-bad")].into_iter().chain(members.to_vec()).collect();
    let reply = owner.post(SEND, &fields).await;
    assert_eq!(reply.status, 422, "{kind}: {}", reply.body);
    reply.body
}

#[tokio::test]
async fn it_is_said_what_is_wrong_with_which_part() {
    let world = World::start().await;
    world.hears(PHONE, "hello").await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let long = "a button of twenty-one";
    let rows: &[(&str, Members<'_>, &str, &str)] = &[
        ("buttons", &[("text", "Choose"), ("button", "Same"), ("button", "Same")], "stands twice", "מופיע פעמיים"),
        ("buttons", &[("text", "Choose"), ("button", long)], "a text of 1 to 20 characters", "טקסט של 1 עד"),
        ("buttons", &[("text", "Choose")], "a list of 1 to 3 buttons", "כפתורים"),
        ("location", &[("latitude", "91"), ("longitude", "1")], "a number from -90 to 90", "רוחב במעלות"),
        ("contact", &[("name", "Amal"), ("phone", "12")], "Contact card: ", "כרטיס איש קשר: "),
        ("list", &[("text", "When?"), ("rows", "Morning")], "its button is missing", "כפתור הפתיחה"),
        ("link_button", &[("text", "x"), ("title", "Open"), ("url", "ftp://x")], "an http or https address", "https"),
        ("buttons", &[("text", " "), ("button", "Yes")], "Text: Write something first", "כתבו משהו קודם"),
    ];
    for (kind, members, english, hebrew) in rows {
        owner.speaks("en");
        let page = told(&mut owner, kind, members).await;
        let alert = page.split("role=\"alert\">").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
        assert!(alert.contains(english), "{kind} {members:?}: {alert}");
        owner.speaks("he");
        let page = told(&mut owner, kind, members).await;
        let alert = page.split("role=\"alert\">").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
        assert!(alert.contains(hebrew) && !alert.contains(english), "{kind} {members:?}: {alert}");
    }
    assert!(world.inbox().await.is_empty());
}

#[tokio::test]
async fn what_was_typed_stands_in_its_own_form_again_and_nowhere_else() {
    let world = World::start().await;
    world.hears(PHONE, "hello").await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let rows: &[(&str, &[(&str, &str)])] = &[
        (
            "buttons",
            &[("text", "Choose please"), ("button", "Same one"), ("button", "Same one"), ("footer", "Corner shop")],
        ),
        ("list", &[("text", "When then"), ("rows", "Morning | 8 to 12"), ("footer", "Corner shop")]),
        ("link_button", &[("text", "Pay here"), ("title", "Open it"), ("url", "ftp://x"), ("footer", "Corner shop")]),
        ("location", &[("latitude", "91.5"), ("longitude", "46.25"), ("name", "Old market"), ("address", "King Road")]),
        (
            "contact",
            &[("name", "Amal H"), ("phone", "12"), ("organization", "Corner shop"), ("email", "a@shop.example")],
        ),
    ];
    for (kind, members) in rows {
        let page = told(&mut owner, kind, members).await;
        let form = page.split(&format!("name=\"compose\" value=\"{kind}\"")).nth(1).expect(kind);
        let (form, rest) = form.split_once("</form>").expect("its end");
        assert!(form.contains("role=\"alert\""), "{kind}: beside its fields");
        for (name, typed) in *members {
            assert!(form.contains(typed), "{kind} {name}: {form}");
        }
        let text = members.iter().find(|(name, _)| *name == "text").map_or("91.5", |(_, text)| text);
        assert!(!rest.contains(text), "{kind}: the plain message stays empty");
        assert_eq!(page.matches("<details open>").count(), 2, "{kind}: it is open");
    }
    let plain = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(!plain.contains("<details open>") && !plain.contains("Corner shop"));
}
