//! Lookup joins with a real Redis: a job writes rows, another one looks them up, and Redis becomes
//! unreachable and returns.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::path::Path;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::wait_until;
use support::{Up, run, stderr, weir};

/// Writes customers to Redis.
const CUSTOMERS: &str = "
CREATE TABLE changes (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'changes',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE customers (id BIGINT, name STRING) WITH ('connector' = 'redis', 'key' = 'customer:{id}');
INSERT INTO customers SELECT id, name FROM changes;
";

/// Looks up customers, and their kinds in another table, and writes rows that a test can read.
const ORDERS: &str = "
CREATE TABLE orders (id BIGINT, customer BIGINT, proctime AS PROCTIME()) WITH ('connector' = 'kafka',
  'topic' = 'orders', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE customers (id BIGINT, name STRING) WITH ('connector' = 'redis', 'key' = 'customer:{id}');
CREATE TABLE kinds (id BIGINT, kind STRING) WITH ('connector' = 'filesystem', 'path' = 'FILES', 'format' = 'json',
  'source.monitor-interval' = '10 ms');
CREATE TABLE named (id BIGINT, name STRING, kind STRING) WITH ('connector' = 'redis', 'key' = 'named:{id}');
CREATE TABLE log (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'named', 'format' = 'json');
CREATE VIEW joined AS
SELECT o.id, c.name, k.kind FROM orders AS o
LEFT JOIN customers FOR SYSTEM_TIME AS OF o.proctime AS c ON o.customer = c.id
LEFT JOIN kinds FOR SYSTEM_TIME AS OF o.proctime AS k ON o.customer = k.id;
INSERT INTO named SELECT id, name, kind FROM joined;
INSERT INTO log SELECT id, name FROM joined;
";

struct Stage {
    redis: RedisServer,
    up: Option<Up>,
    directory: tempfile::TempDir,
}

impl Stage {
    fn start() -> Option<Stage> {
        let redis = RedisServer::start(&[])?;
        let directory = tempfile::tempdir().expect("a directory");
        let kinds = directory.path().join("kinds");
        std::fs::create_dir(&kinds).expect("a directory");
        std::fs::write(kinds.join("1.json"), "{\"id\": 1, \"kind\": \"a\"}\n").expect("a file");
        let orders = ORDERS.replace("FILES", &kinds.display().to_string());
        std::fs::write(directory.path().join("customers.sql"), CUSTOMERS).expect("a script");
        std::fs::write(directory.path().join("orders.sql"), orders).expect("a script");
        let mut stage = Stage { redis, up: None, directory };
        stage.restart();
        Some(stage)
    }

    /// Starts Weir; kills a running one first.
    fn restart(&mut self) {
        if let Some(up) = self.up.take() {
            up.kill();
        }

        let path = self.directory.path();
        std::fs::write(
            path.join("weir.toml"),
            format!("[jobs]\nlookup_directories = ['{}']\n", path.display()),
        )
        .expect("settings");

        let port = self.redis.port().to_string();
        let environment = [
            ("REDIS_HOST", "127.0.0.1"),
            ("REDIS_PORT", port.as_str()),
            ("WEIR_LOG", "off"),
            ("WEIR_CHECKPOINTS_INTERVAL", "100 ms"),
        ];

        let file = |name: &str| path.join(name).display().to_string();
        let arguments = ["--config", &file("weir.toml"), &file("customers.sql"), &file("orders.sql")];

        self.up = Some(Up::start_in(path, &arguments, &environment));
        self.up().wait_for_jobs(2);
    }

    fn up(&self) -> &Up {
        self.up.as_ref().expect("it is up")
    }

    fn post(&self, topic: &str, lines: &[String]) {
        let post =
            ureq::post(format!("{}/events/{topic}", self.up().http)).content_type("application/x-ndjson");
        let mut answer = post.send(lines.join("\n")).expect("an answer");
        let answer: Value = answer.body_mut().read_json().expect("JSON");
        assert_eq!(answer["accepted"].as_u64(), Some(lines.len() as u64), "{answer}");
    }

    fn order(&self, ids: std::ops::Range<u64>, customer: &str) {
        let line = |id: u64| format!("{{\"id\": {id}, \"customer\": {customer}}}");
        self.post("orders", &ids.map(line).collect::<Vec<String>>());
    }

    /// Returns the row with which an order was joined.
    fn named(&self, id: u64) -> Option<(Value, Value)> {
        let text = self.redis.ask(&["--raw", "GET", &format!("named:{id}")]);
        let row: Value = serde_json::from_str(&text).ok()?;
        Some((row["name"].clone(), row["kind"].clone()))
    }

    fn wait_for(&self, ids: std::ops::Range<u64>, name: &str, kind: Option<&str>) {
        let name = serde_json::from_str(name).expect("JSON");
        let expected = Some((name, kind.map_or(Value::Null, Value::from)));
        for id in ids {
            wait_until(&format!("order {id} is there"), || self.named(id).is_some());
            assert_eq!(self.named(id), expected, "order {id}");
        }
    }

    /// Returns the number of rows that the tables behind the lookups received.
    fn written(&self) -> u64 {
        let jobs = self.up().get_job("/jobs/overview");
        let jobs = jobs["jobs"].as_array().expect("jobs").iter();
        let vertices = jobs.flat_map(|job| {
            let job = self.up().get_job(&format!("/jobs/{}", job["jid"].as_str().unwrap_or_default()));
            job["vertices"].as_array().cloned().unwrap_or_default()
        });
        let lookups =
            vertices.filter(|vertex| vertex["name"].as_str().is_some_and(|name| name.contains("Lookup")));
        lookups.filter_map(|vertex| vertex["metrics"]["write-records"].as_u64()).sum()
    }

    fn problem(&self) -> String {
        let output = run(weir().args(["jobs", "--jobs-url", &self.up().jobs_http, "list"]));
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    }
}

#[test]
fn a_job_looks_up_what_another_one_writes() {
    let Some(stage) = Stage::start() else { return };
    let up = stage.up();
    stage.post("changes", &["{\"id\": 1, \"name\": \"An\"}".to_owned()]);
    wait_until("the customer is there", || stage.redis.ask(&["EXISTS", "customer:1"]) == "1");
    stage.order(0..50, "1");
    stage.wait_for(0..50, "\"An\"", Some("a"));

    // Another writer adds a customer, without the column of the key, and a kind.
    stage.redis.ask(&["SET", "customer:2", "{\"name\": \"Bình\"}"]);
    std::fs::write(stage.directory.path().join("kinds/2.json"), "{\"id\": 2, \"kind\": \"b\"}\n")
        .expect("a file");
    support::pause_for(std::time::Duration::from_millis(100));
    stage.order(50..51, "2");
    stage.wait_for(50..51, "\"Bình\"", Some("b"));

    // A changed customer does not change orders that were joined before.
    stage.post("changes", &["{\"id\": 1, \"name\": \"Anh\"}".to_owned()]);
    wait_until("the customer has changed", || {
        stage.redis.ask(&["--raw", "GET", "customer:1"]).contains("Anh")
    });
    stage.order(51..52, "1");
    stage.order(52..53, "3");
    stage.order(53..54, "null");
    stage.wait_for(51..52, "\"Anh\"", Some("a"));
    stage.wait_for(52..54, "null", None);
    assert_eq!(stage.named(0), Some(("An".into(), "a".into())));
    assert!(up.readiness().0);
}

#[test]
fn a_redis_that_goes_away_holds_orders_back_and_loses_none() {
    let Some(mut stage) = Stage::start() else { return };
    stage.post("changes", &["{\"id\": 1, \"name\": \"An\"}".to_owned()]);
    wait_until("the customer is there", || stage.redis.ask(&["EXISTS", "customer:1"]) == "1");
    stage.order(0..20, "1");
    stage.wait_for(0..20, "\"An\"", Some("a"));

    stage.redis.down();
    stage.order(20..500, "1");
    wait_until("it is said why", || stage.problem().contains("cannot look up rows of `customers` since"));
    assert!(!stage.up().readiness().0);

    // Weir restores the rows that it had written, and waiting orders find them.
    stage.redis.up();
    stage.wait_for(20..500, "\"An\"", Some("a"));
    wait_until("all is well", || !stage.problem().contains("cannot look up"));
    // Each order came once: to `named` and to `log`.
    assert_eq!(stage.written(), 2 * 500);
}

#[test]
fn a_weir_that_is_killed_while_orders_wait_loses_none() {
    let Some(mut stage) = Stage::start() else { return };
    stage.redis.ask(&["SET", "customer:1", "{\"name\": \"An\"}"]);
    stage.order(0..10, "1");
    stage.wait_for(0..10, "\"An\"", Some("a"));

    stage.redis.hang(true);
    stage.order(10..300, "1");
    support::pause_for(std::time::Duration::from_millis(500));
    stage.redis.hang(false);
    stage.restart();
    stage.wait_for(0..300, "\"An\"", Some("a"));
}

/// Without a Redis the same tables are in Weir's own store.
#[test]
fn rows_are_looked_up_in_weirs_own_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path: &Path = &directory.path().join(name);
        std::fs::write(path, text).expect("a script");
        path.display().to_string()
    };

    let orders = ORDERS.replace(
        "'filesystem', 'path' = 'FILES', 'format' = 'json',
  'source.monitor-interval' = '10 ms'",
        "'redis', 'key' = 'kind:{id}'",
    );
    let customers = CUSTOMERS.to_owned();
    let named = "
CREATE TABLE named (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'named',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
SELECT id, name FROM named LIMIT 2;
";

    let arguments = [file("customers.sql", &customers), file("orders.sql", &orders)];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let up = Up::start_in(directory.path(), &arguments, &[("WEIR_LOG", "off")]);
    up.wait_for_jobs(2);

    let post = |topic: &str, line: &str| {
        let post = ureq::post(format!("{}/events/{topic}", up.http)).content_type("application/x-ndjson");
        post.send(line).expect("an answer");
    };
    post("changes", "{\"id\": 1, \"name\": \"An\"}");

    // The first order may come before the customer; the last one does not.
    let shell = file("named.sql", named);
    let output = std::thread::scope(|scope| {
        let shell = scope.spawn(|| run(weir().args(["sql", "--gateway", &up.gateway_http, "-f", &shell])));
        wait_until("both orders are asked for", || {
            post("orders", "{\"id\": 7, \"customer\": 1}");
            shell.is_finished()
        });
        shell.join().expect("it ends")
    });

    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains('7'), "{text} {}", stderr(&output));
}

/// A table that a job cannot look up is refused before the job starts.
#[test]
fn a_jdbc_table_is_refused_in_a_job() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("orders.sql");
    let text =
        ORDERS.replace("'redis', 'key' = 'customer:{id}'", "'jdbc', 'url' = 'x', 'table-name' = 'customers'");
    std::fs::write(&script, text).expect("a script");
    let output = run(weir().arg("check").arg(&script));
    let told = stderr(&output);
    assert!(!output.status.success() && told.contains("only be looked up by `weir local`"), "{told}");
}
