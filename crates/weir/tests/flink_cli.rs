//! Runs Flink's own command line, as Apache releases it, against Weir: its requests succeed, and its output
//! is the same as for Flink.
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::Up;

/// The version that `scripts/flink.sh` installs.
const DIRECTORY: &str = "flink-cli-2.2.1";
const NO_JOB: &str = "00000000000000000000000000000001";

/// Counts clicks by the hour, so that the window is open whenever the job is stopped.
const SCRIPT: &str = "
    SET 'pipeline.name' = 'counting clicks';
    SET 'weir.max-future' = '0 s';
    CREATE TABLE clicks (id STRING, moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment - INTERVAL '1' SECOND)
      WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
    CREATE TABLE counts (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO counts
    SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '1' HOUR))
    GROUP BY window_start, window_end;
";

/// Flink's command line, and the Weir that it calls.
struct Flink {
    up: Up,
    libraries: PathBuf,
    directory: tempfile::TempDir,
}

/// Output and success of a command.
struct Said {
    text: String,
    is_success: bool,
}

impl Flink {
    /// Returns `None`, with a line that tells what to do, where there is no command line; in CI that is a
    /// failure.
    fn find() -> Option<Flink> {
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let Some(libraries) = libraries().filter(|_| java.is_ok()) else {
            let message = "skipped: there is no command line of Flink's (scripts/flink.sh gets it; it needs Java and Maven)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("conf")).expect("a directory");
        std::fs::write(directory.path().join("conf/config.yaml"), "").expect("a file");
        std::fs::write(directory.path().join("clicks.sql"), SCRIPT).expect("a file");
        let up = Up::start(directory.path(), &["clicks.sql"]);
        Some(Flink { up, libraries, directory })
    }

    fn say(&self, arguments: &[&str]) -> Said {
        self.say_with("", arguments)
    }

    /// Runs a command that sends these headers.
    fn say_with(&self, headers: &str, arguments: &[&str]) -> Said {
        let output = Command::new("java")
            .env("FLINK_REST_CLIENT_HEADERS", headers)
            // Most of the time goes into the start.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(self.libraries.join("*"))
            .arg("org.apache.flink.client.cli.CliFrontend")
            .args(arguments)
            .args(["-m", self.up.jobs_http.trim_start_matches("http://")])
            .env("FLINK_CONF_DIR", self.directory.path().join("conf"))
            .output()
            .expect("java starts");
        let text = [output.stdout, output.stderr].concat();
        Said { text: String::from_utf8_lossy(&text).into_owned(), is_success: output.status.success() }
    }

    /// Runs a command that must succeed, and checks its output.
    fn succeeds(&self, arguments: &[&str], expected: &[&str]) -> String {
        let said = self.say(arguments);
        assert!(said.is_success, "{arguments:?}: {}", said.text);
        for text in expected {
            assert!(said.text.contains(text), "{arguments:?} does not print {text:?}: {}", said.text);
        }
        said.text
    }

    fn fails(&self, arguments: &[&str], expected: &str) {
        let said = self.say(arguments);
        assert!(!said.is_success && said.text.contains(expected), "{arguments:?}: {}", said.text);
    }

    fn place(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Submits the script again and returns the new job's id.
    fn submit(&self) -> String {
        let mut answer = ureq::post(format!("{}/weir/jobs", self.up.jobs_http))
            .header("Content-Type", "application/sql")
            .send(SCRIPT)
            .expect("an answer");
        let submitted: serde_json::Value = answer.body_mut().read_json().expect("JSON");
        submitted["jobid"].as_str().expect("an id").to_owned()
    }
}

fn libraries() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_weir")).ancestors().nth(2)?;
    let directory = target.join(DIRECTORY);
    directory.join("complete").exists().then(|| directory.join("lib"))
}

/// Returns the rest of the line behind a text.
fn after<'a>(said: &'a str, text: &str) -> &'a str {
    let rest = said.split_once(text).map(|(_, rest)| rest).unwrap_or_else(|| panic!("no {text:?} in {said}"));
    rest.lines().next().unwrap_or_default().trim_end_matches('.').trim()
}

#[test]
fn lists_checkpoints_savepoints_and_ends_jobs() {
    let Some(flink) = Flink::find() else { return };
    let job = flink.up.wait_for_jobs(1).remove(0);
    let running = format!("{job} : counting clicks (RUNNING)");
    flink.succeeds(&["list"], &["Running/Restarting Jobs", &running, "No scheduled jobs."]);
    flink.succeeds(
        &["checkpoint", "--full", &job],
        &[&format!("Checkpoint(FULL) 1 for job {job} completed.")],
    );

    let said = flink.succeeds(&["savepoint", &job], &["Savepoint completed. Path: file:"]);
    let location = after(&said, "Path: ").to_owned();
    let lies_at = location.trim_start_matches("file:").to_owned();
    assert!(Path::new(&lies_at).join("_metadata").is_file(), "{lies_at}");
    flink.succeeds(&["savepoint", "-d", &location], &[&format!("Savepoint '{location}' disposed.")]);
    assert!(!Path::new(&lies_at).exists(), "{lies_at}");

    let below = flink.place("weir-data-of-mine");
    flink.fails(&["savepoint", &job, &below], "Failed to create savepoint directory");
    let in_the_way = flink.place("savepoints/file");
    std::fs::create_dir_all(flink.place("savepoints")).expect("a directory");
    std::fs::write(&in_the_way, "no directory").expect("a file");
    flink.fails(&["savepoint", &job, &format!("{in_the_way}/below")], "CheckpointException");

    let target = flink.place("savepoints/stopped");
    let said = flink.succeeds(
        &["stop", "-p", &target, &job],
        &[
            &format!("Suspending job \"{job}\" with a CANONICAL savepoint."),
            "Savepoint completed. Path: file:",
        ],
    );
    assert!(after(&said, "Path: file:").starts_with(&target), "{said}");
    let (drained, cancelled, kept) = (flink.submit(), flink.submit(), flink.submit());
    flink.succeeds(
        &["stop", "--drain", &drained],
        &[&format!("Draining job \"{drained}\" with a CANONICAL savepoint."), "Savepoint completed."],
    );
    flink.succeeds(&["cancel", "-s", &flink.place("savepoints"), &cancelled], &["Savepoint stored in file:"]);
    flink.succeeds(&["cancel", &kept], &[&format!("Cancelled job {kept}.")]);
    let said = flink.succeeds(&["list", "-a"], &["No running jobs.", "Terminated Jobs"]);
    for (job, state) in [(job, "FINISHED"), (drained, "FINISHED"), (cancelled, "CANCELED"), (kept, "CANCEL")]
    {
        assert!(said.contains(&format!("{job} : counting clicks ({state}")), "{said}");
    }
}

#[test]
fn fails_at_once_for_what_is_not_there() {
    let Some(flink) = Flink::find() else { return };
    let no_job = format!("FlinkJobNotFoundException: Could not find Flink job ({NO_JOB})");
    flink.fails(&["savepoint", NO_JOB], &no_job);
    flink.fails(&["stop", NO_JOB], &no_job);
    flink.fails(&["cancel", NO_JOB], "Job could not be found.");
    flink.fails(&["checkpoint", NO_JOB], &no_job);
    flink.fails(&["savepoint", "-d", "/etc"], "it is not in a savepoint directory");
}

#[test]
fn a_token_in_the_environment_is_sent_along() {
    let Some(flink) = Flink::find() else { return };
    let job = flink.up.wait_for_jobs(1).remove(0);
    let token = |role: &str| {
        let mut create = support::weir();
        create
            .args(["tokens", "create", "--name", role, "--role", role, "--data-dir"])
            .arg(flink.directory.path());
        let output = support::run(&mut create);
        assert!(output.status.success(), "{}", support::stderr(&output));
        format!("Authorization:Bearer {}", String::from_utf8_lossy(&output.stdout).trim())
    };

    let (view, operate) = (token("view"), token("operate"));
    let running = format!("{job} : counting clicks (RUNNING)");
    // A new token is known within a second, which Java takes to start.
    let listed = (0..20).map(|_| flink.say_with(&view, &["list"])).find(|said| said.is_success);
    assert!(listed.is_some_and(|said| said.text.contains(&running)));

    let nobody = flink.say(&["list"]);
    assert!(!nobody.is_success && nobody.text.contains("a token is required"), "{}", nobody.text);

    let viewer = flink.say_with(&view, &["cancel", &job]);
    assert!(
        !viewer.is_success && viewer.text.contains("the token lacks the role `operate`"),
        "{}",
        viewer.text
    );

    let cancelled = flink.say_with(&operate, &["cancel", &job]);
    assert!(
        cancelled.is_success && cancelled.text.contains(&format!("Cancelled job {job}.")),
        "{}",
        cancelled.text
    );
}
