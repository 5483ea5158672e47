//! Runs a Weir per test: the binary, on free ports, with a directory that is removed after the test.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod process;
pub mod python;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Limit of every wait of a test, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Returns the binary without the settings of the user who runs the tests. `WEIR_BINARY` names another
/// binary, to compare two builds.
pub fn weir() -> Command {
    let built = || env!("CARGO_BIN_EXE_weir").into();
    let mut command = Command::new(std::env::var_os("WEIR_BINARY").unwrap_or_else(built));
    for name in
        ["KAFKA_BROKER_URL", "KAFKA_TOPIC_QUERIES", "REDIS_URL", "REDIS_HOST", "REDIS_TTL", "WEIR_LOG"]
    {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().expect("the binary starts")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running Weir. Dropping it kills it.
pub struct Up {
    child: Child,
    pub http: String,
    pub jobs_http: String,
    pub gateway_http: String,
}

impl Up {
    /// Starts `weir up` and waits until it prints its addresses.
    pub fn start(data_dir: &Path, arguments: &[&str]) -> Up {
        Up::start_in(data_dir, arguments, &[])
    }

    /// As [`Up::start_in`], at the addresses of another Weir, which has ended.
    pub fn start_at(
        addresses: &[String; 3],
        data_dir: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Up {
        let [http, jobs, gateway] = addresses;
        let listeners =
            [format!("--http={http}"), format!("--jobs-http={jobs}"), format!("--gateway-http={gateway}")];
        let mut all: Vec<&str> = listeners.iter().map(String::as_str).collect();
        all.extend(arguments);
        Up::start_in(data_dir, &all, environment)
    }

    /// As [`Up::start`], with environment variables.
    pub fn start_in(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Up {
        Up::start_to(data_dir, arguments, environment, Stdio::inherit())
    }

    /// As [`Up::start_in`], with its log in a file.
    pub fn start_logged(data_dir: &Path, environment: &[(&str, &str)], log: &Path) -> Up {
        Up::start_logged_with(data_dir, &[], environment, log)
    }

    /// As [`Up::start_logged`], with arguments.
    pub fn start_logged_with(
        data_dir: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Up {
        let log = std::fs::File::create(log).expect("a file");
        Up::start_to(data_dir, arguments, environment, Stdio::from(log))
    }

    /// As [`Up::start_in`], in a process with a limit of open files.
    pub fn start_with_handles(handles: u32, data_dir: &Path, environment: &[(&str, &str)]) -> Up {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {handles}; exec \"$@\""), "sh"]).arg(weir().get_program());
        Up::start_as(command, data_dir, &[], environment, Stdio::inherit())
    }

    fn start_to(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)], log: Stdio) -> Up {
        Up::start_as(weir(), data_dir, arguments, environment, log)
    }

    fn start_as(
        mut command: Command,
        data_dir: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: Stdio,
    ) -> Up {
        let listeners = ["--http=127.0.0.1:0", "--jobs-http=127.0.0.1:0", "--gateway-http=127.0.0.1:0"];
        let has = |listener: &str| {
            let flag = listener.split('=').next().unwrap_or_default();
            arguments.iter().any(|argument| argument.starts_with(&format!("{flag}=")))
        };
        command.envs(environment.iter().copied());
        command
            .arg("up")
            .args(listeners.iter().filter(|listener| !has(listener)))
            .arg("--data-dir")
            .arg(data_dir);
        command.args(arguments).current_dir(data_dir).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line on stdout");
        // Tables that print would block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        // `weir is up: http://127.0.0.1:41234/ jobs: http://127.0.0.1:41235/ SQL gateway: http://…/`
        let mut urls = line.split_whitespace().filter(|word| word.starts_with("http://"));
        let mut url = || urls.next().map(|url| url.trim_end_matches('/').to_owned());
        match (url(), url(), url()) {
            (Some(http), Some(jobs_http), Some(gateway_http)) => Up { child, http, jobs_http, gateway_http },
            _ => panic!("weir did not come up: {line:?}"),
        }
    }

    /// Returns where its listeners are, as [`Up::start_at`] takes them.
    pub fn addresses(&self) -> [String; 3] {
        [&self.http, &self.jobs_http, &self.gateway_http]
            .map(|url| url.trim_start_matches("http://").to_owned())
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn text(&self, path: &str) -> String {
        let mut answer = ureq::get(format!("{}{path}", self.http)).call().expect("an answer");
        answer.body_mut().read_to_string().expect("text")
    }

    /// Returns whether it is ready, and the answer of `/readyz`.
    pub fn readiness(&self) -> (bool, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{}/readyz", self.http)).call().expect("an answer");
        (answer.status() == 200, answer.body_mut().read_json().expect("JSON"))
    }

    pub fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}{path}", self.http)).call().expect("an answer");
        answer.body_mut().read_json().expect("JSON")
    }

    /// Returns an answer with any status.
    pub fn answer(&self, path: &str) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{}{path}", self.http)).call().expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_json().expect("JSON"))
    }

    /// Polls until the answer meets a condition.
    pub fn wait_for(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let tries = PATIENCE.as_millis() / POLL.as_millis();
        let mut last = Value::Null;
        for _ in 0..tries {
            last = self.get(path);
            if is_wanted(&last) {
                return last;
            }
            pause();
        }
        panic!("{path} did not become what is wanted, but {last}");
    }

    /// Polls until the answer has a status.
    pub fn wait_for_status(&self, path: &str, status: u16) {
        let tries = PATIENCE.as_millis() / POLL.as_millis();
        let is_so = (0..tries).any(|_| {
            pause();
            self.answer(path).0 == status
        });
        assert!(is_so, "{path} did not answer {status}, but {:?}", self.answer(path));
    }

    /// Returns JSON of the job manager.
    pub fn get_job(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}{path}", self.jobs_http)).call().expect("an answer");
        answer.body_mut().read_json().expect("JSON")
    }

    /// Waits until `count` jobs run, and returns their ids.
    pub fn wait_for_jobs(&self, count: usize) -> Vec<String> {
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            let jobs = self.get_job("/jobs");
            let running =
                jobs["jobs"].as_array().into_iter().flatten().filter(|job| job["status"] == "RUNNING");
            let ids: Vec<String> = running.filter_map(|job| Some(job["id"].as_str()?.to_owned())).collect();
            if ids.len() == count {
                return ids;
            }
            pause();
        }
        panic!("there are not {count} jobs running, but {}", self.get_job("/jobs"));
    }

    /// Kills the process, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Sends SIGTERM, as service managers do.
    pub fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> ExitStatus {
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            if let Some(status) = self.child.try_wait().expect("its status is known") {
                return status;
            }
            pause();
        }
        panic!("it did not end");
    }

    /// Posts events, one per line; returns the status of the answer.
    pub fn post(&self, lines: &[String]) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let post = agent.post(format!("{}/events", self.http)).content_type("application/x-ndjson");
        post.send(lines.join("\n")).expect("an answer").status().as_u16()
    }

    /// Returns all figures of a job.
    pub fn figures(&self, job: &str) -> Value {
        self.get_job(&format!("/weir/jobs/{job}"))
    }

    /// Waits until a job's figures meet a condition.
    pub fn wait_for_job(&self, job: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            last = self.figures(job);
            if is_wanted(&last) {
                return last;
            }
            pause();
        }
        panic!("the job did not become what is wanted, but {last}");
    }

    /// Ends it as Ctrl-C does, and waits.
    pub fn stop(mut self) -> ExitStatus {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        self.child.wait().expect("it ends")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Counts events by `query_id` in windows of an hour, and writes changes at once.
pub const BY_ID: &str = "
SET 'weir.early-fire' = '0 s';
CREATE TABLE queries (query_id STRING, `timestamp` TIMESTAMP_LTZ(3), WATERMARK FOR `timestamp` AS `timestamp`)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
      'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE by_id (query_id STRING, n BIGINT, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'by-id:{query_id}:{window_end}');
INSERT INTO by_id SELECT query_id, COUNT(*), window_end
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, query_id;
";

/// Returns an event with an id of its own and `padding` bytes of text.
pub fn event(id: u64, padding: usize) -> String {
    let text = "x".repeat(padding);
    format!(r#"{{"query_id":"{id:0>8}","timestamp":"2025-12-09T12:00:00Z","query_text":"{text}"}}"#)
}

/// Lets other processes work before the next poll.
fn pause() {
    pause_for(POLL);
}

/// Lets other processes work for a while.
pub fn pause_for(length: Duration) {
    let (_open, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(length);
}
