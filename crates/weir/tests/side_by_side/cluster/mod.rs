//! Scripts on a real Flink cluster: `weir submit`, and `weir jobs` on its jobs.
//!
//! Weir and Flink read the same topic of a Kafka broker. Flink writes results topics, whose rows are compared with those in
//! Weir's result store, each under the key that the header of its record gives it.

mod awkward;
mod broker;
mod load;
mod parity;
mod rows;
mod take_over;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use self::broker::{Broker, Results};
pub use self::parity::equals;
use self::rows::{Rows, difference};
pub use self::take_over::{Trouble, takes_over};
use super::support::process::cpu_seconds;
use super::support::{Up, pause_for, run, stderr, weir};

/// Events of a run, at twenty per second of event time: five minutes.
const EVENTS: u64 = 6_000;
const LENGTH: SignedDuration = SignedDuration::from_secs(300);

/// Polls within some minutes.
const TRIES: u32 = 600;
const POLL: Duration = Duration::from_millis(300);

/// A script that Flink refuses, at its second INSERT: its connector wants both of two options.
const REFUSED: &str = "CREATE TABLE q (k STRING) WITH ('connector' = 'kafka', 'topic' = 'user-queries', \
'properties.bootstrap.servers' = '${KAFKA_BROKER_URL}', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE r (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'r:{k}');
CREATE TABLE other (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'x', \
'properties.bootstrap.servers' = '${KAFKA_BROKER_URL}', 'key.format' = 'json', 'value.format' = 'json', \
'sink.buffer-flush.max-rows' = '5');
INSERT INTO r SELECT k, COUNT(*) FROM q GROUP BY k;
INSERT INTO other SELECT k, COUNT(*) FROM q GROUP BY k;
";

/// A Flink cluster, by the URLs of its parts.
struct Cluster {
    gateway: String,
    manager: String,
}

/// Runs everything; panics where something is not as it should be. Returns whether it could: there may be no broker to start.
pub fn submits() -> bool {
    let cluster = Cluster::given();
    let Some(broker) = Broker::start() else { return false };
    let topic = "user-queries";
    broker.create(topic);
    broker.fill(topic, EVENTS, 1, SignedDuration::ZERO);
    broker.close_windows(topic);

    let directory = tempfile::tempdir().expect("a directory");
    cluster.refuses_without_a_trace(&broker, directory.path());
    println!("a refused script: no job is left");
    let rows = cluster.goes_on_from_a_savepoint(&broker, &root().join("jobs/analytics.sql"));
    println!("from a savepoint: {rows} rows are the same, each written once");
    for script in scripts(directory.path()) {
        let rows = cluster.gives_weirs_rows(&broker, &script);
        println!("{}: {rows} rows are the same", script.display());
    }
    true
}

/// The fifteen analytics, and the examples that write result tables, from the beginning of their topic.
fn scripts(directory: &Path) -> Vec<PathBuf> {
    let mut scripts = vec![root().join("jobs/analytics.sql")];
    for name in ["counts.sql", "models.sql"] {
        let text = std::fs::read_to_string(root().join("examples").join(name)).expect("an example");
        let path = directory.join(name);
        std::fs::write(&path, text.replace("latest-offset", "earliest-offset")).expect("a script");
        scripts.push(path);
    }
    scripts
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Starts Weir with a script, over a topic of the broker.
fn up(broker: &Broker, topic: &str, script: &Path, directory: &Path) -> Up {
    let (address, script) = (broker.address(), script.to_str().expect("UTF-8"));
    let environment = [("KAFKA_BROKER_URL", address.as_str()), ("KAFKA_TOPIC_QUERIES", topic)];
    Up::start_in(directory, &[script], &environment)
}

impl Cluster {
    /// Returns the cluster of `scripts/flink-cluster.sh`.
    fn given() -> Cluster {
        let url = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} names a Flink"));
        Cluster { gateway: url("FLINK_SCENARIOS_GATEWAY"), manager: url("FLINK_SCENARIOS_URL") }
    }

    /// Returns the process id of the task manager that runs now.
    fn task_manager() -> String {
        let file =
            std::env::var("FLINK_SCENARIOS_TASK_MANAGER").expect("FLINK_SCENARIOS_TASK_MANAGER names a file");
        std::fs::read_to_string(file).expect("the process id").trim().to_owned()
    }

    /// Returns the CPU seconds of the job manager, the task managers and the gateway.
    fn cpu_seconds(&self) -> f64 {
        let processes = std::env::var("FLINK_SCENARIOS_PIDS").expect("FLINK_SCENARIOS_PIDS has process ids");
        processes.split_whitespace().map(|id| cpu_seconds(id.parse().expect("a process id"))).sum()
    }

    /// Submits a script with arguments.
    fn submit(&self, broker: &Broker, topic: &str, script: &Path, arguments: &[&str]) -> Output {
        run(weir()
            .args(["submit", "--flink", &self.gateway, "--set", "execution.checkpointing.interval=1 s"])
            .args(["-D", &format!("KAFKA_BROKER_URL={}", broker.address())])
            .args(["-D", &format!("KAFKA_TOPIC_QUERIES={topic}")])
            .args(arguments)
            .arg(script))
    }

    /// Submits a script that runs, and returns its job.
    fn submitted(&self, broker: &Broker, topic: &str, script: &Path, arguments: &[&str]) -> String {
        let output = self.submit(broker, topic, script, arguments);
        let said = stderr(&output);
        assert!(output.status.success(), "{}: {said}", script.display());
        assert!(said.contains(" is RUNNING: http"), "{said}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Runs `weir jobs` on the cluster.
    fn jobs(&self, arguments: &[&str]) -> String {
        let output = run(weir().args(["jobs", "--jobs-url", &self.manager]).args(arguments));
        assert!(output.status.success(), "weir jobs {arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    fn status(&self, job: &str) -> String {
        let url = format!("{}/jobs/{job}/status", self.manager);
        let mut answer = ureq::get(url).call().expect("an answer");
        let status: Value = answer.body_mut().read_json().expect("JSON");
        status["status"].as_str().unwrap_or_default().to_owned()
    }

    fn wait_for(&self, job: &str, status: &str) {
        let is_so = (0..TRIES).any(|_| {
            pause_for(POLL);
            self.status(job) == status
        });
        assert!(is_so, "job {job} is {}, not {status}", self.status(job));
    }

    /// A script that Flink refuses is marked at its place, and leaves no job.
    fn refuses_without_a_trace(&self, broker: &Broker, directory: &Path) {
        let script = directory.join("refused.sql");
        std::fs::write(&script, REFUSED).expect("a script");

        let output = self.submit(broker, "user-queries", &script, &[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let parts = ["Flink: ", "refused.sql:", "no job was started", "flink-sql-connector-kafka"];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert!(!said.contains("\tat org.apache.flink"), "{said}");

        let verbose = stderr(&self.submit(broker, "user-queries", &script, &["--verbose"]));
        assert!(verbose.contains("\tat org.apache.flink"), "{verbose}");
        assert_eq!(self.jobs(&["list", "--all"]), "", "it left a job");
    }

    /// Flink's rows in the results topics are those of Weir. Returns their number.
    fn gives_weirs_rows(&self, broker: &Broker, script: &Path) -> usize {
        let prefix = format!("{}-", script.file_stem().and_then(|name| name.to_str()).expect("a name"));
        let job = self.submitted(broker, "user-queries", script, &["--topic-prefix", &prefix]);
        let directory = tempfile::tempdir().expect("a directory");
        let up = up(broker, "user-queries", script, directory.path());

        let weirs = counted(&up, EVENTS + 1);
        let mut results = broker.results(&prefix, weirs.keys());
        let rows = wait_for_the_same(&up, &mut results, |_| true);

        let listed = self.jobs(&["list"]);
        assert!(listed.contains(&job) && listed.contains("RUNNING"), "{listed}");
        self.jobs(&["cancel", &job]);
        self.wait_for(&job, "CANCELED");
        rows
    }

    /// A job that is stopped with a savepoint goes on from it: every row is written, and none twice. Returns the number of rows.
    fn goes_on_from_a_savepoint(&self, broker: &Broker, script: &Path) -> usize {
        let (topic, table) = ("kept-queries", "overall".to_owned());
        broker.create(topic);
        broker.fill(topic, EVENTS, 1, SignedDuration::ZERO);
        let given = ["--topic-prefix", "kept-", "--parallelism", "1"];
        let job = self.submitted(broker, topic, script, &given);

        let mut results = broker.results("kept-", [table.clone()].iter());
        let has_come = (0..TRIES).any(|_| {
            results.poll();
            results.records() > 0
        });
        assert!(has_come, "no row came");

        let taken = self.jobs(&["savepoint", &job]);
        assert!(taken.starts_with("file:"), "{taken}");
        let stopped = self.jobs(&["stop", "Query Analytics Streaming"]);
        assert!(stopped.starts_with("file:") && stopped != taken, "{stopped}");
        self.wait_for(&job, "FINISHED");

        broker.fill(topic, EVENTS, 2, LENGTH);
        broker.close_windows(topic);
        let next = self.submitted(broker, topic, script, &[&given[..], &["--savepoint", &stopped]].concat());
        let directory = tempfile::tempdir().expect("a directory");
        let up = up(broker, topic, script, directory.path());
        counted(&up, 2 * EVENTS + 1);
        let rows = wait_for_the_same(&up, &mut results, |name| name == table);
        assert_eq!(results.records(), rows, "a row was written twice");

        self.jobs(&["cancel", &next]);
        self.wait_for(&next, "CANCELED");
        rows
    }
}

/// Waits until Weir has read all events, and returns the rows of its tables.
fn counted(up: &Up, events: u64) -> BTreeMap<String, Rows> {
    let job = up.wait_for_jobs(1).remove(0);
    up.wait_for_job(&job, |figures| figures["ledger"]["accepted"] == events);
    rows::of_weir(up)
}

/// Waits until the results topics have the rows of Weir's tables, and returns their number.
fn wait_for_the_same(up: &Up, results: &mut Results, is_meant: impl Fn(&str) -> bool) -> usize {
    let mut last = Some("no rows have come".to_owned());
    for _ in 0..TRIES {
        results.poll();
        let mut weirs = rows::of_weir(up);
        weirs.retain(|table, _| is_meant(table));
        last = difference(&weirs, &results.rows());
        let rows = weirs.values().map(BTreeMap::len).sum();
        if last.is_none() && rows > 0 {
            return rows;
        }
        pause_for(POLL);
    }
    panic!("{}", last.unwrap_or_default());
}
