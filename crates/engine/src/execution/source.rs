//! A source subtask: reads, decodes, prepares and aggregates, and moves event time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::Mutex;
use sql::functions::Env;
use types::{Clock, Interval, Offset, PartitionId, Timestamp};

use super::control::Control;
use super::global::{Message, Standing};
use super::io::{Letters, Sinks};
use super::room::{Parked, Reclaimed};
use super::{ExecutionError, Mode, TaskMetrics};
use crate::activity::Activity;
use crate::aggregate::keys::Rows as Selection;
use crate::batch::{Batch, RecordSpan};
use crate::column::tri;
use crate::connector::{DeadLetter, Polled, Records, Rows, Source, Stage};
use crate::evaluate::{Inputs, Vector};
use crate::layout::{Layout, QueryLayout};
use crate::memory::Holder;
use crate::operator::{Ahead, Ledger, Prepare, Prepared, Unusable};
use crate::watermark::{NO_WATERMARK, Standpoint, Watermarks};
use crate::window::{Aggregation, LateRow, Output, RowsIn, Shipping};

pub(super) struct SourceSubtask {
    pub pipeline: usize,
    pub subtask: usize,
    pub table: String,
    pub query_names: Vec<String>,
    pub layout: Arc<Layout>,
    pub batch: Batch,
    pub source: Box<dyn Source>,
    pub prepare: Prepare,
    /// Of the whole pipeline.
    pub watermarks: Arc<Mutex<Watermarks>>,
    pub partitions: Vec<PartitionId>,
    pub downstream: Downstream,
    pub letters: Letters,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub ledger: Arc<Ledger>,
    pub metrics: Arc<TaskMetrics>,
    pub holder: Holder,
    /// What each unit holds, as last measured, and the rest.
    pub parts: Vec<usize>,
    /// Bytes of input from one measuring to the next.
    pub measure_after: u64,
    pub mode: Mode,
    pub early_fire: Option<Duration>,
    /// It goes on from a snapshot, of which not everything may have been written early yet.
    pub is_restored: bool,
    pub max_future: Option<Interval>,
    pub batch_rows: usize,
    pub front_bytes: usize,
}

/// Where a source subtask's state is.
pub(super) enum Downstream {
    /// Here: straight into the final state.
    Direct { aggregation: Aggregation, sinks: Sinks },
    /// In global subtasks; what is aggregated here is shipped to them.
    Exchange { aggregation: Aggregation, shipping: Shipping, channels: Vec<Sender<Message>>, sinks: Sinks },
}

/// The longest wait for input, so that a cancelled job ends soon.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// How often a source that is held looks whether it still is.
const HELD: Duration = Duration::from_millis(5);
/// How often those partitions are asked of which nothing is heard; several times in the moment that their word counts.
const ASK_OTHERS: Duration = Duration::from_millis(250);
/// Rows that a local aggregation holds back at most.
pub(super) const SHIP_ROWS: usize = 16_384;
/// How long it holds them back at most.
pub(super) const SHIP_AFTER: Duration = Duration::from_millis(5);

/// What a subtask remembers from one turn to the next.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Rows since the last early results.
    pub changed: bool,
    /// When early results may be written again.
    pub next_early: Duration,
    /// Rows held back for the next shipment, and since when.
    pub held: usize,
    pub held_since: Duration,
    /// What the rows held back imply: told to the others once these are on their way.
    pub implied: Vec<Implied>,
    /// When the log was asked and said that there is nothing more.
    pub caught_up: Option<Duration>,
    /// Partitions that have nothing more while others do, and when they were asked.
    pub at_end: Vec<PartitionId>,
    pub asked_others: Duration,
    /// What the global subtasks know of this one's event time.
    pub told: Option<Standing>,
    /// The watermark that this subtask last saw.
    pub seen: i64,
    /// The last snapshot it took part in.
    pub barrier: u64,
    /// Time spent waiting for global subtasks, or for room, in this turn.
    pub blocked: Duration,
    /// Input since it was last measured what is held.
    pub unmeasured: u64,
    /// When the oldest record came in that no written row shows yet.
    pub unshown: Option<Timestamp>,
    /// When it was last noted how far the partitions are read.
    pub looked_at_splits: Option<Duration>,
    pub parked: Option<Parked>,
    pub reclaimed: Reclaimed,
}

/// A partition's records and the watermark they imply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Implied {
    pub partition: PartitionId,
    pub watermark: i64,
    pub behind: bool,
    pub at: Duration,
}

impl SourceSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        let (changed, next_early) = (self.is_restored, self.clock.elapsed());
        let mut turn = Turn { changed, next_early, seen: NO_WATERMARK, ..Turn::default() };
        while !self.control.is_cancelled() {
            self.take_part(&mut turn)?;
            if self.control.is_draining() {
                return self.end(turn);
            }
            if self.control.holds(turn.barrier) {
                std::thread::park_timeout(HELD);
                continue;
            }
            let before = self.clock.elapsed();
            let wait = self.wait(&turn, before);
            self.metrics.at(Activity::Read);
            let polled = self.poll(&mut turn, wait)?;
            let waited = self.source.take_waited();
            self.ledger.lost(self.source.take_lost());
            let found = self.source.take_found();
            if !found.is_empty() {
                self.watermarks.lock().add(&found, before);
                self.partitions.extend(found);
            }
            TaskMetrics::add_time(&self.metrics.idle_ns, waited);
            match polled {
                Polled::Batch { behind } => {
                    self.process(behind, &mut turn)?;
                    self.ask_others(&mut turn, before);
                }
                Polled::CaughtUp => turn.caught_up = Some(before),
                Polled::Unreachable => {
                    turn.caught_up = None;
                    self.watermarks.lock().unreachable(&self.partitions, self.clock.elapsed());
                }
                Polled::End => return self.end(turn),
            }
            self.go_on(&mut turn, polled)?;
            self.look_at_splits(&mut turn, before);
            let blocked = self.downstream.sinks().book_blocked() + std::mem::take(&mut turn.blocked);
            let spent = self.clock.elapsed().saturating_sub(before).saturating_sub(waited + blocked);
            TaskMetrics::add_time(&self.metrics.busy_ns, spent);
        }
        Ok(())
    }

    /// While one partition has more and more, the others may have nothing: asked now and then, since whoever only hears of
    /// the one would let them hold event time back.
    fn ask_others(&self, turn: &mut Turn, now: Duration) {
        if self.partitions.len() > 1 && now.saturating_sub(turn.asked_others) >= ASK_OTHERS {
            turn.asked_others = now;
            turn.at_end = self.source.at_end();
        }
    }

    /// How long to wait for input: until there is something else to do.
    fn wait(&self, turn: &Turn, now: Duration) -> Duration {
        let mut wait = LONGEST_WAIT;
        if self.early_fire.is_some() && turn.changed {
            wait = wait.min(turn.next_early.saturating_sub(now));
        }
        if turn.held > 0 {
            wait = wait.min((turn.held_since + SHIP_AFTER).saturating_sub(now));
        }
        wait
    }

    pub(super) fn env(&self) -> Env {
        Env { now_ms: self.clock.now().0 }
    }

    /// Takes a batch into the state.
    fn process(&mut self, behind: bool, turn: &mut Turn) -> Result<(), ExecutionError> {
        let env = self.env();
        let now = self.clock.elapsed();
        let partition = self.batch.origin.partition.unwrap_or(PartitionId(0));
        let records = self.batch.rows + self.batch.rejects.len();
        TaskMetrics::add(&self.metrics.records_in, records as u64);
        TaskMetrics::add(&self.metrics.batches_in, 1);
        let bytes = self.batch.bytes();
        TaskMetrics::add(&self.metrics.bytes_in, bytes);
        self.took(turn, bytes);
        let ledger = &self.ledger;
        self.source.take_wrong_types(&mut |field, values| ledger.wrong_type(field, values));
        let ahead = self.max_future.map(|most| Ahead { now: env.now_ms, most: most.0 });
        let mut standpoint = self.watermarks.lock().begin(partition, now);
        if let Some(watermark) = turn.implied_by(partition) {
            standpoint.partition = standpoint.partition.max(watermark);
        }
        if self.mode == Mode::Bounded {
            // Files are late by their own order alone, so that the answer does not depend on which is read when.
            standpoint = Standpoint { current: NO_WATERMARK, others: i64::MAX, ..standpoint };
        }
        self.metrics.at(Activity::Prepare);
        let prepared = self.prepare.prepare(&self.batch, &env, ahead, standpoint)?;
        if let Some(time) = self.prepare.last_time() {
            self.metrics.emitted.store(time, Ordering::Relaxed);
        }
        self.metrics.at(Activity::Aggregate);
        let late = self.aggregate(&env)?;
        self.metrics.at(Activity::PassThrough);
        let came_in = self.batch.came_in();
        turn.unshown = earlier(turn.unshown, came_in);
        self.downstream.sinks().show(came_in);
        self.pass_through()?;
        self.metrics.at(Activity::Account);
        let booked = self.account(&prepared, &late);
        // A record whose dead letter was not written is read again by the next attempt, and is booked then.
        self.letters.send()?;
        self.ledger.add(&booked.counts());
        turn.caught_up = None;
        turn.implied.push(Implied { partition, watermark: prepared.watermark, behind, at: now });
        if self.batch.rows > 0 {
            turn.changed = true;
            if turn.held == 0 {
                turn.held_since = now;
            }
            turn.held += self.batch.rows;
        }
        if self.prepare.trim(&mut self.batch, self.front_bytes) {
            self.downstream.aggregation().forget_front();
        }
        Ok(())
    }

    /// Adds the rows to the state; returns those that came too late, with the units.
    fn aggregate(&mut self, env: &Env) -> Result<Vec<LateRow>, ExecutionError> {
        if self.layout.units.is_empty() {
            return Ok(Vec::new());
        }
        let rows = RowsIn {
            len: self.batch.rows,
            all: self.prepare.timed(self.batch.rows),
            on_time: self.prepare.on_time(self.batch.rows),
            behind: self.prepare.behind(),
            wall: self.prepare.wall(),
            inputs: Inputs::Columns(&self.batch.columns),
            evaluator: self.prepare.evaluator(),
            env,
        };
        Ok(self.downstream.aggregation().add(&rows)?)
    }

    /// Writes the rows of queries without windows.
    fn pass_through(&mut self) -> Result<(), ExecutionError> {
        let inputs = Inputs::Columns(&self.batch.columns);
        let partition = self.batch.origin.partition.unwrap_or(PartitionId(0));
        let evaluator = self.prepare.evaluator();
        for (query, layout) in self.layout.queries.iter().enumerate() {
            let QueryLayout::Rows { filter, columns } = layout else { continue };
            let mut kept: Vec<u32> = Vec::new();
            self.prepare.all(self.batch.rows).for_each(|_, row| kept.push(row as u32));
            for &condition in filter {
                let vector = evaluator.column(inputs, condition);
                kept.retain(|&row| match vector {
                    Vector::Bool(flags) => flags[row as usize] == tri::TRUE,
                    other => other.get(row as usize) == types::Scalar::Bool(true),
                });
            }
            if kept.is_empty() {
                continue;
            }
            let columns: Vec<Vector<'_>> =
                columns.iter().map(|&column| evaluator.column(inputs, column)).collect();
            self.downstream.sinks().write(&Rows {
                query,
                columns: &columns,
                rows: Selection::Selected(&kept),
                window: None,
                stage: Stage::Final,
                revisions: &[],
                records: Some(Records { partition, spans: &self.batch.origin.records }),
            })?;
        }
        Ok(())
    }

    /// Books every record of the batch once, and collects dead letters of those that are not counted.
    fn account(&mut self, prepared: &Prepared, late: &[LateRow]) -> Ledger {
        let booked = Ledger::default();
        booked.accept((self.batch.rows + self.batch.rejects.len()) as u64 + self.batch.empty);
        booked.empty(self.batch.empty);
        let mut counted = self.batch.rows as u64 - prepared.filtered;
        let rejects = self.batch.rejects.len();
        for reject in std::mem::take(&mut self.batch.rejects) {
            booked.dead_letter(&reject.reason);
            self.letter(&reject.record, reject.reason.into_owned(), Vec::new());
        }
        for Unusable { row, reason, counted_elsewhere } in &prepared.unusable {
            counted -= 1;
            booked.dead_letter(reason);
            let record = self.batch.origin.records[*row as usize];
            self.letter(&record, reason.clone(), Vec::new());
            if let Some(letter) = self.letters.batch.last_mut() {
                letter.counted_elsewhere = *counted_elsewhere;
            }
        }
        for LateRow { row, units, counted_elsewhere } in late {
            counted -= 1;
            let queries: Vec<String> = units
                .iter()
                .flat_map(|&unit| &self.layout.units[unit].queries)
                .map(|&query| self.query_names[query].clone())
                .collect();
            booked.late(queries.iter().map(String::as_str));
            TaskMetrics::add(&self.metrics.late, queries.len() as u64);
            let record = self.batch.origin.records[*row as usize];
            self.letter(&record, "late".to_owned(), queries);
            // Queries without windows take every row.
            let passed_through =
                self.layout.queries.iter().any(|query| matches!(query, QueryLayout::Rows { .. }));
            if let Some(letter) = self.letters.batch.last_mut() {
                letter.counted_elsewhere = *counted_elsewhere || passed_through;
            }
        }
        booked.filter(prepared.filtered);
        booked.count(counted);
        self.mark_parts(rejects);
        booked
    }

    /// Marks the letters of records of several rows that were not all left out: given back, the others would be counted
    /// again. The first `rejects` letters are of no rows.
    fn mark_parts(&mut self, rejects: usize) {
        let rows = &self.batch.origin.records;
        let mut left_out: BTreeMap<Offset, usize> = BTreeMap::new();
        let of_rows = self.letters.batch.iter().skip(rejects);
        of_rows.for_each(|letter| *left_out.entry(letter.offset).or_default() += 1);
        for letter in &mut self.letters.batch {
            let first = rows.partition_point(|row| row.offset < letter.offset);
            let of = rows[first..].iter().take_while(|row| row.offset == letter.offset).count();
            letter.counted_elsewhere |= of > left_out.get(&letter.offset).copied().unwrap_or(0);
        }
    }

    fn letter(&mut self, record: &RecordSpan, reason: String, queries: Vec<String>) {
        self.letters.batch.push(DeadLetter {
            table: self.table.clone(),
            split: self.source.split(self.batch.origin.partition.unwrap_or(PartitionId(0))),
            offset: record.offset,
            appended: record.appended,
            reason,
            queries,
            counted_elsewhere: false,
            bytes: self.batch.record(record).to_vec(),
            carried: self.source.carried(record.offset),
        });
    }
}

/// The earlier of two times, as far as there are any.
pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

impl Turn {
    /// What rows of a partition that are still held back imply.
    fn implied_by(&self, partition: PartitionId) -> Option<i64> {
        let of = self.implied.iter().filter(|implied| implied.partition == partition);
        of.map(|implied| implied.watermark).max()
    }
}

impl Downstream {
    fn aggregation(&mut self) -> &mut Aggregation {
        match self {
            Downstream::Direct { aggregation, .. } | Downstream::Exchange { aggregation, .. } => aggregation,
        }
    }

    pub(super) fn sinks(&mut self) -> &mut Sinks {
        match self {
            Downstream::Direct { sinks, .. } | Downstream::Exchange { sinks, .. } => sinks,
        }
    }
}
