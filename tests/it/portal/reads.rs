//! How often a page asks the database: once for who looks and what frames every page, and once for its own.

use crate::{
    harness::{
        visitor::Visitor,
        world::{INSTANCE, PHONE, SPAM, World, message, message_with},
    },
    portal::pages::{ADMIN_PAGES, PAGES},
};
use serde_json::json;
use wa_gateway::{
    app::commands::{ThreecxCreate, ThreecxSettings},
    store::StoreError,
};

const MOST: u64 = 2;

/// Reads that were begun while a page was made. Workers read, too, now and then: the fewest of a few visits are its own.
async fn reads_of(world: &World, visitor: &mut Visitor, path: &str) -> u64 {
    let mut fewest = u64::MAX;
    for _ in 0..5 {
        let before = world.gateway().store.reads();
        assert_eq!(visitor.get(path).await.status, 200, "{path}");
        fewest = fewest.min(world.gateway().store.reads() - before);
    }
    fewest
}

#[tokio::test]
async fn a_page_asks_the_database_twice_at_most() {
    let world = World::start().await;
    world.send(&message()).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    world.hears(PHONE, "thank you").await;
    let pbx = ThreecxCreate { account: world.account, instance: INSTANCE.into(), settings: ThreecxSettings::default() };
    let id = world.command(pbx).await.expect("an integration")["id"].as_str().expect("an id").to_owned();
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let hook = [("url", "https://shop.example/hook"), ("event", "message.received")];
    assert_eq!(owner.post("/webhooks", &hook).await.status, 200);
    world.hears(PHONE, "and again").await;
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let more = ["/integrations/3cx".to_owned(), format!("/integrations/3cx/{id}"), "/docs/quickstart".to_owned()];
    let mut over = Vec::new();
    let own = PAGES.iter().map(ToString::to_string).chain(more);
    for path in own.clone() {
        over.push((path.clone(), reads_of(&world, &mut owner, &path).await));
    }
    for path in own.chain(ADMIN_PAGES.iter().map(ToString::to_string)) {
        over.push((format!("{path} as admin"), reads_of(&world, &mut admin, &path).await));
    }
    assert!(over.iter().all(|(_, reads)| *reads >= 1), "the reads were counted");
    over.retain(|(_, reads)| *reads > MOST);
    assert_eq!(over, Vec::new());

    // One read more would be found.
    let before = world.gateway().store.reads();
    assert_eq!(owner.get("/overview").await.status, 200);
    world.gateway().store.read(|_| Ok::<_, StoreError>(())).await.expect("a read");
    assert!(world.gateway().store.reads() - before > MOST);
}
