//! The matcher: all open matches of a partition, and which of the complete ones count.
//!
//! A row is offered to every open match and to a new one that begins with it. A match that cannot take the
//! row ends. A match that can take it in two ways (a reluctant quantifier) takes both. A condition sees the
//! match as it would be with the row.
//!
//! A complete match counts once no open match began before it, since an earlier match may skip it:
//!
//! ```text
//! A+? B, skip past the last row   a b     two are complete with b: from the first a, and from the second
//!                                         └─ emitted  the other is skipped
//! ```
//!
//! The rules are those of Flink's library for complex event processing. They differ from a regular expression
//! in one point: a greedy variable never returns a row to the next variable, so that `A B* C` finds nothing
//! if the only row that fits `C` fits `B` too.

use sql::functions::Env;
use sql::plan::operator::{AfterMatch, PatternStep};
use types::Interval;

use super::automaton::{Automaton, PatternPosition};
use super::expression::{MatchExpr, MatchFailure};
use super::queue::{MatchHeap, MatchRun};
use super::view::{MatchView, RowBuffer};
use crate::row::Reader;
use crate::state::StateValue;

/// The state of a partition.
#[derive(Debug)]
pub(super) struct MatchPartition {
    pub buffer: RowBuffer,
    /// Open matches, including one that has not begun.
    open: MatchHeap,
    /// Complete matches that wait for earlier ones.
    complete: MatchHeap,
    /// When the earliest open match expires.
    pub over_at: Option<i64>,
    /// The number of steps of the pattern.
    steps: usize,
}

/// A match that counts.
#[derive(Debug)]
pub(super) struct FoundMatch {
    pub run: MatchRun,
    /// The time at which this was certain.
    pub time: i64,
}

/// The pattern with its conditions.
pub(super) struct Matcher {
    automaton: Automaton,
    conditions: Conditions,
    variables: Vec<String>,
    skip: AfterMatch,
    within: Option<Interval>,
    reached: Vec<MatchRun>,
}

impl Matcher {
    pub fn new(
        pattern: &[PatternStep],
        defines: Vec<Option<MatchExpr>>,
        skip: AfterMatch,
        within: Option<Interval>,
    ) -> Matcher {
        Matcher {
            automaton: Automaton::new(pattern),
            conditions: Conditions::new(defines),
            variables: pattern.iter().map(|step| step.variable.clone()).collect(),
            skip,
            within,
            reached: Vec::new(),
        }
    }

    pub fn start(&self) -> MatchPartition {
        let steps = self.automaton.len();
        let mut open = MatchHeap::default();
        open.push(MatchRun::not_begun(steps));
        MatchPartition {
            buffer: RowBuffer::default(),
            open,
            complete: MatchHeap::default(),
            over_at: None,
            steps,
        }
    }

    /// Offers the next row; appends the matches that count now.
    ///
    /// # Errors
    /// A condition cannot be computed, or there is nothing to skip to.
    pub fn take(
        &mut self,
        partition: &mut MatchPartition,
        (time, row): (i64, &[u8]),
        env: &Env,
        found: &mut Vec<FoundMatch>,
    ) -> Result<(), MatchFailure> {
        let number = partition.buffer.push(time, row);
        self.conditions.next_row();

        let mut complete = MatchHeap::default();
        for run in partition.open.take() {
            self.conditions.next_run();
            let first = if run.has_begun() { run.first } else { number };
            let view = MatchView { buffer: &partition.buffer, first, counts: &run.counts, tried: None, time };
            self.follow(run.step, view, env)?;

            for next in self.reached.drain(..) {
                let queue =
                    if self.automaton.is_end(next.step) { &mut complete } else { &mut partition.open };
                queue.push(next);
            }
            if !run.has_begun() {
                partition.open.push(run);
            }
        }
        self.settle(partition, complete, time, found)
    }

    /// Ends the matches that have expired at `time`; appends the ones that waited for them.
    ///
    /// # Errors
    /// There is nothing to skip to.
    pub fn expire(
        &self,
        partition: &mut MatchPartition,
        time: i64,
        found: &mut Vec<FoundMatch>,
    ) -> Result<(), MatchFailure> {
        while let Some(end) = self.over_at(partition).filter(|&end| end <= time) {
            let MatchPartition { open, buffer, .. } = &mut *partition;
            let stays = |run: &MatchRun| self.end_of(run, buffer).is_none_or(|of_run| of_run > end);
            // Each match is pushed again, as Flink does, which determines the order of equal ones.
            open.take().filter(stays).for_each(|run| open.push(run));
            self.settle(partition, MatchHeap::default(), end, found)?;
        }
        Ok(())
    }

    /// Returns when an open match expires.
    fn end_of(&self, run: &MatchRun, buffer: &RowBuffer) -> Option<i64> {
        Some(buffer.time(run.first)?.saturating_add(self.within?.0))
    }

    /// Returns when the earliest open match expires.
    fn over_at(&self, partition: &MatchPartition) -> Option<i64> {
        self.end_of(partition.open.first()?, &partition.buffer)
    }

    /// Finds the places of a match after the next row, in Flink's order.
    fn follow(&mut self, step: usize, view: MatchView<'_>, env: &Env) -> Result<(), MatchFailure> {
        let mut place = PatternPosition { step, taken: view.counts[step] };
        loop {
            let fits = self.conditions.fits(place.step, view, env)?;
            if fits && self.is_free(place, view, env)? {
                let mut counts: Box<[u32]> = view.counts.into();
                counts[place.step] += 1;
                let after = self.automaton.after_row(place);
                let ends = self.can_end(after, view, env)?;
                self.reached.push(MatchRun { first: view.first, step: after.step, counts: counts.clone() });
                if ends {
                    self.reached.push(MatchRun { first: view.first, step: self.automaton.len(), counts });
                }
            }

            let Some(next) = self.automaton.without_row(place) else { return Ok(()) };
            if self.automaton.is_end(next.step) || !self.is_free(place, view, env)? {
                return Ok(());
            }
            place = next;
        }
    }

    /// Returns whether a match that has the current row already, and is at this place, is complete without
    /// further rows.
    fn can_end(
        &mut self,
        mut place: PatternPosition,
        view: MatchView<'_>,
        env: &Env,
    ) -> Result<bool, MatchFailure> {
        while !self.automaton.is_end(place.step) {
            let Some(next) = self.automaton.without_row(place) else { return Ok(false) };
            if !self.is_free(place, view, env)? {
                return Ok(false);
            }
            place = next;
            if self.automaton.is_end(place.step) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether no greedy variable keeps the current row.
    fn is_free(
        &mut self,
        place: PatternPosition,
        view: MatchView<'_>,
        env: &Env,
    ) -> Result<bool, MatchFailure> {
        match self.automaton.kept_for(place) {
            Some(greedy) => Ok(!self.conditions.fits(greedy, view, env)?),
            None => Ok(true),
        }
    }

    /// Emits the complete matches before which no open match began, and drops those that they skip.
    fn settle(
        &self,
        partition: &mut MatchPartition,
        mut complete: MatchHeap,
        time: i64,
        found: &mut Vec<FoundMatch>,
    ) -> Result<(), MatchFailure> {
        complete.take().for_each(|run| partition.complete.push(run));
        while let Some(first) = partition.complete.first() {
            if partition.open.first().is_some_and(|open| open.first < first.first) {
                break;
            }
            let Some(run) = partition.complete.pop() else { break };
            let next = self.next_first(&run)?;
            partition.open.retain(|other| other.first >= next);
            partition.complete.retain(|other| other.first >= next);
            found.push(FoundMatch { run, time });
        }
        partition.over_at = self.over_at(partition);
        Ok(())
    }

    /// Returns the number of the first row that the next match may begin with.
    fn next_first(&self, run: &MatchRun) -> Result<u64, MatchFailure> {
        let (step, last) = match self.skip {
            AfterMatch::PastLastRow => return Ok(run.first + run.rows()),
            AfterMatch::ToNextRow => return Ok(run.first + 1),
            AfterMatch::ToFirst(step) => (step, 0),
            AfterMatch::ToLast(step) => (step, u64::from(run.counts[step].saturating_sub(1))),
        };
        let variable = &self.variables[step];
        if run.counts[step] == 0 {
            return Err(MatchFailure::Rows(format!(
                "AFTER MATCH SKIP leads to a row of {variable}, and the match has none"
            )));
        }
        let next = run.first + run.rows_before(step) + last;
        if next == run.first {
            return Err(MatchFailure::Rows(format!(
                "AFTER MATCH SKIP leads to a row of {variable} that the match began with: it would be found for ever"
            )));
        }
        Ok(next)
    }
}

impl MatchPartition {
    /// Drops rows that no match needs.
    pub fn trim(&mut self) {
        let firsts = [&self.open, &self.complete].map(|queue| queue.first().map(|run| run.first));
        let needed = firsts.into_iter().flatten().min().unwrap_or(u64::MAX);
        self.buffer.drop_before(needed);
    }

    /// Returns whether the partition is in its initial state.
    pub fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && self.open.len() == 1 && self.complete.len() == 0
    }
}

impl StateValue for MatchPartition {
    fn write(&self, out: &mut Vec<u8>) {
        crate::row::write_length(self.steps, out);
        self.over_at.write(out);
        self.buffer.write(out);
        self.open.write(out);
        self.complete.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<MatchPartition> {
        Some(MatchPartition {
            steps: reader.length()?,
            over_at: Option::read(reader)?,
            buffer: RowBuffer::read(reader)?,
            open: MatchHeap::read(reader)?,
            complete: MatchHeap::read(reader)?,
        })
    }

    fn heap_bytes(&self) -> usize {
        let queues = self.open.heap_bytes(self.steps) + self.complete.heap_bytes(self.steps);
        self.buffer.heap_bytes() + queues
    }
}

/// The conditions by step, and their results for the current row.
struct Conditions {
    defines: Vec<Option<Define>>,
    /// Per step, results of conditions that read only the row.
    of_row: Vec<Option<bool>>,
    /// Per step, results of the other conditions.
    of_run: Vec<Option<bool>>,
}

struct Define {
    expr: MatchExpr,
    reads_row_alone: bool,
}

impl Conditions {
    fn new(defines: Vec<Option<MatchExpr>>) -> Conditions {
        let define = |(step, expr): (usize, Option<MatchExpr>)| {
            let expr = expr?;
            Some(Define { reads_row_alone: expr.reads_row_alone(step), expr })
        };
        let defines: Vec<Option<Define>> = defines.into_iter().enumerate().map(define).collect();
        Conditions { of_row: vec![None; defines.len()], of_run: vec![None; defines.len()], defines }
    }

    fn next_row(&mut self) {
        self.of_row.fill(None);
    }

    fn next_run(&mut self) {
        self.of_run.fill(None);
    }

    /// Returns whether the row after a match fits a step.
    fn fits(&mut self, step: usize, view: MatchView<'_>, env: &Env) -> Result<bool, MatchFailure> {
        let Some(define) = &mut self.defines[step] else { return Ok(true) };
        let known = if define.reads_row_alone { &mut self.of_row } else { &mut self.of_run };
        if let Some(known) = known[step] {
            return Ok(known);
        }
        let holds = define.expr.holds(&MatchView { tried: Some(step), ..view }, env)?;
        known[step] = Some(holds);
        Ok(holds)
    }
}
