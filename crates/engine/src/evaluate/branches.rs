//! `AND`, `OR` and `CASE`: select the rows for which each operand is computed.

use super::kernels::{case, logic};
use super::program::StepId;
use super::run::{Failure, ProgramRun};
use super::select::{Operand, zip};
use super::strategy::{Effort, Strategy};
use crate::column::tri;
use crate::selection::Selection;

/// The rows of a `CASE` during its branches.
#[derive(Default)]
struct BranchRows {
    /// Rows that no branch has taken so far.
    left: Vec<u32>,
    taken: Vec<u32>,
    rest: Vec<u32>,
}

impl ProgramRun<'_> {
    /// Computes `AND` and `OR`: the second side is computed only for the rows that the first does not decide.
    /// The first side is the left one, unless the right one costs almost nothing and neither can fail.
    pub(super) fn connect(
        &mut self,
        step: StepId,
        (left, right): (StepId, StepId),
        rows: Selection<'_>,
        decisive: u8,
        combine: fn(u8, u8) -> u8,
    ) -> Result<(), Failure> {
        let is_dear = self.strategies[left as usize] == Strategy::PerRow(Effort::Harmless);
        let (a, b) = if is_dear && self.is_cheap(right) { (right, left) } else { (left, right) };
        self.demand(a, rows)?;
        let left = logic::truths(self.operands().vector(a));

        let undecided = match left {
            Operand::Same(truth) => rows.len() * (truth != decisive) as usize,
            Operand::Each(left) => rows.count(left, |truth| truth != decisive),
        };

        if undecided == 0 {
            self.write(step, |_, slot| rows.each(|row| slot.bools()[row] = decisive));
            return Ok(());
        }

        let nearly_all = undecided * 8 > rows.len() * 7;
        let is_dear = self.strategies[b as usize] == Strategy::PerRow(Effort::Harmless);
        if undecided == rows.len() || is_dear && nearly_all || self.is_cheap(b) {
            self.demand(b, rows)?;
            self.write(step, |operands, slot| {
                let (a, b) = (logic::truths(operands.vector(a)), logic::truths(operands.vector(b)));
                zip(rows, a, b, slot.bools(), combine);
            });
            return Ok(());
        }

        let mut open = self.spare();
        let left = logic::truths(self.operands().vector(a));
        rows.pick(&mut open, |row| left.at(row) != decisive);
        let open_rows = Selection::Selected(&open);
        let result = self.demand(b, open_rows);

        if result.is_ok() {
            self.write(step, |operands, slot| {
                let (a, b) = (logic::truths(operands.vector(a)), logic::truths(operands.vector(b)));
                let out = slot.bools();
                rows.each(|row| out[row] = decisive);
                zip(open_rows, a, b, out, combine);
            });
        }

        self.give_back(open);
        result
    }

    /// Returns whether a step costs less than finding the rows that need it, and cannot fail.
    fn is_cheap(&mut self, step: StepId) -> bool {
        match self.strategies[step as usize] {
            Strategy::Input(_) | Strategy::PerRow(Effort::Negligible) => true,
            Strategy::PerCode { input } => self.tabulate(step, input),
            _ => false,
        }
    }

    /// Computes `CASE`: conditions for the rows that no earlier branch took, values for the rows that reach
    /// them.
    pub(super) fn case(
        &mut self,
        step: StepId,
        branches: &[(StepId, StepId)],
        otherwise: StepId,
        rows: Selection<'_>,
    ) -> Result<(), Failure> {
        let mut split = BranchRows::default();
        let result = self.take_branches(step, branches, otherwise, rows, &mut split);
        for selection in [split.left, split.taken, split.rest] {
            self.give_back(selection);
        }
        result
    }

    fn take_branches(
        &mut self,
        step: StepId,
        branches: &[(StepId, StepId)],
        otherwise: StepId,
        rows: Selection<'_>,
        split: &mut BranchRows,
    ) -> Result<(), Failure> {
        let mut whole = true;
        for &(when, then) in branches {
            let reach = if whole { rows } else { Selection::Selected(&split.left) };
            self.demand(when, reach)?;

            let truths = logic::truths(self.operands().vector(when));
            let count = match truths {
                Operand::Same(tri::TRUE) => reach.len(),
                Operand::Same(_) => 0,
                Operand::Each(truths) => reach.count(truths, |truth| truth == tri::TRUE),
            };

            if count == 0 {
                continue;
            }
            if count == reach.len() {
                return self.branch(step, then, reach, whole);
            }

            for selection in [&mut split.taken, &mut split.rest] {
                if selection.capacity() == 0 {
                    *selection = self.state.spare.pop().unwrap_or_default();
                }
            }

            let truths = logic::truths(self.operands().vector(when));
            let reach = if whole { rows } else { Selection::Selected(&split.left) };
            reach.pick(&mut split.taken, |row| truths.at(row) == tri::TRUE);
            reach.pick(&mut split.rest, |row| truths.at(row) != tri::TRUE);

            self.branch(step, then, Selection::Selected(&split.taken), false)?;
            std::mem::swap(&mut split.left, &mut split.rest);
            whole = false;
        }

        let reach = if whole { rows } else { Selection::Selected(&split.left) };
        self.branch(step, otherwise, reach, whole)
    }

    /// Writes the values of a branch for the rows that reach it. `whole`: these are all rows of the `CASE`.
    fn branch(
        &mut self,
        step: StepId,
        then: StepId,
        rows: Selection<'_>,
        whole: bool,
    ) -> Result<(), Failure> {
        self.demand(then, rows)?;
        self.write(step, |operands, slot| {
            if whole && slot.is_fresh() && case::can_alias(operands.vector(then)) {
                slot.set_alias(then);
            } else {
                slot.unalias(operands);
                case::merge(operands, then, rows, slot);
            }
        });
        Ok(())
    }
}
