//! A naive interpreter of expressions: row by row and node by node, remembering only prepared code.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::tz::TimeZone;
use sql::expr::{Comparison, Expr, ExprGraph, ExprId};
use sql::functions::{self, Argument, Code, Env, EvalError, Nulls, Output};
use types::Value;

pub struct Naive<'a> {
    pub graph: &'a ExprGraph,
    pub time_zone: TimeZone,
    pub env: Env,
    codes: RefCell<HashMap<ExprId, Code>>,
}

impl<'a> Naive<'a> {
    pub fn new(graph: &'a ExprGraph, time_zone: TimeZone, env: Env) -> Naive<'a> {
        Naive { graph, time_zone, env, codes: RefCell::default() }
    }

    pub fn value(&self, id: ExprId, row: &[Value]) -> Result<Value, EvalError> {
        let truth = |id: &ExprId| {
            Ok::<_, EvalError>(match self.value(*id, row)? {
                Value::Bool(truth) => Some(truth),
                _ => None,
            })
        };
        let known = |truth: bool| Ok(Value::Bool(truth));

        match self.graph.expr(id) {
            Expr::Column(index) => Ok(row[*index].clone()),
            Expr::Literal(value) => Ok(value.clone()),
            Expr::And(a, b) => Ok(of(match truth(a)? {
                Some(false) => Some(false),
                a => match (a, truth(b)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            })),
            Expr::Or(a, b) => Ok(of(match truth(a)? {
                Some(true) => Some(true),
                a => match (a, truth(b)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            })),

            Expr::Not(a) => Ok(of(truth(a)?.map(|truth| !truth))),
            Expr::IsNull(a) => known(self.value(*a, row)?.is_null()),
            Expr::IsNotNull(a) => known(!self.value(*a, row)?.is_null()),
            Expr::IsTrue(a) => known(truth(a)? == Some(true)),
            Expr::IsNotTrue(a) => known(truth(a)? != Some(true)),
            Expr::IsFalse(a) => known(truth(a)? == Some(false)),
            Expr::IsNotFalse(a) => known(truth(a)? != Some(false)),

            Expr::Compare(comparison, a, b) => {
                let (a, b) = (self.value(*a, row)?, self.value(*b, row)?);
                Ok(of(a.as_scalar().compare(b.as_scalar()).map(|order| match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::NotEqual => order.is_ne(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                })))
            }

            Expr::In { input, values, has_null } => {
                let value = self.value(*input, row)?;
                let equal =
                    |other: &Value| value.as_scalar().compare(other.as_scalar()).is_some_and(|o| o.is_eq());
                Ok(of(match (value.is_null(), values.iter().any(equal)) {
                    (true, _) => None,
                    (false, true) => Some(true),
                    (false, false) => (!has_null).then_some(false),
                }))
            }

            Expr::Case { branches, otherwise } => {
                for (when, then) in branches.iter() {
                    if truth(when)? == Some(true) {
                        return self.value(*then, row);
                    }
                }
                self.value(*otherwise, row)
            }

            Expr::Cast { input, .. } => self.call(id, &[*input], Nulls::Propagate, row),
            Expr::Call { function, args } => self.call(id, args, function.nulls, row),
        }
    }

    fn call(&self, id: ExprId, args: &[ExprId], nulls: Nulls, row: &[Value]) -> Result<Value, EvalError> {
        let args = args.iter().map(|arg| self.value(*arg, row)).collect::<Result<Vec<_>, _>>()?;
        if nulls == Nulls::Propagate && args.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        let code = self.codes.borrow_mut().entry(id).or_insert_with(|| self.prepare(id)).clone();
        let args: Vec<_> = args.iter().map(Value::as_scalar).collect();
        let mut output = Output::default();
        code(&self.env, &args, &mut output)?;
        Ok(output.get().to_value())
    }

    fn prepare(&self, id: ExprId) -> Code {
        let result = self.graph.column_type(id);
        match self.graph.expr(id) {
            Expr::Cast { input, mode } => {
                let from = &self.graph.column_type(*input).data_type;
                functions::cast::prepare(from, &result.data_type, *mode, &self.time_zone).unwrap()
            }

            Expr::Call { function, args } => {
                let args: Vec<_> = args
                    .iter()
                    .map(|arg| Argument {
                        column_type: self.graph.column_type(*arg),
                        literal: match self.graph.expr(*arg) {
                            Expr::Literal(value) => Some(value),
                            _ => None,
                        },
                    })
                    .collect();
                let call = functions::ScalarCall { args: &args, result, time_zone: &self.time_zone };
                (function.prepare)(&call).unwrap()
            }
            other => panic!("{other:?} has no code"),
        }
    }
}

fn of(truth: Option<bool>) -> Value {
    truth.map_or(Value::Null, Value::Bool)
}
