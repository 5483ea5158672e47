//! Open and complete matches, ordered by their first rows.
//!
//! Which of several matches with the same first row is emitted depends on their order, since the first one
//! drops the others. Flink keeps them in a binary heap that compares first rows only, so its answer depends
//! on the heap's order of equal matches. This heap works the same way, to give the same answers: a new match
//! moves up only past greater ones, the last match replaces a removed first one and moves down only past
//! smaller ones, and after removals from the middle all are sifted again from the back.

use crate::row::{self, Reader};
use crate::state::StateValue;

/// The first row of the match that has none yet: it is behind all others.
pub(super) const NOT_BEGUN: u64 = u64::MAX;

/// A match, complete or open: how far it has run through the pattern. Its rows are consecutive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MatchRun {
    /// The number of its first row.
    pub first: u64,
    /// The step that comes next.
    pub step: usize,
    /// Per step: the number of rows taken.
    pub counts: Box<[u32]>,
}

impl MatchRun {
    /// Returns the match that may begin with any row.
    pub fn not_begun(steps: usize) -> MatchRun {
        MatchRun { first: NOT_BEGUN, step: 0, counts: vec![0; steps].into() }
    }

    pub fn has_begun(&self) -> bool {
        self.first != NOT_BEGUN
    }

    /// Returns the number of its rows.
    pub fn rows(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// Returns how many of its rows come before those of a step.
    pub fn rows_before(&self, step: usize) -> u64 {
        self.counts[..step].iter().map(|&count| u64::from(count)).sum()
    }
}

/// A heap of matches; see the module documentation.
#[derive(Debug, Default)]
pub(super) struct MatchHeap {
    heap: Vec<MatchRun>,
}

impl MatchHeap {
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn first(&self) -> Option<&MatchRun> {
        self.heap.first()
    }

    pub fn push(&mut self, run: MatchRun) {
        self.heap.push(run);
        let mut place = self.heap.len() - 1;
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].first <= self.heap[place].first {
                break;
            }
            self.heap.swap(parent, place);
            place = parent;
        }
    }

    /// Removes and returns the first match.
    pub fn pop(&mut self) -> Option<MatchRun> {
        if self.heap.is_empty() {
            return None;
        }
        let run = self.heap.swap_remove(0);
        self.sift_down(0);
        Some(run)
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let mut child = 2 * place + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && self.heap[child + 1].first < self.heap[child].first {
                child += 1;
            }
            if self.heap[place].first <= self.heap[child].first {
                return;
            }
            self.heap.swap(place, child);
            place = child;
        }
    }

    /// Keeps the matches for which `keep` returns true.
    pub fn retain(&mut self, keep: impl Fn(&MatchRun) -> bool) {
        let before = self.heap.len();
        self.heap.retain(keep);
        if self.heap.len() < before {
            (0..self.heap.len() / 2).rev().for_each(|place| self.sift_down(place));
        }
    }

    /// Removes and returns all matches, in the order of the heap.
    pub fn take(&mut self) -> impl Iterator<Item = MatchRun> + use<> {
        std::mem::take(&mut self.heap).into_iter()
    }

    /// Returns the bytes held outside the queue; `steps` is the number of steps of the pattern.
    pub fn heap_bytes(&self, steps: usize) -> usize {
        self.heap.capacity() * size_of::<MatchRun>() + self.heap.len() * steps * size_of::<u32>()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.heap.len(), out);
        for run in &self.heap {
            (run.first as i64).write(out);
            row::write_length(run.step, out);
            row::write_length(run.counts.len(), out);
            run.counts.iter().for_each(|&count| row::write_length(count as usize, out));
        }
    }

    pub fn read(reader: &mut Reader<'_>) -> Option<MatchHeap> {
        let mut heap = Vec::new();
        for _ in 0..reader.length()? {
            let first = i64::read(reader)? as u64;
            let step = reader.length()?;
            let steps = reader.length()?;
            let count = |reader: &mut Reader<'_>| u32::try_from(reader.length()?).ok();
            let counts = (0..steps).map(|_| count(reader)).collect::<Option<_>>()?;
            heap.push(MatchRun { first, step, counts });
        }
        Some(MatchHeap { heap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a run that differs from others by its count.
    fn run(first: u64, count: u32) -> MatchRun {
        MatchRun { first, step: 0, counts: [count].into() }
    }

    fn queue(runs: &[(u64, u32)]) -> MatchHeap {
        let mut queue = MatchHeap::default();
        runs.iter().for_each(|&(first, count)| queue.push(run(first, count)));
        queue
    }

    fn drained(mut queue: MatchHeap) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| queue.pop()).map(|run| (run.first, run.counts[0])).collect()
    }

    #[test]
    fn the_earliest_first_row_comes_first() {
        let given = drained(queue(&[(5, 0), (3, 1), (NOT_BEGUN, 2), (4, 3), (1, 4)]));
        assert_eq!(given, [(1, 4), (3, 1), (4, 3), (5, 0), (NOT_BEGUN, 2)]);
    }

    #[test]
    fn of_equal_first_rows_the_one_comes_that_the_heap_has_on_top() {
        // The last one replaces the first: 0, then 3, 2, 1.
        assert_eq!(drained(queue(&[(7, 0), (7, 1), (7, 2), (7, 3)])), [(7, 0), (7, 3), (7, 2), (7, 1)]);
    }

    #[test]
    fn what_stays_after_a_removal_is_in_order() {
        // Without the first one, 5 is before 2 until all are sifted.
        let mut queue = queue(&[(1, 0), (5, 1), (2, 2), (6, 3), (7, 4), (3, 5)]);
        queue.retain(|run| run.first != 1);
        let firsts: Vec<u64> = drained(queue).into_iter().map(|(first, _)| first).collect();
        assert_eq!(firsts, [2, 3, 5, 6, 7]);
    }

    #[test]
    fn what_is_written_is_read_in_the_same_order() {
        let queue = queue(&[(7, 0), (7, 1), (2, 2), (NOT_BEGUN, 3), (7, 70_000)]);
        let mut bytes = Vec::new();
        queue.write(&mut bytes);
        let read = MatchHeap::read(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(read.heap, queue.heap);
        assert!(MatchHeap::read(&mut Reader::new(&bytes[..bytes.len() - 1])).is_none());
    }
}
