//! Evaluation: bound expressions over the columns of a batch.
//!
//! An [`Evaluator`] holds the expressions of one scope as numbered steps, with one result slot per step. A
//! requested expression is computed for the requested rows and kept for the batch, so that subexpressions
//! that many queries share are computed once. How a step is computed depends on what it reads:
//!
//! * only literals, the time and inputs that are the same in every row: once;
//! * one dictionary column: once per distinct text, then looked up by code;
//! * otherwise by row: by a typed loop if there is one, else through the registry's code.
//!
//! An input of codes may become one of plain texts from one batch to the next. The steps that depend on it
//! are computed by row from then on; all other steps keep their memory.
//!
//! `CASE`, `AND` and `OR` pass selections down: a value is computed only for rows that reach it, at least
//! wherever computing it could fail or would cost more than it saves.

mod branches;
mod kernels;
mod memo;
mod program;
mod run;
mod scalar;
mod select;
mod single;
mod slots;
mod strategy;
mod vector;

use jiff::tz::TimeZone;
use sql::expr::{ExprGraph, ExprId};
use sql::functions::{Env, EvalError, Output};
use types::Repr;

use self::kernels::logic;
use self::memo::Memo;
use self::program::{Op, Program, StepId};
use self::run::{EvaluatorState, ProgramRun};
use self::scalar::Machine;
pub use self::scalar::Row;
use self::select::Operand;
pub use self::single::RowEvaluator;
use self::slots::{Operands, Slot};
use self::strategy::{InputForm, Strategy};
pub use self::vector::{Inputs, Vector};
use crate::column::{Column, tri};
use crate::dictionary::{Dictionary, Remap};
use crate::selection::Selection;

/// Computes expressions over batches; see the module documentation.
///
/// [`begin`](Evaluator::begin) starts a batch; after that, [`compute`](Evaluator::compute) and
/// [`filter`](Evaluator::filter) may be called any number of times over the same inputs, and
/// [`column`](Evaluator::column) returns the computed values. The inputs of a batch must not change until the
/// next batch begins.
pub struct Evaluator {
    program: Program,
    roots: Vec<StepId>,
    /// Empty until the forms of the inputs are known.
    strategies: Vec<Strategy>,
    /// The inputs that are read, with the form for which the strategies were chosen.
    forms: Vec<(usize, InputForm)>,
    /// The batch whose inputs were found to have these forms.
    checked: u64,
    state: EvaluatorState,
}

/// The rows that passed a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// All given rows; no selection was written.
    All,
    /// The rows in the selection, ascending; possibly none.
    Some,
}

impl Evaluator {
    /// Compiles expressions. `roots` are all expressions that may be requested. Fails with the message of a
    /// function that does not accept its literal arguments.
    pub fn new(graph: &ExprGraph, roots: &[ExprId], time_zone: &TimeZone) -> Result<Evaluator, String> {
        let program = Program::new(graph, roots, time_zone)?;
        let memories = program.steps.iter().map(|step| match &step.op {
            Op::Call(call) => call.kernel.as_ref().and_then(|kernel| kernel.memory()),
            _ => None,
        });

        let state = EvaluatorState {
            slots: Vec::new(),
            memos: Vec::new(),
            memories: memories.collect(),
            machine: Machine::default(),
            output: Output::default(),
            spare: Vec::new(),
            epoch: 0,
            rows: 0,
            env: Env { now_ms: 0 },
        };

        let roots = roots.iter().map(|&root| program.step_of(root)).collect();
        Ok(Evaluator { program, roots, strategies: Vec::new(), forms: Vec::new(), checked: 0, state })
    }

    /// Starts a batch: the values of the previous batch are dropped.
    pub fn begin(&mut self, rows: usize, env: &Env) {
        self.state.epoch += 1;
        self.state.rows = rows;
        self.state.env = *env;
    }

    /// Calls [`begin`](Evaluator::begin), then computes all roots.
    pub fn evaluate(
        &mut self,
        inputs: Inputs<'_>,
        rows: usize,
        selection: Option<&[u32]>,
        env: &Env,
    ) -> Result<(), EvalError> {
        self.begin(rows, env);
        self.prepare(inputs);
        let asked = self.rows(selection);
        for index in 0..self.roots.len() {
            let root = self.roots[index];
            self.run(inputs, asked).demand(root, asked).map_err(|failure| *failure)?;
        }
        Ok(())
    }

    /// Computes expressions for the selected rows (ascending), or all.
    pub fn compute(
        &mut self,
        inputs: Inputs<'_>,
        exprs: &[ExprId],
        selection: Option<&[u32]>,
    ) -> Result<(), EvalError> {
        self.prepare(inputs);
        let asked = self.rows(selection);
        for &expr in exprs {
            let step = self.program.step_of(expr);
            self.run(inputs, asked).demand(step, asked).map_err(|failure| *failure)?;
        }
        Ok(())
    }

    /// Finds the rows, of the selected ones or all, for which every condition is true. A condition is
    /// computed only for rows that passed the conditions before it.
    pub fn filter(
        &mut self,
        inputs: Inputs<'_>,
        conditions: &[ExprId],
        selection: Option<&[u32]>,
        passed: &mut Vec<u32>,
    ) -> Result<Passed, EvalError> {
        self.prepare(inputs);
        passed.clear();
        let mut outcome = Passed::All;
        let mut next = self.state.spare.pop().unwrap_or_default();

        for &condition in conditions {
            let asked = match outcome {
                Passed::All => self.rows(selection),
                Passed::Some => Selection::Selected(passed),
            };
            if asked.is_empty() {
                break;
            }

            let step = self.program.step_of(condition);
            self.run(inputs, asked).demand(step, asked).map_err(|failure| *failure)?;

            let truths = logic::truths(self.operands(inputs).vector(step));
            let all = match truths {
                Operand::Same(truth) => truth == tri::TRUE,
                Operand::Each(truths) => asked.count(truths, |truth| truth == tri::TRUE) == asked.len(),
            };

            if !all {
                asked.pick(&mut next, |row| truths.at(row) == tri::TRUE);
                std::mem::swap(passed, &mut next);
                outcome = Passed::Some;
            }
        }

        self.state.spare.push(next);
        Ok(outcome)
    }

    /// Returns the values of an expression that was computed in this batch. Only the computed rows are valid.
    pub fn column<'a>(&'a self, inputs: Inputs<'a>, expr: ExprId) -> Vector<'a> {
        self.operands(inputs).vector(self.program.step_of(expr))
    }

    /// Drops the values remembered by codes of an input whose dictionary was compacted or replaced.
    pub fn forget(&mut self, input: usize) {
        for (memo, strategy) in self.state.memos.iter_mut().zip(&self.strategies) {
            if let (Some(memo), Strategy::PerCode { input: of }) = (memo, strategy)
                && *of == input
            {
                memo.clear();
            }
        }
    }

    /// Returns the dictionary of a result, if the result has codes of a dictionary of the evaluator.
    pub fn dictionary(&self, expr: ExprId) -> Option<&Dictionary> {
        let step = self.program.find(expr)?;
        match &self.state.slots.get(step as usize)?.column {
            Column::Coded(coded) => Some(&coded.dictionary),
            _ => None,
        }
    }

    /// Compacts such a dictionary: see [`Dictionary::retain`]. Codes of the current batch are void then.
    pub fn retain(&mut self, expr: ExprId, live: &[bool]) -> Option<Remap> {
        let step = self.program.find(expr)? as usize;
        match &mut self.state.slots.get_mut(step)?.column {
            Column::Coded(coded) => {
                if let Some(memo) = &mut self.state.memos[step] {
                    memo.clear();
                }
                Some(coded.dictionary.retain(live))
            }
            _ => None,
        }
    }

    /// Returns the approximate bytes held for distinct texts.
    pub fn memory_bytes(&self) -> usize {
        let memos = self.state.memos.iter().flatten().map(|memo| memo.memory_bytes());
        let dictionaries = self.state.slots.iter().map(|slot| match &slot.column {
            Column::Coded(coded) => coded.dictionary.memory_bytes(),
            _ => 0,
        });
        memos.sum::<usize>() + dictionaries.sum::<usize>()
    }

    /// Chooses how to compute each step, when the inputs are seen for the first time or have another form.
    #[inline]
    fn prepare(&mut self, inputs: Inputs<'_>) {
        if self.checked == self.state.epoch {
            return;
        }
        self.checked = self.state.epoch;

        let is_new = self.strategies.is_empty();
        if is_new || self.forms.iter().any(|&(input, form)| !form.allows(inputs.get(input))) {
            self.choose_strategies(inputs);
        }
    }

    #[cold]
    fn choose_strategies(&mut self, inputs: Inputs<'_>) {
        let chosen = strategy::choose(&self.program, inputs);
        let EvaluatorState { slots, memos, .. } = &mut self.state;
        slots.resize_with(chosen.len(), Slot::unused);
        memos.resize_with(chosen.len(), || None);

        for (index, (step, strategy)) in self.program.steps.iter().zip(&chosen).enumerate() {
            // A step that is computed as before keeps its codes, which others may have recorded.
            if self.strategies.get(index) == Some(strategy) {
                continue;
            }
            let per_code = matches!(strategy, Strategy::PerCode { .. });
            slots[index] = Slot::new(step.repr, per_code && step.repr == Repr::Text);
            memos[index] = per_code.then(|| Box::new(Memo::new(step.repr)));
        }

        self.strategies = chosen;
        self.forms = self.program.inputs().map(|input| (input, InputForm::of(inputs.get(input)))).collect();
    }

    fn rows<'a>(&self, selection: Option<&'a [u32]>) -> Selection<'a> {
        match selection {
            None => Selection::All(self.state.rows),
            Some(rows) => Selection::Selected(rows),
        }
    }

    fn run<'a>(&'a mut self, inputs: Inputs<'a>, asked: Selection<'a>) -> ProgramRun<'a> {
        ProgramRun {
            program: &self.program,
            strategies: &self.strategies,
            state: &mut self.state,
            inputs,
            asked,
        }
    }

    fn operands<'a>(&'a self, inputs: Inputs<'a>) -> Operands<'a> {
        Operands { strategies: &self.strategies, slots: &self.state.slots, inputs }
    }
}
