//! Aggregates rows of many groups, one call after the other.
//!
//! Row by row, each row would dispatch on the form of every call. Here a call goes through all rows before
//! the next call does the same. A row is a step:
//!
//! ```text
//! steps           a    b    a
//! COUNT(*)        1    5    2
//! SUM(price)      7   12   10
//! ```
//!
//! The calls of a group are independent of each other, so the results equal those of rows added one by one.
//! Results are put into columns on request, one column per call.

use types::Scalar;

use super::any_accumulator::{Accumulator as _, AnyAccumulator};
use super::call::CallSpec;
use super::{Accumulators, States};
use crate::column::{Column, tri};
use crate::evaluate::Vector;
use crate::operator::changes::Changes;
use crate::row::Reader;

/// A row that changes its group.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The row's place in its columns.
    pub row: usize,
    /// The place of the group's states.
    pub group: usize,
    pub change: StepChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepChange {
    /// The first row of a group, whose states are fresh.
    First,
    /// The first row of a group that had rows before and lost them: its states are replaced.
    FirstAgain,
    Add,
    /// Retracts a row; others of its group remain.
    Retract,
    /// Retracts the last row of the group.
    Last,
}

/// Access to the states of groups.
pub trait Groups {
    /// Returns the states of the group at a step's place.
    fn states(&mut self, place: usize) -> &mut States;
}

/// Steps with the rows that they refer to.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    pub rows: &'a Changes<'a>,
    pub steps: &'a [Step],
}

/// Buffers that are reused for each run of steps.
#[derive(Debug, Default)]
pub struct StepScratch {
    /// Per step: the hash of a distinct value.
    hashes: Vec<u64>,
    /// Per step: the bits of the calls of a set for which the row counts; then of those that saw the value for
    /// the first time.
    new: Vec<u8>,
    /// A buffer for results that are not whole numbers.
    result: Vec<u8>,
}

impl Accumulators {
    /// Applies the steps. Returns by how many bytes the heap memory of the states changed.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    pub fn take_steps(
        &self,
        groups: &mut impl Groups,
        work: Steps<'_>,
        scratch: &mut StepScratch,
    ) -> Result<isize, String> {
        let mut grown = 0;
        for (set, spec) in self.sets.iter().enumerate() {
            grown += self.see(groups, work, set, scratch);
            let new = &scratch.new;
            for (member, &call) in spec.calls.iter().enumerate() {
                grown += self.take_call(groups, work, call, |step, _| new[step] >> member & 1 == 1)?;
            }
        }

        for (place, call) in self.calls.iter().enumerate() {
            if call.shares_values {
                continue;
            }

            let filter = call.filter.map(|filter| work.rows.columns[filter]);
            let argument = call.args.first().filter(|_| !call.takes_null).map(|&arg| work.rows.columns[arg]);
            grown += match (filter, argument) {
                (None, None) => self.take_call(groups, work, place, |_, _| true)?,
                (filter, argument) => {
                    let takes = |_, row| {
                        filter.is_none_or(|filter| is_true(filter, row))
                            && argument.is_none_or(|argument| !is_null(argument, row))
                    };
                    self.take_call(groups, work, place, takes)?
                }
            };
        }
        Ok(grown)
    }

    /// Puts the results of groups into `columns`, one column per call. `places` yields the place of each
    /// group and the target row.
    pub fn put_results(
        &self,
        groups: &mut impl Groups,
        places: impl Iterator<Item = (usize, usize)> + Clone,
        columns: &mut [Column],
        scratch: &mut StepScratch,
    ) {
        for ((place, call), column) in self.calls.iter().enumerate().zip(columns) {
            for (group, at) in places.clone() {
                let slot = &groups.states(group).slots[place];
                put(slot, call, column, at, &mut scratch.result);
            }
        }
    }

    /// Adds the values of the steps to a set of distinct values, and records which calls saw them for the
    /// first time.
    fn see(&self, groups: &mut impl Groups, work: Steps<'_>, set: usize, scratch: &mut StepScratch) -> isize {
        let argument = work.rows.columns[self.sets[set].arg];
        self.want(work, set, &mut scratch.new);

        // Independent look-ups wait for memory at the same time.
        scratch.hashes.clear();
        for step in work.steps {
            let seen = &groups.states(step.group).sets[set].seen;
            let hash = seen.hash(argument.get(step.row));
            seen.prefetch(hash);
            scratch.hashes.push(hash);
        }

        let mut grown = 0;
        for ((step, &hash), bits) in work.steps.iter().zip(&scratch.hashes).zip(&mut scratch.new) {
            let seen = &mut groups.states(step.group).sets[set].seen;
            if step.change == StepChange::FirstAgain {
                grown -= seen.heap_bytes() as isize;
                *seen = Default::default();
            }
            if *bits == 0 {
                continue;
            }

            let before = seen.heap_bytes();
            *bits = seen.add(argument.get(step.row), hash, *bits);
            grown += seen.heap_bytes() as isize - before as isize;
        }
        grown
    }

    /// Writes for each step the bits of the calls of a set for which its row counts.
    fn want(&self, work: Steps<'_>, set: usize, wanted: &mut Vec<u8>) {
        let spec = &self.sets[set];
        let argument = work.rows.columns[spec.arg];
        wanted.clear();
        wanted.resize(work.steps.len(), 0);

        for (member, &call) in spec.calls.iter().enumerate() {
            match self.calls[call].filter.map(|filter| work.rows.columns[filter]) {
                None => wanted.iter_mut().for_each(|wanted| *wanted |= 1 << member),
                Some(filter) => {
                    for (wanted, step) in wanted.iter_mut().zip(work.steps) {
                        *wanted |= u8::from(is_true(filter, step.row)) << member;
                    }
                }
            }
        }
        for (wanted, step) in wanted.iter_mut().zip(work.steps) {
            if step.change == StepChange::Last || is_null(argument, step.row) {
                *wanted = 0;
            }
        }
    }

    /// Takes the steps of one call. `takes` says of a step, and its row, whether the row counts.
    fn take_call(
        &self,
        groups: &mut impl Groups,
        work: Steps<'_>,
        place: usize,
        takes: impl Fn(usize, usize) -> bool,
    ) -> Result<isize, String> {
        let call = &self.calls[place];
        let mut grown = 0;

        for (at, step) in work.steps.iter().enumerate() {
            if step.change == StepChange::FirstAgain {
                let slot = &mut groups.states(step.group).slots[place];
                grown -= slot.heap_bytes() as isize;
                *slot = AnyAccumulator::new(call);
                grown += slot.heap_bytes() as isize;
            }
            if step.change == StepChange::Last || !takes(at, step.row) {
                continue;
            }

            let slot = &mut groups.states(step.group).slots[place];
            let field = |field: usize| work.rows.columns[field].get(step.row);
            let is_retracted = step.change == StepChange::Retract;
            match slot {
                // The most frequent states hold nothing on the heap.
                AnyAccumulator::Count(count) => count.change(if is_retracted { -1 } else { 1 }),
                AnyAccumulator::Whole(sum) if !is_retracted => {
                    call.with_args(field, |args| sum.add(call, args))?
                }
                slot => {
                    let held = slot.heap_bytes();
                    match is_retracted {
                        true => call.with_args(field, |args| slot.retract(call, args))?,
                        false => call.with_args(field, |args| slot.add(call, args))?,
                    }
                    grown += slot.heap_bytes() as isize - held as isize;
                }
            }
        }
        Ok(grown)
    }
}

/// Returns whether any result at a place differs from that at the next place.
#[inline]
pub fn results_differ(columns: &[Column], at: usize) -> bool {
    columns.iter().any(|column| differ(column, at))
}

/// Puts the result of a call into a column.
#[inline]
fn put(slot: &AnyAccumulator, call: &CallSpec, column: &mut Column, at: usize, scratch: &mut Vec<u8>) {
    if let Column::Int(numbers) = column {
        let value = match slot {
            AnyAccumulator::Count(count) => Some(count.result()),
            AnyAccumulator::Whole(sum) => sum.result(call),
            _ => return put_any(slot, call, column, at, scratch),
        };
        match value {
            Some(value) => numbers.set(at, value),
            None => numbers.set_null(at),
        }
        return;
    }
    put_any(slot, call, column, at, scratch);
}

fn put_any(slot: &AnyAccumulator, call: &CallSpec, column: &mut Column, at: usize, scratch: &mut Vec<u8>) {
    if let AnyAccumulator::Pick(pick) = slot {
        return column.set(at, pick.result());
    }
    scratch.clear();
    slot.write_result(call, scratch);
    column.set(at, Reader::new(scratch).value().unwrap_or(Scalar::Null));
}

/// Returns whether a result differs from the next one. NaN equals NaN, and 0.0 differs from -0.0.
#[inline]
fn differ(column: &Column, at: usize) -> bool {
    match column {
        Column::Bool(values) => values[at] != values[at + 1],
        Column::Int(numbers) => {
            numbers.values[at] != numbers.values[at + 1] || numbers.valid[at] != numbers.valid[at + 1]
        }
        Column::Double(numbers) => {
            numbers.values[at].to_bits() != numbers.values[at + 1].to_bits()
                || numbers.valid[at] != numbers.valid[at + 1]
        }
        Column::Wide(numbers) => numbers.get(at) != numbers.get(at + 1),
        Column::Text(texts) | Column::Bytes(texts) => texts.get(at) != texts.get(at + 1),
        Column::Coded(coded) => coded.get(at) != coded.get(at + 1),
    }
}

#[inline]
fn is_true(vector: Vector<'_>, row: usize) -> bool {
    match vector {
        Vector::Bool(flags) => flags[row] == tri::TRUE,
        other => other.get(row) == Scalar::Bool(true),
    }
}

#[inline]
fn is_null(vector: Vector<'_>, row: usize) -> bool {
    match vector {
        Vector::Int { valid, .. } | Vector::Double { valid, .. } | Vector::Wide { valid, .. } => {
            valid[row] == 0
        }
        Vector::Text { views, .. } | Vector::Bytes { views, .. } => views[row].is_null(),
        other => other.get(row).is_null(),
    }
}
