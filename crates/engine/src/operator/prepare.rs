//! Prepares a decoded batch: finds the rows that count, with their event time and every expression that the
//! queries need.
//!
//! ```text
//! all rows           ─► rowtime, watermark, common filter
//! rows that passed   ─► judged against the watermark and the clock
//! rows that count    ─► expressions of the queries
//! ```
//!
//! A row that fails the filter is counted as filtered, or dead-lettered if it lacks a required value. A row
//! too far ahead of the clock is dead-lettered, and so is a row without a time if some query has windows.

use jiff::tz::TimeZone;
use sql::expr::{Expr, ExprGraph, ExprId};
use sql::functions::{Env, EvalError};
use sql::plan::{Pipeline, Rowtime};

use crate::batch::Batch;
use crate::dictionary::Dictionary;
use crate::evaluate::{Evaluator, Inputs, Passed};
use crate::selection::Selection;
use crate::watermark::NO_WATERMARK;

use super::judge::{ImpliedWatermark, Judge, NO_TIME};
use super::prepared::{Judging, Prepared, Unusable};

/// The expressions of a pipeline over its source's rows, and the results for the current batch.
pub struct Prepare {
    evaluator: Evaluator,
    row_exprs: Vec<ExprId>,
    conditions: Vec<FilterCondition>,
    filter: Vec<ExprId>,
    rowtime: Option<Rowtime>,
    /// The rows that passed all filters.
    passed: Vec<u32>,
    judge: Judge,
}

/// A shared condition and the meaning of its failure.
#[derive(Debug, Clone)]
struct FilterCondition {
    expr: ExprId,
    /// The reason of the dead letter. `None`: a row that fails is left out on purpose.
    reason: Option<String>,
}

impl Prepare {
    /// Compiles a pipeline. `row_exprs` are computed for each row that counts.
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
        let conditions: Vec<FilterCondition> = pipeline
            .common_filter
            .iter()
            .map(|&expr| FilterCondition {
                expr,
                reason: dead_letter_reason(graph, expr, &pipeline.common_filter, time),
            })
            .collect();

        Ok(Prepare {
            evaluator: Evaluator::new(graph, &roots, time_zone)?,
            row_exprs,
            filter: conditions.iter().map(|condition| condition.expr).collect(),
            conditions,
            rowtime: pipeline.rowtime.clone(),
            passed: Vec::new(),
            judge: Judge::new(pipeline, graph, time_zone),
        })
    }

    /// Finds the rows that count and computes their expressions. A row too far ahead of the clock is
    /// unusable. Any row ahead of the clock advances the watermark only up to the clock, so that one fast
    /// clock does not make the rows of others late.
    pub fn prepare(&mut self, batch: &Batch, env: &Env, judging: Judging<'_>) -> Result<Prepared, EvalError> {
        let inputs = Inputs::Columns(&batch.columns);
        let mut prepared = Prepared { watermark: NO_WATERMARK, ..Prepared::default() };
        self.evaluator.begin(batch.rows, env);

        // Rows that no query counts advance the watermark too.
        if let Some(rowtime) = &self.rowtime {
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

        match &self.rowtime {
            Some(rowtime) => {
                let time = self.evaluator.column(inputs, rowtime.time);
                let watermark = match rowtime.delay {
                    Some(delay) => ImpliedWatermark::Delayed(delay.0),
                    None => ImpliedWatermark::Computed(self.evaluator.column(inputs, rowtime.watermark)),
                };
                self.judge.judge(batch, time, watermark, judging, &mut self.passed, &mut prepared);
            }
            None => self.judge.pass(batch.rows, &self.passed),
        }

        let selection = (self.passed.len() < batch.rows).then_some(&self.passed[..]);
        self.evaluator.compute(inputs, &self.row_exprs, selection)?;
        Ok(prepared)
    }

    /// Returns the first row of a batch that cannot be computed, and why. Computes the rows one by one.
    #[cold]
    pub fn failing_row(&mut self, batch: &Batch, env: &Env) -> Option<(u32, EvalError)> {
        (0..batch.rows as u32).find_map(|row| Some((row, self.compute_alone(batch, env, row).err()?)))
    }

    /// Computes for one row what [`Prepare::prepare`] computes.
    fn compute_alone(&mut self, batch: &Batch, env: &Env, row: u32) -> Result<(), EvalError> {
        let inputs = Inputs::Columns(&batch.columns);
        let row = Some(&[row][..]);
        self.evaluator.begin(batch.rows, env);

        if let Some(rowtime) = &self.rowtime {
            self.evaluator.compute(inputs, &[rowtime.time], row)?;
            if rowtime.delay.is_none() {
                self.evaluator.compute(inputs, &[rowtime.watermark], row)?;
            }
        }

        let mut passed = Vec::new();
        match self.evaluator.filter(inputs, &self.filter, row, &mut passed)? {
            Passed::Some if passed.is_empty() => Ok(()),
            Passed::All | Passed::Some => self.evaluator.compute(inputs, &self.row_exprs, row),
        }
    }

    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Returns the bytes held for distinct texts.
    pub fn memory_bytes(&self) -> usize {
        self.evaluator.memory_bytes()
    }

    /// Returns all rows that count, of `rows`. Where no query has windows, this includes rows without a time.
    pub fn all(&self, rows: usize) -> Selection<'_> {
        selected(&self.passed, rows)
    }

    /// Returns the rows that count and have a time.
    pub fn timed(&self, rows: usize) -> Selection<'_> {
        selected(&self.judge.timed, rows)
    }

    /// Returns the timed rows ahead of the watermark.
    pub fn on_time(&self, rows: usize) -> Selection<'_> {
        selected(&self.judge.on_time, rows)
    }

    /// Returns the other timed rows, each with the watermark it was judged against.
    pub fn behind(&self) -> &[(u32, i64)] {
        &self.judge.behind
    }

    /// Returns the rowtime on the wall clock, per row.
    pub fn wall(&self) -> &[i64] {
        self.judge.wall()
    }

    /// Returns the watermark before each row of the batch; empty if the table has no rowtime.
    pub fn watermarks(&self) -> &[i64] {
        &self.judge.watermarks
    }

    /// Returns the event time of the last row that counts.
    pub fn last_time(&self) -> Option<i64> {
        let row = *self.passed.last()?;
        let time = *self.judge.times.get(row as usize)?;
        (self.rowtime.is_some() && time != NO_TIME).then_some(time)
    }

    /// Replaces the dictionaries in front of the state that hold more than `limit` bytes; returns whether any
    /// was replaced. Codes of the current batch are void then, and so is every translation of them.
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

    /// Explains why each missing row was left out: by the first condition it fails.
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
                let holds = vector.is_true(row as usize);
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
}

fn selected(selection: &[u32], rows: usize) -> Selection<'_> {
    if selection.len() == rows { Selection::All(rows) } else { Selection::Selected(selection) }
}

/// Returns the dead-letter reason for a row that fails a condition of all queries: the time cannot be read, or a
/// column is missing that is required together with the time. Any other condition leaves rows out on purpose.
fn dead_letter_reason(
    graph: &ExprGraph,
    condition: ExprId,
    conditions: &[ExprId],
    time: Option<ExprId>,
) -> Option<String> {
    let Expr::IsNotNull(of) = graph.expr(condition) else { return None };
    let requires_time =
        |&other: &ExprId| matches!(graph.expr(other), Expr::IsNotNull(of) if Some(*of) == time);
    if !conditions.iter().any(requires_time) {
        return None;
    }
    if Some(*of) == time {
        return Some("bad timestamp".to_owned());
    }
    match graph.expr(*of) {
        Expr::Column(column) => Some(format!("missing {}", graph.inputs[*column].name)),
        _ => None,
    }
}
