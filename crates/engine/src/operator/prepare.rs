//! Prepare: from a decoded batch to the rows that count, with their time and everything the queries ask of them.

use jiff::tz::TimeZone;
use sql::expr::{Expr, ExprGraph, ExprId};
use sql::functions::zone::WallClock;
use sql::functions::{Env, EvalError};
use sql::plan::{Pipeline, Query, Rowtime, Shape};
use types::{DataType, Scalar};

use crate::aggregate::keys::Rows;
use crate::batch::{Batch, RecordSpan};
use crate::column::tri;
use crate::dictionary::Dictionary;
use crate::evaluate::{Evaluator, Inputs, Passed, Vector};
use crate::watermark::{NO_WATERMARK, Standpoint};

use super::prepared::{Ahead, Prepared, Unusable};

/// The expressions of a pipeline over its source's rows, and what was found out about the batch at hand.
pub struct Prepare {
    evaluator: Evaluator,
    row_exprs: Vec<ExprId>,
    conditions: Vec<Condition>,
    filter: Vec<ExprId>,
    rowtime: Option<Rowtime>,
    /// Where the rowtime is an instant and the session's clock is not UTC.
    wall_clock: Option<WallClock>,
    /// Where the rowtime is a time of the session's wall clock, and that is not UTC.
    local_clock: Option<WallClock>,
    /// Some query has windows: it cannot use a row without a time.
    has_windows: bool,
    /// Some query has none: it takes a row without a time, as in Flink.
    has_rows: bool,
    times: Vec<i64>,
    wall: Vec<i64>,
    passed: Vec<u32>,
    /// Those of `passed` that have a time.
    timed: Vec<u32>,
    on_time: Vec<u32>,
    behind: Vec<(u32, i64)>,
}

/// A shared condition and what it means that a row fails it.
#[derive(Debug, Clone)]
struct Condition {
    expr: ExprId,
    /// The reason of the dead letter; `None`: the row is left out on purpose.
    reason: Option<String>,
}

impl Prepare {
    /// `row_exprs`: what is wanted of each row that counts.
    pub fn new(
        pipeline: &Pipeline,
        graph: &ExprGraph,
        row_exprs: Vec<ExprId>,
        time_zone: &TimeZone,
    ) -> Result<Prepare, String> {
        let mut roots = row_exprs.clone();
        roots.extend(&pipeline.common_filter);
        if let Some(rowtime) = &pipeline.rowtime {
            roots.push(rowtime.time);
            if rowtime.delay.is_none() {
                roots.push(rowtime.watermark);
            }
        }
        let time = pipeline.rowtime.as_ref().map(|rowtime| rowtime.time);
        let conditions: Vec<Condition> = pipeline
            .common_filter
            .iter()
            .map(|&expr| Condition { expr, reason: dead_letter_reason(graph, expr, time) })
            .collect();
        let clock = |of_instants: bool| {
            let rowtime = pipeline.rowtime.as_ref()?;
            let is_instant = matches!(graph.column_type(rowtime.time).data_type, DataType::TimestampLtz(_));
            (is_instant == of_instants && *time_zone != TimeZone::UTC)
                .then(|| WallClock::new(time_zone.clone()))
        };
        let (wall_clock, local_clock) = (clock(true), clock(false));
        let is_windowed = |query: &Query| matches!(query.shape, Shape::Aggregate(_));
        Ok(Prepare {
            evaluator: Evaluator::new(graph, &roots, time_zone)?,
            row_exprs,
            filter: conditions.iter().map(|condition| condition.expr).collect(),
            conditions,
            rowtime: pipeline.rowtime.clone(),
            wall_clock,
            local_clock,
            has_windows: pipeline.queries.iter().any(is_windowed),
            has_rows: !pipeline.queries.iter().all(is_windowed),
            times: Vec::new(),
            wall: Vec::new(),
            passed: Vec::new(),
            timed: Vec::new(),
            on_time: Vec::new(),
            behind: Vec::new(),
        })
    }

    /// Finds the rows that count and computes what is wanted of them. A row that is too far ahead of the clock is unusable;
    /// one that is ahead at all moves event time no further than the clock has come, so that nobody's fast clock makes the
    /// others' rows late. `ahead`: `None` where rows may be as far ahead as they like.
    pub fn prepare(
        &mut self,
        batch: &Batch,
        env: &Env,
        ahead: Option<Ahead>,
        standpoint: Standpoint,
    ) -> Result<Prepared, EvalError> {
        let inputs = Inputs::Columns(&batch.columns);
        let mut prepared = Prepared { watermark: NO_WATERMARK, ..Prepared::default() };
        self.evaluator.begin(batch.rows, env);
        if let Some(rowtime) = &self.rowtime {
            // Of all rows: also those that no query counts move event time on.
            self.evaluator.compute(inputs, &[rowtime.time], None)?;
            if rowtime.delay.is_none() {
                self.evaluator.compute(inputs, &[rowtime.watermark], None)?;
            }
        }
        let outcome = self.evaluator.filter(inputs, &self.filter, None, &mut self.passed)?;
        match outcome {
            Passed::All => {
                self.passed.clear();
                self.passed.extend(0..batch.rows as u32);
            }
            Passed::Some => self.explain(batch, &mut prepared)?,
        }
        if let Some(rowtime) = self.rowtime.clone() {
            let ahead = ahead.map(|ahead| Ahead { now: self.local(ahead.now), ..ahead });
            let latest = ahead.map_or(i64::MAX, |ahead| ahead.now.saturating_add(ahead.most));
            self.read_times(inputs, &rowtime, batch.rows, latest, &mut prepared);
            let clock = ahead.and_then(|ahead| self.clock_of(batch, ahead.now));
            self.sort_by_lateness(inputs, &rowtime, standpoint, clock.as_deref(), &mut prepared);
        } else {
            self.timed.clone_from(&self.passed);
            self.on_time.clone_from(&self.passed);
            self.behind.clear();
            self.times.clear();
            self.times.resize(batch.rows, 0);
        }
        let selection = (self.passed.len() < batch.rows).then_some(&self.passed[..]);
        self.evaluator.compute(inputs, &self.row_exprs, selection)?;
        Ok(prepared)
    }

    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Bytes held for distinct texts.
    pub fn memory_bytes(&self) -> usize {
        self.evaluator.memory_bytes()
    }

    /// All rows that count, of `rows`: those without a time too, where no query has windows.
    pub fn all(&self, rows: usize) -> Rows<'_> {
        selected(&self.passed, rows)
    }

    /// Those of them that have a time.
    pub fn timed(&self, rows: usize) -> Rows<'_> {
        selected(&self.timed, rows)
    }

    /// Those ahead of the watermark.
    pub fn on_time(&self, rows: usize) -> Rows<'_> {
        selected(&self.on_time, rows)
    }

    /// The others, each with the watermark when it came.
    pub fn behind(&self) -> &[(u32, i64)] {
        &self.behind
    }

    /// The rowtime on the wall clock, by row.
    pub fn wall(&self) -> &[i64] {
        if self.wall_clock.is_some() { &self.wall } else { &self.times }
    }

    /// The event time of the last row that counts.
    pub fn last_time(&self) -> Option<i64> {
        let row = *self.passed.last()?;
        let time = *self.times.get(row as usize)?;
        (self.rowtime.is_some() && time != NO_TIME).then_some(time)
    }

    /// Drops dictionaries in front of the state that hold more than `limit` bytes; tells whether any was. Codes of the batch
    /// at hand are void then, and so is every translation of them.
    pub fn trim(&mut self, batch: &mut Batch, limit: usize) -> bool {
        let mut trimmed = false;
        for (index, column) in batch.columns.iter_mut().enumerate() {
            if let crate::column::Column::Coded(coded) = column
                && coded.dictionary.memory_bytes() > limit
            {
                coded.dictionary = Dictionary::new();
                coded.codes.clear();
                self.evaluator.forget(index);
                trimmed = true;
            }
        }
        for &expr in &self.row_exprs {
            let too_large =
                self.evaluator.dictionary(expr).is_some_and(|dictionary| dictionary.memory_bytes() > limit);
            if too_large || (trimmed && self.evaluator.dictionary(expr).is_some()) {
                self.evaluator.retain(expr, &[]);
                trimmed = true;
            }
        }
        trimmed
    }

    /// Why each row that did not pass was left out: the first condition it fails.
    fn explain(&mut self, batch: &Batch, prepared: &mut Prepared) -> Result<(), EvalError> {
        let inputs = Inputs::Columns(&batch.columns);
        let mut passed = self.passed.iter().copied().peekable();
        let mut failed: Vec<u32> = Vec::new();
        for row in 0..batch.rows as u32 {
            if passed.next_if_eq(&row).is_none() {
                failed.push(row);
            }
        }
        for condition in &self.conditions {
            if failed.is_empty() {
                break;
            }
            self.evaluator.compute(inputs, &[condition.expr], Some(&failed))?;
            let vector = self.evaluator.column(inputs, condition.expr);
            failed.retain(|&row| {
                let holds = match vector {
                    Vector::Bool(flags) => flags[row as usize] == tri::TRUE,
                    other => other.get(row as usize) == Scalar::Bool(true),
                };
                if !holds {
                    match &condition.reason {
                        Some(reason) => prepared.unusable.push(Unusable {
                            row,
                            reason: reason.clone(),
                            counted_elsewhere: false,
                        }),
                        None => prepared.filtered += 1,
                    }
                }
                holds
            });
        }
        Ok(())
    }

    /// Reads the rowtimes; takes out rows without one, and rows from the future.
    fn read_times(
        &mut self,
        inputs: Inputs<'_>,
        rowtime: &Rowtime,
        rows: usize,
        latest: i64,
        prepared: &mut Prepared,
    ) {
        self.times.clear();
        let vector = self.evaluator.column(inputs, rowtime.time);
        let mut all_usable = true;
        match vector {
            Vector::Int { values, valid } => {
                self.times.extend(values[..rows].iter().zip(valid).map(|(&time, &valid)| {
                    let usable = valid != 0 && time <= latest;
                    all_usable &= usable;
                    if valid == 0 { NO_TIME } else { time }
                }));
            }
            other => self.times.extend((0..rows).map(|row| match other.get(row) {
                Scalar::Int(time) if time <= latest => time,
                Scalar::Int(time) => {
                    all_usable = false;
                    time
                }
                _ => {
                    all_usable = false;
                    NO_TIME
                }
            })),
        }
        if all_usable {
            self.timed.clone_from(&self.passed);
        } else {
            let (times, has_windows, has_rows) = (&self.times, self.has_windows, self.has_rows);
            self.passed.retain(|&row| {
                let (reason, counted_elsewhere) = match times[row as usize] {
                    NO_TIME if !has_windows => return true,
                    NO_TIME => ("bad timestamp", has_rows),
                    time if time > latest => ("future: the event time is too far ahead of the clock", false),
                    _ => return true,
                };
                prepared.unusable.push(Unusable { row, reason: reason.to_owned(), counted_elsewhere });
                counted_elsewhere
            });
            // Neither moves event time.
            self.times.iter_mut().filter(|time| **time > latest).for_each(|time| *time = NO_TIME);
            self.timed.clear();
            let times = &self.times;
            self.timed.extend(self.passed.iter().filter(|&&row| times[row as usize] != NO_TIME));
        }
        if let Some(clock) = &mut self.wall_clock {
            self.wall.clear();
            self.wall.resize(rows, 0);
            for &row in &self.timed {
                self.wall[row as usize] = clock.wall_ms(self.times[row as usize]);
            }
        }
    }

    /// The clock on the scale of the rowtime: a rowtime without a zone is one of the session's wall clock.
    fn local(&mut self, now: i64) -> i64 {
        self.local_clock.as_mut().map_or(now, |clock| clock.wall_ms(now))
    }

    /// What the clock said when each record came to the log, or says now, on the scale of the rowtime; `None` if no row of
    /// the batch is ahead of it.
    fn clock_of(&mut self, batch: &Batch, now: i64) -> Option<Vec<i64>> {
        let latest = self.times.iter().copied().max().unwrap_or(NO_TIME);
        let appended = |record: &RecordSpan| Some(record.appended.0).filter(|&time| time > 0);
        let records = &batch.origin.records;
        let first = records.iter().filter_map(appended).min().map_or(now, |first| self.local(first).min(now));
        if latest <= first {
            return None;
        }
        let clock = records.iter().map(|record| appended(record).map_or(now, |at| self.local(at).min(now)));
        Some(clock.collect())
    }

    /// Splits the rows at the watermark, which moves with every row; a row that is ahead of `clock`, by row, as far as one
    /// would that is not.
    fn sort_by_lateness(
        &mut self,
        inputs: Inputs<'_>,
        rowtime: &Rowtime,
        standpoint: Standpoint,
        clock: Option<&[i64]>,
        prepared: &mut Prepared,
    ) {
        let watermarks = match rowtime.delay {
            Some(_) => None,
            None => Some(self.evaluator.column(inputs, rowtime.watermark)),
        };
        let delay = rowtime.delay.map_or(0, |delay| delay.0);
        let times = &self.times;
        let implied = |row: usize| match watermarks {
            None => times[row].saturating_sub(delay),
            Some(vector) => match vector.get(row) {
                Scalar::Int(watermark) => watermark,
                _ => NO_WATERMARK,
            },
        };
        self.on_time.clear();
        self.behind.clear();
        let mut running = standpoint.partition;
        let mut passed = self.timed.iter().copied().peekable();
        for (row, &time) in times.iter().enumerate() {
            if passed.next_if_eq(&(row as u32)).is_some() {
                let now = running.min(standpoint.others).max(standpoint.current);
                if time > now {
                    self.on_time.push(row as u32);
                } else {
                    self.behind.push((row as u32, now));
                }
            }
            if time != NO_TIME {
                let ahead = clock.map_or(0, |clock| time.saturating_sub(clock[row]).max(0));
                running = running.max(implied(row).saturating_sub(ahead));
            }
        }
        prepared.watermark = running;
    }
}

/// Stands for a row without a time.
const NO_TIME: i64 = i64::MIN;

fn selected(selection: &[u32], rows: usize) -> Rows<'_> {
    if selection.len() == rows { Rows::All(rows) } else { Rows::Selected(selection) }
}

/// What it means that a row fails a condition that all queries share: a column that must be there is not, or the time
/// cannot be read. Any other condition leaves rows out on purpose.
fn dead_letter_reason(graph: &ExprGraph, condition: ExprId, time: Option<ExprId>) -> Option<String> {
    let Expr::IsNotNull(of) = graph.expr(condition) else { return None };
    if Some(*of) == time {
        return Some("bad timestamp".to_owned());
    }
    match graph.expr(*of) {
        Expr::Column(column) => Some(format!("missing {}", graph.inputs[*column].name)),
        _ => None,
    }
}
