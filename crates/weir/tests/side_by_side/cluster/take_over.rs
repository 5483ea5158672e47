//! A job moves to the cluster and back while events come: no window is missing, and none is wrong.
//!
//! The result store of Weir has the rows of both systems: its own job's, and those that `weir deliver` brings from the cluster. They
//! are compared with rows that are computed from the events alone.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::broker::Broker;
use super::load::{Load, SCRIPT, exact};
use super::rows::{self, is_same};
use super::{Cluster, POLL, TRIES};
use crate::support::{Up, pause_for, run, stderr, weir};

const TOPIC: &str = "clicks";
const PARTITIONS: u32 = 2;
const PREFIX: &str = "weir-results-";
const TABLES: [&str; 2] = ["by_page", "hops"];
/// Time for some windows to close, before and after a take-over.
const SOME_WINDOWS: Duration = Duration::from_secs(30);

/// How much goes wrong during a take-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Weir and a task manager are killed.
    Kills,
}

/// Everything that stands during the test.
struct Stage {
    cluster: Cluster,
    broker: Arc<Broker>,
    directory: tempfile::TempDir,
    script: PathBuf,
    up: Option<Up>,
    /// The job of Weir.
    job: String,
}

/// A command that runs, and what it has said so far.
struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
}

/// Runs everything; panics where something is not as it should be. Returns whether it could: there may be no broker to start.
pub fn takes_over(trouble: Trouble) -> bool {
    let Some(broker) = Broker::start() else { return false };
    let broker = Arc::new(broker);
    broker.create_with(TOPIC, PARTITIONS);
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("clicks.sql");
    std::fs::write(&script, SCRIPT).expect("a script");
    let mut stage = Stage {
        cluster: Cluster::given(),
        broker: broker.clone(),
        directory,
        script,
        up: None,
        job: String::new(),
    };
    stage.starts();

    let load = Load::start(broker.clone(), TOPIC);
    pause_for(SOME_WINDOWS);
    if trouble == Trouble::Kills {
        stage.refuses_other_rows();
    }
    stage.moves_out(trouble);
    pause_for(SOME_WINDOWS);
    stage.moves_back(trouble);
    stage.refuses_a_short_log();
    pause_for(SOME_WINDOWS);

    let clicks = load.stop();
    let last = clicks.iter().map(|click| click.at).max().expect("there are events");
    let exact = exact(&clicks, last - 2_000);
    stage.close_windows(last);
    stage.has_exactly(&exact);
    println!("{} windows by key are right, and none is missing", exact.len());
    true
}

impl Stage {
    fn up(&self) -> &Up {
        self.up.as_ref().expect("Weir runs")
    }

    /// Starts Weir, which brings the rows of the results topics into its store as soon as there are some, and runs the script.
    fn starts(&mut self) {
        let address = self.broker.address();
        let (environment, deliver) = (environment(&address), deliver());
        let arguments: Vec<&str> = deliver.iter().map(String::as_str).collect();
        self.up = Some(Up::start_in(self.directory.path(), &arguments, &environment));
        let output = run(weir()
            .args(["run", "--jobs-url", &self.up().jobs_http, "-D", &format!("KAFKA_BROKER_URL={address}")])
            .arg(&self.script));
        assert!(output.status.success(), "{}", stderr(&output));
        self.job = String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned();
    }

    /// Another script gives other rows: the job of Weir goes on, and the cluster has none.
    fn refuses_other_rows(&self) {
        let other = self.directory.path().join("other.sql");
        let text = SCRIPT.replace("SUM(ms)", "SUM(ms + 1)");
        std::fs::write(&other, text).expect("a script");
        let said = self.take_over(&other).ends(1);
        assert!(said.contains("rows are not equal") && said.contains("goes on here as before"), "{said}");
        self.up().wait_for_jobs(1);
        assert_eq!(self.cluster.jobs(&["list"]), "", "a trial is left");
        println!("other rows: nothing was stopped");
    }

    /// The log no longer holds the beginning of the oldest open window: nothing is started.
    fn refuses_a_short_log(&self) {
        self.broker.forget(TOPIC, PARTITIONS);
        let said = self.take_over(&self.script).ends(1);
        let parts = [
            "table `clicks` needs the events from ",
            "partition 1 holds records from ",
            "nothing was started or stopped",
        ];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        println!("a short log: nothing was started");
    }

    /// The job of Weir moves to the cluster.
    fn moves_out(&mut self, trouble: Trouble) {
        let running = self.take_over(&self.script);
        if trouble == Trouble::Kills {
            running.wait_for(" is RUNNING: http");
            self.kill_both();
        }
        let said = running.ends(0);
        assert!(said.contains("has taken over"), "{said}");
        self.up().wait_for_job(&self.job, |figures| figures["status"] == "FINISHED");
        println!("the job has moved to the cluster");
    }

    /// The job of the cluster moves to Weir.
    fn moves_back(&mut self, trouble: Trouble) {
        let jobs = self.cluster.jobs(&["list"]);
        let job = jobs.split_whitespace().next().expect("a job of the cluster").to_owned();
        let mut command = weir();
        command
            .args(["run", "--take-over", &format!("{}/jobs/{job}", self.cluster.manager), "--margin", "2 s"])
            .args(["-D", &format!("KAFKA_BROKER_URL={}", self.broker.address())])
            .args(["--weir-url", &self.up().http, "--jobs-url", &self.up().jobs_http])
            .arg(&self.script);
        let running = Running::start(command);
        if trouble == Trouble::Kills {
            running.wait_for("job clicks-trial is RUNNING");
            self.kill_both();
        }
        let said = running.ends(0);
        assert!(said.contains("has taken over"), "{said}");
        self.cluster.wait_for(&job, "FINISHED");
        println!("the job has moved back");
    }

    fn take_over(&self, script: &Path) -> Running {
        let mut command = weir();
        command
            .args([
                "submit",
                "--flink",
                &self.cluster.gateway,
                "--set",
                "execution.checkpointing.interval=1 s",
            ])
            .args(["-D", &format!("KAFKA_BROKER_URL={}", self.broker.address()), "--margin", "2 s"])
            .args(["--weir-url", &self.up().http, "--weir-jobs-url", &self.up().jobs_http])
            .args(["--take-over", "clicks"])
            .arg(script);
        Running::start(command)
    }

    /// Kills Weir and the task manager, and starts Weir again; the task manager starts by itself.
    fn kill_both(&mut self) {
        let up = self.up.take().expect("Weir runs");
        let addresses = up.addresses();
        up.kill();
        let address = self.broker.address();
        let (environment, deliver) = (environment(&address), deliver());
        let arguments: Vec<&str> = deliver.iter().map(String::as_str).collect();
        self.up = Some(Up::start_at(&addresses, self.directory.path(), &arguments, &environment));
        println!("Weir was killed, and runs again");

        let pid = Cluster::task_manager();
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.is_ok_and(|status| status.success()), "task manager {pid} was not killed");
        println!("task manager {pid} was killed");
    }

    /// Appends events of a later time, which close all windows.
    fn close_windows(&self, last: i64) {
        self.broker.append(TOPIC, super::load::later(last).iter().map(String::as_str));
    }

    /// Waits until the result store has all rows, and checks that it and the topics have no other row.
    fn has_exactly(&self, exact: &BTreeMap<String, Value>) {
        let mut last = None;
        for _ in 0..TRIES {
            let stored: rows::Rows = rows::of_weir(self.up()).into_values().flatten().collect();
            last = difference(exact, &stored);
            if last.is_none() {
                break;
            }
            pause_for(POLL);
        }
        assert_eq!(last, None, "the result store");
        for (table, key) in TABLES.into_iter().zip(["by-page:{page}:{window_end}", "hops:{window_end}"]) {
            let tables = self.up().get("/results");
            let named = tables["tables"].as_array().into_iter().flatten().find(|of| of["name"] == table);
            assert_eq!(
                named.map(|of| &of["key"]),
                Some(&Value::from(key)),
                "readers of {table} see another table"
            );
        }

        let mut results = self.broker.results(PREFIX, TABLES.map(str::to_owned).iter());
        results.poll();
        let topics: rows::Rows = results.rows().into_values().flatten().collect();
        assert!(!topics.is_empty(), "the cluster has written rows");
        for (key, row) in &topics {
            let Some(exact) = exact.get(key) else { continue };
            assert!(is_same(exact, row), "{key} in its topic is {row}, not {exact}");
        }
    }
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, into) = (child.stderr.take().expect("a pipe"), said.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                println!("  {line}");
                into.lock().expect("no thread has failed").push_str(&format!("{line}\n"));
            }
        });
        Running { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().expect("no thread has failed").clone()
    }

    fn wait_for(&self, words: &str) {
        let has_said = (0..TRIES).any(|_| {
            pause_for(POLL);
            self.said().contains(words)
        });
        assert!(has_said, "`{words}` is not in: {}", self.said());
    }

    /// Waits for its end, and returns what it has said.
    fn ends(mut self, code: i32) -> String {
        let mut status = None;
        for _ in 0..4 * TRIES {
            status = self.child.try_wait().expect("its status is known");
            if status.is_some() {
                break;
            }
            pause_for(POLL);
        }
        let code_of = status.and_then(|status| status.code());
        // The reader of its last lines may be behind.
        pause_for(POLL);
        assert_eq!(code_of, Some(code), "{}", self.said());
        self.said()
    }
}

fn environment(address: &str) -> [(&'static str, &str); 2] {
    [("KAFKA_BROKER_URL", address), ("WEIR_LOG", "warn")]
}

/// Returns the arguments with which Weir brings the rows of the results topics into its store.
fn deliver() -> [String; 2] {
    TABLES.map(|table| format!("--deliver={PREFIX}{table}"))
}

/// Returns how stored rows differ from the exact ones; rows of other windows do not count.
fn difference(exact: &BTreeMap<String, Value>, stored: &rows::Rows) -> Option<String> {
    let differs = |(key, row): (&String, &Value)| match stored.get(key) {
        None => Some(format!("{key} is missing")),
        Some(stored) if !is_same(row, stored) => Some(format!("{key} is {stored}, not {row}")),
        Some(_) => None,
    };
    let found: Vec<String> = exact.iter().filter_map(differs).collect();
    let some = found[..found.len().min(3)].join("; ");
    (!found.is_empty()).then(|| {
        let key = stored.keys().next();
        format!("{} rows of {}, such as: {some}; the store's first key is {key:?}", found.len(), exact.len())
    })
}
