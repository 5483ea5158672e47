//! The behavior of a source subtask while there is no memory for more state.
//!
//! It first frees what can be spared: values that no open window needs, and dictionaries that only make
//! lookups fast. If that is not enough it still polls its log, and sets the batch aside. If the log has
//! nothing more, the watermark advances with the clock, so that windows close; if it has more, the watermark
//! stays. Barriers pass all the while.

use std::time::Duration;

use types::{Offset, PartitionId};

use super::global::GlobalSubtask;
use super::source::{Downstream, SourceProgress, SourceSubtask};
use super::{ExecutionError, TaskMetrics};
use crate::connector::Polled;
use crate::memory::{MemoryPressure, Waits};
use crate::window::{Limits, Receiving};

/// The first wait for memory; each wait is twice as long as the one before, up to the longest wait for input.
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// The approximate bytes of a row beside those of its record.
const ROW_BYTES: u64 = 64;

/// A batch that was read and is not processed yet.
#[derive(Debug)]
pub(super) struct DeferredBatch {
    /// The source's positions before the batch.
    pub positions: Vec<(PartitionId, Offset)>,
    behind: bool,
    waited: Duration,
}

/// The situation at the last attempt to free memory: another attempt is worthwhile only after a change.
#[derive(Debug, Default)]
pub(super) struct LastReclaim {
    bytes: usize,
    next_event: i64,
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

/// Returns after how many bytes of input a subtask measures its memory: often enough that little arrives in
/// between.
pub(super) fn measure_after(limit: usize) -> u64 {
    (limit / 64).clamp(64 << 10, 8 << 20) as u64
}

impl Limits {
    /// Lowers the limits for a job with little memory: dictionaries that only make lookups fast must not fill
    /// it.
    pub(super) fn within(self, limit: usize, parallelism: usize) -> Limits {
        let most = (limit / 64 / parallelism.max(1)).max(64 << 10);
        Limits { front_bytes: self.front_bytes.min(most), local_bytes: self.local_bytes.min(most), ..self }
    }
}

impl SourceSubtask {
    /// Returns the next batch, if there is one and memory for it.
    pub(super) fn poll(
        &mut self,
        progress: &mut SourceProgress,
        wait: Duration,
    ) -> Result<Polled, ExecutionError> {
        let full = !self.has_memory(progress);
        if let Some(mut deferred) = progress.deferred.take() {
            if !full {
                return Ok(Polled::Batch { behind: deferred.behind });
            }
            deferred.waited = (deferred.waited * 2).max(FIRST_WAIT).min(wait);
            let before = self.clock.elapsed();
            std::thread::park_timeout(deferred.waited);
            let waited = self.clock.elapsed().saturating_sub(before);
            TaskMetrics::add_time(&self.metrics.backpressured_ns, waited);
            progress.blocked += waited;
            progress.deferred = Some(deferred);
            return Ok(Polled::Unreachable);
        }

        let positions = full.then(|| self.source.positions());
        let polled = self.source.poll(&mut self.batch, self.batch_rows, wait)?;

        match (polled, positions) {
            (Polled::Batch { behind }, Some(positions)) => {
                progress.deferred = Some(DeferredBatch { positions, behind, waited: Duration::ZERO });
                // While the batch is set aside, the content of the log counts as unknown.
                Ok(Polled::Unreachable)
            }
            (polled, _) => Ok(polled),
        }
    }

    /// Records that a batch was processed.
    pub(super) fn took(&self, progress: &mut SourceProgress, bytes: u64) {
        progress.unmeasured += bytes + self.batch.rows as u64 * ROW_BYTES;
    }

    /// Reports the memory of this subtask.
    pub(super) fn measure(&mut self) {
        let fronts = self.batch.memory_bytes() + self.prepare.memory_bytes();
        let (aggregation, shipping) = match &self.downstream {
            Downstream::Direct { aggregation, .. } => (aggregation, 0),
            Downstream::Exchange { aggregation, shipping, .. } => (aggregation, shipping.memory_bytes()),
        };
        aggregation.memory_parts(&mut self.parts);
        if let Some(rest) = self.parts.last_mut() {
            *rest += fronts + shipping;
        }
        self.holder.tell(&self.parts);
        let of_operators = self.downstream.sinks().measure();
        self.metrics.hold(self.holder.held() + of_operators);
    }

    fn has_memory(&mut self, progress: &mut SourceProgress) -> bool {
        if progress.unmeasured >= self.measure_after || progress.deferred.is_some() {
            progress.unmeasured = 0;
            self.measure();
        }

        let mut pressure = self.holder.account().pressure();
        if self.reclaim(progress, pressure) {
            pressure = self.holder.account().pressure();
        }

        let waits = match pressure {
            MemoryPressure::Low => Waits::No,
            MemoryPressure::High if self.is_ahead() => Waits::ForOthers,
            MemoryPressure::High => Waits::No,
            MemoryPressure::Full if progress.deferred.is_none() => Waits::ForMemory,
            MemoryPressure::Full if self.holds_back() => Waits::Stuck,
            MemoryPressure::Full => Waits::ForMemory,
        };

        // A subtask that has nothing to read waits for input, not for memory.
        let is_waiting = progress.deferred.is_some() && waits != Waits::No;
        self.holder.wait(if is_waiting { waits } else { Waits::No });
        waits == Waits::No
    }

    /// Returns whether a partition of this subtask holds back the watermark.
    fn holds_back(&self) -> bool {
        self.watermarks.lock().holds_back(&self.partitions, self.clock.elapsed())
    }

    /// Returns whether the watermark waits for other subtasks, which have more to read.
    fn is_ahead(&self) -> bool {
        self.watermarks.lock().are_ahead(&self.partitions, self.clock.elapsed())
    }

    /// Frees what can be spared; returns false if it was not worth an attempt.
    fn reclaim(&mut self, progress: &mut SourceProgress, pressure: MemoryPressure) -> bool {
        let Downstream::Direct { aggregation, .. } = &mut self.downstream else { return false };
        if pressure == MemoryPressure::Low {
            return false;
        }
        let next_event = aggregation.next_event();
        if !progress.last_reclaim.is_worth_it(self.holder.held(), next_event, pressure) {
            return false;
        }
        aggregation.compact(&mut []);
        // The deferred batch holds codes of these dictionaries.
        if pressure == MemoryPressure::Full
            && progress.deferred.is_none()
            && self.prepare.trim(&mut self.batch, 0)
        {
            aggregation.forget_front();
        }
        self.measure();
        progress.last_reclaim = LastReclaim { bytes: self.holder.held(), next_event };
        true
    }
}

impl GlobalSubtask {
    /// Reports the memory of this subtask.
    pub(super) fn measure<'a>(&mut self, receiving: impl Iterator<Item = &'a Receiving>) {
        self.aggregation.memory_parts(&mut self.parts);
        if let Some(rest) = self.parts.last_mut() {
            *rest += receiving.map(Receiving::memory_bytes).sum::<usize>();
        }
        self.holder.tell(&self.parts);
        let of_operators = self.sinks.measure();
        self.metrics.hold(self.holder.held() + of_operators);
    }

    /// Returns whether to free values that no open window needs.
    pub(super) fn wants_to_reclaim(&self) -> bool {
        let pressure = self.holder.account().pressure();
        pressure != MemoryPressure::Low
            && self.last_reclaim.is_worth_it(self.holder.held(), self.aggregation.next_event(), pressure)
    }

    /// Records that memory was freed.
    pub(super) fn remember_reclaim(&mut self) {
        let (bytes, next_event) = (self.holder.held(), self.aggregation.next_event());
        self.last_reclaim = LastReclaim { bytes, next_event };
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

    #[test]
    fn what_is_only_there_to_be_fast_fits_a_small_memory() {
        let limits = Limits::default();
        assert_eq!(limits.within(usize::MAX, 4).front_bytes, limits.front_bytes);
        assert_eq!(limits.within(64 << 20, 4).local_bytes, 256 << 10);
    }
}
