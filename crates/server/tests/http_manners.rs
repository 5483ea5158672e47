//! Behaviour that readers rely on besides the data: parameters, errors, redirects, HEAD, CORS, and limits.

mod support;

use serde_json::json;
use server::Options;
use support::{request, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_is_no_integer_is_422_in_fastapis_form() {
    let weir = start().await;
    let answer = weir.get("/analytics/redis/faculty?days=abc").await;
    assert_eq!(answer.status, 422);
    let expected = json!({"detail": [{"type": "int_parsing", "loc": ["query", "days"],
        "msg": "Input should be a valid integer, unable to parse string as an integer", "input": "abc"}]});
    assert_eq!(answer.json(), expected);
    for query in ["days=1.5", "days=", "days=%20", "limit=x", "year=x&days=1"] {
        assert_eq!(
            weir.get(&format!("/analytics/redis/popular-by-year?{query}")).await.status,
            422,
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_limit_is_422_and_all_problems_are_told_at_once() {
    let weir = start().await;
    let answer = weir.get("/analytics/redis/popular-questions?limit=-1&days=x").await;
    assert_eq!(answer.status, 422);
    let detail = &answer.json()["detail"];
    assert_eq!(detail[0]["loc"], json!(["query", "days"]));
    let negative = json!({"type": "greater_than_equal", "loc": ["query", "limit"],
        "msg": "Input should be greater than or equal to 0", "input": "-1", "ctx": {"ge": 0}});
    assert_eq!(detail[1], negative);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_repeated_parameter_the_last_wins_and_unknown_ones_are_ignored() {
    let weir = start().await;
    assert_eq!(weir.json("/analytics/redis/faculty?days=x&days=3&nonsense=1").await["days"], 3);
    assert_eq!(weir.json("/analytics/redis/faculty?days=%2B3").await["days"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let weir = start().await;
    for path in
        ["/analytics/redis/nonsense", "/analytics", "/nonsense", "/ws/other", "/analytics/redis/nonsense/"]
    {
        let answer = weir.get(path).await;
        assert_eq!((answer.status, answer.json()), (404, json!({"detail": "Not Found"})), "{path}");
    }
    for (method, path) in [
        ("POST", "/analytics/redis/faculty"),
        ("GET", "/events"),
        ("DELETE", "/analytics/health"),
        ("POST", "/"),
    ] {
        let answer = request(weir.address, method, path, &[], b"").await;
        assert_eq!((answer.status, answer.json()), (405, json!({"detail": "Method Not Allowed"})), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailing_slash_redirects_and_keeps_the_query() {
    let weir = start().await;
    let answer = weir.get("/analytics/redis/faculty/?days=3").await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("/analytics/redis/faculty?days=3")));
    assert_eq!(weir.get("//evil.example/analytics/health/").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_without_a_body() {
    let weir = start().await;
    for path in ["/analytics/redis/faculty", "/analytics/health", "/"] {
        let (get, head) = (weir.get(path).await, request(weir.address, "HEAD", path, &[], b"").await);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_this_machine_and_configured_ones_may_read_with_credentials() {
    let options = Options { cors_origins: vec!["https://board.example".to_owned()], ..Options::default() };
    let weir = start_with(options, |_| {}).await;

    for origin in ["http://localhost:3000", "http://127.0.0.1:8080", "https://board.example"] {
        let answer =
            request(weir.address, "GET", "/analytics/redis/faculty", &[("Origin", origin)], b"").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("etag,x-weir-complete"));

        let asks = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "x-a"),
        ];
        let preflight = request(weir.address, "OPTIONS", "/events", &asks, b"").await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some(origin)));
        assert_eq!(preflight.header("access-control-allow-headers"), Some("x-a"));
    }

    let answer =
        request(weir.address, "GET", "/analytics/redis/faculty", &[("Origin", "https://evil.example")], b"")
            .await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_headers_are_431() {
    let weir = start_with(Options { headers_max: 8, ..Options::default() }, |_| {}).await;
    let many: Vec<(String, String)> = (0..20).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(request(weir.address, "GET", "/healthz", &many, b"").await.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_files_are_compressed_for_those_who_ask() {
    use std::io::Read as _;

    let weir = start_with(Options::default(), |store| {
        for minute in 0..600 {
            let time = format!("2025-12-09T{:02}:{:02}:00", minute / 60, minute % 60);
            store.put(&format!("analytics:timeseries:minute:{time}"), json!({"query_count": minute}));
        }
    })
    .await;
    let target = "/analytics/redis/timeseries?granularity=minute";
    let plain = weir.get(target).await;
    assert_eq!(plain.header("content-encoding"), None);
    for (accepts, coding) in [("gzip", "gzip"), ("gzip, br", "br")] {
        let answer = request(weir.address, "GET", target, &[("Accept-Encoding", accepts)], b"").await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(coding)));
        let varies = |(name, value): &(String, String)| name == "vary" && value.contains("accept-encoding");
        assert!(answer.headers.iter().any(varies), "{:?}", answer.headers);
        assert!(answer.body.len() * 5 < plain.body.len(), "{} of {}", answer.body.len(), plain.body.len());
        if coding == "gzip" {
            // The body is chunked; the first bytes of gzip find its beginning.
            let start = answer.body.windows(2).position(|bytes| bytes == [0x1f, 0x8b]).expect("gzip");
            let mut first = [0; 20];
            flate2::read::GzDecoder::new(&answer.body[start..]).read_exact(&mut first).expect("gzip");
            assert_eq!(first, plain.body[..20]);
        }
    }
    let page = request(weir.address, "GET", "/", &[("Accept-Encoding", "gzip")], b"").await;
    assert_eq!((page.status, page.header("content-encoding")), (200, Some("gzip")));

    // Code is compressed when the dashboard is built: the length is known before it is sent.
    let page = String::from_utf8(weir.get("/").await.body).expect("a page");
    let script = page.split_once("src=\".").and_then(|(_, rest)| rest.split_once('"')).expect("a script").0;
    let code = request(weir.address, "GET", script, &[("Accept-Encoding", "gzip, br")], b"").await;
    assert_eq!((code.status, code.header("content-encoding")), (200, Some("br")));
    assert!(code.header("content-length").is_some(), "{:?}", code.headers);
    let plain = weir.get(script).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    assert!(plain.header("vary").is_some(), "{:?}", plain.headers);
}
