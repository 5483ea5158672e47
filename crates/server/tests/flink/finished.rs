//! A vertex that has reached the end of its input, in a job that goes on.

use serde_json::{Value, json};

use crate::world::{SCRIPT, World, start};

/// Starts a job that reads the clicks, and a row that the script itself contains.
async fn half_finished(world: &World) -> String {
    let (tables, insert) = SCRIPT.split_once("INSERT INTO").expect("an INSERT");
    let script = format!(
        "{tables}EXECUTE STATEMENT SET BEGIN INSERT INTO {insert} INSERT INTO counts SELECT n FROM (VALUES (1)) AS v (n); END;"
    );
    let answer = world.post("/weir/jobs?name=both", "application/sql", &script).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["jobid"].as_str().expect("an id").to_owned()
}

fn statuses(details: &Value) -> Vec<&str> {
    let vertices = details["vertices"].as_array().expect("vertices");
    vertices.iter().map(|vertex| vertex["status"].as_str().expect("a status")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vertex_that_read_all_of_its_input_is_finished_while_its_job_runs() {
    let world = start().await;
    let job = half_finished(&world).await;
    let target = format!("/jobs/{job}");
    let details = world.until_at(&target, |details| statuses(details).contains(&"FINISHED")).await;
    let is_finished = |vertex: &&Value| vertex["status"] == "FINISHED";
    let vertices = details["vertices"].as_array().expect("vertices");

    assert_eq!(details["state"], "RUNNING");
    assert_eq!(statuses(&details).iter().filter(|status| **status == "RUNNING").count(), 2, "{details}");
    assert_eq!(
        (&details["status-counts"]["FINISHED"], &details["status-counts"]["RUNNING"]),
        (&json!(1), &json!(2))
    );
    let finished = vertices.iter().find(is_finished).expect("it is there");
    assert_eq!((&finished["tasks"]["FINISHED"], &finished["tasks"]["RUNNING"]), (&json!(2), &json!(0)));
    let (began, end) = (finished["start-time"].as_i64(), finished["end-time"].as_i64());
    assert!(end >= began && began > Some(0), "{finished}");
    let running = vertices.iter().find(|vertex| !is_finished(vertex)).expect("it is there");
    assert_eq!(running["end-time"], -1);

    let id = finished["id"].as_str().expect("an id");
    let subtasks = world.json(&format!("{target}/vertices/{id}")).await["subtasks"].clone();
    for subtask in subtasks.as_array().expect("subtasks") {
        assert_eq!(subtask["status"], "FINISHED");
        assert!(subtask["end-time"].as_i64() > Some(0), "{subtask}");
    }
    let times = world.json(&format!("{target}/vertices/{id}/subtasktimes")).await;
    assert!(times["subtasks"][0]["timestamps"]["FINISHED"].as_i64() > Some(0), "{times}");
    let overview = world.json("/jobs/overview").await;
    let tasks = &overview["jobs"][0]["tasks"];
    assert_eq!((&tasks["finished"], &tasks["running"], &tasks["total"]), (&json!(2), &json!(4), &json!(6)));

    // A vertex that has ended by itself is not cancelled.
    world.ask("PATCH", &target).await;
    world.until(&job, "CANCELED").await;
    let mut ended = statuses(&world.json(&target).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
    ended.sort_unstable();
    assert_eq!(ended, ["CANCELED", "CANCELED", "FINISHED"]);
}
