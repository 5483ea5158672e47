//! Weir logs the lines that the programs print which it replaces, at the same moments and each once, because scripts
//! search for them. Behind these words, each line says what happened, where, and what to do.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use servers::kafka::KafkaServer;
use support::{Up, pause_for, run, stderr, weir};

const KAFKA: &str = "ERROR: Kafka not available";
const REDIS: &str = "Connection refused to Redis";
const FAILED: &str = "Failed to submit job";
/// The lines of a job that starts, in their order.
const STARTED: [&str; 4] = [
    "✓ Kafka source table created",
    "✓ All aggregation queries created",
    "✓ Flink streaming job started successfully",
    "Job submitted successfully",
];
/// Nothing listens on this port.
const NOBODY: &str = "127.0.0.1:1";

/// A process that is killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

/// Waits until the log has a number of lines with a text, and returns the log.
fn wait_for(log: &Path, count: usize, text: &str) -> String {
    for _ in 0..1_200 {
        let logged = std::fs::read_to_string(log).unwrap_or_default();
        if logged.matches(text).count() >= count {
            return logged;
        }
        pause_for(Duration::from_millis(50));
    }
    panic!("{text:?} is not {count} times in:\n{}", std::fs::read_to_string(log).unwrap_or_default());
}

/// Returns the only line with a text.
fn only<'a>(logged: &'a str, text: &str) -> &'a str {
    let lines: Vec<&str> = logged.lines().filter(|line| line.contains(text)).collect();
    assert_eq!(lines.len(), 1, "{text:?} in\n{logged}");
    lines[0]
}

fn assert_has(line: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(line.contains(part), "{part:?} is not in {line}"));
}

/// Starts Weir with its log in Kafka and its three listeners on ports of this machine.
fn start(directory: &Path, brokers: &str, ports: [u16; 3], log: &Path) -> Killed {
    let mut command = weir();
    command.arg("up").arg("--data-dir").arg(directory.join("data")).env("KAFKA_BROKER_URL", brokers);
    for (flag, port) in ["--http", "--jobs-http", "--gateway-http"].into_iter().zip(ports) {
        command.args([flag, &format!("127.0.0.1:{port}")]);
    }
    command.stdout(Stdio::null()).stderr(std::fs::File::create(log).expect("a file"));
    Killed(command.spawn().expect("the binary starts"))
}

#[test]
fn without_kafka_a_line_says_so_once_however_often_it_is_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("weir.log");
    let _weir = start(directory.path(), NOBODY, [0; 3], &log);

    let logged = wait_for(&log, 2, "waiting for Kafka");
    assert_has(only(&logged, KAFKA), &["ERROR", NOBODY, "Broker transport failure", "KAFKA_BROKER_URL"]);
}

#[test]
fn while_weir_waits_for_kafka_its_listeners_say_so_and_then_they_serve() {
    let Some(mut kafka) = KafkaServer::start(&[]) else { return };
    kafka.down();
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("weir.log");
    let ports = [(); 3].map(|()| servers::free_port());
    let _weir = start(directory.path(), &kafka.address(), ports, &log);
    wait_for(&log, 1, "waiting for Kafka");

    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |port: u16, path: &str| {
        let mut answer = agent.get(format!("http://127.0.0.1:{port}{path}")).call().expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
    };
    assert_eq!(ask(ports[0], "/healthz"), (200, r#"{"status":"ok"}"#.to_owned()));
    for (port, path, start) in [
        (
            ports[0],
            "/readyz",
            r#"{"ready":false,"checks":[{"name":"log","ok":false,"message":"waiting for Kafka: "#,
        ),
        (ports[0], "/", r#"{"detail":"Weir is starting: waiting for Kafka: "#),
        (ports[0], "/analytics/health", r#"{"detail":"Weir is starting: waiting for Kafka: "#),
        (ports[1], "/jobs/overview", r#"{"errors":["Weir is starting: waiting for Kafka: "#),
        (ports[2], "/info", r#"{"errors":["Weir is starting: waiting for Kafka: "#),
    ] {
        let (status, text) = ask(port, path);
        assert!(
            status == 503 && text.starts_with(start) && text.contains(&kafka.address()),
            "{path}: {status} {text}"
        );
    }
    let health = run(weir().args(["health", "--url", &format!("http://127.0.0.1:{}", ports[0])]));
    let told = String::from_utf8_lossy(&health.stdout).into_owned();
    assert!(health.status.code() == Some(1) && told.starts_with("log: waiting for Kafka: "), "{told}");

    kafka.up();
    wait_for(&log, 1, STARTED[3]);
    for (port, path) in
        [(ports[0], "/"), (ports[0], "/readyz"), (ports[1], "/jobs/overview"), (ports[2], "/info")]
    {
        let mut answer = ask(port, path);
        for _ in 0..600 {
            if answer.0 != 503 {
                break;
            }
            pause_for(Duration::from_millis(50));
            answer = ask(port, path);
        }
        assert_eq!(answer.0, 200, "{path}: {}", answer.1);
    }
}

#[test]
fn a_kafka_that_goes_away_has_a_line_and_another_when_it_is_back() {
    let Some(mut kafka) = KafkaServer::start(&[]) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let (log, address) = (directory.path().join("weir.log"), kafka.address());
    let up = Up::start_logged(directory.path(), &[("KAFKA_BROKER_URL", &address)], &log);
    assert_has(
        only(&wait_for(&log, 1, STARTED[3]), STARTED[0]),
        &["topic user-queries of Kafka at", &address],
    );

    kafka.down();
    up.wait_for("/pulse", |pulse| pulse["log"]["ok"] == false);
    let logged = wait_for(&log, 1, "Kafka does not answer; reading continues when it does");
    assert_has(only(&logged, KAFKA), &["ERROR", &address]);

    kafka.up();
    up.wait_for("/pulse", |pulse| pulse["log"]["ok"] == true);
    let logged = wait_for(&log, 1, "Kafka answers");
    only(&logged, "Kafka is available again");
    only(&logged, KAFKA);
}

#[test]
fn without_redis_a_line_says_so_once_and_the_job_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("weir.log");
    let up = Up::start_logged(directory.path(), &[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", "1")], &log);

    up.wait_for("/pulse", |pulse| pulse["store"]["ok"] == false);
    pause_for(Duration::from_secs(3));
    let logged = wait_for(&log, 1, STARTED[3]);
    assert_has(only(&logged, REDIS), &["ERROR", NOBODY, "Connection refused (os error", "REDIS_HOST"]);
}

#[test]
fn a_job_that_starts_has_a_line_for_each_step() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("weir.log");
    let _up = Up::start_logged(directory.path(), &[], &log);

    let logged = wait_for(&log, 1, STARTED[3]);
    let places: Vec<usize> = STARTED.iter().map(|text| logged.find(text).expect("a line")).collect();
    assert!(places.is_sorted(), "{logged}");

    assert_has(
        only(&logged, STARTED[0]),
        &["INFO", "user_queries", "topic user-queries", "embedded event log"],
    );
    assert_has(only(&logged, STARTED[1]), &["into 15 tables", "faculty", "heatmap_hourly"]);
    assert_has(only(&logged, STARTED[2]), &["Query Analytics Streaming", "weir jobs list"]);
    assert_has(only(&logged, STARTED[3]), &["Query Analytics Streaming", "with the id "]);
    assert!(![KAFKA, REDIS, FAILED].iter().any(|text| logged.contains(text)), "{logged}");
}

#[test]
fn a_job_that_does_not_start_has_a_line_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("weir.log");
    let up = Up::start_logged(directory.path(), &[], &log);
    wait_for(&log, 1, STARTED[3]);

    let submit = |name: &str, brokers: &str, column: &str| {
        let script = format!(
            "CREATE TABLE asked (query_id STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka',
               'topic' = 'asked', 'properties.bootstrap.servers' = '{brokers}', 'format' = 'json');
             CREATE TABLE counted (query_id STRING) WITH ('connector' = 'blackhole');
             INSERT INTO counted SELECT {column} FROM asked;"
        );
        let path = directory.path().join(format!("{name}.sql"));
        std::fs::write(&path, script).expect("the script is written");
        run(weir().arg("run").arg(&path).args(["--jobs-url", &up.jobs_http]))
    };

    let output = submit("mistaken", "embedded", "query");
    assert!(!output.status.success() && stderr(&output).contains(FAILED), "{}", stderr(&output));
    let logged = wait_for(&log, 1, FAILED);
    assert_has(only(&logged, FAILED), &["ERROR", "`mistaken.sql`", "`query`", "weir check"]);

    let output = submit("lonely", NOBODY, "query_id");
    assert!(!output.status.success(), "{}", stderr(&output));
    let logged = wait_for(&log, 2, FAILED);
    assert_eq!(logged.matches(STARTED[0]).count(), 1, "{logged}");
    assert_has(only(&logged, "job `lonely.sql`"), &[FAILED, "topic `asked`", NOBODY, "submit the job again"]);
    assert_has(only(&logged, KAFKA), &[NOBODY, "properties.bootstrap.servers"]);

    let output = submit("good", "embedded", "query_id");
    assert!(output.status.success() && stderr(&output).contains(STARTED[3]), "{}", stderr(&output));
    let logged = wait_for(&log, 2, STARTED[3]);
    assert_has(
        only(&logged, "✓ Kafka source table created: source asked"),
        &["topic asked", "job=\"good.sql\""],
    );
}
