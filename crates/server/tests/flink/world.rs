//! A job manager on port 0 with a dispatcher that really runs jobs, on a log and a store in memory.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use jobs::checkpoint::CheckpointOptions;
use jobs::registry::Registry;
use jobs::{Defaults, Dispatcher, Environment};
use parking_lot::Mutex;
use serde_json::Value;
use server::flink::{JobManager, LogTail, Options, Services, Setting};
use server::gateway::{self, Gateway};
use server::guard::Guard;
use storage::log::{
    Appending, EventLog, Fetched, LogError, LogReader, Logs, NewRecord, Note, OffsetBounds, Polled,
    RecordRef, Start, Wanted,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use types::{Clock, Offset, PartitionId, SystemClock, Timestamp};

use crate::support::{Answer, MemoryStore, NOW, request};

/// Counts clicks in windows of ten seconds, with two subtasks.
pub const SCRIPT: &str = "
    SET 'parallelism.default' = '2';
    SET 'restart-strategy.type' = 'none';
    CREATE TABLE clicks (
      id STRING,
      moment TIMESTAMP_LTZ(3),
      WATERMARK FOR moment AS moment - INTERVAL '1' SECOND
    ) WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
    CREATE TABLE counts (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO counts
    SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end;
";

/// A delivery to a reader.
enum Delivery {
    Record(Bytes),
    Failure,
}

/// Both ends of a topic.
type Pipe = (Sender<Delivery>, Receiver<Delivery>);

/// A log of topics with one partition each, which a test feeds and breaks. The topic `closed` cannot be read.
#[derive(Default)]
pub struct Feeding {
    topics: Mutex<HashMap<String, Pipe>>,
}

impl Feeding {
    pub fn feed(&self, topic: &str, record: &'static str) {
        self.hand(topic, Delivery::Record(Bytes::from_static(record.as_bytes())));
    }

    /// Makes the next read of the topic fail.
    pub fn break_down(&self, topic: &str) {
        self.hand(topic, Delivery::Failure);
    }

    fn hand(&self, topic: &str, delivery: Delivery) {
        let mut topics = self.topics.lock();
        let (to, _) = topics.entry(topic.to_owned()).or_insert_with(crossbeam_channel::unbounded);
        to.send(delivery).expect("the log holds the other end");
    }
}

impl EventLog for Feeding {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }

    fn create_topic(&self, topic: &str, _: u32) -> Result<(), LogError> {
        self.topics.lock().entry(topic.to_owned()).or_insert_with(crossbeam_channel::unbounded);
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, LogError> {
        Ok(self.topics.lock().contains_key(topic).then_some(1))
    }

    fn note(&self, _: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    fn append_noted(&self, _: &str, records: Vec<NewRecord>, _: Option<Note>) -> Result<Appending, LogError> {
        // Dead letters are accepted and dropped.
        let (told, appending) = oneshot::channel();
        let position = |offset| storage::log::Position { partition: PartitionId(0), offset: Offset(offset) };
        let _ = told.send(Ok((0..records.len() as u64).map(position).collect()));
        Ok(appending)
    }

    fn read(
        &self,
        topic: &str,
        from: &[(PartitionId, Start)],
        _: Wanted,
    ) -> Result<Box<dyn LogReader>, LogError> {
        if topic == "closed" {
            return Err(LogError::Closed);
        }
        let deliveries = if from.is_empty() {
            crossbeam_channel::never()
        } else {
            self.topics.lock().get(topic).expect("a topic that was created").1.clone()
        };
        Ok(Box::new(Reader { deliveries, next: 0 }))
    }

    fn bounds(&self, _: &str, _: PartitionId) -> Result<OffsetBounds, LogError> {
        Ok(OffsetBounds { first: Offset(0), next: Offset(0) })
    }
}

struct Reader {
    deliveries: Receiver<Delivery>,
    next: u64,
}

impl LogReader for Reader {
    fn take_lost(&mut self) -> u64 {
        0
    }

    fn poll(&mut self, timeout: Duration, _: usize) -> Result<Polled, LogError> {
        match self.deliveries.recv_timeout(timeout) {
            Ok(Delivery::Record(body)) => {
                let record = RecordRef {
                    offset: Offset(self.next),
                    // Later than any event.
                    appended: Timestamp(NOW.0 + 60_000),
                    start: 0,
                    end: u32::try_from(body.len()).expect("a small record"),
                };
                self.next += 1;
                let data = Arc::new(body.to_vec());
                let fetched = Fetched {
                    partition: Some(PartitionId(0)),
                    records: vec![record],
                    data,
                    ..Fetched::default()
                };
                Ok(Polled::Records { fetched, behind: false })
            }
            Ok(Delivery::Failure) => Err(LogError::Corrupt { place: "offset 7".to_owned() }),
            Err(_) => Ok(Polled::CaughtUp),
        }
    }

    fn add(&mut self, _: PartitionId, _: Start) -> Result<(), LogError> {
        Ok(())
    }

    fn at_end(&self) -> Vec<PartitionId> {
        Vec::new()
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        vec![(PartitionId(0), Offset(self.next))]
    }
}

/// A job manager and its dependencies.
pub struct World {
    pub address: SocketAddr,
    pub log: Arc<Feeding>,
    pub dispatcher: Arc<Dispatcher>,
    /// Directory of checkpoints and savepoints.
    pub directory: tempfile::TempDir,
    pub log_tail: Arc<LogTail>,
    /// The job manager for another listener.
    pub mount: server::guard::Mount,
    stop: Option<oneshot::Sender<()>>,
    pub serving: JoinHandle<()>,
}

pub async fn start() -> World {
    start_with(Options::default()).await
}

pub async fn start_with(options: Options) -> World {
    start_guarded(options, Guard::open(Arc::new(SystemClock::new()))).await
}

/// As [`start_with`], with a guard.
pub async fn start_guarded(options: Options, guard: Arc<Guard>) -> World {
    let directory = tempfile::tempdir().expect("a directory");
    start_over(options, directory, Arc::new(Feeding::default()), guard).await
}

/// Ends a process, and starts the next one on its files.
pub async fn start_again(mut world: World) -> World {
    world.begin_stop();
    world.dispatcher.shut_down(Duration::from_secs(10));
    let directory = std::mem::replace(&mut world.directory, tempfile::tempdir().expect("a directory"));
    let guard = Guard::open(Arc::new(SystemClock::new()));
    let world = start_over(Options::default(), directory, Arc::clone(&world.log), guard).await;
    world.dispatcher.resume().expect("the records can be read");
    world
}

async fn start_over(
    options: Options,
    directory: tempfile::TempDir,
    log: Arc<Feeding>,
    guard: Arc<Guard>,
) -> World {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(MemoryStore::new(Arc::new(types::ManualClock::at(NOW))));

    let place = |name: &str| directory.path().join(name).display().to_string();
    let checkpoints = CheckpointOptions {
        interval: None,
        min_pause: Duration::ZERO,
        timeout: Duration::from_secs(20),
        retained: 2,
        tolerable_failures: None,
        keep_free_bytes: 0,
        inline_below: jobs::checkpoint::INLINE_BELOW,
        directory: place("checkpoints"),
        savepoints: place("savepoints"),
    };

    let environment = Environment {
        logs: Logs::new(Arc::clone(&log) as _, None, Arc::clone(&clock)),
        store,
        clock: Arc::clone(&clock),
        defaults: Defaults::default(),
        checkpoints: Some(checkpoints),
        registry: Some(Arc::new(Registry::open(Path::new(&place("jobs"))).expect("the registry opens"))),
    };
    let dispatcher = Arc::new(Dispatcher::new(environment));

    let variables = Arc::new(|name: &str| (name == "TOPIC").then(|| "clicks".to_owned()));
    let log_tail = Arc::new(LogTail::new(1 << 16, Arc::clone(&clock)));
    let settings = vec![Setting { key: "jobs.parallelism".to_owned(), value: "1".to_owned() }];
    let sql = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (dispatcher, variables) = (Arc::clone(&dispatcher), Arc::clone(&variables) as _);
        let services =
            gateway::Services { clock: Arc::clone(&clock), dispatcher, variables, guard: Arc::clone(&guard) };
        Gateway::bind(listener, gateway::Options::default(), services).expect("a gateway").sessions()
    };
    let services = Services {
        clock,
        dispatcher: Arc::clone(&dispatcher),
        variables,
        settings,
        log: Arc::clone(&log_tail),
        sql,
        guard,
    };

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let manager = JobManager::bind(listener, options, services).expect("a job manager");
    let (address, mount) = (manager.local_addr(), manager.mount());
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(manager.serve(async {
        let _ = stopped.await;
    }));
    World { address, log, dispatcher, directory, log_tail, mount, stop: Some(stop), serving }
}

impl World {
    pub async fn ask(&self, method: &str, target: &str) -> Answer {
        request(self.address, method, target, &[], b"").await
    }

    /// Returns the JSON of an answer that must be 200.
    pub async fn json(&self, target: &str) -> Value {
        let answer = self.ask("GET", target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        answer.json()
    }

    pub async fn post(&self, target: &str, kind: &str, body: &str) -> Answer {
        request(self.address, "POST", target, &[("Content-Type", kind)], body.as_bytes()).await
    }

    /// Submits the script and returns the job's id.
    pub async fn submit(&self, name: &str) -> String {
        let answer = self.post(&format!("/weir/jobs?name={name}"), "application/sql", SCRIPT).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["jobid"].as_str().expect("an id").to_owned()
    }

    /// Waits until a job is in a state.
    pub async fn until(&self, job: &str, state: &str) {
        self.until_at(&format!("/jobs/{job}/status"), |found| found["status"] == state).await;
    }

    /// Waits until a route's answer meets a condition.
    pub async fn until_at(&self, target: &str, expected: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..4_000 {
            let found = self.json(target).await;
            if expected(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{target} never answered as expected: {}", self.json(target).await);
    }

    /// Requests a long operation and returns its trigger id.
    pub async fn triggered(&self, target: &str, wanted: Value) -> String {
        let answer = self.post(target, "application/json; charset=UTF-8", &wanted.to_string()).await;
        assert_eq!(answer.status, 202, "{target}: {}", answer.text());
        answer.json()["request-id"].as_str().expect("an id").to_owned()
    }

    /// Waits for the end of the operation and returns its outcome.
    pub async fn completed(&self, target: &str) -> Value {
        let told = self.until_at(target, |told| told["status"]["id"] != "IN_PROGRESS").await;
        assert_eq!(told["status"]["id"], "COMPLETED", "{told}");
        told["operation"].clone()
    }

    pub fn begin_stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.dispatcher.shut_down(Duration::from_secs(10));
    }
}
