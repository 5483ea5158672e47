//! Memo tables: the value of an expression over one dictionary column for each code of that column.

use std::collections::HashMap;

use sql::functions::{Env, EvalError};
use types::{Repr, Scalar};

use super::program::{Program, StepId};
use super::scalar::{Machine, Row};
use super::select::map;
use super::slots::Slot;
use crate::column::{Column, Numbers, tri};
use crate::dictionary::{Dictionary, NULL_CODE};
use crate::selection::Selection;

/// Values by code of the input. Values are computed in order of codes, when the codes first appear in the
/// dictionary.
pub(crate) struct Memo {
    /// Values in the step's representation; texts are codes of the dictionary in the step's slot.
    values: MemoValues,
    len: usize,
    /// The id of the dictionary to which the codes belong.
    dictionary: Option<u64>,
    /// Codes whose value cannot be computed: fatal only if a row that needs the value has such a code.
    errors: HashMap<u32, EvalError>,
}

/// The values by code.
enum MemoValues {
    Bool(Vec<u8>),
    Int(Numbers<i64>),
    Double(Numbers<f64>),
    Wide(Numbers<i128>),
    Codes(Vec<u32>),
}

/// A row in which one input is known; no other input is read.
struct OneInput<'a>(Scalar<'a>);

impl Row for OneInput<'_> {
    fn get(&self, _: usize) -> Scalar<'_> {
        self.0
    }
}

impl Memo {
    pub(crate) fn new(repr: Repr) -> Memo {
        let values = match repr {
            Repr::Bool => MemoValues::Bool(Vec::new()),
            Repr::Int => MemoValues::Int(Numbers::default()),
            Repr::Double => MemoValues::Double(Numbers::default()),
            Repr::Wide => MemoValues::Wide(Numbers::default()),
            Repr::Text | Repr::Bytes => MemoValues::Codes(Vec::new()),
        };
        Memo { values, len: 0, dictionary: None, errors: HashMap::new() }
    }

    /// Removes all values.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.errors.clear();
        match &mut self.values {
            MemoValues::Bool(values) => values.clear(),
            MemoValues::Int(numbers) => numbers.reset(0),
            MemoValues::Double(numbers) => numbers.reset(0),
            MemoValues::Wide(numbers) => numbers.reset(0),
            MemoValues::Codes(codes) => codes.clear(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.values {
            MemoValues::Bool(values) => values.capacity(),
            MemoValues::Int(numbers) => numbers.values.capacity() * 9,
            MemoValues::Double(numbers) => numbers.values.capacity() * 9,
            MemoValues::Wide(numbers) => numbers.values.capacity() * 17,
            MemoValues::Codes(codes) => codes.capacity() * 4,
        }
    }

    /// Returns whether the table has a code whose value cannot be computed.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Returns whether the table holds every code of the dictionary.
    #[inline]
    pub(crate) fn is_complete(&self, dictionary: &Dictionary) -> bool {
        self.len >= dictionary.len() && self.dictionary == Some(dictionary.id())
    }

    /// Computes the codes that are new in the dictionary, or all codes if it is another dictionary. Rows of
    /// one column may come with different dictionaries, from two scans or after a dictionary was trimmed.
    #[cold]
    pub(crate) fn extend(
        &mut self,
        dictionary: &Dictionary,
        machine: &mut Machine,
        program: &Program,
        step: StepId,
        env: &Env,
        slot: &mut Slot,
    ) {
        if self.dictionary != Some(dictionary.id()) {
            self.clear();
            self.dictionary = Some(dictionary.id());
        }
        for code in self.len as u32..dictionary.len() as u32 {
            let input = if code == NULL_CODE { Scalar::Null } else { Scalar::Text(dictionary.text(code)) };
            match machine.evaluate(program, step, &OneInput(input), env) {
                Ok(value) => self.push(value, slot),
                Err(error) => {
                    self.errors.insert(code, error);
                    self.push(Scalar::Null, slot);
                }
            }
        }

        self.len = dictionary.len();
    }

    fn push(&mut self, value: Scalar<'_>, slot: &mut Slot) {
        fn number<T: Default>(numbers: &mut Numbers<T>, value: Option<T>) {
            numbers.valid.push(value.is_some() as u8);
            numbers.values.push(value.unwrap_or_default());
        }
        match (&mut self.values, value) {
            (MemoValues::Bool(values), Scalar::Bool(value)) => values.push(tri::of(value)),
            (MemoValues::Bool(values), _) => values.push(tri::NULL),
            (MemoValues::Int(numbers), Scalar::Int(value)) => number(numbers, Some(value)),
            (MemoValues::Int(numbers), _) => number(numbers, None),
            (MemoValues::Double(numbers), Scalar::Double(value)) => number(numbers, Some(value)),
            (MemoValues::Double(numbers), _) => number(numbers, None),
            (MemoValues::Wide(numbers), Scalar::Wide(value)) => number(numbers, Some(value)),
            (MemoValues::Wide(numbers), _) => number(numbers, None),
            (MemoValues::Codes(codes), value) => codes.push(match (value, &mut slot.column) {
                (Scalar::Text(text), Column::Coded(coded)) => coded.dictionary.code_str(text),
                _ => NULL_CODE,
            }),
        }
    }

    /// Looks up the codes of `rows`. Fails if one of them has no value.
    pub(crate) fn gather(
        &self,
        codes: &[u32],
        rows: Selection<'_>,
        slot: &mut Slot,
    ) -> Result<(), EvalError> {
        if !self.errors.is_empty() {
            rows.try_each(|row| match self.errors.get(&codes[row]) {
                Some(error) => Err(error.clone()),
                None => Ok(()),
            })?;
        }
        match (&self.values, &mut slot.column) {
            (MemoValues::Bool(values), Column::Bool(out)) => pick(rows, codes, values, out),
            (MemoValues::Int(from), Column::Int(out)) => pick_numbers(rows, codes, from, out),
            (MemoValues::Double(from), Column::Double(out)) => pick_numbers(rows, codes, from, out),
            (MemoValues::Wide(from), Column::Wide(out)) => pick_numbers(rows, codes, from, out),
            (MemoValues::Codes(values), Column::Coded(out)) => pick(rows, codes, values, &mut out.codes),
            _ => unreachable!("a memo table and its slot have one form"),
        }
        Ok(())
    }
}

fn pick<T: Copy>(rows: Selection<'_>, codes: &[u32], values: &[T], out: &mut [T]) {
    map(rows, codes, out, |code| values[code as usize]);
}

fn pick_numbers<T: Copy>(rows: Selection<'_>, codes: &[u32], from: &Numbers<T>, out: &mut Numbers<T>) {
    pick(rows, codes, &from.values, &mut out.values);
    pick(rows, codes, &from.valid, &mut out.valid);
}
