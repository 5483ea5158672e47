//! Weir's files are readable only for the user that it runs as, and do not contain the values of secrets.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use support::{Up, event, run, stderr, weir};

const SECRET: &str = "hunter2-is-no-good-password";
/// Reads Weir's own log, which needs no password, and drops the rows: only the job's record matters.
const JOB: &str = "
    SET 'pipeline.name' = 'secretive';
    CREATE TABLE queries (query_id STRING, `timestamp` STRING) WITH (
      'connector' = 'kafka', 'topic' = '${TOPIC:user-queries}', 'properties.group.id' = '${GROUP}',
      'properties.sasl.password' = '${MY_SECRET}',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
    CREATE TABLE nowhere (query_id STRING) WITH ('connector' = 'blackhole');
    INSERT INTO nowhere SELECT query_id FROM queries;
";

/// Returns everything below a directory, itself included.
fn all(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a directory");
        entries.for_each(|entry| found.extend(all(&entry.expect("an entry").path())));
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn open_to_others(data: &Path) -> Vec<String> {
    let open = all(data).into_iter().filter(|path| mode(path) & 0o077 != 0);
    open.map(|path| format!("{} {:o}", path.display(), mode(&path))).collect()
}

#[test]
fn files_are_for_their_owner_alone_and_hold_no_values_of_secrets() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    fs::create_dir(&data).expect("a directory");
    let job = directory.path().join("job.sql");
    fs::write(&job, JOB).expect("a file");
    let environment = [("MY_SECRET", SECRET), ("GROUP", "a-group"), ("WEIR_CHECKPOINTS_INTERVAL", "1 s")];
    let run_job = |up: &Up| {
        let output = run(weir().args(["run", "--jobs-url", &up.jobs_http]).arg(&job));
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };

    let up = Up::start_in(&data, &[], &environment);
    let id = run_job(&up);
    assert_eq!(up.post(&[event(1, 10)]), 202);
    up.wait_for_job(&id, |figures| {
        figures["ledger"]["counted"] == 1 && !figures["checkpoints"]["latest_completed"].is_null()
    });
    assert!(up.stop().success());
    assert_eq!(open_to_others(&data), Vec::<String>::new());

    let record = data.join("jobs").join(format!("{id}.json"));
    let text = fs::read_to_string(&record).expect("a record");
    assert!(text.contains("a-group") && text.contains("MY_SECRET"), "{text}");
    let holds = |path: &PathBuf| {
        path.is_file()
            && fs::read(path).expect("a file").windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
    };
    assert_eq!(all(&data).into_iter().filter(holds).collect::<Vec<_>>(), Vec::<PathBuf>::new());

    // As an earlier version left it: open to all, and with the value in the record.
    let mut old: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    old["variables"]["MY_SECRET"] = SECRET.into();
    old.as_object_mut().expect("an object").remove("secrets");
    fs::write(&record, old.to_string()).expect("written");
    for path in all(&data) {
        let open = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).expect("a mode");
    }
    let log = directory.path().join("log");
    let up = Up::start_logged(&data, &environment, &log);
    assert_eq!(open_to_others(&data), Vec::<String>::new());
    assert!(!fs::read_to_string(&record).expect("a record").contains(SECRET));
    // The job continues: its variable is filled in again.
    up.wait_for_job(&id, |figures| figures["status"] == "RUNNING");
    assert!(up.stop().success());
    let log = fs::read_to_string(&log).expect("a log");
    assert!(log.contains("now only its owner can") && log.contains("contained values of secrets"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}
