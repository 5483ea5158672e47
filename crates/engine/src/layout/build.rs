//! Builds units, domains, arguments and states from aggregate calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use sql::expr::{CastMode, Expr, ExprGraph, ExprId};
use sql::functions::Determinism;
use sql::plan::{Aggregate, AggregateFunction, ScanWindowAggregate};
use types::{ColumnType, DataType, Repr, Value};

use super::{ArgSpec, History, Layout, LayoutError, ResultSpec, Unit, is_distinct};
use crate::aggregate::domain::DomainSpec;
use crate::aggregate::pick::Pick;
use crate::aggregate::state::{NumberForm, StateSpec};
use crate::aggregate::table::TableSpec;

impl Layout {
    /// Returns the unit of a query: an existing equal one, or a new one.
    pub(super) fn unit(
        &mut self,
        aggregate: &ScanWindowAggregate,
        filter: &[ExprId],
        query: usize,
        history: History,
    ) -> Result<usize, LayoutError> {
        let keys = aggregate
            .keys
            .iter()
            .map(|&key| self.domain(key))
            .collect::<Result<Vec<usize>, LayoutError>>()?;

        let mut row_filter = filter.to_vec();
        row_filter.sort_unstable();
        let key_exprs = exact_keys(&self.graph, &aggregate.keys);
        let key_filter: Vec<ExprId> = row_filter
            .extract_if(.., |condition| depends_only_on(&self.graph, *condition, &key_exprs))
            .collect();

        if let Some(unit) = self.units.iter().position(|unit| {
            unit.history == history
                && unit.window == aggregate.window
                && unit.keys == keys
                && unit.row_filter == row_filter
                && unit.key_filter == key_filter
        }) {
            self.units[unit].queries.push(query);
            return Ok(unit);
        }

        let table = TableSpec { keys: self.paired(&keys), states: Vec::new() };
        self.units.push(Unit {
            window: aggregate.window,
            row_filter,
            key_filter,
            keys,
            table,
            queries: vec![query],
            derived: false,
            history,
        });

        Ok(self.units.len() - 1)
    }

    /// Adds the states that an aggregate call reads, and returns how it reads them.
    pub(super) fn result(&mut self, unit: usize, call: &Aggregate) -> Result<ResultSpec, LayoutError> {
        let Some(arg) = call.arg else {
            return Ok(match call.filter {
                None => ResultSpec::Rows,
                Some(filter) => {
                    let arg = self.arg(filter, false);
                    ResultSpec::Count(self.state(unit, StateSpec::CountTrue(arg)))
                }
            });
        };

        // `FILTER` leaves out rows that do not pass, which has the same effect as a null argument.
        let arg = match call.filter {
            None => arg,
            Some(filter) => {
                let column_type = ColumnType { nullable: true, ..self.graph.column_type(arg).clone() };
                let null = self.graph.add(Expr::Literal(Value::Null), column_type.clone());
                self.graph
                    .add(Expr::Case { branches: Arc::from([(filter, arg)]), otherwise: null }, column_type)
            }
        };

        let arg_type = self.graph.column_type(arg).data_type.clone();
        let result_type = call.column_type.data_type.clone();

        if is_distinct(call) {
            let domain = self.domain(arg)?;
            let state = self.state(unit, StateSpec::Distinct(domain));
            return Ok(match call.function {
                AggregateFunction::Count => ResultSpec::CountDistinct(state),
                AggregateFunction::Sum => ResultSpec::SumDistinct(state, arg_type),
                AggregateFunction::Avg => ResultSpec::AvgDistinct(state, arg_type, result_type),
                AggregateFunction::Percentile(p) => ResultSpec::PercentileDistinct(state, p),
                function => unreachable!("DISTINCT makes no difference to {function:?}"),
            });
        }

        Ok(match call.function {
            AggregateFunction::Count => self.count(unit, arg),
            AggregateFunction::Sum => ResultSpec::Sum(self.sum(unit, arg, &arg_type)?, arg_type),
            AggregateFunction::Avg => ResultSpec::Avg(self.sum(unit, arg, &arg_type)?, arg_type, result_type),
            AggregateFunction::Min => self.pick(unit, arg, Pick::Min)?,
            AggregateFunction::Max => self.pick(unit, arg, Pick::Max)?,
            AggregateFunction::FirstValue => self.pick(unit, arg, Pick::First)?,
            AggregateFunction::LastValue => self.pick(unit, arg, Pick::Last)?,
            AggregateFunction::Percentile(p) => {
                let arg = self.arg(arg, false);
                ResultSpec::Percentile(self.state(unit, StateSpec::Values(arg)), p)
            }
        })
    }

    fn count(&mut self, unit: usize, arg: ExprId) -> ResultSpec {
        if !self.graph.column_type(arg).nullable {
            return ResultSpec::Rows;
        }
        let there = self.graph.add(Expr::IsNotNull(arg), DataType::Boolean.not_null());
        let arg = self.arg(there, false);
        ResultSpec::Count(self.state(unit, StateSpec::CountTrue(arg)))
    }

    fn sum(&mut self, unit: usize, arg: ExprId, arg_type: &DataType) -> Result<usize, LayoutError> {
        let spec = match arg_type.repr() {
            Some(Repr::Int) => StateSpec::SumInt(self.arg(arg, false)),
            Some(Repr::Double) => StateSpec::SumDouble(self.arg(arg, true)),
            Some(Repr::Wide) => StateSpec::SumWide(self.arg(arg, false)),
            _ => return Err(LayoutError(format!("values of type {arg_type} cannot be summed"))),
        };
        Ok(self.state(unit, spec))
    }

    fn pick(&mut self, unit: usize, arg: ExprId, pick: Pick) -> Result<ResultSpec, LayoutError> {
        let arg_type = self.graph.column_type(arg).data_type.clone();
        let spec = match arg_type.repr() {
            Some(Repr::Text) => StateSpec::PickText(self.domain(arg)?, pick),
            Some(Repr::Int) => StateSpec::Pick(self.arg(arg, false), pick, NumberForm::Int),
            Some(Repr::Double) => StateSpec::Pick(self.arg(arg, false), pick, NumberForm::Double),
            Some(Repr::Wide) => StateSpec::Pick(self.arg(arg, false), pick, NumberForm::Wide),
            Some(Repr::Bool) => {
                // False before true, as 0 before 1.
                let int = DataType::Int.nullable();
                let number = self.graph.add(Expr::Cast { input: arg, mode: CastMode::Strict }, int);
                StateSpec::Pick(self.arg(number, false), pick, NumberForm::Int)
            }
            Some(Repr::Bytes) | None => {
                return Err(LayoutError(format!("{pick:?} of values of type {arg_type} is not supported")));
            }
        };
        Ok(ResultSpec::Pick(self.state(unit, spec), arg_type))
    }

    fn state(&mut self, unit: usize, spec: StateSpec) -> usize {
        let states = &mut self.units[unit].table.states;
        states.iter().position(|&state| state == spec).unwrap_or_else(|| {
            states.push(spec);
            states.len() - 1
        })
    }

    fn arg(&mut self, expr: ExprId, fixed: bool) -> usize {
        if let Some(arg) = self.args.iter().position(|arg| arg.expr == expr) {
            self.args[arg].fixed |= fixed;
            return arg;
        }
        let repr = self.graph.column_type(expr).data_type.repr().unwrap_or(Repr::Bool);
        self.args.push(ArgSpec { expr, repr, fixed });
        self.args.len() - 1
    }

    fn domain(&mut self, expr: ExprId) -> Result<usize, LayoutError> {
        let data_type = &self.graph.column_type(expr).data_type;
        let spec = match data_type.repr() {
            Some(Repr::Text) => DomainSpec::Text(expr),
            Some(Repr::Int) => DomainSpec::Int(expr),
            Some(Repr::Double) => DomainSpec::Double(expr),
            Some(Repr::Wide) => DomainSpec::Wide(expr),
            Some(Repr::Bytes) => DomainSpec::Bytes(expr),
            Some(Repr::Bool) => DomainSpec::Bool(expr),
            None => return Err(LayoutError(format!("values of type {data_type} cannot be grouped by"))),
        };
        Ok(self.domain_of(spec))
    }

    fn domain_of(&mut self, spec: DomainSpec) -> usize {
        self.domains.iter().position(|&domain| domain == spec).unwrap_or_else(|| {
            self.domains.push(spec);
            self.domains.len() - 1
        })
    }

    /// Returns at most two domains that are equivalent to all of `keys`.
    fn paired(&mut self, keys: &[usize]) -> Vec<usize> {
        let mut keys = keys.to_vec();
        while keys.len() > 2 {
            let pair = self.domain_of(DomainSpec::Pair(keys[0], keys[1]));
            keys.splice(..2, [pair]);
        }
        keys
    }
}

/// Returns the keys whose groups hold one value only (a group of doubles may hold NaNs of several bit patterns).
fn exact_keys(graph: &ExprGraph, keys: &[ExprId]) -> Vec<ExprId> {
    keys.iter()
        .copied()
        .filter(|&key| graph.column_type(key).data_type.repr() != Some(Repr::Double))
        .collect()
}

/// Returns whether an expression is a function of these others.
pub(super) fn depends_only_on(graph: &ExprGraph, expr: ExprId, keys: &[ExprId]) -> bool {
    // A chain of operators may have thousands of levels, so this is no recursion.
    let mut waiting = vec![expr];
    let mut seen = BTreeSet::new();
    while let Some(expr) = waiting.pop() {
        if keys.contains(&expr) || !seen.insert(expr) {
            continue;
        }
        match graph.expr(expr) {
            Expr::Column(_) => return false,
            Expr::Call { function, .. } if function.determinism != Determinism::Always => return false,
            _ => waiting.extend(graph.operands(expr)),
        }
    }
    true
}
