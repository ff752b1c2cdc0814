//! What people see: the choice with its warning, the code on the page, what closed it in their language.

use super::rig::{LINE, OWN, Rig};
use crate::harness::{browser::Browser, visitor::Visitor, wait::found};
use wa_gateway::{
    connectors::whatsapp_web::words,
    texts::locale::{Lang, all},
};

#[test]
fn each_sentence_is_there_in_every_language() {
    for lang in [Lang::En, Lang::Ar, Lang::He] {
        for (name, _) in words::ALL {
            assert!(all(lang).contains_key(&format!("web_state.{name}")), "{lang}: {name}");
        }
        let known = all(lang).keys().filter(|key| key.starts_with("web_state.")).count();
        assert_eq!(known, words::ALL.len(), "{lang}: no sentence is idle");
    }
}

#[tokio::test]
async fn the_choice_comes_with_a_warning_and_a_closed_number_says_why() {
    let rig = Rig::start().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let choice = owner.get("/instances").await.body;
    assert!(choice.contains("/instances/new?connector=whatsapp-web") && choice.contains("can ban the number"));
    let form = owner.get("/instances/new?connector=whatsapp-web").await.body;
    assert!(form.contains("does not support programs like this one") && form.contains("/docs/ways"), "{form}");
    for field in ["name=\"phone\"", "name=\"version\""] {
        assert!(form.contains(field), "{field}");
    }
    assert!(owner.get("/docs/ways").await.body.contains("Cloud API"));

    rig.service.unlink(OWN);
    rig.closed().await;
    for (lang, told) in
        [("en", "Press Reconnect and scan again"), ("ar", "أزال الهاتف هذه البوابة"), ("he", "הטלפון הסיר את השער הזה")]
    {
        owner.cookies.insert("lang".into(), lang.into());
        for path in [format!("/instances/{LINE}/manage"), "/instances".to_owned()] {
            let page = owner.get(&path).await.body;
            assert!(page.contains(told), "{lang} {path}: {page}");
        }
    }
}

/// From the page in a real browser to an answer of the customer's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_code_and_then_that_it_is_connected() {
    let rig = Rig::without_instance().await;
    rig.create().await;
    let new = wa_gateway::app::commands::UserCreate {
        account: Some(rig.world.account),
        email: "boss@shop.example".into(),
        role: "owner".into(),
        ..Default::default()
    };
    rig.world.command(new).await.expect("a user");
    let link = wa_gateway::app::commands::UserLoginLink { email: "boss@shop.example".into() };
    let link = rig.world.command(link).await.expect("a link");
    let link = link["link"].as_str().expect("an address").to_owned();
    let browser = Browser::open(&format!("http://{}", rig.world.address()), 1000).await;
    browser.goto(&link[link.find("/login/").expect("a login link")..]).await;
    browser.goto(&format!("/instances/{LINE}/manage")).await;
    let shows = async |script: &str| found(script, async || (browser.script(script).await == true).then_some(())).await;
    shows("const code = document.querySelector('img.qr'); return !!code && code.naturalWidth > 0").await;
    shows("return /^[0-9]+ s$/.test(document.querySelector('[data-until]')?.textContent ?? '')").await;
    rig.service.scan(OWN, &rig.code().await);
    shows("return !document.querySelector('img.qr') && !!document.querySelector('.facts .state.open')").await;

    assert_eq!(rig.send("Your order is ready.").await.header("x-message-status"), Some("sent"));
    assert_eq!(rig.customer.got(&rig.last_id()).await.text.as_deref(), Some("Your order is ready."));
}
