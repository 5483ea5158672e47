//! The routes for operators, the description of the API, and the dashboard's files.

mod support;

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};
use server::{JobTotals, Totals};
use support::{request, start};

#[tokio::test(flavor = "multi_thread")]
async fn the_process_lives_and_tells_what_is_not_ready() {
    let weir = start().await;
    assert_eq!(weir.get("/healthz").await.status, 200);
    assert_eq!(weir.json("/readyz").await["ready"], true);
    *weir.jobs.trouble.lock() = Some("analytics is restarting".to_owned());
    weir.store.away.store(true, Ordering::SeqCst);
    let answer = weir.get("/readyz").await;
    assert_eq!(answer.status, 503);
    let checks = &answer.json()["checks"];
    assert_eq!(checks[3], json!({"name": "jobs", "ok": false, "message": "analytics is restarting"}));
    assert_eq!((&checks[0]["ok"], &checks[1]["ok"]), (&json!(true), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_names_jobs_and_counts_events() {
    let weir = start().await;
    weir.post("/events", r#"[{"query_id":"a","ts":"x"},{}]"#).await;
    let status = weir.json("/status").await;
    assert_eq!((&status["events_accepted"], &status["events_rejected"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&status["jobs"][0]["name"], &status["jobs"][0]["state"]),
        (&json!("analytics"), &json!("RUNNING"))
    );
    weir.clock.advance(types::Interval(90_000));
    assert_eq!(weir.json("/status").await["uptime_seconds"], 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pulse_has_the_counts_of_the_jobs_and_what_is_wrong() {
    let weir = start().await;
    let job = JobTotals { id: "0".repeat(32), read: 900, late: 3, dead_lettered: 2 };
    *weir.jobs.totals.lock() = Totals { jobs: vec![job], ..Totals::default() };
    *weir.jobs.trouble.lock() = Some("job `analytics` has failed".to_owned());
    weir.until("/pulse", |pulse| pulse["late"] == 3 && pulse["jobs"]["ok"] == false).await;

    let pulse = weir.json("/pulse").await;
    assert_eq!((&pulse["dead_lettered"], &pulse["latency"]), (&json!(2), &Value::Null));
    assert_eq!(pulse["jobs"]["message"], "job `analytics` has failed");
    assert_eq!((&pulse["store"]["ok"], &pulse["log"]["ok"]), (&json!(true), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_hold_the_servers_own_and_those_of_others() {
    let weir = start().await;
    let checkpoints = Counter::<u64>::default();
    weir.handle
        .register(|registry| registry.register("checkpoints", "Checkpoints completed", checkpoints.clone()));
    checkpoints.inc_by(3);

    weir.json("/analytics/redis/faculty").await;
    weir.get("/no/such/path").await;

    let text = weir.get("/metrics").await.text();
    for line in [
        "weir_checkpoints_total 3",
        r#"weir_http_requests_total{route="/analytics/redis/faculty",method="GET",status="200"} 1"#,
        r#"weir_http_requests_total{route="none",method="GET",status="404"} 1"#,
        "weir_events_accepted_total 0",
        "# HELP weir_checkpoints_total Checkpoints completed.",
        "# TYPE weir_events_accepted_total counter",
        concat!("weir_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\",flink_version=\"2.3.0\"} 1"),
        "# TYPE process_start_time_seconds gauge",
        "process_cpu_seconds_total ",
        r#"weir_http_request_seconds_count{route="none",method="GET",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// Prometheus requests OpenMetrics; `curl` and old scrapers get the classic format, which `promtool` accepts.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let weir = start().await;
    let get = async |accept: &str| request(weir.address, "GET", "/metrics", &[("Accept", accept)], b"").await;
    let open = get("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5").await;
    assert!(open.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE weir_build info\n"));

    let classic = get("*/*").await;
    assert_eq!(classic.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = classic.text();
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    let helped: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    for sample in text.lines().filter(|line| !line.starts_with('#')) {
        let name = sample.split(['{', ' ']).next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        assert!(
            helped.contains(&name) || family.is_some_and(|of| helped.contains(&of)),
            "no help for {name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_every_route_its_parameters_and_every_message() {
    let weir = start().await;
    let api = weir.json("/openapi.json").await;

    for route in [
        "health",
        "redis/latest",
        "redis/faculty",
        "redis/year",
        "redis/heatmap",
        "redis/student-year",
        "redis/response-time",
        "redis/hourly-heatmap",
        "redis/popular-questions",
        "redis/department",
        "redis/popular-by-year",
        "redis/user-type",
        "redis/success-rate",
        "redis/overall-summary",
        "redis/timeseries",
    ] {
        let path = format!("/analytics/{route}");
        assert_eq!(weir.get(&path).await.status, 200);
        let answer = &api["paths"][&path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(answer["$ref"].is_string(), "{path} has an answer");
    }

    for path in [
        "/events",
        "/events/{topic}",
        "/ws/analytics",
        "/ws/results",
        "/results",
        "/results/{table}",
        "/results/{table}/{key}",
        "/results/{table}/events",
        "/dashboards",
        "/dashboards/{name}",
        "/alerts",
        "/alerts/{name}",
        "/alerts/{name}/history",
        "/alerts/{name}/test",
        "/asyncapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
        "/status",
        "/pulse",
        "/openapi.json",
    ] {
        assert!(api["paths"][path].is_object(), "{path}");
    }

    let parameters = &api["paths"]["/analytics/redis/popular-by-year"]["get"]["parameters"];
    let names: Vec<&Value> = parameters.as_array().expect("parameters").iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["year", "days", "limit"]);

    for message in ["Initial", "Update", "FeedStatus", "Pong", "Heartbeat", "FeedError", "Ping"] {
        assert!(api["components"]["schemas"][message].is_object(), "{message}");
    }

    let mut missing = Vec::new();
    references(&api, &mut |reference| {
        let name = reference.trim_start_matches("#/components/schemas/");
        if !api["components"]["schemas"][name].is_object() {
            missing.push(name.to_owned());
        }
    });
    assert_eq!(missing, Vec::<String>::new());
}

fn references(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                each(reference);
            }
            fields.values().for_each(|value| references(value, each));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, each)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_is_served_with_a_tag_and_kept_to_itself() {
    let weir = start().await;
    let page = weir.get("/explore/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(
        page.header("content-security-policy")
            .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
    );
    let tag = page.header("etag").expect("a tag");
    let again = request(weir.address, "GET", "/explore/", &[("If-None-Match", tag)], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    // A browser takes over the headers of a 304: another policy would block the page's own scripts.
    let policy = again.header("content-security-policy").expect("a policy");
    assert_eq!(Some(policy), page.header("content-security-policy"));
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/some/view"] {
        assert_eq!(weir.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_has_its_answers_and_no_cache_keeps_them() {
    let weir = start().await;
    let (page, pulse) = (weir.get("/").await, weir.get("/pulse").await);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!((page.header("cache-control"), page.header("etag")), (Some("no-store"), None));
    assert!(
        page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'self'"))
    );

    let text = String::from_utf8(page.body).expect("a page");
    let begin = "<script type=\"application/json\" id=\"answers\">";
    let data = text.split_once(begin).and_then(|(_, rest)| rest.split_once("</script>"));
    let data: Value = serde_json::from_str(data.expect("an element").0).expect("JSON");
    let pulse: Value = serde_json::from_slice(&pulse.body).expect("JSON");
    assert_eq!(data["pulse"]["body"]["job_manager_port"], pulse["job_manager_port"]);
    assert_eq!(data["dashboards/analytics"]["body"]["version"], 1);
    assert!(data["dashboards/analytics"]["etag"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_page_needs_nothing_from_elsewhere() {
    let weir = start().await;
    let page = weir.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(!page.text().contains("://"));
    for (file, kind) in [("js", "text/javascript; charset=utf-8"), ("css", "text/css; charset=utf-8")] {
        let answer = weir.get(&format!("/docs/docs.{file}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
    }
}

/// The dashboard's types are generated from a copy. `UPDATE_OPENAPI=1` rewrites the copy; `npm run types` in
/// `ui` generates the types.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_was_written_for_this_description() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/openapi.json");
    let api = start().await.json("/openapi.json").await;
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let text = serde_json::to_string_pretty(&api).expect("JSON") + "\n";
        std::fs::write(path, text).expect("the copy is written");
    }
    let copy = std::fs::read(path).expect("the copy is there");
    let copy: serde_json::Value = serde_json::from_slice(&copy).expect("the copy is JSON");
    assert!(
        copy == api,
        "ui/openapi.json is not the description that is served; UPDATE_OPENAPI=1 rewrites it"
    );
}
