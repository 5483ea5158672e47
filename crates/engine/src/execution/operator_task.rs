//! A subtask of a vertex of operators: receives messages from the subtasks of other homes, and runs its
//! chain.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Select};
use types::Clock;

use super::alignment::{AlignedBarrier, Gate, align};
use super::control::{Control, Part, PartTimes, SubtaskId};
use super::exchange::EdgeMessage;
use super::handover::StateHandover;
use super::outputs::Outputs;
use super::{ExecutionError, INPUT_WAIT_MAX, TaskMetrics};
use crate::activity::Activity;
use crate::operator::chain::{ChainTarget, InFlight, StreamTime};

pub(super) struct OperatorSubtask {
    pub id: SubtaskId,
    pub inputs: Vec<EdgeInput>,
    pub outputs: Outputs,
    pub clock: Arc<dyn Clock>,
    pub control: Arc<Control>,
    pub metrics: Arc<TaskMetrics>,
    /// Bytes received since the last measurement of memory, and the bytes after which it is measured again.
    pub unmeasured: usize,
    pub measure_after: usize,
}

/// A channel from a subtask of another home.
pub(super) struct EdgeInput {
    pub channel: Receiver<EdgeMessage>,
    /// Per edge of the plan: the target of its rows. Edges of other homes have none.
    pub targets: Vec<Option<ChainTarget>>,
    pub gate: Gate,
}

impl OperatorSubtask {
    pub fn run(mut self) -> Result<(), ExecutionError> {
        while !self.control.is_cancelled() {
            let before = self.clock.elapsed();
            self.metrics.at(Activity::Receive);
            let received = self.receive();
            let start = self.clock.elapsed();
            TaskMetrics::add_time(&self.metrics.idle_ns, start.saturating_sub(before));

            self.metrics.at(Activity::Merge);
            let env = sql::functions::Env { now_ms: self.clock.now().0 };
            self.outputs.tick(&env)?;
            if let Some((input, message)) = received {
                self.take(input, message)?;
            }
            self.align()?;

            let spent = self.clock.elapsed().saturating_sub(start + self.outputs.book());
            TaskMetrics::add_time(&self.metrics.busy_ns, spent);
            let is_waiting = self.outputs.chain.in_flight() != InFlight::None;
            if self.inputs.iter().all(|input| input.gate.has_ended()) && !is_waiting {
                return self.end();
            }
        }
        Ok(())
    }

    /// Returns the next message of any readable input. Inputs take turns, so that a busy one does not hold
    /// another back. Returns `None` after a while without messages, and when answers for waiting rows have
    /// arrived.
    fn receive(&self) -> Option<(usize, EdgeMessage)> {
        let chain = &self.outputs.chain;
        let is_full = chain.in_flight() == InFlight::Full;
        let is_read = |&index: &usize| !is_full && self.inputs[index].gate.is_open();
        let read: Vec<usize> = (0..self.inputs.len()).filter(is_read).collect();
        let mut select = Select::new();
        read.iter().for_each(|&index| {
            select.recv(&self.inputs[index].channel);
        });
        chain.watch(&mut select);

        // The channels of answers come after the inputs.
        let index = *read.get(select.ready_timeout(INPUT_WAIT_MAX).ok()?)?;
        // A sender that is gone without an end has failed or was cancelled; the control reports it.
        let message = self.inputs[index].channel.try_recv().ok()?;
        Some((index, message))
    }

    fn take(&mut self, index: usize, message: EdgeMessage) -> Result<(), ExecutionError> {
        let input = &mut self.inputs[index];

        match message {
            EdgeMessage::Rows { edge, rows, claim } => {
                TaskMetrics::add(&self.metrics.records_in, rows.len() as u64);
                TaskMetrics::add(&self.metrics.batches_in, 1);
                self.unmeasured += claim.bytes();
                if let Some(target) = input.targets[edge] {
                    rows.lend(|changes| self.outputs.chain.push(target, changes))?;
                }
                drop(claim);

                if self.unmeasured >= self.measure_after {
                    self.unmeasured = 0;
                    self.measure();
                }
            }
            EdgeMessage::Time { edge, time } => {
                if let Some(target) = input.targets[edge] {
                    self.outputs.chain.advance(target, time)?;
                }
            }
            EdgeMessage::Barrier(barrier) => {
                input.gate.close(barrier, self.clock.elapsed());
            }
            EdgeMessage::End => {
                input.gate.end();
                let targets: Vec<ChainTarget> = input.targets.iter().copied().flatten().collect();
                for target in targets {
                    self.outputs.chain.advance(target, StreamTime::END)?;
                }
            }
        }

        Ok(())
    }

    /// Contributes to a snapshot once the barriers of all inputs have arrived.
    fn align(&mut self) -> Result<(), ExecutionError> {
        let Some(AlignedBarrier { barrier, first }) = align(&mut self.inputs, |input| &mut input.gate) else {
            return Ok(());
        };

        self.metrics.at(Activity::Snapshot);
        let began = self.clock.elapsed();

        // Results before the barrier must be durable before the subtask contributes its part.
        self.outputs.barrier(barrier);
        self.outputs.flush()?;

        let of = (barrier, self.id);
        if let Some(operators) = StateHandover::of_chain(&self.control, of, &self.outputs.chain) {
            let times = PartTimes {
                began,
                aligning: began.saturating_sub(first),
                taking: self.clock.elapsed().saturating_sub(began),
            };
            self.control.contribute(Part {
                barrier,
                of: self.id,
                source: None,
                state: None,
                operators,
                times: Some(times),
                queued: None,
            });
        }
        self.measure();

        self.inputs.iter_mut().for_each(|input| input.gate.open());
        Ok(())
    }

    fn end(&mut self) -> Result<(), ExecutionError> {
        self.metrics.at(Activity::Fire);
        self.outputs.end()?;
        self.outputs.book();
        self.measure();
        self.control.finish(Part {
            barrier: self.control.barrier(),
            of: self.id,
            source: None,
            state: None,
            operators: self.outputs.image(),
            times: Some(PartTimes { began: self.clock.elapsed(), ..PartTimes::default() }),
            queued: None,
        });
        Ok(())
    }

    fn measure(&mut self) {
        let held = self.outputs.measure();
        self.metrics.hold(held);
    }
}
