//! The rows of a user's own job can be read over HTTP: while it runs, after its end, after a restart, with the
//! embedded store and with Redis, and also those that others write.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::io::{BufRead as _, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use servers::redis::RedisServer;
use support::{BY_ID, Up, event, run, stderr, weir};

fn start(data: &Path, environment: &[(&str, &str)]) -> Up {
    let script = data.join("by_id.sql");
    std::fs::write(&script, format!("SET 'pipeline.name' = 'ids';{BY_ID}")).expect("a script");
    let quiet = [("WEIR_LOG", "error")];
    Up::start_in(data, &[script.to_str().expect("a path")], &[&quiet[..], environment].concat())
}

fn ids(answer: &Value) -> Vec<(String, i64, bool)> {
    let row = |row: &Value| {
        let id = row["query_id"].as_str().expect("an id").trim_start_matches('0').to_owned();
        (id, row["n"].as_i64().expect("a count"), row["_is_final"].as_bool().expect("a boolean"))
    };
    let mut ids: Vec<_> = answer["rows"].as_array().expect("rows").iter().map(row).collect();
    ids.sort();
    ids
}

fn row(id: &str, n: i64, is_final: bool) -> (String, i64, bool) {
    (id.to_owned(), n, is_final)
}

/// Counts events, odd ones among them, and reads the rows before and after their window closes.
fn counts_and_reads(up: &Up) {
    let odd = r#"{"query_id":"a:b%c \"é\"/?&","timestamp":"2025-12-09T12:30:00Z"}"#.to_owned();
    assert_eq!(up.post(&[event(1, 0), event(2, 0), event(1, 9), odd]), 202);
    let open = up.wait_for("/results/by_id", |answer| answer["count"] == 3 && ids(answer)[0].1 == 2);
    assert_eq!(ids(&open), [row("1", 2, false), row("2", 1, false), row("a:b%c \"é\"/?&", 1, false)]);

    // An event of the next day closes the window.
    let next = r#"{"query_id":"00000003","timestamp":"2025-12-10T12:30:00Z"}"#.to_owned();
    assert_eq!(up.post(&[next]), 202);
    let path = "/results/by_id?to=2025-12-10";
    let closed = up.wait_for(path, |answer| ids(answer).iter().all(|(_, _, is_final)| *is_final));
    assert_eq!(ids(&closed), [row("1", 2, true), row("2", 1, true), row("a:b%c \"é\"/?&", 1, true)]);

    let key = closed["rows"].as_array().expect("rows").iter().find_map(|row| {
        let key = row["_key"].as_str()?;
        key.contains('é').then(|| key.to_owned())
    });
    let escaped: String = key.expect("the odd row").bytes().map(|byte| format!("%{byte:02X}")).collect();
    let odd = up.get(&format!("/results/by_id/{escaped}"));
    assert_eq!((&odd["query_id"], &odd["n"]), (&json!("a:b%c \"é\"/?&"), &json!(1)));
    assert_eq!(odd["window_end"], "2025-12-09 13:00:00");
}

fn is_listed(up: &Up) {
    let tables = up.get("/results");
    let table = tables["tables"].as_array().expect("tables").iter().find(|table| table["name"] == "by_id");
    let table = table.unwrap_or_else(|| panic!("no by_id in {tables}"));
    assert_eq!((&table["job"], &table["key"]), (&json!("ids"), &json!("by-id:{query_id}:{window_end}")));
    assert_eq!(table["queries"], json!(["by_id"]));
    assert_eq!(table["columns"][1], json!({"name": "n", "type": "BIGINT", "kind": "integer"}));
}

#[test]
fn the_rows_of_a_job_are_read_while_it_runs_after_its_end_and_after_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let up = start(data.path(), &[]);
    is_listed(&up);
    counts_and_reads(&up);

    let job = up.wait_for_jobs(1).remove(0);
    let cancel = ureq::patch(format!("{}/jobs/{job}?mode=cancel", up.jobs_http)).send_empty();
    assert_eq!(cancel.expect("an answer").status(), 202);
    up.wait_for_jobs(0);
    let rows = up.get("/results/by_id?order=query_id");
    up.kill();

    // Without the script: the declaration and the rows are there, the job is not.
    let script = data.path().join("other.sql");
    std::fs::write(&script, BY_ID.replace("by_id", "other").replace("by-id", "other")).expect("a script");
    let up = Up::start_in(data.path(), &[script.to_str().expect("a path")], &[("WEIR_LOG", "error")]);
    is_listed(&up);
    let again = up.wait_for("/results/by_id?order=query_id", |answer| answer["count"] == rows["count"]);
    assert_eq!(again, rows);
    up.wait_for("/results/other", |answer| answer["count"] == 4);
}

#[test]
fn the_built_in_analytics_are_result_tables_too() {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "error")]);
    let events: Vec<String> = (0..50)
        .map(|n| {
            format!(
                r#"{{"query_id":"q{n}","timestamp":"2025-12-09T12:00:{:02}Z","query_text":"Q {}","user":{{"user_id":{n},"user_type":"Khách"}},"rag_metrics":{{"response_time_ms":{n}.5,"success":true}}}}"#,
                n % 20,
                n % 3
            )
        })
        .collect();
    assert_eq!(up.post(&events), 202);

    let faculty = up.wait_for("/results/faculty", |answer| answer["rows"][0]["query_count"] == 50);
    let row = &faculty["rows"][0];
    assert_eq!((&row["faculty"], &row["unique_users"]), (&json!("Khách"), &json!(50)));
    // Columns that no route of the analytics shows.
    assert!(row["window_start"].is_string() && row["rewritten_queries"] == 0, "{row}");
    let sums = up
        .wait_for("/results/popular_queries?group_by=query_text&aggregate=sum(query_count)", |answer| {
            answer["count"] == 3 && answer["rows"][0]["sum(query_count)"] == 17
        });
    assert_eq!(
        sums["rows"][2],
        json!({"query_text": "q 2", "sum(query_count)": 16, "_is_final": sums["rows"][2]["_is_final"]})
    );
    let tables = up.get("/results");
    assert_eq!(tables["tables"].as_array().map(Vec::len), Some(15));
}

#[test]
fn rows_in_redis_are_read_whoever_wrote_them() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let data = tempfile::tempdir().expect("a directory");
    // Before Weir starts, and under a key of the job.
    redis.ask(&[
        "SET",
        "by-id:before:2025-12-09 10:00:00",
        r#"{"query_id":"before","n":7,"window_end":"2025-12-09 10:00:00"}"#,
    ]);
    redis.ask(&["SET", "by-id:list:2025-12-09 10:00:00", "no object"]);
    redis.ask(&["LPUSH", "by-id:queue:2025-12-09 10:00:00", "x"]);
    let port = redis.port().to_string();
    let up = start(data.path(), &[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port)]);
    let before = up.wait_for("/results/by_id", |answer| answer["count"] == 1);
    assert_eq!(ids(&before), [row("before", 7, true)]);
    redis.ask(&["DEL", "by-id:before:2025-12-09 10:00:00"]);
    is_listed(&up);

    // Somebody else writes without a message while Weir runs.
    redis.ask(&[
        "SETEX",
        "by-id:else:2025-12-09 11:00:00",
        "3600",
        r#"{"query_id":"else","n":8,"window_end":"2025-12-09 11:00:00"}"#,
    ]);
    let found = up.wait_for("/results/by_id?where=query_id%3D'else'", |answer| answer["count"] == 1);
    assert_eq!(ids(&found), [row("else", 8, true)]);

    // With a message about the time, changed rows are found too, and deleted ones are gone.
    redis.ask(&[
        "SETEX",
        "by-id:else:2025-12-09 11:00:00",
        "3600",
        r#"{"query_id":"else","n":9,"window_end":"2025-12-09 11:00:00"}"#,
    ]);
    redis.ask(&[
        "PUBLISH",
        "analytics:updates",
        r#"{"type":"by_id","timestamp":"2025-12-09 11:00:00","count":1}"#,
    ]);
    up.wait_for("/results/by_id?where=query_id%3D'else'", |answer| answer["rows"][0]["n"] == 9);
    let deleted = r#"{"type":"by_id","timestamp":"","count":0,"deleted":["by-id:else:2025-12-09 11:00:00","by-id:before:2025-12-09 10:00:00"]}"#;
    redis.ask(&["DEL", "by-id:else:2025-12-09 11:00:00"]);
    redis.ask(&["PUBLISH", "analytics:updates", deleted]);
    up.wait_for("/results/by_id", |answer| answer["count"] == 0);

    counts_and_reads(&up);
    assert!(redis.ask(&["EXISTS", "by-id:00000001:2025-12-09 13:00:00"]).contains('1'));
}

#[test]
fn the_command_line_lists_tables_and_prints_rows() {
    let data = tempfile::tempdir().expect("a directory");
    let up = start(data.path(), &[]);
    assert_eq!(up.post(&[event(1, 0), event(2, 0), event(1, 0)]), 202);
    up.wait_for("/results/by_id", |answer| answer["count"] == 2 && ids(answer)[0].1 == 2);
    let weir = |arguments: &[&str]| {
        let output = run(weir().args(arguments).args(["--url", &up.http]));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output))
    };

    let (_, listed, _) = weir(&["results"]);
    assert!(
        listed.lines().any(|line| line.starts_with("by_id") && line.ends_with("query_id,n,window_end")),
        "{listed}"
    );
    let (_, rows, told) = weir(&["results", "by_id", "--order", "-n", "--where", "n > 1"]);
    let line = rows.lines().nth(1).unwrap_or_default().to_owned();
    assert!(line.starts_with("00000001  2  2025-12-09 13:00:00") && line.contains("false"), "{rows}");
    assert!(told.contains("1 rows"), "{told}");
    let (_, sums, _) = weir(&["results", "by_id", "--aggregate", "sum(n)", "--json"]);
    assert_eq!(sums.trim(), r#"{"sum(n)":3,"_is_final":false}"#);
    let (_, csv, _) =
        weir(&["results", "by_id", "--group-by", "query_id", "--aggregate", "count(*)", "--csv"]);
    assert_eq!(csv.lines().next(), Some("query_id,count(*),_is_final"));
    for (limit, are_more) in [("1", true), ("2", false)] {
        let (_, _, told) = weir(&["results", "by_id", "--limit", limit, "--csv"]);
        assert_eq!(told.contains("there are more rows"), are_more, "{told}");
    }

    for (arguments, part) in [
        (&["results", "by_ids"][..], "did you mean `by_id`?"),
        (&["results", "by_id", "--where", "m = 1"], "where, character 1"),
        (&["results", "by_id", "--from", "yesterday"], "from must be a time"),
        (&["tail", "by_ids"], "did you mean `by_id`?"),
        (&["tail", "by_id", "--where", "n = 'x'"], "number without quotes"),
    ] {
        let (code, _, told) = weir(arguments);
        assert!(code == Some(1) && told.contains(part), "{arguments:?}: {code:?} {told}");
    }
}

/// Forwards connections to a Weir whose address changes.
struct Forwarder {
    address: String,
    target: Arc<Mutex<String>>,
}

impl Forwarder {
    fn to(up: &Up) -> Forwarder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let target = Arc::new(Mutex::new(Forwarder::host(up)));
        let of_thread = target.clone();
        std::thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let target = of_thread.lock().expect("not poisoned").clone();
                // While Weir is away, the connection is closed.
                let Ok(to) = TcpStream::connect(target) else { continue };
                let pairs = [(&from, &to), (&to, &from)];
                for (from, to) in
                    pairs.map(|(a, b)| (a.try_clone().expect("a copy"), b.try_clone().expect("a copy")))
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut &from, &mut &to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Forwarder { address, target }
    }

    fn host(up: &Up) -> String {
        up.http.trim_start_matches("http://").to_owned()
    }

    fn turn_to(&self, up: &Up) {
        *self.target.lock().expect("not poisoned") = Forwarder::host(up);
    }
}

#[test]
fn who_follows_a_table_gets_each_row_also_over_a_restart() {
    let data = tempfile::tempdir().expect("a directory");
    let up = start(data.path(), &[]);
    assert_eq!(up.post(&[event(1, 0), event(2, 0), event(1, 0)]), 202);
    up.wait_for("/results/by_id", |answer| answer["count"] == 2 && ids(answer)[0].1 == 2);

    let forwarder = Forwarder::to(&up);
    let mut tail = support::weir();
    let tail = tail.args(["tail", "by_id", "--initial", "--url", &forwarder.address]).stdout(Stdio::piped());
    let mut tail = tail.stderr(Stdio::null()).spawn().expect("the binary starts");
    let mut lines =
        BufReader::new(tail.stdout.take().expect("a pipe")).lines().map(|line| line.expect("a line"));
    let mut seen = [lines.next().expect("a line"), lines.next().expect("a line")];
    seen.sort_by_key(|line| line.contains("00000002"));
    assert_eq!(
        seen[0],
        "2025-12-09T13:00:00  early     n=2  query_id=00000001  window_end=2025-12-09 13:00:00"
    );

    // The rows of the meantime come after the restart.
    up.kill();
    let up = start(data.path(), &[]);
    let next = r#"{"query_id":"00000003","timestamp":"2025-12-10T12:30:00Z"}"#.to_owned();
    assert_eq!(up.post(&[next]), 202);
    up.wait_for("/results/by_id?to=2025-12-10", |answer| {
        ids(answer).iter().all(|(_, _, is_final)| *is_final)
    });
    forwarder.turn_to(&up);
    let closed = lines.find(|line| line.contains("final") && line.contains("00000001"));
    assert!(closed.expect("a line").starts_with("2025-12-09T13:00:00  final     n=2"));

    assert_eq!(up.post(&[r#"{"query_id":"00000004","timestamp":"2025-12-10T12:31:00Z"}"#.to_owned()]), 202);
    assert!(lines.any(|line| line.contains("early     n=1  query_id=00000004")));
    tail.kill().expect("it ends");
    tail.wait().expect("it ends");
}
