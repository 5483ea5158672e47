//! `weir sql` serves people, with a line editor, and programs, which get rows and nothing else.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rexpect::session::{PtySession, spawn_command};
use serde_json::{Value, json};
use support::{Up, event, pause_for, run, stderr, weir};

/// Timeout of output on the terminal.
const PATIENCE_MS: u64 = 60_000;
/// Polls for any other condition, and the time between two.
const LOOKS: usize = 600;
const LOOK: Duration = Duration::from_millis(100);

const QUERIES: &str = "-- What people ask; in one partition, so that rows keep their order.
CREATE TABLE queries (query_id STRING, `timestamp` TIMESTAMP_LTZ(3), query_text STRING)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
      'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
";

struct World {
    directory: tempfile::TempDir,
    up: Up,
}

impl World {
    fn new(settings: &[&str]) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("queries.sql"), QUERIES).expect("a script");
        let arguments = [&["--set", "ingest.partitions=1"], settings].concat();
        let up = Up::start(directory.path(), &arguments);
        World { directory, up }
    }

    fn with_events(settings: &[&str]) -> World {
        let world = World::new(settings);
        let awkward = r#"{"query_id":"\"ba\", đ","timestamp":"2025-12-09T12:00:00.5Z","query_text":null}"#;
        assert_eq!(world.up.post(&[event(1, 0), awkward.to_owned(), event(3, 2)]), 202);
        world
    }

    fn shell(&self) -> Command {
        let mut command = weir();
        command.args(["sql", "--gateway", &self.up.gateway_http]).current_dir(self.directory.path());
        command.env("XDG_DATA_HOME", self.data()).env("TERM", "xterm");
        command
    }

    /// Returns the directory of the shell's history.
    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(self.shell().args(arguments))
    }

    fn typed(&self) -> PtySession {
        let mut session = spawn_command(self.shell(), Some(PATIENCE_MS)).expect("a terminal");
        session.exp_string("weir> ").expect("a prompt");
        session
    }

    /// Returns the states of all queries, oldest first.
    fn query_states(&self) -> Vec<String> {
        let output = self.run(&["--format", "json", "-e", "SHOW JOBS"]);
        let rows = json_lines(&output);
        let queries =
            rows.iter().filter(|row| row["job name"].as_str().is_some_and(|name| name.starts_with("SELECT")));
        queries.map(|row| row["status"].as_str().expect("a status").to_owned()).collect()
    }
}

/// Types a text, without a line end.
fn keys(shell: &mut PtySession, text: &str) {
    shell.send(text).and_then(|_| shell.flush()).expect("the terminal takes keys");
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

const THREE: &str = "SELECT query_id, query_text, `timestamp` FROM queries LIMIT 3";

#[test]
fn programs_get_csv_or_json_lines_and_nothing_else() {
    let world = World::with_events(&[]);
    let csv = world.run(&["-f", "queries.sql", "-e", THREE]);
    assert_eq!(csv.status.code(), Some(0), "{}", stderr(&csv));
    assert_eq!(
        stdout(&csv),
        "query_id,query_text,timestamp\r\n00000001,\"\",2025-12-09T12:00:00Z\r\n\
         \"\"\"ba\"\", đ\",,2025-12-09T12:00:00.5Z\r\n00000003,xx,2025-12-09T12:00:00Z\r\n"
    );

    let lines = world.run(&["-f", "queries.sql", "-e", THREE, "--format", "json"]);
    let rows = json_lines(&lines);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[1],
        json!({"query_id": "\"ba\", đ", "query_text": null, "timestamp": "2025-12-09T12:00:00.5Z"})
    );

    let told = world.run(&["-f", "queries.sql", "-e", "SELECT query_id FROM queries LIMIT 1", "--changes"]);
    assert_eq!(stdout(&told), "op,query_id\r\n+I,00000001\r\n");

    let table = world.run(&["-f", "queries.sql", "-e", THREE, "--format", "table"]);
    assert!(
        stdout(&table).contains("\n \"ba\", đ  | <NULL>     | 2025-12-09 12:00:00.500\n"),
        "{}",
        stdout(&table)
    );
    assert!(stdout(&table).ends_with("\n(3 rows)\n"), "{}", stdout(&table));
}

#[test]
fn a_script_ends_at_its_first_error_which_is_shown_at_its_place() {
    let world = World::new(&[]);
    let script = format!(
        "{QUERIES}\nSHOW TABLES;\n-- wrong; here\nSELECT query_id,\n  nosuch FROM queries;\nSHOW JOBS;\n"
    );
    fs::write(world.directory.path().join("job.sql"), script).expect("a script");
    let output = world.run(&["-f", "job.sql", "-e", "SHOW JOBS"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "table name\r\nqueries\r\n", "nothing behind the error was run");
    let told = stderr(&output);
    assert!(told.contains("job.sql:9:3") && told.contains("`nosuch`"), "{told}");
    assert!(told.contains("job.sql:8: statement 3 of 4 failed; the next one was not run"), "{told}");
    // As many marks as the name has letters.
    let output = world.run(&["-e", "SELECT * FROM nosuch"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("─┬"), "{}", stderr(&output));
    assert!(stderr(&output).contains("-e:1:15"), "{}", stderr(&output));
}

#[test]
fn the_script_of_the_built_in_job_runs_as_it_is() {
    let world = World::new(&[]);
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql");
    let output = run(world.shell().arg("-f").arg(built_in));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    let job = told.strip_prefix("job id\r\n").and_then(|rest| rest.strip_suffix("\r\n")).expect(&told);
    assert!(world.up.wait_for_jobs(2).iter().any(|running| running == job), "{job}");
}

#[test]
fn where_tokens_are_asked_for_one_is_given() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut create = weir();
    create.args(["tokens", "create", "--name", "shell", "--role", "submit", "--data-dir"]);
    let created = run(create.arg(directory.path()));
    assert!(created.status.success(), "{}", stderr(&created));
    let up = Up::start(directory.path(), &[]);
    let arguments = ["sql", "--gateway", &up.gateway_http, "-e", "VALUES (1)"];
    let refused = run(weir().args(arguments));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("weir tokens create"), "{}", stderr(&refused));
    let admitted = run(weir().args(arguments).env("WEIR_TOKEN", stdout(&created).trim()));
    assert_eq!(stdout(&admitted), "EXPR$0\r\n1\r\n", "{}", stderr(&admitted));
}

/// Starts a query without an end, and reads the header and a row of it.
fn endless(world: &World) -> (Child, BufReader<ChildStdout>) {
    let mut command = world.shell();
    command.args(["-f", "queries.sql", "-e", "SELECT query_id FROM queries"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut rows = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut read = String::new();
    rows.read_line(&mut read).expect("a header");
    rows.read_line(&mut read).expect("a row");
    assert_eq!(read, "query_id\r\n00000001\r\n", "rows come before there is an end");
    (child, rows)
}

/// Waits for the process to end by itself, and returns its exit code.
fn code(mut child: Child) -> Option<i32> {
    for _ in 0..LOOKS {
        if let Some(status) = child.try_wait().expect("its status is known") {
            return status.code();
        }
        pause_for(LOOK);
    }
    let _ = child.kill();
    panic!("it does not end");
}

#[test]
fn a_query_ends_with_whoever_asked() {
    let world = World::with_events(&[]);
    let (child, _rows) = endless(&world);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    assert_eq!(code(child), Some(0), "Ctrl-C is how a stream is ended");
    let (child, rows) = endless(&world);
    drop(rows);
    assert_eq!(code(child), Some(0), "nobody reads any more");
    for _ in 0..LOOKS {
        if world.query_states() == ["CANCELED", "CANCELED"] {
            return;
        }
        pause_for(LOOK);
    }
    panic!("the queries go on: {:?}", world.query_states());
}

#[test]
fn people_type_statements_over_several_lines_and_see_rows_as_they_come() {
    let world = World::with_events(&[]);
    let mut shell = world.typed();
    shell.send_line("\\i queries.sql").unwrap();
    shell.exp_string("done").unwrap();
    shell.exp_string("weir> ").unwrap();

    // A line cleared by Ctrl-C has no effect.
    keys(&mut shell, "SELECT nonsense");
    shell.exp_string("nonsense").unwrap();
    shell.send_control('c').unwrap();
    shell.exp_string("weir> ").unwrap();

    shell.send_line("SELECT query_id").unwrap();
    shell.exp_string("   -> ").unwrap();
    keys(&mut shell, "FROM quer\t");
    shell.exp_string("FROM queries").unwrap();
    shell.send_line(";").unwrap();
    shell.exp_string("3 rows so far, job ").unwrap();

    assert_eq!(world.up.post(&[event(4, 0)]), 202);
    shell.exp_string("\u{1b}[J").expect("the table is drawn anew");
    shell.exp_string("00000004").unwrap();
    shell.exp_string("4 rows so far").unwrap();
    shell.send_control('c').unwrap();
    shell.exp_string("(4 rows)").unwrap();
    shell.exp_string("stopped").unwrap();
    shell.exp_string("weir> ").unwrap();

    shell.send_line("\\x").unwrap();
    shell.exp_string("weir> ").unwrap();
    shell.send_line("SELECT query_id FROM queries LIMIT 1;").unwrap();
    shell.exp_string("-[ RECORD 1 ]").unwrap();
    shell.exp_string("query_id | 00000001").unwrap();
    shell.exp_string("weir> ").unwrap();

    shell.send_line("SELECT nosuch FROM queries;").unwrap();
    shell.exp_string("statement:1:8").unwrap();
    shell.exp_string("weir> ").unwrap();
    shell.send_control('d').unwrap();
    shell.exp_eof().expect("it leaves");

    // The next shell remembers the statement with all its lines.
    let mut next = world.typed();
    for _ in 0..4 {
        keys(&mut next, "\u{1b}[A");
    }
    next.exp_string("FROM queries;").unwrap();
    next.send_line("").unwrap();
    next.exp_string("Object 'queries' not found").unwrap();
    assert!(fs::read_to_string(world.data().join("weir/sql_history")).unwrap().contains("nosuch"));
}

#[test]
fn a_session_that_expired_is_made_anew_and_said_to_be() {
    let world =
        World::new(&["--set", "gateway_http.idle_timeout=200 ms", "--set", "gateway_http.sessions=1"]);
    let mut shell = world.typed();
    shell.send_line("\\i queries.sql").unwrap();
    shell.exp_string("done").unwrap();
    wait_for_room(&world.up);
    shell.exp_string("weir> ").unwrap();
    shell.send_line("SHOW TABLES;").unwrap();
    shell.exp_string("the statement was not run").unwrap();
    shell
        .exp_string("a new session is open: tables, views and settings of the old session are gone")
        .unwrap();
}

/// Waits until the only permitted session was closed.
fn wait_for_room(up: &Up) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let sessions = format!("{}/v2/sessions", up.gateway_http);
    for _ in 0..LOOKS {
        let mut answer = agent.post(&sessions).send_json(json!({})).expect("an answer");
        let body: Value = answer.body_mut().read_json().expect("JSON");
        if let Some(handle) = body["sessionHandle"].as_str() {
            agent.delete(format!("{sessions}/{handle}")).call().expect("an answer");
            return;
        }
        pause_for(LOOK);
    }
    panic!("the session of the shell was not closed");
}
