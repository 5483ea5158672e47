//! Lifting: expressions over rows become expressions over the results of their groups.
//!
//! Expressions of a SELECT with groups are first bound over the rows, where calls are inputs. Lifting
//! rebuilds them: a key becomes the key's field, a call becomes its result's field, and any other column of
//! the rows is the error "not grouped".

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use types::ColumnType;

use crate::expr::{Expr, ExprId};
use crate::graph::{Graph, InputOrigin, map_operands};

pub(super) struct Lift<'a> {
    rows: &'a Graph,
    output: &'a mut Graph,
    done: HashMap<ExprId, ExprId>,
    /// Field of the first aggregate's result.
    results: usize,
    /// Fields of the grouping set's number and of the window's bounds.
    set: Option<usize>,
    window: Option<usize>,
    /// Numbers of the subqueries used as values that lifted expressions read.
    values: HashSet<usize>,
}

impl<'a> Lift<'a> {
    /// `output` is a graph whose first inputs are the groups' fields: the keys, then the results.
    pub(super) fn new(
        rows: &'a Graph,
        output: &'a mut Graph,
        keys: &[ExprId],
        set: Option<usize>,
        window: Option<usize>,
    ) -> Lift<'a> {
        let mut done = HashMap::new();
        for (place, key) in keys.iter().enumerate() {
            let column_type = output.exprs.inputs[place].column_type.clone();
            done.entry(*key).or_insert_with(|| output.add(Expr::Column(place), column_type));
        }
        Lift { rows, output, done, results: keys.len(), set, window, values: HashSet::new() }
    }

    /// Rebuilds an expression over the groups.
    ///
    /// # Errors
    /// Returns the column of the rows that is neither a key nor aggregated.
    pub(super) fn lift(&mut self, id: ExprId) -> Result<ExprId, ExprId> {
        let rows = self.rows;
        for id in rows.exprs.operands_first(id, |id| self.done.contains_key(&id)) {
            let column_type = rows.exprs.column_type(id).clone();
            let lifted = match rows.exprs.expr(id) {
                Expr::Column(input) => self.input(id, *input, column_type)?,
                other => {
                    let Ok(expr) = map_operands(other, |operand| Ok::<_, Infallible>(self.done[&operand]));
                    self.output.add(expr, column_type)
                }
            };
            self.done.insert(id, lifted);
        }
        Ok(self.done[&id])
    }

    /// Returns whether an expression lifted so far reads a subquery used as a value.
    pub(super) fn reads_value(&self, number: usize) -> bool {
        self.values.contains(&number)
    }

    /// Returns the field of the groups for an input that is no key.
    fn input(&mut self, id: ExprId, input: usize, column_type: ColumnType) -> Result<ExprId, ExprId> {
        let origin = self.rows.origin(input);
        if let InputOrigin::Query(number) = origin {
            self.values.insert(number);
        }
        Ok(match origin {
            InputOrigin::Row => return Err(id),
            InputOrigin::Aggregate(call) => self.field(self.results + call),
            InputOrigin::Set => self.field(self.set.ok_or(id)?),
            InputOrigin::Window(which) => self.field(self.window.ok_or(id)? + which),
            InputOrigin::Over(_) | InputOrigin::Query(_) | InputOrigin::Outer(_) => {
                let name = self.rows.exprs.inputs[input].name.clone();
                self.output.add_input(name, column_type, origin)
            }
        })
    }

    fn field(&mut self, place: usize) -> ExprId {
        let column_type = self.output.exprs.inputs[place].column_type.clone();
        self.output.add(Expr::Column(place), column_type)
    }
}
