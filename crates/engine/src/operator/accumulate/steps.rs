//! Rows of many groups, one call after the other.
//!
//! A `GROUP BY` gives the results of a group before and after each row. Row by row, each call would be looked at anew for
//! each row. Here a call goes through all rows before the next call does the same, and puts its results straight into
//! its column: two places a step, for the results before and after it.
//!
//! ```text
//! steps            a    b    a
//! COUNT(*)         0 1  4 5  1 2
//! SUM(price)       - 7  9 12 7 10
//! ```
//!
//! The calls of a group do not know of one another, so that the results are those of rows that come one by one.

use types::Scalar;

use super::call::CallSpec;
use super::slot::Slot;
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
    /// Where the group is.
    pub group: usize,
    pub change: StepChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepChange {
    /// The first row of a group, whose states are fresh.
    First,
    /// The first row of a group that had rows before, and lost them: its states are thrown away.
    FirstAgain,
    Add,
    /// A row goes, and others of its group stay.
    Retract,
    /// The last row of the group goes.
    Last,
}

/// Where the states of groups are found.
pub trait Groups {
    /// The states of a group. The place is that of a step.
    fn states(&mut self, place: usize) -> &mut States;
}

/// What goes through the steps for each call.
pub struct Work<'a> {
    pub rows: &'a Changes<'a>,
    pub steps: &'a [Step],
    /// The place in the columns of the result before the first step.
    pub first: usize,
    /// By step: whether a result after it differs from that before it.
    pub changed: &'a mut [bool],
    /// For results that are no whole numbers.
    pub scratch: &'a mut Vec<u8>,
    /// By step: the hash of a distinct value.
    pub hashes: &'a mut Vec<u64>,
    /// By step: which calls of a set saw the value for the first time.
    pub new: &'a mut Vec<u8>,
}

impl Accumulators {
    /// Takes the steps, and puts the results before and after each into `columns`, one a call. Gives by how many bytes the
    /// states grew or shrank outside of themselves.
    ///
    /// # Errors
    /// As [`add`](Accumulators::add).
    pub fn take_steps(
        &self,
        groups: &mut impl Groups,
        work: &mut Work<'_>,
        columns: &mut [Column],
    ) -> Result<isize, String> {
        let mut grown = 0;
        for (set, spec) in self.sets.iter().enumerate() {
            grown += self.see(groups, work, set);
            for (member, &call) in spec.calls.iter().enumerate() {
                let new = std::mem::take(work.new);
                let takes = |step: usize, _: usize| new[step] >> member & 1 == 1;
                grown += self.take_call(groups, work, call, &mut columns[call], takes)?;
                *work.new = new;
            }
        }

        for (place, call) in self.calls.iter().enumerate() {
            if call.shared.is_some() {
                continue;
            }
            let columns = &mut columns[place];
            let filter = call.filter.map(|filter| work.rows.columns[filter]);
            let argument = call.args.first().filter(|_| !call.takes_null).map(|&arg| work.rows.columns[arg]);
            grown += match (filter, argument) {
                (None, None) => self.take_call(groups, work, place, columns, |_, _| true)?,
                (filter, argument) => {
                    let takes = |_, row| {
                        filter.is_none_or(|filter| is_true(filter, row))
                            && argument.is_none_or(|argument| !is_null(argument, row))
                    };
                    self.take_call(groups, work, place, columns, takes)?
                }
            };
        }
        Ok(grown)
    }

    /// Adds the values of the steps to a set of distinct values, and notes which calls saw them for the first time.
    fn see(&self, groups: &mut impl Groups, work: &mut Work<'_>, set: usize) -> isize {
        let spec = &self.sets[set];
        let argument = work.rows.columns[spec.arg];
        let filters: Vec<Option<Vector<'_>>> = spec
            .calls
            .iter()
            .map(|&call| self.calls[call].filter.map(|filter| work.rows.columns[filter]))
            .collect();

        // Look-ups that do not depend on one another wait for memory at the same time.
        work.hashes.clear();
        for step in work.steps {
            let seen = &groups.states(step.group).sets[set].seen;
            let hash = seen.hash(argument.get(step.row));
            seen.prefetch(hash);
            work.hashes.push(hash);
        }

        let mut grown = 0;
        work.new.clear();
        for (step, &hash) in work.steps.iter().zip(&*work.hashes) {
            let shared = &mut groups.states(step.group).sets[set];
            if step.change == StepChange::FirstAgain {
                grown -= shared.seen.heap_bytes() as isize;
                shared.seen = Default::default();
            }

            let value = argument.get(step.row);
            let is_wanted = |filter: &Option<Vector<'_>>| {
                filter.is_none_or(|filter| is_true(filter, step.row)) && !value.is_null()
            };
            let wanted = filters.iter().enumerate();
            let wanted =
                wanted.fold(0, |wanted, (member, filter)| wanted | u8::from(is_wanted(filter)) << member);
            if wanted == 0 || step.change == StepChange::Last {
                work.new.push(0);
                continue;
            }
            let before = shared.seen.heap_bytes();
            work.new.push(shared.seen.add(value, hash, wanted));
            grown += shared.seen.heap_bytes() as isize - before as isize;
        }
        grown
    }

    /// Takes the steps of one call. `takes` says of a step, and its row, whether the row counts.
    fn take_call(
        &self,
        groups: &mut impl Groups,
        work: &mut Work<'_>,
        place: usize,
        column: &mut Column,
        takes: impl Fn(usize, usize) -> bool,
    ) -> Result<isize, String> {
        let call = &self.calls[place];
        let rows = work.rows;
        let mut grown = 0;

        for (at, step) in work.steps.iter().enumerate() {
            let slot = &mut groups.states(step.group).slots[place];
            let before = work.first + 2 * at;
            match step.change {
                StepChange::First => {}
                StepChange::FirstAgain => {
                    grown -= slot.heap_bytes() as isize;
                    *slot = Slot::new(call);
                    grown += slot.heap_bytes() as isize;
                }
                _ => put(slot, call, column, before, work.scratch),
            }
            if step.change == StepChange::Last {
                continue;
            }

            if takes(at, step.row) {
                let held = slot.heap_bytes();
                let field = |field: usize| rows.columns[field].get(step.row);
                match step.change {
                    StepChange::Retract => call.with_args(field, |args| slot.retract(call, args))?,
                    _ => call.with_args(field, |args| slot.add(call, args))?,
                }
                grown += slot.heap_bytes() as isize - held as isize;
            }
            put(slot, call, column, before + 1, work.scratch);
            work.changed[at] |= differ(column, before);
        }
        Ok(grown)
    }
}

/// Puts the result of a call into a column.
#[inline]
fn put(slot: &Slot, call: &CallSpec, column: &mut Column, at: usize, scratch: &mut Vec<u8>) {
    if let Column::Int(numbers) = column {
        let value = match slot {
            Slot::Count(count) => Some(count.result()),
            Slot::Whole(sum) => sum.result(call),
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

fn put_any(slot: &Slot, call: &CallSpec, column: &mut Column, at: usize, scratch: &mut Vec<u8>) {
    if let Slot::Pick(pick) = slot {
        return column.set(at, pick.result());
    }
    scratch.clear();
    slot.write_result(call, scratch);
    column.set(at, Reader::new(scratch).value().unwrap_or(Scalar::Null));
}

/// Whether a result differs from the one behind it. A NaN is equal to itself, and 0.0 is not -0.0.
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
