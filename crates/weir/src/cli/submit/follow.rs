//! Follows a submitted job until all of its parts run.
//!
//! Flink calls a job RUNNING before its subtasks have slots. So the command looks at the vertices: the job runs when each of
//! them runs, or has finished.

use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, never};
use serde::Deserialize;
use types::Clock;

use crate::cli::client::ClientArgs;
use crate::cli::gateway::innermost;
use crate::cli::rest::{JobManager, ManagerArgs};
use crate::cli::terminal::{complain, on_one_line};
use crate::cli::{Failure, Outcome};

/// Interval of looks at the job.
const PAUSE: Duration = Duration::from_millis(300);

/// Looks without an answer after which the job manager counts as unreachable: a job may be unknown for a moment.
const SILENCE_MAX: u32 = 20;

/// A job of the cluster.
pub(super) struct Job {
    pub(super) id: String,
    /// `None` if the job manager's URL is not known.
    manager: Option<(JobManager, String)>,
    is_verbose: bool,
}

/// The parts of the answer to `/jobs/{id}` that matter here.
#[derive(Deserialize)]
struct Details {
    name: String,
    state: String,
    #[serde(default)]
    vertices: Vec<Vertex>,
}

#[derive(Deserialize)]
struct Vertex {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exceptions {
    exception_history: History,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    stacktrace: String,
}

/// What a look at the job tells.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Runs,
    Finished,
    Failed,
    /// The state, and how many of the vertices run.
    Waits(String),
}

impl Details {
    fn look(&self) -> Look {
        let running =
            self.vertices.iter().filter(|of| ["RUNNING", "FINISHED"].contains(&of.status.as_str())).count();
        match self.state.as_str() {
            "FINISHED" => Look::Finished,
            "FAILED" | "CANCELED" => Look::Failed,
            "RUNNING" if running == self.vertices.len() => Look::Runs,
            state => Look::Waits(format!("{state}, {running} of {} vertices run", self.vertices.len())),
        }
    }
}

impl Job {
    pub(super) fn new(
        client: &ClientArgs,
        id: String,
        manager: Option<String>,
        is_verbose: bool,
    ) -> Result<Job, Failure> {
        let manager = match manager {
            Some(url) => Some((JobManager::new(&ManagerArgs::of(&url, client))?, url)),
            None => None,
        };
        Ok(Job { id, manager, is_verbose })
    }

    /// Returns `: URL` of the job's page; empty if it is not known.
    pub(super) fn page(&self) -> String {
        let page = |url: &str| format!(": {}/#/job/running/{}/overview", url.trim_end_matches('/'), self.id);
        self.manager.as_ref().map_or_else(String::new, |(_, url)| page(url))
    }

    /// Waits until the job runs, and reports what happens meanwhile.
    pub(super) fn follow(&self, clock: &dyn Clock, wait: Duration) -> Result<Outcome, Failure> {
        let Some((manager, _)) = &self.manager else {
            complain("the job is submitted; --jobs-url URL names the job manager, to see whether it runs");
            return Ok(Outcome::Done);
        };

        let waiting: Receiver<()> = never();
        let until = clock.elapsed() + wait;
        let (mut silent, mut last) = (0, String::new());
        loop {
            match manager.get::<Details>(&format!("/jobs/{}", self.id)) {
                Ok(details) => {
                    silent = 0;
                    let name = on_one_line(&details.name);
                    match details.look() {
                        Look::Runs => {
                            complain(&format!("job {name} is RUNNING{}", self.page()));
                            return Ok(Outcome::Done);
                        }
                        Look::Finished => {
                            complain(&format!("job {name} is FINISHED{}", self.page()));
                            return Ok(Outcome::Done);
                        }
                        Look::Failed => return Ok(self.failed(manager, &name, &details.state)),
                        Look::Waits(state) if state != last => {
                            complain(&format!("job {name} is {state}"));
                            self.tell_cause(manager);
                            last = state;
                        }
                        Look::Waits(_) => {}
                    }
                }
                Err(failure) => {
                    silent += 1;
                    if silent > SILENCE_MAX {
                        complain("the job is submitted, but the job manager does not tell whether it runs:");
                        complain("name it with --jobs-url URL, or do not wait with --detach");
                        return Err(failure);
                    }
                }
            }

            if clock.elapsed() > until {
                let advice = "Flink goes on trying; `weir jobs cancel` ends the job";
                return Err(Failure::failed(anyhow!("job {} does not run: {last} ({advice})", self.id)));
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
    }

    fn failed(&self, manager: &JobManager, name: &str, state: &str) -> Outcome {
        complain(&format!("job {name} is {state}{}", self.page()));
        self.tell_cause(manager);
        Outcome::No
    }

    /// Prints the newest exception of the job, if there is one.
    fn tell_cause(&self, manager: &JobManager) {
        // Without an answer, the state alone is told.
        let Ok(exceptions) = manager.get::<Exceptions>(&format!("/jobs/{}/exceptions", self.id)) else {
            return;
        };
        let Some(newest) = exceptions.exception_history.entries.first() else { return };
        if self.is_verbose {
            complain(newest.stacktrace.trim_end());
        } else {
            complain(&format!("  {}", on_one_line(innermost(&newest.stacktrace))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_runs_when_each_of_its_vertices_does() {
        let look = |state: &str, vertices: &[&str]| {
            let vertices = vertices.iter().map(|status| Vertex { status: (*status).to_owned() });
            Details { name: "n".to_owned(), state: state.to_owned(), vertices: vertices.collect() }.look()
        };
        assert_eq!(look("RUNNING", &["RUNNING", "FINISHED"]), Look::Runs);
        let waits = Look::Waits("RUNNING, 1 of 2 vertices run".to_owned());
        assert_eq!(look("RUNNING", &["RUNNING", "SCHEDULED"]), waits);
        assert_eq!(
            (look("FAILED", &["FAILED"]), look("FINISHED", &["FINISHED"])),
            (Look::Failed, Look::Finished)
        );
        assert!(matches!(look("RESTARTING", &["CANCELED"]), Look::Waits(_)));
    }
}
