//! Measures one change for many WebSocket clients in this process: from the write until each has read it, the
//! clients' work included. Run with `cargo bench -p server --bench feed [CLIENTS]`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use types::{Clock, SystemClock};

const ROUNDS: usize = 50;
const HANDSHAKE: &str = "GET /ws/analytics HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Reads messages, and reports when a round's mark was among them.
async fn client(
    mut stream: TcpStream,
    clock: Arc<SystemClock>,
    told: mpsc::UnboundedSender<(usize, Duration)>,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut round = 1;
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
        let text = &buffer[..length];
        let mark = format!("\"query_count\":{},", 1_000_000 + round);
        if text.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            let _ = told.send((round, clock.elapsed()));
            round += 1;
        }
    }
}

fn main() {
    let clients = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");

    runtime.block_on(async {
        let clock = Arc::new(SystemClock::new());
        let weir = support::start().await;
        let (told, mut heard) = mpsc::unbounded_channel();
        for _ in 0..clients {
            let mut stream = TcpStream::connect(weir.address).await.expect("a connection");
            stream.write_all(HANDSHAKE.as_bytes()).await.expect("sent");
            tokio::spawn(client(stream, Arc::clone(&clock), told.clone()));
        }
        weir.until("/status", |status| status["feed_clients"] == clients).await;
        let mut times = Vec::new();
        for round in 1..=ROUNDS {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let began = clock.elapsed();
            let row = json!({"query_count": 1_000_000 + round, "unique_users": 3, "avg_response_time": 10});
            weir.store.publish(
                "faculty",
                "2025-12-09T11:30:00",
                &[("analytics:faculty:A:2025-12-09T11:30:00", row)],
            );
            for _ in 0..clients {
                let (heard_round, at) = heard.recv().await.expect("a client");
                assert_eq!(heard_round, round);
                times.push(at.saturating_sub(began));
            }
        }
        times.sort();
        let part = |share: usize| times[times.len() * share / 100];
        println!(
            "feed: {clients} clients, p50 {:.2?}, p99 {:.2?}, last {:.2?}",
            part(50),
            part(99),
            times[times.len() - 1]
        );
    });
}
