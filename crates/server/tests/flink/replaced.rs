//! Jobs that are replaced over `/weir/jobs`, and jobs that ended before the process began.

use serde_json::{Value, json};

use crate::first_error;
use crate::world::{SCRIPT, start, start_again};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_replaced_and_the_answer_says_what_became_of_its_state() {
    let world = start().await;
    let old = world.submit("clicks").await;
    let ask = |script: String, replace: String, dry_run: bool| {
        json!({"script": script, "replace": replace, "dry_run": dry_run}).to_string()
    };
    let wider = format!(
        "{SCRIPT} CREATE TABLE last (moment TIMESTAMP_LTZ(3)) WITH ('connector' = 'blackhole');
         INSERT INTO last SELECT MAX(moment) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '10' SECOND))
         GROUP BY window_start, window_end;"
    );
    let json = "application/json";
    let answer = world.post("/weir/jobs", json, &ask(wider.clone(), "clicks".into(), true)).await;
    assert_eq!((answer.status, &answer.json()["complete"]), (200, &json!(false)), "{}", answer.text());
    let report = answer.json()["report"].clone();
    assert!(report.as_str().is_some_and(|text| text.contains("query `counts` keeps its state")), "{report}");

    for (replace, from, status) in
        [("nobody", Value::Null, 404), (old.as_str(), json!("/tmp"), 400), ("", Value::Null, 404)]
    {
        let body = json!({"script": SCRIPT, "replace": replace, "from": from}).to_string();
        assert_eq!(world.post("/weir/jobs", json, &body).await.status, status, "{replace}");
    }
    let wrong = world.post("/weir/jobs", json, &ask("SELECT".into(), "clicks".into(), false)).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    world.until(&old, "RUNNING").await;

    let answer = world.post("/weir/jobs", json, &ask(wider, "clicks".into(), false)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    assert_eq!((&made["name"], &made["state"]), (&json!("clicks"), &json!("RUNNING")));
    assert_eq!(made["replaced"]["jobid"], old.as_str());
    assert_eq!(made["replaced"]["report"], report);
    let queries = made["queries"].as_array().expect("lines");
    assert_eq!(queries[0], "query counts: TUMBLE 10 s, into counts (blackhole)");
    let new = made["jobid"].as_str().expect("an id").to_owned();
    assert_eq!(world.json(&format!("/jobs/{old}/status")).await["status"], "FINISHED");

    // A successor that cannot start leaves the old job running.
    let closed = SCRIPT.replace("${TOPIC}", "closed");
    let answer = world.post("/weir/jobs", json, &ask(closed, new, false)).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let error = first_error(&answer);
    let back = error.split("continues as ").nth(1).and_then(|rest| rest.get(..32)).expect("an id").to_owned();
    world.until(&back, "RUNNING").await;
}

/// Returns the answers of all routes that show a job, without the current time.
async fn pictures(world: &crate::world::World, job: &str) -> Vec<Value> {
    let mut pictures = Vec::new();
    let vertex = world.json(&format!("/jobs/{job}")).await["vertices"][0]["id"].clone();
    let vertex = vertex.as_str().expect("an id").to_owned();

    for route in [
        format!("/jobs/{job}"),
        format!("/jobs/{job}/status"),
        format!("/jobs/{job}/config"),
        format!("/jobs/{job}/plan"),
        format!("/jobs/{job}/exceptions"),
        format!("/jobs/{job}/accumulators"),
        format!("/jobs/{job}/execution-result"),
        format!("/jobs/{job}/checkpoints"),
        format!("/jobs/{job}/checkpoints/config"),
        format!("/jobs/{job}/checkpoints/details/1"),
        format!("/jobs/{job}/checkpoints/details/1/subtasks/{vertex}"),
        format!("/jobs/{job}/metrics?get=numRestarts,totalNumberOfCheckpoints"),
        format!("/jobs/{job}/vertices/{vertex}"),
        format!("/jobs/{job}/vertices/{vertex}/subtasktimes"),
        format!("/jobs/{job}/vertices/{vertex}/taskmanagers"),
        format!("/jobs/{job}/vertices/{vertex}/watermarks"),
        format!("/jobs/{job}/vertices/{vertex}/backpressure"),
        format!("/jobs/{job}/vertices/{vertex}/flamegraph"),
        format!("/jobs/{job}/vertices/{vertex}/subtasks/0"),
        format!("/applications/{job}"),
    ] {
        let mut picture = world.json(&route).await;
        if let Some(fields) = picture.as_object_mut() {
            fields.remove("now");
        }
        pictures.push(json!({route: picture}));
    }

    pictures
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_over_before_the_process_began_is_shown_as_it_was() {
    let world = start().await;
    let [canceled, failed] = [world.submit("clicks").await, world.submit("clicks").await];
    world.log.feed("clicks", r#"{"id": "a", "moment": "2025-12-09 00:00:01Z"}"#);
    for job in [&canceled, &failed] {
        let id = world.triggered(&format!("/jobs/{job}/checkpoints"), json!({})).await;
        world.completed(&format!("/jobs/{job}/checkpoints/{id}")).await;
    }
    assert_eq!(world.ask("PATCH", &format!("/jobs/{canceled}")).await.status, 202);
    world.until(&canceled, "CANCELED").await;
    world.log.break_down("clicks");
    world.until(&failed, "FAILED").await;
    let before = [pictures(&world, &canceled).await, pictures(&world, &failed).await];
    let overview = world.json("/jobs/overview").await;

    let world = start_again(world).await;
    assert!(world.dispatcher.jobs().is_empty());
    for (job, before) in [&canceled, &failed].into_iter().zip(before) {
        for (now, before) in pictures(&world, job).await.into_iter().zip(before) {
            assert_eq!(now, before);
        }
        assert_eq!(world.ask("GET", &format!("/weir/jobs/{job}")).await.status, 200);
    }
    assert_eq!(world.json("/jobs/overview").await, overview);
    // The same answers as for jobs that this process saw end.
    for (job, status) in [(&canceled, 202), (&failed, 409)] {
        assert_eq!(world.ask("PATCH", &format!("/jobs/{job}")).await.status, status, "{job}");
    }
    let id = world.triggered(&format!("/jobs/{canceled}/savepoints"), json!({})).await;
    let told = world.completed(&format!("/jobs/{canceled}/savepoints/{id}")).await;
    assert!(
        told["failure-cause"]["class"].as_str().is_some_and(|of| of.ends_with("FlinkJobNotFoundException")),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_is_over_and_on_record_when_that_is_answered() {
    let world = start().await;
    for _ in 0..10 {
        let job = world.submit("clicks").await;
        let target = format!("/weir/jobs/{job}/savepoint");
        let answer = world.post(&target, "application/json", r#"{"stop": true}"#).await;
        let record = std::fs::read_to_string(world.directory.path().join(format!("jobs/{job}.json")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record: Value = serde_json::from_str(&record.expect("a record")).expect("JSON");
        assert_eq!(record["fate"], "finished");
        assert_eq!(world.json(&format!("/jobs/{job}/status")).await["status"], "FINISHED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_started_again_can_be_given_up() {
    let world = start().await;
    let job = world.submit("clicks").await;
    let record = world.directory.path().join(format!("jobs/{job}.json"));
    world.dispatcher.shut_down(std::time::Duration::from_secs(20));
    let text = std::fs::read_to_string(&record).expect("a record");
    std::fs::write(&record, text.replace("COUNT(*)", "CUONT(*)")).expect("it can be written");
    let world = start_again(world).await;
    world.until(&job, "FAILED").await;
    let exceptions = world.json(&format!("/jobs/{job}/exceptions")).await;
    let why = exceptions["exceptionHistory"]["entries"][0]["stacktrace"].clone();
    assert!(why.as_str().is_some_and(|why| why.contains("CUONT")), "{exceptions}");
    assert_eq!(world.ask("PATCH", &format!("/jobs/{job}")).await.status, 202);
    world.until(&job, "CANCELED").await;
    let world = start_again(world).await;
    world.until(&job, "CANCELED").await;
}
