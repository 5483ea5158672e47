//! Whatever is posted to `/events`: one of the answers of the manual, and what it says was accepted is in the log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bolero::check;
use fuzz::{Edit, edited, time};
use server::{JobSummary, Operations, Options, Server, Services, Totals};
use storage::log::{self, EmbeddedLog, EventLog};
use storage::store::{self, EmbeddedStore};
use types::{PartitionId, SystemClock};

const SEED: &[u8] = br#"{"query_id":"q-1","timestamp":"2025-12-09T11:30:00.123456","user":{"user_id":1}}
{"query_id":"q-2","ts":"2025-12-09T11:30:00Z"}
[{"query_id":"q-3","timestamp":"2025-12-09T11:30:00+07:00"}]
"#;

struct NoJobs;

impl Operations for NoJobs {
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn jobs(&self) -> Vec<JobSummary> {
        Vec::new()
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn totals(&self) -> Totals {
        Totals::default()
    }
}

#[test]
fn bodies() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(SystemClock::new());
    let log = EmbeddedLog::open(&directory.path().join("log"), log::Options::default(), clock.clone());
    let store =
        EmbeddedStore::open(&directory.path().join("results"), store::Options::default(), clock.clone());
    let log = Arc::new(log.expect("a log"));
    let services = Services {
        guard: server::guard::Guard::open(clock.clone()),
        clock,
        log: log.clone(),
        store: Arc::new(store.expect("a store")),
        operations: Arc::new(NoJobs),
        result_tables: Arc::default(),
        generator: Arc::new(server::NoGenerator),
    };
    let options = Options { partitions: 1, ..Options::default() };
    let topic = options.topic.clone();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Server::bind(listener, options, services).expect("a server")
    });
    let url = format!("http://{}/events", server.local_addr());
    runtime.spawn(server.serve(std::future::pending()));
    // A connection each: after an answer that left a body unread, the server may close. A panic ends the test, so that
    // nobody sees what it left half done.
    let agent = AssertUnwindSafe(
        ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build().new_agent(),
    );
    let in_log = AssertUnwindSafe(|| log.bounds(&topic, PartitionId(0)).map_or(0, |bounds| bounds.next.0));
    const TYPES: [&str; 4] =
        ["application/json", "application/x-ndjson", "text/plain", "application/octet-stream"];
    const ENCODINGS: [&str; 4] = ["identity", "gzip", "zstd", "br"];
    check!().with_type::<(u8, u8, Vec<Edit>)>().with_test_time(time()).for_each(|(kind, encoding, edits)| {
        let before = (*in_log)();
        let request = agent.post(&url).content_type(TYPES[usize::from(*kind) % TYPES.len()]);
        // Most bodies are plain: a broken one is hardly ever gzip by chance.
        let encoding = if encoding % 8 == 0 {
            ENCODINGS[usize::from(encoding / 8) % ENCODINGS.len()]
        } else {
            "identity"
        };
        let request = request.header("content-encoding", encoding);
        let mut answer = request.send(edited(SEED, edits).as_slice()).expect("an answer");
        let body = answer.body_mut().read_to_string().expect("an answer in UTF-8");
        let status = answer.status().as_u16();
        assert!([202, 400, 413, 415, 422].contains(&status), "{status}: {body}");
        if status == 202 {
            let accepted: u64 = body.split(r#""accepted":"#).nth(1).map_or(0, |rest| {
                rest.trim_start()
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect::<String>()
                    .parse()
                    .unwrap_or(0)
            });
            assert_eq!((*in_log)() - before, accepted, "{body}");
        }
    });
}
