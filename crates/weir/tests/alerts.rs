//! Alerts of a whole Weir: a real job, a crash with an undelivered notification, files beside a script, and `weir alerts`.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{BY_ID, Up, run, stderr, weir};

fn rule(more: &Value) -> String {
    let mut rule = json!({"version": 1, "title": "Asked", "table": "by_id", "number": "n", "above": 1});
    rule.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    rule.to_string()
}

fn command(up: &Up, arguments: &[&str]) -> std::process::Output {
    run(weir().arg("alerts").args(arguments).args(["--url", &up.http]))
}

/// Returns the output of a command that must succeed.
fn succeeds(up: &Up, arguments: &[&str]) -> String {
    let output = command(up, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Asserts that a command fails, with a part of its message.
fn fails(up: &Up, arguments: &[&str], part: &str) {
    let output = command(up, arguments);
    let told = stderr(&output);
    assert!(output.status.code() == Some(1) && told.contains(part), "{arguments:?}: {told}");
}

/// A receiver of notifications, which answers with a status.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(status: u16) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let receiver = Receiver { url, status: Arc::new(status.into()), received: Arc::default() };
        let (status, received) = (Arc::clone(&receiver.status), Arc::clone(&receiver.received));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.expect("a connection"));
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some((name, value)) = line.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse().expect("a length");
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                // A Weir that is killed sends half a request.
                if reader.read_exact(&mut body).is_err() || length == 0 {
                    continue;
                }
                received.lock().expect("no panic").push(serde_json::from_slice(&body).expect("JSON"));
                let status = status.load(Ordering::SeqCst);
                let answer = format!("HTTP/1.1 {status} S\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        receiver
    }

    fn received(&self) -> Vec<Value> {
        self.received.lock().expect("no panic").clone()
    }
}

fn event(id: &str, hour: u32, minute: u32) -> String {
    json!({"query_id": id, "timestamp": format!("2025-12-09T{hour:02}:{minute:02}:00Z")}).to_string()
}

fn is(name: &'static str, state: &'static str) -> impl Fn(&Value) -> bool {
    move |list: &Value| {
        let mut alerts = list["alerts"].as_array().expect("a list").iter();
        alerts.any(|alert| alert["name"] == name && alert["state"] == state)
    }
}

#[test]
fn a_job_makes_an_alert_fire_and_a_crash_neither_forgets_nor_repeats_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    std::fs::create_dir_all(directory.path().join("alerts")).expect("a directory");
    std::fs::create_dir(&data).expect("a directory");
    let script = directory.path().join("by_id.sql");
    std::fs::write(&script, BY_ID).expect("a script");
    let receiver = Receiver::start(503);
    let beside = |name: &str, text: &str| {
        std::fs::write(directory.path().join("alerts").join(name), text).expect("a file");
    };
    beside("asked.json", &rule(&json!({"webhook": {"url": receiver.url}})));
    beside("bad.json", &rule(&json!({"for_windows": 0})));
    let log = directory.path().join("log");
    let start = || {
        let script = script.to_str().expect("a path");
        Up::start_logged_with(&data, &[script], &[("WEIR_LOG", "warn")], &log)
    };

    let up = start();
    let told = std::fs::read_to_string(&log).expect("a log");
    assert!(
        told.contains("alerts/bad.json") && told.contains("for_windows: must be 1 to 100, not 0"),
        "{told}"
    );
    // Two events of `a` in the window until 13:00. The watermark that makes it final comes with the event of 14:00.
    assert_eq!(up.post(&[event("a", 12, 0), event("a", 12, 1), event("b", 12, 2), event("c", 14, 0)]), 202);
    let list = up.wait_for("/alerts", is("asked", "firing"));
    let firing = &list["alerts"][0]["firing"];
    assert_eq!((&firing[0]["value"], firing.as_array().map(Vec::len)), (&json!(2), Some(1)), "{list}");
    let series = firing[0]["series"].clone();
    assert_eq!(series, json!({"query_id": "a"}));
    up.wait_for("/alerts", |list| list["alerts"][0]["last_delivery"]["outcome"] == "retrying");
    up.kill();

    receiver.status.store(200, Ordering::SeqCst);
    let up = start();
    up.wait_for("/alerts", |list| list["alerts"][0]["last_delivery"]["outcome"] == "delivered");
    // The next window has one event of `a`.
    assert_eq!(up.post(&[event("a", 14, 1), event("c", 16, 0)]), 202);
    up.wait_for("/alerts", is("asked", "ok"));
    let history = up.wait_for("/alerts/asked/history", |history| {
        history["transitions"][0]["delivery"]["outcome"] == "delivered"
    });
    let states: Vec<_> =
        history["transitions"].as_array().expect("a list").iter().map(|past| &past["state"]).collect();
    assert_eq!(states, ["resolved", "firing"]);

    let received = receiver.received();
    let ids: Vec<_> = received.iter().map(|body| &body["id"]).collect();
    let last = &history["transitions"];
    assert_eq!(ids.last(), Some(&&last[0]["id"]));
    assert!(ids.len() >= 3 && ids[..ids.len() - 1].iter().all(|id| **id == last[1]["id"]), "{ids:?}");
    assert!(received.iter().all(|body| body["series"] == series), "{received:?}");
    fails(&up, &["delete", "asked"], "remove the file and restart Weir");
}

#[test]
fn the_command_line_lists_prints_saves_deletes_and_tests() {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "error")]);
    let file = |name: &str, text: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let receiver = Receiver::start(200);
    let header = json!({"name": "X-Key", "value": "geheim"});
    let one = file("one.txt", &rule(&json!({"webhook": {"url": receiver.url, "header": header}})));
    let two = file("two.txt", &rule(&json!({"enabled": false, "title": "Off\u{1b}[2J"})));
    let wrong = file("wrong.txt", "{");

    assert_eq!(succeeds(&up, &["put", "mine", &one]), "created mine\n");
    fails(&up, &["put", "mine", &one], "with --replace");
    let shown = succeeds(&up, &["get", "mine"]);
    assert!(shown.contains("\"***\"") && !shown.contains("geheim"), "{shown}");
    let shown = file("shown.txt", &shown);
    assert_eq!(succeeds(&up, &["put", "mine", &shown, "--replace"]), "replaced mine\n");
    assert_eq!(succeeds(&up, &["test", "mine"]), "delivered\n");
    assert_eq!(receiver.received()[0]["reason"], "test");
    receiver.status.store(404, Ordering::SeqCst);
    fails(&up, &["test", "mine"], "the receiver answered 404");

    assert_eq!(succeeds(&up, &["put", "--replace", "off", &two]), "created off\n");
    fails(&up, &["test", "off"], "no webhook");
    fails(&up, &["put", "wrong", &wrong], "EOF while parsing");
    fails(&up, &["put", "Wrong", &one], "cannot be the name");
    fails(&up, &["get", "none"], "no alert `none`");
    fails(&up, &["delete", "none"], "no alert `none`");

    let text = succeeds(&up, &["list"]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "STATE", "FIRING", "SOURCE", "DELIVERY", "TITLE"]);
    assert_eq!(lines[1], ["mine", "no_data", "0", "saved", "-", "Asked"]);
    assert_eq!(lines[2][..5], ["off", "disabled", "0", "saved", "-"]);
    assert!(text.contains("Off\\u{1b}[2J") && lines.len() == 3, "{text}");
    let objects = succeeds(&up, &["list", "--json"]);
    let second: Value = serde_json::from_str(objects.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!((&second["name"], &second["enabled"]), (&json!("off"), &json!(false)));

    assert_eq!(succeeds(&up, &["delete", "mine"]), "deleted mine\n");
    assert_eq!(up.get("/alerts")["alerts"].as_array().map(Vec::len), Some(1));
    assert!(!Path::new(&data.path().join("alerts/mine.json")).exists());
}
