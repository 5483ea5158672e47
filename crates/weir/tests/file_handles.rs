//! A machine that permits few open files: connections wait, and the event log gets the files it needs;
//! without them Weir ends.

mod support;

use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::{BY_ID, Up, event, pause_for, run, stderr, weir};

fn batch(number: u64, padding: usize) -> Vec<String> {
    (number * 20..(number + 1) * 20).map(|id| event(id, padding)).collect()
}

#[test]
fn connections_leave_the_log_the_files_it_needs() {
    let data = tempfile::tempdir().expect("a directory");
    let environment = [("WEIR_HTTP_HEADER_TIMEOUT", "300 ms"), ("WEIR_LOG", "error")];
    let up = Up::start_with_handles(64, data.path(), &environment);
    let address = up.http.trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> =
        (0..40).map(|_| TcpStream::connect(&address).expect("it waits in line")).collect();
    assert_eq!(up.post(&batch(0, 0)), 202, "idle connections give up their place");
    drop(idle);
    for number in 1..320 {
        assert_eq!(up.post(&batch(number, 0)), 202, "batch {number}");
    }
    let (is_ready, readiness) = up.readiness();
    assert!(is_ready, "{readiness}");
    assert!(up.stop().success());
}

#[test]
fn a_job_too_many_for_the_handles_is_refused_and_the_others_go_on() {
    let data = tempfile::tempdir().expect("a directory");
    let script = data.path().join("by-id.sql");
    std::fs::write(&script, BY_ID).expect("a script");
    let environment = [("WEIR_CHECKPOINTS_INTERVAL", "50 ms"), ("WEIR_LOG", "error")];
    let up = Up::start_with_handles(64, data.path(), &environment);
    let submit =
        |name: &str| run(weir().args(["run", "--jobs-url", &up.jobs_http, "--name", name]).arg(&script));
    // The built-in job is running already.
    for name in ["a", "b", "c"] {
        let output = submit(name);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let output = submit("d");
    let told = stderr(&output);
    assert!(!output.status.success() && told.contains("4 jobs run"), "{told}");
    assert!(told.contains("cancel one") && told.contains("ulimit -n"), "{told}");

    let jobs = up.wait_for_jobs(4);
    for number in 0..20 {
        assert_eq!(up.post(&batch(number, 0)), 202, "batch {number}");
        pause_for(Duration::from_millis(20));
    }
    for job in &jobs {
        let figures = up.wait_for_job(job, |job| job["checkpoints"]["completed"].as_u64() > Some(20));
        assert_eq!(figures["checkpoints"]["failed"], 0, "{figures}");
    }

    let cancelled = run(weir().args(["jobs", "--jobs-url", &up.jobs_http, "cancel", &jobs[0]]));
    assert!(cancelled.status.success(), "{}", stderr(&cancelled));
    up.wait_for_job(&jobs[0], |job| job["status"] == "CANCELED");
    assert!(submit("d").status.success(), "there is room again");
    assert!(up.stop().success());
}

#[test]
fn a_log_that_cannot_be_written_any_more_ends_the_process_and_the_next_one_goes_on() {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "off")]);
    assert_eq!(up.post(&batch(0, 0)), 202);

    // From here on no file can be opened, and the log needs one for every few megabytes.
    let pid = Pid::from_raw(up.id().cast_signed()).expect("a process");
    let open = std::fs::read_dir(format!("/proc/{}/fd", up.id())).expect("its files").count() as u64;
    let limit = Rlimit { current: Some(open + 2), maximum: Some(open + 2) };
    prlimit(Some(pid), Resource::Nofile, limit).expect("its limit is lowered");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut accepted = 1;
    let mut refused = None;
    for number in 1..2_000 {
        let body = batch(number, 50_000).join("\n");
        match agent.post(format!("{}/events", up.http)).send(body) {
            Ok(answer) if answer.status() == 202 => accepted += 1,
            Ok(answer) => {
                refused = Some(answer.status().as_u16());
                break;
            }
            // The process has ended already.
            Err(_) => break,
        }
    }
    assert!(refused.is_none_or(|status| status == 503), "{refused:?}");
    assert_eq!(up.wait().code(), Some(3), "it ends with an error, after {accepted} batches");

    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "off")]);
    assert_eq!(up.post(&batch(10_000, 0)), 202);
    assert!(up.readiness().0);
    assert!(up.stop().success());
}
