//! Events that programs read: by cursor, by waiting, as server-sent events; what they hold, who sees them, and that
//! nothing is missed, also over kill -9.

use super::lists::{get, key};
use crate::{
    harness::{
        contract::assert_refused,
        http::STUCK,
        load::Load,
        program::{Place, now},
        receiver::Receiver,
        wait::until,
        world::{INSTANCE, PHONE, World, message, message_to},
    },
    sending::crash::checker::open_database,
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use wa_gateway::{
    app::commands::{KeyCreate, KeyRevoke, WebhookCreate},
    model::clock::Time,
};

/// The events of an answer, and where to go on.
async fn events(world: &World, key: &str, query: &str) -> (Vec<Value>, String) {
    let reply = get(world, key, &format!("/api/events?{query}"), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let page = reply.json();
    let next = page["next_cursor"].as_str().expect("a cursor").to_owned();
    (page["data"].as_array().expect("events").clone(), next)
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn what_happened_is_told_in_its_order_as_the_webhooks_tell_it() {
    let receiver = Receiver::start().await;
    let entry = receiver.address.to_string().parse().expect("an entry");
    let world = World::start_with(|config| config.egress.allow = vec![entry]).await;
    let reader = key(&world, &["read"], &[]).await;
    let (none, cursor) = events(&world, &reader, "").await;
    assert_eq!(none, Vec::<Value>::new(), "it begins now");
    let create = WebhookCreate {
        account: world.account,
        url: receiver.url(),
        events: vec!["message.sent".into(), "message.received".into()],
        ..Default::default()
    };
    world.command(create).await.expect("an endpoint");
    world.send(&message()).await;
    world.hears(PHONE, "Thanks").await;
    let (all, next) = events(&world, &reader, &format!("cursor={cursor}")).await;
    let told = names(&all);
    assert!(told.starts_with(&["message.sent", "message.status_updated"]), "{told:?}");
    assert!(told.contains(&"message.received") && told.contains(&"conversation.updated"), "{told:?}");
    // The same id and the same members, where an endpoint has it, too.
    let sent = receiver.wait_for(2).await;
    assert!(sent.iter().all(|got| all.contains(&got.json())), "{all:#?}");
    // A page at a time, by cursor and by id; nothing twice.
    let (mut one_by_one, mut at) = (Vec::new(), cursor.clone());
    loop {
        let (page, next) = events(&world, &reader, &format!("limit=1&cursor={at}")).await;
        let Some(event) = page.first() else { break };
        at = if one_by_one.len() % 2 == 0 { event["event_id"].as_str().expect("an id").to_owned() } else { next };
        one_by_one.extend(page);
    }
    assert_eq!(one_by_one, all);
    let (some, _) = events(&world, &reader, &format!("event=message.received,message.sent&cursor={cursor}")).await;
    assert_eq!(names(&some), ["message.sent", "message.received"]);
    let (since, _) = events(&world, &reader, "since=2026-06-01T00:00:00Z").await;
    assert_eq!(since, all);
    assert_eq!(events(&world, &reader, &format!("cursor={next}")).await.0, Vec::<Value>::new());
    world.stop().await;
}

#[tokio::test]
async fn who_may_not_see_them_sees_none_and_what_is_no_question_is_refused_by_name() {
    let world = World::start().await;
    world.new_instance(world.account, "second-line").await;
    world.send(&message()).await;
    let reader = key(&world, &["read"], &[]).await;
    let kept = world.number("SELECT count(*) FROM events").await;
    assert_eq!(kept, 0, "nobody reads, so nothing was kept");
    let second = key(&world, &["read"], &["second-line"]).await;
    let other = world.new_account("Other", "scale").await;
    let make = KeyCreate { account: other, scopes: vec!["read".into()], ..Default::default() };
    let stranger = world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
    assert_refused(&world.get("/api/events").await, "insufficient_scope");
    world.send(&message()).await;
    let (all, next) = events(&world, &reader, "since=2026-06-01T00:00:00Z").await;
    assert!(!all.is_empty());
    for (whose, query) in
        [(&second, ""), (&stranger, ""), (&second, "&instance_id=shop-line"), (&reader, "&instance_id=x")]
    {
        let (seen, _) = events(&world, whose, &format!("since=2026-06-01T00:00:00Z{query}")).await;
        assert_eq!(seen, Vec::<Value>::new(), "{query}");
    }
    let own = all[0]["event_id"].as_str().expect("an id");
    let later = {
        world.clock.advance(Duration::from_secs(400 * 86_400));
        format!("cursor={next}")
    };
    for (query, field, whose) in [
        ("wait=61", "wait", &reader),
        ("wait=-1", "wait", &reader),
        ("limit=0", "limit", &reader),
        ("event=message.lost", "event", &reader),
        ("event=test", "event", &reader),
        ("since=yesterday", "since", &reader),
        ("cursor=abc", "cursor", &reader),
        ("cursor=evt_0", "cursor", &reader),
        (&format!("cursor={own}"), "cursor", &stranger),
        // Kept no more.
        (&later, "cursor", &reader),
    ] {
        let reply = get(&world, whose, &format!("/api/events?{query}"), &[]).await;
        assert_eq!(
            (reply.status, &reply.json()["details"]["fields"]),
            (422, &json!([field])),
            "{query}: {}",
            reply.body
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn a_waiting_request_is_answered_by_the_event_or_by_the_clock() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    let (_, cursor) = events(&world, &reader, "").await;
    let path = format!("/api/events?event=message.received&wait=30&cursor={cursor}");
    let (to, headers) = (world.address(), [format!("Authorization: Bearer {reader}")]);
    let ask = |path: String| {
        let headers = headers.clone();
        tokio::spawn(async move { crate::harness::http::call(to, "GET", &path, &headers, &[]).await })
    };
    let waiting = ask(path.clone());
    world.settle().await;
    world.send(&message()).await;
    world.settle().await;
    assert!(!waiting.is_finished(), "another event is no answer");
    world.hears(PHONE, "Hello").await;
    let page = waiting.await.expect("an answer").json();
    assert_eq!(names(page["data"].as_array().expect("events")), ["message.received"]);
    let rest = page["next_cursor"].as_str().expect("a cursor");
    let waiting = ask(format!("/api/events?wait=30&cursor={rest}"));
    until("somebody listens", async || world.gateway().webhooks.listeners() == 1).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(waiting.await.expect("an answer").json()["data"], json!([]));
    world.stop().await;
}

/// A reader of server-sent events, in real time and on a thread of its own.
struct EventSource {
    stream: TcpStream,
    text: String,
    /// The last id that was named.
    last: String,
}

impl EventSource {
    fn open(to: SocketAddr, key: &str, more: &str) -> Self {
        let mut stream = TcpStream::connect(to).expect("the gateway listens");
        stream.set_read_timeout(Some(STUCK)).expect("a setting");
        let head = format!(
            "GET /api/events HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\nAuthorization: Bearer {key}\r\n{more}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is taken");
        let mut source = Self { stream, text: String::new(), last: String::new() };
        source.until("\r\n\r\n");
        assert!(source.text.starts_with("HTTP/1.1 200"), "{}", source.text);
        assert!(source.text.contains("content-type: text/event-stream"), "{}", source.text);
        source
    }

    /// Reads until it is there; false: the connection ended.
    fn until(&mut self, sign: &str) -> bool {
        let mut piece = [0; 4096];
        while !self.text.contains(sign) {
            match self.stream.read(&mut piece) {
                Ok(n) if n > 0 => self.text += &String::from_utf8_lossy(&piece[..n]),
                _ => return false,
            }
        }
        true
    }

    /// The next event; none: the connection ended. What only names a position is noted.
    fn next(&mut self) -> Option<Value> {
        loop {
            if !self.until("\n\n") {
                return None;
            }
            let (block, rest) = self.text.split_once("\n\n").expect("a block");
            let (block, rest) = (block.to_owned(), rest.to_owned());
            self.text = rest;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            self.last = field("id: ").unwrap_or_else(|| self.last.clone());
            if let Some(data) = field("data: ") {
                let event: Value = serde_json::from_str(&data).expect("JSON");
                assert_eq!(event["event_id"].as_str(), Some(self.last.as_str()));
                assert_eq!(field("event: ").as_deref(), event["event"].as_str());
                return Some(event);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_tells_at_once_beats_resumes_and_ends_with_its_key() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    let to = world.address();
    let opened = {
        let reader = reader.clone();
        tokio::task::spawn_blocking(move || {
            let mut source = EventSource::open(to, &reader, "");
            source.until("\n\n");
            source
        })
    };
    let mut source = opened.await.expect("it opens");
    assert!(source.text.contains("retry: ") && source.text.contains("id: "), "{}", source.text);
    for n in 0..3 {
        world.send(&message_to(&format!("+96650123450{n}"))).await;
    }
    let read = tokio::task::spawn_blocking(move || {
        let seen: Vec<Value> = (0..4).map(|_| source.next().expect("an event")).collect();
        (seen, source)
    });
    let (seen, mut source) = read.await.expect("read");
    let (all, _) = events(&world, &reader, "since=2026-06-01T00:00:00Z").await;
    assert_eq!(seen, all[..4]);
    // Another connection goes on where this one was.
    let (last, resumed) = (source.last.clone(), reader.clone());
    let again = tokio::task::spawn_blocking(move || {
        let mut source = EventSource::open(to, &resumed, &format!("Last-Event-ID: {last}\r\n"));
        let first = source.next();
        (first, source)
    });
    let (first, again) = again.await.expect("read");
    assert_eq!(first.as_ref(), all.get(4));
    drop(again);
    // Nothing happens: a beat names the position.
    let beating = tokio::task::spawn_blocking(move || (source.until(": beat\nid: "), source));
    let start = Time::parse("2026-06-01T08:00:00Z").expect("a time");
    world.clock.wait_for_sleeper_at(start.plus(Duration::from_secs(15))).await;
    world.clock.advance(Duration::from_secs(15));
    let (has_beaten, mut source) = beating.await.expect("read");
    assert!(has_beaten, "{}", source.text);
    let id = world.number("SELECT id FROM api_keys WHERE scopes = 'read'").await;
    let ended = tokio::task::spawn_blocking(move || while source.next().is_some() {});
    world.command(KeyRevoke { id }).await.expect("revoked");
    world.clock.wait_for_sleeper_at(start.plus(Duration::from_secs(30))).await;
    world.clock.advance(Duration::from_secs(15));
    ended.await.expect("a key that was revoked ends its stream");
    world.stop().await;
}

#[test]
fn a_resumed_reader_misses_nothing_and_sees_nothing_twice_over_kill_minus_nine() {
    let place = Place::new();
    let sender = place.furnish(INSTANCE);
    let made = place.json(&["key", "create", "--account", "1", "--scope", "read"]);
    let reader = made["key"].as_str().expect("its text").to_owned();
    let mut serving = place.serve();
    let (mut seen, mut last): (Vec<String>, Option<String>) = (Vec::new(), None);
    for round in 0..4 {
        let more = last.as_ref().map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let mut source = EventSource::open(serving.address, &reader, &more);
        // The first position must be there before anything happens.
        assert!(source.until("\n\n"), "it begins");
        let reading = std::thread::spawn(move || {
            let mut ids = Vec::new();
            while let Some(event) = source.next() {
                ids.push(event["event_id"].as_str().expect("an id").to_owned());
            }
            (ids, source.last)
        });
        let load = Load::start(serving.address, &sender, INSTANCE, &format!("events-{round}"), 3);
        load.until_sent(40);
        serving.kill();
        load.end();
        let (ids, at) = reading.join().expect("the reader");
        seen.extend(ids);
        last = Some(at);
        serving = place.serve();
    }
    let more = format!("Last-Event-ID: {}\r\n", last.expect("a position"));
    let mut source = EventSource::open(serving.address, &reader, &more);
    let db = open_database(&place.database());
    let mut statement = db.prepare("SELECT event_id FROM events WHERE is_told = 1 ORDER BY id").expect("a statement");
    let rows = statement.query_map([], |r| r.get::<_, String>(0)).expect("rows");
    let kept: Vec<String> = rows.collect::<Result<_, _>>().expect("rows");
    let begun = now();
    while seen.len() < kept.len() && begun.elapsed() < STUCK {
        seen.push(source.next().expect("an event")["event_id"].as_str().expect("an id").to_owned());
    }
    assert!(kept.len() >= 320, "two events a message: {}", kept.len());
    assert_eq!(seen, kept);
    serving.stop();
}
