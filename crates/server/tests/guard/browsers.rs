//! Browsers log in by a form, get a cookie, and return to the page they asked for.

use server::guard::Role;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use types::Interval;

use crate::support::Answer;
use crate::{Guarded, closed};

const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

async fn log_in(guarded: &Guarded, secret: &str, to: &str) -> Answer {
    guarded.http("POST", "/login", &[FORM], &format!("token={secret}&to={to}")).await
}

/// Returns the `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("a cookie");
    set.split(';').next().expect("a pair").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_leads_to_the_form_and_the_form_back_to_the_page() {
    let guarded = Guarded::start().await;
    let answer = guarded.http("GET", "/docs?x=1&y=%20", &[HTML], "").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/login?to=/docs%3Fx%3D1%26y%3D%2520"))
    );
    let form = guarded.http("GET", "/login?to=/docs%3Fx%3D1%26y%3D%2520", &[HTML], "").await;
    assert_eq!(form.status, 200);
    assert!(form.text().contains("value=\"/docs?x=1&amp;y=%20\""), "{}", form.text());
    let policy = form.header("content-security-policy").expect("a policy");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(
        guarded.http("GET", "/login.css", &[], "").await.header("content-type"),
        Some("text/css; charset=utf-8")
    );

    let answer = log_in(&guarded, guarded.secret(Role::Analytics), "/docs%3Fx%3D1").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/docs?x=1")));
    let set = answer.header("set-cookie").expect("a cookie");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(set.contains(part), "{part} is missing in {set}");
    }
    assert!(!set.contains("Secure") && !set.contains(guarded.secret(Role::Analytics)));
    let cookie = cookie(&answer);
    let with = [("Cookie", cookie.as_str()), HTML];
    assert_eq!(guarded.http("GET", "/", &with, "").await.status, 200);
    let session = guarded.http("GET", "/session", &with, "").await.json();
    assert_eq!(session, serde_json::json!({"required": true, "name": "analytics", "roles": ["analytics"]}));
    // The other listener knows the session too, and reports the role that its token lacks.
    let lacks = guarded.jobs("GET", "/", &with, "").await;
    assert!(lacks.status == 403 && lacks.text().contains("lacks the role `view`"), "{}", lacks.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_below_the_dashboard_log_in_there_and_only_serve_its_own_pages() {
    let cors_origins = vec!["https://board.example".to_owned()];
    let http = server::Options { cors_origins, ..server::Options::default() };
    let guarded = Guarded::start_with(server::guard::Options::default(), http).await;
    let to = async |target: &str, headers: &[(&str, &str)]| {
        let answer = guarded.http("GET", target, headers, "").await;
        (answer.status, answer.header("location").map(str::to_owned))
    };
    assert_eq!(to("/jobs", &[HTML]).await, (308, Some("jobs/".to_owned())));
    assert_eq!(to("/jobs/", &[HTML]).await, (303, Some("/login?to=/jobs/".to_owned())));
    assert_eq!(
        to("/jobs/config?x=1", &[HTML]).await,
        (303, Some("/login?to=/jobs/config%3Fx%3D1".to_owned()))
    );

    let with = async |role: Role| cookie(&log_in(&guarded, guarded.secret(role), "/jobs/").await);
    let (board, operator) = (with(Role::Analytics).await, with(Role::Operate).await);
    let lacks = guarded.http("GET", "/jobs/", &[("Cookie", &board), HTML], "").await;
    assert_eq!(lacks.status, 403);
    assert!(lacks.text().contains("value=\"/jobs/\"") && lacks.text().contains("`view`"), "{}", lacks.text());

    let own = format!("http://{}", guarded.weir.address);
    let cancel = "/jobs/jobs/00000000000000000000000000000001?mode=cancel";
    for (origin, status, allowed) in [
        (own.as_str(), 404, Some("*")),
        ("https://board.example", 403, None),
        ("https://evil.example", 403, None),
    ] {
        let headers = [("Cookie", operator.as_str()), ("Origin", origin)];
        let answer = guarded.http("PATCH", cancel, &headers, "").await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.text());
        let answer = guarded.http("GET", "/jobs/config", &headers, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, allowed), "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_are_taken_as_browsers_send_them() {
    let guarded = Guarded::start().await;
    let secret = guarded.secret(Role::View);

    for (send, address) in [(true, guarded.weir.address), (false, guarded.world.address)] {
        let own = format!("http://{address}");
        for (headers, status) in [
            (vec![("Origin", own.as_str())], 303),
            (vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], 303),
            // A browser that hides the page's address still tells whose page it is.
            (vec![("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], 303),
            (vec![("Origin", "null")], 403),
            (vec![("Origin", "null"), ("Sec-Fetch-Site", "cross-site")], 403),
        ] {
            let headers = [headers, vec![FORM]].concat();
            let body = format!("token={secret}");
            for (target, body) in [("/login", body.as_str()), ("/logout", "")] {
                let answer = match send {
                    true => guarded.http("POST", target, &headers, body).await,
                    false => guarded.jobs("POST", target, &headers, body).await,
                };
                assert_eq!(answer.status, status, "{target} {headers:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_to_a_page_of_somebody_else_nor_shown_what_they_wrote() {
    let guarded = Guarded::start().await;
    for to in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "evil",
        "",
        "/a%0D%0ASet-Cookie:%20x=y",
    ] {
        let answer = log_in(&guarded, guarded.secret(Role::View), to).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{to}");
    }
    let form = guarded.http("GET", "/login?to=/%22%3E%3Cscript%3E", &[], "").await;
    assert!(!form.text().contains("<script>"), "{}", form.text());
    let answer = guarded.http("GET", "/\"><script>", &[HTML], "").await;
    assert!(!answer.text().contains("<script>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_and_what_it_opened_and_a_revoked_token_too() {
    let guarded = Guarded::start().await;
    let sessions = [
        cookie(&log_in(&guarded, guarded.secret(Role::Analytics), "/").await),
        cookie(&log_in(&guarded, guarded.secret(Role::Analytics), "/").await),
    ];

    let mut sockets = Vec::new();
    for cookie in &sessions {
        let mut handshake =
            format!("ws://{}/ws/analytics", guarded.weir.address).into_client_request().expect("a request");
        handshake.headers_mut().insert("cookie", format!("other=1; {cookie}").parse().expect("a value"));
        sockets.push(connect_async(handshake).await.expect("a handshake").0);
    }

    let answer = guarded.http("POST", "/logout", &[("Cookie", &sessions[0])], "").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert!(answer.header("set-cookie").is_some_and(|set| set.contains("Max-Age=0")));
    assert_eq!(closed(&mut sockets[0]).await, 1008);
    assert_eq!(guarded.http("GET", "/analytics/health", &[("Cookie", &sessions[0])], "").await.status, 401);
    assert_eq!(guarded.http("GET", "/analytics/health", &[("Cookie", &sessions[1])], "").await.status, 200);

    guarded.file.revoke("analytics").expect("revoked");
    assert_eq!(closed(&mut sockets[1]).await, 1008);
    assert_eq!(guarded.http("GET", "/analytics/health", &[("Cookie", &sessions[1])], "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_over_after_its_time() {
    let guarded = Guarded::start().await;
    let cookie = cookie(&log_in(&guarded, guarded.secret(Role::Analytics), "/").await);
    let ask = async || guarded.http("GET", "/analytics/health", &[("Cookie", &cookie)], "").await.status;
    assert_eq!(ask().await, 200);
    guarded.weir.clock.advance(Interval(12 * 3_600_000));
    assert_eq!(ask().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_logins_are_slowed_down_and_a_token_that_holds_still_passes() {
    let guarded = Guarded::start().await;
    let mut wrong = 0;
    let slowed = loop {
        let answer = log_in(&guarded, "weir_guessed", "/").await;
        if answer.status != 401 {
            break answer;
        }
        assert!(answer.text().contains("is unknown"));
        wrong += 1;
        assert!(wrong < 100, "nobody stops guessing");
    };
    assert_eq!((wrong, slowed.status), (10, 429));
    assert!(slowed.header("retry-after").is_some());
    let guess = guarded.http("GET", "/status", &[("Authorization", "Bearer weir_guessed")], "").await;
    assert_eq!(guess.status, 429);
    let known = guarded.http("GET", "/status", &[("Authorization", &guarded.bearer(Role::View))], "").await;
    assert_eq!(known.status, 200);
    guarded.weir.clock.advance(Interval(6_000));
    assert_eq!(log_in(&guarded, guarded.secret(Role::View), "/").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_and_the_pages_say_what_browsers_may_do_with_them() {
    let guarded = Guarded::start().await;
    let bearer = guarded.bearer(Role::Analytics);
    let page = guarded.http("GET", "/", &[("Authorization", &bearer)], "").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'self'; style-src 'self';") && policy.contains("frame-ancestors 'none'")
    );

    let viewer = guarded.bearer(Role::View);
    let jobs = guarded.jobs("GET", "/", &[("Authorization", &viewer)], "").await;
    assert!(!jobs.header("content-security-policy").expect("a policy").contains("unsafe"));
    assert!(!jobs.text().contains("<style>") && !jobs.text().contains("<script>"), "nothing is in line");

    for answer in [
        page,
        jobs,
        guarded.http("GET", "/healthz", &[], "").await,
        guarded.jobs("GET", "/jobs", &[], "").await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
        );
        assert_eq!(answer.header("strict-transport-security"), None, "there is no TLS");
    }
}
