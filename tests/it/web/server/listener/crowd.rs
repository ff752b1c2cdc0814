//! Too many connections: who is idle makes room, who is served is not disturbed.

use super::{
    quick,
    rig::{Rig, answer, connect, get, send, soon, until_closed},
};
use std::{collections::VecDeque, time::Duration};
use wa_gateway::web::server::ServerLimits;

/// Nobody is closed for being slow: only the crowd decides.
fn patient() -> ServerLimits {
    let long = Duration::from_secs(600);
    ServerLimits { header: long, idle: long, body: long, ..quick() }
}

const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn ten_thousand_silent_sockets_hinder_nobody() {
    let rig = Rig::start(ServerLimits { connections: 64, per_address_loopback: 32, ..patient() }).await;
    let mut customer = connect(rig.address, 2).await;
    let mut silent = VecDeque::new();
    for n in 0..10_000 {
        silent.push_back(connect(rig.address, 1).await);
        // The file table of the test is small, too; the server holds 32 of them anyway.
        if silent.len() > 200 {
            silent.pop_front();
        }
        if n % 100 == 0 {
            assert_eq!(get(&mut customer, "/hello").await.status, 200);
            assert_eq!(get(&mut connect(rig.address, 3).await, "/hello").await.status, 200);
        }
    }
    let mut oldest = silent.pop_front().expect("one");
    assert_eq!(until_closed(&mut oldest).await, b"");
    assert_eq!(get(&mut customer, "/hello").await.status, 200);
}

#[tokio::test]
async fn an_address_has_its_share_and_no_more() {
    let mut rig = Rig::start(ServerLimits { per_address_loopback: 3, ..patient() }).await;
    let mut busy = Vec::new();
    for n in 1..=3 {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, WAIT).await;
        rig.wait_for(n).await;
        busy.push(stream);
    }
    let mut fourth = connect(rig.address, 1).await;
    send(&mut fourth, WAIT).await;
    assert_eq!(until_closed(&mut fourth).await, b"", "nobody of its address may be closed for it");
    assert_eq!(get(&mut connect(rig.address, 2).await, "/hello").await.status, 200);
    rig.gate.add_permits(3);
    for stream in &mut busy {
        assert_eq!(answer(stream).await.body, "waited");
    }
    assert_eq!(get(&mut connect(rig.address, 1).await, "/hello").await.status, 200);
}

#[tokio::test]
async fn a_house_full_of_work_takes_the_next_when_one_is_done() {
    let mut rig = Rig::start(ServerLimits { connections: 2, ..patient() }).await;
    let (mut first, mut second) = (connect(rig.address, 1).await, connect(rig.address, 2).await);
    send(&mut first, WAIT).await;
    rig.wait_for(1).await;
    send(&mut second, WAIT).await;
    rig.wait_for(2).await;
    let mut third = connect(rig.address, 3).await;
    send(&mut third, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    rig.gate.add_permits(1);
    // One of the two becomes idle and makes room, without closing by itself.
    assert_eq!(answer(&mut third).await.body, "hello");
    assert_eq!(*rig.came.borrow(), 2);
}

#[tokio::test]
async fn who_owes_a_body_makes_room() {
    let mut rig = Rig::start(ServerLimits { connections: 2, ..patient() }).await;
    let mut works = connect(rig.address, 1).await;
    send(&mut works, WAIT).await;
    rig.wait_for(1).await;
    let mut owes = connect(rig.address, 2).await;
    send(&mut owes, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n").await;
    // It is asked for the body: so it is waited for.
    assert_eq!(answer(&mut owes).await.status, 100);
    assert_eq!(get(&mut connect(rig.address, 3).await, "/hello").await.status, 200);
    assert_eq!(until_closed(&mut owes).await, b"");
    rig.gate.add_permits(1);
    assert_eq!(answer(&mut works).await.body, "waited");
}

#[tokio::test]
async fn who_does_not_take_its_answer_is_cut_and_who_does_is_not() {
    let mut rig = Rig::start(quick()).await;
    let mut deaf = connect(rig.address, 1).await;
    send(&mut deaf, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // Longer than the idle time, with pauses, and nothing else happens on it.
    let mut listens = connect(rig.address, 2).await;
    send(&mut listens, "GET /drip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let all = String::from_utf8(until_closed(&mut listens).await).expect("text");
    assert_eq!(all.matches("1\r\n.\r\n").count(), 15, "{all}");
    soon(rig.ended.wait_for(|n| *n == 1)).await.expect("the server lives");
}
