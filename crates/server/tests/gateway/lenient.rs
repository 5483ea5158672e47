//! Requests of Flink clients that are not Flink's own: Weir accepts what Flink accepts.

use serde_json::{Value, json};

use crate::desk::{Desk, fields, open};
use crate::support::request;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_format_is_named_in_letters_of_either_case() {
    let desk = open().await;
    let statement = "SELECT DATE '2026-01-01', 1.50";
    for (format, expected) in [
        ("json", json!(["2026-01-01", 1.50])),
        ("Json", json!(["2026-01-01", 1.50])),
        ("plain_text", json!(["2026-01-01", "1.50"])),
        ("Plain_Text", json!(["2026-01-01", "1.50"])),
    ] {
        let (page, row) = first_row(&desk, statement, format).await;
        assert_eq!((&page["results"]["rowFormat"], row), (&json!(format.to_uppercase()), expected));
    }
    let operation = desk.begin(statement).await;
    let refused = desk.ask("GET", &format!("{operation}/result/0?rowFormat=xml"), json!({})).await;
    assert_eq!(refused.status, 400);
}

/// Returns the first row of a statement's result, and the page that holds it.
async fn first_row(desk: &Desk, statement: &str, format: &str) -> (Value, Value) {
    let operation = desk.begin(statement).await;
    let mut token = 0;
    loop {
        let page =
            desk.json("GET", &format!("{operation}/result/{token}?rowFormat={format}"), json!({})).await;
        if let Some(row) = fields(&page).first() {
            return (page.clone(), row.clone());
        }
        assert_ne!(page["resultType"], "EOS", "{statement}");
        token += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_read_as_jackson_reads_them() {
    let desk = open().await;
    let send = async |target: &str, body: &[u8]| request(desk.address, "POST", target, &[], body).await;
    let openings: [&[u8]; 5] = [
        br#"{"sessionName": 5, "properties": {"parallelism.default": 2}}"#,
        b"\xef\xbb\xbf{\"properties\": {\"parallelism.default\": \"2\"}}",
        br#"{"properties": {"parallelism.default": "2"}} and more"#,
        br#"{"sessionName": "a", "sessionName": "b", "properties": {"parallelism.default": "2"}}"#,
        b"\xff\xfe{\0\"\0p\0r\0o\0p\0e\0r\0t\0i\0e\0s\0\"\0:\0n\0u\0l\0l\0}\0",
    ];
    for body in openings {
        let opened = send("/v4/sessions", body).await;
        assert_eq!(opened.status, 200, "{}", opened.text());
        let handle = opened.json()["sessionHandle"].as_str().expect("a handle").to_owned();
        let properties = desk.json("GET", &format!("/v4/sessions/{handle}"), json!({})).await;
        let parallelism = properties["properties"]["parallelism.default"].as_str();
        assert!(matches!(parallelism, None | Some("2")), "{properties}");
    }

    let statements = format!("/v4/sessions/{}/statements", desk.session);
    let begun = send(&statements, br#"{"statement": "SELECT 1", "executionTimeout": "0"}"#).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    for wrong in [&br#"{"statement": {}}"#[..], br#"{"statement": "SELECT 1", "executionTimeout": "soon"}"#] {
        let refused = send(&statements, wrong).await;
        assert_eq!(refused.status, 400);
        let errors = refused.json()["errors"][0].to_string();
        assert!(
            errors.contains("Request did not match expected format ExecuteStatementRequestBody"),
            "{errors}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_may_have_more_slashes_and_escapes() {
    let desk = open().await;
    let session = &desk.session;
    for target in ["//info", "/v4//", "/info//", "/v1%2Finfo", &format!("//v4/sessions%2F{session}/")] {
        let answer = desk.ask("GET", target, json!({})).await;
        let expected = if target == "/v4//" { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{target}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_may_be_closed_twice() {
    let desk = open().await;
    let operation = desk.begin("SELECT 1").await;
    let closed: Value = json!({"status": "CLOSED"});
    for _ in 0..2 {
        assert_eq!(desk.json("DELETE", &format!("{operation}/close"), json!({})).await, closed);
    }
    let never = format!("/v4/sessions/{}/operations/00000000-0000-4000-8000-000000000000", desk.session);
    assert_eq!(desk.json("DELETE", &format!("{never}/close"), json!({})).await, closed);
    assert_eq!(desk.ask("GET", &format!("{operation}/status"), json!({})).await.status, 500);
}

/// Flink writes local time into its JSON, and its JDBC driver shows it.
#[tokio::test(flavor = "multi_thread")]
async fn instants_are_shown_in_the_sessions_zone() {
    let desk = open().await;
    desk.run_all(&["SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh'"]).await;
    for (format, expected) in [("JSON", "2026-01-01T07:00:00.5Z"), ("PLAIN_TEXT", "2026-01-01 07:00:00.500")]
    {
        let (_, row) = first_row(&desk, "SELECT TO_TIMESTAMP_LTZ(1767225600500, 3)", format).await;
        assert_eq!(row, json!([expected]));
    }
}
