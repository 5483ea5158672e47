//! The behavior of a source subtask while there is no memory for more state.
//!
//! It first frees what can be spared: values that no open window needs, and dictionaries that only make
//! lookups fast. If that is not enough it still polls its log, and sets the batch aside. If the log has
//! nothing more, the watermark advances with the clock, so that windows close; if it has more, the watermark
//! stays. Barriers pass all the while.

use std::time::Duration;

use types::{Offset, PartitionId};

use super::source::{Downstream, SourceProgress, SourceSubtask};
use super::{ExecutionError, TaskMetrics};
use crate::connector::Polled;
use crate::memory::{MemoryPressure, Waits};
use crate::window::Limits;

/// The first wait for memory; each wait is twice as long as the one before, up to the longest wait for input.
const FIRST_WAIT: Duration = Duration::from_millis(1);

/// A batch that was read and is not processed yet.
#[derive(Debug)]
pub(super) struct DeferredBatch {
    /// The source's positions before the batch.
    pub positions: Vec<(PartitionId, Offset)>,
    behind: bool,
    waited: Duration,
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

    /// Reports the memory of this subtask.
    pub(super) fn measure(&mut self) {
        let mut rest = self.batch.memory_bytes() + self.prepare.memory_bytes();
        let (aggregation, sinks) = match &mut self.downstream {
            Downstream::Direct { aggregation, sinks } => {
                sinks.measure_windows(aggregation);
                (aggregation, sinks)
            }
            Downstream::Exchange { aggregation, shipping, sinks, .. } => {
                rest += shipping.memory_bytes();
                (aggregation, sinks)
            }
        };
        self.memory.measure(aggregation, rest, sinks, &self.metrics);
    }

    fn has_memory(&mut self, progress: &mut SourceProgress) -> bool {
        if self.memory.is_due() || progress.deferred.is_some() {
            self.measure();
        }

        let mut pressure = self.memory.pressure();
        if self.reclaim(progress, pressure) {
            pressure = self.memory.pressure();
        }
        let now = self.clock.elapsed();

        let waits = match pressure {
            MemoryPressure::Low => Waits::No,
            MemoryPressure::High if self.time.is_ahead(now) => Waits::ForOthers,
            MemoryPressure::High => Waits::No,
            MemoryPressure::Full if progress.deferred.is_none() => Waits::ForMemory,
            MemoryPressure::Full if self.time.holds_back(now) => Waits::Stuck,
            MemoryPressure::Full => Waits::ForMemory,
        };

        // A subtask that has nothing to read waits for input, not for memory.
        let is_waiting = progress.deferred.is_some() && waits != Waits::No;
        self.memory.wait(if is_waiting { waits } else { Waits::No });
        waits == Waits::No
    }

    /// Frees what can be spared; returns false if it was not worth an attempt.
    fn reclaim(&mut self, progress: &SourceProgress, pressure: MemoryPressure) -> bool {
        let Downstream::Direct { aggregation, .. } = &mut self.downstream else { return false };
        let next_event = aggregation.next_event();
        if !self.memory.is_worth_reclaiming(next_event) {
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
        self.memory.reclaimed(next_event);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_there_to_be_fast_fits_a_small_memory() {
        let limits = Limits::default();
        assert_eq!(limits.within(usize::MAX, 4).front_bytes, limits.front_bytes);
        assert_eq!(limits.within(64 << 20, 4).local_bytes, 256 << 10);
    }
}
