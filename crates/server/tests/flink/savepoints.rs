//! Savepoints, stops, checkpoints and disposals, as Flink's command line requests them.

use serde_json::json;

use crate::support::request;
use crate::world::{SCRIPT, World, start};
use crate::{NO_JOB, first_error};

const CHOSEN: &str = "0123456789abcdef0123456789abcdef";

/// Returns the path of a `file:` URL.
fn path(location: &serde_json::Value) -> std::path::PathBuf {
    let location = location.as_str().expect("a location");
    location.strip_prefix("file:").expect("a URL").into()
}

async fn fed(world: &World) -> String {
    let job = world.submit("clicks").await;
    for record in
        [r#"{"id":"a","moment":"2025-12-09 12:00:01Z"}"#, r#"{"id":"b","moment":"2025-12-09 12:00:02Z"}"#]
    {
        world.log.feed("clicks", record);
    }
    world.until_at(&format!("/weir/jobs/{job}"), |figures| figures["ledger"]["counted"] == 2).await;
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_by_a_chosen_id_is_written_once() {
    let world = start().await;
    let job = fed(&world).await;
    let target = format!("/v1/jobs/{job}/savepoints");
    let wanted = json!({"target-directory": null, "cancel-job": false, "formatType": "CANONICAL", "triggerId": CHOSEN});
    for _ in 0..3 {
        assert_eq!(world.triggered(&target, wanted.clone()).await, CHOSEN);
    }
    let written = world.completed(&format!("{target}/{CHOSEN}")).await;
    assert!(path(&written["location"]).join("_metadata").is_file(), "{written}");
    assert_eq!(world.triggered(&target, wanted).await, CHOSEN);
    assert_eq!(world.completed(&format!("{target}/{CHOSEN}")).await, written);
    assert_eq!(world.json(&format!("/jobs/{job}/checkpoints")).await["counts"]["total"], 1);
    let elsewhere = world.directory.path().join("savepoints/mine");
    let wanted =
        json!({"target-directory": format!("file://{}", elsewhere.display()), "formatType": "NATIVE"});
    let trigger = world.triggered(&target, wanted).await;
    let written = world.completed(&format!("{target}/{trigger}")).await;
    assert!(path(&written["location"]).starts_with(&elsewhere), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_is_over_when_its_savepoint_is_told() {
    let world = start().await;
    let ways = [
        ("stop", json!({"drain": false}), "FINISHED", 0),
        ("stop", json!({"drain": true}), "FINISHED", 1),
        ("savepoints", json!({"cancel-job": true}), "CANCELED", 0),
    ];
    for (route, body, status, rows) in ways {
        let job = fed(&world).await;
        let trigger = world.triggered(&format!("/v1/jobs/{job}/{route}"), body.clone()).await;
        let written = world.completed(&format!("/v1/jobs/{job}/savepoints/{trigger}")).await;
        assert!(path(&written["location"]).is_dir(), "{written}");
        assert_eq!(world.json(&format!("/jobs/{job}/status")).await["status"], status, "{body}");
        // The window is still open: only draining the job writes its result.
        let details = world.json(&format!("/jobs/{job}")).await;
        assert_eq!(details["vertices"][1]["metrics"]["write-records"], rows, "{body}");
        let result = world.json(&format!("/jobs/{job}/execution-result")).await;
        let expected = if status == "FINISHED" { "SUCCEEDED" } else { status };
        assert_eq!(result["job-execution-result"]["application-status"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_to_whoever_asks_after_it() {
    let world = start().await;
    let job = fed(&world).await;

    let savepoints = world.directory.path().join("savepoints");
    std::fs::create_dir_all(&savepoints).expect("a directory");
    std::fs::write(savepoints.join("file"), "in the way").expect("a file");
    let below_a_file = savepoints.join("file/below").display().to_string();
    let no_job = "FlinkJobNotFoundException";
    let no_checkpoint = "CheckpointException";

    let scenarios = [
        (NO_JOB, "savepoints", json!({}), no_job, format!("Could not find Flink job ({NO_JOB})")),
        (NO_JOB, "stop", json!({}), no_job, format!("Could not find Flink job ({NO_JOB})")),
        (NO_JOB, "checkpoints", json!({}), no_job, format!("Could not find Flink job ({NO_JOB})")),
        (
            &job,
            "savepoints",
            json!({"target-directory": "file:///proc/nope"}),
            no_checkpoint,
            "/proc/nope".to_owned(),
        ),
        (
            &job,
            "stop",
            json!({"targetDirectory": below_a_file}),
            no_checkpoint,
            "IO-problem detected".to_owned(),
        ),
    ];

    for (job, route, body, class, message) in scenarios {
        let trigger = world.triggered(&format!("/jobs/{job}/{route}"), body.clone()).await;
        let polled = if route == "checkpoints" { "checkpoints" } else { "savepoints" };
        // Flink spells the field in two ways.
        let field = if route == "checkpoints" { "failureCause" } else { "failure-cause" };
        let cause = world.completed(&format!("/jobs/{job}/{polled}/{trigger}")).await[field].clone();
        assert!(cause["class"].as_str().is_some_and(|name| name.ends_with(class)), "{route} {body}: {cause}");
        assert!(cause["stack-trace"].as_str().is_some_and(|text| text.contains(&message)), "{cause}");
        let serialized = cause["serialized-throwable"].as_str().expect("what Java reads");
        // Base64 of the magic number and version of serialized objects.
        assert!(serialized.starts_with("rO0AB"), "{serialized}");
    }

    assert_eq!(world.json(&format!("/jobs/{job}/status")).await["status"], "RUNNING");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_for_cannot_be_asked_after() {
    let world = start().await;
    let job = fed(&world).await;
    let bad = |name: &str| {
        format!(
            "org.apache.flink.runtime.rest.handler.RestHandlerException: Request did not match expected format {name}."
        )
    };

    let scenarios = [
        ("savepoints", r#"{"cancel-job": "maybe"}"#, bad("SavepointTriggerRequestBody")),
        ("savepoints", r#"{"triggerId": "short"}"#, bad("SavepointTriggerRequestBody")),
        ("savepoints", "{", bad("SavepointTriggerRequestBody")),
        ("stop", r#"{"formatType": "SQUARE"}"#, bad("StopWithSavepointRequestBody")),
        ("checkpoints", r#"{"checkpointType": "HALF"}"#, bad("CheckpointTriggerRequestBody")),
    ];

    for (route, body, error) in scenarios {
        let answer = world.post(&format!("/jobs/{job}/{route}"), "application/json", body).await;
        assert_eq!((answer.status, first_error(&answer)), (400, error), "{route} {body}");
    }

    for route in ["savepoints", "checkpoints"] {
        let answer = world.ask("GET", &format!("/jobs/{job}/{route}/{CHOSEN}")).await;
        let told = format!("operation with triggerId={CHOSEN} for job {job}.");
        assert!(answer.status == 404 && first_error(&answer).ends_with(&told), "{}", answer.text());
        assert_eq!(world.ask("GET", &format!("/jobs/{job}/{route}/short")).await.status, 400);
    }

    assert_eq!(world.ask("GET", &format!("/savepoint-disposal/{CHOSEN}")).await.status, 404);
    // Flink uses defaults for a request without a body.
    assert_eq!(world.post(&format!("/jobs/{job}/savepoints"), "text/plain", "").await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_savepoints_are_disposed_of() {
    let world = start().await;
    let job = fed(&world).await;

    let trigger = world.triggered(&format!("/jobs/{job}/savepoints"), json!({})).await;
    let location = world.completed(&format!("/jobs/{job}/savepoints/{trigger}")).await["location"].clone();
    let trigger = world.triggered(&format!("/jobs/{job}/checkpoints"), json!({})).await;
    world.completed(&format!("/jobs/{job}/checkpoints/{trigger}")).await;
    let checkpoint = world.directory.path().join(format!("checkpoints/{job}/chk-2"));
    assert!(checkpoint.is_dir());

    let dispose = |path: String| {
        let world = &world;
        async move {
            let body = json!({"savepoint-path": path}).to_string();
            let answer = world.post("/v1/savepoint-disposal", "application/json", &body).await;
            assert_eq!(answer.status, 200, "not 202 as everywhere else: {}", answer.text());
            let trigger = answer.json()["request-id"].as_str().expect("an id").to_owned();
            world.completed(&format!("/v1/savepoint-disposal/{trigger}")).await
        }
    };

    for (wrong, why) in [
        (checkpoint.display().to_string(), "is a checkpoint"),
        ("/etc".to_owned(), "is not in a savepoint directory"),
        (world.directory.path().join("savepoints/none").display().to_string(), "there is no checkpoint"),
    ] {
        let told = dispose(wrong).await["failure-cause"]["stack-trace"].to_string();
        assert!(told.contains(why), "{told}");
    }

    assert!(checkpoint.is_dir());
    assert_eq!(dispose(location.as_str().expect("a URL").to_owned()).await, json!({}));
    assert!(!path(&location).exists());
    assert!(dispose(location.as_str().expect("a URL").to_owned()).await["failure-cause"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_on_this_machine_names_any_directory() {
    let world = start().await;
    let job = fed(&world).await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let target = json!({"target": elsewhere.path().display().to_string()}).to_string();
    let route = format!("/weir/jobs/{job}/savepoint");

    let through_a_proxy = [("Content-Type", "application/json"), ("X-Forwarded-For", "192.0.2.7")];
    let refused = request(world.address, "POST", &route, &through_a_proxy, target.as_bytes()).await;
    assert_eq!(refused.status, 400, "{}", refused.text());

    let written = world.post(&route, "application/json", &target).await;
    assert_eq!(written.status, 200, "{}", written.text());
    let from = written.json()["location"].clone();

    let wanted = json!({"script": SCRIPT, "from": from, "dry_run": true}).to_string();
    let refused = request(world.address, "POST", "/weir/jobs", &through_a_proxy, wanted.as_bytes()).await;
    assert!(refused.status == 400 && first_error(&refused).contains("own machine"), "{}", refused.text());
    assert_eq!(world.post("/weir/jobs", "application/json", &wanted).await.status, 200);

    let allowed = vec![elsewhere.path().display().to_string()];
    let listed = server::flink::Options { savepoint_directories: allowed, ..Default::default() };
    let world = crate::world::start_with(listed).await;
    let job = fed(&world).await;
    let wanted = json!({"target-directory": elsewhere.path().join("deeper").display().to_string()});
    let trigger = world.triggered(&format!("/jobs/{job}/savepoints"), wanted).await;
    assert!(world.completed(&format!("/jobs/{job}/savepoints/{trigger}")).await["location"].is_string());
}
