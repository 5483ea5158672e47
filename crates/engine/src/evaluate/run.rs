//! Runs a program over a batch: a requested step is computed for the rows that need it, and its values are
//! kept.
//!
//! Evaluation is driven by demand, from a requested step to its operands. A slot knows which rows it holds,
//! so each row of a step is computed at most once per batch, however many expressions share the step.

use sql::functions::{Env, EvalError, Output};

use super::kernels::{self, KernelCall, TimeMemory, compare, contains, logic};
use super::memo::Memo;
use super::program::{Call, ChainPlace, Op, Program, StepId};
use super::scalar::{Machine, Row};
use super::slots::{Covered, Operands, Slot};
use super::strategy::{Effort, Lasting, Strategy};
use super::vector::{Inputs, Vector};
use crate::column::tri;
use crate::selection::Selection;

/// An error, boxed to be small, since it passes through every step.
pub(crate) type Failure = Box<EvalError>;

/// Everything that is kept from batch to batch.
pub(crate) struct EvaluatorState {
    pub(crate) slots: Vec<Slot>,
    /// Results by code, for the steps that are computed by code.
    pub(crate) memos: Vec<Option<Box<Memo>>>,
    pub(crate) memories: Vec<Option<TimeMemory>>,
    pub(crate) machine: Machine,
    pub(crate) output: Output,
    /// Spare selection vectors.
    pub(crate) spare: Vec<Vec<u32>>,
    pub(crate) epoch: u64,
    /// Rows of the batch.
    pub(crate) rows: usize,
    pub(crate) env: Env,
}

/// One call: a program, its state, and the requested rows.
pub(crate) struct ProgramRun<'p> {
    pub(crate) program: &'p Program,
    pub(crate) strategies: &'p [Strategy],
    pub(crate) state: &'p mut EvaluatorState,
    pub(crate) inputs: Inputs<'p>,
    pub(crate) asked: Selection<'p>,
}

/// A row for steps that depend on no column: inputs have one value in all rows.
struct AnyRow<'a>(Inputs<'a>);

impl Row for AnyRow<'_> {
    fn get(&self, input: usize) -> types::Scalar<'_> {
        self.0.get(input).get(0)
    }
}

impl<'p> ProgramRun<'p> {
    /// Ensures that a step's slot holds `rows`.
    pub(crate) fn demand(&mut self, step: StepId, rows: Selection<'_>) -> Result<(), Failure> {
        self.demand_chain((step, ChainPlace::default()), rows)
    }

    /// Ensures that the slot of a step holds `rows`. The step's chain is computed up to `done`.
    fn demand_chain(
        &mut self,
        (step, done): (StepId, ChainPlace),
        rows: Selection<'_>,
    ) -> Result<(), Failure> {
        let effort = match self.strategies[step as usize] {
            Strategy::Input(_) => return Ok(()),
            Strategy::Same(of) => return self.demand_chain((of, done), rows),
            Strategy::Once(lasting) => return self.constant(step, lasting, rows),
            Strategy::PerCode { input } => return self.per_code(step, input, rows),
            Strategy::PerRow(effort) => effort,
        };

        if rows.is_empty() {
            return Ok(());
        }
        let state = &mut *self.state;
        let slot = &mut state.slots[step as usize];
        slot.enter(state.epoch, state.rows);

        match slot.covered() {
            Covered::All => Ok(()),
            // If nearly all rows are needed, computing all is faster.
            Covered::Nothing if effort == Effort::Negligible && rows.len() * 2 > self.asked.len() => {
                self.compute((step, done), self.asked)
            }
            Covered::Nothing => self.compute((step, done), rows),
            Covered::Some => self.complete((step, done), rows),
        }
    }

    /// Computes the rows of `rows` that a slot does not hold yet.
    fn complete(&mut self, (step, done): (StepId, ChainPlace), rows: Selection<'_>) -> Result<(), Failure> {
        let mut missing = self.spare();
        self.state.slots[step as usize].missing(rows, &mut missing);
        let result = if missing.is_empty() {
            Ok(())
        } else {
            self.compute((step, done), Selection::Selected(&missing))
        };
        self.give_back(missing);
        result
    }

    pub(super) fn give_back(&mut self, selection: Vec<u32>) {
        if selection.capacity() > 0 {
            self.state.spare.push(selection);
        }
    }

    pub(super) fn spare(&mut self) -> Vec<u32> {
        self.state.spare.pop().unwrap_or_default()
    }

    #[inline]
    pub(super) fn operands(&self) -> Operands<'_> {
        Operands { strategies: self.strategies, slots: &self.state.slots, inputs: self.inputs }
    }

    fn constant(&mut self, step: StepId, lasting: Lasting, rows: Selection<'_>) -> Result<(), Failure> {
        let state = &mut *self.state;
        if rows.is_empty() || state.slots[step as usize].has_constant(state.epoch) {
            return Ok(());
        }
        let row = AnyRow(self.inputs);
        let value = state.machine.evaluate(self.program, step, &row, &state.env)?.to_value();
        let epoch = match lasting {
            Lasting::Forever => u64::MAX,
            Lasting::Batch => state.epoch,
        };
        state.slots[step as usize].set_constant(epoch, value);
        Ok(())
    }

    fn per_code(&mut self, step: StepId, input: usize, rows: Selection<'_>) -> Result<(), Failure> {
        self.tabulate(step, input);
        let state = &mut *self.state;
        let slot = &mut state.slots[step as usize];
        slot.enter(state.epoch, state.rows);

        // Looking up again costs less than finding the missing rows.
        if slot.covered() == Covered::All {
            return Ok(());
        }

        let (Some(memo), Vector::Coded { codes, .. }) = (&state.memos[step as usize], self.inputs.get(input))
        else {
            unreachable!("an input keeps its form");
        };
        memo.gather(codes, rows, slot)?;

        if rows.is_all() {
            slot.cover(rows, state.rows);
        }
        Ok(())
    }

    /// Computes a step for the new texts in its input's dictionary. Returns false if some code has no value.
    pub(super) fn tabulate(&mut self, step: StepId, input: usize) -> bool {
        let state = &mut *self.state;
        let (Some(memo), Vector::Coded { dictionary, .. }) =
            (&mut state.memos[step as usize], self.inputs.get(input))
        else {
            unreachable!("an input keeps its form");
        };
        if !memo.is_complete(dictionary) {
            let slot = &mut state.slots[step as usize];
            memo.extend(dictionary, &mut state.machine, self.program, step, &state.env, slot);
        }
        !memo.has_errors()
    }

    /// Computes `rows` of a step and marks them as held.
    fn compute(&mut self, (step, done): (StepId, ChainPlace), rows: Selection<'_>) -> Result<(), Failure> {
        let program = self.program;
        match &program.step(step).op {
            Op::And(a, b) => self.connect(step, (*a, *b), rows, tri::FALSE, logic::and)?,
            Op::Or(a, b) => self.connect(step, (*a, *b), rows, tri::TRUE, logic::or)?,
            Op::Case { branches, otherwise } => self.case(step, branches, *otherwise, rows)?,

            Op::Not(a) => {
                self.demand(*a, rows)?;
                self.write(step, |operands, slot| {
                    logic::not(rows, logic::truths(operands.vector(*a)), slot.bools())
                });
            }

            Op::Test(test, a) => {
                self.demand(*a, rows)?;
                self.write(step, |operands, slot| {
                    logic::test(rows, *test, operands.vector(*a), slot.bools())
                });
            }

            Op::Compare(comparison, a, b) => {
                self.demand(*a, rows)?;
                self.demand(*b, rows)?;
                self.write(step, |operands, slot| {
                    compare::compare(
                        rows,
                        *comparison,
                        operands.vector(*a),
                        operands.vector(*b),
                        slot.bools(),
                    );
                });
            }

            Op::In { input, set } => {
                self.demand(*input, rows)?;
                self.write(step, |operands, slot| {
                    contains::contains(rows, set, operands.vector(*input), slot.bools());
                });
            }

            Op::Call(call) => self.call((step, done), call, rows)?,
            Op::Input(_) | Op::Literal(_) | Op::Same(_) => {
                unreachable!("inputs, literals and what equals another step have other strategies");
            }
        }

        let rows_of_batch = self.state.rows;
        self.state.slots[step as usize].cover(rows, rows_of_batch);
        Ok(())
    }

    /// Calls a kernel with its operands and its output slot.
    #[inline]
    pub(super) fn write(&mut self, step: StepId, f: impl FnOnce(Operands<'_>, &mut Slot)) {
        let (before, rest) = self.state.slots.split_at_mut(step as usize);
        let operands = Operands { strategies: self.strategies, slots: before, inputs: self.inputs };
        f(operands, &mut rest[0]);
    }

    fn call(
        &mut self,
        (step, done): (StepId, ChainPlace),
        call: &Call,
        rows: Selection<'_>,
    ) -> Result<(), Failure> {
        let milestones = self.program.milestones(step, done);
        for &milestone in &milestones {
            self.demand_chain(milestone, rows)?;
        }
        let done = self.program.done_by(&milestones, done);
        if let Some((&first, others)) = call.args.split_first() {
            self.demand_chain((first, done), rows)?;
            for &arg in others {
                self.demand(arg, rows)?;
            }
        }

        let state = &mut *self.state;
        let (before, rest) = state.slots.split_at_mut(step as usize);
        let operands = Operands { strategies: self.strategies, slots: before, inputs: self.inputs };
        let work = KernelCall { operands, args: &call.args, rows };
        let memory = &mut state.memories[step as usize];
        let done = call.kernel.as_ref().is_some_and(|kernel| kernel.run(work, memory, &mut rest[0]));
        if done {
            return Ok(());
        }
        Ok(kernels::by_row(call, work, &state.env, &mut state.output, &mut rest[0])?)
    }
}
