//! `INTERSECT` and `EXCEPT` over whole rows.
//!
//! The state holds how often each side has a row, which determines how often the result has it. A change on
//! one side changes that number by at most one:
//!
//! ```text
//!                    left 2, right 1       result has it
//! INTERSECT ALL      min(2, 1)             1
//! INTERSECT          both have it          1
//! EXCEPT ALL         2 - 1                 1
//! EXCEPT             right has it          0
//! ```
//!
//! Nulls are equal, as are NaNs. A retraction of a row that is absent is ignored.

use sql::plan::operator::{Input, SetOperation, SetOperator};
use types::Interval;

use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateValue, StateWriter};
use crate::watermark::NO_WATERMARK;

/// The tag of the only map in a snapshot.
const SIDES: u8 = 0;

/// Intersects or subtracts two inputs; see the module documentation.
pub struct SetOperationOperator {
    name: String,
    spec: SetOperation,
    sides: Keyed<Sides>,
    watermark: i64,
    expiry: Expiry,
    out: ChangeBuffer,
    key: Vec<u8>,
}

/// How often each side has a row.
#[derive(Debug, Default)]
struct Sides([i64; 2]);

impl Sides {
    /// Returns how often the result has it.
    fn result(&self, spec: &SetOperation) -> i64 {
        let Sides([left, right]) = *self;
        let all = match spec.operator {
            SetOperator::Intersect => left.min(right),
            SetOperator::Except if spec.all => (left - right).max(0),
            SetOperator::Except => {
                if right == 0 {
                    left
                } else {
                    0
                }
            }
        };
        if spec.all { all } else { all.min(1) }
    }
}

impl SetOperationOperator {
    pub fn new(
        name: String,
        spec: &SetOperation,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> SetOperationOperator {
        SetOperationOperator {
            name,
            spec: spec.clone(),
            sides: Keyed::new(ttl),
            watermark: NO_WATERMARK,
            expiry: Expiry::new(ttl),
            out: ChangeBuffer::new(&fields::reprs(&inputs[0].fields)),
            key: Vec::new(),
        }
    }

    fn take(&mut self, input: usize, rows: &Changes<'_>, row: usize, now_ms: i64) {
        self.key.clear();
        row::write_all(rows.row(row), &mut self.key);
        let by = if rows.kind(row).is_addition() { 1 } else { -1 };
        let spec = &self.spec;

        let change = self.sides.update(&self.key, now_ms, |kept| {
            let sides = kept.get_or_insert_default();
            let before = sides.result(spec);
            sides.0[input] = (sides.0[input] + by).max(0);
            let after = sides.result(spec);
            if sides.0 == [0, 0] {
                *kept = None;
            }
            after - before
        });

        let kind = if change > 0 { RowKind::Insert } else { RowKind::Delete };
        for _ in 0..change.abs() {
            self.out.push(kind, self.watermark, rows.row(row));
        }
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for SetOperationOperator {
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            self.take(input, rows, row, now_ms);
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.watermark = watermark;
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.expiry.take_due(context.now_ms()) {
            self.sides.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.sides.write(SIDES, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            if tag != SIDES {
                return Err(StateError::unknown_tag(&self.name, tag));
            }
            self.sides.read(&mut reader, &self.name)?;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.sides.memory_bytes() + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}

impl StateValue for Sides {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|count| count.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Sides> {
        Some(Sides([i64::read(reader)?, i64::read(reader)?]))
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sql::plan::operator::{Changes as Mode, Distribution, Field};
    use types::{DataType, Repr, Value};

    use super::*;
    use crate::operator::harness::{Event, Harness, Row, change, insert, row, standing};

    fn with<T>(operator: SetOperator, all: bool, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let fields = vec![Field { name: "n".into(), column_type: DataType::BigInt.nullable() }];
        let input = Input { fields, distribution: Distribution::Hash(vec![0]), changes: Mode::Retract };
        let inputs = vec![input.clone(), input];
        let spec = SetOperation { operator, all };
        let build =
            || Box::new(SetOperationOperator::new("set".into(), &spec, &inputs, None)) as Box<dyn Operator>;
        run(&Harness::new(&build, vec![vec![Repr::Int]; 2]).keyed(vec![vec![0]; 2]))
    }

    fn given(code: &str, value: Value) -> Row {
        row(code, [value])
    }

    #[test]
    fn a_row_goes_when_the_other_side_gets_it() {
        let one = || [Value::Int(1)];
        let events = [insert(0, one()), insert(0, one()), insert(1, one()), change(1, "-D", one())];
        with(SetOperator::Except, false, |harness| {
            harness.gives(&events, &["+I", "-D", "+I"].map(|code| given(code, Value::Int(1))));
        });
        with(SetOperator::Except, true, |harness| {
            harness.gives(&events, &["+I", "+I", "-D", "+I"].map(|code| given(code, Value::Int(1))));
        });
        with(SetOperator::Intersect, false, |harness| {
            harness.gives(&events, &["+I", "-D"].map(|code| given(code, Value::Int(1))));
        });
    }

    #[test]
    fn nulls_are_equal_and_unknown_rows_that_go_are_passed_over() {
        let null = || [Value::Null];
        let events = [change(0, "-D", null()), insert(1, null()), insert(0, null()), change(1, "-U", null())];
        with(SetOperator::Intersect, true, |harness| {
            harness.gives(&events, &["+I", "-D"].map(|code| given(code, Value::Null)));
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn what_stands_is_the_set_of_what_stands_on_both_sides(
            changes in prop::collection::vec((0usize..2, any::<bool>(), 0i64..4), 0..40), all: bool, except: bool,
        ) {
            let mut counts = [[0i64; 4]; 2];
            let mut events: Vec<Event> = Vec::new();
            for (input, goes, value) in changes {
                let count = &mut counts[input][value as usize];
                let code = if goes && *count > 0 { "-D" } else { "+I" };
                *count += if code == "+I" { 1 } else { -1 };
                events.push(change(input, code, [Value::Int(value)]));
            }

            let mut expected = Vec::new();
            let [left, right] = counts;
            for (value, (left, right)) in (0i64..).zip(left.into_iter().zip(right)) {
                let times = match (except, all) {
                    (true, true) => left - right,
                    (true, false) => i64::from(left > 0 && right == 0),
                    (false, true) => left.min(right),
                    (false, false) => i64::from(left > 0 && right > 0),
                };
                expected.extend((0..times.max(0)).map(|_| given("+I", Value::Int(value))));
            }
            let operator = if except { SetOperator::Except } else { SetOperator::Intersect };
            with(operator, all, |harness| harness.ends_with(&events, &standing(&expected)));
        }
    }
}
