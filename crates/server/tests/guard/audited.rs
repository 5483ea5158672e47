//! The audit log: the caller, the address, the request and its outcome.

use std::io::Write;
use std::sync::Mutex;

use serde_json::Value;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt};

use super::*;
use crate::world::SCRIPT;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("a lock").clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Returns the lines about a token, in short form.
    fn of(&self, who: &str) -> Vec<(String, String, u64, String)> {
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let lines = self.lines().into_iter().filter(|line| line["who"] == who);
        lines
            .map(|line| {
                (
                    text(&line, "event"),
                    text(&line, "path"),
                    line["status"].as_u64().unwrap_or_default(),
                    text(&line, "job"),
                )
            })
            .collect()
    }
}

/// All tests of this binary write to one subscriber; names of its own identify this test's lines.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_a_login_and_a_refusal_are_a_line_each_and_events_are_none() {
    let kept = Kept::default();
    let writer = kept.clone();
    let layer = fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let only = Targets::new().with_target("audit", Level::INFO);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(only)))
        .expect("the only one");
    let guarded = Guarded::start().await;
    let named = |name: &str, roles: &[Role]| {
        format!("Bearer {}", guarded.file.create(name, roles, NOW, None).expect("a token").1)
    };
    let (ci, app) = (named("ci", &[Role::Submit]), named("app", &[Role::Ingest]));
    guarded.expect(401, "/status", "Bearer weir_0").await;
    guarded.expect(403, "/analytics/health", &ci).await;
    guarded.expect(403, "/analytics/health", &app).await;
    let refused = |who: &str| kept.of(who).into_iter().filter(|line| line.0 == "refused").collect::<Vec<_>>();
    assert!(refused("ci").contains(&(
        "refused".to_owned(),
        "/analytics/health".to_owned(),
        403,
        String::new()
    )));

    let sql = [("Authorization", ci.as_str()), ("Content-Type", "application/sql")];
    let submitted = guarded.jobs("POST", "/weir/jobs?name=audited", &sql, SCRIPT).await;
    let job = submitted.json()["jobid"].as_str().expect("an id").to_owned();
    guarded.jobs("GET", &format!("/jobs/{job}"), &[("Authorization", &ci)], "").await;
    guarded.jobs("PATCH", &format!("/v1/jobs/{job}?mode=cancel"), &[("Authorization", &ci)], "").await;
    guarded.jobs("GET", &format!("/jobs/{job}/yarn-cancel"), &[("Authorization", &ci)], "").await;
    let changes: Vec<_> = kept.of("ci").into_iter().filter(|line| line.0 == "change").collect();
    let change = |path: &str, status| ("change".to_owned(), path.to_owned(), status, job.clone());
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(changes[..2], [change("/weir/jobs", 201), change(&format!("/v1/jobs/{job}"), 202)]);

    let json = [("Authorization", ci.as_str()), ("If-None-Match", "*")];
    let document = r#"{"version":1,"title":"T","panels":[]}"#;
    assert_eq!(guarded.http("PUT", "/dashboards/audited", &json, document).await.status, 201);
    assert_eq!(guarded.http("DELETE", "/dashboards/audited", &json[..1], "").await.status, 428);
    let saved: Vec<_> = kept.of("ci").into_iter().filter(|line| line.1 == "/dashboards/audited").collect();
    let change = |status| ("change".to_owned(), "/dashboards/audited".to_owned(), status, String::new());
    assert_eq!(saved, [change(201), change(428)]);

    let sent =
        guarded.http("POST", "/events", &[("Authorization", &app)], r#"{"query_id":"a","ts":"x"}"#).await;
    assert_eq!(sent.status, 202);
    assert!(kept.of("app").iter().all(|line| line.1 != "/events"), "events are counted, not listed");

    // Callers without a token do not fill the log. All of these requests come while the guard's clock stands
    // still.
    for _ in 0..150 {
        assert_eq!(guarded.jobs("GET", "/jobs/flood", &[], "").await.status, 401);
    }
    let floods = kept.lines().into_iter().filter(|line| line["path"] == "/jobs/flood").count();
    assert!((1..=100).contains(&floods), "{floods} lines");

    let secret = ci.trim_start_matches("Bearer ");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    guarded.http("POST", "/login", &form, &format!("token={secret}")).await;
    guarded.http("POST", "/login", &form, "token=weir_wrong").await;
    guarded.file.revoke("ci").expect("revoked");
    guarded.expect(401, "/status", &ci).await;
    let events: Vec<String> =
        kept.lines().iter().map(|line| line["event"].as_str().unwrap_or_default().to_owned()).collect();
    for event in ["login", "login failed", "token created", "token revoked"] {
        assert!(events.iter().any(|found| found == event), "{event} is missing in {events:?}");
    }
    let text = String::from_utf8(kept.0.lock().expect("a lock").clone()).expect("text");
    assert!(
        !text.contains(secret)
            && text.contains("\"peer\":\"127.0.0.1\"")
            && text.contains("\"listener\":\"jobs_http\"")
    );
}
