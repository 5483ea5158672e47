//! A global subtask: owns the state of its key groups, fed by shipments of all source subtasks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use sql::functions::Env;
use types::Clock;

use super::control::Control;
use super::io::Sinks;
use super::{ExecutionError, TaskMetrics};
use crate::watermark::NO_WATERMARK;
use crate::window::{Aggregation, Receiving, Shipment};

/// What a source subtask sends.
#[derive(Debug)]
pub(super) enum Message {
    /// Partials, and where the sender stands after them.
    Rows { shipment: Box<Shipment>, standing: Standing },
    /// Nothing more will come.
    End,
}

/// A sender's event time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub watermark: i64,
    /// All of its partitions are silent: it holds nobody back.
    pub idle: bool,
}

pub(super) struct GlobalSubtask {
    /// One a source subtask.
    pub inputs: Vec<Receiver<Message>>,
    pub aggregation: Aggregation,
    pub sinks: Sinks,
    pub early_fire: Option<Duration>,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub metrics: Arc<TaskMetrics>,
}

/// An input, as far as it has come.
struct Input {
    receiving: Receiving,
    watermark: i64,
    idle: bool,
    ended: bool,
}

/// The longest wait for input, so that a cancelled job ends soon.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl GlobalSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        let mut inputs: Vec<Input> = self.inputs.iter().map(|_| Input::new()).collect();
        let mut changed = false;
        let mut last_early = self.clock.elapsed();
        while !self.control.is_cancelled() {
            let before = self.clock.elapsed();
            let wait = match self.early_fire {
                Some(pause) if changed => LONGEST_WAIT.min((last_early + pause).saturating_sub(before)),
                _ => LONGEST_WAIT,
            };
            let received = self.receive(&inputs, wait);
            let start = self.clock.elapsed();
            TaskMetrics::add_time(&self.metrics.idle_ns, start.saturating_sub(before));
            if let Some((index, message)) = received {
                changed |= self.take(&mut inputs, index, message);
            }
            let env = Env { now_ms: self.clock.now().0 };
            let watermark = least(&inputs);
            if watermark >= self.aggregation.next_event() {
                self.aggregation.advance(watermark, &env, &mut self.sinks)?;
                let mut receiving: Vec<Receiving> =
                    inputs.iter_mut().map(|input| std::mem::take(&mut input.receiving)).collect();
                self.aggregation.compact_if_grown(&mut receiving);
                inputs.iter_mut().zip(receiving).for_each(|(input, receiving)| input.receiving = receiving);
                self.metrics.state_bytes.store(self.aggregation.memory_bytes() as u64, Ordering::Relaxed);
            }
            if watermark > self.metrics.watermark.swap(watermark, Ordering::Relaxed) {
                self.sinks.watermark(watermark)?;
            }
            if let Some(pause) = self.early_fire
                && changed
                && start.saturating_sub(last_early) >= pause
            {
                self.aggregation.early(&env, &mut self.sinks)?;
                last_early = start;
                changed = false;
            }
            TaskMetrics::add_time(&self.metrics.busy_ns, self.clock.elapsed().saturating_sub(start));
            if inputs.iter().all(|input| input.ended) {
                self.aggregation.advance(i64::MAX, &env, &mut self.sinks)?;
                self.sinks.watermark(i64::MAX)?;
                self.sinks.flush()?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next message of any input that has not ended.
    fn receive(&self, inputs: &[Input], wait: Duration) -> Option<(usize, Message)> {
        let open: Vec<usize> = (0..inputs.len()).filter(|&index| !inputs[index].ended).collect();
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

    fn take(&mut self, inputs: &mut [Input], index: usize, message: Message) -> bool {
        TaskMetrics::add(&self.metrics.batches_in, 1);
        let input = &mut inputs[index];
        match message {
            Message::Rows { shipment, standing } => {
                let changed = !shipment.is_empty();
                self.aggregation.receive(&mut input.receiving, *shipment);
                input.watermark = input.watermark.max(standing.watermark);
                input.idle = standing.idle;
                changed
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
        Input { receiving: Receiving::default(), watermark: NO_WATERMARK, idle: false, ended: false }
    }
}

/// The least watermark of the inputs that count; of all when all are idle, the greatest.
fn least(inputs: &[Input]) -> i64 {
    let active = inputs.iter().filter(|input| !input.idle && !input.ended);
    match active.map(|input| input.watermark).min() {
        Some(least) => least,
        None => inputs.iter().map(|input| input.watermark).max().unwrap_or(NO_WATERMARK),
    }
}
