//! Scripts of a page: checked and explained while they are written, and their queries run in sessions.

use serde_json::{Value, json};

use crate::first_error;
use crate::support::{Answer, request};
use crate::world::{SCRIPT, World, start};

/// The declarations of the script.
fn tables() -> &'static str {
    &SCRIPT[..SCRIPT.find("INSERT INTO").expect("an INSERT")]
}

async fn post(world: &World, target: &str, body: Value) -> Answer {
    world.post(target, "application/json", &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_what_is_wrong_at_its_place() {
    let world = start().await;
    let checked = post(&world, "/weir/sql/check", json!({"script": SCRIPT})).await.json();
    assert_eq!(
        (&checked["ok"], &checked["has_insert"], &checked["has_query"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(checked["findings"], json!([]));
    let names: Vec<&Value> =
        checked["objects"].as_array().into_iter().flatten().map(|of| &of["name"]).collect();
    assert_eq!(names, ["clicks", "counts"]);
    assert!(checked["objects"][0]["columns"][0]["data_type"].is_string(), "{checked}");

    let script = format!("{}SELECT nosuch FROM clicks;", tables());
    let checked = post(&world, "/weir/sql/check", json!({"script": script})).await.json();
    assert_eq!((&checked["ok"], &checked["has_query"]), (&json!(false), &json!(true)));
    let finding = &checked["findings"][0];
    let place = |name: &str| finding[name].as_u64().expect("a place") as usize;
    assert_eq!(&script[place("start")..place("end")], "nosuch", "{finding}");
    assert_eq!((&finding["severity"], &finding["column"]), (&json!("error"), &json!(12)));

    // Options are checked too, but not those of a query's rows.
    let wrong = SCRIPT.replacen("'format' = 'json'", "'format' = 'jason'", 1);
    let checked = post(&world, "/weir/sql/check", json!({"script": wrong})).await.json();
    assert_eq!(checked["ok"], false, "{checked}");
    let query = format!("{}SELECT id FROM clicks;", tables());
    let checked = post(&world, "/weir/sql/check", json!({"script": query})).await.json();
    assert_eq!((&checked["ok"], &checked["findings"]), (&json!(true), &json!([])));

    for body in ["", "[]", r#"{"scripd": "SELECT 1"}"#] {
        let refused = world.post("/weir/sql/check", "application/json", body).await;
        assert_eq!(refused.status, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_explained_as_text_and_as_a_graph() {
    let world = start().await;
    let explained = post(&world, "/weir/sql/explain", json!({"script": SCRIPT})).await.json();
    assert!(
        explained["text"].as_str().is_some_and(|text| text.contains("source clicks (kafka)")),
        "{explained}"
    );
    let names: Vec<&str> =
        explained["nodes"].as_array().into_iter().flatten().filter_map(|of| of["name"].as_str()).collect();
    assert_eq!(names, ["Source: clicks", "WindowAggregate: counts", "Sink: counts"]);
    assert_eq!(explained["edges"].as_array().map(Vec::len), Some(2));

    let wrong = post(&world, "/weir/sql/explain", json!({"script": "SELECT nosuch FROM nowhere;"})).await;
    assert_eq!(wrong.status, 400);
    assert!(first_error(&wrong).contains("nowhere"), "{}", wrong.text());
    let nothing = post(&world, "/weir/sql/explain", json!({"script": tables()})).await;
    assert!(
        nothing.status == 400 && first_error(&nothing).contains("nothing to explain"),
        "{}",
        nothing.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_listed() {
    let world = start().await;
    let functions = world.json("/weir/sql/functions").await;
    let all = functions.as_array().expect("functions");
    assert!(all.iter().any(|of| of["names"][0] == "LOWER" && of["doc"].is_string()), "{functions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_a_script_runs_in_a_session_of_this_listener() {
    let world = start().await;
    let opened = post(&world, "/weir/sql/sessions", json!({})).await.json();
    let session = format!("/weir/sql/sessions/{}", opened["sessionHandle"].as_str().expect("a handle"));
    let script = format!("{}SELECT id FROM clicks;", tables());
    let begun = post(&world, &format!("{session}/scripts"), json!({"script": script})).await.json();
    let operation = format!("{session}/operations/{}", begun["operationHandle"].as_str().expect("a handle"));

    let first = world.json(&format!("{operation}/result/0?rowFormat=JSON")).await;
    assert_eq!(first["results"]["columns"][0]["name"], "id", "{first}");
    let job = first["jobID"].as_str().expect("an id").to_owned();
    world.log.feed("clicks", r#"{"id":"a","moment":"2025-12-09 12:00:01Z"}"#);
    let page = world.json(&format!("{operation}/result/1?rowFormat=JSON")).await;
    assert_eq!(page["results"]["data"], json!([{"kind": "INSERT", "fields": ["a"]}]));

    // The query ends with its session.
    let closed = world.ask("DELETE", &session).await;
    assert_eq!((closed.status, closed.json()), (200, json!({"status": "CLOSED"})));
    world.until(&job, "CANCELED").await;

    let wrong = post(&world, "/weir/sql/sessions", json!({})).await.json();
    let session = format!("/weir/sql/sessions/{}", wrong["sessionHandle"].as_str().expect("a handle"));
    let begun =
        post(&world, &format!("{session}/scripts"), json!({"script": "SELECT x FROM nowhere"})).await.json();
    let operation = begun["operationHandle"].as_str().expect("a handle");
    let failed = world.ask("GET", &format!("{session}/operations/{operation}/result/0")).await;
    assert!(failed.status == 500 && failed.text().contains("nowhere"), "{}", failed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_strangers_may_not_compile_or_run() {
    let world = start().await;
    let stranger = [("Origin", "https://evil.example"), ("Content-Type", "application/json")];
    for target in ["/weir/sql/check", "/weir/sql/explain", "/weir/sql/sessions"] {
        let answer = request(world.address, "POST", target, &stranger, b"{}").await;
        assert_eq!(answer.status, 403, "{target}");
    }
}
