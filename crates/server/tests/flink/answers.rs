//! Compares the answers of every route with `answers.txt` and with the route's own description.

use serde_json::{Value, json};

use crate::world::{World, start};
use crate::{as_flink, holds};

/// A job that has run, was checkpointed and has written a savepoint, and the values of the names in paths.
struct Scene {
    world: World,
    names: Vec<(&'static str, String)>,
}

impl Scene {
    async fn set() -> Scene {
        let world = start().await;
        let job = world.submit("clicks").await;

        world.log.feed("clicks", r#"{"id":"a","moment":"2025-12-09 12:00:01Z"}"#);
        let target = format!("/weir/jobs/{job}");
        world.until_at(&target, |figures| figures["ledger"]["counted"] == 1).await;

        let taken = world.triggered(&format!("/jobs/{job}/checkpoints"), json!({})).await;
        let checkpoint =
            world.completed(&format!("/jobs/{job}/checkpoints/{taken}")).await["checkpointId"].clone();
        let trigger = world.triggered(&format!("/jobs/{job}/savepoints"), json!({})).await;
        world.completed(&format!("/jobs/{job}/savepoints/{trigger}")).await;

        let vertices = world.json(&format!("/jobs/{job}")).await["vertices"].clone();
        let vertex = |place: usize| vertices[place]["id"].as_str().expect("an id").to_owned();
        let backpressure = format!("/jobs/{job}/vertices/{}/backpressure", vertex(0));
        world.until_at(&backpressure, |answer| answer["status"] == "ok").await;

        let names = vec![
            (":job", job),
            (":source", vertex(0)),
            (":aggregate", vertex(1)),
            (":checkpoint", checkpoint.to_string()),
            (":trigger", trigger),
            (":taken", taken),
        ];
        Scene { world, names }
    }

    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn name(&self, wanted: &str) -> &str {
        &self.names.iter().find(|(name, _)| *name == wanted).expect("a name").1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_the_fields_that_flinks_clients_require() {
    let scene = Scene::set().await;
    let blocks = include_str!("answers.txt").split("\nGET ").skip(1);
    for block in blocks {
        let mut lines = block.lines();
        let target = scene.filled(lines.next().expect("a path"));
        let fields: Vec<String> =
            lines.map(str::trim).filter(|line| !line.is_empty()).map(|line| scene.filled(line)).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let (path, query) = target.split_once('?').unwrap_or((&target, "unknown=1"));

        for target in [format!("{path}?{query}"), format!("/v1{path}?{query}"), format!("{path}/?{query}")] {
            let answer = as_flink(&scene.world, "GET", &target).await;
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            if !path.ends_with("openapi.json") {
                assert_eq!(
                    answer.header("content-type"),
                    Some("application/json; charset=UTF-8"),
                    "{target}"
                );
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{target}");
            }
            holds(&answer.json(), &fields);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_is_described_answers_as_it_says() {
    let scene = Scene::set().await;
    let document = scene.world.json("/openapi.json").await;
    let paths = document["paths"].as_object().expect("paths");

    for (path, item) in paths {
        let Some(get) = item.get("get") else { continue };
        let trigger = if path.contains("checkpoints") { ":taken" } else { ":trigger" };
        let values = [
            ("{job}", scene.name(":job")),
            ("{vertex}", scene.name(":source")),
            ("{trigger}", scene.name(trigger)),
            ("{id}", scene.name(":checkpoint")),
            ("{taskmanager}", "weir"),
            ("{subtask}", "0"),
            ("{attempt}", "0"),
            ("{name}", "weir.log"),
        ];
        let target = values.iter().fold(path.clone(), |target, (name, value)| target.replace(name, value));
        // These routes need something that does not exist, or end the job.
        if ["yarn-cancel", "savepoint-disposal", "dead-letters", "{rescale}"]
            .iter()
            .any(|part| path.contains(part))
        {
            continue;
        }

        let answer = scene.world.ask("GET", &target).await;
        let status = answer.status.to_string();
        assert!(get["responses"].get(&status).is_some(), "{target}: {status} {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_checkpoint_add_up() {
    let scene = Scene::set().await;
    let at = |path: &str| scene.filled(&format!("/jobs/:job/checkpoints{path}"));
    let all = scene.world.json(&at("")).await;
    assert_eq!(
        all["counts"],
        json!({"restored": 0, "total": 2, "in_progress": 0, "completed": 2, "failed": 0})
    );

    assert_eq!(all["history"][0]["checkpoint_type"], "SAVEPOINT");
    assert_eq!(
        (&all["history"][1]["className"], &all["history"][1]["discarded"]),
        (&json!("completed"), &json!(false))
    );
    assert_eq!(
        all["summary"]["state_size"]["max"].as_i64(),
        all["latest"]["savepoint"]["state_size"].as_i64()
    );

    let details = scene.world.json(&at("/details/:checkpoint")).await;
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value} is no number"));
    assert_eq!((number(&details["num_subtasks"]), number(&details["num_acknowledged_subtasks"])), (4, 4));
    let tasks = details["tasks"].as_object().expect("vertices");
    assert_eq!(tasks.len(), 2, "every vertex of the job");
    let whole = number(&details["checkpointed_size"]);
    let parts: u64 = tasks.values().map(|task| number(&task["checkpointed_size"])).sum();
    assert!(parts > 0 && parts < whole && whole - parts < 100, "{parts} of {whole}");

    for vertex in [":source", ":aggregate"] {
        let of = scene.world.json(&at(&format!("/details/:checkpoint/subtasks/{vertex}"))).await;
        let subtasks = of["subtasks"].as_array().expect("subtasks");
        let bytes: u64 = subtasks.iter().map(|subtask| number(&subtask["checkpointed_size"])).sum();
        assert_eq!((subtasks.len(), bytes), (2, number(&of["checkpointed_size"])));
        assert_eq!(bytes, number(&tasks[scene.name(vertex)]["checkpointed_size"]));
    }

    let config = scene.world.json(&at("/config")).await;
    assert_eq!((&config["mode"], &config["timeout"]), (&json!("exactly_once"), &json!(20_000)));
}
