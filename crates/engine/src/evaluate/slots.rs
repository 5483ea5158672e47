//! Slots: the results of the steps, written by row index and reused from batch to batch.
//!
//! A step may be requested under several selections, since the branches of a `CASE` need values for their own
//! rows only; a slot knows which rows it holds, so that each row is computed at most once per batch.

use types::{Repr, Scalar, Value};

use super::program::StepId;
use super::strategy::Strategy;
use super::vector::{Inputs, Vector};
use crate::column::{Coded, Column, Texts, View};
use crate::selection::Selection;

pub(crate) struct Slot {
    /// The batch for which the other fields are valid.
    epoch: u64,
    covered: Covered,
    /// With [`Covered::Some`]: 1 for each row that is held.
    mask: Vec<u8>,
    /// Another step whose values this step shares, for the rows held.
    alias: Option<StepId>,
    /// The owner of the bytes to which the views of a text column point.
    buffer: BytesOwner,
    pub(crate) column: Column,
    /// The number of entries of the column.
    len: usize,
    is_text: bool,
    /// The value of a step that is the same in every row.
    pub(crate) constant: Value,
}

/// The rows of the batch that a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covered {
    Nothing,
    Some,
    All,
}

/// The owner of the bytes of a text vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BytesOwner {
    /// Nothing is written yet.
    Unset,
    Own,
    Input(usize),
    Step(StepId),
}

/// The readable inputs of a kernel: everything before the step it computes.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) strategies: &'a [Strategy],
    pub(crate) slots: &'a [Slot],
    pub(crate) inputs: Inputs<'a>,
}

impl Slot {
    /// Creates a slot. `coded`: texts are stored as codes.
    pub(crate) fn new(repr: Repr, coded: bool) -> Slot {
        Slot {
            epoch: 0,
            covered: Covered::Nothing,
            mask: Vec::new(),
            alias: None,
            buffer: BytesOwner::Unset,
            column: if coded { Column::Coded(Coded::default()) } else { Column::new(repr) },
            len: 0,
            is_text: !coded && matches!(repr, Repr::Text | Repr::Bytes),
            constant: Value::Null,
        }
    }

    /// Creates the slot of a step that is never computed.
    pub(crate) fn unused() -> Slot {
        Slot::new(Repr::Bool, false)
    }

    /// Drops the previous batch, unless that was done, and makes room for `rows`.
    #[inline]
    pub(crate) fn enter(&mut self, epoch: u64, rows: usize) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.covered = Covered::Nothing;
            self.alias = None;
            self.buffer = BytesOwner::Unset;
            if self.len < rows || self.is_text {
                self.reserve(rows);
            }
        }
    }

    /// Marks a constant as known for the batch, or for good.
    pub(crate) fn set_constant(&mut self, epoch: u64, value: Value) {
        self.epoch = epoch;
        self.constant = value;
    }

    pub(crate) fn has_constant(&self, epoch: u64) -> bool {
        self.epoch == epoch || self.epoch == u64::MAX
    }

    /// Extends the column. Entries are only overwritten, never cleared: rows that are not requested may hold
    /// anything.
    fn reserve(&mut self, rows: usize) {
        self.len = self.len.max(rows);
        fn grow<T: Clone>(values: &mut Vec<T>, rows: usize, value: T) {
            if values.len() < rows {
                values.resize(rows, value);
            }
        }

        match &mut self.column {
            Column::Bool(values) => grow(values, rows, 0),
            Column::Int(numbers) => {
                grow(&mut numbers.values, rows, 0);
                grow(&mut numbers.valid, rows, 0);
            }
            Column::Double(numbers) => {
                grow(&mut numbers.values, rows, 0.0);
                grow(&mut numbers.valid, rows, 0);
            }
            Column::Wide(numbers) => {
                grow(&mut numbers.values, rows, 0);
                grow(&mut numbers.valid, rows, 0);
            }
            Column::Text(texts) | Column::Bytes(texts) => {
                grow(&mut texts.views, rows, View::NULL);
                texts.data.clear();
            }
            Column::Coded(coded) => grow(&mut coded.codes, rows, 0),
        }
    }

    /// Returns how much of the batch is held.
    #[inline]
    pub(crate) fn covered(&self) -> Covered {
        self.covered
    }

    /// With [`Covered::Some`]: writes the rows of `rows` that are not held to `missing`.
    pub(crate) fn missing(&self, rows: Selection<'_>, missing: &mut Vec<u32>) {
        rows.pick(missing, |row| self.mask[row] == 0);
    }

    /// Marks `rows` of a batch of `batch_rows` as held.
    #[inline]
    pub(crate) fn cover(&mut self, rows: Selection<'_>, batch_rows: usize) {
        if rows.is_all() {
            self.covered = Covered::All;
            return;
        }
        if self.covered == Covered::Nothing {
            self.covered = Covered::Some;
            self.mask.clear();
            self.mask.resize(batch_rows, 0);
        }
        let mask = &mut self.mask;
        rows.each(|row| mask[row] = 1);
    }

    /// Returns whether nothing was computed in this batch so far.
    pub(crate) fn is_fresh(&self) -> bool {
        self.covered == Covered::Nothing
    }

    /// Shares the values of another step: only a fresh slot can.
    pub(crate) fn set_alias(&mut self, of: StepId) {
        debug_assert!(self.is_fresh());
        self.alias = Some(of);
    }

    /// Stops being an alias: the held rows become values of the slot's own column.
    pub(crate) fn unalias(&mut self, operands: Operands<'_>) {
        if let Some(of) = self.alias.take() {
            let from = operands.vector(of);
            self.copy_held(|row| from.get(row));
            self.buffer = BytesOwner::Own;
        }
    }

    /// Makes the held rows values of the slot's own column and buffer, so that more can be written beside
    /// them.
    pub(crate) fn own(&mut self, operands: Operands<'_>) {
        self.unalias(operands);
        if self.covered == Covered::Some && !matches!(self.buffer, BytesOwner::Unset | BytesOwner::Own) {
            let data = operands.data(self.buffer);
            let (Column::Text(texts) | Column::Bytes(texts)) = &mut self.column else { return };
            for row in (0..self.mask.len()).filter(|&row| self.mask[row] != 0) {
                if let Some(bytes) = texts.views[row].of(data) {
                    texts.set(row, bytes);
                }
            }
        }
        self.buffer = BytesOwner::Own;
    }

    fn copy_held<'v>(&mut self, value: impl Fn(usize) -> Scalar<'v>) {
        if self.covered == Covered::Some {
            for row in (0..self.mask.len()).filter(|&row| self.mask[row] != 0) {
                self.column.set(row, value(row));
            }
        }
    }

    /// Returns the texts, to be written with views into `buffer`. Returns `None` if there are views into
    /// another buffer already and bytes have to be copied instead.
    pub(crate) fn texts_in(&mut self, buffer: BytesOwner) -> Option<&mut Texts> {
        if self.buffer == BytesOwner::Unset && self.alias.is_none() {
            self.buffer = buffer;
        }
        match &mut self.column {
            Column::Text(texts) | Column::Bytes(texts) if self.buffer == buffer => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn bools(&mut self) -> &mut [u8] {
        match &mut self.column {
            Column::Bool(values) => values,
            _ => unreachable!("a step that gives booleans has a slot of booleans"),
        }
    }
}

impl<'a> Operands<'a> {
    #[inline]
    pub(crate) fn vector(self, mut step: StepId) -> Vector<'a> {
        loop {
            let slot = &self.slots[step as usize];
            match self.strategies[step as usize] {
                Strategy::Input(index) => return self.inputs.get(index),
                Strategy::Once(_) => return Vector::Const(slot.constant.as_scalar()),
                Strategy::Same(of) => step = of,
                Strategy::PerCode { .. } | Strategy::PerRow(_) => match (slot.alias, &slot.column) {
                    (Some(of), _) => step = of,
                    (None, Column::Text(texts)) => {
                        return Vector::Text { views: &texts.views, data: self.data_of(slot, texts) };
                    }
                    (None, Column::Bytes(texts)) => {
                        return Vector::Bytes { views: &texts.views, data: self.data_of(slot, texts) };
                    }
                    (None, column) => return Vector::of(column),
                },
            }
        }
    }

    /// Returns the owner of the bytes of a text vector; `None` if it has no views.
    pub(crate) fn buffer(self, step: StepId) -> Option<BytesOwner> {
        match self.strategies[step as usize] {
            Strategy::Input(index) => match self.inputs.get(index) {
                Vector::Text { .. } | Vector::Bytes { .. } => Some(BytesOwner::Input(index)),
                _ => None,
            },
            Strategy::Same(of) => self.buffer(of),
            Strategy::Once(_) | Strategy::PerCode { .. } => None,
            Strategy::PerRow(_) => {
                let slot = &self.slots[step as usize];
                match (slot.alias, slot.buffer) {
                    (Some(of), _) => self.buffer(of),
                    (None, BytesOwner::Own | BytesOwner::Unset) => Some(BytesOwner::Step(step)),
                    (None, other) => Some(other),
                }
            }
        }
    }

    fn data_of(self, slot: &'a Slot, texts: &'a Texts) -> &'a [u8] {
        match slot.buffer {
            BytesOwner::Unset | BytesOwner::Own => &texts.data,
            other => self.data(other),
        }
    }

    /// Returns the bytes behind views.
    pub(crate) fn data(self, buffer: BytesOwner) -> &'a [u8] {
        match buffer {
            BytesOwner::Unset | BytesOwner::Own => &[],
            BytesOwner::Input(index) => match self.inputs.get(index) {
                Vector::Text { data, .. } | Vector::Bytes { data, .. } => data,
                _ => &[],
            },
            BytesOwner::Step(step) => match &self.slots[step as usize].column {
                Column::Text(texts) | Column::Bytes(texts) => &texts.data,
                _ => &[],
            },
        }
    }
}
