//! A build without the feature `brokers` says so where somebody gives it a broker's address.

use crate::harness::world::World;
use wa_gateway::app::commands::{WebhookCreate, WebhookList};

#[tokio::test]
async fn a_brokers_address_is_refused_in_words() {
    let world = World::start().await;
    for url in ["nats://broker.example/shop", "AMQPS://broker.example/?exchange=shop", "mqtt://broker.example/shop"] {
        let events = vec!["message.received".to_owned()];
        let endpoint = WebhookCreate { account: world.account, url: url.into(), events, ..Default::default() };
        let problem = world.command(endpoint).await.expect_err("refused");
        assert!(problem.contains("this build has no brokers: nats://"), "{url}: {problem}");
    }
    let listed = world.command(WebhookList).await.expect("a list");
    assert_eq!(listed.as_array().map(Vec::len), Some(0), "{listed}");
    world.stop().await;
}
