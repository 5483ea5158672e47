//! The parts of a chain: operators, outlets, and their errors.

use crossbeam_channel::Select;
use sql::error::quoted;
use sql::functions::{Env, EvalError};

use super::{Context, InFlight, StreamTime};
use crate::connector::ConnectorError;
use crate::operator::changes::Changes;
use crate::state::{StateError, StatePart, StateWriter};

/// A step between the scans and the sinks.
///
/// An implementation is a pure function of its calls: it never blocks, never reads a clock and never touches
/// files. Its output must not depend on how rows are cut into batches.
pub trait Operator: Send {
    /// Processes rows of one input.
    ///
    /// # Errors
    /// A value cannot be computed, or a consumer cannot take a row. The job fails.
    fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError>;

    /// Advances the operator's watermark (ms): everything due before it fires. `i64::MAX` is the end of time.
    ///
    /// # Errors
    /// As [`process`](Operator::process).
    fn advance(&mut self, watermark: i64, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// Returns the watermark of the output once the watermark of all inputs is `watermark`.
    fn output_watermark(&self, watermark: i64) -> i64;

    /// Returns the next processing time at which to call [`tick`](Operator::tick), in milliseconds of the
    /// system clock.
    fn next_tick(&self) -> Option<i64>;

    /// Is called when processing time has reached `context.now_ms()`.
    ///
    /// # Errors
    /// As [`process`](Operator::process).
    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError>;

    /// Writes the state: all entries of the key groups that the writer takes. It may be called several times
    /// for one image, and must write the same maps in the same order each time.
    fn snapshot(&self, out: &mut StateWriter);

    /// Restores one key group of this subtask from a part of an image. Called before anything else.
    ///
    /// # Errors
    /// The bytes are not state of this operator.
    fn restore(&mut self, part: &StatePart) -> Result<(), StateError>;

    /// Returns the approximate bytes held.
    fn memory_bytes(&self) -> usize;

    /// Returns how many rows were dropped as late since the last call.
    fn take_late(&mut self) -> u64;

    /// Returns whether rows wait for answers from outside. The default is for operators without outside
    /// requests.
    fn in_flight(&self) -> InFlight {
        InFlight::None
    }

    /// Adds the channels on which answers arrive. An operator with rows in flight is ticked when an answer
    /// has arrived. The default is for operators without outside requests.
    fn watch<'s>(&'s self, _select: &mut Select<'s>) {}
}

/// The reason why an operator cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("`{operator}` could not compute a row")]
    Evaluate { operator: String, source: EvalError },
    /// The content of the rows makes the query fail, as in Flink. `what` may quote values of rows.
    #[error("`{operator}`: {}", quoted(what.clone()))]
    Rows { operator: String, what: String },
    #[error(transparent)]
    Sink(#[from] ConnectorError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// The end of a chain: a sink, or a channel to another thread.
pub trait Outlet: Send {
    /// Writes rows.
    ///
    /// # Errors
    /// The rows cannot be written; the job fails.
    fn write(&mut self, rows: &Changes<'_>, env: &Env) -> Result<(), OperatorError>;

    /// Advances the watermark of the written stream, or changes its idleness.
    ///
    /// # Errors
    /// The job fails.
    fn advance(&mut self, time: StreamTime) -> Result<(), OperatorError>;

    /// Marks the barrier of a snapshot: rows written before are part of it, rows written from now on are not.
    fn barrier(&mut self, _snapshot: u64) {}

    /// Returns once everything written is durable.
    ///
    /// # Errors
    /// The job fails.
    fn flush(&mut self) -> Result<(), OperatorError>;
}
