//! Measures events per second through a server on a real socket, in batches of 100 and of 1,000: into a log
//! that drops everything (the cost of HTTP and of validating events), and into a durable embedded log. Run
//! with `cargo bench -p server --bench ingest`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use storage::log::{
    self, Appending, EmbeddedLog, EventLog, LogError, LogReader, NewRecord, Note, OffsetBounds, Start, Wanted,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::{Clock, ManualClock, PartitionId, SystemClock};

const CONNECTIONS: usize = 8;
const EVENTS: usize = 1_600_000;
const BATCHES: [usize; 2] = [100, 1_000];

#[derive(Default)]
struct Sink {
    records: AtomicU64,
}

impl EventLog for Sink {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }

    fn create_topic(&self, _: &str, _: u32) -> Result<(), LogError> {
        Ok(())
    }

    fn partitions(&self, _: &str) -> Result<Option<u32>, LogError> {
        Ok(Some(4))
    }

    fn note(&self, _: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    fn append_noted(&self, _: &str, records: Vec<NewRecord>, _: Option<Note>) -> Result<Appending, LogError> {
        self.records.fetch_add(records.len() as u64, Ordering::Relaxed);
        let (told, appending) = tokio::sync::oneshot::channel();
        let _ = told.send(Ok(Vec::new()));
        Ok(appending)
    }

    fn read(&self, _: &str, _: &[(PartitionId, Start)], _: Wanted) -> Result<Box<dyn LogReader>, LogError> {
        Err(LogError::Closed)
    }

    fn bounds(&self, _: &str, _: PartitionId) -> Result<OffsetBounds, LogError> {
        Err(LogError::Closed)
    }
}

/// Syllables of Vietnamese words as Python's `json.dumps` writes them. Each answer is a sequence of its own, so that
/// events compress about as well as those of a real assistant.
const SYLLABLES: [&str; 40] = [
    "sinh",
    "vi\\u00ean",
    "h\\u1ecdc",
    "b\\u1ed5ng",
    "\\u0111i\\u1ec1u",
    "ki\\u1ec7n",
    "x\\u00e9t",
    "n\\u0103m",
    "n\\u00e0y",
    "l\\u00e0",
    "ph\\u00f2ng",
    "\\u0111\\u00e0o",
    "t\\u1ea1o",
    "th\\u1eddi",
    "kh\\u00f3a",
    "bi\\u1ec3u",
    "m\\u1eabu",
    "n\\u1ed9p",
    "tr\\u01b0\\u1edbc",
    "ng\\u00e0y",
    "gi\\u1ea3ng",
    "d\\u1ea1y",
    "khoa",
    "c\\u00f4ng",
    "ngh\\u1ec7",
    "th\\u00f4ng",
    "tin",
    "\\u0111\\u01b0\\u1ee3c",
    "kh\\u00f4ng",
    "c\\u1ea7n",
    "c\\u00f3",
    "v\\u00e0",
    "theo",
    "quy",
    "\\u0111\\u1ecbnh",
    "c\\u1ee7a",
    "tr\\u01b0\\u1eddng",
    "t\\u00edn",
    "ch\\u1ec9",
    "m\\u00f4n",
];

/// Returns `count` random syllables.
fn text(random: &mut fastrand::Rng, count: usize) -> String {
    let syllables = (0..count).map(|_| SYLLABLES[random.usize(..SYLLABLES.len())]);
    syllables.collect::<Vec<_>>().join(" ")
}

/// Returns an event as the running producer writes it, about 900 bytes.
fn event(n: usize, random: &mut fastrand::Rng) -> String {
    let (query, answer) = (text(random, 9), text(random, 24));
    let (user, session, id) = (random.u32(..20_000), random.u64(..), random.u128(..));
    let (department, year, milliseconds) = (random.u8(1..30), random.u8(1..6), random.f32() * 3_000.0);
    format!(
        r#"{{"query_id": "q-{n:08}", "timestamp": "2025-12-09T11:30:00.{:06}", "user": {{"user_id": {user}, "user_type": "Sinh vi\u00ean", "department_id": {department}, "department_name": "C\u00f4ng ngh\u1ec7 th\u00f4ng tin", "code": "B20DCCN{user:05}", "years": {year}}}, "session_id": "s-{session:016x}", "query_text": "{query}?", "rewritten_query": null, "rag_params": {{"k": 5, "similarity_threshold": 0.35, "context_found": 4}}, "rag_metrics": {{"response_time_ms": {milliseconds:.1}, "answer_length": {}, "answer_text": "{answer}", "success": true}}, "metadata": {{"model_used": "gpt-4o-mini", "history_used": true, "history_count": 2, "query_rewritten": false}}, "_id": "{:024x}"}}"#,
        random.u32(..1_000_000),
        answer.len(),
        id >> 32,
    )
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let clock = Arc::new(ManualClock::at(support::NOW));
    for batch in BATCHES {
        let sink = Arc::new(Sink::default());
        runtime.block_on(measure("kept nowhere", batch, sink.clone(), clock.clone()));
        assert_eq!(sink.records.load(Ordering::Relaxed), EVENTS as u64);

        let directory = tempfile::tempdir().expect("a directory");
        let log = EmbeddedLog::open(directory.path(), log::Options::default(), clock.clone());
        let log = log.expect("an event log");
        log.create_topic("user-queries", 4).expect("a topic");
        runtime.block_on(measure("durable", batch, Arc::new(log), clock.clone()));
    }
}

/// Measures all connections sending all their requests of `batch` events, one after the other.
async fn measure(name: &str, batch: usize, log: Arc<dyn EventLog>, clock: Arc<ManualClock>) {
    let services = server::Services {
        clock: clock.clone(),
        log,
        store: Arc::new(support::MemoryStore::new(clock.clone())),
        operations: Arc::new(support::Jobs::default()),
        result_tables: Arc::default(),
        generator: Arc::new(server::NoGenerator),
        guard: server::guard::Guard::open(clock),
    };

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = server::Server::bind(listener, server::Options::default(), services).expect("a server");
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));

    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes = 0;
    let requests: Vec<Vec<u8>> = (0..CONNECTIONS)
        .map(|_| {
            let body = (0..batch).map(|n| event(n, &mut random)).collect::<Vec<_>>().join("\n");
            bytes += body.len();
            format!("POST /events HTTP/1.1\r\nHost: weir\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                .into_bytes()
        })
        .collect();

    let wall = SystemClock::new();
    let began = wall.elapsed();
    let clients = requests.into_iter().map(|request| {
        tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
            let mut answer = vec![0; 4 << 10];
            for _ in 0..EVENTS / CONNECTIONS / batch {
                stream.write_all(&request).await.expect("sent");
                let length = stream.read(&mut answer).await.expect("answered");
                assert!(answer[..length].starts_with(b"HTTP/1.1 202"));
            }
        })
    });

    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client");
    }

    let took = wall.elapsed().saturating_sub(began).as_secs_f64();
    let size = bytes / batch / CONNECTIONS;
    println!(
        "{name}: {:.0} events/s ({size} bytes each, batches of {batch}, {CONNECTIONS} connections, client included)",
        EVENTS as f64 / took
    );
}
