//! The exchange: sends rows from the subtasks of one home to those of another through bounded channels.
//!
//! One channel connects two subtasks and carries all edges between their homes, in order, so that a watermark
//! never overtakes rows, and a barrier has the same position for all edges.

use std::sync::Arc;

use crossbeam_channel::Sender;
use sql::functions::Env;
use sql::plan::operator::Distribution;
use types::{Clock, Repr, Timestamp};

use super::progress::send_with_backpressure;
use crate::connector::{Rows, Sink, Stage};
use crate::memory::{Account, Claim};
use crate::metrics::TaskMetrics;
use crate::operator::chain::{OperatorError, Outlet, StreamTime};
use crate::operator::changes::{ChangeBuffer, Changes};
use crate::row;
use crate::selection::Selection;
use crate::state::key_group;
use crate::window::owner;

/// The most messages in a channel between two subtasks.
pub(super) const CHANNEL_MESSAGES: usize = 8;

/// A message from a subtask to another one.
pub(super) enum EdgeMessage {
    Rows {
        edge: usize,
        rows: Box<ChangeBuffer>,
        claim: Claim,
    },
    /// The watermark and idleness of an edge's stream; all earlier rows have been sent.
    Time {
        edge: usize,
        time: StreamTime,
    },
    /// Everything that belongs to a snapshot has been sent.
    Barrier(u64),
    /// Nothing more will come.
    End,
}

/// Sends the rows of one edge.
pub(super) struct EdgeOutlet {
    pub edge: usize,
    pub distribution: Distribution,
    /// One channel per receiving subtask.
    pub channels: Vec<Sender<EdgeMessage>>,
    pub reprs: Vec<Repr>,
    /// The number of the sending subtask: rows without a key order go to the subtask with the same number.
    pub subtask: usize,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<TaskMetrics>,
    pub memory: Arc<Account>,
    pub key: Vec<u8>,
}

impl EdgeOutlet {
    fn send(&self, to: usize, message: EdgeMessage) {
        send_with_backpressure(&self.channels[to], message, &*self.clock, &self.metrics);
    }
}

impl Outlet for EdgeOutlet {
    fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
        let of = self.channels.len();
        let mut buffers: Vec<Option<Box<ChangeBuffer>>> = (0..of).map(|_| None).collect();
        for at in rows.places() {
            let to = match &self.distribution {
                Distribution::Single => 0,
                Distribution::Forward => self.subtask % of,
                Distribution::Hash(fields) => {
                    self.key.clear();
                    row::write_all(rows.values(fields, at), &mut self.key);
                    owner(key_group(&self.key), of as u32) as usize
                }
            };
            let buffer = buffers[to].get_or_insert_with(|| Box::new(ChangeBuffer::new(&self.reprs)));
            buffer.push_row(rows.kind(at), rows.watermark(at), rows.columns, at);
        }

        for (to, rows) in buffers.into_iter().enumerate() {
            if let Some(rows) = rows {
                let claim = self.memory.claim(rows.memory_bytes());
                self.send(to, EdgeMessage::Rows { edge: self.edge, rows, claim });
            }
        }
        Ok(())
    }

    fn advance(&mut self, time: StreamTime) -> Result<(), OperatorError> {
        for to in 0..self.channels.len() {
            self.send(to, EdgeMessage::Time { edge: self.edge, time });
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// Writes the rows that leave the graph.
pub(super) struct SinkOutlet {
    pub sink: Box<dyn Sink>,
    /// The index of the query in the plan, which gives output a stable order.
    pub query: usize,
    /// The place of its metrics among those of the subtask's outputs.
    pub output: usize,
    pub metrics: Arc<TaskMetrics>,
}

impl Outlet for SinkOutlet {
    fn write(&mut self, rows: &Changes<'_>, env: &Env) -> Result<(), OperatorError> {
        let selection: Selection<'_> = rows.rows;
        TaskMetrics::add(&self.metrics.records_out, selection.len() as u64);
        self.sink.write(&Rows {
            query: self.query,
            columns: rows.columns,
            rows: selection,
            kinds: rows.kinds,
            window: None,
            stage: Stage::Final,
            revisions: &[],
            records: None,
        })?;
        TaskMetrics::add(&self.metrics.bytes_out, self.sink.take_bytes());
        TaskMetrics::add_time(&self.metrics.backpressured_ns, self.sink.take_blocked());
        if let Some(output) = self.metrics.outputs.get().and_then(|outputs| outputs.get(self.output)) {
            output.wrote(selection.len() as u64, Timestamp(env.now_ms), None, Stage::Final);
        }
        Ok(())
    }

    fn advance(&mut self, time: StreamTime) -> Result<(), OperatorError> {
        Ok(self.sink.watermark(types::EventTime(time.watermark))?)
    }

    fn barrier(&mut self, snapshot: u64) {
        self.sink.barrier(snapshot);
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(self.sink.flush()?)
    }
}
