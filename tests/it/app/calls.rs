//! Customers' places are called by a thread of its own, and no message waits for it.

use crate::harness::{
    deps::for_everything,
    files::FileServer,
    receiver::Receiver,
    wait::until,
    wild::{self, hear},
    world::{World, message, message_with},
};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, runtime::Handle};
use wa_gateway::{
    app::commands::WebhookCreate,
    egress::{Bounds, Egress, Outbound},
    model::{clock::SystemClock, egress::Use, threads::ThreadsApart},
};

const GIF: &[u8] = b"GIF89a, or so it says, and so it is: 0123456789";

#[tokio::test]
async fn a_message_is_sent_while_webhooks_and_files_wait_for_a_processor() {
    let (receiver, files) = (Receiver::start().await, FileServer::start().await);
    let allow = [receiver.address, files.address].map(|place| for_everything(&place));
    let mut world = World::start_with(|config| config.egress.allow = allow.into()).await;
    let events = vec!["message.sent".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await.expect("an endpoint");
    world.go_down().await;
    world.come_up_with_calls_apart().await;
    let threads = world.gateway().calls.handle();
    assert_ne!(threads.id(), Handle::current().id());
    assert_eq!(threads.metrics().num_alive_tasks(), 2, "who fetches and who delivers");

    // Its one thread is at work on something else.
    let (working, is_working) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    threads.spawn(async move {
        working.send(()).expect("somebody listens");
        let _ = wait.recv();
    });
    is_working.recv().expect("it is at work");
    let url = files.put("cat", "image/gif", GIF);
    let with_file = message_with(json!({"message": "See this.", "media_url": url, "media_type": "image"}));
    let others = async {
        until("the file waits behind it", async || threads.metrics().num_alive_tasks() == 4).await;
        for _ in 0..3 {
            assert_eq!(world.send(&message()).await.status, 200);
        }
        assert_eq!((files.asked(), receiver.got().len()), (0, 0));
        drop(go_on);
    };
    let (with_file, ()) = tokio::join!(world.send(&with_file), others);
    assert_eq!(with_file.status, 200);
    assert_eq!(files.asked(), 1);
    receiver.wait_for(4).await;
    world.stop().await;
}

/// Who opened a connection works on it: for others it would be as slow as those threads are.
#[tokio::test]
async fn a_connection_is_used_by_the_threads_that_opened_it_alone() {
    let place = wild::Receiver::start("127.0.0.1", |mut stream, _| async move {
        while hear(&mut stream).await.is_some() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("somebody reads");
        }
    })
    .await;
    let egress = Egress::system(vec![for_everything(&place.addr)], Arc::new(SystemClock));
    let call = || {
        let (egress, url) = (egress.clone(), format!("http://{}/", place.addr));
        async move {
            let (headers, body) = (Vec::new(), Bytes::new());
            let outbound = Outbound { method: Method::GET, url: &url, headers, body, of: Use::Webhooks };
            let bounds = Bounds { timeout: Duration::from_secs(60), max_answer_bytes: 100 };
            egress.send(outbound, bounds).await.expect("an answer");
        }
    };
    let threads = ThreadsApart::of_calls();
    threads.set_apart();
    for (theirs, connections) in [(false, 1), (false, 1), (true, 2), (true, 2), (false, 2)] {
        match theirs {
            true => threads.handle().spawn(call()).await.expect("it ends"),
            false => call().await,
        }
        assert_eq!(place.calls(), connections);
    }
}
