//! The acknowledgement of a subtask that has contributed its part of a snapshot.

use std::time::Duration;

use crate::snapshot::Sizes;

/// A subtask's acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// As in [`super::Task`].
    pub vertex: String,
    pub pipeline: usize,
    pub subtask: usize,
    pub has_source: bool,
    pub has_state: bool,
    /// The state of the operators that run in the subtask.
    pub operators: PartBytes,
    /// When the subtask began its part, by the clock's `elapsed`.
    pub began: Duration,
    /// The time between the first barrier and the last.
    pub aligning: Duration,
    /// The time to build the part, and to make earlier writes durable.
    pub taking: Duration,
}

/// Bytes of operator state in a part of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartBytes {
    pub state: u64,
    /// Bytes that were written for this snapshot; the others were reused from the previous one.
    pub written: u64,
}

impl PartBytes {
    pub(super) fn add(&mut self, state: u64, written: u64) {
        self.state += state;
        self.written += written;
    }
}

/// Returns the bytes of each part of a snapshot, in the order of `parts`, which is arbitrary.
pub fn bytes_of_parts(parts: &[Acknowledgement], sizes: &Sizes) -> Vec<PartBytes> {
    let before = |part: &Acknowledgement, has: fn(&Acknowledgement) -> bool| {
        let others = parts.iter().filter(|other| other.pipeline == part.pipeline && has(other));
        others.filter(|other| other.subtask < part.subtask).count()
    };
    let size = |of: &[Vec<u64>], part: &Acknowledgement, has: fn(&Acknowledgement) -> bool| {
        if !has(part) {
            return 0;
        }
        of.get(part.pipeline).and_then(|of| of.get(before(part, has))).copied().unwrap_or(0)
    };
    let bytes = |part: &Acknowledgement| {
        let own = size(&sizes.sources, part, |part| part.has_source)
            + size(&sizes.states, part, |part| part.has_state);
        PartBytes { state: own + part.operators.state, written: own + part.operators.written }
    };
    parts.iter().map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(subtask: usize, has_source: bool, has_state: bool) -> Acknowledgement {
        Acknowledgement {
            vertex: String::new(),
            pipeline: 0,
            subtask,
            has_source,
            has_state,
            operators: PartBytes { state: 100, written: 50 },
            began: Duration::ZERO,
            aligning: Duration::ZERO,
            taking: Duration::ZERO,
        }
    }

    #[test]
    fn every_part_has_its_own_bytes_whatever_the_order_they_came_in() {
        let sizes = Sizes { sources: vec![vec![1, 2]], states: vec![vec![10, 20]] };
        let apart = [part(1, false, true), part(1, true, false), part(0, true, false), part(0, false, true)];
        let bytes = |parts: &[Acknowledgement]| -> Vec<(u64, u64)> {
            bytes_of_parts(parts, &sizes).iter().map(|part| (part.state, part.written)).collect()
        };
        assert_eq!(bytes(&apart), [(120, 70), (102, 52), (101, 51), (110, 60)]);
        let together = [part(1, true, true), part(0, true, true)];
        assert_eq!(bytes(&together), [(122, 72), (111, 61)]);
    }
}
