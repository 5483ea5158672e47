//! How the state of a chain is handed to a snapshot: operator by operator, and of a large state cell by cell.

use std::sync::Arc;

use super::{Chain, RunningLink};
use crate::state::{KeyGroups, StateImage, StateWriter};

/// State of an operator, or a piece of it.
#[derive(Debug, Clone)]
pub struct OperatorState {
    pub identity: String,
    /// What it is, for people: `GroupAggregate`.
    pub kind: String,
    /// Shared, since the last state of a subtask that has ended is part of every snapshot that follows.
    pub parts: Vec<(KeyGroups, Arc<StateImage>)>,
}

/// Bytes of state from which on it is written a cell at a time. Below, one pass is cheaper, and a copy does not matter.
const LARGE: usize = 32 << 20;

impl Chain {
    /// Hands on the state of each operator, in the order of the chain, in cells. `take` tells whether more is wanted.
    pub fn hand_over(&self, take: &mut dyn FnMut(OperatorState) -> bool) {
        self.hand_over_from(LARGE, take);
    }

    /// [`Chain::hand_over`], where states of so many bytes and more are written a cell at a time.
    pub(crate) fn hand_over_from(&self, large: usize, take: &mut dyn FnMut(OperatorState) -> bool) {
        if self.is_empty() {
            return;
        }
        let mut writer = StateWriter::default();
        for link in &self.links {
            writer.forget_maps();
            let is_large = link.operator.memory_bytes() >= large;
            let passes: Vec<KeyGroups> =
                if is_large { KeyGroups::cells().collect() } else { vec![KeyGroups::ALL] };

            for (pass, &groups) in passes.iter().enumerate() {
                let state = link.state_of(groups, &mut writer);
                // The first pass names the operator, even where it holds nothing.
                let says_something = pass == 0 || !state.parts.is_empty();
                if says_something && !take(state) {
                    return;
                }
            }
        }
    }

    /// The state of each operator, in the order of the chain.
    #[cfg(test)]
    pub fn snapshot(&self) -> Vec<StateImage> {
        let mut writer = StateWriter::default();
        let image = |link: &RunningLink| {
            link.operator.snapshot(&mut writer);
            writer.take()
        };
        self.links.iter().map(image).collect()
    }
}

impl RunningLink {
    fn state_of(&self, groups: KeyGroups, writer: &mut StateWriter) -> OperatorState {
        writer.begin(groups);
        self.operator.snapshot(writer);
        let cells = writer.take().into_cells().into_iter();
        OperatorState {
            identity: self.identity.clone(),
            kind: self.kind.clone(),
            parts: cells.map(|(groups, image)| (groups, Arc::new(image))).collect(),
        }
    }
}
