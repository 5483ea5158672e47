//! A global subtask: owns the state of its key groups, which the shipments of all source subtasks feed.
//!
//! In each iteration of its loop it merges one message, computes the minimum watermark of its inputs, contributes to a snapshot
//! once all barriers have arrived, and writes the windows that the watermark closes. If the job wants early
//! results, it also writes changes of open windows at intervals.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use sql::functions::Env;
use types::{Clock, Timestamp};

use super::alignment::Gate;
use super::control::Control;
use super::memory_meter::MemoryMeter;
use super::outputs::Outputs;
use super::source::earlier;
use super::{ExecutionError, INPUT_WAIT_MAX, TaskMetrics};
use crate::activity::Activity;
use crate::memory::Claim;
use crate::operator::chain::StreamTime;
use crate::state::KeyGroups;
use crate::watermark::NO_WATERMARK;
use crate::window::{Aggregation, Receiving, Shipment};

/// A message from a source subtask.
#[derive(Debug)]
pub(super) enum Message {
    /// Partial aggregates, with the arrival time of their oldest record.
    Rows(Box<Shipment>, Claim, Option<Timestamp>),
    /// The pipeline's watermark; all rows that this sender read before have been sent. The sender is idle if all
    /// of its partitions are.
    Time(StreamTime),
    /// Everything read before a snapshot's point has been sent; `watermark` is the pipeline's at that point.
    Barrier { barrier: u64, watermark: i64 },
    /// Nothing more will come.
    End,
}

pub(super) struct GlobalSubtask {
    pub pipeline: usize,
    pub subtask: usize,
    /// One channel per source subtask.
    pub inputs: Vec<Receiver<Message>>,
    pub aggregation: Aggregation,
    /// The key groups that it owns.
    pub groups: KeyGroups,
    pub sinks: Outputs,
    pub early_fire: Option<Duration>,
    /// The subtask was restored from a snapshot, some of whose results may not have been written early yet.
    pub is_restored: bool,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub metrics: Arc<TaskMetrics>,
    pub memory: MemoryMeter,
    /// The arrival time of the oldest record that no written row includes yet.
    pub unshown: Option<Timestamp>,
}

/// The state of the channel from a source subtask.
pub(super) struct GlobalInput {
    pub receiving: Receiving,
    pub watermark: i64,
    pub is_idle: bool,
    pub gate: Gate,
}

impl GlobalSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        let mut inputs: Vec<GlobalInput> = self.inputs.iter().map(|_| GlobalInput::new()).collect();
        let mut changed = self.is_restored;
        let mut next_early = self.clock.elapsed();

        while !self.control.is_cancelled() {
            let before = self.clock.elapsed();
            let wait = match self.early_fire {
                Some(_) if changed => INPUT_WAIT_MAX.min(next_early.saturating_sub(before)),
                _ => INPUT_WAIT_MAX,
            };

            self.metrics.at(Activity::Receive);
            let received = self.receive(&inputs, wait);

            self.metrics.at(Activity::Merge);
            let start = self.clock.elapsed();
            TaskMetrics::add_time(&self.metrics.idle_ns, start.saturating_sub(before));
            if let Some((index, message)) = received {
                changed |= self.take(&mut inputs, index, message);
            }

            let env = self.env();
            self.sinks.set_now(&env);
            let watermark = self.settle(&mut inputs, &mut changed);
            self.align(&mut inputs)?;
            self.sinks.show(self.unshown);

            if watermark >= self.aggregation.next_event() {
                self.metrics.at(Activity::Fire);
                self.aggregation.advance(watermark, &env, &mut self.sinks)?;
                if self.early_fire.is_none() {
                    self.unshown = None;
                }
                self.with_receiving(&mut inputs, |aggregation, receiving| {
                    aggregation.compact_if_grown(receiving);
                });
            }

            if self.memory.is_worth_reclaiming(self.aggregation.next_event()) {
                self.with_receiving(&mut inputs, |aggregation, receiving| aggregation.compact(receiving));
                self.memory.reclaimed(self.aggregation.next_event());
            }

            // The rows of closed windows precede the watermark that closed them.
            self.metrics.watermark.store(watermark, Ordering::Relaxed);
            self.sinks.tick(&env)?;
            self.sinks.advance(StreamTime { watermark, is_idle: is_idle(&inputs) })?;

            if let Some(pause) = self.early_fire
                && changed
                && start >= next_early
            {
                self.metrics.at(Activity::Early);
                self.aggregation.early(&env, &mut self.sinks)?;
                next_early = start + pause;
                changed = false;
                self.unshown = None;
            }

            let spent = self.clock.elapsed().saturating_sub(start + self.sinks.book());
            TaskMetrics::add_time(&self.metrics.busy_ns, spent);

            if inputs.iter().all(|input| input.gate.has_ended()) {
                self.metrics.at(Activity::Fire);
                self.aggregation.advance(i64::MAX, &env, &mut self.sinks)?;
                self.sinks.end()?;
                self.leave_last_part();
                return Ok(());
            }
        }

        Ok(())
    }

    pub(super) fn env(&self) -> Env {
        Env { now_ms: self.clock.now().0 }
    }

    /// Reports the memory of this subtask.
    pub(super) fn measure<'a>(&mut self, receiving: impl Iterator<Item = &'a Receiving>) {
        let rest = receiving.map(Receiving::memory_bytes).sum();
        self.memory.measure(&self.aggregation, rest, &mut self.sinks, &self.metrics);
        self.sinks.measure_windows(&self.aggregation);
    }

    /// Applies a change that concerns both the state and the translations of the senders' codes.
    fn with_receiving(
        &mut self,
        inputs: &mut [GlobalInput],
        change: impl FnOnce(&mut Aggregation, &mut [Receiving]),
    ) {
        let mut receiving: Vec<Receiving> =
            inputs.iter_mut().map(|input| std::mem::take(&mut input.receiving)).collect();
        change(&mut self.aggregation, &mut receiving);
        inputs.iter_mut().zip(receiving).for_each(|(input, receiving)| input.receiving = receiving);
        self.measure(inputs.iter().map(|input| &input.receiving));
    }

    /// Returns the next message of any readable input.
    fn receive(&self, inputs: &[GlobalInput], wait: Duration) -> Option<(usize, Message)> {
        let open: Vec<usize> = (0..inputs.len()).filter(|&index| inputs[index].gate.is_open()).collect();
        let mut select = Select::new();
        open.iter().for_each(|&index| {
            select.recv(&self.inputs[index]);
        });
        let operation = select.select_timeout(wait).ok()?;
        let index = open[operation.index()];
        // A sender that is gone without an end has failed or was cancelled; the control reports it.
        let message = operation.recv(&self.inputs[index]).ok()?;
        Some((index, message))
    }

    /// Returns the watermark after processing everything that was sent before it was computed. An idle sender
    /// may have become active again: its rows are sent before any subtask hears of a watermark that counts
    /// them.
    fn settle(&mut self, inputs: &mut [GlobalInput], changed: &mut bool) -> i64 {
        loop {
            let watermark = least(inputs);
            if watermark <= self.aggregation.watermark() {
                return watermark;
            }
            let mut silent =
                (0..inputs.len()).filter(|&index| inputs[index].is_idle && inputs[index].gate.is_open());
            let Some((index, message)) =
                silent.find_map(|index| Some((index, self.inputs[index].try_recv().ok()?)))
            else {
                return watermark;
            };
            *changed |= self.take(inputs, index, message);
        }
    }

    fn take(&mut self, inputs: &mut [GlobalInput], index: usize, message: Message) -> bool {
        TaskMetrics::add(&self.metrics.batches_in, 1);
        let input = &mut inputs[index];

        match message {
            Message::Rows(shipment, claim, came_in) => {
                self.unshown = earlier(self.unshown, came_in);
                let changed = !shipment.is_empty();
                let (groups, bytes) = shipment.size();
                TaskMetrics::add(&self.metrics.records_in, groups);
                TaskMetrics::add(&self.metrics.bytes_in, bytes);
                input.is_idle = false;
                self.aggregation.receive(&mut input.receiving, *shipment);
                self.memory.took(claim.bytes() as u64);
                drop(claim);
                if self.memory.is_due() {
                    self.measure(inputs.iter().map(|input| &input.receiving));
                }
                changed
            }

            Message::Time(time) => {
                input.watermark = input.watermark.max(time.watermark);
                input.is_idle = time.is_idle;
                false
            }
            Message::Barrier { barrier, watermark } => {
                input.gate.close(barrier, self.clock.elapsed());
                input.watermark = input.watermark.max(watermark);
                false
            }
            Message::End => {
                input.gate.end();
                false
            }
        }
    }
}

impl GlobalInput {
    fn new() -> GlobalInput {
        GlobalInput {
            receiving: Receiving::default(),
            watermark: NO_WATERMARK,
            is_idle: false,
            gate: Gate::default(),
        }
    }
}

/// Returns whether all inputs are idle. If all inputs have ended, the end itself still has to be processed.
fn is_idle(inputs: &[GlobalInput]) -> bool {
    let mut open = inputs.iter().filter(|input| !input.gate.has_ended()).peekable();
    open.peek().is_some() && open.all(|input| input.is_idle)
}

/// Returns the minimum watermark of the active inputs; if all are idle, the maximum. An input at a barrier
/// counts as active, because it may have become active again behind the barrier.
fn least(inputs: &[GlobalInput]) -> i64 {
    let active = inputs
        .iter()
        .filter(|input| !input.gate.has_ended() && (!input.is_idle || input.gate.is_at_barrier()));
    match active.map(|input| input.watermark).min() {
        Some(least) => least,
        None => inputs.iter().map(|input| input.watermark).max().unwrap_or(NO_WATERMARK),
    }
}
