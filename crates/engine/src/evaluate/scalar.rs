//! Evaluates a program one row at a time, which defines its meaning.
//!
//! Used if a value is needed once (constants, once per distinct text); the vectorised kernels must agree with
//! it.

use sql::functions::{Env, EvalError, Nulls, Output};
use types::Scalar;

use super::program::{Call, ChainPlace, Op, Program, StepId, Test};

/// More arguments than this are put on the heap.
pub(crate) const FEW_ARGS: usize = 8;

/// The inputs of one row.
pub trait Row {
    fn get(&self, input: usize) -> Scalar<'_>;
}

/// Reusable registers for one row.
#[derive(Default)]
pub(crate) struct Machine {
    outputs: Vec<Output>,
    /// The row for which a register was computed.
    stamps: Vec<u64>,
    stamp: u64,
}

impl Machine {
    /// Returns the value of a step in a row.
    pub(crate) fn evaluate<'a>(
        &'a mut self,
        program: &'a Program,
        step: StepId,
        row: &'a dyn Row,
        env: &Env,
    ) -> Result<Scalar<'a>, EvalError> {
        if self.outputs.len() < program.steps.len() {
            self.outputs.resize_with(program.steps.len(), Output::default);
            self.stamps.resize(program.steps.len(), 0);
        }
        self.stamp += 1;
        self.compute(program, step, row, env)?;
        Ok(value(program, &self.outputs, step, row))
    }

    fn compute(
        &mut self,
        program: &Program,
        step: StepId,
        row: &dyn Row,
        env: &Env,
    ) -> Result<(), EvalError> {
        self.compute_chain(program, (step, ChainPlace::default()), row, env)
    }

    /// Computes a step whose chain is computed up to `done`.
    fn compute_chain(
        &mut self,
        program: &Program,
        (step, done): (StepId, ChainPlace),
        row: &dyn Row,
        env: &Env,
    ) -> Result<(), EvalError> {
        let at = step as usize;
        if self.stamps[at] == self.stamp {
            return Ok(());
        }
        let milestones = program.milestones(step, done);
        for &milestone in &milestones {
            self.compute_chain(program, milestone, row, env)?;
        }
        let done = program.done_by(&milestones, done);
        self.stamps[at] = self.stamp;

        match &program.step(step).op {
            Op::Input(_) | Op::Literal(_) => {}
            Op::Same(of) => self.compute_chain(program, (*of, done), row, env)?,

            Op::And(a, b) => {
                let result = match self.truth(program, *a, row, env)? {
                    Some(false) => Some(false),
                    a => and(a, self.truth(program, *b, row, env)?),
                };
                self.set_truth(at, result);
            }

            Op::Or(a, b) => {
                let result = match self.truth(program, *a, row, env)? {
                    Some(true) => Some(true),
                    a => and(a.map(|v| !v), self.truth(program, *b, row, env)?.map(|v| !v)).map(|v| !v),
                };
                self.set_truth(at, result);
            }

            Op::Not(a) => {
                let result = self.truth(program, *a, row, env)?.map(|v| !v);
                self.set_truth(at, result);
            }

            Op::Test(test, a) => {
                self.compute(program, *a, row, env)?;
                let result = test.of(value(program, &self.outputs, *a, row));
                self.outputs[at].bool(result);
            }

            Op::Compare(comparison, a, b) => {
                self.compute(program, *a, row, env)?;
                self.compute(program, *b, row, env)?;
                let (a, b) = (value(program, &self.outputs, *a, row), value(program, &self.outputs, *b, row));
                let result = a.compare(b).map(|order| comparison.holds(order));
                self.set_truth(at, result);
            }

            Op::In { input, set } => {
                self.compute(program, *input, row, env)?;
                let result = set.holds(value(program, &self.outputs, *input, row));
                self.set_truth(at, result);
            }

            Op::Case { branches, otherwise } => {
                let mut chosen = *otherwise;
                for (when, then) in branches {
                    if self.truth(program, *when, row, env)? == Some(true) {
                        chosen = *then;
                        break;
                    }
                }
                self.compute(program, chosen, row, env)?;
                let (before, rest) = self.outputs.split_at_mut(at);
                rest[0].scalar(value(program, before, chosen, row));
            }

            Op::Call(call) => {
                if let Some((&first, others)) = call.args.split_first() {
                    self.compute_chain(program, (first, done), row, env)?;
                    for &arg in others {
                        self.compute(program, arg, row, env)?;
                    }
                }
                let (before, rest) = self.outputs.split_at_mut(at);
                call.run(env, |k| value(program, before, call.args[k], row), &mut rest[0])?;
            }
        }

        Ok(())
    }

    fn truth(
        &mut self,
        program: &Program,
        step: StepId,
        row: &dyn Row,
        env: &Env,
    ) -> Result<Option<bool>, EvalError> {
        self.compute(program, step, row, env)?;
        Ok(match value(program, &self.outputs, step, row) {
            Scalar::Bool(value) => Some(value),
            _ => None,
        })
    }

    fn set_truth(&mut self, at: usize, truth: Option<bool>) {
        match truth {
            Some(truth) => self.outputs[at].bool(truth),
            None => self.outputs[at].null(),
        }
    }
}

fn value<'a>(program: &'a Program, outputs: &'a [Output], step: StepId, row: &'a dyn Row) -> Scalar<'a> {
    match &program.step(step).op {
        Op::Input(index) => row.get(*index),
        Op::Literal(value) => value.as_scalar(),
        Op::Same(of) => value(program, outputs, *of, row),
        _ => outputs[step as usize].get(),
    }
}

impl Call {
    /// Calls the code with the arguments of one row; `arg` returns them by place.
    #[inline]
    pub(crate) fn run<'v>(
        &self,
        env: &Env,
        arg: impl Fn(usize) -> Scalar<'v>,
        output: &mut Output,
    ) -> Result<(), EvalError> {
        output.clear();
        let count = self.args.len();
        if count > FEW_ARGS {
            let args: Vec<Scalar<'_>> = (0..count).map(arg).collect();
            return self.call(env, &args, output);
        }
        let mut args = [Scalar::Null; FEW_ARGS];
        for (k, place) in args[..count].iter_mut().enumerate() {
            *place = arg(k);
        }
        self.call(env, &args[..count], output)
    }

    #[inline]
    fn call(&self, env: &Env, args: &[Scalar<'_>], output: &mut Output) -> Result<(), EvalError> {
        if self.nulls == Nulls::Propagate && args.iter().any(|arg| arg.is_null()) {
            return Ok(());
        }
        (self.code)(env, args, output)
    }
}

impl Test {
    pub(crate) fn of(self, value: Scalar<'_>) -> bool {
        match self {
            Test::Null => value.is_null(),
            Test::NotNull => !value.is_null(),
            Test::True => value == Scalar::Bool(true),
            Test::NotTrue => value != Scalar::Bool(true),
            Test::False => value == Scalar::Bool(false),
            Test::NotFalse => value != Scalar::Bool(false),
        }
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
