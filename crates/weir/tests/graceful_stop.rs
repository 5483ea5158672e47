//! SIGTERM: requests in flight are finished, the job's state is kept, and the next start continues from
//! there.

mod support;

#[path = "../../storage/tests/servers/mod.rs"]
mod servers;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use servers::redis::RedisServer;
use servers::wait_until;
use support::{BY_ID, Up, event};

/// Creates the data directory of a Weir, and the script that it runs.
fn world() -> (tempfile::TempDir, PathBuf, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, script) = (directory.path().join("data"), directory.path().join("by-id.sql"));
    std::fs::create_dir(&data).expect("a directory");
    std::fs::write(&script, BY_ID).expect("a script");
    let script = script.to_str().expect("a path of this test").to_owned();
    (directory, data, script)
}

fn events(ids: std::ops::Range<u64>) -> Vec<String> {
    ids.map(|id| event(id, 10)).collect()
}

fn accepted(job: &Value) -> Option<u64> {
    job["ledger"]["accepted"].as_u64()
}

/// Reads until the received text has this ending.
fn read_until(stream: &mut TcpStream, ending: &str) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(ending.as_bytes()) && stream.read(&mut byte).is_ok_and(|length| length > 0) {
        read.push(byte[0]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[test]
fn sigterm_finishes_requests_keeps_the_state_and_nothing_is_read_again() {
    let (_directory, data, script) = world();
    // The only checkpoint is that of the shutdown.
    let environment = [("WEIR_CHECKPOINTS_INTERVAL", "0 s"), ("WEIR_LOG", "error")];
    let up = Up::start_in(&data, &[&script], &environment);
    let job = up.wait_for_jobs(1).remove(0);
    assert_eq!(up.post(&events(0..100)), 202);
    up.wait_for_job(&job, |job| accepted(job) == Some(100));

    let address = up.http.trim_start_matches("http://").to_owned();
    let mut under_way = TcpStream::connect(&address).expect("a connection");
    under_way.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    let body = event(100, 10);
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    under_way.write_all(head.as_bytes()).expect("it is sent");
    // The server waits for the request's body.
    assert!(read_until(&mut under_way, "\r\n\r\n").starts_with("HTTP/1.1 100"));
    up.terminate();
    wait_until("no new connection is taken", || TcpStream::connect(&address).is_err());
    under_way.write_all(body.as_bytes()).expect("it is sent");
    let answer = read_until(&mut under_way, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(up.wait().code(), Some(0));

    let up = Up::start_in(&data, &[&script], &environment);
    assert_eq!(up.wait_for_jobs(1).first(), Some(&job));
    let figures = up.wait_for_job(&job, |job| accepted(job) == Some(101));
    assert_eq!(figures["checkpoints"]["restored"], 1, "{figures}");
    let read = figures["tasks"][0]["metrics"]["numRecordsIn"].as_f64().expect("a figure");
    assert!(read <= 1.0, "{read} records were read again, and at most the last was not read yet");
    assert!(up.stop().success());
}

#[test]
fn sigterm_ends_a_weir_whose_redis_hangs_and_nothing_is_lost() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let (_directory, data, script) = world();
    let url = redis.url();
    let environment =
        [("REDIS_URL", url.as_str()), ("WEIR_CHECKPOINTS_INTERVAL", "100 ms"), ("WEIR_LOG", "off")];
    let up = Up::start_in(&data, &[&script], &environment);
    let job = up.wait_for_jobs(1).remove(0);
    assert_eq!(up.post(&events(0..100)), 202);
    let rows = || redis.ask(&["KEYS", "by-id:*"]).matches("by-id:").count();
    wait_until("the results are there", || rows() == 100);
    redis.hang(true);
    assert_eq!(up.post(&events(100..150)), 202);
    up.wait_for_job(&job, |job| accepted(job) == Some(150));
    up.terminate();
    assert_eq!(up.wait().code(), Some(0));
    redis.hang(false);

    let up = Up::start_in(&data, &[&script], &environment);
    up.wait_for_job(&job, |job| job["ledger"]["counted"].as_u64() == Some(150));
    wait_until("all results are there", || rows() == 150);
    assert!(up.stop().success());
}
