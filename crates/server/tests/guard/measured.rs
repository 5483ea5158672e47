//! Limits of headers, bodies, requests and connections, and the cost of slow clients to others.

use std::net::SocketAddr;

use server::guard::{Guard, Options, Rate, ThisMachine};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

async fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(sent.as_bytes()).await.expect("sent");
    stream
}

/// Returns what arrives until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut told = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut told));
    // A reset also counts as closed.
    let _ = reading.await.expect("the server closes");
    String::from_utf8_lossy(&told).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_or_a_body_in_drops_is_given_up() {
    let soon = Duration::from_millis(300);
    let options = server::Options { header_timeout: soon, body_timeout: soon, ..server::Options::default() };
    let guarded = Guarded::start_with(Options::default(), options).await;
    let address = guarded.weir.address;
    let mut dripping = connect(address, &format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n")).await;
    let (mut from, mut to) = dripping.split();
    let drops = async {
        // The loop ends only when the server closes the connection.
        while to.write_all(b"X-Drop: x\r\n").await.is_ok() {
            // The pause is the slowness of the client that this tests.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut told = Vec::new();
    tokio::select! {
        () = drops => {}
        _ = from.read_to_end(&mut told) => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("a header in drops goes on for ever"),
    }
    assert!(!String::from_utf8_lossy(&told).contains("200 OK"));

    let ingest = guarded.bearer(Role::Ingest);
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nAuthorization: {ingest}\r\nContent-Length: 1000\r\n\r\n{{"
    );
    let mut stalled = connect(address, &head).await;
    assert!(rest(&mut stalled).await.starts_with("HTTP/1.1 408 "));
    let mut dripping = connect(address, &head).await;
    let (mut from, mut to) = dripping.split();
    let drops = async {
        while to.write_all(b" ").await.is_ok() {
            // The pause is the slowness of the client that this tests.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut first = [0; 13];
    tokio::select! {
        () = drops => {}
        read = from.read_exact(&mut first) => { read.expect("an answer"); }
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("a body in drops goes on for ever"),
    }
    assert_eq!(&first, b"HTTP/1.1 408 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_manager_gives_up_a_body_in_drops_too() {
    let options = server::flink::Options {
        body_timeout: Duration::from_millis(200),
        ..server::flink::Options::default()
    };
    let world = world::start_guarded(options, Guard::open(Arc::new(SystemClock::new()))).await;
    let head =
        format!("POST /weir/jobs HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000\r\n\r\nS", world.address);
    let mut stalled = connect(world.address, &head).await;
    assert!(rest(&mut stalled).await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_or_headers_too_long_are_told_so() {
    let guarded = Guarded::start().await;
    let target = format!("/healthz?{}", "x".repeat(9 << 10));
    assert_eq!(guarded.http("GET", &target, &[], "").await.status, 414);
    let long = "x".repeat(33 << 10);
    assert_eq!(guarded.http("GET", "/healthz", &[("X-Long", &long)], "").await.status, 431);
    assert_eq!(guarded.http("GET", "/healthz", &[("X-Long", &long[..16 << 10])], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_is_told_to_wait_and_this_machine_only_if_it_is_meant() {
    let clock = Arc::new(ManualClock::at(NOW));
    let start = async |this_machine: ThisMachine| {
        let rate = Rate { per_second: 1.0, burst: 3.0 };
        let options = Options { requests: Some(rate), this_machine, ..Options::default() };
        let guard = Guard::new(options, Arc::clone(&clock) as _).expect("a guard");
        world::start_guarded(server::flink::Options::default(), guard).await
    };

    let ask = async |world: &World| request(world.address, "GET", "/overview", &[], b"").await;
    let unlimited = start(ThisMachine::Unlimited).await;
    for _ in 0..10 {
        assert_eq!(ask(&unlimited).await.status, 200);
    }

    let limited = start(ThisMachine::Limited).await;
    for _ in 0..3 {
        assert_eq!(ask(&limited).await.status, 200);
    }

    let slowed = ask(&limited).await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, Some("1")));
    assert_eq!(error(&slowed), "too many requests from this address");

    clock.advance(Interval(1_000));
    assert_eq!(ask(&limited).await.status, 200);
    assert_eq!(ask(&limited).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_given_up_for_those_that_wait() {
    let soon = Duration::from_millis(500);
    let options = server::Options { connections_max: 8, header_timeout: soon, ..server::Options::default() };
    let clock = Arc::new(ManualClock::at(NOW));
    let guard = Guard::open(Arc::clone(&clock) as _);
    let weir = support::start_guarded(options, clock, guard, |_| {}).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(weir.address).await.expect("a connection"));
    }
    let waiting = tokio::time::timeout(Duration::from_secs(60), weir.get("/healthz"));
    assert_eq!(waiting.await.expect("one of them is given up").status, 200);
    assert_eq!(rest(&mut silent[0]).await, "");
}
