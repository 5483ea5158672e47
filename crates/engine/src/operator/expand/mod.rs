//! `GROUPING SETS`, `CUBE` and `ROLLUP`: copies each row once per set, so that a following group aggregate
//! sees the keys of every set.
//!
//! ```text
//! [a, b, 7]     sets (k), ()       [a, null, 7, 1]   [null, null, 7, 3]
//! ```
//!
//! A copy has null in the keys that its set lacks. The set's number tells such a null from a null in the
//! data.

use sql::plan::operator::{Expand, ExpandCopy, Input};
use types::{Repr, Scalar};

use super::chain::{Context, OperatorError};
use super::changes::{ChangeBuffer, Changes};
use super::fields;
use super::stateless::Stateless;

/// Copies each row once per grouping set; see the module documentation.
pub struct ExpandOperator {
    copies: Vec<ExpandCopy>,
    out: ChangeBuffer,
}

impl ExpandOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A copy does not cover all fields.
    pub fn new(name: &str, spec: &Expand, inputs: &[Input]) -> Result<ExpandOperator, String> {
        let fields = &inputs[0].fields;
        if spec.copies.iter().any(|copy| copy.keeps.len() != fields.len()) {
            return Err(format!("`{name}` has {} fields, and a copy has another number", fields.len()));
        }
        let mut reprs = fields::reprs(fields);
        reprs.push(Repr::Int);
        Ok(ExpandOperator { copies: spec.copies.clone(), out: ChangeBuffer::new(&reprs) })
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Stateless for ExpandOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        for row in rows.places() {
            for copy in &self.copies {
                let value = |(value, &keeps)| if keeps { value } else { Scalar::Null };
                let values = rows.row(row).zip(&copy.keeps).map(value).chain([Scalar::Int(copy.id)]);
                self.out.push(rows.kind(row), rows.watermark(row), values);
            }
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
    }

    fn memory_bytes(&self) -> usize {
        self.out.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use sql::plan::operator::{Changes as Mode, Distribution, Field};
    use types::{DataType, Value};

    use super::*;
    use crate::operator::harness::{Harness, change, row};

    fn inputs() -> Vec<Input> {
        let field = |name: &str| Field { name: name.into(), column_type: DataType::BigInt.nullable() };
        let fields = vec![field("k"), field("b"), field("n")];
        vec![Input { fields, distribution: Distribution::Forward, changes: Mode::Retract }]
    }

    fn copy(keeps: [bool; 3], id: i64) -> ExpandCopy {
        ExpandCopy { keeps: keeps.to_vec(), id }
    }

    #[test]
    fn a_row_is_given_once_for_each_set_with_its_kind() {
        let copies = vec![copy([true, false, true], 1), copy([false, false, true], 3)];
        let spec = Expand { copies };
        let inputs = inputs();
        let build = || Box::new(ExpandOperator::new("expand", &spec, &inputs).unwrap()) as Box<_>;
        let int = Value::Int;
        let events = [
            change(0, "+I", [int(1), int(2), int(7)]),
            change(0, "-U", [int(1), int(2), int(7)]),
            change(0, "+U", [Value::Null, int(2), int(8)]),
        ];
        let expected = [
            row("+I", [int(1), Value::Null, int(7), int(1)]),
            row("+I", [Value::Null, Value::Null, int(7), int(3)]),
            row("-U", [int(1), Value::Null, int(7), int(1)]),
            row("-U", [Value::Null, Value::Null, int(7), int(3)]),
            row("+U", [Value::Null, Value::Null, int(8), int(1)]),
            row("+U", [Value::Null, Value::Null, int(8), int(3)]),
        ];
        Harness::new(&build, vec![vec![Repr::Int; 3]]).gives(&events, &expected);
    }

    #[test]
    fn a_copy_says_of_every_field_whether_it_stays() {
        let spec = Expand { copies: vec![ExpandCopy { keeps: vec![true], id: 0 }] };
        assert!(ExpandOperator::new("expand", &spec, &inputs()).is_err());
    }
}
