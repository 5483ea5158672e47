//! Calc: filters rows and computes columns. It keeps no state and copies nothing: consumers see the
//! evaluator's vectors.

use jiff::tz::TimeZone;
use sql::expr::ExprId;
use sql::plan::operator::Calc;

use super::chain::{Context, OperatorError};
use super::changes::Changes;
use super::stateless::Stateless;
use crate::evaluate::{Evaluator, Inputs, Passed, Vector};
use crate::selection::Selection;

/// Filters rows and computes columns; see the module documentation.
pub struct CalcOperator {
    name: String,
    evaluator: Evaluator,
    conditions: Vec<ExprId>,
    columns: Vec<ExprId>,
    passed: Vec<u32>,
}

impl CalcOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(name: String, calc: &Calc, time_zone: &TimeZone) -> Result<CalcOperator, String> {
        let roots: Vec<ExprId> = calc.conditions.iter().chain(&calc.columns).copied().collect();
        Ok(CalcOperator {
            name,
            evaluator: Evaluator::new(&calc.exprs, &roots, time_zone)?,
            conditions: calc.conditions.clone(),
            columns: calc.columns.clone(),
            passed: Vec::new(),
        })
    }
}

impl Stateless for CalcOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let failed = |source| OperatorError::Evaluate { operator: self.name.clone(), source };
        let inputs = Inputs::Vectors(rows.columns);
        let (size, given) = match rows.rows {
            Selection::All(rows) => (rows, None),
            Selection::Selected(selected) => {
                (selected.last().map_or(0, |&last| last as usize + 1), Some(selected))
            }
        };

        self.evaluator.begin(size, context.env());
        let passed =
            self.evaluator.filter(inputs, &self.conditions, given, &mut self.passed).map_err(failed)?;
        let selection = match passed {
            Passed::All => given,
            Passed::Some => Some(&self.passed[..]),
        };
        self.evaluator.compute(inputs, &self.columns, selection).map_err(failed)?;

        let columns: Vec<Vector<'_>> =
            self.columns.iter().map(|&column| self.evaluator.column(inputs, column)).collect();
        context.emit(&Changes {
            columns: &columns,
            rows: selection.map_or(rows.rows, Selection::Selected),
            ..*rows
        })
    }

    fn memory_bytes(&self) -> usize {
        self.evaluator.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use sql::expr::{Comparison, Expr, ExprGraph, InputColumn};
    use types::{DataType, Repr, Value};

    use super::*;
    use crate::operator::harness::{Harness, insert, row};

    #[test]
    fn rows_that_pass_are_given_with_their_kinds() {
        let bigint = DataType::BigInt.nullable();
        let inputs = vec![InputColumn { name: "a".into(), column_type: bigint.clone() }];
        let mut exprs = ExprGraph::new(inputs);
        let a = exprs.add(Expr::Column(0), bigint.clone());
        let two = exprs.add(Expr::Literal(Value::Int(2)), bigint);
        let over = exprs.add(Expr::Compare(Comparison::Greater, a, two), DataType::Boolean.nullable());
        let calc = Calc { exprs, conditions: vec![over], columns: vec![a, over] };

        let build = || Box::new(CalcOperator::new("calc".into(), &calc, &TimeZone::UTC).unwrap()) as Box<_>;
        let harness = Harness::new(&build, vec![vec![Repr::Int]]);
        let rows: Vec<_> = (0..5).map(|value| insert(0, [Value::Int(value)])).collect();
        let expected = [3, 4].map(|value| row("+I", [Value::Int(value), Value::Bool(true)]));
        harness.gives(&rows, &expected);
    }
}
