//! The table of the routes: a pure function of a request's method and plain path (see `path`).
//!
//! Every route exists with and without `/v1`. As in Flink, another method of an existing path is no route,
//! `HEAD` and `OPTIONS` included.

use axum::http::Method;

use super::own_route::Own;
use super::path::plain_path;

/// A route. Ids are raw parts of the path and may be invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The page of jobs. Its own addresses are fragments, so that they never meet a route of Flink.
    Page,
    /// A file of the page.
    Asset(&'a str),
    Description,
    Config,
    Overview,
    Datasets,
    Jobs,
    JobsOverview,
    JobsMetrics,
    Job(&'a str, OfJob<'a>),
    Vertex(&'a str, &'a str, OfVertex<'a>),
    Applications,
    Application(&'a str, OfApplication),
    TaskManagers,
    TaskManagersMetrics,
    TaskManager(&'a str, OfProcess<'a>),
    JobManager(OfProcess<'a>),
    Jars,
    /// A Java program is uploaded or asked for.
    Program,
    Dispose,
    Disposal(&'a str),
    Own(Own<'a>),
}

/// The effect of a request, which decides the role it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Reads public information only, such as descriptions.
    Looks,
    Reads,
    Operates,
    /// Compiles a script, which may show values of `${NAME}`, and changes nothing.
    Compiles,
    Submits,
    /// A session of the SQL gateway, whose own rules say more.
    OfSession,
}

/// The routes below a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfJob<'a> {
    Details,
    Status,
    Config,
    Plan,
    Exceptions,
    Accumulators,
    Result,
    Metrics,
    Checkpoints,
    CheckpointConfig,
    Checkpoint(&'a str),
    CheckpointVertex(&'a str, &'a str),
    ManagerConfig,
    ManagerEnvironment,
    LogUrl,
    ResourceRequirements,
    /// A part of the history of the job's rescaling.
    Rescales(&'a str),
    Rescale(&'a str),
    Cancel,
    /// Flink's cancel button calls this route: a `GET` that acts.
    CancelByGet,
    TakeSavepoint,
    Stop,
    Savepoint(&'a str),
    TakeCheckpoint,
    TakenCheckpoint(&'a str),
}

/// The routes below a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfVertex<'a> {
    Details,
    Accumulators,
    SubtaskAccumulators,
    Backpressure,
    Metrics,
    /// Metrics of an operator coordinator, which Weir does not have.
    OperatorMetrics,
    Watermarks,
    SubtaskTimes,
    TaskManagers,
    FlameGraph,
    /// Metrics over all subtasks.
    SubtasksMetrics,
    Subtask(&'a str),
    SubtaskMetrics(&'a str),
    /// A subtask, and one of its attempts.
    Attempt(&'a str, &'a str),
    AttemptAccumulators(&'a str, &'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfApplication {
    Details,
    Exceptions,
    ManagerConfig,
    Cancel,
}

/// The routes of the process, which is the job manager and the only task manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfProcess<'a> {
    Details,
    Config,
    Environment,
    Metrics,
    Log,
    Output,
    Logs,
    LogFile(&'a str),
    ThreadDump,
}

impl<'a> Route<'a> {
    /// Returns the route of a plain path; `None` if there is none.
    pub(super) fn of(method: &Method, path: &'a str) -> Option<Route<'a>> {
        if path == "/" {
            return (*method == Method::GET).then_some(Route::Page);
        }

        let bare = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/'))?;
        let segments: Vec<&str> = bare.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        match *method {
            Method::GET => Route::read(&segments),
            Method::PATCH => match segments.as_slice() {
                ["jobs", job] => Some(Route::Job(job, OfJob::Cancel)),
                _ => None,
            },
            Method::POST => Route::act(&segments),
            Method::DELETE => match segments.as_slice() {
                ["jars", _] => Some(Route::Program),
                ["weir", rest @ ..] => Own::of(method, rest).map(Route::Own),
                _ => None,
            },
            _ => None,
        }
    }

    fn act(segments: &[&'a str]) -> Option<Route<'a>> {
        Some(match *segments {
            ["jobs"] | ["jars", "upload"] | ["jars", _, "run" | "plan"] => Route::Program,
            ["jobs", job, "savepoints"] => Route::Job(job, OfJob::TakeSavepoint),
            ["jobs", job, "stop"] => Route::Job(job, OfJob::Stop),
            ["jobs", job, "checkpoints"] => Route::Job(job, OfJob::TakeCheckpoint),
            ["savepoint-disposal"] => Route::Dispose,
            ["applications", id, "cancel"] => Route::Application(id, OfApplication::Cancel),
            ["weir", ref rest @ ..] => return Own::of(&Method::POST, rest).map(Route::Own),
            _ => return None,
        })
    }

    fn read(segments: &[&'a str]) -> Option<Route<'a>> {
        Some(match *segments {
            ["assets", name] => Route::Asset(name),
            ["openapi.json"] => Route::Description,
            ["config"] => Route::Config,
            ["overview"] => Route::Overview,
            ["datasets"] => Route::Datasets,
            ["jobs"] => Route::Jobs,
            ["jobs", "overview"] => Route::JobsOverview,
            ["jobs", "metrics"] => Route::JobsMetrics,
            ["jobs", job, "vertices", vertex, ref rest @ ..] => {
                return OfVertex::of(rest).map(|of| Route::Vertex(job, vertex, of));
            }
            ["jobs", job, ref rest @ ..] => return OfJob::of(rest).map(|of| Route::Job(job, of)),
            ["applications", "overview"] => Route::Applications,
            ["applications", id] => Route::Application(id, OfApplication::Details),
            ["applications", id, "exceptions"] => Route::Application(id, OfApplication::Exceptions),
            ["applications", id, "jobmanager", "config"] => {
                Route::Application(id, OfApplication::ManagerConfig)
            }
            ["taskmanagers"] => Route::TaskManagers,
            ["taskmanagers", "metrics"] => Route::TaskManagersMetrics,
            ["taskmanagers", id] => Route::TaskManager(id, OfProcess::Details),
            ["taskmanagers", id, ref rest @ ..] => {
                return OfProcess::of(rest).map(|of| Route::TaskManager(id, of));
            }
            ["jobmanager", "config"] => Route::JobManager(OfProcess::Config),
            ["jobmanager", "environment"] => Route::JobManager(OfProcess::Environment),
            ["jobmanager", ref rest @ ..] => return OfProcess::of(rest).map(Route::JobManager),
            ["jars"] => Route::Jars,
            ["jars", _, "plan"] => Route::Program,
            ["savepoint-disposal", trigger] => Route::Disposal(trigger),
            ["weir", ref rest @ ..] => return Own::of(&Method::GET, rest).map(Route::Own),
            _ => return None,
        })
    }

    /// Returns the effect of a request to this route.
    pub(super) fn reach(self) -> Reach {
        match self {
            Route::Job(_, of) => match of {
                OfJob::Cancel
                | OfJob::CancelByGet
                | OfJob::TakeSavepoint
                | OfJob::Stop
                | OfJob::TakeCheckpoint => Reach::Operates,
                _ => Reach::Reads,
            },
            Route::Application(_, OfApplication::Cancel) | Route::Dispose => Reach::Operates,
            Route::Own(own) => own.reach(),
            Route::Program => Reach::Submits,
            Route::Description | Route::Asset(_) => Reach::Looks,
            Route::Page
            | Route::Config
            | Route::Overview
            | Route::Datasets
            | Route::Jobs
            | Route::JobsOverview
            | Route::JobsMetrics
            | Route::Vertex(..)
            | Route::Application(..)
            | Route::Applications
            | Route::TaskManagers
            | Route::TaskManagersMetrics
            | Route::TaskManager(..)
            | Route::JobManager(_)
            | Route::Jars
            | Route::Disposal(_) => Reach::Reads,
        }
    }
}

/// Returns the effect of a request, however its path is spelt; `None` if there is no such route.
pub(crate) fn reach(method: &Method, path: &str) -> Option<Reach> {
    let reach = Route::of(method, &plain_path(path))?.reach();
    // Any method but `GET` acts, even if the match above has missed the route.
    let is_harmless = matches!(reach, Reach::Looks | Reach::Reads);
    Some(if is_harmless && *method != Method::GET { Reach::Operates } else { reach })
}

impl<'a> OfJob<'a> {
    fn of(segments: &[&'a str]) -> Option<OfJob<'a>> {
        Some(match *segments {
            [] => OfJob::Details,
            ["status"] => OfJob::Status,
            ["config"] => OfJob::Config,
            ["plan"] => OfJob::Plan,
            ["exceptions"] => OfJob::Exceptions,
            ["accumulators"] => OfJob::Accumulators,
            ["execution-result"] => OfJob::Result,
            ["metrics"] => OfJob::Metrics,
            ["checkpoints"] => OfJob::Checkpoints,
            ["checkpoints", "config"] => OfJob::CheckpointConfig,
            ["checkpoints", "details", id] => OfJob::Checkpoint(id),
            ["checkpoints", "details", id, "subtasks", vertex] => OfJob::CheckpointVertex(id, vertex),
            ["checkpoints", trigger] => OfJob::TakenCheckpoint(trigger),
            ["savepoints", trigger] => OfJob::Savepoint(trigger),
            ["jobmanager", "config"] => OfJob::ManagerConfig,
            ["jobmanager", "environment"] => OfJob::ManagerEnvironment,
            ["jobmanager", "log-url"] | ["taskmanagers", _, "log-url"] => OfJob::LogUrl,
            ["resource-requirements"] => OfJob::ResourceRequirements,
            ["rescales", what @ ("config" | "overview" | "history" | "summary")] => OfJob::Rescales(what),
            ["rescales", "details", id] => OfJob::Rescale(id),
            ["yarn-cancel"] => OfJob::CancelByGet,
            _ => return None,
        })
    }
}

impl<'a> OfVertex<'a> {
    fn of(segments: &[&'a str]) -> Option<OfVertex<'a>> {
        Some(match *segments {
            [] => OfVertex::Details,
            ["accumulators"] => OfVertex::Accumulators,
            ["backpressure"] => OfVertex::Backpressure,
            ["metrics"] => OfVertex::Metrics,
            ["jm-operator-metrics"] => OfVertex::OperatorMetrics,
            ["watermarks"] => OfVertex::Watermarks,
            ["subtasktimes"] => OfVertex::SubtaskTimes,
            ["taskmanagers"] => OfVertex::TaskManagers,
            ["flamegraph"] => OfVertex::FlameGraph,
            ["subtasks", "metrics"] => OfVertex::SubtasksMetrics,
            ["subtasks", "accumulators"] => OfVertex::SubtaskAccumulators,
            ["subtasks", subtask] => OfVertex::Subtask(subtask),
            ["subtasks", subtask, "metrics"] => OfVertex::SubtaskMetrics(subtask),
            ["subtasks", subtask, "attempts", attempt] => OfVertex::Attempt(subtask, attempt),
            ["subtasks", subtask, "attempts", attempt, "accumulators"] => {
                OfVertex::AttemptAccumulators(subtask, attempt)
            }
            _ => return None,
        })
    }
}

impl<'a> OfProcess<'a> {
    fn of(segments: &[&'a str]) -> Option<OfProcess<'a>> {
        Some(match *segments {
            ["metrics"] => OfProcess::Metrics,
            ["log"] => OfProcess::Log,
            ["stdout"] => OfProcess::Output,
            ["logs"] => OfProcess::Logs,
            ["logs", name] => OfProcess::LogFile(name),
            ["thread-dump"] => OfProcess::ThreadDump,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_slashes_at_the_ends_and_escapes_change_nothing() {
        for path in [
            "/jobs/ab/status",
            "/v1/jobs/ab/status",
            "//jobs/ab/status",
            "/v1/jobs/ab/status//",
            "/v1%2Fjobs/ab%2fstatus",
        ] {
            assert_eq!(
                Route::of(&Method::GET, &plain_path(path)),
                Some(Route::Job("ab", OfJob::Status)),
                "{path}"
            );
        }
        assert_eq!(reach(&Method::PATCH, "//jobs%2Fab/"), Some(Reach::Operates));
    }

    #[test]
    fn what_is_no_route_is_none() {
        let paths = [
            "/v2/jobs",
            "/v1",
            "/v1/",
            "/jobs//status",
            "/v1//jobs",
            "/jobs/ab/status/x",
            "/jobs/ab/vertices",
            "/jobmanager",
            "/weir/jobs",
        ];
        for path in paths {
            assert_eq!(Route::of(&Method::GET, &plain_path(path)), None, "{path}");
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::POST] {
            assert_eq!(Route::of(&method, "/overview"), None, "{method}");
        }
        assert_eq!(Route::of(&Method::PATCH, "/jobs"), None);
    }

    #[test]
    fn what_acts_is_known_whatever_its_method() {
        assert_eq!(reach(&Method::GET, "/jobs/ab/yarn-cancel"), Some(Reach::Operates));
        assert_eq!(reach(&Method::GET, "/v1/jobs/ab/yarn-cancel/"), Some(Reach::Operates));
        assert_eq!(reach(&Method::POST, "/weir/jobs"), Some(Reach::Submits));
        assert_eq!(reach(&Method::GET, "/jobs/ab"), Some(Reach::Reads));
        assert_eq!(reach(&Method::PUT, "/jobs/ab"), None);
    }

    #[test]
    fn words_come_before_ids() {
        let read = |path| Route::of(&Method::GET, path);
        assert_eq!(read("/jobs/ab/checkpoints/config"), Some(Route::Job("ab", OfJob::CheckpointConfig)));
        assert_eq!(read("/jobs/ab/checkpoints/cd"), Some(Route::Job("ab", OfJob::TakenCheckpoint("cd"))));
        let subtasks = Some(Route::Vertex("ab", "cd", OfVertex::SubtasksMetrics));
        assert_eq!(read("/jobs/ab/vertices/cd/subtasks/metrics"), subtasks);
        assert_eq!(read("/taskmanagers/metrics"), Some(Route::TaskManagersMetrics));
    }
}
