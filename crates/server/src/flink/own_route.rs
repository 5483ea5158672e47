//! Weir's own routes of the job manager, below `/weir/`.

use axum::http::Method;

use super::route::Reach;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own<'a> {
    Submit,
    Figures(&'a str),
    /// Writes a job's state, and ends the job if so requested.
    Savepoint(&'a str),
    DeadLetters,
    DeadLetterCounts,
    DeadLetter(&'a str),
    Replay,
    CheckScript,
    ExplainScript,
    Functions,
    /// A route of the SQL gateway below `/sessions`.
    SqlSessions,
}

impl<'a> Own<'a> {
    /// Returns the route of a path below `/weir/`; `None` if there is none.
    pub(super) fn of(method: &Method, segments: &[&'a str]) -> Option<Own<'a>> {
        Some(match (method.as_str(), segments) {
            ("POST", ["jobs"]) => Own::Submit,
            ("GET", ["jobs", job]) => Own::Figures(job),
            ("POST", ["jobs", job, "savepoint"]) => Own::Savepoint(job),
            ("GET", ["dead-letters"]) => Own::DeadLetters,
            ("GET", ["dead-letters", "counts"]) => Own::DeadLetterCounts,
            ("GET", ["dead-letters", id]) => Own::DeadLetter(id),
            ("POST", ["dead-letters", "replay"]) => Own::Replay,
            ("POST", ["sql", "check"]) => Own::CheckScript,
            ("POST", ["sql", "explain"]) => Own::ExplainScript,
            ("GET", ["sql", "functions"]) => Own::Functions,
            ("GET" | "POST" | "DELETE", ["sql", "sessions", ..]) => Own::SqlSessions,
            _ => return None,
        })
    }

    /// Returns the effect of a request to this route.
    pub(super) fn reach(self) -> Reach {
        match self {
            Own::Figures(_) | Own::DeadLetters | Own::DeadLetterCounts | Own::DeadLetter(_) => Reach::Reads,
            Own::Functions => Reach::Looks,
            Own::Savepoint(_) | Own::Replay => Reach::Operates,
            Own::CheckScript | Own::ExplainScript => Reach::Compiles,
            Own::Submit => Reach::Submits,
            Own::SqlSessions => Reach::OfSession,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_pass_on_only_what_the_gateway_takes() {
        let of = |method, path: &[&'static str]| Own::of(&method, path);
        assert_eq!(of(Method::POST, &["sql", "sessions"]), Some(Own::SqlSessions));
        assert_eq!(of(Method::DELETE, &["sql", "sessions", "ab"]), Some(Own::SqlSessions));
        assert_eq!(of(Method::PUT, &["sql", "sessions"]), None);
        assert_eq!(of(Method::GET, &["sql", "check"]), None);
        assert_eq!(of(Method::GET, &["sql"]), None);
    }
}
