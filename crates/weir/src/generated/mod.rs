//! Generated events for a Weir that has no events yet: a week with a daily rhythm, then the present.
//!
//! ```text
//! rhythm ─► generate::Events ─► topic weir-generated-events ─► job `Generated events` ─► generated_* tables
//! ```
//!
//! Topic, job, tables and keys belong to generated events alone, so other events are neither counted with them nor late
//! because of them. Removing ends the job and deletes tables and keys. The events stay in their topic until the log's
//! retention drops them; nothing reads them, because the job of the next start reads only what follows it.
//!
//! They need Weir's own log and store. With Kafka or Redis, a topic or keys would appear on a server that others use.

mod producer;
mod rhythm;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::tz::TimeZone;
use jobs::{Dispatcher, JobMaster, JobOrigin, Submission, SubmitError};
use parking_lot::{Condvar, Mutex};
use server::flink::Variables;
use server::{GenerateError, GeneratedEvents, GeneratedState, GeneratedView};
use storage::log::EventLog;
use storage::store::{ResultStore, WriteBatch};
use types::{Clock, with_causes};

use producer::{Producer, Span};
use rhythm::Rhythm;

/// Time that the job may take to end.
const JOB_GRACE: Duration = Duration::from_secs(30);
/// Keys that are deleted at one time.
const DELETED_AT_ONCE: usize = 5_000;
/// The past that is filled.
const PAST_US: i64 = 7 * 24 * 3_600 * 1_000_000;
/// Events per second at the busiest and at the quietest time: 30,000 in a week, in which every chart has something to
/// show, and results of some ten megabytes.
const PEAK: f64 = 0.12;
const LEAST: f64 = 0.01;
/// In the present somebody looks at the page, so events come at any hour.
const LEAST_NOW: f64 = 0.5;

/// What generated events need of a Weir.
pub(crate) struct Parts {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) store: Arc<dyn ResultStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) variables: Variables,
    pub(crate) zone: TimeZone,
    /// Why events cannot be generated in this Weir.
    pub(crate) refusal: Option<String>,
}

/// The generator and its job.
pub(crate) struct Generated {
    parts: Parts,
    /// Held while the generator is started or removed.
    running: Mutex<Option<Running>>,
    progress: Arc<Progress>,
}

/// What the thread of the generator tells.
#[derive(Default)]
struct Progress {
    state: Mutex<Phase>,
    events: AtomicU64,
    is_stopped: Mutex<bool>,
    stopped: Condvar,
}

impl Progress {
    /// Tells the thread to stop.
    fn stop(&self) {
        *self.is_stopped.lock() = true;
        self.stopped.notify_all();
    }

    /// Waits, and returns early if the thread is told to stop. Returns whether it is.
    fn pause(&self, length: Duration) -> bool {
        let mut is_stopped = self.is_stopped.lock();
        if !*is_stopped && !length.is_zero() {
            let _ = self.stopped.wait_for(&mut is_stopped, length);
        }
        *is_stopped
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Off,
    Filling,
    Running,
    Failed,
}

struct Running {
    job: Arc<JobMaster>,
    thread: Option<JoinHandle<()>>,
}

impl Generated {
    pub(crate) fn new(parts: Parts) -> Arc<Generated> {
        Arc::new(Generated { parts, running: Mutex::default(), progress: Arc::default() })
    }

    /// Goes on after a restart of Weir, if the job of generated events goes on: with the present.
    pub(crate) fn resume(&self) {
        let job =
            self.parts.dispatcher.jobs().into_iter().find(|job| is_ours(job) && !job.status().is_terminal());
        let Some(job) = job else { return };
        let mut running = self.running.lock();
        match self.produce(0) {
            Ok(thread) => *running = Some(Running { job, thread: Some(thread) }),
            Err(error) => {
                tracing::error!(error = %error, "the generator of events was not started again");
                *self.progress.state.lock() = Phase::Failed;
                *running = Some(Running { job, thread: None });
            }
        }
    }

    /// Ends the generator, not its job, when Weir ends.
    pub(crate) fn stop(&self) {
        self.progress.stop();
        let thread = self.running.lock().as_mut().and_then(|running| running.thread.take());
        if let Some(thread) = thread {
            join(thread);
        }
    }

    /// Starts the job, which reads the topic from now on.
    fn submit(&self) -> Result<Arc<JobMaster>, GenerateError> {
        let Parts { dispatcher, log, clock, variables, .. } = &self.parts;
        log.create_topic(script::TOPIC, 1).map_err(|error| failed("creating the topic", &error))?;

        let variables = |name: &str| match name {
            script::TOPIC_VARIABLE => Some(script::TOPIC.to_owned()),
            other => variables(other),
        };
        let text = script::script(clock.now().0);
        let submission = Submission {
            script: &text,
            name: script::JOB,
            variables: &variables,
            origin: JobOrigin::Submitted,
            from: None,
            afresh: true,
        };
        dispatcher.submit(submission).map_err(|error| match error {
            SubmitError::Script(found) => {
                let messages: Vec<String> = found.iter().map(|of| of.message.clone()).collect();
                GenerateError::Failed(format!("the job of generated events: {}", messages.join("; ")))
            }
            other => failed("starting the job of generated events", &other),
        })
    }

    /// Starts the thread that generates events: first those of the past, then those of the present.
    fn produce(&self, past_us: i64) -> std::io::Result<JoinHandle<()>> {
        let Parts { log, clock, zone, .. } = &self.parts;
        let progress = Arc::clone(&self.progress);
        *progress.is_stopped.lock() = false;
        progress.events.store(0, Ordering::Relaxed);
        *progress.state.lock() = if past_us > 0 { Phase::Filling } else { Phase::Running };

        let rhythm = |least| Rhythm { zone: zone.clone(), peak: PEAK, least };
        let (past, present) = (rhythm(LEAST), rhythm(LEAST_NOW));
        let mut producer = Producer::new(
            Arc::clone(log),
            Arc::clone(clock),
            script::TOPIC,
            zone.clone(),
            Arc::clone(&progress),
        );

        std::thread::Builder::new().name("generated-events".to_owned()).spawn(move || {
            let produced = producer.run(&past, Span::Past { length_us: past_us }).and_then(|()| {
                producer.enter(Phase::Running);
                producer.run(&present, Span::Present)
            });
            if let Err(error) = produced {
                tracing::error!(error = %error, "the generator of events has failed");
                producer.enter(Phase::Failed);
            }
        })
    }

    /// Deletes all results of generated events.
    fn delete_results(&self) -> Result<(), GenerateError> {
        let store = &self.parts.store;
        let mut keys: Vec<Arc<str>> = Vec::new();
        store
            .scan(script::KEYS, &mut |entry| {
                keys.push(entry.key);
                true
            })
            .map_err(|error| failed("finding the results of generated events", &error))?;

        for keys in keys.chunks(DELETED_AT_ONCE) {
            let batch = WriteBatch { deletes: keys.to_vec(), ..WriteBatch::default() };
            store
                .write(&batch)
                .map_err(|error| failed("deleting the results of generated events", &error))?;
        }
        Ok(())
    }
}

impl GeneratedEvents for Generated {
    fn view(&self) -> GeneratedView {
        let state = match *self.progress.state.lock() {
            Phase::Off => GeneratedState::Off,
            Phase::Filling => GeneratedState::Filling,
            Phase::Running => GeneratedState::Running,
            Phase::Failed => GeneratedState::Failed,
        };
        let events = self.progress.events.load(Ordering::Relaxed);
        GeneratedView { state, events, refusal: self.parts.refusal.clone() }
    }

    fn start(&self) -> Result<(), GenerateError> {
        let mut running = self.running.lock();
        if running.is_some() {
            return Ok(());
        }
        let job = self.submit()?;
        let thread = self.produce(PAST_US).map_err(|error| {
            job.cancel();
            *self.progress.state.lock() = Phase::Off;
            failed("starting the generator", &error)
        })?;
        *running = Some(Running { job, thread: Some(thread) });
        tracing::info!("events are generated, with results in the tables {}*", script::TABLES);
        Ok(())
    }

    fn remove(&self) -> Result<(), GenerateError> {
        let mut running = self.running.lock();
        self.progress.stop();
        if let Some(running) = running.as_mut() {
            if let Some(thread) = running.thread.take() {
                join(thread);
            }
            running.job.cancel();
            if !running.job.wait(JOB_GRACE) {
                return Err(GenerateError::Failed(
                    "the job of generated events does not end: try again".to_owned(),
                ));
            }
        }

        // The job has ended, so nobody writes results behind the deletion.
        self.delete_results()?;
        self.parts.dispatcher.result_tables().forget(|table| table.job == script::JOB);
        *running = None;
        *self.progress.state.lock() = Phase::Off;
        self.progress.events.store(0, Ordering::Relaxed);
        tracing::info!("generated events were removed");
        Ok(())
    }
}

fn is_ours(job: &JobMaster) -> bool {
    job.name() == script::JOB
}

fn join(thread: JoinHandle<()>) {
    // A thread that panicked has told so.
    let _ = thread.join();
}

fn failed(doing: &str, error: &(dyn std::error::Error + 'static)) -> GenerateError {
    GenerateError::Failed(format!("{doing}: {}", with_causes(error)))
}
