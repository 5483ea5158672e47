//! Flink's own web UI, as Apache releases it, in a real browser: a plain web server serves its files, and
//! passes its requests on to Weir. Every page shows what it should, without an error in its script.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Up, pause_for};

/// The version that `scripts/flink.sh` installs.
const DIRECTORY: &str = "flink-cli-2.2.1";
/// Polls for a page, and attempts. Browsers are slow on a busy machine.
const LOOKS: u32 = 600;
const TRIES: u32 = 3;

const SCRIPT: &str = "
    SET 'pipeline.name' = 'counting clicks';
    SET 'parallelism.default' = '2';
    CREATE TABLE clicks (id STRING, moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment - INTERVAL '1' SECOND)
      WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
    CREATE TABLE counts (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO counts
    SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '1' HOUR))
    GROUP BY window_start, window_end;
";

/// Returns the paths of the UI's files and of the browser. `None`, with a line that tells what to do, where
/// they are missing; in CI that is a failure.
fn found() -> Option<(PathBuf, PathBuf)> {
    let target = Path::new(env!("CARGO_BIN_EXE_weir")).ancestors().nth(2).expect("a target directory");
    let files = target.join(DIRECTORY).join("web");
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let browser = named.into_iter().chain(["/usr/bin/chromium".into()]).find(|path| path.exists());
    match browser.filter(|_| files.join("index.html").exists()) {
        Some(browser) => Some((files, browser)),
        None => {
            let message = "skipped: there is no web UI of Flink's (scripts/flink.sh gets it) or no Chromium (ui/e2e/chromium.sh)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            None
        }
    }
}

/// Serves files, and otherwise the answers of Weir's job manager.
fn serve(files: PathBuf, jobs_http: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (files, jobs_http) = (files.clone(), jobs_http.clone());
            // A browser that leaves closes its connection.
            std::thread::spawn(move || answer(stream, &files, &jobs_http).ok());
        }
    });
    address
}

fn answer(mut stream: TcpStream, files: &Path, jobs_http: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}

    let target = first.split(' ').nth(1).unwrap_or("/");
    let name = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let file = files.join(if name.is_empty() { "index.html" } else { name });

    let (status, kind, body) = if file.is_file() {
        let kind = match file.extension().and_then(|extension| extension.to_str()) {
            Some("html") => "text/html",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        (200, kind.to_owned(), std::fs::read(file)?)
    } else {
        passed_on(&format!("{jobs_http}{target}"))
    };

    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn passed_on(url: &str) -> (u16, String, Vec<u8>) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let Ok(mut answer) = agent.get(url).call() else { return (502, "text/plain".to_owned(), Vec::new()) };
    let kind =
        answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
    let kind = kind.to_owned();
    let mut body = Vec::new();
    let read = answer.body_mut().as_reader().read_to_end(&mut body);
    (if read.is_ok() { answer.status().as_u16() } else { 502 }, kind, body)
}

/// The text of a page, and the errors of its script.
struct Page {
    text: String,
    complaints: Vec<String>,
}

fn open(browser: &Path, url: &str) -> Page {
    for _ in 0..TRIES {
        let home = tempfile::tempdir().expect("a directory");
        let out = |name: &str| std::fs::File::create(home.path().join(name)).expect("a file");
        let mut child = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900", "--dump-dom"])
            // The browser's virtual clock runs ahead while nothing is pending, so that the page asks more
            // than once.
            .args(["--enable-logging=stderr", "--virtual-time-budget=7000"])
            .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(out("dom"))
            .stderr(out("log"))
            .spawn()
            .expect("the browser starts");

        let ended = (0..LOOKS).any(|_| {
            pause_for(Duration::from_millis(50));
            child.try_wait().is_ok_and(|status| status.is_some())
        });
        if !ended {
            let _ = child.kill();
            let _ = child.wait();
        }

        let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap_or_default();
        let text = read("dom");
        if ended && !text.is_empty() {
            let log = read("log");
            let complaints = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
            return Page { text, complaints };
        }
    }
    panic!("the browser does not come to an end with {url}");
}

#[test]
fn every_page_is_shown_without_an_error_and_with_true_figures() {
    let Some((files, browser)) = found() else { return };
    let wrong = open(&browser, "data:text/html,<script>nowhere()</script>");
    assert!(wrong.complaints[0].contains("nowhere is not defined"), "errors of scripts are seen");

    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("clicks.sql"), SCRIPT).expect("a file");
    let up = Up::start_in(
        directory.path(),
        &["clicks.sql"],
        &[("WEIR_INGEST_CREATE_TOPICS", "true"), ("WEIR_CHECKPOINTS_INTERVAL", "1 s")],
    );
    let job = up.wait_for_jobs(1).remove(0);
    let events: String =
        (0..7).map(|n| format!("{{\"id\": \"{n}\", \"moment\": \"2025-12-09 12:00:0{n}Z\"}}\n")).collect();
    ureq::post(format!("{}/events/clicks", up.http)).send(events.as_str()).expect("they are taken");
    let details = loop {
        let details = up.get_job(&format!("/jobs/{job}"));
        let checkpoints = up.get_job(&format!("/jobs/{job}/checkpoints"));
        if details["vertices"][0]["metrics"]["read-records"] == 7
            && !checkpoints["latest"]["completed"].is_null()
        {
            break details;
        }
        pause_for(Duration::from_millis(50));
    };
    let address = serve(files, up.jobs_http.clone());
    let aggregate = details["vertices"][1]["id"].as_str().expect("an id");
    let (of_job, of_vertex) =
        (format!("job/running/{job}"), format!("job/running/{job}/overview/{aggregate}"));
    let pages = [
        ("overview".to_owned(), "counting clicks"),
        ("job/completed".to_owned(), "Completed Jobs"),
        (format!("{of_job}/overview"), "LocalWindowAggregate"),
        (format!("{of_vertex}/subtasks"), "Records Received"),
        (format!("{of_vertex}/taskmanagers"), "localhost:0"),
        (format!("{of_vertex}/watermarks"), "1765281"),
        (format!("{of_vertex}/backpressure"), "Back Pressure Status"),
        (format!("{of_vertex}/flamegraph"), "FlameGraph"),
        (format!("{of_job}/exceptions"), "Exception History"),
        (format!("{of_job}/timeline"), "TimeLine"),
        (format!("{of_job}/checkpoints"), "chk-"),
        (format!("{of_job}/configuration"), "Max. number of execution retries"),
        ("task-manager".to_owned(), "weir"),
        ("task-manager/weir/metrics".to_owned(), "JVM"),
        ("job-manager/config".to_owned(), "ingest.partitions"),
        ("job-manager/thread-dump".to_owned(), "WAITING"),
    ];
    let mut wrong: Vec<String> = Vec::new();
    for (page, expected) in pages {
        let shown = open(&browser, &format!("http://{address}/#/{page}"));
        wrong.extend(shown.complaints.iter().map(|complaint| format!("{page}: {complaint}")));
        if !shown.text.contains(expected) {
            wrong.push(format!("{page} does not show {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
