//! Helpers of the tests: a log and a store in memory, a server on port 0, and a small HTTP and WebSocket
//! client.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

mod http;
mod memory;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use http::{Answer, request};
pub use memory::{DAY, MemoryLog, MemoryStore, Mood};
use parking_lot::Mutex;
use serde_json::Value;
use server::guard::Guard;
use server::{Handle, JobSummary, Operations, Options, Server, Services, Totals};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use types::{ManualClock, Timestamp};

/// The time at which tests begin: 2025-12-09T12:00:00 UTC.
pub const NOW: Timestamp = Timestamp(1_765_281_600_000);

pub type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A job runner with a preset state.
#[derive(Default)]
pub struct Jobs {
    pub trouble: Mutex<Option<String>>,
    pub totals: Mutex<Totals>,
}

impl Operations for Jobs {
    fn ready(&self) -> Result<(), String> {
        self.trouble.lock().clone().map_or(Ok(()), Err)
    }

    fn jobs(&self) -> Vec<JobSummary> {
        vec![JobSummary {
            id: "0".repeat(32),
            name: "analytics".to_owned(),
            state: "RUNNING".to_owned(),
            start_time_ms: NOW.0,
            message: None,
        }]
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }
}

/// A server and its dependencies.
pub struct Weir {
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub jobs: Arc<Jobs>,
    pub result_tables: Arc<jobs::ResultTables>,
    pub handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    pub serving: JoinHandle<()>,
}

pub async fn start() -> Weir {
    start_with(Options::default(), |_| {}).await
}

/// Starts a server with a store that `fill` has written to.
pub async fn start_with(options: Options, fill: impl FnOnce(&MemoryStore)) -> Weir {
    let clock = Arc::new(ManualClock::at(NOW));
    let guard = Guard::open(Arc::clone(&clock) as _);
    start_guarded(options, clock, guard, fill).await
}

/// As [`start_with`], with a guard.
pub async fn start_guarded(
    options: Options,
    clock: Arc<ManualClock>,
    guard: Arc<Guard>,
    fill: impl FnOnce(&MemoryStore),
) -> Weir {
    start_mounted(options, clock, guard, None, fill).await
}

/// As [`start_guarded`], with a job manager below `/jobs/`.
pub async fn start_mounted(
    options: Options,
    clock: Arc<ManualClock>,
    guard: Arc<Guard>,
    mount: Option<server::guard::Mount>,
    fill: impl FnOnce(&MemoryStore),
) -> Weir {
    let (log, store) = (Arc::new(MemoryLog::default()), Arc::new(MemoryStore::new(Arc::clone(&clock))));
    fill(&store);
    let jobs = Arc::new(Jobs::default());
    let result_tables: Arc<jobs::ResultTables> = Arc::default();
    let services = Services {
        clock: Arc::clone(&clock) as _,
        log: Arc::clone(&log) as _,
        store: Arc::clone(&store) as _,
        operations: Arc::clone(&jobs) as _,
        result_tables: Arc::clone(&result_tables),
        generator: Arc::new(server::NoGenerator),
        guard,
    };

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut server = Server::bind(listener, options, services).expect("a server");
    if let Some(mount) = mount {
        server = server.with_job_manager(mount);
    }
    let (address, handle) = (server.local_addr(), server.handle());
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));

    let weir = Weir { address, clock, log, store, jobs, result_tables, handle, stop: Some(stop), serving };
    // A test that holds the rows back checks the answers meanwhile.
    if !weir.store.slow.load(std::sync::atomic::Ordering::SeqCst) {
        eventually("the results are loaded", || weir.handle.loaded()).await;
    }

    weir
}

impl Weir {
    pub async fn get(&self, target: &str) -> Answer {
        request(self.address, "GET", target, &[], b"").await
    }

    /// Returns the JSON of an answer that must be 200.
    pub async fn json(&self, target: &str) -> Value {
        let answer = self.get(target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        answer.json()
    }

    /// As [`Weir::json`], without the fields that were added for newer readers.
    pub async fn known(&self, target: &str) -> Value {
        let mut answer = self.json(target).await;
        remove_added(&mut answer);
        answer
    }

    pub async fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        request(self.address, "POST", target, &[], body.as_ref()).await
    }

    /// Waits until a route's answer meets a condition.
    pub async fn until(&self, target: &str, expected: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let found = self.json(target).await;
            if expected(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{target} never answered as expected: {}", self.get(target).await.text());
    }

    pub async fn connect(&self) -> Socket {
        connect_async(format!("ws://{}/ws/analytics", self.address)).await.expect("a handshake").0
    }

    pub fn begin_stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

/// Polls until a condition holds.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

/// Returns the next JSON message of a socket.
pub async fn next(socket: &mut Socket) -> Value {
    use futures_util::StreamExt;
    loop {
        match socket.next().await.expect("the socket is open").expect("a frame") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("not a message: {other:?}"),
        }
    }
}

pub async fn say(socket: &mut Socket, text: &str) {
    use futures_util::SinkExt;
    socket.send(Message::text(text)).await.expect("sent");
}

/// Returns the code with which the server closes a socket, skipping other messages.
pub async fn close_code(socket: &mut Socket) -> u16 {
    use futures_util::StreamExt;
    loop {
        match socket.next().await.expect("a close frame first").expect("a frame") {
            Message::Close(Some(close)) => return close.code.into(),
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

fn remove_added(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(remove_added),
        Value::Object(fields) => {
            fields.remove("is_final");
            fields.remove("newest");
            fields.values_mut().for_each(remove_added);
        }
        _ => {}
    }
}
