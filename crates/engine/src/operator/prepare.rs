//! Prepare: from a decoded batch to the rows that count, with their time and everything the queries ask of them.

use jiff::tz::TimeZone;
use sql::expr::{Expr, ExprGraph, ExprId};
use sql::functions::zone::WallClock;
use sql::functions::{Env, EvalError};
use sql::plan::{Pipeline, Rowtime};
use types::{DataType, Scalar};

use crate::aggregate::keys::Rows;
use crate::batch::Batch;
use crate::column::tri;
use crate::dictionary::Dictionary;
use crate::evaluate::{Evaluator, Inputs, Passed, Vector};
use crate::watermark::{NO_WATERMARK, Standpoint};

/// The expressions of a pipeline over its source's rows, and what was found out about the batch at hand.
pub struct Prepare {
    evaluator: Evaluator,
    row_exprs: Vec<ExprId>,
    conditions: Vec<Condition>,
    filter: Vec<ExprId>,
    rowtime: Option<Rowtime>,
    /// Where the rowtime is an instant and the session's clock is not UTC.
    wall_clock: Option<WallClock>,
    times: Vec<i64>,
    wall: Vec<i64>,
    passed: Vec<u32>,
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

/// What preparing found.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Rows that cannot be used, and why.
    pub unusable: Vec<(u32, String)>,
    /// Rows left out by conditions that all queries share.
    pub filtered: u64,
    /// The greatest watermark that a row implies.
    pub watermark: i64,
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
        let wall_clock = pipeline.rowtime.as_ref().and_then(|rowtime| {
            let instant = matches!(graph.column_type(rowtime.time).data_type, DataType::TimestampLtz(_));
            (instant && *time_zone != TimeZone::UTC).then(|| WallClock::new(time_zone.clone()))
        });
        Ok(Prepare {
            evaluator: Evaluator::new(graph, &roots, time_zone)?,
            row_exprs,
            filter: conditions.iter().map(|condition| condition.expr).collect(),
            conditions,
            rowtime: pipeline.rowtime.clone(),
            wall_clock,
            times: Vec::new(),
            wall: Vec::new(),
            passed: Vec::new(),
            on_time: Vec::new(),
            behind: Vec::new(),
        })
    }

    /// Finds the rows that count and computes what is wanted of them. A row whose time is later than `latest` (ms) is
    /// unusable.
    pub fn prepare(
        &mut self,
        batch: &Batch,
        env: &Env,
        latest: i64,
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
            self.read_times(inputs, &rowtime, batch.rows, latest, &mut prepared);
            self.sort_by_lateness(inputs, &rowtime, standpoint, &mut prepared);
        } else {
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

    /// All rows that count, of `rows`.
    pub fn all(&self, rows: usize) -> Rows<'_> {
        selected(&self.passed, rows)
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
                        Some(reason) => prepared.unusable.push((row, reason.clone())),
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
        if !all_usable {
            let times = &self.times;
            self.passed.retain(|&row| {
                let reason = match times[row as usize] {
                    NO_TIME => "bad timestamp",
                    time if time > latest => "future: the event time is too far ahead of the clock",
                    _ => return true,
                };
                prepared.unusable.push((row, reason.to_owned()));
                false
            });
            // Neither moves event time.
            self.times.iter_mut().filter(|time| **time > latest).for_each(|time| *time = NO_TIME);
        }
        if let Some(clock) = &mut self.wall_clock {
            self.wall.clear();
            self.wall.resize(rows, 0);
            for &row in &self.passed {
                self.wall[row as usize] = clock.wall_ms(self.times[row as usize]);
            }
        }
    }

    /// Splits the rows at the watermark, which moves with every row.
    fn sort_by_lateness(
        &mut self,
        inputs: Inputs<'_>,
        rowtime: &Rowtime,
        standpoint: Standpoint,
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
        let mut passed = self.passed.iter().copied().peekable();
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
                running = running.max(implied(row));
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
