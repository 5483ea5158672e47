//! The two engines of the race, behind one type.
//!
//! Both are reached as their users reach them: statements go to the SQL gateway, jobs are read and cancelled
//! over Flink's REST API, and Linux tells CPU time and memory. Only starting and killing differ.
//!
//! ```text
//! Flink   scripts/flink-cluster.sh ─► job manager, task manager (supervised), SQL gateway
//! Weir    weir up                  ─► one process
//! ```
//!
//! An engine ends with this program however the program ends: Flink's script waits for the end of its standard
//! input, and `scripts/race.sh` ends whatever else is left.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use types::{Clock as _, SystemClock};

use super::gateway::Session;
use super::support::process::{cpu_seconds, peak_mb};
use super::support::{Up, pause_for};

const POLL: Duration = Duration::from_millis(5);
/// Limit of the wait for a state of a job.
const PATIENCE: Duration = Duration::from_secs(120);
/// Megabytes of Flink's task heap.
pub const TASK_HEAP_MB: u32 = 1_024;
/// Settings of Flink's cluster for a fast recovery: a lost task manager is noticed at the first heartbeat that fails.
pub const CLUSTER: &str = "heartbeat.timeout: 5000
heartbeat.rpc-failure-threshold: 1
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Weir,
    Flink,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Weir, Kind::Flink];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Weir => "Weir",
            Kind::Flink => "Apache Flink",
        }
    }
}

/// A running engine. Dropping it ends its processes.
pub struct Engine {
    pub kind: Kind,
    rest: String,
    gateway: String,
    /// The processes that a job needs: Weir's only one, or Flink's job manager and task manager.
    processes: Vec<u32>,
    running: Option<Running>,
    directory: tempfile::TempDir,
}

enum Running {
    Weir(Up),
    /// The script that runs Flink until its standard input ends.
    Flink(Child),
}

/// CPU time and memory of an engine's processes.
#[derive(Clone, Copy)]
pub struct Usage {
    pub cpu_seconds: f64,
    /// The sum of the processes' peaks of resident memory.
    pub peak_mb: u64,
}

impl Engine {
    /// Starts the engine's processes, waits until they accept statements, and returns how long that took.
    pub fn start(kind: Kind) -> (Engine, Duration) {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = SystemClock::new();
        let began = clock.elapsed();
        let engine = match kind {
            Kind::Weir => {
                let up = weir(directory.path());
                Engine {
                    kind,
                    rest: up.jobs_http.clone(),
                    gateway: up.gateway_http.clone(),
                    processes: vec![up.id()],
                    running: Some(Running::Weir(up)),
                    directory,
                }
            }
            Kind::Flink => flink(directory),
        };
        drop(Session::open(&engine.gateway));
        (engine, clock.elapsed().saturating_sub(began))
    }

    /// Sends a script, statement by statement, and returns the id of its job.
    pub fn submit(&self, settings: &[String], script: &str) -> String {
        let session = Session::open(&self.gateway);
        let mut job = None;
        for statement in settings.iter().map(|setting| format!("SET {setting}")).chain(statements(script)) {
            match session.run_as_job(&statement) {
                Ok((_, started)) => job = started.or(job),
                Err(error) => panic!("{}: {statement}: {error}", self.kind.name()),
            }
        }
        job.expect("the statement set starts a job")
    }

    /// Waits until a job and all of its subtasks run.
    pub fn wait_until_running(&self, job: &str) {
        self.wait_for(job, |job| {
            let vertices = job["vertices"].as_array();
            job["state"] == "RUNNING"
                && vertices.is_some_and(|all| all.iter().all(|one| one["status"] == "RUNNING"))
        });
    }

    /// Cancels a job, and returns once it has ended.
    pub fn cancel(&self, job: &str) {
        let agent = agent();
        agent.patch(format!("{}/jobs/{job}?mode=cancel", self.rest)).send_empty().expect("an answer");
        self.wait_for(job, |job| job["state"] == "CANCELED");
    }

    pub fn usage(&self) -> Usage {
        Usage {
            cpu_seconds: self.processes.iter().map(|&process| cpu_seconds(process)).sum(),
            peak_mb: self.processes.iter().map(|&process| peak_mb(process)).sum(),
        }
    }

    /// Kills the process that computes, which starts again at once: Flink's script starts a new task manager,
    /// and the returned thread a new Weir.
    pub fn kill(&mut self) -> Option<JoinHandle<Up>> {
        match self.running.take().expect("it runs") {
            Running::Weir(up) => {
                up.kill();
                let directory = self.directory.path().to_owned();
                Some(std::thread::spawn(move || weir(&directory)))
            }
            Running::Flink(script) => {
                kill(self.processes[1], libc::SIGKILL);
                self.running = Some(Running::Flink(script));
                None
            }
        }
    }

    /// Ends the engine. A Weir that was killed is the one that [`Engine::kill`] started.
    pub fn stop(mut self, restarted: Option<JoinHandle<Up>>) {
        if let Some(thread) = restarted {
            self.running = Some(Running::Weir(thread.join().expect("it starts")));
        }
    }

    fn wait_for(&self, job: &str, is_wanted: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            let mut answer = agent().get(format!("{}/jobs/{job}", self.rest)).call().expect("an answer");
            last = answer.body_mut().read_json().unwrap_or_default();
            if is_wanted(&last) {
                return;
            }
            pause_for(POLL);
        }
        panic!("{}: the job did not become what is wanted, but {last}", self.kind.name());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        match self.running.take() {
            Some(Running::Weir(up)) => drop(up.stop()),
            Some(Running::Flink(mut script)) => {
                drop(script.stdin.take());
                // Its end may already have been noticed.
                let _ = script.wait();
            }
            None => {}
        }
    }
}

fn weir(directory: &Path) -> Up {
    Up::start_in(directory, &["--log", "error"], &[])
}

/// Starts a Flink with the script of the other comparisons. The script's command prints the addresses and
/// waits for the end of its input.
fn flink(directory: tempfile::TempDir) -> Engine {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut script = Command::new(root.join("scripts/flink-cluster.sh"))
        .args(["sh", "-c"])
        .arg("echo $FLINK_SCENARIOS_URL $FLINK_SCENARIOS_GATEWAY $FLINK_SCENARIOS_PIDS; exec cat")
        .envs([("FLINK_SLOTS", "1"), ("FLINK_SUPERVISED", "1"), ("FLINK_CONFIG", CLUSTER)])
        .env("FLINK_TASK_HEAP", TASK_HEAP_MB.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the script starts");

    let mut line = String::new();
    let mut stdout = BufReader::new(script.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    let [rest, gateway, job_manager, task_manager, _] = words[..] else {
        panic!("Flink did not start: run scripts/flink-cluster.sh true");
    };

    Engine {
        kind: Kind::Flink,
        rest: rest.to_owned(),
        gateway: gateway.to_owned(),
        processes: [job_manager, task_manager].map(|id| id.parse().expect("a process")).to_vec(),
        running: Some(Running::Flink(script)),
        directory,
    }
}

/// Returns the statements of a script without its comments. A statement set is one statement.
fn statements(script: &str) -> Vec<String> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let (before, set) = code.split_once("EXECUTE STATEMENT SET").expect("a statement set");
    let before = before.split(";\n").map(|statement| statement.trim().to_owned());
    let set = format!("EXECUTE STATEMENT SET{}", set.trim_end().trim_end_matches(';'));
    before.filter(|statement| !statement.is_empty()).chain([set]).collect()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn kill(process: u32, signal: i32) {
    // SAFETY: kill accesses no memory.
    let answer = unsafe { libc::kill(process as i32, signal) };
    assert_eq!(answer, 0, "process {process} runs");
}
