//! Tests with a log that answers appends only on request.

use parking_lot::Mutex;
use storage::log::{LogReader, Note, OffsetBounds, Position, Start, Wanted};
use tokio::sync::oneshot::{self, Sender};
use types::PartitionId;

use super::*;

type Answer = Result<Vec<Position>, LogError>;

#[derive(Default)]
struct Log {
    /// Errors with which the next appends are answered at once.
    errors: Mutex<VecDeque<LogError>>,
    /// Accepted appends that wait for an answer.
    taken: Mutex<Vec<(String, Sender<Answer>)>>,
    created: Mutex<u32>,
}

impl EventLog for Log {
    fn name(&self) -> String {
        "a log of this test".to_owned()
    }

    fn topics(&self) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }

    fn create_topic(&self, _: &str, _: u32) -> Result<(), LogError> {
        *self.created.lock() += 1;
        Ok(())
    }

    fn partitions(&self, _: &str) -> Result<Option<u32>, LogError> {
        Ok(None)
    }

    fn append_noted(&self, _: &str, records: Vec<NewRecord>, _: Option<Note>) -> Result<Appending, LogError> {
        if let Some(error) = self.errors.lock().pop_front() {
            return Err(error);
        }
        let (done, appending) = oneshot::channel();
        let body = String::from_utf8(records[0].body.to_vec()).expect("text");
        self.taken.lock().push((body, done));
        Ok(appending)
    }

    fn note(&self, _: &str) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    fn read(&self, _: &str, _: &[(PartitionId, Start)], _: Wanted) -> Result<Box<dyn LogReader>, LogError> {
        Err(LogError::Closed)
    }

    fn bounds(&self, _: &str, _: PartitionId) -> Result<OffsetBounds, LogError> {
        Err(LogError::Closed)
    }
}

impl Log {
    fn bodies(&self) -> Vec<String> {
        self.taken.lock().iter().map(|(body, _)| body.clone()).collect()
    }

    fn answer(&self, append: usize, answer: Answer) {
        let (_, done) = self.taken.lock().remove(append);
        // An appender that gave up no longer receives the answer.
        let _ = done.send(answer);
    }
}

fn appender(log: &Arc<Log>) -> Appender {
    Appender {
        log: log.clone(),
        topic: "results".to_owned(),
        partitions: 3,
        retry: Arc::new(Retry::new(Arc::new(types::ManualClock::at(types::Timestamp(0))))),
        under_way: VecDeque::new(),
    }
}

fn record(body: impl Into<String>) -> Vec<NewRecord> {
    vec![NewRecord { body: body.into().into_bytes().into(), ..NewRecord::default() }]
}

/// Polls until the condition holds, with a limit.
fn until(holds: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain");
}

#[test]
fn a_log_that_does_not_answer_gets_so_much_and_no_more_until_the_job_ends() {
    for (body, taken) in [("x".repeat(1 << 20), 4), ("x".to_owned(), UNDER_WAY)] {
        let log = Arc::new(Log::default());
        let mut appender = appender(&log);
        let retry = appender.retry.clone();
        let writing = std::thread::spawn(move || {
            let mut appended = Ok(());
            while appended.is_ok() {
                appended = appender.append(record(body.clone()));
            }
            appended
        });
        until(|| log.taken.lock().len() == taken);
        log.answer(0, Ok(Vec::new()));
        until(|| log.taken.lock().len() == taken);
        retry.stop();
        assert!(writing.join().expect("no panic").is_err());
        assert_eq!(log.taken.lock().len(), taken);
    }
}

#[test]
fn flushing_waits_for_every_append() {
    let log = Arc::new(Log::default());
    let mut appender = appender(&log);
    for body in ["a", "b"] {
        appender.append(record(body)).expect("taken");
    }
    let flushing = std::thread::spawn(move || appender.flush());
    log.answer(1, Ok(Vec::new()));
    assert!(!flushing.is_finished());
    log.answer(0, Ok(Vec::new()));
    assert!(flushing.join().expect("no panic").is_ok());
}

#[test]
fn those_behind_a_failed_append_come_to_their_end_before_it_is_made_again_with_them() {
    let log = Arc::new(Log::default());
    let mut appender = appender(&log);
    for body in ["a", "b", "c"] {
        appender.append(record(body)).expect("taken");
    }
    let flushing = std::thread::spawn(move || appender.flush());
    log.answer(0, Err(LogError::DiskFull(std::io::ErrorKind::StorageFull.into())));
    log.answer(0, Ok(Vec::new()));
    log.answer(0, Ok(Vec::new()));
    for body in ["a", "b", "c"] {
        until(|| log.bodies() == [body]);
        log.answer(0, Ok(Vec::new()));
    }
    assert!(flushing.join().expect("no panic").is_ok());
}

#[test]
fn a_failed_append_is_not_made_again_while_those_behind_it_are_under_way() {
    let log = Arc::new(Log::default());
    let mut appender = appender(&log);
    for body in ["a", "b"] {
        appender.append(record(body)).expect("taken");
    }
    log.answer(0, Err(LogError::DiskFull(std::io::ErrorKind::StorageFull.into())));
    // The second append is never answered.
    appender.retry.stop();
    assert!(appender.flush().is_err());
    assert_eq!(log.bodies(), ["b"]);
}

#[test]
fn an_append_that_can_never_succeed_fails_the_job() {
    let log = Arc::new(Log::default());
    log.errors.lock().push_back(LogError::Overloaded { queued_bytes: 1 });
    log.errors.lock().push_back(LogError::TooLarge { bytes: 2, limit: 1 });
    let failed = appender(&log).append(record("a"));
    let Err(ConnectorError::External { doing, source }) = failed else { panic!("{failed:?}") };
    assert_eq!(doing, "cannot write topic `results`");
    assert!(source.to_string().contains("larger than the limit"), "{source}");
}

#[test]
fn a_topic_that_is_gone_is_made_again() {
    let log = Arc::new(Log::default());
    log.errors.lock().push_back(LogError::UnknownTopic { topic: "results".to_owned() });
    appender(&log).append(record("a")).expect("taken");
    assert_eq!((*log.created.lock(), log.bodies()), (1, vec!["a".to_owned()]));
}
