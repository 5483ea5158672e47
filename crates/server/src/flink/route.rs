//! Which request means what: a pure table.
//!
//! Every route exists with and without `/v1`, and with and without a slash behind. A method that a route does not have
//! is no route at all, `HEAD` and `OPTIONS` included, as in Flink.

use axum::http::Method;

/// What is asked for. Ids are what stands in the path, which need not be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Page,
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
    /// A program in Java comes in, or is asked for.
    Program,
    Dispose,
    Disposal(&'a str),
    Own(Own<'a>),
}

/// What of a job.
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
    /// What of how it was rescaled.
    Rescales(&'a str),
    Rescale(&'a str),
    Cancel,
    /// What the cancel button of Flink's pages calls: a `GET` that acts.
    CancelByGet,
    TakeSavepoint,
    Stop,
    Savepoint(&'a str),
    TakeCheckpoint,
    TakenCheckpoint(&'a str),
}

/// What of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfVertex<'a> {
    Details,
    Accumulators,
    SubtaskAccumulators,
    Backpressure,
    Metrics,
    /// Of what coordinates the vertex: there is nothing of the kind.
    OperatorMetrics,
    Watermarks,
    SubtaskTimes,
    TaskManagers,
    FlameGraph,
    /// Over all subtasks.
    SubtasksMetrics,
    Subtask(&'a str),
    SubtaskMetrics(&'a str),
    /// A subtask, and which of its attempts.
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

/// What of the process, which is the job manager and the one task manager.
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

/// Weir's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own<'a> {
    Submit,
    Figures(&'a str),
    /// Writes a job's state, and ends the job if so asked.
    Savepoint(&'a str),
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
            Method::DELETE => matches!(segments.as_slice(), ["jars", _]).then_some(Route::Program),
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
            ["weir", "jobs"] => Route::Own(Own::Submit),
            ["weir", "jobs", job, "savepoint"] => Route::Own(Own::Savepoint(job)),
            ["weir", "dead-letters", "replay"] => Route::Own(Own::Replay),
            _ => return None,
        })
    }

    fn read(segments: &[&'a str]) -> Option<Route<'a>> {
        Some(match *segments {
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
            ["weir", "jobs", job] => Route::Own(Own::Figures(job)),
            ["weir", "dead-letters"] => Route::Own(Own::DeadLetters),
            ["weir", "dead-letters", id] => Route::Own(Own::DeadLetter(id)),
            _ => return None,
        })
    }

    /// Whether it changes anything.
    pub(super) fn acts(self) -> bool {
        match self {
            Route::Job(_, of) => matches!(
                of,
                OfJob::Cancel
                    | OfJob::CancelByGet
                    | OfJob::TakeSavepoint
                    | OfJob::Stop
                    | OfJob::TakeCheckpoint
            ),
            Route::Application(_, of) => of == OfApplication::Cancel,
            Route::Own(own) => matches!(own, Own::Submit | Own::Savepoint(_) | Own::Replay),
            Route::Dispose => true,
            _ => false,
        }
    }
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
    fn a_version_and_a_slash_behind_change_nothing() {
        for path in ["/jobs/ab/status", "/v1/jobs/ab/status", "/jobs/ab/status/", "/v1/jobs/ab/status/"] {
            assert_eq!(Route::of(&Method::GET, path), Some(Route::Job("ab", OfJob::Status)), "{path}");
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
            "/jobs/ab/vertices",
            "/jobmanager",
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
