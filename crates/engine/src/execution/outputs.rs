//! The outputs of a subtask: sinks that queries write to directly, and the operators of the subtask's home.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;
use sql::functions::Env;
use types::Timestamp;

use super::exchange::EdgeMessage;
use super::io::Sinks;
use super::{ExecutionError, TaskMetrics};
use crate::connector::{Rows, Stage};
use crate::memory::Holder;
use crate::operator::chain::{Chain, ChainTarget, OperatorError, OperatorState, StreamTime};
use crate::operator::changes::{Changes, RowWatermarks};
use crate::window::{Aggregation, WindowError, WindowOutput};

/// The outputs of a subtask; see the module documentation.
pub(super) struct Outputs {
    pub sinks: Sinks,
    pub chain: Chain,
    /// Per query of the pipeline: the operators that take its rows.
    pub entries: Vec<Vec<ChainTarget>>,
    /// Channels to the subtasks of other homes.
    pub channels: Vec<Sender<EdgeMessage>>,
    /// The watermark and idleness last sent to the operators.
    pub sent: StreamTime,
    /// The memory of the operators, one part each; `None` if there are none.
    pub holder: Option<Holder>,
    pub metrics: Arc<TaskMetrics>,
}

impl Outputs {
    /// Returns whether operators take rows of a query.
    pub fn feeds_operators(&self, query: usize) -> bool {
        !self.entries[query].is_empty()
    }

    /// Sends rows of a query to the operators that take them.
    pub fn push(&mut self, query: usize, rows: &Changes<'_>) -> Result<(), OperatorError> {
        for &target in &self.entries[query] {
            self.chain.push(target, rows)?;
        }
        Ok(())
    }

    /// Advances the watermark of the pipeline, after all earlier rows were written.
    pub fn advance(&mut self, time: StreamTime) -> Result<(), ExecutionError> {
        if time.watermark > self.sent.watermark {
            self.sinks.watermark(time.watermark)?;
        }
        let time = StreamTime { watermark: time.watermark.max(self.sent.watermark), ..time };
        if time == self.sent {
            return Ok(());
        }
        self.sent = time;
        for targets in &self.entries {
            for &target in targets {
                self.chain.advance(target, time)?;
            }
        }
        Ok(())
    }

    /// Sets the processing time for the rows that follow.
    pub fn set_now(&mut self, env: &Env) {
        self.chain.set_now(env.now_ms);
    }

    /// Advances the processing time, for operators that wait for it.
    pub fn tick(&mut self, env: &Env) -> Result<(), ExecutionError> {
        self.set_now(env);
        if self.chain.next_tick().is_some_and(|due| due <= env.now_ms) {
            self.chain.tick()?;
        }
        Ok(())
    }

    /// See [`Sinks::show`].
    pub fn show(&mut self, since: Option<Timestamp>) {
        self.sinks.show(since);
    }

    /// Books the rows that operators dropped as late; then as [`Sinks::book_blocked`].
    pub fn book(&mut self) -> Duration {
        let operators = self.metrics.operators.get().map_or(&[][..], Vec::as_slice);
        for ((_, late), operator) in self.chain.take_late().zip(operators).filter(|((_, late), _)| *late > 0)
        {
            TaskMetrics::add(&operator.late, late);
            TaskMetrics::add(&self.metrics.late, late);
        }
        self.sinks.book_blocked()
    }

    /// Returns once everything written is durable.
    pub fn flush(&mut self) -> Result<(), ExecutionError> {
        for outlet in self.chain.outlets() {
            outlet.flush()?;
        }
        Ok(self.sinks.flush()?)
    }

    /// Sends the barrier of a snapshot to sinks and other homes; everything that belongs to the snapshot was
    /// sent before.
    pub fn barrier(&mut self, barrier: u64) {
        self.chain.outlets().iter_mut().for_each(|outlet| outlet.barrier(barrier));
        for channel in &self.channels {
            // A subtask that is gone has failed or was cancelled; the control reports it.
            let _ = channel.send(EdgeMessage::Barrier(barrier));
        }
    }

    /// Ends the input: everything closes.
    pub fn end(&mut self) -> Result<(), ExecutionError> {
        self.advance(StreamTime::END)?;
        self.flush()?;
        for channel in &self.channels {
            let _ = channel.send(EdgeMessage::End);
        }
        Ok(())
    }

    /// Returns the whole state of the operators.
    pub fn image(&self) -> Vec<OperatorState> {
        let mut states = Vec::new();
        self.chain.for_each_state(&mut |state| {
            states.push(state);
            true
        });
        states
    }

    /// Reports the open windows of each query, and their groups.
    pub fn measure_windows(&self, aggregation: &Aggregation) {
        let outputs = self.metrics.outputs.get().map_or(&[][..], Vec::as_slice);
        aggregation.for_each_unit(&mut |queries, windows, groups| {
            queries.iter().filter_map(|&query| outputs.get(query)).for_each(|of| of.hold(windows, groups));
        });
    }

    /// Reports the bytes that each operator holds; returns their sum.
    pub fn measure(&mut self) -> usize {
        let Some(holder) = &mut self.holder else { return 0 };
        let parts: Vec<usize> = self.chain.memory_bytes().map(|(_, bytes)| bytes).collect();
        let operators = self.metrics.operators.get().map_or(&[][..], Vec::as_slice);
        for (operator, &bytes) in operators.iter().zip(&parts) {
            operator.state_bytes.store(bytes as u64, Ordering::Relaxed);
        }
        holder.tell(&parts);
        holder.held()
    }
}

impl WindowOutput for Outputs {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), WindowError> {
        self.sinks.write(rows)?;
        // Operators take final results and their corrections; a result that will still change goes only to
        // sinks.
        if rows.stage == Stage::Final && self.feeds_operators(rows.query) {
            let changes = Changes {
                columns: rows.columns,
                rows: rows.rows,
                kinds: rows.kinds,
                watermarks: RowWatermarks::All(self.sent.watermark),
            };
            self.push(rows.query, &changes).map_err(Box::new)?;
        }
        Ok(())
    }
}

impl From<OperatorError> for ExecutionError {
    fn from(error: OperatorError) -> ExecutionError {
        match error {
            OperatorError::Sink(error) => ExecutionError::Connector(error),
            error => ExecutionError::Operator(Box::new(error)),
        }
    }
}
