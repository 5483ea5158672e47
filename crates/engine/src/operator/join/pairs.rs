//! Conditions over pairs of rows, evaluated in batches.
//!
//! A join with a condition beside its keys gathers the pairs with equal keys, and evaluates the condition
//! once for many of them: an evaluator works by columns, and a call per pair would cost more than the pair.

use jiff::tz::TimeZone;
use sql::expr::ExprId;
use sql::functions::{Env, EvalError};
use sql::plan::operator::{Input, Predicate};
use types::{Repr, Scalar};

use crate::evaluate::{Evaluator, Inputs, Passed};
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::operator::fields;
use crate::watermark::NO_WATERMARK;

/// Pairs of rows that wait for their condition.
pub(crate) struct Pairs {
    buffer: ChangeBuffer,
    evaluator: Evaluator,
    conditions: Vec<ExprId>,
    passed: Vec<u32>,
    flags: Vec<bool>,
}

impl Pairs {
    /// Compiles a condition over the fields of two inputs.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(condition: &Predicate, inputs: &[Input], time_zone: &TimeZone) -> Result<Pairs, String> {
        let reprs: Vec<Repr> = inputs.iter().flat_map(|input| fields::reprs(&input.fields)).collect();
        Pairs::of_reprs(condition, &reprs, time_zone)
    }

    /// Compiles a condition over pairs whose fields have these representations.
    ///
    /// # Errors
    /// As [`Pairs::new`].
    pub fn of_reprs(condition: &Predicate, reprs: &[Repr], time_zone: &TimeZone) -> Result<Pairs, String> {
        Ok(Pairs {
            buffer: ChangeBuffer::new(reprs),
            evaluator: Evaluator::new(&condition.exprs, &condition.conditions, time_zone)?,
            conditions: condition.conditions.clone(),
            passed: Vec::new(),
            flags: Vec::new(),
        })
    }

    /// Adds a pair: the left fields, then the right ones.
    #[inline]
    pub fn push<'v>(&mut self, values: impl IntoIterator<Item = Scalar<'v>>) {
        self.buffer.push(RowKind::Insert, NO_WATERMARK, values);
    }

    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Returns whether the pairs should be evaluated before more are added.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.buffer.is_full()
    }

    /// Returns whether each pair passes, in the order in which they were added, and removes the pairs. Values
    /// of the two `compared` fields must be equal, or either must be null.
    ///
    /// # Errors
    /// The condition cannot be computed for a pair.
    pub fn evaluate(&mut self, env: &Env, compared: Option<(usize, usize)>) -> Result<&[bool], EvalError> {
        let Pairs { buffer, evaluator, conditions, passed, flags } = self;
        let pairs = buffer.len();
        flags.clear();
        if pairs == 0 {
            return Ok(flags);
        }

        buffer.lend(|rows| {
            let inputs = Inputs::Vectors(rows.columns);
            evaluator.begin(pairs, env);
            match evaluator.filter(inputs, conditions, None, passed)? {
                Passed::All => flags.resize(pairs, true),
                Passed::Some => {
                    flags.resize(pairs, false);
                    passed.iter().for_each(|&pair| flags[pair as usize] = true);
                }
            }

            if let Some((left, right)) = compared {
                for (pair, flag) in flags.iter_mut().enumerate() {
                    let order = rows.get(left, pair).compare(rows.get(right, pair));
                    // `None` if either value is null: the comparison is unknown.
                    *flag &= order.is_none_or(|order| order.is_eq());
                }
            }
            Ok(())
        })?;
        buffer.clear();
        Ok(flags)
    }

    pub fn memory_bytes(&self) -> usize {
        self.buffer.memory_bytes() + self.evaluator.memory_bytes() + self.flags.capacity()
    }
}
