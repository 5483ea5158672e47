//! An unusable Redis is reported with the reason, wherever an operator looks, for as long as it is unusable.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

#[path = "../../storage/tests/servers/tls.rs"]
mod tls;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::redis_cluster::RedisCluster;
use servers::wait_until;
use support::{Up, run, stderr, weir};
use tls::Certificate;

const OVERALL: &str = "/analytics/redis/overall-summary?days=2";
const EVENTS: u64 = 50;

/// The documentation, with the user for Weir.
const DOCUMENTED: &str = include_str!("../../../docs/redis.md");

struct Stage {
    up: Up,
    log: PathBuf,
    _directory: tempfile::TempDir,
    sent: u64,
}

impl Stage {
    fn start(url: &str) -> Stage {
        Stage::start_with(url, &[])
    }

    fn start_with(url: &str, environment: &[(&str, &str)]) -> Stage {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("log.txt");
        let environment = [&[("REDIS_URL", url), ("WEIR_LOG", "warn")], environment].concat();
        let up = Up::start_logged(directory.path(), &environment, &log);
        Stage { up, log, _directory: directory, sent: 0 }
    }

    /// Posts events of the present time.
    fn post(&mut self) {
        let now = jiff::Timestamp::now();
        let line = |number| {
            format!(
                r#"{{"query_id": "q-{number}", "timestamp": "{now:.3}", "user": {{"user_type": "Khách"}}}}"#
            )
        };
        let lines: Vec<String> = (self.sent..self.sent + EVENTS).map(line).collect();
        assert_eq!(self.up.post(&lines), 202);
        self.sent += EVENTS;
    }

    fn everything_is_counted(&self) {
        self.up.wait_for(OVERALL, |answer| answer["total_queries"] == self.sent);
    }

    /// Returns the message of a check in `/readyz` or `/status`.
    fn check(&self, path: &str, name: &str) -> Option<String> {
        let (_, answer) = self.up.answer(path);
        let checks = answer["checks"].as_array().expect("checks").clone();
        let check = checks.into_iter().find(|check| check["name"] == name).expect("the check is there");
        check["message"].as_str().map(str::to_owned)
    }

    fn metric(&self, name: &str) -> f64 {
        let metrics = self.up.text("/metrics");
        let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        values.next().unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }

    fn is_up(&self) -> bool {
        self.metric(r#"weir_service_up{service="store"}"#) > 0.0
    }

    /// Waits until the store is reported as unusable for this reason, and checks all places that report it.
    fn is_named_everywhere(&self, reason: &str) {
        let says = |text: Option<String>| text.is_some_and(|text| text.contains(reason));
        wait_until("/readyz names it", || says(self.check("/readyz", "store")));
        assert_eq!(self.up.answer("/readyz").0, 503);
        assert!(says(self.check("/status", "store")));
        wait_until("the metrics know", || !self.is_up());
        self.feed_says(reason);
        let log = std::fs::read_to_string(&self.log).expect("a log");
        assert!(log.contains(reason), "{log}");
    }

    /// Waits for the `status` frame, as `weir tail` prints it.
    fn feed_says(&self, reason: &str) {
        let mut tail = weir();
        tail.args(["tail", "--url", &self.up.http]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut tail = tail.spawn().expect("the binary starts");
        let lines = BufReader::new(tail.stderr.take().expect("a pipe"));
        let (sender, told) = mpsc::channel();
        let reading = std::thread::spawn(move || {
            lines.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });

        let is_it = |line: String| line.contains(reason) && line.contains("no results");
        wait_until("the feed says it", || told.try_iter().any(is_it));
        tail.kill().expect("it can be killed");
        tail.wait().expect("it ends");
        drop(told);
        let _ = reading.join();
    }

    fn problem(&self) -> Option<String> {
        let (_, status) = self.up.answer("/status");
        status["jobs"].as_array()?.iter().find_map(|job| Some(job["message"].as_str()?.to_owned()))
    }
}

/// Creates the documented user, with some changes, and returns the user's URL.
fn user(redis: &RedisServer, changes: &[&str]) -> String {
    let mut lines = DOCUMENTED.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("ACL SETUSER weir ")).expect("it is documented");
    let words: Vec<&str> = line.split(' ').chain(changes.iter().copied()).collect();
    assert_eq!(redis.ask(&words), "OK");
    format!("redis://weir:secret@127.0.0.1:{}", redis.port())
}

fn rows(redis: &RedisServer) -> usize {
    redis.ask(&["--raw", "KEYS", "analytics:overall:*"]).lines().count()
}

/// Checks a user without a necessary right: nothing is written and the job waits, and both are reported until
/// the user has the right.
fn holds_back(changes: &[&str], reason: &str) {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let mut stage = Stage::start(&user(&redis, changes));
    stage.post();
    stage.is_named_everywhere(reason);
    wait_until("the job names it", || stage.problem().is_some_and(|problem| problem.contains(reason)));

    // The check of the server, every second, does not hide the failure.
    for _ in 0..3 {
        let failed = stage.metric("weir_store_writes_failed_total");
        wait_until("it is tried again", || stage.metric("weir_store_writes_failed_total") > failed);
        assert_eq!(stage.up.answer("/readyz").0, 503);
        assert!(!stage.is_up());
    }
    assert_eq!(rows(&redis), 0);

    user(&redis, &[]);
    stage.everything_is_counted();
    wait_until("it is ready", || stage.up.answer("/readyz").0 == 200);
    wait_until("the metrics know", || stage.is_up());
    assert!(rows(&redis) > 0);
}

#[test]
fn a_user_who_may_not_write_rows() {
    holds_back(&["-setex"], "refused SETEX analytics:");
}

#[test]
fn a_user_who_may_only_read() {
    holds_back(&["-@write"], "refused SETEX analytics:");
}

/// Checks a user without a right that rows do not need: they are written, and a warning lasts until the user
/// has the right.
fn goes_on(changes: &[&str], reason: &str) {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let mut stage = Stage::start(&user(&redis, changes));
    stage.post();
    stage.everything_is_counted();
    stage.is_named_everywhere(reason);
    assert!(rows(&redis) > 0);
    assert_eq!(stage.problem(), None, "the job goes on");
    stage.post();
    stage.everything_is_counted();

    user(&redis, &[]);
    stage.post();
    stage.everything_is_counted();
    wait_until("it is ready", || stage.up.answer("/readyz").0 == 200);
}

#[test]
fn a_user_who_may_not_publish() {
    goes_on(&["-publish"], "PUBLISH analytics:updates");
}

#[test]
fn a_user_who_may_not_keep_books() {
    goes_on(&["resetkeys", "~analytics:*"], "SISMEMBER weir:stores");
}

#[test]
fn a_cluster_behind_a_plain_address() {
    let Some(cluster) = RedisCluster::start(3, 0) else { return };
    for place in 0..3 {
        let mut stage = Stage::start(&cluster.url(place));
        stage.post();
        stage.everything_is_counted();
        wait_until("it is ready", || stage.up.answer("/readyz").0 == 200);
        drop(stage);
        // The next store begins with an empty server.
        cluster.nodes.iter().for_each(|node| drop(node.ask(&["FLUSHALL"])));
    }
}

#[test]
fn a_wrong_password() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let stage = Stage::start(&user(&redis, &[]).replace("secret", "wrong"));
    stage.is_named_everywhere("check the user and the password in redis.url");
    let without = Stage::start(&user(&redis, &[]).replace("weir:secret@", ""));
    wait_until("nobody is asked who they are", || without.up.answer("/readyz").0 == 200);
    redis.ask(&["CONFIG", "SET", "requirepass", "word"]);
    let stage = Stage::start(&redis.url());
    stage.is_named_everywhere("redis.url lacks a password");
}

#[test]
fn tls_on_one_side_alone() {
    let certificate = Certificate::new();
    let path = |path: PathBuf| path.display().to_string();
    let (file, key) = (path(certificate.certificate()), path(certificate.key()));
    let port = servers::free_port().to_string();
    let arguments = ["--tls-port", &port, "--tls-cert-file", &file, "--tls-key-file", &key];
    let arguments = [&arguments[..], &["--tls-ca-cert-file", &file, "--tls-auth-clients", "no"]].concat();
    let Some(redis) = RedisServer::start(&arguments) else { return };

    let plain = Stage::start(&format!("redis://localhost:{port}"));
    plain.is_named_everywhere("the server speaks TLS: use rediss://");
    let encrypted = Stage::start(&redis.url().replace("redis://", "rediss://"));
    encrypted.is_named_everywhere("the server does not speak TLS: use redis://");
    let certificates = [("WEIR_REDIS_CERTIFICATES", file.as_str())];
    let trusting = Stage::start_with(&format!("rediss://localhost:{port}"), &certificates);
    wait_until("it is ready", || trusting.up.answer("/readyz").0 == 200);
}

#[test]
fn an_address_that_is_none_ends_with_exit_code_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let ends = |environment: &[(&str, &str)], config: &str, reasons: &[&str]| {
        let file = directory.path().join("settings.toml");
        std::fs::write(&file, config).expect("a file");
        let mut command = weir();
        command.args(["up", "--config"]).arg(&file).arg("--data-dir").arg(directory.path().join("data"));
        command.args([
            "--http",
            "127.0.0.1:0",
            "--jobs-http",
            "127.0.0.1:0",
            "--gateway-http",
            "127.0.0.1:0",
        ]);
        let output = run(command.envs(environment.iter().copied()));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for reason in reasons {
            assert!(said.contains(reason), "{said}");
        }
        assert!(!said.contains("secret"), "{said}");
    };

    let url = |url| [("REDIS_URL", url)];
    ends(&url("http://u:secret@redis"), "", &["redis.url (REDIS_URL)", "`http://` is not a Redis scheme"]);
    ends(&url("localhost:6379"), "", &["redis.url", "no scheme", "`redis://[user:password@]host"]);
    ends(&url("redis://u:secret@redis:port"), "", &["redis.url", "did not parse"]);
    ends(&url("redis://redis/first"), "", &["Invalid database number"]);
    ends(&url("redis-cluster://a,b/1"), "", &["only database 0"]);
    ends(&url("redis-sentinel://u:secret@a"), "", &["the name of the service"]);
    ends(
        &url("redis://u:secret@a?db=1"),
        "",
        &["redis.url (REDIS_URL), `redis://u:***@a?db=1`", "redis://host/1"],
    );
    ends(&url("redis://u:secret@a:0"), "", &["`redis://u:***@a:0`", "no server listens on port 0"]);
    ends(&url("redis://a/-1"), "", &["`redis://a/-1`", "numbers begin at 0"]);
    ends(&url("redis-cluster://u:secret@a,q@b"), "", &["redis.url", "one user and password"]);
    ends(&url("u:secret@a"), "", &["`u:***@a`", "no scheme"]);
    ends(&[("REDIS_HOST", "a?db=1")], "", &["redis.host", "`a?db=1`", "has no parameter `db`"]);
    ends(&[("REDIS_HOST", "a b")], "", &["redis.host and redis.port (REDIS_HOST, REDIS_PORT)"]);
    ends(&[], "[redis]\nurl = \"redis://\"\n", &["redis.url"]);
    let none = "[redis]\nurl = \"rediss://a\"\ncertificates = \"none.pem\"\n";
    ends(&[], none, &["redis.certificates: reading none.pem"]);
    let plain =
        format!("[redis]\nurl = \"redis://a\"\ncertificates = \"{}\"\n", Certificate::new().both().display());
    ends(&[], &plain, &["redis.certificates"]);
    // Kafka need not be reachable.
    let away = [("KAFKA_BROKER_URL", "127.0.0.1:1"), ("REDIS_URL", "redis://")];
    ends(&away, "", &["redis.url"]);
}

#[test]
fn a_server_that_is_not_there_yet_ends_nothing() {
    let port = servers::free_port();
    let stage = Stage::start(&format!("redis://127.0.0.1:{port}"));
    stage.is_named_everywhere(&format!("127.0.0.1:{port}"));
    let health: Value = stage.up.get("/analytics/health");
    assert_eq!((&health["status"], &health["redis_port"]), (&"unhealthy".into(), &port.to_string().into()));
}
