//! A Redis that takes no results holds the jobs back, which is reported. Once it works again, all results are
//! there.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::wait_until;
use support::Up;

const OVERALL: &str = "/analytics/redis/overall-summary?days=2";
const EVENTS: u64 = 50;

struct Stage {
    redis: RedisServer,
    up: Up,
    _directory: tempfile::TempDir,
    sent: u64,
}

impl Stage {
    fn start() -> Option<Stage> {
        let redis = RedisServer::start(&[])?;
        let directory = tempfile::tempdir().expect("a directory");
        let port = redis.port().to_string();
        let environment = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port.as_str()), ("WEIR_LOG", "error")];
        let up = Up::start_in(directory.path(), &[], &environment);
        Some(Stage { redis, up, _directory: directory, sent: 0 })
    }

    /// Posts events of the present time.
    fn post(&mut self) {
        let now = jiff::Timestamp::now();
        let line = |number| {
            format!(
                r#"{{"query_id": "q-{number}", "timestamp": "{now:.3}", "user": {{"user_type": "Khách"}}}}"#
            )
        };
        let body = (self.sent..self.sent + EVENTS).map(line).collect::<Vec<String>>().join("\n");
        let mut answer =
            ureq::post(format!("{}/events", self.up.http)).send(body.as_bytes()).expect("an answer");
        let answer: Value = answer.body_mut().read_json().expect("JSON");
        assert_eq!(answer["accepted"], EVENTS);
        self.sent += EVENTS;
    }

    /// Checks that all events are answered, and stored in Redis for its other readers.
    fn everything_is_there(&self) {
        self.up.wait_for(OVERALL, |answer| answer["total_queries"] == self.sent);
        wait_until("it is all in Redis", || self.counted() == self.sent);
    }

    fn counted(&self) -> u64 {
        let keys = self.redis.ask(&["--raw", "KEYS", "analytics:overall:*"]);
        let rows = keys.lines().map(|key| self.redis.ask(&["--raw", "GET", key]));
        let counts =
            rows.filter_map(|row| serde_json::from_str::<Value>(&row).ok()?["total_queries"].as_u64());
        counts.sum()
    }

    fn metric(&self, name: &str) -> f64 {
        let metrics = self.up.text("/metrics");
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }

    fn is_up(&self) -> bool {
        self.metric(r#"weir_service_up{service="store"}"#) > 0.0
    }

    /// Checks that events sent during an outage of Redis are counted after it.
    fn outlasts(&mut self, spoil: impl FnOnce(&mut RedisServer), mend: impl FnOnce(&mut RedisServer)) {
        self.post();
        self.everything_is_there();
        wait_until("all is well", || self.is_up());
        let failed = self.metric("weir_store_writes_failed_total");

        spoil(&mut self.redis);
        self.post();
        wait_until("the metrics say so", || !self.is_up());
        wait_until("results are tried again", || {
            self.metric("weir_store_writes_failed_total") >= failed + 2.0
        });

        let health = self.up.get("/analytics/health");
        assert_eq!((&health["status"], &health["redis_host"]), (&"unhealthy".into(), &"127.0.0.1".into()));
        assert_eq!(health["redis_port"], self.redis.port().to_string());
        let known = self.up.get(OVERALL)["total_queries"].as_u64();
        assert_eq!(known, Some(self.sent - EVENTS), "what is known is answered all the same");

        self.post();
        mend(&mut self.redis);
        self.everything_is_there();
        wait_until("the metrics say that it is back", || self.is_up());
        assert!(self.metric("weir_store_rows_written_total") > 0.0);
        assert!(self.metric("weir_store_notifications_total") > 0.0);
    }
}

#[test]
fn one_that_goes_away_and_comes_back_empty() {
    let Some(mut stage) = Stage::start() else { return };
    stage.outlasts(RedisServer::down, RedisServer::up);
}

#[test]
fn one_that_hangs() {
    let Some(mut stage) = Stage::start() else { return };
    stage.outlasts(|redis| redis.hang(true), |redis| redis.hang(false));
}

#[test]
fn one_that_is_out_of_memory() {
    let Some(mut stage) = Stage::start() else { return };
    let set = |redis: &mut RedisServer, most| drop(redis.ask(&["CONFIG", "SET", "maxmemory", most]));
    stage.outlasts(|redis| set(redis, "1"), |redis| set(redis, "0"));
}

#[test]
fn one_that_became_a_replica() {
    let Some(mut stage) = Stage::start() else { return };
    stage.outlasts(
        |redis| drop(redis.ask(&["REPLICAOF", "127.0.0.1", "1"])),
        |redis| drop(redis.ask(&["REPLICAOF", "NO", "ONE"])),
    );
}
