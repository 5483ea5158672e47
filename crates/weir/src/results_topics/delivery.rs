//! Runs the job of `weir up --deliver` as soon as each topic declares its table.
//!
//! A job that an earlier process recorded is running already when the thread begins. If its script is what the topics declare
//! now, it is left alone; otherwise it is replaced with its state, as after `weir up` with other topics. A job that was
//! cancelled starts again with the next `weir up --deliver`, because the command line asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::anyhow;
use connectors::flink::{Delivered, delivery};
use jobs::{Dispatcher, JobMaster, JobOrigin, Submission, SubmitError};
use parking_lot::{Condvar, Mutex};
use server::flink::Variables;
use storage::log::EventLog;
use types::{ErrorDomain, with_causes};

use super::{JOB, declared};

/// Wait between looks at topics that declare nothing yet.
const PAUSE: Duration = Duration::from_secs(2);
/// Wait before the job is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// What a delivery needs of a Weir.
pub(crate) struct Parts {
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// The Kafka of the topics.
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) variables: Variables,
    /// At least one.
    pub(crate) topics: Vec<String>,
}

/// The thread that waits for the topics. Dropping it ends the wait, not the job.
pub(crate) struct Delivery {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_asked: Mutex<bool>,
    changed: Condvar,
}

impl Delivery {
    /// Starts the thread.
    pub(crate) fn start(parts: Parts) -> std::io::Result<Delivery> {
        let stop: Arc<Stop> = Arc::default();
        let waiting = stop.clone();
        let thread =
            std::thread::Builder::new().name("deliver".to_owned()).spawn(move || parts.run(&waiting))?;
        Ok(Delivery { stop, thread: Some(thread) })
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        *self.stop.is_asked.lock() = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so.
            let _ = thread.join();
        }
    }
}

impl Stop {
    /// Blocks until asked or until the timeout; returns true if asked.
    fn wait(&self, limit: Duration) -> bool {
        let mut is_asked = self.is_asked.lock();
        self.changed.wait_while_for(&mut is_asked, |is_asked| !*is_asked, limit);
        *is_asked
    }
}

impl Parts {
    fn run(&self, stop: &Stop) {
        let Some(mut topics) = self.wait_for_declarations(stop) else { return };
        let mut last_said = String::new();
        loop {
            let error = match self.deliver(&topics) {
                Ok(()) => return,
                Err(error) => error,
            };

            // A topic's next record may have another header, and servers come back: try again, but say the same only once.
            let said = format!("{error:#}");
            if said != last_said {
                tracing::error!(
                    reason = said,
                    "results topics are not delivered; trying again every {RETRY_PAUSE:?}"
                );
                last_said = said;
            }
            if stop.wait(RETRY_PAUSE) {
                return;
            }
            match self.wait_for_declarations(stop) {
                Some(found) => topics = found,
                None => return,
            }
        }
    }

    /// Returns what all topics declare; `None` if asked to stop before.
    fn wait_for_declarations(&self, stop: &Stop) -> Option<Vec<Delivered>> {
        let mut found: BTreeMap<&str, Delivered> = BTreeMap::new();
        let mut last_said: BTreeMap<&str, String> = BTreeMap::new();
        loop {
            for topic in &self.topics {
                if found.contains_key(topic.as_str()) {
                    continue;
                }
                match declared(&*self.log, topic) {
                    Ok(delivered) => {
                        found.insert(topic, delivered);
                    }
                    Err(error) => {
                        let said = with_causes(&error);
                        if last_said.get(topic.as_str()) != Some(&said) {
                            match error.domain() {
                                ErrorDomain::User => {
                                    tracing::info!(topic, "waiting for a results topic: {said}")
                                }
                                _ => tracing::warn!(topic, "waiting for a results topic: {said}"),
                            }
                            last_said.insert(topic, said);
                        }
                    }
                }
            }

            if found.len() == self.topics.len() {
                return Some(found.into_values().collect());
            }
            if stop.wait(PAUSE) {
                return None;
            }
        }
    }

    /// Makes sure that the job with the script of these topics runs.
    fn deliver(&self, topics: &[Delivered]) -> anyhow::Result<()> {
        // Without options of a client, the tables use the Kafka of Weir's settings.
        let script = delivery(JOB, topics, &[])?;
        let submission = Submission {
            script: &script,
            name: JOB,
            variables: &*self.variables,
            origin: JobOrigin::Submitted,
            from: None,
            afresh: false,
        };

        match self.running() {
            Some(job) if job.script() == script => {
                tracing::info!(job_id = %job.id(), "results topics are delivered further");
            }
            Some(job) => {
                let replaced = self.dispatcher.replace(submission, &job.id().to_string())?;
                tracing::info!(job_id = %replaced.new.id(), "results topics are delivered by a changed job");
            }
            None => {
                let job = self.dispatcher.submit(submission).map_err(described)?;
                tracing::info!(job_id = %job.id(), topics = topics.len(), "results topics are delivered");
            }
        }
        Ok(())
    }

    fn running(&self) -> Option<Arc<JobMaster>> {
        let mut jobs = self.dispatcher.jobs().into_iter();
        jobs.find(|job| job.name() == JOB && !job.status().is_terminal())
    }
}

/// Returns a refusal with what was found in the script, which nobody sees otherwise.
fn described(error: SubmitError) -> anyhow::Error {
    match &error {
        SubmitError::Script(found) => {
            let messages: Vec<&str> = found.iter().map(|of| of.message.as_str()).collect();
            anyhow!("{error}: {}", messages.join("; "))
        }
        _ => anyhow::Error::new(error),
    }
}
