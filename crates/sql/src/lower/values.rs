//! Values: which fields of a stream are equal in each of its rows.
//!
//! A query may compute an expression twice, below an operator and above it. In the example, the rank's key is the
//! field `UPPER(a)`, and nothing passes this field on. But `u` is the same function of the same field, so that `u`
//! and the number are the key of the result:
//!
//! ```text
//! Calc[UPPER(a) AS u, b, number]          u = f(v1)
//!  └ Rank[by UPPER(a), number]            a = v1, b = v2, UPPER(a) = f(v1), number = v3
//!     └ Calc[a, b, UPPER(a)]
//! ```
//!
//! Each field has a value: one of its own, or a function of other values. Equal functions of equal values are one
//! value (value numbering). Values are compared only within a stream.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use types::DataType;

use super::fuse::{Fused, FusedStage};
use super::{Lowering, Producer};
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::functions::Determinism;
use crate::graph::map_operands;
use crate::plan::operator::{Distribution, JoinKey, JoinKind, OperatorKind};

/// Identifies a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(usize);

/// A function of other values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Computed {
    /// The operation and the type of its result.
    operation: String,
    operands: Vec<ValueId>,
}

/// All values of a plan.
#[derive(Default)]
pub(super) struct Values {
    /// How each value is computed; `None` for a value of its own.
    all: Vec<Option<Rc<Computed>>>,
    known: HashMap<Rc<Computed>, ValueId>,
}

impl Values {
    /// Returns new values that equal no other ones.
    pub(super) fn own(&mut self, count: usize) -> Vec<ValueId> {
        let start = self.all.len();
        self.all.resize(start + count, None);
        (start..self.all.len()).map(ValueId).collect()
    }

    fn computed(&mut self, computed: Computed) -> ValueId {
        let computed = Rc::new(computed);
        if let Some(known) = self.known.get(&computed) {
            return *known;
        }
        let value = ValueId(self.all.len());
        self.all.push(Some(computed.clone()));
        self.known.insert(computed, value);
        value
    }

    /// Returns the values of expressions and of all their parts.
    pub(super) fn of_exprs(
        &mut self,
        exprs: &ExprGraph,
        ids: &[ExprId],
        input: &mut dyn FnMut(&mut Values, usize) -> ValueId,
    ) -> HashMap<ExprId, ValueId> {
        let mut done: HashMap<ExprId, ValueId> = HashMap::new();
        for id in ids {
            for id in exprs.operands_first(*id, |id| done.contains_key(&id)) {
                let value = match exprs.expr(id) {
                    Expr::Column(place) => input(self, *place),
                    // Another call gives another result.
                    Expr::Call { function, .. } if function.determinism != Determinism::Always => {
                        self.own(1)[0]
                    }
                    expr => self.computed(computed(expr, &exprs.column_type(id).data_type, &done)),
                };
                done.insert(id, value);
            }
        }
        done
    }

    /// Returns the values of another stream with the same functions. `given` maps some of the values to those of
    /// the other stream.
    fn of_other_stream(&mut self, values: &[ValueId], mut given: HashMap<ValueId, ValueId>) -> Vec<ValueId> {
        // Collect everything that the values are computed from; operands precede the values that use them.
        let mut parts: Vec<ValueId> = vec![];
        let mut waiting = values.to_vec();
        let mut seen: HashSet<ValueId> = HashSet::new();
        while let Some(value) = waiting.pop() {
            if seen.insert(value) {
                parts.push(value);
                waiting.extend(self.all[value.0].iter().flat_map(|computed| computed.operands.iter()));
            }
        }
        parts.sort_unstable();

        for value in parts {
            let computed = self.all[value.0].clone().map(|computed| Computed {
                operation: computed.operation.clone(),
                operands: computed.operands.iter().map(|operand| given[operand]).collect(),
            });
            let other = match (given.get(&value), computed) {
                // In the other stream, this function has the given value.
                (Some(other), Some(computed)) => *self.known.entry(Rc::new(computed)).or_insert(*other),
                (Some(other), None) => *other,
                (None, Some(computed)) => self.computed(computed),
                (None, None) => self.own(1)[0],
            };
            given.insert(value, other);
        }
        values.iter().map(|value| given[value]).collect()
    }

    /// Returns the values of a join's fields.
    fn of_join(&mut self, kind: JoinKind, keys: &[JoinKey], [left, right]: [&Producer; 2]) -> Vec<ValueId> {
        let mut values = left.values.clone();
        let of_right = match kind {
            JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => vec![],
            JoinKind::Inner => {
                let is_exact = |key: &&JoinKey| {
                    let (a, b) = (&left.fields[key.left], &right.fields[key.right]);
                    a.column_type.data_type == b.column_type.data_type
                        && equal_is_same(&a.column_type.data_type)
                };
                let equal = keys.iter().filter(is_exact);
                let given = equal.map(|key| (right.values[key.right], left.values[key.left])).collect();
                self.of_other_stream(&right.values, given)
            }
            // A padded row has nulls, but a function of nulls may have another value.
            JoinKind::Left => self.own(right.values.len()),
            JoinKind::Right => {
                values = self.own(left.values.len());
                self.of_other_stream(&right.values, HashMap::new())
            }
            JoinKind::Full => {
                values = self.own(left.values.len());
                self.own(right.values.len())
            }
        };
        values.extend(of_right);
        values
    }
}

impl Lowering<'_> {
    /// Returns the values of the fields of a scan's query.
    pub(super) fn values_of_scan(&mut self, fused: &Fused) -> Vec<ValueId> {
        let exprs = match &fused.stage {
            FusedStage::Grouped(group) => &group.output,
            FusedStage::Rows | FusedStage::Windowed { .. } => &self.sources.graph(fused.table).exprs,
        };
        let mut inputs: HashMap<usize, ValueId> = HashMap::new();
        let mut input =
            |values: &mut Values, place: usize| *inputs.entry(place).or_insert_with(|| values.own(1)[0]);
        let of_exprs = self.values.of_exprs(exprs, &fused.columns, &mut input);
        fused.columns.iter().map(|id| of_exprs[id]).collect()
    }

    /// Returns the values of the fields of an operator, except a Calc.
    pub(super) fn values_of(
        &mut self,
        kind: &OperatorKind,
        inputs: &[(Producer, Distribution)],
        width: usize,
    ) -> Vec<ValueId> {
        let mut passed: Vec<ValueId> = match (kind, inputs) {
            (OperatorKind::GroupAggregate(of), [(input, _)]) => {
                of.keys.iter().map(|key| input.values[*key]).collect()
            }
            (OperatorKind::WindowAggregate(of), [(input, _)]) => {
                of.keys.iter().map(|key| input.values[*key]).collect()
            }
            (OperatorKind::Join(of), [(left, _), (right, _)]) => {
                self.values.of_join(of.kind, &of.keys, [left, right])
            }
            (OperatorKind::IntervalJoin(of), [(left, _), (right, _)]) => {
                self.values.of_join(of.kind, &of.keys, [left, right])
            }
            (OperatorKind::WindowJoin(of), [(left, _), (right, _)]) => {
                self.values.of_join(of.kind, &of.keys, [left, right])
            }
            (
                OperatorKind::WindowAssign(_)
                | OperatorKind::Rank(_)
                | OperatorKind::WindowRank(_)
                | OperatorKind::Deduplicate(_)
                | OperatorKind::Over(_)
                | OperatorKind::Limit(_)
                | OperatorKind::Sort(_)
                | OperatorKind::Normalize(_)
                | OperatorKind::Materialize(_)
                | OperatorKind::Unnest(_)
                | OperatorKind::FromChangelog(_)
                | OperatorKind::ToChangelog(_)
                | OperatorKind::LookupJoin(_)
                | OperatorKind::TemporalJoin(_),
                [(input, _), ..],
            ) => input.values.clone(),
            _ => vec![],
        };

        // The other fields are the operator's own.
        passed.truncate(width);
        let own = self.values.own(width - passed.len());
        passed.extend(own);
        passed
    }
}

/// Returns the operation of a node with the values of its operands.
fn computed(expr: &Expr, data_type: &DataType, known: &HashMap<ExprId, ValueId>) -> Computed {
    let mut operands = vec![];
    // Operands are numbered, so that the operation does not depend on where they are in the graph.
    let numbered = map_operands(expr, |operand| {
        operands.push(known[&operand]);
        Ok::<_, std::convert::Infallible>(ExprId(operands.len() as u32))
    });
    let Ok(numbered) = numbered;
    Computed { operation: format!("{}:{data_type}", numbered.identity()), operands }
}

/// Returns whether two values of a type that are equal in SQL are the same value. Zeros of floating-point numbers
/// are equal, but may have different signs.
fn equal_is_same(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::TinyInt
            | DataType::SmallInt
            | DataType::Int
            | DataType::BigInt
            | DataType::Decimal { .. }
            | DataType::Char(_)
            | DataType::Varchar(_)
            | DataType::Binary(_)
            | DataType::Varbinary(_)
            | DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampLtz(_)
    )
}
