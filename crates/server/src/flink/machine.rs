//! Answers about the process, which is the only task manager and the job manager.

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use jobs::{JobStatus, JobView};

use super::answer::{Parts, nowhere, ok, plain};
use super::metrics::{self, Wanted};
use super::model::{LogFile, LogFiles, Metric, Refusal, TaskManager, TaskManagers};
use super::process::{self, Seen, TASK_MANAGER};
use super::route::OfProcess;
use crate::process::Process;

/// Name of the log in memory.
const LOG: &str = "weir.log";

impl Parts {
    fn seen(&self) -> Seen {
        let process = Process::read();
        let memory_max = self.options.memory_bytes.unwrap_or(process.physical);
        Seen { process, memory_max, cpu_load: self.rates.cpu_load(process.processors) }
    }
}

/// Answers `/taskmanagers`.
pub(super) fn all(parts: &Parts) -> Result<Response, Refusal> {
    ok(&TaskManagers { taskmanagers: vec![described(parts, &parts.seen(), &running(parts))] })
}

pub(super) fn metrics_of_all(parts: &Parts, uri: &Uri) -> Result<Response, Refusal> {
    let wanted = Wanted::over_several(uri)?;
    let is_one = metrics::list(uri, "taskmanagers").is_none_or(|ids| ids.iter().any(|id| id == TASK_MANAGER));
    ok(&wanted.aggregate(is_one.then(|| parts.seen().measures()).as_slice()))
}

pub(super) fn task_manager(
    parts: &Parts,
    id: &str,
    of: OfProcess<'_>,
    uri: &Uri,
) -> Result<Response, Refusal> {
    if id != TASK_MANAGER {
        return of_another(id, of);
    }
    match of {
        OfProcess::Details => {
            let (seen, running) = (parts.seen(), running(parts));
            ok(&process::details(&seen, &running, described(parts, &seen, &running)))
        }
        OfProcess::Metrics => ok(&Wanted::of(uri).answer(metrics::texts(parts.seen().measures()))),
        other => both(parts, other, uri),
    }
}

/// Returns Flink's answer about an unknown task manager.
fn of_another(id: &str, of: OfProcess<'_>) -> Result<Response, Refusal> {
    match of {
        OfProcess::Metrics => ok(&Vec::<Metric>::new()),
        OfProcess::Log | OfProcess::Output | OfProcess::LogFile(_) => Err(Refusal::NotFound(format!(
            "Failed to transfer file from TaskExecutor {id} because it was unknown."
        ))),
        OfProcess::Logs => {
            let message = format!("Could not find TaskExecutor {id}");
            Err(Refusal::Handler { status: StatusCode::NOT_FOUND, message })
        }
        OfProcess::Details | OfProcess::Config | OfProcess::Environment | OfProcess::ThreadDump => {
            Err(Refusal::NoSuchTaskManager(id.to_owned()))
        }
    }
}

pub(super) fn job_manager(parts: &Parts, of: OfProcess<'_>, uri: &Uri) -> Result<Response, Refusal> {
    match of {
        OfProcess::Metrics => {
            let mut measures = parts.seen().measures();
            let running = running(parts);
            let taken = taken(&running);
            let slots = parts.options.slots.max(taken);
            measures.extend([
                ("numRegisteredTaskManagers".to_owned(), 1.0),
                ("numRunningJobs".to_owned(), running.len() as f64),
                ("taskSlotsTotal".to_owned(), f64::from(slots)),
                ("taskSlotsAvailable".to_owned(), f64::from(slots - taken)),
            ]);
            ok(&Wanted::of(uri).answer(metrics::texts(measures)))
        }
        other => both(parts, other, uri),
    }
}

fn both(parts: &Parts, of: OfProcess<'_>, uri: &Uri) -> Result<Response, Refusal> {
    match of {
        OfProcess::Config => ok(&parts.services.settings),
        OfProcess::Environment => ok(&process::environment()),
        OfProcess::ThreadDump => ok(&process::thread_dump()),
        OfProcess::Log => Ok(plain(parts.services.log.text())),
        // Standard output has only results of commands.
        OfProcess::Output => Ok(plain(Vec::new())),
        OfProcess::Logs => {
            let (size, written) = parts.services.log.size();
            ok(&LogFiles { logs: vec![LogFile { name: LOG, size, mtime: written.0 }] })
        }
        OfProcess::LogFile(name) if name == LOG => Ok(plain(parts.services.log.text())),
        OfProcess::LogFile(_) => {
            Err(Refusal::own(StatusCode::NOT_FOUND, "This file does not exist in JobManager log dir."))
        }
        OfProcess::Details | OfProcess::Metrics => Err(nowhere(&Method::GET, uri.path())),
    }
}

fn running(parts: &Parts) -> Vec<JobView> {
    parts
        .views()
        .into_iter()
        .filter(|view| !view.status.is_terminal() && view.status != JobStatus::Suspended)
        .collect()
}

/// Returns the number of slots in use.
fn taken(running: &[JobView]) -> u32 {
    running.iter().fold(0, |taken: u32, view| taken.saturating_add(view.parallelism))
}

fn described(parts: &Parts, seen: &Seen, running: &[JobView]) -> TaskManager {
    let taken = taken(running);
    let slots = parts.options.slots.max(taken);
    let (address, now) = (parts.address.to_string(), parts.services.clock.now());
    let tasks = running.iter().flat_map(|view| &view.tasks).filter(|task| task.finished.is_none()).count();
    process::task_manager(seen, (slots, slots - taken), tasks, &address, now)
}
