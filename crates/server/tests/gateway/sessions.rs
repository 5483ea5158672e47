//! Sessions are opened, configured, kept and closed.

use std::time::Duration;

use serde_json::{Value, json};
use server::gateway::Options;

use crate::desk::{CLICKS, fields, open, open_with};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_learns_what_speaks_and_which_versions() {
    let desk = open().await;
    for prefix in ["", "/v1", "/v2", "/v3", "/v4"] {
        let info = desk.json("GET", &format!("{prefix}/info"), json!({})).await;
        assert_eq!(info["productName"], "Apache Flink");
        let versions = desk.json("GET", &format!("{prefix}/api_versions"), json!({})).await;
        assert_eq!(versions, json!({"versions": ["V1", "V2", "V3", "V4"]}));
    }
    let described = desk.json("GET", "/openapi.json", json!({})).await;
    assert!(described["paths"]["/sessions/{session}/statements"]["post"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_holds_its_settings_until_it_is_closed() {
    let desk = open().await;
    let handle = desk.open_session(json!({"parallelism.default": "2"})).await;
    let session = format!("/v4/sessions/{handle}");
    let configure = format!("{session}/configure-session");
    let set = json!({"statement": "SET 'pipeline.name' = 'mine';"});
    assert_eq!(desk.json("POST", &configure, set).await, json!({}));
    let properties = desk.json("GET", &session, json!({})).await;
    assert_eq!(properties, json!({"properties": {"parallelism.default": "2", "pipeline.name": "mine"}}));
    assert_eq!(desk.json("POST", &format!("{session}/heartbeat"), json!({})).await, json!({}));
    assert_eq!(desk.json("DELETE", &session, json!({})).await, json!({"status": "CLOSED"}));
    let gone = desk.ask("GET", &session, json!({})).await;
    assert_eq!(gone.status, 500);
    let text = gone.json()["errors"][0].as_str().expect("a text").to_owned();
    assert!(text.contains(&format!("Session '{handle}' does not exist.")), "{text}");
    // The other session is not affected.
    let own = desk.json("GET", &format!("/v4/sessions/{}", desk.session), json!({})).await;
    assert_eq!(own, json!({"properties": {}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_configured_by_what_sets_and_declares_alone() {
    let desk = open().await;
    let configure = format!("/v2/sessions/{}/configure-session", desk.session);
    assert_eq!(desk.json("POST", &configure, json!({"statement": CLICKS})).await, json!({}));
    assert_eq!(fields(&desk.run("SHOW TABLES").await), [json!(["clicks"])]);
    for (statement, cause) in [
        (
            "SELECT 1",
            "java.lang.UnsupportedOperationException: Unsupported statement for configuring session: SELECT 1",
        ),
        ("SET x", "org.apache.calcite.sql.parser.SqlParseException: "),
    ] {
        let refused = desk.ask("POST", &configure, json!({"statement": statement})).await;
        let text = refused.json()["errors"][1].as_str().expect("a text").to_owned();
        assert!(refused.status == 500 && text.contains(cause), "{statement}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_version_knows_less() {
    let desk = open().await;
    let session = format!("/v1/sessions/{}", desk.session);
    for (method, path) in [("POST", "configure-session"), ("GET", "complete-statement")] {
        let answer =
            desk.ask(method, &format!("{session}/{path}"), json!({"statement": "SET", "position": 1})).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["errors"][0], format!("Not found: {session}/{path}"));
    }

    let begun =
        desk.json("POST", &format!("{session}/statements"), json!({"statement": "SELECT TRUE"})).await;
    let operation = format!("{session}/operations/{}", begun["operationHandle"].as_str().expect("a handle"));

    let mut token = 0;
    let page = loop {
        let page =
            desk.json("GET", &format!("{operation}/result/{token}?rowFormat=PLAIN_TEXT"), json!({})).await;
        token += 1;
        if page["results"]["data"] != json!([]) {
            break page;
        }
    };

    assert_eq!(page["results"]["rowFormat"], "JSON");
    assert_eq!(fields(&page), [json!([true])]);
    assert_eq!(page["nextResultUri"], format!("{operation}/result/{token}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_completed_at_the_cursor() {
    let desk = open().await;
    desk.run(CLICKS).await;
    let complete = format!("/v4/sessions/{}/complete-statement", desk.session);
    let asked = json!({"statement": "SELECT 'é', * FROM cli WHERE", "position": 22});
    assert_eq!(desk.json("GET", &complete, asked).await, json!({"candidates": ["clicks"]}));
    assert_eq!(desk.ask("POST", &complete, json!({"statement": "S", "position": 1})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_sessions() {
    let desk = open_with(Options { sessions_max: 2, ..Options::default() }).await;
    let second = desk.open_session(json!({})).await;
    let refused = desk.ask("POST", "/v4/sessions", json!({})).await;
    assert!(
        refused.status == 500 && refused.text().contains("there are 2 sessions already"),
        "{}",
        refused.text()
    );
    desk.json("DELETE", &format!("/v4/sessions/{second}"), json!({})).await;
    desk.open_session(json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_uses_is_closed_and_its_queries_end() {
    let idle_timeout = Duration::from_secs(3);
    let desk = open_with(Options { idle_timeout, ..Options::default() }).await;
    desk.run(CLICKS).await;
    let query = desk.run("SELECT id FROM clicks").await;
    let job = query["jobID"].as_str().expect("an id");
    desk.world.until(job, "CANCELED").await;
    let gone = desk.ask("GET", &format!("/v4/sessions/{}", desk.session), json!({})).await;
    assert_eq!(gone.status, 500, "{}", gone.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_strangers_may_only_ask_what_speaks() {
    let desk = open().await;
    let headers = [("Origin", "https://evil.example"), ("Content-Type", "application/json")];
    let ask = |method: &'static str, path: &'static str| {
        crate::support::request(desk.address, method, path, &headers, b"{}")
    };
    assert_eq!(ask("POST", "/v4/sessions").await.status, 403);
    assert_eq!(ask("GET", "/v4/info").await.status, 200);
    let own = [("Origin", "http://localhost:5173")];
    let opened = crate::support::request(desk.address, "POST", "/v4/sessions", &own, b"").await;
    assert_eq!(opened.status, 200, "a body is not needed");
    assert!(opened.json()["sessionHandle"].is_string());
    let by_get = [("Sec-Fetch-Site", "cross-site")];
    let path = format!("/v4/sessions/{}", desk.session);
    assert_eq!(crate::support::request(desk.address, "GET", &path, &by_get, b"").await.status, 403);
    assert_ne!(Value::Null, desk.json("GET", &path, json!({})).await["properties"]);
}
