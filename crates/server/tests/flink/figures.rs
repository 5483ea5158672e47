//! Metrics of a running job as Flink's pages request them: rates, backpressure, watermarks, threads, flame
//! graphs, logs.

use serde_json::{Value, json};

use crate::support::NOW;
use crate::world::{World, start};

/// Starts a job, and returns its id and the paths of its two vertices.
async fn running(world: &World) -> (String, [String; 2]) {
    let job = world.submit("clicks").await;
    let vertices = world.json(&format!("/jobs/{job}")).await["vertices"].clone();
    let path =
        |place: usize| format!("/jobs/{job}/vertices/{}", vertices[place]["id"].as_str().expect("an id"));
    let paths = [path(0), path(1)];
    (job, paths)
}

fn value<'a>(metrics: &'a Value, id: &str) -> &'a str {
    let metrics = metrics.as_array().expect("metrics");
    let metric = metrics.iter().find(|metric| metric["id"] == id);
    metric.and_then(|metric| metric["value"].as_str()).unwrap_or_else(|| panic!("no {id} in {metrics:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_events_is_idle_and_not_backpressured() {
    let world = start().await;
    let (_, [source, aggregate]) = running(&world).await;
    for vertex in [&source, &aggregate] {
        let told = world.until_at(&format!("{vertex}/backpressure"), |told| told["status"] == "ok").await;
        assert_eq!((&told["backpressure-level"], &told["backpressureLevel"]), (&json!("ok"), &json!("ok")));
        let subtasks = told["subtasks"].as_array().expect("subtasks");
        assert_eq!(subtasks.len(), 2);
        for subtask in subtasks {
            let of = |name: &str| subtask[name].as_f64().unwrap_or_else(|| panic!("{name}: {subtask}"));
            assert!(of("idleRatio") > of("busyRatio") && of("ratio") < 0.1, "{subtask}");
        }
        let rates = format!(
            "{vertex}/subtasks/metrics?get=backPressuredTimeMsPerSecond,busyTimeMsPerSecond,numRecordsInPerSecond"
        );
        let rates = world.json(&rates).await;
        assert_eq!(rates.as_array().map(Vec::len), Some(3), "{rates}");
        assert!(rates[0]["max"].is_number() && rates[0]["skew"].is_number(), "{rates}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watermarks_and_counters_are_those_of_the_events() {
    let world = start().await;
    let (job, [source, aggregate]) = running(&world).await;
    for second in ["01", "02", "13"] {
        let event = format!(r#"{{"id":"a","moment":"2025-12-09 12:00:{second}Z"}}"#);
        world.log.feed("clicks", String::leak(event));
    }
    let watermark = (NOW.0 + 12_000).to_string();
    let there =
        |told: &Value| told.as_array().is_some_and(|all| all.iter().all(|of| of["value"] == *watermark));
    let told = world.until_at(&format!("{aggregate}/watermarks"), there).await;
    assert_eq!((&told[0]["id"], told.as_array().map(Vec::len)), (&json!("0.currentInputWatermark"), Some(2)));
    assert_eq!(world.json(&format!("{source}/watermarks")).await, json!([]));

    let counted = |told: &Value| {
        let subtasks = told["subtasks"].as_array().expect("subtasks");
        let sum = |name: &str| {
            subtasks.iter().map(|of| of["metrics"][name].as_u64().expect("a number")).sum::<u64>()
        };
        let total = &told["aggregated"]["metrics"];
        for name in ["read-records", "write-records", "read-bytes", "write-bytes"] {
            assert_eq!(total[name]["sum"].as_u64(), Some(sum(name)), "{name}");
        }
        [sum("read-records"), sum("write-records"), sum("read-bytes"), sum("write-bytes")]
    };
    // The first window has closed: one row was written.
    let told = world.until_at(&aggregate, |told| counted(told)[1] == 1).await;
    let [received, _, received_bytes, sent_bytes] = counted(&told);
    let [read, sent, read_bytes, shipped_bytes] = counted(&world.json(&source).await);
    assert_eq!((read, sent, shipped_bytes, sent_bytes), (3, received, received_bytes, 0));
    assert!(sent > 0 && read_bytes > 100, "{sent} {read_bytes}");
    let metrics =
        world.json(&format!("{aggregate}/metrics?get=0.currentInputWatermark,1.numRecordsOut")).await;
    assert_eq!(value(&metrics, "0.currentInputWatermark"), watermark);
    assert!(["0", "1"].contains(&value(&metrics, "1.numRecordsOut")), "{metrics}");
    let restarts = world.json(&format!("/jobs/{job}/metrics?get=numRestarts,nosuch")).await;
    assert_eq!(restarts, json!([{"id": "numRestarts", "value": "0"}]));
    let skew = world.json(&format!("{source}/subtasks/metrics?get=numRecordsIn&agg=sum,skew")).await;
    assert_eq!(skew[0]["sum"], 3.0);
    assert!(skew[0]["skew"].is_number() && skew[0].get("max").is_none(), "{skew}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flame_graph_is_there_a_moment_after_it_was_asked_for() {
    let world = start().await;
    let (job, [source, aggregate]) = running(&world).await;
    for (vertex, frame) in [(&source, "Source::poll"), (&aggregate, "GlobalSubtask::receive")] {
        let target = format!("{vertex}/flamegraph?type=full");
        assert_eq!(world.json(&target).await, json!({"endTimestamp": -1}));
        let graph = world.until_at(&target, |graph| graph["endTimestamp"] != -1).await;
        assert_eq!((&graph["data"]["name"], &graph["data"]["value"]), (&json!("root"), &json!(200)));
        assert_eq!(graph["data"]["children"].as_array().map(Vec::len), Some(2), "a thread a subtask");
        assert!(graph["data"].to_string().contains(frame), "{graph}");

        let part = |of: &str| format!("{vertex}/flamegraph?{of}");
        let one = world.json(&part("subtaskindex=1")).await;
        assert_eq!(
            (&one["data"]["value"], &one["data"]["children"].as_array().map(Vec::len)),
            (&json!(100), &Some(1))
        );

        let shares = [world.json(&part("type=on_cpu")).await, world.json(&part("type=off_cpu")).await];
        let samples: u64 = shares.iter().map(|graph| graph["data"]["value"].as_u64().expect("samples")).sum();
        assert_eq!(samples, 200, "every sample is at work or waits");
    }

    assert_eq!(world.ask("GET", &format!("{source}/flamegraph?type=sideways")).await.status, 400);
    world.ask("PATCH", &format!("/jobs/{job}")).await;
    world.until(&job, "CANCELED").await;
    assert_eq!(world.json(&format!("{source}/flamegraph")).await, json!({"endTimestamp": -1}));
    assert_eq!(world.json(&format!("{source}/backpressure")).await, json!({"status": "deprecated"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_tells_of_itself() {
    let world = start().await;
    let (job, _) = running(&world).await;
    world.log_tail.add(b"a line that was logged\n");
    for of in ["/taskmanagers/weir", "/jobmanager"] {
        for log in ["log", "logs/weir.log"] {
            let answer = world.ask("GET", &format!("{of}/{log}")).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "a line that was logged\n"));
        }
        assert_eq!(world.json(&format!("{of}/logs")).await["logs"][0]["size"], 23);
        assert_eq!(world.ask("GET", &format!("{of}/logs/..%2f..%2fetc%2fpasswd")).await.status, 404);
        assert_eq!(world.ask("GET", &format!("{of}/stdout")).await.text(), "");
    }

    let details = world.json("/taskmanagers/weir").await;
    assert_eq!(details["allocatedSlots"].as_array().map(Vec::len), Some(2));
    assert_eq!(details["allocatedSlots"][0]["jobId"], json!(job));
    assert_eq!(world.json("/jobmanager/config").await, json!([{"key": "jobs.parallelism", "value": "1"}]));

    if cfg!(target_os = "linux") {
        let dump = world.json("/jobmanager/thread-dump").await.to_string();
        // The kernel keeps fifteen characters of a thread's name.
        assert!(dump.contains("Source: clicks ") && dump.contains("GlobalWindowAgg"), "{dump}");
        let metrics = world
            .json("/taskmanagers/weir/metrics?get=Status.JVM.Memory.Heap.Used,Status.JVM.Threads.Count")
            .await;
        let number = |id: &str| value(&metrics, id).parse::<u64>().expect("a whole number");
        assert!(
            number("Status.JVM.Memory.Heap.Used") > 1 << 20 && number("Status.JVM.Threads.Count") > 4,
            "{metrics}"
        );
    }
}
