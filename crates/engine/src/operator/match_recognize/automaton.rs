//! The pattern as an automaton: the place of an open match, and the places it can reach.
//!
//! A match is before a step, of which it has taken a number of rows. It advances by a row that fits the step,
//! and may leave the step without a row once enough rows were taken:
//!
//! ```text
//! A B{2,3} C    (A,0) ─a─► (B,0) ─b─► (B,1) ─b─► (B,2) ─b─► (C,0) ─c─► end
//!                                                   └────────► (C,0)
//! ```
//!
//! Only steps and counts are stored, so that `A{1000000}` is no larger than `A{2}`.

use sql::plan::operator::PatternStep;

/// The steps of a pattern.
#[derive(Debug)]
pub(super) struct Automaton {
    steps: Vec<AutomatonStep>,
}

/// A variable of the pattern with its quantifier.
#[derive(Debug)]
struct AutomatonStep {
    /// The least number of rows if it takes any; at least 1.
    min: u32,
    max: Option<u32>,
    is_optional: bool,
    is_greedy: bool,
}

/// A position in the pattern: before a row of a step, of which `taken` rows were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PatternPosition {
    pub step: usize,
    pub taken: u32,
}

impl Automaton {
    pub fn new(pattern: &[PatternStep]) -> Automaton {
        let step = |step: &PatternStep| AutomatonStep {
            min: step.min.max(1),
            max: step.max,
            is_optional: step.min == 0,
            is_greedy: step.is_greedy,
        };
        Automaton { steps: pattern.iter().map(step).collect() }
    }

    /// Returns the number of steps; the step with this index is the end.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns whether a match at this step is complete.
    pub fn is_end(&self, step: usize) -> bool {
        step >= self.steps.len()
    }

    /// Returns the place after another row of the step.
    pub fn after_row(&self, place: PatternPosition) -> PatternPosition {
        let taken = place.taken.saturating_add(1);
        match self.steps[place.step].max {
            Some(max) if taken >= max => PatternPosition { step: place.step + 1, taken: 0 },
            _ => PatternPosition { step: place.step, taken },
        }
    }

    /// Returns the place if the step gets no further row; `None` if it needs one.
    pub fn without_row(&self, place: PatternPosition) -> Option<PatternPosition> {
        let step = &self.steps[place.step];
        let is_enough = if place.taken == 0 { step.is_optional } else { place.taken >= step.min };
        is_enough.then_some(PatternPosition { step: place.step + 1, taken: 0 })
    }

    /// Returns the step that keeps its rows from the step of this place: the preceding greedy step, as long
    /// as the present step has taken no row.
    pub fn kept_for(&self, place: PatternPosition) -> Option<usize> {
        let before = place.step.checked_sub(1)?;
        (place.taken == 0 && self.steps[before].is_greedy).then_some(before)
    }
}
