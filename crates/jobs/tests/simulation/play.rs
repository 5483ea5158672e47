//! Runs a schedule to its end, and checks the results.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jobs::{JobStatus, SavepointError, Sequel};
use parking_lot::Mutex;
use types::{Interval, ManualClock, Timestamp};

use crate::acts::{Act, Checkpoints, Entry, LOOK_FOR_PARTITIONS_MS, NOW, Schedule};
use crate::check::{Outcome, check};
use crate::events::Line;
use crate::memory::{MemoryLog, MemoryStore};
use crate::process::{From, LONG, Process, World, Write};

pub const TOPIC: &str = "events";

/// Counts of events that do not occur in every schedule.
#[derive(Debug, Default)]
pub struct Seen {
    pub late: u64,
    pub dead_lettered: u64,
    /// Results that were corrected after their windows had closed.
    pub corrected: u64,
    /// The number of restarts from a checkpoint or savepoint.
    pub restored: u64,
}

struct Stage<'a> {
    schedule: &'a Schedule,
    world: World,
    process: Option<Process>,
    entry: Entry,
    /// The appended lines by partition.
    appended: Vec<Vec<Line>>,
    /// Whether a sink refuses rows.
    stuck: bool,
}

pub fn play(schedule: &Schedule) -> Seen {
    let world = World {
        directory: directory(),
        log: MemoryLog::with(TOPIC, vec![Vec::new(); schedule.partitions]),
        store: Arc::<MemoryStore>::default(),
        clock: Arc::new(ManualClock::at(Timestamp(NOW))),
        checkpoints: schedule.checkpoints,
        writes: Arc::new(Mutex::new(Vec::new())),
        slow: Arc::default(),
    };

    let process = world.start(&schedule.text, schedule.parallelism, schedule.entry, From::Nothing);
    let mut stage = Stage {
        process: Some(process),
        entry: schedule.entry,
        appended: vec![Vec::new(); schedule.partitions],
        stuck: false,
        world,
        schedule,
    };
    schedule.acts.iter().for_each(|act| stage.act(act));
    stage.finish()
}

/// Creates a directory, in memory if the system supports it: the disk is not under test.
fn directory() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Waits until a condition holds, and fails the test after some time.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..30_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain until {what}");
}

impl Stage<'_> {
    fn process(&self) -> &Process {
        self.process.as_ref().expect("a process runs between acts")
    }

    fn act(&mut self, act: &Act) {
        let World { log, store, clock, .. } = &self.world;
        match act {
            Act::Append { partition, lines } => {
                self.appended[*partition].extend(lines.iter().cloned());
                log.add(TOPIC, *partition, lines.iter().map(Line::body).collect());
            }
            Act::Advance(pass) => clock.advance(Interval(*pass)),
            Act::Settle => self.settle(),
            Act::AwaitCheckpoint => self.await_checkpoint(),
            Act::Savepoint => drop(self.savepoint(Sequel::GoOn)),
            Act::Fetch(records) => log.give_at_once(*records),
            Act::FailRead => log.break_down(),
            Act::FailOpens(times) => {
                log.fail_opens(*times);
                log.break_down();
            }
            Act::OutOfReach(gone) => log.be_out_of_reach(*gone),
            Act::Hold { partition, held } => {
                log.hold(TOPIC, *partition, held.then_some(self.appended[*partition].len()));
            }
            Act::StickSink(stuck) => {
                self.stuck |= *stuck;
                store.refuse(*stuck);
            }
            Act::SlowSink(slow) => self.world.slow.store(*slow, Ordering::SeqCst),
            Act::RefuseDeadLetters(refused) => {
                self.stuck |= *refused;
                log.refuse_appends(*refused);
            }
            Act::AddPartition => {
                log.grow(TOPIC);
                self.appended.push(Vec::new());
                clock.advance(Interval(LOOK_FOR_PARTITIONS_MS));
                self.settle();
            }
            Act::Kill { damage, parallelism } => {
                let process = self.process.take().expect("a process runs");
                let job = process.job.id();
                process.kill(&self.world.directory.path().join("checkpoints"));
                if let Some(damage) = damage {
                    self.world.damage(job, *damage);
                }
                self.start(*parallelism, From::Before);
            }
            Act::ShutDown { parallelism } => self.shut_down(*parallelism, From::Before),
            Act::Cancel { parallelism } => {
                self.unstick();
                self.process().job.cancel();
                assert!(self.process().job.wait(LONG), "a cancelled job does not end");
                self.shut_down(*parallelism, From::Before);
            }
            Act::Stop { parallelism, entry } => {
                let savepoint = self.savepoint(Sequel::Stop);
                assert!(self.process().job.wait(LONG), "a stopped job does not end");
                assert_eq!(self.process().job.status(), JobStatus::Finished);
                self.entry = *entry;
                self.shut_down(*parallelism, From::Savepoint(&savepoint));
            }
        }
    }

    fn shut_down(&mut self, parallelism: u32, from: From<'_>) {
        self.unstick();
        let process = self.process.take().expect("a process runs");
        assert!(process.dispatcher.shut_down(LONG), "a job does not end in good order");
        drop(process);
        self.start(parallelism, from);
    }

    fn start(&mut self, parallelism: u32, from: From<'_>) {
        // A starting job waits for its dead letters, and an error of the log would be reported.
        self.world.log.refuse_appends(false);
        self.world.log.fail_opens(0);
        self.process = Some(self.world.start(&self.schedule.text, parallelism, self.entry, from));
    }

    /// Makes all sinks accept rows again.
    fn unstick(&mut self) {
        self.world.store.refuse(false);
        self.world.log.refuse_appends(false);
        self.stuck = false;
    }

    /// Writes a savepoint, and repeats this if the job fails meanwhile.
    fn savepoint(&mut self, then: Sequel) -> String {
        self.unstick();
        let mut written = None;
        until("a savepoint is written", || match self.process().job.savepoint(None, then) {
            Ok(location) => {
                written = Some(location);
                true
            }
            Err(SavepointError::Ended | SavepointError::Snapshot(_)) => {
                let status = self.process().job.status();
                assert!(
                    !status.is_terminal(),
                    "the job is {status}: {:?}",
                    self.process().job.view().failures
                );
                false
            }
            Err(error) => panic!("no savepoint: {error}"),
        });
        written.expect("it was waited for")
    }

    /// Waits until every source has seen the current state of log and clock, and the results are written.
    fn settle(&mut self) {
        // A source reads the log between two snapshots, and passes on its findings before the third.
        (0..3).for_each(|_| drop(self.savepoint(Sequel::GoOn)));
    }

    fn await_checkpoint(&mut self) {
        if self.schedule.checkpoints == Checkpoints::WhenItEnds {
            return;
        }
        self.unstick();
        let completed = || self.process().job.view().checkpoints.completed;
        let before = completed();
        until("a checkpoint is written", || {
            self.world.clock.advance(Interval(1));
            completed() > before
        });
    }

    /// Repairs everything, and waits until all events are read and all windows closed.
    fn finish(mut self) -> Seen {
        self.unstick();
        let World { log, slow, .. } = &self.world;
        slow.store(false, Ordering::SeqCst);
        log.be_out_of_reach(false);
        log.fail_opens(0);
        log.give_at_once(0);
        (0..self.appended.len()).for_each(|partition| log.hold(TOPIC, partition, None));

        let total: usize = self.appended.iter().map(Vec::len).sum();
        let job = self.process().job.clone();
        until(&format!("all {total} lines are taken: {:?}", job.view().ledger), || {
            job.view().ledger.accepted == total as u64
        });

        self.settle();
        self.world.clock.advance(Interval(4 * 3_600_000));
        self.settle();
        let view = job.view();
        let dead_letters = self.process().dispatcher.dead_letters().newest(&|_| true, usize::MAX);
        check(&Outcome {
            schedule: self.schedule,
            appended: &self.appended,
            rows: self.world.rows(),
            writes: &self.world.writes.lock(),
            dead_letters: dead_letters.expect("the dead letters can be read"),
            ledger: &view.ledger,
        });

        let process = self.process.take().expect("a process runs");
        assert!(process.dispatcher.shut_down(LONG), "the job does not end in good order");
        let is_correction = |write: &&Write| write.value.windows(10).any(|part| part == b"\"revision\"");
        Seen {
            late: view.ledger.late,
            dead_lettered: view.ledger.dead_lettered,
            corrected: self.world.writes.lock().iter().filter(is_correction).count() as u64,
            restored: view.checkpoints.restored,
        }
    }
}

impl Seen {
    pub fn add(&mut self, other: &Seen) {
        self.late += other.late;
        self.dead_lettered += other.dead_lettered;
        self.corrected += other.corrected;
        self.restored += other.restored;
    }
}
