//! Each route with each role: only permitted roles pass.

use server::guard::Role::{self, Analytics, Ingest, Operate, Submit, View};

use crate::{Guarded, error};

const JOB: &str = "00000000000000000000000000000001";

/// A listener, a request, and the roles that may send it.
type Line = (&'static str, &'static str, &'static str, &'static [Role]);

const ANY: &[Role] = &Role::ALL;
const VIEWERS: &[Role] = &[View, Operate, Submit];
const OPERATORS: &[Role] = &[Operate, Submit];

#[rustfmt::skip]
const TABLE: &[Line] = &[
    ("http", "POST", "/events", &[Ingest]),
    ("http", "POST", "/events/user-queries", &[Ingest]),
    ("http", "POST", "/events/", &[Ingest]),
    ("http", "GET", "/", &[Analytics]),
    ("http", "HEAD", "/", &[Analytics]),
    ("http", "GET", "/analytics/health", &[Analytics]),
    ("http", "GET", "/analytics/redis/faculty", &[Analytics]),
    ("http", "GET", "/analytics/redis/timeseries?days=1", &[Analytics]),
    ("http", "GET", "/ws/analytics", &[Analytics]),
    ("http", "GET", "/results", &[Analytics]),
    ("http", "HEAD", "/results/words", &[Analytics]),
    ("http", "GET", "/results/words/words:a?format=csv", &[Analytics]),
    ("http", "GET", "/results/words/events", &[Analytics]),
    ("http", "GET", "/ws/results", &[Analytics]),
    ("http", "GET", "/dashboards", &[Analytics]),
    ("http", "GET", "/dashboards/analytics", &[Analytics]),
    ("http", "PUT", "/dashboards/analytics", &[Submit]),
    ("http", "DELETE", "/dashboards/analytics", &[Submit]),
    ("http", "GET", "/alerts", &[Analytics]),
    ("http", "GET", "/alerts/slow", &[Analytics]),
    ("http", "GET", "/alerts/slow/history", &[Analytics]),
    ("http", "PUT", "/alerts/slow", &[Submit]),
    ("http", "DELETE", "/alerts/slow", &[Submit]),
    ("http", "POST", "/alerts/slow/test", &[Submit]),
    ("http", "GET", "/asyncapi.json", ANY),
    ("http", "GET", "/metrics", VIEWERS),
    ("http", "GET", "/status", VIEWERS),
    ("http", "GET", "/docs", ANY),
    ("http", "GET", "/docs/docs.js", ANY),
    ("http", "GET", "/openapi.json", ANY),
    ("jobs", "GET", "/", VIEWERS),
    ("jobs", "GET", "/jobs", VIEWERS),
    ("jobs", "GET", "/v1/jobs/overview/", VIEWERS),
    ("jobs", "GET", "/jobs/{job}/checkpoints", VIEWERS),
    ("jobs", "GET", "/jobmanager/config", VIEWERS),
    ("jobs", "GET", "/taskmanagers/weir/thread-dump", VIEWERS),
    ("jobs", "GET", "/weir/dead-letters", VIEWERS),
    ("jobs", "GET", "/weir/jobs/{job}", VIEWERS),
    ("jobs", "GET", "/openapi.json", ANY),
    ("jobs", "GET", "/assets/page.js", ANY),
    ("jobs", "PATCH", "/jobs/{job}?mode=cancel", OPERATORS),
    ("jobs", "GET", "/jobs/{job}/yarn-cancel", OPERATORS),
    ("jobs", "POST", "/v1/jobs/{job}/savepoints", OPERATORS),
    ("jobs", "POST", "/jobs/{job}/stop", OPERATORS),
    ("jobs", "POST", "/jobs/{job}/checkpoints", OPERATORS),
    ("jobs", "POST", "/savepoint-disposal", OPERATORS),
    ("jobs", "POST", "/applications/{job}/cancel", OPERATORS),
    ("jobs", "POST", "/weir/jobs/{job}/savepoint", OPERATORS),
    ("jobs", "POST", "/weir/dead-letters/replay", OPERATORS),
    ("jobs", "POST", "/weir/jobs", &[Submit]),
    ("jobs", "POST", "/jars/upload", &[Submit]),
    ("jobs", "DELETE", "/jars/x", &[Submit]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_route_answers_those_who_may_and_nobody_else() {
    let guarded = Guarded::start().await;
    let mounted = TABLE.iter().filter(|(listener, ..)| *listener == "jobs");
    let mounted = mounted.map(|(_, method, target, who)| ("http", *method, format!("/jobs{target}"), *who));
    let listed =
        TABLE.iter().map(|(listener, method, target, who)| (*listener, *method, (*target).to_owned(), *who));
    for (listener, method, target, who) in listed.chain(mounted) {
        let target = target.replace("{job}", JOB);
        let ask = async |headers: &[(&str, &str)]| match listener {
            "http" => guarded.http(method, &target, headers, "").await,
            _ => guarded.jobs(method, &target, headers, "").await,
        };

        let nobody = ask(&[]).await;
        assert_eq!(nobody.status, 401, "{listener} {method} {target}");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"weir\""));

        for role in Role::ALL {
            let answer = ask(&[("Authorization", &guarded.bearer(role))]).await;
            let may = who.contains(&role);
            let is_refused = matches!(answer.status, 401 | 403);
            assert_eq!(is_refused, !may, "{listener} {method} {target} as {role}: {}", answer.text());
            if !may && method != "HEAD" {
                assert_eq!(answer.status, 403);
                let least = who
                    .iter()
                    .find(|one| who.iter().all(|other| other.includes(**one)))
                    .expect("one that is least");
                assert_eq!(error(&answer), format!("the token lacks the role `{least}`"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn life_and_readiness_are_for_everybody_and_what_nobody_thought_of_is_for_nobody() {
    let guarded = Guarded::start().await;
    for path in ["/healthz", "/readyz", "/healthz/", "/login", "/login.css", "/session"] {
        let answer = guarded.http("GET", path, &[], "").await;
        assert!(matches!(answer.status, 200 | 307), "{path}: {}", answer.status);
    }
    for path in ["/nonsense", "/analytics", "/healthz/x", "//healthz", "/%68ealthz"] {
        assert_eq!(guarded.http("GET", path, &[], "").await.status, 401, "{path}");
        let known = guarded.http("GET", path, &[("Authorization", &guarded.bearer(Submit))], "").await;
        assert_eq!((known.status, error(&known)), (404, "Not Found".to_owned()), "{path}");
    }
    // The job manager is not below a path that only looks like its own.
    for path in ["/jobsx", "/%6aobs/config", "//jobs/config"] {
        let known = guarded.http("GET", path, &[("Authorization", &guarded.bearer(Submit))], "").await;
        assert_eq!((known.status, error(&known)), (404, "Not Found".to_owned()), "{path}");
    }
    for method in ["OPTIONS", "PUT", "HEAD"] {
        assert_eq!(guarded.jobs(method, "/jobs", &[], "").await.status, 401, "{method}");
    }
}
