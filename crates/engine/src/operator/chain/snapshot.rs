//! Hands the state of a chain to a snapshot, operator by operator, and large states cell by cell.

use std::sync::Arc;

use super::{Chain, RunningLink};
use crate::state::{KeyGroups, StateImage, StateWriter};

/// The state of an operator, or a piece of it.
#[derive(Debug, Clone)]
pub struct OperatorState {
    pub identity: String,
    /// The operator's type, for people: `GroupAggregate`.
    pub kind: String,
    /// Shared, because the last state of a finished subtask is part of every following snapshot.
    pub parts: Vec<(KeyGroups, Arc<StateImage>)>,
}

/// State of this many bytes or more is written cell by cell. Smaller state takes one pass, which is cheaper,
/// and the copy does not matter.
const LARGE: usize = 32 << 20;

impl Chain {
    /// Hands on the state of each operator in cells, in the order of the chain. `take` returns whether more
    /// is wanted.
    pub fn for_each_state(&self, take: &mut dyn FnMut(OperatorState) -> bool) {
        self.for_each_state_from(LARGE, take);
    }

    /// As [`Chain::for_each_state`], but writes states of at least `large` bytes cell by cell.
    pub(crate) fn for_each_state_from(&self, large: usize, take: &mut dyn FnMut(OperatorState) -> bool) {
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
                // The first pass names the operator even if it holds nothing.
                let says_something = pass == 0 || !state.parts.is_empty();
                if says_something && !take(state) {
                    return;
                }
            }
        }
    }

    /// Returns the state of each operator, in the order of the chain.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::chain::{Context, Link, Operator, OperatorError};
    use crate::operator::changes::Changes;
    use crate::state::{Keyed, StateError, StatePart};

    /// An operator that only keeps numbers.
    struct NumberStore(Keyed<i64>);

    impl Operator for NumberStore {
        fn process(&mut self, _: usize, _: &Changes<'_>, _: &mut Context<'_>) -> Result<(), OperatorError> {
            Ok(())
        }

        fn advance(&mut self, _: i64, _: &mut Context<'_>) -> Result<(), OperatorError> {
            Ok(())
        }

        fn output_watermark(&self, watermark: i64) -> i64 {
            watermark
        }

        fn next_tick(&self) -> Option<i64> {
            None
        }

        fn tick(&mut self, _: &mut Context<'_>) -> Result<(), OperatorError> {
            Ok(())
        }

        fn snapshot(&self, out: &mut StateWriter) {
            self.0.write(1, out);
        }

        fn restore(&mut self, _: &StatePart) -> Result<(), StateError> {
            Ok(())
        }

        fn memory_bytes(&self) -> usize {
            self.0.memory_bytes()
        }

        fn take_late(&mut self) -> u64 {
            0
        }
    }

    fn chain(entries: &[i64]) -> Chain {
        let link = |(at, &entries): (usize, &i64)| {
            let mut numbers = NumberStore(Keyed::new(None));
            (0..entries).for_each(|key| numbers.0.update(&key.to_le_bytes(), 0, |value| *value = Some(key)));
            Link {
                identity: format!("kept/{at}"),
                kind: "Numbers".to_owned(),
                operator: Box::new(numbers),
                producers: Vec::new(),
                targets: Vec::new(),
            }
        };
        Chain::new(entries.iter().enumerate().map(link).collect(), Vec::new())
    }

    /// Collects everything that is handed over, by operator.
    fn handed(chain: &Chain, large: usize) -> Vec<(String, Vec<(KeyGroups, StateImage)>)> {
        let mut handed: Vec<(String, Vec<(KeyGroups, StateImage)>)> = Vec::new();
        chain.for_each_state_from(large, &mut |state| {
            let parts = state.parts.into_iter().map(|(groups, image)| (groups, (*image).clone()));
            match handed.last_mut() {
                Some((identity, known)) if *identity == state.identity => known.extend(parts),
                _ => handed.push((state.identity, parts.collect())),
            }
            true
        });
        handed
    }

    #[test]
    fn a_cell_at_a_time_comes_what_comes_at_once_and_every_operator_is_named() {
        let chain = chain(&[1_000, 0, 300]);
        let at_once = handed(&chain, usize::MAX);
        let parts: Vec<usize> = at_once.iter().map(|(_, parts)| parts.len()).collect();
        assert_eq!(parts, [16, 0, 16]);
        assert_eq!(handed(&chain, 0), at_once);
    }

    #[test]
    fn nothing_more_is_written_when_nothing_more_is_wanted() {
        let mut pieces = 0;
        chain(&[1_000, 1_000]).for_each_state_from(0, &mut |_| {
            pieces += 1;
            pieces < 3
        });
        assert_eq!(pieces, 3);
    }
}
