//! Independent clients of Flink work with Weir: PyPI's `flink-job-manager-api`, generated from Flink's own
//! description of its REST API, lists jobs and cancels one; `py-flink-sql-gateway`, a driver, runs
//! statements.

mod support;

use support::{Up, python};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flink_client.py");
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flink_sql_driver.py");

#[test]
fn an_independent_client_lists_and_cancels_a_job() {
    let Some(programs) = python::programs() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let job = up.wait_for_jobs(1).remove(0);
    let output = python::run(&programs.join("python"), &[CLIENT, &up.jobs_http, &job]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", support::stderr(&output));
    let expected = [
        "running 1".to_owned(),
        format!("job {job} Query Analytics Streaming RUNNING"),
        "exceptions 0".to_owned(),
        "cancelled 202".to_owned(),
        "status CANCELED".to_owned(),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(up.figures(&job)["status"], "CANCELED");
}

#[test]
fn an_independent_sql_driver_runs_statements() {
    let Some(programs) = python::programs() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);

    let event = |id: u32| {
        format!(
            r#"{{"query_id":"q-{id}","timestamp":"2025-12-09T12:00:0{id}Z","user":{{"user_type":"Khách","age":4{id}}}}}"#
        )
    };
    assert_eq!(up.post(&[event(1), event(2), event(3)]), 202);

    let output = python::run(&programs.join("python"), &[DRIVER, &up.gateway_http]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", support::stderr(&output));

    let expected = [
        "values ['1', '-5', '1.5', '0.25', 'True', 'một', 'None', '2026-01-02', '01:02:03', '2026-01-01 00:00:00.125000', \
         '86400000']",
        "row q-1 {'user_type': 'Khách', 'age': 41}",
        "tables [('queries',)]",
        "refused True",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
