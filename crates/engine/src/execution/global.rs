//! A global subtask: owns the state of its key groups, fed by shipments of all source subtasks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use sql::functions::Env;
use types::{Clock, Timestamp};

use super::control::Control;
use super::outputs::Outputs;
use super::room::Reclaimed;
use super::source::earlier;
use super::{ExecutionError, TaskMetrics};
use crate::activity::Activity;
use crate::memory::{Claim, Holder};
use crate::operator::chain::StreamTime;
use crate::state::KeyGroups;
use crate::watermark::NO_WATERMARK;
use crate::window::{Aggregation, Receiving, Shipment};

/// What a source subtask sends.
#[derive(Debug)]
pub(super) enum Message {
    /// Partials, and when the oldest of their records came in.
    Rows(Box<Shipment>, Claim, Option<Timestamp>),
    /// Where the pipeline stands, with all rows that this sender read before on their way.
    Time(Standing),
    /// All that was read before a snapshot's point is on its way; where the pipeline stood there.
    Barrier { barrier: u64, watermark: i64 },
    /// Nothing more will come.
    End,
}

/// Event time, as a sender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The pipeline's watermark.
    pub watermark: i64,
    /// All of the sender's partitions are silent: it holds nobody back.
    pub idle: bool,
}

pub(super) struct GlobalSubtask {
    pub pipeline: usize,
    pub subtask: usize,
    /// One a source subtask.
    pub inputs: Vec<Receiver<Message>>,
    pub aggregation: Aggregation,
    /// What it owns.
    pub groups: KeyGroups,
    pub sinks: Outputs,
    pub early_fire: Option<Duration>,
    /// It goes on from a snapshot, of which not everything may have been written early yet.
    pub is_restored: bool,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub metrics: Arc<TaskMetrics>,
    pub holder: Holder,
    /// What each unit holds, as last measured, and the rest.
    pub parts: Vec<usize>,
    pub reclaimed: Reclaimed,
    /// When the oldest record came in that no written row shows yet.
    pub unshown: Option<Timestamp>,
    /// Bytes that came in since it was last measured what is held, and how many are let pass.
    pub unmeasured: u64,
    pub measure_after: u64,
}

/// An input, as far as it has come.
pub(super) struct Input {
    pub receiving: Receiving,
    pub watermark: i64,
    pub idle: bool,
    pub ended: bool,
    /// The barrier it has come to; it is not read until all have.
    pub barrier: Option<u64>,
    /// When it came there, by the clock's `elapsed`.
    pub barrier_at: Duration,
}

/// The longest wait for input, so that a cancelled job ends soon.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl GlobalSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        let mut inputs: Vec<Input> = self.inputs.iter().map(|_| Input::new()).collect();
        let mut changed = self.is_restored;
        let mut next_early = self.clock.elapsed();

        while !self.control.is_cancelled() {
            let before = self.clock.elapsed();
            let wait = match self.early_fire {
                Some(_) if changed => LONGEST_WAIT.min(next_early.saturating_sub(before)),
                _ => LONGEST_WAIT,
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
            if self.wants_to_reclaim() {
                self.with_receiving(&mut inputs, |aggregation, receiving| aggregation.compact(receiving));
                self.reclaimed();
            }
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
            if inputs.iter().all(|input| input.ended) {
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

    /// Does something to the state that concerns what is known of the senders too.
    fn with_receiving(
        &mut self,
        inputs: &mut [Input],
        change: impl FnOnce(&mut Aggregation, &mut [Receiving]),
    ) {
        let mut receiving: Vec<Receiving> =
            inputs.iter_mut().map(|input| std::mem::take(&mut input.receiving)).collect();
        change(&mut self.aggregation, &mut receiving);
        inputs.iter_mut().zip(receiving).for_each(|(input, receiving)| input.receiving = receiving);
        self.measure(inputs.iter().map(|input| &input.receiving));
    }

    /// The next message of any input that may be read.
    fn receive(&self, inputs: &[Input], wait: Duration) -> Option<(usize, Message)> {
        let open: Vec<usize> = (0..inputs.len()).filter(|&index| inputs[index].is_open()).collect();
        let mut select = Select::new();
        open.iter().for_each(|&index| {
            select.recv(&self.inputs[index]);
        });
        let operation = select.select_timeout(wait).ok()?;
        let index = open[operation.index()];
        // A sender that is gone without an end has failed or was cancelled; the control says so.
        let message = operation.recv(&self.inputs[index]).ok()?;
        Some((index, message))
    }

    /// The watermark, with everything taken that was sent before it was made. A sender that was silent may have spoken
    /// again: its rows are on their way before anyone hears of a watermark that counts them.
    fn settle(&mut self, inputs: &mut [Input], changed: &mut bool) -> i64 {
        loop {
            let watermark = least(inputs);
            if watermark <= self.aggregation.watermark() {
                return watermark;
            }
            let mut silent = (0..inputs.len()).filter(|&index| inputs[index].idle && inputs[index].is_open());
            let Some((index, message)) =
                silent.find_map(|index| Some((index, self.inputs[index].try_recv().ok()?)))
            else {
                return watermark;
            };
            *changed |= self.take(inputs, index, message);
        }
    }

    fn take(&mut self, inputs: &mut [Input], index: usize, message: Message) -> bool {
        TaskMetrics::add(&self.metrics.batches_in, 1);
        let input = &mut inputs[index];

        match message {
            Message::Rows(shipment, claim, came_in) => {
                self.unshown = earlier(self.unshown, came_in);
                let changed = !shipment.is_empty();
                let (groups, bytes) = shipment.size();
                TaskMetrics::add(&self.metrics.records_in, groups);
                TaskMetrics::add(&self.metrics.bytes_in, bytes);
                input.idle = false;
                self.aggregation.receive(&mut input.receiving, *shipment);
                self.unmeasured += claim.bytes() as u64;
                drop(claim);
                if self.unmeasured >= self.measure_after {
                    self.unmeasured = 0;
                    self.measure(inputs.iter().map(|input| &input.receiving));
                }
                changed
            }
            Message::Time(standing) => {
                input.watermark = input.watermark.max(standing.watermark);
                input.idle = standing.idle;
                false
            }
            Message::Barrier { barrier, watermark } => {
                input.barrier = Some(barrier);
                input.barrier_at = self.clock.elapsed();
                input.watermark = input.watermark.max(watermark);
                false
            }
            Message::End => {
                input.ended = true;
                false
            }
        }
    }
}

impl Input {
    fn new() -> Input {
        Input {
            receiving: Receiving::default(),
            watermark: NO_WATERMARK,
            idle: false,
            ended: false,
            barrier: None,
            barrier_at: Duration::ZERO,
        }
    }

    /// Whether it may be read.
    fn is_open(&self) -> bool {
        !self.ended && self.barrier.is_none()
    }
}

/// Whether nothing comes at the moment. Where all inputs have ended, the end itself is still to be told.
fn is_idle(inputs: &[Input]) -> bool {
    let mut open = inputs.iter().filter(|input| !input.ended).peekable();
    open.peek().is_some() && open.all(|input| input.idle)
}

/// The least watermark of the inputs that count; of all when all are idle, the greatest. One at a barrier counts: it
/// may have spoken again behind it.
fn least(inputs: &[Input]) -> i64 {
    let active = inputs.iter().filter(|input| !input.ended && (!input.idle || input.barrier.is_some()));
    match active.map(|input| input.watermark).min() {
        Some(least) => least,
        None => inputs.iter().map(|input| input.watermark).max().unwrap_or(NO_WATERMARK),
    }
}
