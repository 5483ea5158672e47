//! Pages of other sites may not act, under whatever name they call this machine, with or without tokens.

use server::guard::{Guard, Options, Role};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_stranger_changes_nothing_whatever_token_it_has() {
    let guarded = Guarded::start().await;
    let (ingest, operate) = (guarded.bearer(Role::Ingest), guarded.bearer(Role::Operate));
    let cancel = format!("/jobs/{}/yarn-cancel", "0".repeat(32));
    for stranger in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
    {
        let sent = guarded.http("POST", "/events", &[stranger, ("Authorization", &ingest)], "{}").await;
        assert_eq!(sent.status, 403, "{stranger:?}");

        for (method, target) in
            [("POST", "/weir/dead-letters/replay"), ("PATCH", "/jobs/x"), ("GET", cancel.as_str())]
        {
            let acted = guarded.jobs(method, target, &[stranger, ("Authorization", &operate)], "").await;
            assert_eq!(
                (acted.status, error(&acted)),
                (403, "pages of this origin have no access".to_owned())
            );
        }

        let secret = guarded.secret(Role::View);
        let form = [stranger, ("Content-Type", "application/x-www-form-urlencoded")];
        assert_eq!(
            guarded.http("POST", "/login", &form, &format!("token={secret}")).await.status,
            403,
            "nor logs in"
        );

        let upgrade = [stranger, ("Upgrade", "websocket"), ("Authorization", &ingest)];
        assert_eq!(guarded.http("GET", "/ws/analytics", &upgrade, "").await.status, 403);
    }

    // Programs send no origin, and Weir's own pages send Weir's.
    let own = format!("http://{}", guarded.weir.address);
    for headers in [
        vec![],
        vec![("Origin", own.as_str())],
        vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")],
    ] {
        let headers = [headers, vec![("Authorization", ingest.as_str())]].concat();
        let sent = guarded.http("POST", "/events", &headers, r#"{"query_id":"a","ts":"x"}"#).await;
        assert_eq!(sent.status, 202, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_made_point_here_is_not_answered() {
    let clock = Arc::new(ManualClock::at(NOW));
    let options = Options { allowed_hosts: vec!["weir.example".to_owned()], ..Options::default() };
    let guard = Guard::new(options, Arc::clone(&clock) as _).expect("a guard");
    let weir = support::start_guarded(server::Options::default(), clock, Arc::clone(&guard), |_| {}).await;
    let world = world::start_guarded(server::flink::Options::default(), guard).await;

    for (address, path) in [(weir.address, "/status"), (world.address, "/jobs")] {
        for (host, status) in [
            ("evil.example", 421),
            ("evil.example:8000", 421),
            ("localhost.evil.example", 421),
            ("weir.example", 200),
            ("localhost:1", 200),
            ("gateway:8000", 200),
            ("[::1]", 200),
        ] {
            let answer = asked_by(address, host, path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}{path}: {answer}");
        }
    }

    let refused = asked_by(weir.address, "evil.example", "/status").await;
    assert!(refused.contains("security.allowed_hosts"), "{refused}");

    // Where a token is required, the name does not matter.
    let guarded = Guarded::start().await;
    let answer = asked_by(guarded.weir.address, "evil.example", "/status").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_may_not_even_read_jobs_and_a_dashboard_from_elsewhere_learns_what_it_lacks() {
    let guarded = Guarded::start().await;
    let view = guarded.bearer(Role::View);
    let read = async |origin: &str| {
        guarded.jobs("GET", "/jobs", &[("Origin", origin), ("Authorization", &view)], "").await
    };

    assert_eq!(read("https://evil.example").await.header("access-control-allow-origin"), None);
    assert_eq!(read("http://localhost:3000").await.header("access-control-allow-origin"), Some("*"));

    let answer = guarded.http("GET", "/analytics/health", &[("Origin", "http://localhost:3000")], "").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (401, Some("http://localhost:3000"))
    );

    let asks = [
        ("Origin", "http://localhost:3000"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let preflight = guarded.http("OPTIONS", "/analytics/health", &asks, "").await;
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-headers")),
        (200, Some("authorization"))
    );
}

/// Returns the answer to a request with this host name.
async fn asked_by(address: std::net::SocketAddr, host: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
