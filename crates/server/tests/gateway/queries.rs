//! Queries: rows are returned as they arrive, page by page, until there are enough.

use std::time::Duration;

use serde_json::{Value, json};
use server::gateway::Options;

use crate::desk::{CLICKS, columns, fields, last_cause, open, open_with};

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_as_they_are_read() {
    let desk = open().await;
    desk.run_all(&[CLICKS, "SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh'"]).await;
    let operation = desk.begin("SELECT * FROM clicks WHERE id <> 'b'").await;
    let first = desk.page(&operation, 0).await;
    assert_eq!(
        (first["isQueryResult"].as_bool(), columns(&first)),
        (Some(true), ["id", "spot", "moment"].map(str::to_owned).to_vec())
    );
    assert_eq!(fields(&first), [] as [Value; 0], "the columns come at once");
    let row_type = &first["results"]["columns"][1]["logicalType"];
    assert_eq!(
        row_type["fields"][0],
        json!({"name": "page", "fieldType": {"type": "VARCHAR", "nullable": true, "length": 2147483647}})
    );

    // The fetch waits until there is a row.
    let waiting = desk.page(&operation, 1);
    tokio::pin!(waiting);
    let is_held = tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err();
    assert!(is_held, "nothing was there to answer");
    desk.world
        .log
        .feed("clicks", r#"{"id": "a", "spot": {"page": "p", "part": 7}, "moment": "2025-12-09 12:00:00Z"}"#);
    assert_eq!(fields(&waiting.await), [json!(["a", "(p, 7)", "2025-12-09 19:00:00.000"])]);

    desk.world.log.feed("clicks", r#"{"id": "b", "moment": "2025-12-09 12:00:01Z"}"#);
    desk.world.log.feed("clicks", r#"{"id": "c", "moment": "2025-12-09 12:00:01.5Z"}"#);
    let (rows, next) = desk.rows(&operation, 2, 1).await;
    assert_eq!(rows, [json!(["c", null, "2025-12-09 19:00:01.500"])]);
    assert_eq!(fields(&desk.page(&operation, next - 1).await), rows, "the page before may be fetched again");
    let early = desk.ask("GET", &format!("{operation}/result/{}", next + 1), json!({})).await;
    let text = early.json()["errors"][1].as_str().expect("a text").to_owned();
    assert_eq!(early.status, 500);
    assert!(
        text.contains(&format!("Expecting token to be {next} or {}, but found {}.", next - 1, next + 1)),
        "{text}"
    );

    let job = first["jobID"].as_str().expect("an id");
    assert_eq!(desk.status(&operation).await, "FINISHED", "as Flink says of a query that is under way");
    assert_eq!(
        desk.world.json(&format!("/jobs/{job}")).await["name"],
        "SELECT * FROM clicks WHERE id <> 'b'"
    );
    let cancelled = desk.json("POST", &format!("{operation}/cancel"), json!({})).await;
    assert_eq!(cancelled, json!({"status": "CANCELED"}));
    desk.world.until(job, "CANCELED").await;
    let after = desk.ask("GET", &format!("{operation}/result/{next}"), json!({})).await;
    assert!(after.status == 500 && after.text().contains("in CANCELED status"), "{}", after.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_the_query() {
    let desk = open().await;
    desk.run(CLICKS).await;
    let operation = desk.begin("SELECT id FROM clicks LIMIT 2").await;
    let job = desk.page(&operation, 0).await["jobID"].as_str().expect("an id").to_owned();
    for record in [
        r#"{"id": "a", "moment": "2025-12-09 12:00:00Z"}"#,
        r#"{"id": "b", "moment": "2025-12-09 12:00:00Z"}"#,
        r#"{"id": "c", "moment": "2025-12-09 12:00:00Z"}"#,
    ] {
        desk.world.log.feed("clicks", record);
    }
    let (rows, next) = desk.rows(&operation, 1, 2).await;
    assert_eq!(rows, [json!(["a"]), json!(["b"])]);
    let last = desk.page(&operation, next).await;
    assert_eq!((last["resultType"].as_str(), columns(&last)), (Some("EOS"), vec!["id".to_owned()]));
    assert_eq!(last["nextResultUri"], Value::Null);
    desk.world.until(&job, "FINISHED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_answered_when_they_close() {
    let desk = open().await;
    desk.run(CLICKS).await;
    let operation = desk
        .begin(
            "SELECT window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(moment), INTERVAL '10' SECOND))
             GROUP BY window_start, window_end LIMIT 1",
        )
        .await;
    desk.page(&operation, 0).await;
    for record in [
        r#"{"id": "a", "moment": "2025-12-09 12:00:01Z"}"#,
        r#"{"id": "b", "moment": "2025-12-09 12:00:02Z"}"#,
        r#"{"id": "c", "moment": "2025-12-09 12:00:21Z"}"#,
    ] {
        desk.world.log.feed("clicks", record);
    }
    let (rows, next) = desk.rows(&operation, 1, 1).await;
    assert_eq!(rows, [json!(["2025-12-09 12:00:10.000", "2"])]);
    assert_eq!(desk.page(&operation, next).await["resultType"], "EOS");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_written_out_come_to_an_end() {
    let desk = open().await;
    let statement = "SELECT a * 2 AS b, c FROM (VALUES (1, 'x'), (2, CAST(NULL AS STRING))) AS t (a, c)";
    for (format, expected) in [
        ("JSON", [json!([2, "x"]), json!([4, null])]),
        ("PLAIN_TEXT", [json!(["2", "x"]), json!(["4", null])]),
    ] {
        let operation = desk.begin(statement).await;
        let mut rows = Vec::new();
        for token in 0.. {
            let page =
                desk.json("GET", &format!("{operation}/result/{token}?rowFormat={format}"), json!({})).await;
            if page["resultType"] == "EOS" {
                break;
            }
            rows.extend(fields(&page));
        }
        assert_eq!(rows, expected, "{format}");
    }

    let operation = desk.begin("SELECT 1").await;
    assert_eq!(columns(&desk.page(&operation, 0).await), ["EXPR$0"]);
    assert_eq!(desk.rows(&operation, 1, 1).await.0, [json!(["1"])]);

    let none = desk.begin("VALUES (1), (2) LIMIT 0").await;
    desk.page(&none, 0).await;
    assert_eq!(desk.page(&none, 1).await["resultType"], "EOS");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_for_a_while_is_an_empty_page() {
    let desk = open_with(Options { hold: Duration::from_millis(1), ..Options::default() }).await;
    let show = desk.begin("SHOW CATALOGS").await;
    // The result may not be ready yet; then the same page is requested again.
    let page = loop {
        let page = desk.json("GET", &format!("{show}/result/0?rowFormat=JSON"), json!({})).await;
        if page["resultType"] != "NOT_READY" {
            break page;
        }
        assert_eq!(
            page,
            json!({"resultType": "NOT_READY", "nextResultUri": format!("{show}/result/0?rowFormat=JSON")})
        );
    };
    assert_eq!(page["resultType"], "PAYLOAD");

    let declare = desk.begin(CLICKS).await;
    while desk.json("GET", &format!("{declare}/result/0"), json!({})).await["resultType"] == "NOT_READY" {}
    let operation = desk.begin("SELECT id FROM clicks").await;
    while desk.json("GET", &format!("{operation}/result/0"), json!({})).await["resultType"] == "NOT_READY" {}

    for token in 1..4 {
        let page = desk.page(&operation, token).await;
        assert_eq!((page["resultType"].as_str(), fields(&page).len()), (Some("PAYLOAD"), 0));
        assert_eq!(page["nextResultUri"], format!("{operation}/result/{}?rowFormat=PLAIN_TEXT", token + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_with_what_it_was_fetched_through() {
    let desk = open_with(Options { queries_max: 1, ..Options::default() }).await;
    desk.run(CLICKS).await;
    // An ended query no longer counts, whether its end was fetched or not.
    for _ in 0..3 {
        let once = desk.begin("SELECT 1").await;
        let job = desk.page(&once, 0).await["jobID"].as_str().expect("an id").to_owned();
        assert_eq!(desk.rows(&once, 1, 1).await.0, [json!(["1"])]);
        desk.world.until(&job, "FINISHED").await;
    }

    let operation = desk.begin("SELECT id FROM clicks").await;
    let job = desk.page(&operation, 0).await["jobID"].as_str().expect("an id").to_owned();
    let refused = desk.last_cause("SELECT 1").await;
    assert!(refused.contains("queries are running already"), "{refused}");
    desk.json("DELETE", &format!("{operation}/close"), json!({})).await;
    desk.world.until(&job, "CANCELED").await;

    let second = desk.begin("SELECT id FROM clicks").await;
    let job = desk.page(&second, 0).await["jobID"].as_str().expect("an id").to_owned();
    // A waiting fetch is told the end.
    let (page, session) = (format!("{second}/result/1"), format!("/v4/sessions/{}", desk.session));
    let held = desk.ask("GET", &page, json!({}));
    tokio::pin!(held);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut held).await.is_err(), "there is no row");
    desk.json("DELETE", &session, json!({})).await;
    let held = held.await;
    assert!(held.status == 500 && held.text().contains("in CLOSED status"), "{}", held.text());
    desk.world.until(&job, "CANCELED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_cancelled_or_fails_elsewhere_says_so() {
    let desk = open().await;
    desk.run(CLICKS).await;
    let start = |statement: &'static str| async {
        let operation = desk.begin(statement).await;
        let job = desk.page(&operation, 0).await["jobID"].as_str().expect("an id").to_owned();
        (operation, job)
    };

    let (operation, job) = start("SELECT id FROM clicks").await;
    assert_eq!(desk.world.ask("PATCH", &format!("/jobs/{job}?mode=cancel")).await.status, 202);
    let answer = desk.ask("GET", &format!("{operation}/result/1"), json!({})).await;
    let cause = last_cause(answer.json()["errors"][1].as_str().expect("a text"));
    assert!(cause.ends_with(&format!("The job {job} was cancelled")), "{cause}");

    let (operation, job) = start("SELECT 1 / part FROM (SELECT CAST(id AS INT) AS part FROM clicks)").await;
    desk.world.log.feed("clicks", r#"{"id": "5", "moment": "2025-12-09 12:00:00Z"}"#);
    desk.world.log.feed("clicks", r#"{"id": "0", "moment": "2025-12-09 12:00:00Z"}"#);
    assert_eq!(desk.rows(&operation, 1, 1).await.0, [json!(["0"])]);

    let answer = desk.ask("GET", &format!("{operation}/result/2"), json!({})).await;
    let cause = last_cause(answer.json()["errors"][1].as_str().expect("a text"));
    let place = "the record at offset 1 of partition 0 of topic `clicks` could not be computed: / by zero";
    assert!(cause.contains(&format!("The job {job} has failed: {place}")), "{cause}");
    desk.world.until(&job, "FAILED").await;
    assert!(desk.world.dispatcher.is_healthy(), "whoever looks in vain breaks nothing");
}
