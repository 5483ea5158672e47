//! A client of Flink's REST API that others have made, from Flink's own description of it, works against Weir: PyPI's
//! `flink-job-manager-api` lists jobs and cancels one.

mod support;

use support::{Up, python};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flink_client.py");

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
