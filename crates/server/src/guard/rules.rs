//! The rules of authorization: the role that each method and path of a listener needs. A request without a
//! rule is refused.
//!
//! A test compares the rules with the descriptions of the routes, so that a new route needs a rule.

use axum::http::Method;

use super::refusal::Shape;
use super::role::Role;
use crate::flink::{Reach, plain_path, reach, session_path};

/// A listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The listener of events, results, the feed and the dashboard.
    Http,
    /// The listener of the job manager.
    Jobs,
    /// The listener of the SQL gateway.
    Gateway,
}

/// The credential that a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// Any token.
    Token,
    Role(Role),
}

/// The effect of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Reads,
    /// Sends events or a heartbeat: guarded like a change, but not listed in the audit log.
    Unlisted,
    Changes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) need: Need,
    pub(super) deed: Deed,
}

const VIEW: Need = Need::Role(Role::View);
const OPERATE: Need = Need::Role(Role::Operate);
const SUBMIT: Need = Need::Role(Role::Submit);
const INGEST: Need = Need::Role(Role::Ingest);
const ANALYTICS: Need = Need::Role(Role::Analytics);

/// Method (`*`: any), path (`{…}`: any one part, `**`: any rest), and the need. The first matching line
/// counts. `HEAD` counts as `GET`.
type Line = (&'static str, &'static str, Need);

#[rustfmt::skip]
const HTTP: &[Line] = &[
    ("GET", "/healthz", Need::Nothing),
    ("GET", "/readyz", Need::Nothing),
    // A browser's preflight request carries no token, and its answer reveals nothing.
    ("OPTIONS", "/**", Need::Nothing),
    ("POST", "/events", INGEST),
    ("POST", "/events/{topic}", INGEST),
    ("GET", "/analytics/**", ANALYTICS),
    ("GET", "/ws/analytics", ANALYTICS),
    ("GET", "/ws/results", ANALYTICS),
    ("GET", "/results", ANALYTICS),
    ("GET", "/results/**", ANALYTICS),
    ("GET", "/dashboards", ANALYTICS),
    ("GET", "/dashboards/{name}", ANALYTICS),
    ("PUT", "/dashboards/{name}", SUBMIT),
    ("DELETE", "/dashboards/{name}", SUBMIT),
    ("GET", "/alerts", ANALYTICS),
    ("GET", "/alerts/{name}", ANALYTICS),
    ("PUT", "/alerts/{name}", SUBMIT),
    ("DELETE", "/alerts/{name}", SUBMIT),
    ("GET", "/alerts/{name}/history", ANALYTICS),
    ("POST", "/alerts/{name}/test", SUBMIT),
    ("GET", "/generated", ANALYTICS),
    ("POST", "/generated", SUBMIT),
    ("DELETE", "/generated", SUBMIT),
    ("GET", "/", ANALYTICS),
    ("GET", "/index.html", ANALYTICS),
    ("GET", "/explore", ANALYTICS),
    ("GET", "/explore/{table}", ANALYTICS),
    ("GET", "/d", ANALYTICS),
    ("GET", "/pulse", ANALYTICS),
    ("GET", "/d/{dashboard}", ANALYTICS),
    ("GET", "/favicon.svg", ANALYTICS),
    ("GET", "/assets/{file}", ANALYTICS),
    ("GET", "/status", VIEW),
    ("GET", "/metrics", VIEW),
    ("GET", "/openapi.json", Need::Token),
    ("GET", "/asyncapi.json", Need::Token),
    ("GET", "/docs", Need::Token),
    ("GET", "/docs/{file}", Need::Token),
];

/// Each client sends it once a minute.
const HEARTBEAT: &str = "/sessions/{session}/heartbeat";

/// A session of SQL does what its statements say, so all of it needs the role for running SQL.
#[rustfmt::skip]
const GATEWAY: &[Line] = &[
    ("GET", "/", Need::Token),
    ("GET", "/info", Need::Token),
    ("GET", "/api_versions", Need::Token),
    ("GET", "/openapi.json", Need::Token),
    ("POST", HEARTBEAT, SUBMIT),
    ("*", "/sessions", SUBMIT),
    ("*", "/sessions/**", SUBMIT),
];

impl Place {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Place::Http => "http",
            Place::Jobs => "jobs_http",
            Place::Gateway => "sql_gateway",
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Place::Http => Shape::Detail,
            Place::Jobs | Place::Gateway => Shape::Errors,
        }
    }

    /// Returns the need and the effect of a request; `None` if nobody may send it.
    pub(super) fn rule(self, method: &Method, path: &str) -> Option<Rule> {
        match self {
            Place::Http => listed(HTTP, method, path),
            Place::Gateway => listed(GATEWAY, method, without_version(&plain_path(path))),
            // The job manager's own table of routes has their effects.
            Place::Jobs => reach(method, path).and_then(|reach| of_reach(reach, method, path)),
        }
    }
}

fn of_reach(reach: Reach, method: &Method, path: &str) -> Option<Rule> {
    Some(match reach {
        Reach::OfSession => return listed(GATEWAY, method, session_path(&plain_path(path))),
        Reach::Compiles => Rule { need: SUBMIT, deed: Deed::Reads },
        Reach::Looks => Rule { need: Need::Token, deed: Deed::Reads },
        Reach::Reads => Rule { need: VIEW, deed: Deed::Reads },
        Reach::Operates => Rule { need: OPERATE, deed: Deed::Changes },
        Reach::Submits => Rule { need: SUBMIT, deed: Deed::Changes },
    })
}

fn listed(lines: &[Line], method: &Method, path: &str) -> Option<Rule> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let bare = path.trim_end_matches('/');
    let path = if bare.is_empty() { "/" } else { bare };
    let fits = |line: &&Line| (line.0 == "*" || line.0 == method) && is_like(line.1, path);
    let (_, pattern, need) = lines.iter().find(fits)?;
    let deed = match (method, *pattern, *need) {
        ("GET" | "OPTIONS", ..) => Deed::Reads,
        (_, HEARTBEAT, _) | (_, _, INGEST) => Deed::Unlisted,
        _ => Deed::Changes,
    };
    Some(Rule { need: *need, deed })
}

fn is_like(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for expected in pattern.split('/') {
        match (expected, parts.next()) {
            ("**", Some(_)) => return true,
            (name, Some(part)) if name.starts_with('{') && !part.is_empty() => {}
            (expected, Some(part)) if expected == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// Returns `/v2/sessions` as `/sessions`.
fn without_version(path: &str) -> &str {
    let versioned = path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|slash| rest.split_at(slash)));
    match versioned {
        Some((version, rest)) if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first;

    fn need(place: Place, method: &str, path: &str) -> Option<Need> {
        place.rule(&method.parse().expect("a method"), path).map(|rule| rule.need)
    }

    /// Returns the described methods and paths, with a word in place of each parameter.
    fn described(document: &serde_json::Value) -> Vec<(String, String)> {
        let paths = document["paths"].as_object().expect("paths");
        let methods = |(path, of): (&String, &serde_json::Value)| {
            let path = path.replace(['{', '}'], "");
            of.as_object()
                .expect("methods")
                .keys()
                .map(move |method| (method.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        };
        paths.iter().flat_map(methods).collect()
    }

    #[test]
    fn every_route_that_is_described_has_a_rule_and_few_are_open() {
        let mut open = Vec::new();
        let documents =
            [(Place::Http, crate::openapi::description()), (Place::Jobs, crate::flink::description())];
        for (place, document) in documents {
            let routes = described(&document);
            assert!(routes.len() > 20, "{place:?}");
            for (method, path) in routes {
                match need(place, &method, &path) {
                    None => panic!("{place:?}: {method} {path} has no rule: add it to the table"),
                    Some(Need::Nothing) => open.push(path),
                    Some(Need::Token | Need::Role(_)) => {}
                }
            }
        }
        assert_eq!(open, ["/healthz", "/readyz"]);
    }

    #[test]
    fn every_file_of_the_dashboard_has_a_rule() {
        let files: Vec<_> = crate::assets::files().collect();
        assert!(files.iter().any(|file| file == "index.html"));
        // The job manager serves its own page.
        for file in files.into_iter().filter(|file| file != crate::assets::JOBS) {
            assert_eq!(need(Place::Http, "GET", &format!("/{file}")), Some(ANALYTICS), "{file}");
        }
    }

    #[test]
    fn what_is_not_listed_nobody_may() {
        for (place, method, path) in [
            (Place::Http, "GET", "/secrets"),
            (Place::Http, "DELETE", "/events"),
            (Place::Http, "POST", "/analytics/health"),
            (Place::Http, "GET", "/assets/a/b"),
            (Place::Http, "PUT", "/dashboards"),
            (Place::Http, "POST", "/dashboards/analytics"),
            (Place::Http, "GET", "/alerts/slow/test"),
            (Place::Http, "GET", "//healthz"),
            (Place::Http, "GET", "/healthz/x"),
            (Place::Jobs, "PUT", "/jobs/ab"),
            (Place::Jobs, "OPTIONS", "/jobs"),
            (Place::Jobs, "PUT", "/weir/sql/sessions/ab"),
            (Place::Jobs, "GET", "/weir/sql"),
            (Place::Gateway, "GET", "/secrets"),
            (Place::Gateway, "GET", "/vx/info"),
        ] {
            assert_eq!(need(place, method, path), None, "{place:?} {method} {path}");
        }
    }

    #[test]
    fn each_kind_of_request_takes_its_role() {
        for (place, method, path, expected) in [
            (Place::Http, "HEAD", "/healthz", Need::Nothing),
            (Place::Http, "GET", "/", ANALYTICS),
            (Place::Http, "GET", "/analytics/redis/faculty/", ANALYTICS),
            (Place::Http, "POST", "/events/clicks", INGEST),
            (Place::Http, "GET", "/dashboards/analytics", ANALYTICS),
            (Place::Http, "PUT", "/dashboards/analytics", SUBMIT),
            (Place::Http, "DELETE", "/dashboards/analytics", SUBMIT),
            (Place::Http, "GET", "/alerts/slow/history", ANALYTICS),
            (Place::Http, "POST", "/alerts/slow/test", SUBMIT),
            (Place::Http, "GET", "/generated", ANALYTICS),
            (Place::Http, "POST", "/generated", SUBMIT),
            (Place::Http, "DELETE", "/generated", SUBMIT),
            (Place::Http, "GET", "/metrics", VIEW),
            (Place::Jobs, "GET", "/", VIEW),
            (Place::Jobs, "GET", "/v1/jobs/overview", VIEW),
            (Place::Jobs, "PATCH", "/jobs/ab", OPERATE),
            (Place::Jobs, "GET", "/jobs/ab/yarn-cancel", OPERATE),
            (Place::Jobs, "POST", "/weir/dead-letters/replay", OPERATE),
            (Place::Jobs, "POST", "/weir/jobs", SUBMIT),
            (Place::Jobs, "POST", "/jars/upload", SUBMIT),
            (Place::Jobs, "GET", "/weir/dead-letters/counts", VIEW),
            (Place::Jobs, "POST", "/weir/sql/check", SUBMIT),
            (Place::Jobs, "POST", "/v1/weir/sql/explain", SUBMIT),
            (Place::Jobs, "GET", "/weir/sql/functions", Need::Token),
            (Place::Jobs, "POST", "/weir/sql/sessions", SUBMIT),
            (Place::Jobs, "GET", "/v1/weir%2Fsql/sessions/ab/operations/cd/result/0", SUBMIT),
            (Place::Gateway, "GET", "/v2/info", Need::Token),
            (Place::Gateway, "POST", "/v2/sessions/ab/statements", SUBMIT),
            (Place::Gateway, "GET", "/sessions/ab/operations/cd/result/0", SUBMIT),
        ] {
            assert_eq!(need(place, method, path), Some(expected), "{place:?} {method} {path}");
        }
    }

    #[test]
    fn a_session_has_the_same_rules_at_the_job_manager() {
        let rule = |place: Place, path: &str| place.rule(&Method::POST, path);
        for path in ["/sessions", "/sessions/ab/heartbeat", "/sessions/ab/statements"] {
            let at_jobs = rule(Place::Jobs, &format!("/weir/sql{path}"));
            assert_eq!(at_jobs, rule(Place::Gateway, path), "{path}");
        }
        let check = rule(Place::Jobs, "/weir/sql/check").map(|rule| rule.deed);
        assert_eq!(check, Some(Deed::Reads), "a check is no change for the audit log");
    }

    #[test]
    fn the_answers_in_the_first_page_need_what_the_page_needs() {
        let page = need(Place::Http, "GET", "/");
        for address in first::ALWAYS.into_iter().chain(["results/overall"]) {
            assert_eq!(need(Place::Http, "GET", &format!("/{address}")), page, "{address}");
        }
    }
}
