//! The table of the SQL gateway's routes: a pure function of version, method and path.

use axum::http::Method;

/// Flink's versions of the API. A path without a version means the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V1,
    V2,
    V3,
    V4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Info,
    ApiVersions,
    Description,
    OpenSession,
    Session(&'a str, OfSession),
    Operation(&'a str, &'a str, OfOperation<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfSession {
    Properties,
    Close,
    Heartbeat,
    Configure,
    Execute,
    /// Weir's own: runs the query of a whole script.
    RunScript,
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfOperation<'a> {
    Status,
    Cancel,
    Close,
    /// The page of a token.
    Result(&'a str),
}

impl Version {
    pub(super) const ALL: [(Version, &'static str); 4] =
        [(Version::V1, "V1"), (Version::V2, "V2"), (Version::V3, "V3"), (Version::V4, "V4")];

    /// Returns the version as it stands in a path.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Version::V1 => "v1",
            Version::V2 => "v2",
            Version::V3 => "v3",
            Version::V4 => "v4",
        }
    }
}

impl<'a> Route<'a> {
    /// Returns the route of a plain path; `None` if there is none.
    pub(super) fn of(method: &Method, path: &'a str) -> Option<(Version, Route<'a>)> {
        let path = path.strip_prefix('/')?;
        let segments: Vec<&str> = path.split('/').collect();
        let named = Version::ALL.iter().map(|(version, _)| *version).find(|of| of.segment() == segments[0]);
        let rest = if named.is_some() { &segments[1..] } else { &segments[..] };
        let version = named.unwrap_or(Version::V4);

        let route = match (method.as_str(), rest) {
            ("GET", ["info"]) => Route::Info,
            ("GET", ["api_versions"]) => Route::ApiVersions,
            ("GET", ["openapi.json"]) if named.is_none() => Route::Description,
            ("POST", ["sessions"]) => Route::OpenSession,
            ("GET", ["sessions", id]) => Route::Session(id, OfSession::Properties),
            ("DELETE", ["sessions", id]) => Route::Session(id, OfSession::Close),
            ("POST", ["sessions", id, "heartbeat"]) => Route::Session(id, OfSession::Heartbeat),
            ("POST", ["sessions", id, "statements"]) => Route::Session(id, OfSession::Execute),
            ("POST", ["sessions", id, "scripts"]) => Route::Session(id, OfSession::RunScript),
            ("POST", ["sessions", id, "configure-session"]) if version > Version::V1 => {
                Route::Session(id, OfSession::Configure)
            }
            ("GET", ["sessions", id, "complete-statement"]) if version > Version::V1 => {
                Route::Session(id, OfSession::Complete)
            }
            (method, ["sessions", session, "operations", operation, rest @ ..]) => {
                let of = match (method, rest) {
                    ("GET", ["status"]) => OfOperation::Status,
                    ("POST", ["cancel"]) => OfOperation::Cancel,
                    ("DELETE", ["close"]) => OfOperation::Close,
                    ("GET", ["result", token]) => OfOperation::Result(token),
                    _ => return None,
                };
                Route::Operation(session, operation, of)
            }
            _ => return None,
        };

        Some((version, route))
    }

    /// Returns whether pages of other sites may call the route too.
    pub(super) fn is_public(self) -> bool {
        matches!(self, Route::Info | Route::ApiVersions | Route::Description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_exist_from_their_version_on() {
        let configure = |path| Route::of(&Method::POST, path);
        assert_eq!(configure("/v1/sessions/ab/configure-session"), None);
        let found = configure("/v2/sessions/ab/configure-session");
        assert_eq!(found, Some((Version::V2, Route::Session("ab", OfSession::Configure))));
        let complete = |path| Route::of(&Method::GET, path).is_some();
        assert!(
            !complete("/v1/sessions/ab/complete-statement") && complete("/v3/sessions/ab/complete-statement")
        );
    }

    #[test]
    fn without_a_version_it_is_the_newest() {
        assert_eq!(Route::of(&Method::POST, "/sessions"), Some((Version::V4, Route::OpenSession)));
        let result = Route::Operation("ab", "cd", OfOperation::Result("0"));
        let path = "/v1/sessions/ab/operations/cd/result/0";
        assert_eq!(Route::of(&Method::GET, path), Some((Version::V1, result)));
    }

    #[test]
    fn what_is_no_route_is_none() {
        for path in
            ["/", "", "/v5/info", "/v4", "/v4/nosuch", "/v4/sessions/ab/operations/cd", "/v4/openapi.json"]
        {
            assert_eq!(Route::of(&Method::GET, path), None, "{path}");
        }
        assert_eq!(Route::of(&Method::POST, "/v4/sessions/ab/complete-statement"), None);
    }
}
