//! The target of the scenarios: a Weir of the test's own, or a running Flink.

use std::time::Duration;

use serde_json::{Value, json};

use super::scenario::Whom;
use super::support::{Up, pause_for};

/// The job of both targets: two vertices with two subtasks each, of which one reads and one counts, and a
/// checkpoint every second. Only the source of the events differs.
const SETTINGS: [&str; 4] = [
    "SET 'pipeline.name' = 'counting clicks'",
    "SET 'parallelism.default' = '2'",
    "SET 'execution.checkpointing.interval' = '1 s'",
    "SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE'",
];
const SINK: &str = "CREATE TABLE counts (id STRING, n BIGINT) WITH ('connector' = 'blackhole')";
const INSERT: &str = "INSERT INTO counts SELECT id, COUNT(*)
    FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, id";

const FROM_TOPIC: &str =
    "CREATE TABLE clicks (id STRING, moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment)
    WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')";
const FROM_NOWHERE: &str =
    "CREATE TABLE clicks (id STRING, moment AS CURRENT_TIMESTAMP, WATERMARK FOR moment AS moment)
    WITH ('connector' = 'datagen', 'rows-per-second' = '20', 'fields.id.length' = '1')";

const POLL: Duration = Duration::from_millis(100);
/// Polls within a minute.
const TRIES: u32 = 600;

pub enum Target {
    Weir(Box<Up>, tempfile::TempDir),
    Flink {
        url: String,
        /// Flink's SQL gateway, which takes scripts.
        gateway: String,
        directory: tempfile::TempDir,
    },
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    /// Returns the body, or null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Target {
    /// Returns the Flink that `FLINK_SCENARIOS_URL` and `FLINK_SCENARIOS_GATEWAY` name
    /// (`scripts/flink-cluster.sh`), otherwise a Weir.
    pub fn find() -> Target {
        let directory = tempfile::tempdir().expect("a directory");
        let url = |name| std::env::var(name).ok();
        match (url("FLINK_SCENARIOS_URL"), url("FLINK_SCENARIOS_GATEWAY")) {
            (Some(url), Some(gateway)) => Target::Flink { url, gateway, directory },
            (None, None) => Target::weir(directory),
            _ => panic!("FLINK_SCENARIOS_URL and FLINK_SCENARIOS_GATEWAY are wanted both, or neither"),
        }
    }

    fn weir(directory: tempfile::TempDir) -> Target {
        // The script's job creates the topic.
        let script = [FROM_TOPIC, SINK, INSERT].join(";\n");
        let file = directory.path().join("clicks.sql");
        std::fs::write(file, script).expect("a file");
        let up = Up::start(directory.path(), &["clicks.sql"]);
        let events: Vec<Value> = (0..200)
            .map(
                |n| json!({"id": (n % 10).to_string(), "moment": format!("2025-12-09 12:00:{:02}Z", n % 60)}),
            )
            .collect();
        let posted = ureq::post(format!("{}/events/clicks", up.http)).send_json(events).expect("an answer");
        assert_eq!(posted.status(), 202);
        Target::Weir(Box::new(up), directory)
    }

    pub fn is(&self, whom: Whom) -> bool {
        match self {
            Target::Weir(..) => whom == Whom::Weir,
            Target::Flink { .. } => whom == Whom::Flink,
        }
    }

    /// Returns the URL of the job manager.
    pub fn url(&self) -> &str {
        match self {
            Target::Weir(up, _) => &up.jobs_http,
            Target::Flink { url, .. } => url,
        }
    }

    /// Returns a directory for savepoints, in the form that clients use.
    pub fn directory(&self) -> String {
        match self {
            Target::Weir(_, directory) => format!("file://{}/savepoints/named", directory.path().display()),
            Target::Flink { directory, .. } => format!("file://{}/named", directory.path().display()),
        }
    }

    pub fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        send(method, &format!("{}{path}", self.url()), body)
    }

    /// Runs the script once more, and waits until all subtasks run and a checkpoint is complete.
    pub fn start_job(&self) -> String {
        let job = match self {
            Target::Weir(..) => {
                let script = [&SETTINGS[..], &[FROM_TOPIC, SINK, INSERT]].concat().join(";\n");
                let body = json!({"script": script}).to_string();
                let answer = self.ask("POST", "/weir/jobs", Some(&body));
                assert_eq!(answer.status, 201, "{}", answer.text);
                answer.json()["jobid"].as_str().expect("an id").to_owned()
            }
            Target::Flink { gateway, .. } => submit(gateway),
        };

        let line = self.wait_for("/jobs/overview", |answer| {
            let jobs = answer["jobs"].as_array()?;
            let line = jobs.iter().find(|line| line["jid"] == *job)?;
            (line["tasks"]["running"] == 4).then(|| line.clone())
        });
        assert_eq!(line["state"], "RUNNING", "{line}");

        self.wait_for(&format!("/jobs/{job}/checkpoints"), |answer| {
            answer["counts"]["completed"].as_u64().filter(|count| *count > 0)
        });

        job
    }

    /// Frees the job's slots.
    pub fn end_job(&self, job: &str) {
        self.ask("PATCH", &format!("/jobs/{job}?mode=cancel"), None);
        self.wait_for(&format!("/jobs/{job}/status"), |answer| {
            ["FINISHED", "CANCELED", "FAILED"].iter().find(|state| answer["status"] == **state)
        });
    }

    fn wait_for<T>(&self, path: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut last = String::new();
        for _ in 0..TRIES {
            let answer = self.ask("GET", path, None);
            if let Some(found) = wanted(&answer.json()) {
                return found;
            }
            last = answer.text;
            pause_for(POLL);
        }
        panic!("{path} did not become what is wanted, but {last}");
    }
}

/// Repeats an attempt until it has no complaint, or for a minute; returns the last complaints.
pub fn until_content(attempt: impl Fn() -> Vec<String>) -> Vec<String> {
    let mut complaints = attempt();
    for _ in 0..TRIES {
        if complaints.is_empty() {
            break;
        }
        pause_for(POLL);
        complaints = attempt();
    }
    complaints
}

/// Sends a request. Flink's own clients send a body with every request, so a `GET` with a body is no mistake
/// here.
fn send(method: &str, url: &str, body: Option<&str>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .build()
        .into();

    let request = ureq::http::Request::builder().method(method).uri(url);
    let answer = match body {
        None => agent.run(request.body(()).expect("a request")),
        Some(body) => {
            let request = request.header("Content-Type", "application/json").body(body.to_owned());
            agent.run(request.expect("a request"))
        }
    };

    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = answer.headers().iter().map(header).collect();
    let text = answer.body_mut().read_to_string().expect("text");
    Answer { status: answer.status().as_u16(), headers, text }
}

/// Sends the script to Flink's SQL gateway, statement by statement, and returns the job's id.
fn submit(gateway: &str) -> String {
    let post = |path: &str, body: Value| send("POST", &format!("{gateway}{path}"), Some(&body.to_string()));
    let session = post("/v4/sessions", json!({})).json();
    let session = session["sessionHandle"].as_str().expect("a session").to_owned();
    let mut job = None;
    for statement in [&SETTINGS[..], &[FROM_NOWHERE, SINK, INSERT]].concat() {
        let begun = post(&format!("/v4/sessions/{session}/statements"), json!({"statement": statement}));
        let operation = begun.json()["operationHandle"].as_str().expect("an operation").to_owned();
        let result =
            format!("{gateway}/v4/sessions/{session}/operations/{operation}/result/0?rowFormat=JSON");
        let mut answer = send("GET", &result, None);
        while answer.json()["resultType"] == "NOT_READY" {
            pause_for(POLL);
            answer = send("GET", &result, None);
        }
        assert_eq!(answer.status, 200, "{statement}: {}", answer.text);
        job = answer.json()["jobID"].as_str().map(str::to_owned);
    }
    send("DELETE", &format!("{gateway}/v4/sessions/{session}"), None);
    job.expect("an INSERT has a job")
}
