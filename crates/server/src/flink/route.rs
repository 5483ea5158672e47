//! Which request means what: a pure table.
//!
//! Every route exists with and without `/v1`, and with and without a slash behind. A method that a route does not have
//! is no route at all, `HEAD` and `OPTIONS` included, as in Flink.

use axum::http::Method;

/// What is asked for. A job is named by what stands in the path, which need not be an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Page,
    Config,
    Overview,
    Jobs,
    JobsOverview,
    Job(&'a str),
    JobStatus(&'a str),
    JobConfig(&'a str),
    JobExceptions(&'a str),
    Cancel(&'a str),
    /// What the cancel button of Flink's pages calls: a `GET` that acts.
    CancelByGet(&'a str),
    Submit,
    /// Writes a job's state, and ends the job if so asked.
    Savepoint(&'a str),
    Figures(&'a str),
    DeadLetters,
    DeadLetter(&'a str),
    Replay,
}

impl<'a> Route<'a> {
    pub(super) fn of(method: &Method, path: &'a str) -> Option<Route<'a>> {
        if path == "/" {
            return (*method == Method::GET).then_some(Route::Page);
        }
        let bare = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/'))?;
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let mut segments = bare.split('/');
        let named = [segments.next()?, segments.next().unwrap_or(""), segments.next().unwrap_or("")];
        if let (&Method::POST, ["weir", "jobs", job], Some("savepoint"), None) =
            (method, named, segments.clone().next(), segments.clone().nth(1))
        {
            return (!job.is_empty()).then_some(Route::Savepoint(job));
        }
        if segments.next().is_some() || bare.contains("//") || bare.ends_with('/') {
            return None;
        }
        match *method {
            Method::GET => Route::read(named),
            Method::PATCH => match named {
                ["jobs", job, ""] if !job.is_empty() => Some(Route::Cancel(job)),
                _ => None,
            },
            Method::POST => match named {
                ["weir", "jobs", ""] => Some(Route::Submit),
                ["weir", "dead-letters", "replay"] => Some(Route::Replay),
                _ => None,
            },
            _ => None,
        }
    }

    fn read(named: [&'a str; 3]) -> Option<Route<'a>> {
        match named {
            ["config", "", ""] => Some(Route::Config),
            ["overview", "", ""] => Some(Route::Overview),
            ["jobs", "", ""] => Some(Route::Jobs),
            ["jobs", "overview", ""] => Some(Route::JobsOverview),
            ["jobs", job, ""] => Some(Route::Job(job)),
            ["jobs", job, "status"] => Some(Route::JobStatus(job)),
            ["jobs", job, "config"] => Some(Route::JobConfig(job)),
            ["jobs", job, "exceptions"] => Some(Route::JobExceptions(job)),
            ["jobs", job, "yarn-cancel"] => Some(Route::CancelByGet(job)),
            ["weir", "jobs", job] if !job.is_empty() => Some(Route::Figures(job)),
            ["weir", "dead-letters", ""] => Some(Route::DeadLetters),
            ["weir", "dead-letters", id] => Some(Route::DeadLetter(id)),
            _ => None,
        }
    }

    /// Whether it changes anything.
    pub(super) fn acts(self) -> bool {
        matches!(
            self,
            Route::Cancel(_) | Route::CancelByGet(_) | Route::Submit | Route::Savepoint(_) | Route::Replay
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_and_a_slash_behind_change_nothing() {
        for path in ["/jobs/ab/status", "/v1/jobs/ab/status", "/jobs/ab/status/", "/v1/jobs/ab/status/"] {
            assert_eq!(Route::of(&Method::GET, path), Some(Route::JobStatus("ab")), "{path}");
        }
        assert_eq!(Route::of(&Method::GET, "/jobs/"), Some(Route::Jobs));
    }

    #[test]
    fn what_is_no_route_is_none() {
        let paths = [
            "/v2/jobs",
            "/v1",
            "/v1/",
            "//jobs",
            "/jobs//status",
            "/jobs/ab//",
            "/jobs/ab/status/x",
            "/weir/jobs",
        ];
        for path in paths {
            assert_eq!(Route::of(&Method::GET, path), None, "{path}");
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::POST] {
            assert_eq!(Route::of(&method, "/overview"), None, "{method}");
        }
        assert_eq!(Route::of(&Method::PATCH, "/jobs"), None);
    }
}
