//! Chooses how each step is computed, once the forms of the inputs are known.

use sql::functions::Determinism;
use types::Repr;

use super::program::{Op, Program, ProgramStep, StepId, Test};
use super::vector::{Inputs, Vector};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The step is an input.
    Input(usize),
    /// The step has the value of another step.
    Same(StepId),
    /// The step is the same in every row.
    Once(Lasting),
    /// The step depends on one dictionary column only: computed once per code of that input.
    PerCode { input: usize },
    /// The step is computed by row, with this cost.
    PerRow(Effort),
}

/// The form of an input, as far as strategies depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputForm {
    /// The same in every row.
    Const,
    Coded,
    Plain,
}

impl InputForm {
    pub(crate) fn of(vector: Vector<'_>) -> InputForm {
        match vector {
            Vector::Const(_) => InputForm::Const,
            Vector::Coded { .. } => InputForm::Coded,
            _ => InputForm::Plain,
        }
    }

    /// Returns whether strategies for this form are valid for a vector. Computing by row is valid for any
    /// vector.
    pub(crate) fn allows(self, vector: Vector<'_>) -> bool {
        self == InputForm::Plain || self == InputForm::of(vector)
    }
}

/// How long a value that is the same in every row remains valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    Forever,
    /// It depends on the time or on an input that is the same in every row of the batch.
    Batch,
}

/// The consequence of computing a value in a row that does not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// It costs less than finding the rows that need it.
    Negligible,
    /// It costs time.
    Harmless,
    /// It may fail.
    Fallible,
}

/// The dependences of a step.
#[derive(Debug, Clone, Copy)]
struct Dependence {
    columns: Columns,
    determinism: Determinism,
    /// The step depends on an input that is the same in every row.
    on_constant_input: bool,
    effort: Effort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    None,
    Coded(usize),
    Several,
}

/// Chooses a strategy for each step.
pub(crate) fn choose(program: &Program, inputs: Inputs<'_>) -> Vec<Strategy> {
    let mut dependences: Vec<Dependence> = Vec::with_capacity(program.steps.len());
    let mut strategies: Vec<Strategy> = Vec::with_capacity(program.steps.len());
    for step in &program.steps {
        let dependence = depend(step, &dependences, inputs);
        let strategy = strategy(step, dependence, &strategies);
        // Looking up costs nothing; the table tells whether it can fail.
        let effort = match strategy {
            Strategy::PerCode { .. } if dependence.effort == Effort::Harmless => Effort::Negligible,
            _ => dependence.effort,
        };
        dependences.push(Dependence { effort, ..dependence });
        strategies.push(strategy);
    }
    strategies
}

fn strategy(step: &ProgramStep, dependence: Dependence, earlier: &[Strategy]) -> Strategy {
    let always = dependence.determinism == Determinism::Always && !dependence.on_constant_input;
    match (&step.op, dependence.columns) {
        (Op::Input(index), Columns::Coded(_) | Columns::Several) => Strategy::Input(*index),
        (Op::Same(of), _) => Strategy::Same(*of),
        (_, Columns::None) if dependence.determinism != Determinism::Never => {
            Strategy::Once(if always { Lasting::Forever } else { Lasting::Batch })
        }
        // Whether a code is null needs no table.
        (Op::Test(Test::Null | Test::NotNull, of), _) if is_input(earlier, *of) => {
            Strategy::PerRow(Effort::Negligible)
        }
        (_, Columns::Coded(input)) if always && step.repr != Repr::Bytes => Strategy::PerCode { input },
        _ => Strategy::PerRow(dependence.effort),
    }
}

fn is_input(earlier: &[Strategy], of: StepId) -> bool {
    match earlier[of as usize] {
        Strategy::Input(_) => true,
        Strategy::Same(of) => is_input(earlier, of),
        _ => false,
    }
}

fn depend(step: &ProgramStep, earlier: &[Dependence], inputs: Inputs<'_>) -> Dependence {
    let mut all = Dependence {
        columns: Columns::None,
        determinism: Determinism::Always,
        on_constant_input: false,
        effort: Effort::Negligible,
    };

    step.op.operands(|operand| all = both(all, earlier[operand as usize]));
    match &step.op {
        Op::Input(index) => match inputs.get(*index) {
            Vector::Const(_) => all.on_constant_input = true,
            Vector::Coded { .. } => all.columns = Columns::Coded(*index),
            _ => all.columns = Columns::Several,
        },
        Op::Call(call) => {
            all.determinism = weaker(all.determinism, call.determinism);
            all.effort =
                all.effort.max(call.kernel.as_ref().map_or(Effort::Fallible, |kernel| kernel.effort()));
        }
        _ => {}
    }

    all
}

fn both(a: Dependence, b: Dependence) -> Dependence {
    Dependence {
        columns: match (a.columns, b.columns) {
            (Columns::None, other) | (other, Columns::None) => other,
            (Columns::Coded(a), Columns::Coded(b)) if a == b => Columns::Coded(a),
            _ => Columns::Several,
        },
        determinism: weaker(a.determinism, b.determinism),
        on_constant_input: a.on_constant_input || b.on_constant_input,
        effort: a.effort.max(b.effort),
    }
}

fn weaker(a: Determinism, b: Determinism) -> Determinism {
    match (a, b) {
        (Determinism::Never, _) | (_, Determinism::Never) => Determinism::Never,
        (Determinism::Clock, _) | (_, Determinism::Clock) => Determinism::Clock,
        (Determinism::Always, Determinism::Always) => Determinism::Always,
    }
}

impl Effort {
    fn max(self, other: Effort) -> Effort {
        match (self, other) {
            (Effort::Fallible, _) | (_, Effort::Fallible) => Effort::Fallible,
            (Effort::Harmless, _) | (_, Effort::Harmless) => Effort::Harmless,
            (Effort::Negligible, Effort::Negligible) => Effort::Negligible,
        }
    }
}
