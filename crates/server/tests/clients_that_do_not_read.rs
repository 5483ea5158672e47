//! A client that sends and never reads does not hold memory for ever: it is disconnected, and its memory is
//! freed.

mod support;

use std::time::Duration;

use server::Options;
use support::{Weir, eventually, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Requests sent at a time; the answer to each lists a hundred rejected events.
const AT_ONCE: usize = 16;

fn request(weir: &Weir) -> String {
    let body = "{}\n".repeat(200);
    format!("POST /events HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}", weir.address, body.len())
}

async fn metric(weir: &Weir, name: &str) -> i64 {
    let text = weir.get("/metrics").await.text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is not among {text}"))
}

async fn until(weir: &Weir, name: &str, is_wanted: impl Fn(i64) -> bool) {
    for _ in 0..2_000 {
        if is_wanted(metric(weir, name).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{name} is {}", metric(weir, name).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_closed_and_its_memory_comes_back() {
    let options = Options { answer_stall: Duration::from_millis(300), ..Options::default() };
    let weir = start_with(options, |_| {}).await;
    let mut client = TcpStream::connect(weir.address).await.expect("a connection");
    let requests = request(&weir).repeat(AT_ONCE);

    // Answers fill the buffers until the server reads no more, and then closes the connection.
    let writing = async { while client.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), writing).await.expect("the server closes");
    until(&weir, "weir_ingest_memory_bytes", |bytes| bytes == 0).await;
    // The connection of the metrics request itself.
    until(&weir, "weir_http_connections", |open| open == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_until_it_is_sent() {
    let weir = start_with(Options::default(), |_| {}).await;
    let mut client = TcpStream::connect(weir.address).await.expect("a connection");
    let (mut from, mut to) = client.split();
    let requests = request(&weir).repeat(AT_ONCE);

    let writing = async { while to.write_all(requests.as_bytes()).await.is_ok() {} };
    let held = async {
        let mut before = -1;
        // Once the buffers are full, every metrics request finds the same waiting answer.
        loop {
            let now = metric(&weir, "weir_ingest_memory_bytes").await;
            if now > 4_000 && now == before {
                return;
            }
            before = now;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = writing => panic!("nobody closes it"),
        held = tokio::time::timeout(Duration::from_secs(60), held) => held.expect("an answer waits"),
    };

    let mut first = [0; 12];
    from.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 202");
    drop(client);
    until(&weir, "weir_ingest_memory_bytes", |bytes| bytes == 0).await;
    eventually("the server goes on", || !weir.serving.is_finished()).await;
}
