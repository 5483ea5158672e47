//! The steps of a source subtask after each poll: hands on rows, advances the watermark, fires windows that
//! close.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use types::{Clock, PartitionId};

use super::global::Message;
use super::source::{Downstream, HOLD, HOLD_CLOSED, SourceProgress, SourceSubtask};
use super::{ExecutionError, TaskMetrics};
use crate::activity::Activity;
use crate::connector::Polled;
use crate::metrics::SplitMetrics;
use crate::operator::chain::StreamTime;

/// Interval at which the read positions of partitions are recorded.
const LOOK_AT_SPLITS: Duration = Duration::from_secs(1);

impl SourceSubtask {
    /// Records the read positions of partitions, at most once per interval.
    pub(super) fn look_at_splits(&self, progress: &mut SourceProgress, now: Duration) {
        if progress.looked_at_splits.is_some_and(|at| now.saturating_sub(at) < LOOK_AT_SPLITS) {
            return;
        }
        progress.looked_at_splits = Some(now);

        let lags = self.source.lags();
        let watermarks = self.time.lock();
        let look = |&partition: &PartitionId| SplitMetrics {
            split: self.source.split(partition),
            lag: lags.iter().find(|(of, _)| *of == partition).map(|(_, lag)| *lag),
            watermark: watermarks.partition(partition),
        };
        let splits: Vec<SplitMetrics> = self.time.partitions().iter().map(look).collect();
        drop(watermarks);

        *self.metrics.splits.lock() = splits;
    }

    /// Does the work after a poll: ships held rows, advances the watermark, fires windows that close, writes
    /// early results.
    pub(super) fn go_on(
        &mut self,
        progress: &mut SourceProgress,
        polled: Polled,
    ) -> Result<(), ExecutionError> {
        let now = self.clock.elapsed();
        self.time.end_replays(&mut self.lateness, now);

        match &self.downstream {
            Downstream::Direct { .. } => {
                progress.held = 0;
                let time = self.publish(now);
                self.fire(progress, time, now)
            }
            Downstream::Exchange { aggregation, .. } => {
                let nothing_waits = !matches!(polled, Polled::Batch { behind: true });
                // Each shipment has to be merged once more, so rows are held back while more rows wait, unless a
                // window can close.
                let age = now.saturating_sub(progress.held_since);
                let due = HOLD.is_over(progress.held, age)
                    || HOLD_CLOSED.is_over(progress.held, age) && self.time.closes(aggregation.next_event());
                if progress.held == 0 || nothing_waits || due {
                    let time = self.ship(progress, now);
                    self.advance_outputs(time)?;
                }
                Ok(())
            }
        }
    }

    /// Publishes the watermark of the rows that were handed on, and returns the pipeline's.
    pub(super) fn publish(&mut self, now: Duration) -> StreamTime {
        let time = self.time.publish(now);
        self.metrics.watermark.store(time.watermark, Ordering::Relaxed);
        time
    }

    /// Advances the watermark of the local state.
    pub(super) fn fire(
        &mut self,
        progress: &mut SourceProgress,
        StreamTime { watermark, is_idle }: StreamTime,
        now: Duration,
    ) -> Result<(), ExecutionError> {
        let env = self.env();
        let Downstream::Direct { aggregation, sinks } = &mut self.downstream else { return Ok(()) };
        let mut fired = false;
        let is_early = self.early_fire.is_some() && progress.changed && now >= progress.next_early;
        if is_early || aggregation.next_event() <= watermark {
            // The rows to be written include the counted records, so the record of lateness must be durable
            // first.
            self.lateness.flush();
        }

        sinks.show(progress.unshown);
        sinks.tick(&env)?;
        if watermark > progress.seen || progress.changed {
            if aggregation.next_event() <= watermark {
                self.metrics.at(Activity::Fire);
                aggregation.advance(watermark, &env, sinks)?;
                aggregation.compact_if_grown(&mut []);
                fired = true;
            }
            progress.seen = progress.seen.max(watermark);
        }
        sinks.advance(StreamTime { watermark, is_idle })?;

        match self.early_fire {
            Some(pause) if is_early => {
                self.metrics.at(Activity::Early);
                aggregation.early(&env, sinks)?;
                progress.next_early = now + pause;
                progress.changed = false;
                progress.unshown = None;
            }
            Some(_) => {}
            None => {
                progress.changed = false;
                if fired {
                    progress.unshown = None;
                }
            }
        }

        if fired {
            self.measure();
        }
        Ok(())
    }

    /// Advances the watermark of the operators of this home to that of the pipeline.
    fn advance_outputs(&mut self, time: StreamTime) -> Result<(), ExecutionError> {
        let env = self.env();
        let outputs = self.downstream.sinks();
        outputs.tick(&env)?;
        outputs.advance(time)
    }

    /// Sends the held rows, and then, if it has advanced, the pipeline's watermark. The order matters: no
    /// subtask may receive a watermark before the rows that imply it were sent.
    pub(super) fn ship(&mut self, progress: &mut SourceProgress, now: Duration) -> StreamTime {
        let rows = std::mem::take(&mut progress.held) > 0;
        if rows {
            // The global subtasks write rows that include the counted records.
            self.lateness.flush();
        }

        if let Downstream::Exchange { aggregation, shipping, channels, .. } = &mut self.downstream
            && rows
        {
            self.metrics.at(Activity::Ship);
            let shipments = aggregation.ship(shipping);
            for (channel, shipment) in channels.iter().zip(shipments) {
                let (groups, bytes) = shipment.size();
                TaskMetrics::add(&self.metrics.shipped, groups);
                TaskMetrics::add(&self.metrics.shipped_bytes, bytes);
                let claim = self.memory.claim(shipment.memory_bytes());
                let message = Message::Rows(Box::new(shipment), claim, progress.unshown);
                progress.blocked += send_with_backpressure(channel, message, &*self.clock, &self.metrics);
            }
            progress.changed = false;
            progress.unshown = None;
        }

        let time = self.publish(now);
        if rows || progress.sent != Some(time) {
            self.send(progress, || Message::Time(time));
            progress.sent = Some(time);
        }

        time
    }

    /// Sends a message to every global subtask. A subtask that is gone has failed or was cancelled; the
    /// control reports it.
    pub(super) fn send(&self, progress: &mut SourceProgress, message: impl Fn() -> Message) {
        let Downstream::Exchange { channels, .. } = &self.downstream else { return };
        for channel in channels {
            progress.blocked += send_with_backpressure(channel, message(), &*self.clock, &self.metrics);
        }
    }

    /// Ends the input of a bounded or draining source: windows close once all subtasks have ended theirs.
    pub(super) fn end(mut self, mut progress: SourceProgress) -> Result<(), ExecutionError> {
        self.metrics.at(Activity::Fire);
        let now = self.clock.elapsed();
        progress.held = progress.held.max(1);
        self.ship(&mut progress, now);
        self.send(&mut progress, || Message::End);
        self.time.end(now);
        self.metrics.watermark.store(i64::MAX, Ordering::Relaxed);
        let env = self.env();
        self.lateness.flush();
        if let Downstream::Direct { aggregation, sinks } = &mut self.downstream {
            aggregation.advance(i64::MAX, &env, sinks)?;
        }
        self.downstream.sinks().end()?;
        self.leave_last_part(&progress);
        Ok(())
    }
}

/// Sends a message; books the time of waiting for space in the channel as backpressure, and returns it.
pub(super) fn send_with_backpressure<T>(
    channel: &Sender<T>,
    message: T,
    clock: &dyn Clock,
    metrics: &TaskMetrics,
) -> Duration {
    let Err(TrySendError::Full(message)) = channel.try_send(message) else { return Duration::ZERO };
    let (before, activity) = (clock.elapsed(), metrics.activity());
    metrics.at(Activity::Blocked);
    let _ = channel.send(message);
    metrics.at(activity);
    let waited = clock.elapsed().saturating_sub(before);
    TaskMetrics::add_time(&metrics.backpressured_ns, waited);
    waited
}
