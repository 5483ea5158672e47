//! A server that is told to stop: it accepts no new connection, finishes requests, and tells sockets why they
//! close.

mod support;

use std::time::Duration;

use server::Options;
use support::{Mood, close_code, eventually, next, request, start, start_with};
use tokio::net::TcpStream;

const EVENT: &[u8] = br#"{"query_id":"a","ts":"x"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered_and_then_the_server_ends() {
    let mut weir = start().await;
    *weir.log.mood.lock() = Mood::Slow;
    let address = weir.address;
    let answer = tokio::spawn(async move { request(address, "POST", "/events", &[], EVENT).await });
    eventually("the append is queued", || weir.log.waiting() == 1).await;
    weir.begin_stop();
    for _ in 0..2_000 {
        if TcpStream::connect(address).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(TcpStream::connect(address).await.is_err(), "nobody new is let in");
    assert!(!weir.serving.is_finished());
    weir.log.release();
    assert_eq!(answer.await.expect("an answer").status, 202);
    weir.serving.await.expect("an orderly end");
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_closed_with_1001_and_idle_connections_do_not_hold_up_the_end() {
    let mut weir = start().await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    let _idle = TcpStream::connect(weir.address).await.expect("a connection");
    weir.begin_stop();
    assert_eq!(close_code(&mut socket).await, 1001);
    weir.serving.await.expect("an orderly end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_cut_off_after_the_grace() {
    let options = Options { shutdown_grace: Duration::from_millis(50), ..Options::default() };
    let mut weir = start_with(options, |_| {}).await;
    *weir.log.mood.lock() = Mood::Slow;
    let address = weir.address;
    let _hanging = tokio::spawn(async move { request(address, "POST", "/events", &[], EVENT).await });
    eventually("the append is queued", || weir.log.waiting() == 1).await;
    weir.begin_stop();
    weir.serving.await.expect("an orderly end");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_connections_allowed_one_waits_for_its_turn() {
    let weir = start_with(Options { connections_max: 1, ..Options::default() }, |_| {}).await;
    let mut socket = weir.connect().await;
    next(&mut socket).await;
    let address = weir.address;
    let waiting = tokio::spawn(async move { request(address, "GET", "/healthz", &[], b"").await });
    // The open socket still holds the only slot.
    support::say(&mut socket, r#"{"type":"ping"}"#).await;
    next(&mut socket).await;
    assert!(!waiting.is_finished());
    drop(socket);
    assert_eq!(waiting.await.expect("an answer").status, 200);
}
