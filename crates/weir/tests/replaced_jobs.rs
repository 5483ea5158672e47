//! `weir run --replace`: a job continues as its successor, or as before where that cannot start, whatever
//! happens in between.

mod support;

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use support::{BY_ID, Up, event, pause_for, run, stderr, weir};
use types::{Clock as _, SystemClock};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Writes a script, and runs `weir run` with it.
fn submit(up: &Up, directory: &Path, script: &str, arguments: &[&str]) -> Output {
    let path = directory.join("job.sql");
    std::fs::write(&path, script).expect("a script");
    run(weir().arg("run").arg(&path).args(["--jobs-url", &up.jobs_http]).args(arguments))
}

fn list(up: &Up, arguments: &[&str]) -> String {
    stdout(&run(weir().args(["jobs", "list", "--jobs-url", &up.jobs_http]).args(arguments)))
}

/// Returns the ids of jobs of a name that have not ended.
fn running(up: &Up, name: &str) -> Vec<String> {
    let jobs = up.get_job("/jobs/overview");
    let jobs = jobs["jobs"].as_array().into_iter().flatten();
    let is_over = |job: &Value| ["FINISHED", "CANCELED", "FAILED"].iter().any(|over| job["state"] == *over);
    let named = jobs.filter(|job| job["name"] == name && !is_over(job));
    named.map(|job| job["jid"].as_str().expect("an id").to_owned()).collect()
}

fn named(name: &str) -> String {
    format!("SET 'pipeline.name' = '{name}'; {BY_ID}")
}

#[test]
fn what_happens_is_said_line_by_line_and_the_id_alone_goes_to_stdout() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let output = submit(&up, directory.path(), &named("by id"), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (id, said) = (stdout(&output), stderr(&output));
    assert_eq!(running(&up, "by id"), [id.as_str()]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "source queries: topic user-queries of the embedded event log, from the earliest record",
            "query by_id: TUMBLE 1 h by query_id, into by_id (redis)",
            &format!("Job submitted successfully: by id with the id {id}"),
            "job by id is RUNNING",
        ]
    );

    // An error is shown at its place, with nothing before the drawing.
    let wrong = BY_ID.replace("COUNT(*)", "CUONT(*)");
    let output = submit(&up, directory.path(), &wrong, &[]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    let check = run(weir().arg("check").arg(directory.path().join("job.sql")));
    let (said, drawn) = (stderr(&output), stderr(&check));
    let behind = said.strip_prefix(drawn.trim_end()).unwrap_or_else(|| panic!("{said}"));
    assert!(behind.trim().starts_with("Failed to submit job: "), "{said}");
    assert!(stderr(&output).contains("job.sql:8:"), "{}", stderr(&output));

    // An error found only at the start is reported too.
    let output = submit(&up, directory.path(), &BY_ID.replace("'user-queries'", "'no topic'"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("topic name `no topic` is not valid"), "{}", stderr(&output));
    let output = run(weir().args(["run", "--dry-run", "x.sql"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(up.stop().success());
}

#[test]
fn the_built_in_job_is_replaced_and_stays_so() {
    let directory = tempfile::tempdir().expect("a directory");
    const BUILT_IN: &str = "Query Analytics Streaming";
    let up = Up::start(directory.path(), &[]);
    let [old] = &running(&up, BUILT_IN)[..] else { panic!("it runs") };
    let analytics = include_str!("../../../jobs/analytics.sql");
    let changed = analytics.replace("'weir.early-fire' = '1 s'", "'weir.early-fire' = '2 s'");
    let replace = ["--replace", BUILT_IN];
    let compared = submit(&up, directory.path(), &changed, &["--replace", BUILT_IN, "--dry-run"]);
    assert!(compared.status.success(), "{}", stderr(&compared));
    assert!(stdout(&compared).contains("keeps its state"), "{}", stdout(&compared));
    assert_eq!(running(&up, BUILT_IN), [old.as_str()], "nothing has happened yet");

    let output = submit(&up, directory.path(), &changed, &replace);
    assert!(output.status.success(), "{}", stderr(&output));
    let (new, said) = (stdout(&output), stderr(&output));
    assert!(said.contains(&format!("job {BUILT_IN} ({old}) has stopped; its state is in ")), "{said}");
    assert!(said.contains(&stdout(&compared)) && said.ends_with("is RUNNING\n"), "{said}");
    assert_eq!(running(&up, BUILT_IN), [new.as_str()]);
    assert!(list(&up, &[]).starts_with(&new) && list(&up, &[]).lines().count() == 1, "{}", list(&up, &[]));
    assert!(list(&up, &["--all"]).contains(&format!("{old}  FINISHED")), "{}", list(&up, &["--all"]));

    // A successor that cannot start leaves the job as it is, but with another id.
    let cannot = changed.replace("'topic' = '", "'topic' = 'no topic ");
    let output = submit(&up, directory.path(), &cannot, &["--replace", &new]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    let said = stderr(&output);
    assert!(said.contains("is not valid") && said.contains("continues as "), "{said}");
    up.wait_for_jobs(1);
    let [back] = &running(&up, BUILT_IN)[..] else { panic!("it runs") };
    assert!(said.contains(back.as_str()), "{said}");
    assert!(up.stop().success());

    // Neither the end of Weir nor its start brings the replaced job back.
    let up = Up::start(directory.path(), &[]);
    up.wait_for_jobs(1);
    assert_eq!(running(&up, BUILT_IN), [back.as_str()]);
    let sets = up.get_job(&format!("/jobs/{back}/config"))["execution-config"]["user-config"].clone();
    assert_eq!(sets["weir.early-fire"], "2 s");
    assert!(list(&up, &["--all"]).contains(&format!("{old}  FINISHED")), "{}", list(&up, &["--all"]));
    let details = up.get_job(&format!("/jobs/{old}"));
    assert!(details["vertices"][0]["metrics"]["read-records"].is_u64(), "{details}");
    let checkpoints = up.get_job(&format!("/jobs/{old}/checkpoints"));
    assert!(checkpoints["counts"]["completed"].as_u64().is_some_and(|n| n > 0), "{checkpoints}");

    // An ended job makes way for the built-in script.
    let cancelled = run(weir().args(["jobs", "cancel", back, "--jobs-url", &up.jobs_http]));
    assert!(cancelled.status.success(), "{}", stderr(&cancelled));
    up.wait_for_jobs(0);
    assert!(up.stop().success());
    let up = Up::start(directory.path(), &[]);
    let job = up.wait_for_jobs(1).remove(0);
    let sets = up.get_job(&format!("/jobs/{job}/config"))["execution-config"]["user-config"].clone();
    assert_eq!(sets["weir.early-fire"], "1 s");
    assert!(up.stop().success());
}

#[test]
fn a_weir_that_is_killed_while_a_job_is_replaced_goes_on_with_one_of_the_two() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");

    let scripts: Vec<_> = (0..2)
        .map(|number| {
            let path = directory.path().join(format!("{number}.sql"));
            let text =
                format!("SET 'pipeline.name' = 'by id'; SET 'weir.early-fire' = '{number} s'; {BY_ID}");
            std::fs::write(&path, text.replace("\nSET 'weir.early-fire' = '0 s';", "")).expect("a script");
            path
        })
        .collect();

    let nothing = directory.path().join("nothing.sql");
    std::fs::write(&nothing, "SET 'pipeline.name' = 'beside';".to_owned() + BY_ID).expect("a script");
    let script = nothing.to_str().expect("a path of this test");
    let start = || Up::start_in(&data, &[script], &[("WEIR_LOG", "error")]);
    let up = start();

    let replace = |up: &Up, round: usize| {
        let mut command = weir();
        command.arg("run").arg(&scripts[round % 2]).args(["--replace", "by id", "--jobs-url", &up.jobs_http]);
        command
    };

    let first = run(weir().arg("run").arg(&scripts[0]).args(["--jobs-url", &up.jobs_http]));
    assert!(first.status.success(), "{}", stderr(&first));
    let job = stdout(&first);
    assert_eq!(up.post(&(0..50).map(|id| event(id, 10)).collect::<Vec<_>>()), 202);
    up.wait_for_job(&job, |job| job["ledger"]["accepted"] == 50);

    // The duration of a replacement without a kill.
    let clock = SystemClock::new();
    assert!(run(&mut replace(&up, 1)).status.success());
    let takes = clock.elapsed();
    up.kill();

    let (mut made, rounds) = (0, 16);
    for round in 0..rounds {
        let up = start();
        up.wait_for_jobs(2);
        let [job] = &running(&up, "by id")[..] else {
            panic!("round {round}: {}", up.get_job("/jobs/overview"))
        };
        // Whichever of the two it is, it has counted every event once.
        up.wait_for_job(job, |job| job["ledger"]["accepted"] == 50 && job["ledger"]["counted"] == 50);

        let mut command = replace(&up, round);
        let replacing = std::thread::spawn(move || run(&mut command));
        pause_for(takes.mul_f64(1.2 * round as f64 / f64::from(rounds as u32)) + Duration::from_millis(1));
        up.kill();

        let output = replacing.join().expect("no panic");
        if output.status.success() {
            made += 1;
            let up = start();
            up.wait_for_jobs(2);
            assert_eq!(running(&up, "by id"), [stdout(&output)], "what was acknowledged stands");
            up.kill();
        }
    }

    // No file is left of an unfinished replacement.
    let up = start();
    up.wait_for_jobs(2);
    let left = std::fs::read_dir(data.join("jobs")).expect("it is there").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.ends_with(".replacement")), "{left:?} ({made} were made)");
    assert!(up.stop().success());
}
