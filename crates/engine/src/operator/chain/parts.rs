//! What a chain consists of: operators and outlets, and how they fail.

use crossbeam_channel::Select;
use sql::functions::{Env, EvalError};

use super::{Context, InFlight, StreamTime};
use crate::connector::ConnectorError;
use crate::operator::changes::Changes;
use crate::state::{StateError, StatePart, StateWriter};

/// A step between the scans and the sinks.
///
/// An implementation is a pure function of its calls: it never blocks, never reads a clock and never touches files. Its
/// answer must not depend on how rows are cut into batches.
pub trait Operator: Send {
    /// Takes rows of one input.
    ///
    /// # Errors
    /// The job fails: a value could not be computed, or a consumer could not take a row.
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError>;

    /// All inputs have come to this event time (ms): whatever was due before fires. `i64::MAX` is the end of time.
    ///
    /// # Errors
    /// As [`process`](Operator::process).
    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// The event time up to which nothing more will be emitted, once all inputs have come to `watermark`.
    fn output_watermark(&self, watermark: i64) -> i64;

    /// When the operator wants to be called for processing time next, ms of the system clock.
    fn next_tick(&self) -> Option<i64>;

    /// Processing time has come to `context.now_ms()`.
    ///
    /// # Errors
    /// As [`process`](Operator::process).
    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// Adds the state to an image: all entries of the key groups that the writer takes. It may be called several times for one
    /// image, and must write the same maps in the same order each time.
    fn snapshot(&self, out: &mut StateWriter);

    /// Takes the part of an image that one key group of this subtask's holds; called before anything else.
    ///
    /// # Errors
    /// The bytes are something else.
    fn restore(&mut self, part: &StatePart) -> Result<(), StateError>;

    /// Bytes held, about.
    fn memory_bytes(&self) -> usize;

    /// How many rows were dropped since the last call because they came too late.
    fn take_late(&mut self) -> u64;

    /// The rows that wait for answers from outside. The default is for operators that ask nobody.
    fn in_flight(&self) -> InFlight {
        InFlight::None
    }

    /// Adds the channels on which answers come: an operator with rows in flight is called for processing time when one
    /// did. The default is for operators that ask nobody.
    fn watch<'s>(&'s self, _select: &mut Select<'s>) {}
}

/// Why an operator cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("`{operator}` could not compute a row")]
    Evaluate { operator: String, source: EvalError },
    /// What the rows hold makes the query fail, as in Flink.
    #[error("`{operator}`: {what}")]
    Rows { operator: String, what: String },
    #[error(transparent)]
    Sink(#[from] ConnectorError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Takes what leaves a chain: a sink, or a channel to another thread.
pub trait Outlet: Send {
    /// # Errors
    /// The job fails.
    fn write(&mut self, rows: &Changes<'_>, env: &Env) -> Result<(), OperatorError>;

    /// Where the stream that is written stands now.
    ///
    /// # Errors
    /// The job fails.
    fn advance(&mut self, time: StreamTime) -> Result<(), OperatorError>;

    /// What is written from now on is no part of this snapshot, and what was written before is.
    fn barrier(&mut self, _snapshot: u64) {}

    /// Returns when everything written is durable.
    ///
    /// # Errors
    /// The job fails.
    fn flush(&mut self) -> Result<(), OperatorError>;
}
