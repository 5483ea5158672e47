//! Statements and their results, in Flink's formats.

use serde_json::{Value, json};
use server::gateway::Options;

use crate::desk::{CLICKS, COUNTING, COUNTS, columns, fields, open, open_with};
use crate::world::World;

/// Returns the id of the job with a name.
async fn job_named(world: &World, name: &str) -> String {
    let listed = world.json("/jobs/overview").await;
    let jobs = listed["jobs"].as_array().expect("jobs");
    let found = jobs.iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("{name} in {listed}"));
    found["jid"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_is_answered_ok_in_flinks_words() {
    let desk = open().await;
    let operation = desk.begin(COUNTS).await;

    let columns = json!([{
        "name": "result",
        "logicalType": {"type": "VARCHAR", "nullable": true, "length": 2147483647},
        "comment": null
    }]);
    let row = json!([{"kind": "INSERT", "fields": ["OK"]}]);
    let page = |data: &Value| json!({"columns": columns, "rowFormat": "PLAIN_TEXT", "data": data});

    let first = json!({
        "resultType": "PAYLOAD", "isQueryResult": false, "resultKind": "SUCCESS", "results": page(&row),
        "nextResultUri": format!("{operation}/result/1?rowFormat=PLAIN_TEXT")
    });
    assert_eq!(desk.page(&operation, 0).await, first);

    let last = json!({
        "resultType": "EOS", "isQueryResult": false, "resultKind": "SUCCESS", "results": page(&json!([]))
    });
    assert_eq!(desk.page(&operation, 1).await, last);

    assert_eq!(desk.page(&operation, 0).await, first, "a page may be fetched again");
    assert_eq!(desk.status(&operation).await, "FINISHED");

    let closed = desk.json("DELETE", &format!("{operation}/close"), json!({})).await;
    assert_eq!(closed, json!({"status": "CLOSED"}));
    let gone = desk.ask("GET", &format!("{operation}/status"), json!({})).await;
    assert!(
        gone.status == 500 && gone.text().contains("Can not find the submitted operation"),
        "{}",
        gone.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_holds_is_listed_page_by_page() {
    let desk = open_with(Options { page_rows: 2, ..Options::default() }).await;
    for name in ["a", "b", "c"] {
        desk.run(&format!("CREATE TABLE {name} (n INT) WITH ('connector' = 'blackhole')")).await;
    }

    let operation = desk.begin("SHOW TABLES;").await;
    let first = desk.page(&operation, 0).await;
    assert_eq!(
        (first["resultKind"].as_str(), columns(&first)),
        (Some("SUCCESS_WITH_CONTENT"), vec!["table name".to_owned()])
    );
    assert_eq!(fields(&first), [json!(["a"]), json!(["b"])]);
    assert_eq!(fields(&desk.page(&operation, 1).await), [json!(["c"])]);
    assert_eq!(desk.page(&operation, 2).await["resultType"], "EOS");

    assert_eq!(desk.run("SHOW VIEWS").await["resultType"], "EOS", "nothing is an end at once");
    let described = desk.run("DESCRIBE a").await;
    assert_eq!(columns(&described), ["name", "type", "null", "key", "extras", "watermark"]);
    assert_eq!(fields(&described), [json!(["n", "INT", "TRUE", null, null, null])]);

    let explained = fields(&desk.run("EXPLAIN INSERT INTO a VALUES (1)").await);
    assert!(
        explained[0][0].as_str().expect("a text").starts_with("== Optimized Execution Plan =="),
        "{explained:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_is_a_job_that_outlives_its_session() {
    let desk = open().await;
    desk.run_all(&[CLICKS, COUNTS]).await;
    let page = desk.run(COUNTING).await;
    assert_eq!((page["isQueryResult"].as_bool(), columns(&page)), (Some(false), vec!["job id".to_owned()]));
    let job = page["jobID"].as_str().expect("an id").to_owned();
    assert_eq!(fields(&page), [json!([job])]);
    assert_eq!(job_named(&desk.world, "insert-into_default_catalog.default_database.counts").await, job);
    desk.run_all(&["SET 'pipeline.name' = 'a set'"]).await;
    let set = format!("EXECUTE STATEMENT SET BEGIN {COUNTING}; INSERT INTO counts VALUES (1), (2); END;");
    let second = desk.run(&set).await["jobID"].as_str().expect("an id").to_owned();
    assert_eq!(job_named(&desk.world, "a set").await, second);
    desk.json("DELETE", &format!("/v4/sessions/{}", desk.session), json!({})).await;
    for job in [&job, &second] {
        assert_eq!(desk.world.json(&format!("/jobs/{job}/status")).await["status"], "RUNNING");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_set_comes_piece_by_piece() {
    let desk = open().await;
    desk.run_all(&[CLICKS, COUNTS]).await;
    // As Flink's client sends a statement set: all lines so far, each time that a line ends with `;`.
    let unfinished = format!("EXECUTE STATEMENT SET BEGIN\n{COUNTING};");
    let text = desk.failure(&unfinished).await;
    assert!(text.contains("Encountered \"<EOF>\""), "{text}");
    assert!(desk.run(&format!("{unfinished}\nEND;")).await["jobID"].is_string());
    desk.run_all(&["BEGIN STATEMENT SET", "INSERT INTO counts VALUES (1)"]).await;
    let job = desk.run("END").await["jobID"].as_str().expect("an id").to_owned();
    desk.world.until(&job, "FINISHED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_and_stopped() {
    let desk = open().await;
    desk.run_all(&[CLICKS, COUNTS]).await;
    let start = || async { desk.run(COUNTING).await["jobID"].as_str().expect("an id").to_owned() };
    let (cancelled, stopped, drained) = (start().await, start().await, start().await);
    let listed = desk.run("SHOW JOBS").await;
    assert_eq!(columns(&listed), ["job id", "job name", "status", "start time"]);
    let rows = fields(&listed);
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0][0], &rows[0][2]), (&json!(cancelled), &json!("RUNNING")));
    assert_eq!(fields(&desk.run(&format!("DESCRIBE JOB '{stopped}'")).await)[0][0], json!(stopped));

    assert_eq!(fields(&desk.run(&format!("STOP JOB '{cancelled}'")).await), [json!(["OK"])]);
    desk.world.until(&cancelled, "CANCELED").await;
    let written = desk.run(&format!("STOP JOB '{stopped}' WITH SAVEPOINT")).await;
    assert_eq!(columns(&written), ["savepoint path"]);
    let place = fields(&written)[0][0].as_str().expect("a path").to_owned();
    assert!(place.contains("/savepoints/savepoint-"), "{place}");
    desk.world.until(&stopped, "FINISHED").await;
    desk.run(&format!("STOP JOB '{drained}' WITH SAVEPOINT WITH DRAIN;")).await;
    desk.world.until(&drained, "FINISHED").await;

    let nobody = "00000000000000000000000000000001";
    assert_eq!(
        desk.last_cause(&format!("STOP JOB '{nobody}'")).await,
        format!(
            "org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job ({nobody})"
        )
    );
    let over = desk.last_cause(&format!("STOP JOB '{stopped}'")).await;
    assert!(over.contains("terminal state (FINISHED)"), "{over}");
    let drain = desk.last_cause(&format!("STOP JOB '{stopped}' WITH DRAIN")).await;
    assert!(drain.contains("only be used after WITH SAVEPOINT"), "{drain}");
    let unknown = desk.last_cause("DESCRIBE JOB 'x'").await;
    assert!(unknown.contains("does not exist in the cluster"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_old_statements_give_way_to_new_ones() {
    let desk = open_with(Options { operations_max: 2, ..Options::default() }).await;
    let old = desk.begin("SHOW CATALOGS").await;
    desk.page(&old, 0).await;
    for _ in 0..2 {
        desk.run("SHOW CATALOGS").await;
    }
    assert_eq!(desk.ask("GET", &format!("{old}/status"), json!({})).await.status, 500);
    desk.run(CLICKS).await;
    for _ in 0..2 {
        desk.run("SELECT id FROM clicks").await;
    }
    let wanted = json!({"statement": "SHOW CATALOGS"});
    let refused = desk.ask("POST", &format!("/v4/sessions/{}/statements", desk.session), wanted).await;
    assert!(
        refused.status == 500 && refused.text().contains("2 unfinished statements"),
        "{}",
        refused.text()
    );
}
