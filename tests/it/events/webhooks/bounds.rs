//! Receivers that misbehave cost their bounds and no more, and what is said of a failure is true.

use crate::{
    egress::reach::{BOUNDS, Names, answer_all, good, post, way_out},
    harness::{
        clock::TestClock,
        wild::{Log, Receiver, hear},
    },
};
use bytes::Bytes;
use http::Method;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use wa_gateway::model::egress::Use;
use wa_gateway::{
    egress::{Bounds, Egress, EgressError, EgressResponse, Outbound},
    model::clock::Clock,
};

/// What one call to a receiver that does `serve` comes to, and how long it took.
async fn call<F, Fut>(scheme: &str, serve: F) -> (Result<EgressResponse, EgressError>, Duration)
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let receiver = Receiver::start("127.0.0.1", serve).await;
    let egress = way_out(&[&receiver.addr.to_string()], &Names::answering(&[]));
    let bounds = Bounds { timeout: Duration::from_millis(400), ..BOUNDS };
    let url = format!("{scheme}://{}/", receiver.addr);
    let request = Outbound {
        method: Method::POST,
        url: &url,
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        of: Use::Connectors,
    };
    let clock = wa_gateway::model::clock::SystemClock;
    let began = clock.now();
    let answer = egress.send(request, bounds).await;
    let took = clock.now().since(began);
    assert!(took < Duration::from_secs(2), "bounded: {took:?}");
    assert_eq!(receiver.calls(), 1, "called once, whatever comes of it");
    (answer, took)
}

/// Writes `head`, then `drop` again and again, with a pause before each.
async fn drip(mut stream: TcpStream, head: Vec<u8>, drop: &[u8], pause: Duration) {
    hear(&mut stream).await;
    let mut wrote = stream.write_all(&head).await;
    let mut ticks = (!pause.is_zero()).then(|| tokio::time::interval(pause));
    while wrote.is_ok() {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        wrote = stream.write_all(drop).await;
    }
}

const SLOW: Duration = Duration::from_millis(100);

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n"] {
        let (answer, took) = call("http", |stream, _| drip(stream, head.into(), &[b'x'; 65536], Duration::ZERO)).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.body.len(), answer.truncated), (200, 1024, true));
        assert!(took < Duration::from_millis(400), "it is not read to any end");
    }
    // Declared as compressed, it is bytes like any others.
    let gzip = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let (answer, _) = call("http", |stream, _| drip(stream, gzip.into(), &[0; 4096], Duration::ZERO)).await;
    assert_eq!(answer.expect("an answer").body, vec![0; 1024]);
    let whole = [&b"HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n"[..], &[b'x'; 1024]].concat();
    let (answer, _) = call("http", move |stream, _| drip(stream, whole.clone(), b"", SLOW)).await;
    assert!(answer.is_ok_and(|a| a.body.len() == 1024 && !a.truncated), "just as long as it may be");
}

#[tokio::test]
async fn slow_silent_and_broken_receivers_are_told_apart() {
    let slow_body = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let (answer, _) = call("http", move |stream, _| drip(stream, slow_body.into(), b"x", SLOW)).await;
    let ok = Some(http::StatusCode::OK);
    assert_eq!(answer.expect_err("slow"), EgressError::TimedOut { sent: true, status: ok });
    let (answer, _) = call("http", |stream, _| drip(stream, b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b"x", SLOW)).await;
    assert_eq!(answer.expect_err("slow head"), EgressError::TimedOut { sent: true, status: None });
    let (answer, _) = call("http", |stream, _| drip(stream, Vec::new(), b"", SLOW)).await;
    assert_eq!(answer.expect_err("silent"), EgressError::TimedOut { sent: true, status: None });
    let early = "HTTP/1.1 100 Continue\r\n\r\n";
    let (answer, _) = call("http", move |stream, _| drip(stream, Vec::new(), early.as_bytes(), SLOW)).await;
    assert_eq!(answer.expect_err("never final"), EgressError::TimedOut { sent: true, status: None });
    let bomb = |stream, _| drip(stream, b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: bbbbbbbbbbbbbbbb\r\n", Duration::ZERO);
    let (answer, _) = call("http", bomb).await;
    assert_eq!(answer.expect_err("a bomb of headers"), EgressError::Broken { sent: true, status: None });
    for (text, status) in [("", None), ("220 smtp.example ESMTP\r\n", None), (slow_body, ok), ("HTTP/1.1 200", None)] {
        let (answer, _) = call("http", move |mut stream, _| async move {
            hear(&mut stream).await;
            let _ = stream.write_all(text.as_bytes()).await;
        })
        .await;
        assert_eq!(answer.expect_err("cut"), EgressError::Broken { sent: true, status }, "after {text:?}");
    }
    let reset = move |mut stream: TcpStream, _| async move {
        hear(&mut stream).await;
        let _ = stream.write_all(slow_body.as_bytes()).await;
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("a socket");
    };
    let error = call("http", reset).await.0.expect_err("reset");
    assert!(matches!(error, EgressError::Broken { sent: true, .. }), "{error:?}");
}

#[tokio::test]
async fn before_the_first_byte_there_is_no_doubt() {
    let silent = |mut stream: TcpStream, _| async move {
        hear(&mut stream).await;
    };
    let error = call("https", silent).await.0.expect_err("speaks no TLS");
    assert!(error.leaves_no_doubt(), "{error:?}");
    let error = call("https", |_, _| async {}).await.0.expect_err("hangs up");
    assert!(matches!(error, EgressError::Tls(_)), "{error:?}");
    let plain = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
        hear(&mut stream).await;
    };
    let error = call("https", plain).await.0.expect_err("speaks HTTP");
    assert!(matches!(error, EgressError::Tls(_)), "{error:?}");
    let free = TcpListener::bind("127.0.0.1:0").await.and_then(|l| l.local_addr()).expect("a free port");
    let egress = way_out(&[&free.to_string()], &Names::answering(&[]));
    let error = post(&egress, &format!("http://{free}/"), b"{}").await.expect_err("nobody there");
    assert!(matches!(error, EgressError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_is_used_again_until_it_waited_too_long() {
    let (receiver, log) = good("127.0.0.1").await;
    let clock = Arc::new(TestClock::at("2026-05-08T10:00:00Z"));
    let allow = crate::egress::reach::entries(&[&receiver.addr.to_string()]);
    let egress = Egress::new(allow, Names::answering(&[]), clock.clone());
    let url = format!("http://{}/", receiver.addr);
    for i in 0..10_u8 {
        post(&egress, &url, &[i]).await.expect("an answer");
        clock.advance(Duration::from_secs(3));
    }
    assert_eq!(receiver.calls(), 1);
    clock.advance(Duration::from_secs(30));
    post(&egress, &url, &[10]).await.expect("an answer");
    assert_eq!(receiver.calls(), 2);
    let all: Vec<u8> = log.lock().expect("no panic").iter().flat_map(|h| h.body.clone()).collect();
    assert_eq!(all, (0..=10).collect::<Vec<u8>>(), "each once, in order");
    let many = (0..20).map(|_| post(&egress, &url, b"{}"));
    assert!(futures_util::future::join_all(many).await.iter().all(Result::is_ok));
    let so_far = receiver.calls();
    let few = (0..4).map(|_| post(&egress, &url, b"{}"));
    assert!(futures_util::future::join_all(few).await.iter().all(Result::is_ok));
    assert_eq!(receiver.calls(), so_far, "four waited");
}

#[tokio::test]
async fn a_connection_that_was_hung_up_is_replaced_but_nothing_is_sent_twice() {
    let log = Log::default();
    let heard = log.clone();
    // The first connection ends after one answer, the second in the middle of its second request.
    let receiver = Receiver::start("127.0.0.1", move |mut stream, n| {
        let log = heard.clone();
        async move {
            if n > 1 {
                return answer_all(stream, log).await;
            }
            let heard = hear(&mut stream).await.expect("a request");
            log.lock().expect("no panic").push(heard);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            if n == 1 {
                let heard = hear(&mut stream).await.expect("a request");
                log.lock().expect("no panic").push(heard);
            }
        }
    })
    .await;
    let egress = way_out(&[&receiver.addr.to_string()], &Names::answering(&[]));
    let url = format!("http://{}/", receiver.addr);
    post(&egress, &url, b"1").await.expect("an answer");
    tokio::time::timeout(SLOW, std::future::pending::<()>()).await.expect_err("time passes");
    post(&egress, &url, b"2").await.expect("an answer over the second connection");
    let error = post(&egress, &url, b"3").await.expect_err("heard, and not answered");
    assert_eq!(error, EgressError::Broken { sent: true, status: None });
    post(&egress, &url, b"4").await.expect("an answer over the third connection");
    let all: Vec<u8> = log.lock().expect("no panic").iter().flat_map(|h| h.body.clone()).collect();
    assert_eq!((receiver.calls(), &all[..]), (3, &b"1234"[..]));
}
