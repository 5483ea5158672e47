//! Runs Flink's own SQL client and JDBC driver, as Apache releases them, against Weir: their requests
//! succeed, and their output is the same as for Flink.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::Up;

/// The version that `scripts/flink.sh` installs.
const DIRECTORY: &str = "flink-sql-2.3.0";

/// The script of the fifteen analytics, which is Weir's built-in job.
const ANALYTICS: &str = include_str!("../../../../jobs/analytics.sql");

/// The next statements of an analyst, one per line, the last one wrong.
const QUESTIONS: &str = "
SET 'sql-client.execution.result-mode' = 'tableau';
CREATE TABLE queries (query_id STRING, `user` ROW<user_type STRING>, `timestamp` TIMESTAMP_LTZ(3), WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE per_minute (n BIGINT) WITH ('connector' = 'blackhole');
SHOW TABLES;
DESCRIBE queries;
EXPLAIN SELECT query_id FROM queries WHERE query_id <> 'q-2';
SELECT * FROM (VALUES (1, 'one'), (2, CAST(NULL AS STRING))) AS t (a, b);
SELECT ARRAY[1, NULL] AS a, MAP['k', ROW(1, 'x')] AS m, ROW(ARRAY['s'], CAST(NULL AS INT)) AS r;
SELECT COLLECT(a) AS c, ARRAY_AGG(a) AS l FROM (VALUES (5), (5)) AS t (a);
SELECT query_id, `user`, `timestamp` FROM queries WHERE query_id IN ('q-1', 'q-3') LIMIT 2;
SELECT window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end LIMIT 1;
SHOW JOBS;
STOP JOB '${JOB}' WITH SAVEPOINT;
SHOW JOBS;
SELECT * FROM nosuch;
";

/// The directory of Flink's jars, and the Weir that they call.
struct Flink {
    up: Up,
    jars: PathBuf,
    directory: tempfile::TempDir,
}

impl Flink {
    /// Returns `None`, with a line that tells what to do, where the jars are missing; in CI that is a
    /// failure.
    fn find() -> Option<Flink> {
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let target = Path::new(env!("CARGO_BIN_EXE_weir")).ancestors().nth(2)?;
        let jars = target.join(DIRECTORY);
        if java.is_err() || !jars.join("complete").exists() {
            let message = "skipped: there is no SQL client of Flink's (scripts/flink.sh gets it; it needs Java and Maven)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("conf")).expect("a directory");
        // Parts of the settings in Flink's releases, which its client sends along.
        let settings = "jobmanager:\n  rpc:\n    address: localhost\nparallelism:\n  default: 1\n";
        std::fs::write(directory.path().join("conf/config.yaml"), settings).expect("a file");
        // A job of its own, so that the job from Flink's client is not the second under its name.
        std::fs::write(directory.path().join("quiet.sql"), QUIET).expect("a file");
        let up = Up::start(directory.path(), &["quiet.sql"]);
        Some(Flink { up, jars, directory })
    }

    fn java(&self, jars: &str) -> Command {
        let mut java = Command::new("java");
        // Most of the time goes into the start.
        java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]).arg(self.jars.join(jars).join("*"));
        java.env("FLINK_CONF_DIR", self.directory.path().join("conf"));
        java
    }

    /// Returns the output of the SQL client for a file of statements.
    fn sql_client(&self, statements: &str) -> String {
        let file = self.directory.path().join("statements.sql");
        std::fs::write(&file, statements).expect("a file");
        let mut client = self.java("client");
        client.args(["org.apache.flink.table.client.SqlClient", "gateway", "--endpoint"]);
        client.arg(&self.up.gateway_http).arg("-f").arg(&file);
        client.arg("--history").arg(self.directory.path().join("history"));
        let output = client.output().expect("java starts");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

/// Reads a topic without records.
const QUIET: &str = "
CREATE TABLE nothing (id STRING) WITH ('connector' = 'kafka', 'topic' = 'nothing', 'format' = 'json');
CREATE TABLE nowhere (id STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT id FROM nothing;
";

fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

#[test]
fn flinks_sql_client_and_jdbc_driver_work() {
    let Some(flink) = Flink::find() else { return };
    // Line by line, as the client sends it: the statement set is sent whenever one of its lines ends.
    let said = flink.sql_client(ANALYTICS);
    has(&said, &["SQL update statement has been successfully submitted to the cluster", "Job ID: "]);
    assert!(!said.contains("[ERROR]"), "{said}");
    let job = said.split("Job ID: ").nth(1).and_then(|rest| rest.get(..32)).expect("an id").to_owned();
    let figures = flink.up.wait_for_job(&job, |figures| figures["status"] == "RUNNING");
    assert_eq!(figures["name"], "Query Analytics Streaming", "{figures}");

    let event = |id: u32, at: &str| {
        format!(r#"{{"query_id":"q-{id}","timestamp":"2025-12-09T{at}Z","user":{{"user_type":"Khách"}}}}"#)
    };
    let events = [event(1, "12:00:01"), event(2, "12:00:02"), event(3, "12:00:03"), event(4, "12:01:30")];
    assert_eq!(flink.up.post(&events), 202);
    let said = flink.sql_client(&QUESTIONS.replace("${JOB}", &job));
    has(
        &said,
        &[
            "|    queries |",
            "TIMESTAMP_LTZ(3) *ROWTIME*",
            "`timestamp` - INTERVAL '1' SECOND",
            "== Optimized Execution Plan ==",
            "| +I |           2 |                         <NULL> |",
            "| +I |                      [1, NULL] |                     {k=(1, x)} |                    ([s], NULL) |",
            "| +U |                          {5=2} |                         [5, 5] |",
            "(Khách) | 2025-12-09 12:00:01.000 |",
            "(Khách) | 2025-12-09 12:00:03.000 |",
            "Received a total of 2 rows",
            "| +I | 2025-12-09 12:01:00.000 |                    3 |",
            "Received a total of 1 row ",
            "Query Analytics Streaming |  RUNNING |",
            "/savepoints/savepoint-",
            "Query Analytics Streaming | FINISHED |",
            "[ERROR] Could not execute SQL statement. Reason:\norg.apache.calcite.sql.validate.SqlValidatorException: Object \
             'nosuch' not found",
        ],
    );
    assert_eq!(said.matches("[ERROR]").count(), 1, "{said}");

    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql_client/Query.java");
    let address = flink.up.gateway_http.trim_start_matches("http://");
    let output = flink.java("jdbc").arg(program).arg(address).output().expect("java starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "one: 1",
            "columns: query_id STRING, moment TIMESTAMP(3), price DECIMAL(5, 2) NOT NULL, missing INT",
            "row: q-1, 2025-12-09 12:00:01.0, 1.50, null",
            "local: 2026-01-01 07:00:00.5",
            "nested: {k=1}, [1, 2]",
            "table: queries",
            "refused: true",
        ]
    );
}
