//! Each `/openapi.json` is true: schemathesis (PyPI) calls every described operation in many ways, valid and
//! invalid, and finds no server error, and no status, type or body that is not described. The description is
//! valid, and clients can be generated from it.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Up, python, run, weir};

const CHECKS: &str = "status_code_conformance,content_type_conformance,response_schema_conformance";
/// Flink's SQL gateway answers 500 to every kind of error, and so does ours.
const NO_500: &str = ",not_a_server_error";

/// The requests of one run of schemathesis.
struct Asked<'a> {
    /// The server of the `/openapi.json`.
    url: &'a str,
    /// Maximum of generated requests per operation, besides those that follow from the description itself.
    examples: u32,
    /// Values of parameters that cannot be guessed: `schemathesis.toml`.
    values: &'a str,
    checks: &'a str,
    arguments: &'a [&'a str],
}

#[test]
fn every_operation_answers_as_it_is_described() {
    let Some(programs) = python::programs() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);

    // A hundred seconds of event time, in which many windows close.
    let events = ["generate", "--count", "500", "--rate", "5", "--start", "2025-12-09T11:30:00", "--url"];
    let generated = run(weir().args(events).arg(format!("{}/events", up.http)));
    assert!(generated.status.success(), "{}", support::stderr(&generated));
    up.wait_for("/analytics/redis/overall-summary?days=36500", |answer| answer["total_queries"] != 0);
    // The first request loads the tables, which may take longer than it waits.
    up.wait_for_status("/results", 200);

    // A client behind a proxy may not name directories of this machine.
    let stranger = ["--header", "X-Forwarded-For: 192.0.2.1"];
    // A stream of events does not end. Names of tables, which schemathesis learns from dashboards, lead to one.
    let ending = [&stranger[..], &["--exclude-path", "/results/{table}/events"]].concat();
    let reading = ["--include-method", "GET", "--exclude-path", "/jobs/{job}/yarn-cancel"];
    let (anything, job, session) = (String::new(), of_a_job(&up), of_a_session(&up));
    let asking = [&stranger[..], &["--exclude-method", "DELETE"]].concat();
    let acting = [&stranger[..], &["--include-method", "POST", "--include-method", "PATCH"]].concat();

    for asked in [
        Asked { url: &up.http, examples: 20, values: &anything, checks: NO_500, arguments: &ending },
        Asked { url: &up.jobs_http, examples: 5, values: &job, checks: NO_500, arguments: &reading },
        // This run ends the job.
        Asked { url: &up.jobs_http, examples: 5, values: &job, checks: NO_500, arguments: &acting },
        Asked { url: &up.jobs_http, examples: 5, values: &anything, checks: NO_500, arguments: &stranger },
        Asked { url: &up.gateway_http, examples: 3, values: &session, checks: "", arguments: &asking },
        Asked { url: &up.gateway_http, examples: 3, values: &anything, checks: "", arguments: &stranger },
    ] {
        let (is_content, said) = ask(&programs, directory.path(), &asked);
        assert!(is_content, "{} {:?}\n{said}", asked.url, asked.arguments);
        assert!(cases(&said) > 200, "{said}");
    }
}

/// Each description is valid by the rules of OpenAPI, and a generator makes a client from it that Python can
/// load.
#[test]
fn every_description_is_valid_and_makes_a_client() {
    let Some(programs) = python::programs() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let settings = directory.path().join("client.yaml");
    std::fs::write(&settings, CLIENT_SETTINGS).expect("a file");
    let settings = settings.to_str().expect("a path");
    for (name, url) in [("http", &up.http), ("jobs", &up.jobs_http), ("gateway", &up.gateway_http)] {
        let described = ureq::get(format!("{url}/openapi.json")).call().expect("an answer");
        let description = directory.path().join(format!("{name}.json"));
        let text = described.into_body().read_to_string().expect("text");
        std::fs::write(&description, text).expect("a file");
        let path = description.to_str().expect("a path");

        let output = python::run(&programs.join("openapi-spec-validator"), &[path]);
        assert!(
            output.status.success(),
            "{name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            support::stderr(&output)
        );

        let client = directory.path().join(format!("{name}_client"));
        let client = client.to_str().expect("a path");
        let arguments =
            ["generate", "--path", path, "--output-path", client, "--meta", "none", "--fail-on-warning"];
        let arguments = [&arguments[..], &["--config", settings]].concat();
        let output = python::run(&programs.join("openapi-python-client"), &arguments);
        assert!(
            output.status.success(),
            "{name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            support::stderr(&output)
        );
        let output = python::run(&programs.join("python"), &["-c", LOAD, client]);
        assert!(output.status.success(), "{name}: {}", support::stderr(&output));
        let operations: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
        assert!(operations > 10, "{name}: {operations}");
    }
}

/// Settings for bodies of types that the generator does not know, and for no formatter afterwards.
const CLIENT_SETTINGS: &str = "
content_type_overrides:
  application/x-ndjson: application/octet-stream
  application/openmetrics-text: text/plain
post_hooks: []
";

/// Loads every module of a client, and counts those of its operations.
const LOAD: &str = "
import importlib, pathlib, sys
client = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(client.parent))
count = 0
for path in sorted(client.rglob('*.py')):
    name = '.'.join(path.relative_to(client.parent).with_suffix('').parts)
    count += hasattr(importlib.import_module(name), 'sync_detailed')
print(count)
";

/// Returns ids of a running job and its parts.
fn of_a_job(up: &Up) -> String {
    let job = up.wait_for_jobs(1).remove(0);
    let vertex = up.get_job(&format!("/jobs/{job}"))["vertices"][0]["id"].clone();
    let posted = ureq::post(format!("{}/jobs/{job}/checkpoints", up.jobs_http)).send_empty();
    assert_eq!(posted.expect("an answer").status(), 202);
    let figures =
        up.wait_for_job(&job, |figures| !figures["checkpoints"]["latest_completed"]["id"].is_null());
    let checkpoint = &figures["checkpoints"]["latest_completed"]["id"];
    format!(
        "[parameters]\n\"path.job\" = \"{job}\"\n\"path.vertex\" = {vertex}\n\"path.id\" = \"{checkpoint}\"\n\
         \"path.taskmanager\" = \"weir\"\n\"path.name\" = \"weir.log\"\n\"path.subtask\" = \"0\"\n\"path.attempt\" = \"0\"\n"
    )
}

/// Returns ids of a session of the SQL gateway, and of an operation that has ended.
fn of_a_session(up: &Up) -> String {
    let post = |path: &str, body: Value| -> Value {
        let answer = ureq::post(format!("{}{path}", up.gateway_http)).send_json(body).expect("an answer");
        answer.into_body().read_json().expect("JSON")
    };
    let opened = post("/v4/sessions", json!({"sessionName": "described", "properties": {}}));
    let session = opened["sessionHandle"].as_str().expect("a session");
    let asked = post(&format!("/v4/sessions/{session}/statements"), json!({"statement": "VALUES (1)"}));
    format!(
        "[parameters]\n\"path.session\" = \"{session}\"\n\"path.operation\" = {}\n\"path.token\" = \"0\"\n",
        asked["operationHandle"]
    )
}

/// Runs schemathesis; returns whether it found nothing, and its output.
fn ask(programs: &Path, directory: &Path, asked: &Asked<'_>) -> (bool, String) {
    let values = directory.join("schemathesis.toml");
    std::fs::write(&values, asked.values).expect("a file");

    let output = Command::new(programs.join("schemathesis"))
        .arg("--config-file")
        .arg(&values)
        .args([
            "run",
            &format!("{}/openapi.json", asked.url),
            "--checks",
            &format!("{CHECKS}{}", asked.checks),
        ])
        .args(["--phases", "coverage,fuzzing", "--max-examples", &asked.examples.to_string()])
        .args(["--seed", "1", "--generation-database", "none", "--request-timeout", "60"])
        .args(["--warnings", "off"])
        .args(asked.arguments)
        .current_dir(directory)
        .env("NO_PROXY", "*")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("it starts");

    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Returns the number of requests: `1745 generated, 1745 passed`.
fn cases(said: &str) -> u32 {
    let line = said.lines().find_map(|line| line.trim().split_once(" generated,"));
    line.and_then(|(count, _)| count.parse().ok()).unwrap_or(0)
}
