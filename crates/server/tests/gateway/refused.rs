//! Errors are answered as Flink answers them.

use serde_json::json;

use crate::desk::{CLICKS, COUNTS, last_cause, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_statement_fails_with_the_exceptions_of_flinks_planner() {
    let desk = open().await;
    desk.run_all(&[CLICKS, COUNTS]).await;
    let text = desk.failure("SELECT *\nFROM nosuch").await;
    for cause in [
        "SqlGatewayException: org.apache.flink.table.gateway.api.utils.SqlGatewayException: Failed to fetchResults.",
        "Caused by: org.apache.flink.table.gateway.api.utils.SqlGatewayException: Failed to fetchResults.",
        "Caused by: org.apache.flink.table.gateway.service.utils.SqlExecutionException: Failed to execute the operation ",
        "Caused by: org.apache.flink.table.api.ValidationException: SQL validation failed. From line 2, column 6 to line 2, \
         column 11: Object 'nosuch' not found",
        "Caused by: org.apache.calcite.runtime.CalciteContextException: From line 2, column 6 to line 2, column 11: ",
        "\n\nEnd of exception on server side>",
    ] {
        assert!(text.contains(cause), "{cause} in {text}");
    }
    assert_eq!(
        last_cause(&text),
        "org.apache.calcite.sql.validate.SqlValidatorException: Object 'nosuch' not found"
    );

    let validator = "org.apache.calcite.sql.validate.SqlValidatorException: ";
    let validation = "org.apache.flink.table.api.ValidationException: ";
    let parser = "org.apache.calcite.sql.parser.SqlParseException: ";
    let cases = [
        ("SELECT * FROM click", format!("{validator}Object 'click' not found; did you mean `clicks`?")),
        (
            "SELECT idd FROM clicks",
            format!("{validator}there is no column `idd` (line 1, column 8)\ndid you mean `id`?"),
        ),
        (
            "SELEC 1",
            format!("{parser}`SELEC` does not begin a statement (line 1, column 1)\ndid you mean `SELECT`?"),
        ),
        ("SELECT 1; SELECT 2", format!("{parser}one statement at a time (line 1, column 11)\n")),
        (
            "INSERT INTO nosuch SELECT 1",
            format!(
                "{validation}Table with identifier 'default_catalog.default_database.nosuch' does not exist."
            ),
        ),
        (
            "DROP TABLE nosuch",
            format!(
                "{validation}Table with identifier 'default_catalog.default_database.nosuch' does not exist."
            ),
        ),
        (
            COUNTS,
            "org.apache.flink.table.catalog.exceptions.TableAlreadyExistException: Table (or view) \
                  default_database.counts already exists in Catalog default_catalog."
                .to_owned(),
        ),
        (
            "SELECT id FROM clicks ORDER BY id",
            format!("{validator}a stream can only be sorted by its time, ascending"),
        ),
        ("SET 'weir.nosuch' = '1'", format!("{validator}there is no setting `weir.nosuch`")),
        ("USE CATALOG nosuch", format!("{validator}a catalog with name [nosuch] does not exist")),
    ];

    for (statement, expected) in cases {
        let cause = desk.last_cause(statement).await;
        assert!(cause.starts_with(&expected), "{statement}:\n{cause}\nis not\n{expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_tables_options_is_told_when_it_is_used() {
    let desk = open().await;
    desk.run_all(&[
        "CREATE TABLE wrong (n INT) WITH ('connector' = 'nosuch')",
        "CREATE TABLE fine (n INT) WITH ('connector' = 'blackhole')",
    ])
    .await;
    let cause = desk.last_cause("INSERT INTO fine SELECT n FROM wrong").await;
    assert!(cause.contains("nosuch"), "{cause}");
    let cause = desk.last_cause("SELECT * FROM wrong").await;
    assert!(
        cause.contains("nosuch") && !cause.contains("line"),
        "the place is in another statement: {cause}"
    );
    assert!(desk.run("INSERT INTO fine VALUES (1)").await["jobID"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_here_is_refused_and_not_left_out() {
    let desk = open().await;
    let statements = format!("/v4/sessions/{}/statements", desk.session);
    let wanted = json!({"statement": "SELECT 1", "executionConfig": {"pipeline.name": "x"}});
    let begun = desk.json("POST", &statements, wanted).await;
    let result = format!(
        "/v4/sessions/{}/operations/{}/result/0",
        desk.session,
        begun["operationHandle"].as_str().expect("a handle")
    );
    let refused = desk.ask("GET", &result, json!({})).await;
    assert!(
        refused.status == 500 && refused.text().contains("settings of one statement"),
        "{}",
        refused.text()
    );
    desk.run("SET 'execution.state-recovery.path' = '/somewhere'").await;
    let cause = desk.last_cause("SELECT 1").await;
    assert!(cause.contains("weir run --from"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_bad_request() {
    let desk = open().await;
    let handler = "org.apache.flink.runtime.rest.handler.RestHandlerException: ";
    let session = format!("/v4/sessions/{}", desk.session);
    let operation = desk.begin("SHOW CATALOGS").await;
    desk.page(&operation, 0).await;

    let bad = |kind: &str, name: &str, value: &str| {
        format!(
            "{handler}Bad request, could not parse parameters: Cannot resolve {kind} parameter ({name}) from value \"{value}\"."
        )
    };

    let cases = [
        ("GET", "/v4/sessions/x".to_owned(), 400, bad("path", "session_handle", "x")),
        ("GET", format!("{session}/operations/x/status"), 400, bad("path", "operation_handle", "x")),
        ("GET", format!("{operation}/result/x"), 400, bad("path", "token", "x")),
        ("GET", format!("{operation}/result/0?rowFormat=XX"), 400, bad("query", "rowFormat", "XX")),
        ("GET", "/v5/info".to_owned(), 404, "Not found: /v5/info".to_owned()),
        (
            "POST",
            format!("{session}/statements"),
            400,
            format!("{handler}Request did not match expected format ExecuteStatementRequestBody: "),
        ),
        ("POST", format!("{operation}/cancel"), 500, format!("{handler}Failed to cancelOperation.")),
    ];

    for (method, path, status, expected) in cases {
        let answer = desk.ask(method, &path, json!({})).await;
        let text = answer.json()["errors"][0].as_str().expect("a text").to_owned();
        assert_eq!(answer.status, status, "{path}: {text}");
        assert!(text.starts_with(&expected), "{path}: {text}");
    }
}
