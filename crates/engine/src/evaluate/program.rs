//! Programs: the required expressions, renumbered and with their functions prepared.
//!
//! A step refers to earlier steps only, as in the source graph. How each step is computed (once, once per
//! distinct text, row by row or by a kernel) depends on the form of the inputs and is decided at the first
//! batch; see [`super::strategy`].
//!
//! A chain such as `a + b + c + …` may have thousands of steps, each the first argument of the next. Steps are
//! computed by recursion, so that a long chain would use up the stack. Therefore some of its steps, the
//! milestones, are computed first:
//!
//! ```text
//! step of the chain   0 ───── 64 ───── 128 ───── 192 ── 200
//! milestones                   1        2         3           then the step asked for: 8 levels of recursion
//! ```

use jiff::tz::TimeZone;
use sql::expr::{CastMode, Comparison, Expr, ExprGraph, ExprId};
use sql::functions::{self, Argument, Code, Determinism, Nulls};
use types::{ColumnType, Repr, Value};

use super::kernels::Kernel;
use super::kernels::contains::Set;

/// A step of a [`Program`].
pub(crate) type StepId = u32;

/// Marks an expression that no root needs.
const ABSENT: StepId = StepId::MAX;

/// Number of steps of a chain from one milestone to the next.
const MILESTONE: u32 = 64;

pub(crate) struct Program {
    pub(crate) steps: Vec<ProgramStep>,
    /// Per step: its place in its chain.
    chains: Vec<ChainPlace>,
    /// Per expression: its step or [`ABSENT`].
    places: Vec<StepId>,
}

/// A place in a chain: the number of steps from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct ChainPlace(u32);

/// A step of the program: an operation and the representation of its values.
pub(crate) struct ProgramStep {
    pub(crate) op: Op,
    /// The untyped null is represented as a boolean that is always null.
    pub(crate) repr: Repr,
}

pub(crate) enum Op {
    Input(usize),
    Literal(Value),
    And(StepId, StepId),
    Or(StepId, StepId),
    Not(StepId),
    Test(Test, StepId),
    Compare(Comparison, StepId, StepId),
    In {
        input: StepId,
        set: Set,
    },
    Case {
        branches: Box<[(StepId, StepId)]>,
        otherwise: StepId,
    },
    /// A conversion that changes no value.
    Same(StepId),
    Call(Call),
}

/// A function of the registry, or a conversion.
pub(crate) struct Call {
    pub(crate) args: Box<[StepId]>,
    pub(crate) code: Code,
    pub(crate) nulls: Nulls,
    pub(crate) determinism: Determinism,
    pub(crate) kernel: Option<Kernel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    Null,
    NotNull,
    True,
    NotTrue,
    False,
    NotFalse,
}

impl Program {
    /// Compiles a program. Fails with the message of a function that cannot be prepared, which the binder
    /// should have found.
    pub(crate) fn new(graph: &ExprGraph, roots: &[ExprId], time_zone: &TimeZone) -> Result<Program, String> {
        let mut needed = vec![false; graph.len()];
        for root in roots {
            needed[root.0 as usize] = true;
        }
        for index in (0..graph.len()).rev() {
            if needed[index] {
                for operand in graph.operands(ExprId(index as u32)) {
                    needed[operand.0 as usize] = true;
                }
            }
        }

        let mut program =
            Program { steps: Vec::new(), chains: Vec::new(), places: vec![ABSENT; graph.len()] };
        for (id, node) in graph.iter().filter(|(id, _)| needed[id.0 as usize]) {
            let op = program.lower(graph, id, time_zone)?;
            program.places[id.0 as usize] = program.steps.len() as StepId;
            let place = op.chained().map_or(0, |first| program.chains[first as usize].0 + 1);
            program.chains.push(ChainPlace(place));
            let repr = node.column_type.data_type.repr().unwrap_or(Repr::Bool);
            program.steps.push(ProgramStep { op, repr });
        }
        Ok(program)
    }

    /// Returns the step of an expression that is a root or part of one.
    pub(crate) fn step_of(&self, id: ExprId) -> StepId {
        let step = self.places.get(id.0 as usize).copied().unwrap_or(ABSENT);
        assert!(step != ABSENT, "expression {} was not among the roots", id.0);
        step
    }

    pub(crate) fn step(&self, id: StepId) -> &ProgramStep {
        &self.steps[id as usize]
    }

    /// Returns the milestones below a step, in their order, each with the place that is computed before it. The
    /// chain is computed up to `done`.
    pub(crate) fn milestones(&self, step: StepId, done: ChainPlace) -> Vec<(StepId, ChainPlace)> {
        let mut milestones = vec![];
        if self.chains[step as usize].0 <= done.0 + MILESTONE {
            return milestones;
        }
        let mut next = self.step(step).op.chained();
        while let Some(step) = next.filter(|&step| self.chains[step as usize] > done) {
            let ChainPlace(place) = self.chains[step as usize];
            if place.is_multiple_of(MILESTONE) {
                milestones.push((step, ChainPlace(place - MILESTONE)));
            }
            next = self.step(step).op.chained();
        }
        milestones.reverse();
        milestones
    }

    /// Returns the place up to which a chain is computed when milestones are.
    pub(crate) fn done_by(&self, milestones: &[(StepId, ChainPlace)], before: ChainPlace) -> ChainPlace {
        milestones.last().map_or(before, |(step, _)| self.chains[*step as usize])
    }

    /// Returns the inputs that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| match step.op {
            Op::Input(index) => Some(index),
            _ => None,
        })
    }

    /// Returns the step of an expression, if it has one.
    pub(crate) fn find(&self, id: ExprId) -> Option<StepId> {
        self.places.get(id.0 as usize).copied().filter(|&step| step != ABSENT)
    }

    fn lower(&self, graph: &ExprGraph, id: ExprId, time_zone: &TimeZone) -> Result<Op, String> {
        let at = |id: &ExprId| self.step_of(*id);

        Ok(match graph.expr(id) {
            Expr::Column(index) => Op::Input(*index),
            Expr::Literal(value) => Op::Literal(value.clone()),
            Expr::And(a, b) => Op::And(at(a), at(b)),
            Expr::Or(a, b) => Op::Or(at(a), at(b)),
            Expr::Not(a) => Op::Not(at(a)),
            Expr::IsNull(a) => Op::Test(Test::Null, at(a)),
            Expr::IsNotNull(a) => Op::Test(Test::NotNull, at(a)),
            Expr::IsTrue(a) => Op::Test(Test::True, at(a)),
            Expr::IsNotTrue(a) => Op::Test(Test::NotTrue, at(a)),
            Expr::IsFalse(a) => Op::Test(Test::False, at(a)),
            Expr::IsNotFalse(a) => Op::Test(Test::NotFalse, at(a)),
            Expr::Compare(comparison, a, b) => Op::Compare(*comparison, at(a), at(b)),
            Expr::In { input, values, has_null } => {
                Op::In { input: at(input), set: Set::new(values, *has_null) }
            }
            Expr::Case { branches, otherwise } => Op::Case {
                branches: branches.iter().map(|(when, then)| (at(when), at(then))).collect(),
                otherwise: at(otherwise),
            },
            Expr::Cast { input, mode } => self.lower_cast(
                at(input),
                graph.column_type(*input),
                graph.column_type(id),
                *mode,
                time_zone,
            )?,
            Expr::Call { function, args } => {
                let arguments: Vec<Argument<'_>> = args.iter().map(|arg| argument(graph, *arg)).collect();
                let result = graph.column_type(id);
                let call = functions::ScalarCall { args: &arguments, result, time_zone };
                Op::Call(Call {
                    args: args.iter().map(at).collect(),
                    code: (function.prepare)(&call)?,
                    nulls: function.nulls,
                    determinism: function.determinism,
                    kernel: Kernel::of_function(function.name, &arguments, result, time_zone),
                })
            }
        })
    }

    fn lower_cast(
        &self,
        input: StepId,
        from: &ColumnType,
        to: &ColumnType,
        mode: CastMode,
        time_zone: &TimeZone,
    ) -> Result<Op, String> {
        if Kernel::cast_is_free(&from.data_type, &to.data_type) {
            return Ok(Op::Same(input));
        }
        Ok(Op::Call(Call {
            args: Box::new([input]),
            code: functions::cast::prepare(&from.data_type, &to.data_type, mode, time_zone)?,
            nulls: Nulls::Propagate,
            determinism: Determinism::Always,
            kernel: Kernel::of_cast(&from.data_type, &to.data_type),
        }))
    }
}

fn argument(graph: &ExprGraph, id: ExprId) -> Argument<'_> {
    let literal = match graph.expr(id) {
        Expr::Literal(value) => Some(value),
        _ => None,
    };
    Argument { column_type: graph.column_type(id), literal }
}

impl Op {
    /// Returns the step in which a chain of calls continues: the first argument.
    fn chained(&self) -> Option<StepId> {
        match self {
            Op::Call(call) => call.args.first().copied(),
            Op::Same(of) => Some(*of),
            _ => None,
        }
    }

    /// Calls `f` with the steps that this step reads.
    pub(crate) fn operands(&self, mut f: impl FnMut(StepId)) {
        match self {
            Op::Input(_) | Op::Literal(_) => {}
            Op::And(a, b) | Op::Or(a, b) | Op::Compare(_, a, b) => [*a, *b].into_iter().for_each(f),
            Op::Not(a) | Op::Test(_, a) | Op::Same(a) | Op::In { input: a, .. } => f(*a),
            Op::Case { branches, otherwise } => {
                for (when, then) in branches {
                    f(*when);
                    f(*then);
                }
                f(*otherwise);
            }
            Op::Call(call) => call.args.iter().copied().for_each(f),
        }
    }
}
