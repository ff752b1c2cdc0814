//! Entries of the list that are for some accounts only: the others' webhooks, providers and files stay where they are.

use crate::harness::{
    files::FileServer,
    receiver::Receiver,
    wait,
    world::{World, message_with},
};
use serde_json::json;
use wa_gateway::app::commands::{InstanceCreate, WebhookCreate};

const GIF: &[u8] = b"GIF89a, or so it says, and so it is: 0123456789";

/// What an account may do with places that are open to the account `of`: whether its endpoint is taken, the status of a
/// message with a file, how often the server of files was asked, and whether its provider's server was.
async fn reach(of: i64) -> (bool, u16, usize, bool) {
    let (receiver, files, provider) = (Receiver::start().await, FileServer::start().await, FileServer::start().await);
    let allow = [
        format!("{} webhooks accounts={of}", receiver.address),
        format!("{} media accounts={of}", files.address),
        format!("{} connectors accounts={of}", provider.address),
    ];
    let world = World::start_with(|config| {
        config.egress.allow = allow.iter().map(|entry| entry.parse().expect("an entry")).collect();
    })
    .await;
    let events = vec!["message.sent".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    let is_taken = world.command(request).await.is_ok();
    let url = files.put("a.gif", "image/gif", GIF);
    let body = message_with(json!({"message": "Your invoice.", "media_url": url, "media_type": "image"}));
    let status = world.send(&body).await.status;
    if is_taken {
        receiver.wait_for(1).await;
    }
    let settings = [("base_url", format!("http://{}", provider.address)), ("api_key", "0123456789".to_owned())];
    let request = InstanceCreate {
        account: world.account,
        id: "evo".into(),
        name: "Evo".into(),
        connector: "evolution".into(),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Default::default()
    };
    world.command(request).await.expect("an instance");
    // It asks its server as soon as it is there; what keeps it from that is its reason.
    let reason = "SELECT count(*) FROM instances WHERE id = 'evo' AND state_reason LIKE '%egress.allow%'";
    wait::until("its first question", async || provider.asked() > 0 || world.number(reason).await > 0).await;
    let asked = (files.asked(), provider.asked() > 0);
    world.stop().await;
    (is_taken, status, asked.0, asked.1)
}

#[tokio::test]
async fn what_is_open_to_one_account_is_closed_to_another() {
    assert_eq!(reach(1).await, (true, 200, 1, true));
    assert_eq!(reach(2).await, (false, 422, 0, false));
}
