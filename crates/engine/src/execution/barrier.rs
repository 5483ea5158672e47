//! Barriers: how subtasks agree on one point of the input.
//!
//! When a snapshot is requested, a source subtask hands on everything it has read, sends a barrier into each
//! channel, and reads on. A global subtask contributes once the barriers of all its channels have arrived: see the
//! file `alignment.rs`.

use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::MutexGuard;
use types::Clock;

use super::alignment::{AlignedBarrier, align};
use super::control::{Part, PartTimes, SubtaskId, SubtaskKind};
use super::global::{GlobalInput, GlobalSubtask, Message};
use super::handover::StateHandover;
use super::progress::send_with_backpressure;
use super::source::{Downstream, SourceProgress, SourceSubtask};
use super::{ExecutionError, TaskMetrics};
use crate::activity::Activity;
use crate::operator::chain::StreamTime;
use crate::snapshot::{SourceImage, SplitImage};
use crate::watermark::{NO_WATERMARK, Watermarks};

impl SourceSubtask {
    /// Contributes to a snapshot if one was requested since the last.
    pub(super) fn take_part(&mut self, progress: &mut SourceProgress) -> Result<(), ExecutionError> {
        let barrier = self.control.barrier();
        if barrier == progress.barrier {
            return Ok(());
        }
        progress.barrier = barrier;
        self.metrics.at(Activity::Snapshot);

        let now = self.clock.elapsed();
        let time = match &self.downstream {
            Downstream::Direct { .. } => {
                let time = self.publish(now);
                self.fire(progress, time, now)?;
                time
            }
            Downstream::Exchange { .. } => self.ship(progress, now),
        };

        // A restored job judges the records after the barrier by the entries from here on.
        self.lateness.flush();
        self.lateness.barrier();

        let watermark = match &self.downstream {
            Downstream::Direct { .. } => time.watermark,
            Downstream::Exchange { channels, .. } => {
                let (watermark, blocked) =
                    send_barrier(self.time.lock(), channels, barrier, &*self.clock, &self.metrics);
                progress.blocked += blocked;
                watermark
            }
        };

        let (env, id) = (self.env(), self.id());
        let state = match &mut self.downstream {
            Downstream::Direct { aggregation, sinks } if !self.layout.units.is_empty() => {
                aggregation.advance(watermark, &env, sinks)?;
                Some(aggregation.image(self.groups))
            }
            _ => None,
        };
        self.measure();

        // Results before the barrier must be durable before the subtask contributes its part.
        let outputs = self.downstream.sinks();
        outputs.barrier(barrier);
        outputs.flush()?;
        let source = Some(self.image(progress));

        let chain = &self.downstream.sinks().chain;
        let Some(operators) = StateHandover::of_chain(&self.control, (barrier, id), chain) else {
            return Ok(());
        };

        let times = PartTimes {
            began: now,
            aligning: Duration::ZERO,
            taking: self.clock.elapsed().saturating_sub(now),
        };
        self.control.contribute(Part {
            barrier,
            of: id,
            source,
            state,
            operators,
            times: Some(times),
            queued: None,
        });
        Ok(())
    }

    /// Leaves the subtask's part for all future snapshots: it has read its input to the end.
    pub(super) fn leave_last_part(&mut self, progress: &SourceProgress) {
        let state = match &mut self.downstream {
            Downstream::Direct { aggregation, .. } if !self.layout.units.is_empty() => {
                Some(aggregation.image(self.groups))
            }
            _ => None,
        };
        self.control.finish(Part {
            barrier: progress.barrier,
            of: self.id(),
            source: Some(self.image(progress)),
            state,
            operators: self.downstream.sinks().image(),
            times: Some(PartTimes { began: self.clock.elapsed(), ..PartTimes::default() }),
            queued: None,
        });
    }

    fn id(&self) -> SubtaskId {
        SubtaskId { pipeline: self.pipeline, kind: SubtaskKind::Source, subtask: self.subtask }
    }

    fn image(&self, progress: &SourceProgress) -> SourceImage {
        let watermarks = self.time.lock();
        // A batch that was not processed yet is read again.
        let deferred = progress.deferred.as_ref().map(|deferred| deferred.positions.clone());
        let splits =
            deferred.unwrap_or_else(|| self.source.positions()).into_iter().map(|(partition, offset)| {
                SplitImage {
                    split: self.source.split(partition),
                    offset: offset.0,
                    watermark: Some(watermarks.partition(partition))
                        .filter(|&watermark| watermark != NO_WATERMARK),
                    topic_id: self.source.topic_id(partition),
                    replay: self.lateness.image(partition),
                }
            });
        SourceImage { splits: splits.collect(), ledger: self.bookkeeper.ledger().counts() }
    }
}

/// Sends a barrier, with the pipeline's watermark, into every channel of a source subtask. Returns the
/// watermark and the time spent waiting for space in the channels.
///
/// All global subtasks must stand at the same watermark in a snapshot, because it records once for all key
/// groups which windows have fired. Other source subtasks go on while this one sends its barriers. If it is
/// idle, a later watermark of theirs would be taken by a global subtask that has no barrier yet, and not by one
/// that has. So the watermark stands still until every channel has the barrier.
fn send_barrier(
    watermarks: MutexGuard<'_, Watermarks>,
    channels: &[Sender<Message>],
    barrier: u64,
    clock: &dyn Clock,
    metrics: &TaskMetrics,
) -> (i64, Duration) {
    let watermark = watermarks.current();
    let blocked = channels
        .iter()
        .map(|channel| {
            send_with_backpressure(channel, Message::Barrier { barrier, watermark }, clock, metrics)
        })
        .sum();
    drop(watermarks);
    (watermark, blocked)
}

impl GlobalSubtask {
    /// Contributes to a snapshot once the barriers of all inputs have arrived.
    pub(super) fn align(&mut self, inputs: &mut [GlobalInput]) -> Result<(), ExecutionError> {
        let Some(AlignedBarrier { barrier, first }) = align(inputs, |input| &mut input.gate) else {
            return Ok(());
        };

        self.metrics.at(Activity::Snapshot);
        let began = self.clock.elapsed();
        let at_barrier = inputs.iter().filter(|input| input.gate.is_at_barrier());
        let watermark = at_barrier.map(|input| input.watermark).min().unwrap_or(NO_WATERMARK);

        let env = self.env();
        self.aggregation.advance(watermark, &env, &mut self.sinks)?;
        self.sinks.advance(StreamTime { watermark, is_idle: false })?;

        // Results before the barrier must be durable before the subtask contributes its part.
        self.sinks.barrier(barrier);
        self.sinks.flush()?;
        self.measure(inputs.iter().map(|input| &input.receiving));
        let state = Some(self.aggregation.image(self.groups));

        let of = (barrier, self.id());
        if let Some(operators) = StateHandover::of_chain(&self.control, of, &self.sinks.chain) {
            let times = PartTimes {
                began,
                aligning: began.saturating_sub(first),
                taking: self.clock.elapsed().saturating_sub(began),
            };
            self.control.contribute(Part {
                barrier,
                of: self.id(),
                source: None,
                state,
                operators,
                times: Some(times),
                queued: None,
            });
        }

        inputs.iter_mut().for_each(|input| input.gate.open());
        Ok(())
    }

    /// As [`SourceSubtask::leave_last_part`].
    pub(super) fn leave_last_part(&mut self) {
        self.control.finish(Part {
            barrier: self.control.barrier(),
            of: self.id(),
            source: None,
            state: Some(self.aggregation.image(self.groups)),
            operators: self.sinks.image(),
            times: Some(PartTimes { began: self.clock.elapsed(), ..PartTimes::default() }),
            queued: None,
        });
    }

    fn id(&self) -> SubtaskId {
        SubtaskId { pipeline: self.pipeline, kind: SubtaskKind::Global, subtask: self.subtask }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crossbeam_channel::bounded;
    use parking_lot::Mutex;
    use types::{ManualClock, Timestamp};

    use super::*;

    #[test]
    fn the_watermark_stands_still_until_every_channel_has_the_barrier() {
        let watermarks = Arc::new(Mutex::new(Watermarks::new(None)));
        watermarks.lock().restore(7, &[]);
        let ((first, at_first), (second, at_second)) = (bounded(1), bounded(0));

        let sending = std::thread::spawn({
            let watermarks = watermarks.clone();
            let metrics = TaskMetrics::default();
            let clock = ManualClock::at(Timestamp(0));
            move || send_barrier(watermarks.lock(), &[first, second], 3, &clock, &metrics).0
        });
        let is_barrier = |message| matches!(message, Message::Barrier { barrier: 3, watermark: 7 });
        assert!(is_barrier(at_first.recv().unwrap()));
        assert!(watermarks.try_lock().is_none(), "the second channel has no barrier yet");
        assert!(is_barrier(at_second.recv().unwrap()));
        assert_eq!(sending.join().unwrap(), 7);
        assert!(watermarks.try_lock().is_some());
    }
}
