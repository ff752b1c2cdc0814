//! Pages are made by threads of their own, and no message waits for them.

use crate::harness::{
    http,
    wait::until,
    world::{World, message},
};
use std::sync::mpsc;
use wa_gateway::app::commands::{Command, InstanceCreate};

#[tokio::test]
async fn a_message_is_sent_while_a_page_waits_for_a_processor() {
    let world = World::start().await;
    world.gateway().pages.set_apart();
    let threads = world.gateway().pages.handle();
    // Each of those threads is at work on something else.
    let busy = threads.metrics().num_workers();
    let (working, is_working) = mpsc::channel();
    let go_on: Vec<_> = (0..busy)
        .map(|_| {
            let (go_on, wait) = mpsc::channel::<()>();
            let working = working.clone();
            threads.spawn(async move {
                working.send(()).expect("somebody listens");
                let _ = wait.recv();
            });
            go_on
        })
        .collect();
    for _ in 0..busy {
        is_working.recv().expect("one is at work");
    }

    let address = world.address();
    let page = tokio::spawn(async move { http::call(address, "GET", "/login", &[], &[]).await });
    until("the page waits behind what is at work there", async || threads.metrics().num_alive_tasks() > busy).await;
    assert_eq!(world.send(&message()).await.status, 200);
    assert!(!page.is_finished());

    drop(go_on);
    assert_eq!(page.await.expect("an answer").status, 200);
    world.stop().await;
}

#[tokio::test]
async fn pages_are_made_where_they_are_asked_for_unless_they_are_set_apart() {
    let world = World::start().await;
    let here = tokio::runtime::Handle::current().id();
    assert_eq!(world.gateway().pages.handle().id(), here);
    world.gateway().pages.set_apart();
    assert_ne!(world.gateway().pages.handle().id(), here);
    assert_eq!(world.gateway().pages.handle().id(), world.gateway().pages.handle().id());
    world.stop().await;
}

/// Its tasks live on after the page.
#[tokio::test]
async fn a_number_that_is_made_on_a_page_works_where_the_others_do() {
    let world = World::start().await;
    world.gateway().pages.set_apart();
    let threads = world.gateway().pages.handle();
    let settings = [("base_url", "http://127.0.0.1:9"), ("api_key", "k"), ("instance", "line")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let made = InstanceCreate {
        account: world.account,
        id: "second-line".into(),
        name: "Second".into(),
        connector: "evolution".into(),
        settings: settings.into(),
        ..Default::default()
    };
    let gateway = world.gateway().clone();
    let made = threads.spawn(async move { Command::from(made).execute(&gateway).await });
    made.await.expect("it ends").expect("an instance");
    until("nothing of it is left on the threads of pages", async || threads.metrics().num_alive_tasks() == 0).await;
    world.stop().await;
}
