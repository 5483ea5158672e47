//! The job manager's listener, as Flink's command line and pages use it, and Weir's own routes on it.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod figures;
mod finished;
mod refused;
mod replaced;
mod savepoints;
mod scripts;
mod world;

use serde_json::{Value, json};
use support::{NOW, request};
use world::{SCRIPT, World, start};

pub const NO_JOB: &str = "00000000000000000000000000000001";

pub fn first_error(answer: &support::Answer) -> String {
    answer.json()["errors"][0].as_str().expect("an error").to_owned()
}

/// Asserts that a value has a value at each JSON pointer in `fields`.
pub fn holds(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.pointer(field).is_some(), "{field} is missing in {value}");
    }
}

/// Sends a request with the body that Flink's clients send even with a `GET`.
pub async fn as_flink(world: &World, method: &str, target: &str) -> support::Answer {
    let headers = [("Content-Type", "application/json; charset=UTF-8")];
    request(world.address, method, target, &headers, b"{}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_refused_in_flinks_words() {
    let world = start().await;
    let job = world.submit("clicks").await;
    let handler = "org.apache.flink.runtime.rest.handler.RestHandlerException: ";
    let bad_id = format!(
        "{handler}Bad request, could not parse parameters: Cannot resolve path parameter (jobid) from value \"notahexid\"."
    );
    let bad_mode = format!(
        "{handler}Bad request, could not parse parameters: Cannot resolve query parameter (mode) from value \"frob\"."
    );
    let no_job = format!("org.apache.flink.runtime.rest.NotFoundException: Job {NO_JOB} not found");
    let not_cancelled = format!("{handler}Job could not be found.");

    let scenarios = [
        ("GET", "/nosuchroute".to_owned(), 404, "Unable to load requested file /nosuchroute."),
        ("GET", "/v2/overview".to_owned(), 404, "Unable to load requested file /v2/overview."),
        ("POST", "/overview".to_owned(), 404, "Not found: /overview"),
        ("OPTIONS", "/overview".to_owned(), 404, "Not found: /overview"),
        ("PATCH", "/jobs".to_owned(), 404, "Not found: /jobs"),
        ("GET", format!("/jobs/{NO_JOB}"), 404, &no_job),
        ("GET", format!("/jobs/{NO_JOB}/status"), 404, &no_job),
        ("GET", format!("/jobs/{NO_JOB}/config"), 404, &no_job),
        ("GET", format!("/jobs/{NO_JOB}/exceptions"), 404, &no_job),
        ("GET", format!("/weir/jobs/{NO_JOB}"), 404, &no_job),
        ("GET", "/jobs/notahexid".to_owned(), 400, &bad_id),
        ("GET", "/jobs/notahexid/status".to_owned(), 400, &bad_id),
        ("PATCH", "/jobs/notahexid?mode=cancel".to_owned(), 400, &bad_id),
        ("PATCH", format!("/jobs/{job}?mode=frob"), 400, &bad_mode),
        ("PATCH", format!("/jobs/{NO_JOB}?mode=cancel"), 404, &not_cancelled),
        ("GET", format!("/jobs/{NO_JOB}/yarn-cancel"), 404, &not_cancelled),
    ];
    for (method, target, status, error) in scenarios {
        let answer = world.ask(method, &target).await;
        assert_eq!((answer.status, answer.json()), (status, json!({"errors": [error]})), "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json; charset=UTF-8"));
    }

    let head = world.ask("HEAD", "/overview").await;
    assert_eq!((head.status, head.text()), (404, String::new()));
    assert_eq!(world.json(&format!("/jobs/{job}/status")).await, json!({"status": "RUNNING"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_bodies_and_words_are_read_as_leniently_as_flink_reads_them() {
    let world = start().await;
    let job = world.submit("clicks").await;
    for target in ["//jobs/overview", "/jobs/overview//", "/jobs%2Foverview", "/v1//jobs/overview"] {
        let expected = if target.starts_with("/v1//") { 404 } else { 200 };
        assert_eq!(world.ask("GET", target).await.status, expected, "{target}");
    }
    let target = format!("/jobs/{job}/vertices");
    let vertex = world.json(&format!("/jobs/{job}")).await["vertices"][0]["id"].clone();
    let target =
        format!("{target}/{}/subtasks/metrics?get=numRecordsIn&agg=MAX,Sum", vertex.as_str().expect("an id"));
    let summed = world.json(&target).await;
    assert_eq!(summed, json!([{"id": "numRecordsIn", "max": 0.0, "sum": 0.0}]));

    // A text for a boolean, a repeated name, a mark before and text behind the object: the job goes on.
    let body = "\u{feff}{\"cancel-job\": true, \"cancel-job\": \"false\"} and more";
    let target = format!("/jobs/{job}/savepoints");
    let begun = world.post(&target, "application/json", body).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    let trigger = begun.json()["request-id"].as_str().expect("an id").to_owned();
    world.completed(&format!("{target}/{trigger}")).await;
    assert_eq!(world.json(&format!("/jobs/{job}/status")).await["status"], "RUNNING");
    let refused = world.post(&target, "application/json", r#"{"cancel-job": "perhaps"}"#).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_by_each_of_the_ways_and_once_more() {
    let world = start().await;
    for (method, suffix) in
        [("PATCH", "?mode=cancel"), ("PATCH", ""), ("PATCH", "/"), ("GET", "/yarn-cancel")]
    {
        let job = world.submit("clicks").await;
        let target = format!("/v1/jobs/{}{suffix}", job.to_uppercase());
        let answer = as_flink(&world, method, &target).await;
        assert_eq!((answer.status, answer.json()), (202, json!({})), "{target}");
        world.until(&job, "CANCELED").await;
        assert_eq!(world.ask(method, &target).await.status, 202, "a second time");
        let details = world.json(&format!("/jobs/{job}")).await;
        assert_eq!(details["vertices"][0]["tasks"]["CANCELED"], 2);
        assert!(details["end-time"].as_i64() >= details["start-time"].as_i64());
        assert_ne!(details["timestamps"]["CANCELLING"], 0);
    }
    let overview = world.json("/overview").await;
    assert_eq!((&overview["jobs-cancelled"], &overview["jobs-running"]), (&json!(4), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_tells_why_and_cannot_be_cancelled() {
    let world = start().await;
    let job = world.submit("clicks").await;
    world.log.break_down("clicks");
    world.until(&job, "FAILED").await;

    let history = &world.json(&format!("/jobs/{job}/exceptions")).await["exceptionHistory"];
    let entry = &history["entries"][0];
    assert_eq!(entry["exceptionName"], "org.apache.flink.runtime.JobException");
    assert!(entry["stacktrace"].as_str().is_some_and(|text| text.contains("damaged at offset 7")), "{entry}");
    holds(entry, &["/timestamp", "/failureLabels", "/concurrentExceptions"]);

    let none = world.json(&format!("/jobs/{job}/exceptions?maxExceptions=0")).await;
    assert_eq!(none, json!({"exceptionHistory": {"entries": [], "truncated": true}}));
    assert_eq!(world.ask("GET", &format!("/jobs/{job}/exceptions?maxExceptions=few")).await.status, 400);

    for (method, target) in
        [("PATCH", format!("/jobs/{job}?mode=cancel")), ("GET", format!("/jobs/{job}/yarn-cancel"))]
    {
        let answer = world.ask(method, &target).await;
        assert_eq!(answer.status, 409, "{target}");
        assert!(first_error(&answer).ends_with("already reached another terminal state (FAILED)."));
    }

    let figures = world.json(&format!("/weir/jobs/{job}")).await;
    assert_eq!(figures["status"], "FAILED");
    assert!(figures["failure"].as_str().is_some_and(|failure| failure.contains("clicks")), "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_running_job() {
    let world = start().await;
    let job = world.submit("clicks").await;
    for record in [
        r#"{"id":"a","moment":"2025-12-09 12:00:01Z"}"#,
        r#"{"id":"b","moment":"2025-12-09 12:00:02Z"}"#,
        "no json",
    ] {
        world.log.feed("clicks", record);
    }
    let target = format!("/weir/jobs/{job}");
    let figures = world
        .until_at(&target, |figures| {
            let ledger = &figures["ledger"];
            ledger["accepted"] == 3 && ledger["counted"] == 2 && ledger["dead_lettered"] == 1
        })
        .await;
    holds(&figures, &["/ledger/filtered", "/ledger/late", "/ledger/late_by_query", "/history/RUNNING"]);
    assert_eq!(figures["ledger"]["reasons"].as_object().map(serde_json::Map::len), Some(1), "{figures}");
    let tasks = figures["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 4, "two subtasks of each vertex: {figures}");
    assert!(tasks.iter().all(|task| task["metrics"]["numRecordsIn"].is_number()));
    world
        .until_at(&target, |figures| {
            let tasks = figures["tasks"].as_array().into_iter().flatten();
            tasks.into_iter().any(|task| task["watermark"].as_i64() >= Some(NOW.0 + 1_000))
        })
        .await;

    let details = world.json(&format!("/jobs/{job}")).await;
    let names: Vec<_> = details["vertices"].as_array().into_iter().flatten().map(|of| &of["name"]).collect();
    assert_eq!(names, ["Source: clicks -> LocalWindowAggregate", "GlobalWindowAggregate -> Sink: counts"]);
    assert_eq!(details["vertices"][0]["metrics"]["read-records"], 3);
    assert_eq!(details["vertices"][0]["parallelism"], 2);
    assert_eq!((&details["end-time"], &details["status-counts"]["RUNNING"]), (&json!(-1), &json!(2)));
    let edge = &details["plan"]["nodes"][1]["inputs"][0];
    assert_eq!((&edge["id"], &edge["ship_strategy"]), (&details["vertices"][0]["id"], &json!("HASH")));
    assert_eq!(world.json(&format!("/jobs/{job}")).await["vertices"][0]["id"], details["vertices"][0]["id"]);
    let line = &world.json("/jobs/overview").await["jobs"][0];
    assert_eq!((&line["tasks"]["total"], &line["tasks"]["running"]), (&json!(4), &json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_taken_as_text_and_as_json() {
    let world = start().await;
    for kind in ["text/plain", "application/sql", "text/plain; charset=utf-8"] {
        let answer = world.post("/weir/jobs?name=hello%20world", kind, SCRIPT).await;
        assert_eq!((answer.status, &answer.json()["name"]), (201, &json!("hello world")), "{kind}");
    }
    let all = json!({"script": SCRIPT, "name": "other", "variables": {"TOPIC": "taps"}});
    let answer = world.post("/weir/jobs", "application/json", &all.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let submitted = answer.json();
    assert_eq!(submitted["name"], "other");
    // The script's own variable overrides the process's, so it reads another topic than the first three.
    world.log.feed("taps", r#"{"id":"a","moment":"2025-12-09 12:00:01Z"}"#);
    let target = format!("/weir/jobs/{}", submitted["jobid"].as_str().expect("an id"));
    world.until_at(&target, |figures| figures["ledger"]["accepted"] == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_cannot_run_is_refused_with_every_error() {
    let world = start().await;
    let wrong = SCRIPT.replace("COUNT(*)", "COUNT(*) + nowhere");
    let answer = world.post("/weir/jobs?name=clicks.sql", "text/plain", &wrong).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = first_error(&answer);
    assert!(error.contains("nowhere") && error.contains("clicks.sql"), "{error}");
    assert!(!error.contains('\u{1b}'), "no colours: {error}");

    let closed = json!({"script": SCRIPT, "variables": {"TOPIC": "closed"}}).to_string();
    let scenarios = [
        ("application/json", closed.as_str(), 503),
        ("application/json", "{", 400),
        ("application/json", r#"{"script":"","nmae":"x"}"#, 400),
        ("text/plain", "", 400),
        ("text/html", SCRIPT, 415),
    ];
    for (kind, body, status) in scenarios {
        let answer = world.post("/weir/jobs", kind, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(!first_error(&answer).is_empty());
    }
    let large = server::flink::Options { script_bytes_max: 10, ..Default::default() };
    let small = world::start_with(large).await;
    assert_eq!(small.post("/weir/jobs", "text/plain", SCRIPT).await.status, 413);
    assert_eq!(world.json("/jobs").await, json!({"jobs": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_strangers_may_not_act() {
    let world = start().await;
    let job = world.submit("clicks").await;
    let cancel = format!("/jobs/{job}/yarn-cancel");
    let strangers: [(&str, &str, (&str, &str)); 3] = [
        ("POST", "/weir/jobs", ("Origin", "https://evil.example")),
        ("GET", &cancel, ("Origin", "https://evil.example")),
        ("GET", &cancel, ("Sec-Fetch-Site", "cross-site")),
    ];
    for (method, target, header) in strangers {
        let answer = request(world.address, method, target, &[header], SCRIPT.as_bytes()).await;
        assert_eq!(answer.status, 403, "{method} {target}");
    }
    assert_eq!(world.json(&format!("/jobs/{job}/status")).await["status"], "RUNNING");
    let own = format!("http://{}", world.address);
    let answer = request(world.address, "GET", &cancel, &[("Origin", &own)], b"").await;
    assert_eq!(answer.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_takes_nothing_from_elsewhere_and_the_server_ends_when_told() {
    let mut world = start().await;
    let page = world.ask("GET", "/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-cache"));

    // Relative addresses, so that the page also works behind a proxy that adds a prefix.
    let text = page.text();
    assert!(!text.contains("//"), "{text}");
    let files: Vec<&str> =
        text.split(['"', '\'']).filter_map(|address| address.strip_prefix("./assets/")).collect();
    assert!(files.iter().any(|file| file.ends_with(".js")), "{text}");
    for file in files {
        let answer = world.ask("GET", &format!("/assets/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        let caching = answer.header("cache-control").expect("caching");
        assert!(caching.contains("immutable"), "{file}: {caching}");
    }

    let unknown = world.ask("GET", "/assets/page.js").await;
    assert_eq!(
        (unknown.status, unknown.header("content-type")),
        (404, Some("application/json; charset=UTF-8"))
    );

    world.submit("clicks").await;
    world.begin_stop();
    (&mut world.serving).await.expect("an end");
    assert!(tokio::net::TcpStream::connect(world.address).await.is_err());
    assert!(world.dispatcher.is_healthy(), "the jobs go on");
}
