//! What a subtask holds of its job's memory, and when to measure and to free it.
//!
//! Measuring walks over all state, so a subtask measures after so many bytes of input that little arrives in between.
//! Freeing walks over all state too, and is tried again only after a change that may make it worthwhile.

use super::TaskMetrics;
use super::outputs::Outputs;
use crate::memory::{Claim, Holder, MemoryPressure, Waits};
use crate::window::Aggregation;

/// Returns after how many bytes of input a subtask measures its memory, by the job's limit in bytes.
pub(super) fn measure_after(limit: usize) -> u64 {
    (limit / 64).clamp(64 << 10, 8 << 20) as u64
}

/// A subtask's part of the job's memory account.
pub(super) struct MemoryMeter {
    holder: Holder,
    /// The bytes of each unit, and of the rest, as last measured.
    parts: Vec<usize>,
    /// Bytes of input since memory was last measured, and the bytes after which it is measured again.
    unmeasured: u64,
    measure_after: u64,
    last_reclaim: LastReclaim,
}

/// The situation at the last attempt to free memory.
#[derive(Debug, Default)]
struct LastReclaim {
    bytes: usize,
    next_event: i64,
}

impl MemoryMeter {
    /// `limit` is the job's limit in bytes.
    pub(super) fn new(holder: Holder, limit: usize) -> MemoryMeter {
        MemoryMeter {
            holder,
            parts: Vec::new(),
            unmeasured: 0,
            measure_after: measure_after(limit),
            last_reclaim: LastReclaim::default(),
        }
    }

    /// Counts bytes of input.
    pub(super) fn took(&mut self, bytes: u64) {
        self.unmeasured += bytes;
    }

    /// Returns whether so much has come in that memory must be measured.
    pub(super) fn is_due(&self) -> bool {
        self.unmeasured >= self.measure_after
    }

    /// Reports the bytes of a subtask's state, of `rest` besides the state, and of its operators.
    pub(super) fn measure(
        &mut self,
        aggregation: &Aggregation,
        rest: usize,
        outputs: &mut Outputs,
        metrics: &TaskMetrics,
    ) {
        self.unmeasured = 0;
        aggregation.memory_parts(&mut self.parts);
        if let Some(of_rest) = self.parts.last_mut() {
            *of_rest += rest;
        }
        self.holder.tell(&self.parts);
        metrics.hold(self.holder.held() + outputs.measure());
    }

    pub(super) fn pressure(&self) -> MemoryPressure {
        self.holder.account().pressure()
    }

    /// Returns whether to free what can be spared, for state whose next window closes at `next_event`.
    pub(super) fn is_worth_reclaiming(&self, next_event: i64) -> bool {
        self.last_reclaim.is_worth_it(self.holder.held(), next_event, self.pressure())
    }

    /// Records that memory was freed and measured.
    pub(super) fn reclaimed(&mut self, next_event: i64) {
        self.last_reclaim = LastReclaim { bytes: self.holder.held(), next_event };
    }

    /// Tells the account what the subtask waits for.
    pub(super) fn wait(&self, waits: Waits) {
        self.holder.wait(waits);
    }

    /// Takes the bytes of a message until its receiver has taken it.
    pub(super) fn claim(&self, bytes: usize) -> Claim {
        self.holder.account().claim(bytes)
    }
}

impl LastReclaim {
    /// Returns whether memory has grown by an eighth or, with no memory left, whether windows have closed.
    fn is_worth_it(&self, bytes: usize, next_event: i64, pressure: MemoryPressure) -> bool {
        let has_grown = bytes > self.bytes + self.bytes / 8;
        match pressure {
            MemoryPressure::Low => false,
            MemoryPressure::High => has_grown,
            MemoryPressure::Full => has_grown || next_event != self.next_event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reclaiming_is_tried_again_only_when_it_may_help() {
        let last_reclaim = LastReclaim { bytes: 800, next_event: 5 };
        let is_worth_it = |bytes, next_event, pressure| last_reclaim.is_worth_it(bytes, next_event, pressure);
        assert!(!is_worth_it(900, 5, MemoryPressure::Full) && !is_worth_it(5_000, 6, MemoryPressure::Low));
        assert!(is_worth_it(901, 5, MemoryPressure::High), "more is held");
        assert!(is_worth_it(10, 6, MemoryPressure::Full), "a window has closed");
        assert!(!is_worth_it(10, 6, MemoryPressure::High), "that alone is not worth going through all state");
    }
}
