//! Random schedules of events and failures, generated from a seed.

use crate::events::Line;
use crate::random::Random;
use crate::script::{Filter, Script};

/// A script, and what happens to its job.
#[derive(Debug)]
pub struct Schedule {
    pub script: Script,
    /// The text of the script.
    pub text: String,
    pub partitions: usize,
    pub parallelism: u32,
    /// Whether checkpoints are taken whenever the clock moves, or only at an orderly end.
    pub checkpoints: Checkpoints,
    /// The order in which events arrive, which determines what the results must be.
    pub punctuality: Punctuality,
    /// How the job is submitted.
    pub entry: Entry,
    pub acts: Vec<Act>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoints {
    Often,
    WhenItEnds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Punctuality {
    /// No event is older than the watermark allows, so none is late in whatever order the partitions are
    /// read.
    Prompt,
    /// Some events are late; the dead letters say which.
    Tardy,
}

/// How the job is started after the process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It is named at the start.
    Named,
    /// It was submitted and is recorded.
    Submitted,
}

#[derive(Debug, Clone, Copy)]
pub enum Damage {
    Truncate,
    FlipBit,
    RemoveState,
    RemoveManifest,
    TruncateManifest,
}

#[derive(Debug)]
pub enum Act {
    Append {
        partition: usize,
        lines: Vec<Line>,
    },
    /// This many milliseconds pass.
    Advance(i64),
    /// The job reads all available events.
    Settle,
    AwaitCheckpoint,
    Savepoint,
    /// The maximum number of records that a reader gets at once; 0 means all.
    Fetch(usize),
    /// A read fails, and so does the job.
    FailRead,
    /// A read fails, and then this many attempts to restart.
    FailOpens(usize),
    /// Makes the log unreachable or reachable.
    OutOfReach(bool),
    /// Stops or continues the reading of a partition.
    Hold {
        partition: usize,
        held: bool,
    },
    /// The store refuses all writes, or accepts them again.
    StickSink(bool),
    /// Makes the store slow or fast.
    SlowSink(bool),
    /// The dead-letter topic refuses all writes, or accepts them again.
    RefuseDeadLetters(bool),
    AddPartition,
    /// The process is killed and another one starts. The newest checkpoint may be damaged.
    Kill {
        damage: Option<Damage>,
        parallelism: u32,
    },
    /// The process shuts down and another one starts.
    ShutDown {
        parallelism: u32,
    },
    Cancel {
        parallelism: u32,
    },
    /// The job is stopped with a savepoint, and started from it.
    Stop {
        parallelism: u32,
        entry: Entry,
    },
}

const DAMAGES: [Damage; 5] = [
    Damage::Truncate,
    Damage::FlipBit,
    Damage::RemoveState,
    Damage::RemoveManifest,
    Damage::TruncateManifest,
];

/// The initial time of the clock: 2025-12-09T14:20:00Z.
pub const NOW: i64 = 1_765_290_000_000;

/// The time after which a job has noticed a new partition.
pub const LOOK_FOR_PARTITIONS_MS: i64 = 6_000;

/// Generates the acts of a schedule.
struct Drawing<'a> {
    random: &'a mut Random,
    now: i64,
    next_id: u32,
    partitions: usize,
    delay_ms: i64,
    punctuality: Punctuality,
    entry: Entry,
}

impl Schedule {
    pub fn draw(seed: u64) -> Schedule {
        // Makes the schedules of consecutive seeds different.
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..4).for_each(|_| {
            random.next();
        });
        let punctuality = *random.pick(&[Punctuality::Prompt, Punctuality::Prompt, Punctuality::Tardy]);
        let tardy = punctuality == Punctuality::Tardy;
        let witnesses = tardy || random.once_in(3);
        let mut script = Script::draw(&mut random, witnesses);
        // If every query filtered by a column, it would be a required one, and its dead letters would be
        // those of `id`.
        if script.queries.iter().all(|query| query.filter == Filter::HasK) {
            script.queries[0].filter = Filter::None;
        }

        let partitions = 1 + random.below(3) as usize;
        let entry = *random.pick(&[Entry::Named, Entry::Submitted]);
        let mut drawing = Drawing {
            now: NOW,
            next_id: 0,
            partitions,
            delay_ms: script.delay_seconds * 1_000,
            punctuality,
            entry,
            random: &mut random,
        };
        let acts: Vec<Act> = (0..10 + drawing.random.below(30)).map(|_| drawing.act()).collect();
        Schedule {
            text: script.text(),
            script,
            partitions,
            parallelism: 1 + random.below(4) as u32,
            checkpoints: *random.pick(&[Checkpoints::Often, Checkpoints::Often, Checkpoints::WhenItEnds]),
            punctuality,
            entry,
            acts,
        }
    }
}

impl Drawing<'_> {
    fn act(&mut self) -> Act {
        let parallelism = 1 + self.random.below(4) as u32;
        match self.random.below(60) {
            0..22 => self.append(),
            22..29 => {
                let pass = *self.random.pick(&[1, 200, 1_000, 3_000, 5_000, 12_000, 60_000]);
                self.now += pass;
                Act::Advance(pass)
            }
            29..31 => Act::Settle,
            31..33 => Act::AwaitCheckpoint,
            33 => Act::Savepoint,
            34..36 => Act::Fetch(*self.random.pick(&[0, 1, 2, 7])),
            36 => Act::OutOfReach(self.random.once_in(2)),
            37..39 => {
                let partition = self.random.below(self.partitions as u64) as usize;
                Act::Hold { partition, held: self.random.once_in(2) }
            }
            39 => Act::StickSink(self.random.once_in(2)),
            40 => Act::SlowSink(self.random.once_in(2)),
            41 => Act::RefuseDeadLetters(self.random.once_in(2)),
            42 if self.partitions < 4 => {
                self.partitions += 1;
                self.now += LOOK_FOR_PARTITIONS_MS;
                Act::AddPartition
            }
            43..46 => Act::ShutDown { parallelism },
            46..49 => {
                self.entry = *self.random.pick(&[Entry::Named, self.entry]);
                Act::Stop { parallelism, entry: self.entry }
            }
            49..51 => Act::FailRead,
            51 => Act::FailOpens(1 + self.random.below(3) as usize),
            52 if self.entry == Entry::Named => Act::Cancel { parallelism },
            53..60 => {
                let damage = self.random.once_in(3).then(|| *self.random.pick(&DAMAGES));
                Act::Kill { damage, parallelism }
            }
            _ => self.append(),
        }
    }

    fn append(&mut self) -> Act {
        let partition = self.random.below(self.partitions as u64) as usize;
        let lines = (0..1 + self.random.below(12)).map(|_| self.line()).collect();
        Act::Append { partition, lines }
    }

    fn line(&mut self) -> Line {
        self.next_id += 1;
        // The clock of a run may be slightly ahead; the remaining second covers this.
        let mut age = self.random.below(self.delay_ms as u64 - 1_000) as i64;
        if self.punctuality == Punctuality::Tardy && self.random.once_in(5) {
            age += self.random.below(60_000) as i64;
        }
        Line::draw(self.random, self.next_id, self.now - age)
    }
}
