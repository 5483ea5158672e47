//! Where the rows of a subtask go: sinks that queries write by themselves, and the operators of the subtask's home.

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
use crate::window::{Output, WindowError};

/// See the module's text.
pub(super) struct Outputs {
    pub sinks: Sinks,
    pub chain: Chain,
    /// By query of the pipeline: the operators that take its rows.
    pub entries: Vec<Vec<ChainTarget>>,
    /// To the subtasks of other homes.
    pub channels: Vec<Sender<EdgeMessage>>,
    /// Where the operators were told that the pipeline stands.
    pub told: StreamTime,
    /// What the operators hold, one part each; `None` where there are none.
    pub holder: Option<Holder>,
    pub metrics: Arc<TaskMetrics>,
}

impl Outputs {
    /// Whether operators take rows of a query.
    pub fn feeds_operators(&self, query: usize) -> bool {
        !self.entries[query].is_empty()
    }

    /// Hands rows of a query to the operators that take them.
    pub fn push(&mut self, query: usize, rows: &Changes<'_>) -> Result<(), OperatorError> {
        for &target in &self.entries[query] {
            self.chain.push(target, rows)?;
        }
        Ok(())
    }

    /// The pipeline stands here, and everything before has been written.
    pub fn advance(&mut self, time: StreamTime) -> Result<(), ExecutionError> {
        if time.watermark > self.told.watermark {
            self.sinks.watermark(time.watermark)?;
        }
        let time = StreamTime { watermark: time.watermark.max(self.told.watermark), ..time };
        if time == self.told {
            return Ok(());
        }
        self.told = time;
        for targets in &self.entries {
            for &target in targets {
                self.chain.advance(target, time)?;
            }
        }
        Ok(())
    }

    /// The system clock, ms: operators that wait for it go on.
    pub fn tick(&mut self, env: &Env) -> Result<(), ExecutionError> {
        self.chain.set_now(env.now_ms);
        if self.chain.next_tick().is_some_and(|due| due <= env.now_ms) {
            self.chain.tick()?;
        }
        Ok(())
    }

    /// See [`Sinks::show`].
    pub fn show(&mut self, since: Option<Timestamp>) {
        self.sinks.show(since);
    }

    /// Books rows that operators dropped because they came too late; then as [`Sinks::book_blocked`].
    pub fn book(&mut self) -> Duration {
        let operators = self.metrics.operators.get().map_or(&[][..], Vec::as_slice);
        for ((_, late), operator) in self.chain.take_late().zip(operators).filter(|((_, late), _)| *late > 0)
        {
            TaskMetrics::add(&operator.late, late);
            TaskMetrics::add(&self.metrics.late, late);
        }
        self.sinks.book_blocked()
    }

    /// Returns when everything written is durable.
    pub fn flush(&mut self) -> Result<(), ExecutionError> {
        for outlet in self.chain.outlets() {
            outlet.flush()?;
        }
        Ok(self.sinks.flush()?)
    }

    /// Tells sinks and other homes of a snapshot: all that belongs to it is on its way.
    pub fn barrier(&mut self, barrier: u64) {
        self.chain.outlets().iter_mut().for_each(|outlet| outlet.barrier(barrier));
        for channel in &self.channels {
            // A subtask that is gone has failed or was cancelled; the control says so.
            let _ = channel.send(EdgeMessage::Barrier(barrier));
        }
    }

    /// Nothing more will come: everything closes.
    pub fn end(&mut self) -> Result<(), ExecutionError> {
        self.advance(StreamTime::END)?;
        self.flush()?;
        for channel in &self.channels {
            let _ = channel.send(EdgeMessage::End);
        }
        Ok(())
    }

    /// The state of the operators, all at once.
    pub fn image(&self) -> Vec<OperatorState> {
        let mut states = Vec::new();
        self.chain.hand_over(&mut |state| {
            states.push(state);
            true
        });
        states
    }

    /// Tells what each operator holds; the bytes of all.
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

impl Output for Outputs {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), WindowError> {
        self.sinks.write(rows)?;
        // Operators take what is final, and what corrects it; a result that will change is for readers alone.
        if rows.stage == Stage::Final && self.feeds_operators(rows.query) {
            let changes = Changes {
                columns: rows.columns,
                rows: rows.rows,
                kinds: rows.kinds,
                watermarks: RowWatermarks::All(self.told.watermark),
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
