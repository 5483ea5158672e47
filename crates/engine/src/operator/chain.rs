//! A chain: a graph of operators that run in one thread, and how rows and event time flow through it.
//!
//! Rows are pushed: the chain calls an operator with a batch, and what the operator emits reaches its
//! consumers before the call returns. Consumers come after their producers in the chain, so that a running
//! producer can borrow them:
//!
//! ```text
//! entry 0 ──► [0] Calc ──► [2] Join ──► [3] GroupAggregate ──► outlet 0 (a sink)
//! entry 1 ──► [1] Calc ──┘
//! ```
//!
//! Watermarks flow the same way. The subtasks of a producer send rows over an edge; the watermark of an edge
//! is the minimum over these subtasks. The watermark of an input is the minimum over its edges that are not
//! idle. The watermark of an operator is the minimum over its inputs, and the operator is called when it
//! advances.
//!
//! Each row also carries the watermark that its sender had before the row, so that lateness does not depend on
//! how rows are cut into batches. The operator may not advance past what its other senders have reached, so
//! the watermark of a row is bounded by theirs:
//!
//! ```text
//! sender 0   row at 10:00 ── row at 10:30 ── row at 10:05     carried   09:59   09:59   10:29
//! sender 1   has sent all up to 10:10                         bounded   09:59   09:59   10:10   late
//! sender 1   has sent all up to 10:00                         bounded   09:59   09:59   10:00   in time
//! ```

mod parts;
mod snapshot;
mod time;

use crossbeam_channel::Select;
use sql::functions::Env;

use self::time::InputTimes;
use super::changes::{Changes, RowWatermarks};
use crate::state::{StateError, StatePart};
use crate::watermark::NO_WATERMARK;

pub use self::parts::{Operator, OperatorError, Outlet};
pub use self::snapshot::OperatorState;
pub use self::time::{InFlight, StreamTime};

/// The destination of an operator's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainTarget {
    /// An input of a later operator. `place` is the operator's index in the chain; the edge is number
    /// `producer` of that input.
    Operator { place: usize, input: usize, producer: usize },
    /// The index of an outlet of the chain.
    Outlet(usize),
}

/// An operator and its consumers.
pub struct Link {
    pub identity: String,
    /// The operator's type, for people: `GroupAggregate`.
    pub kind: String,
    pub operator: Box<dyn Operator>,
    /// Per input and edge, from this chain and from outside: how many subtasks send its rows.
    pub producers: Vec<Vec<usize>>,
    pub targets: Vec<ChainTarget>,
}

/// The operators of one thread.
pub struct Chain {
    links: Vec<RunningLink>,
    outlets: Vec<Box<dyn Outlet>>,
    env: Env,
}

struct RunningLink {
    identity: String,
    kind: String,
    operator: Box<dyn Operator>,
    inputs: Vec<InputTimes>,
    /// The operator's watermark.
    watermark: i64,
    /// The watermark and idleness that its consumers last received.
    sent: StreamTime,
    targets: Vec<ChainTarget>,
}

/// The surroundings of an operator while it is called: the clock and its consumers.
pub struct Context<'a> {
    env: Env,
    watermark: i64,
    targets: &'a [ChainTarget],
    /// The index in the chain of the first link in `behind`.
    first: usize,
    behind: &'a mut [RunningLink],
    outlets: &'a mut [Box<dyn Outlet>],
}

impl Context<'_> {
    /// Returns the system clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.env.now_ms
    }

    /// Returns the operator's watermark, in milliseconds.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Returns the environment in which expressions are evaluated.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Sends rows to all consumers.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn emit(&mut self, rows: &Changes<'_>) -> Result<(), OperatorError> {
        if rows.rows.is_empty() {
            return Ok(());
        }

        for &target in self.targets {
            match target {
                ChainTarget::Outlet(outlet) => self.outlets[outlet].write(rows, &self.env)?,
                ChainTarget::Operator { place, input, producer } => {
                    let (link, mut context) =
                        borrow_link(self.behind, self.outlets, self.first, place, self.env);
                    let rows = link.bounded(input, producer, rows);
                    link.operator.process(input, &rows, &mut context)?;
                }
            }
        }
        Ok(())
    }
}

/// Borrows the link at `place` from the tail of a chain, whose first link has index `first`, with a context of
/// those after it.
fn borrow_link<'a>(
    tail: &'a mut [RunningLink],
    outlets: &'a mut [Box<dyn Outlet>],
    first: usize,
    place: usize,
    env: Env,
) -> (BorrowedLink<'a>, Context<'a>) {
    let (head, behind) = tail.split_at_mut(place - first + 1);
    let RunningLink { operator, inputs, watermark, sent, targets, .. } = &mut head[place - first];
    let context = Context { env, watermark: *watermark, targets, first: place + 1, behind, outlets };
    (BorrowedLink { operator: &mut **operator, inputs, watermark, sent }, context)
}

/// A link without its targets, which its context holds.
struct BorrowedLink<'a> {
    operator: &'a mut dyn Operator,
    inputs: &'a mut [InputTimes],
    watermark: &'a mut i64,
    sent: &'a mut StreamTime,
}

impl BorrowedLink<'_> {
    /// Returns the combined watermark and idleness of all inputs.
    fn reached(&self) -> StreamTime {
        StreamTime::of_all(self.inputs.iter().map(InputTimes::together))
    }

    /// Returns the rows of a producer with the watermarks that they are judged against: those before each
    /// row, bounded by the watermarks of the other producers of the input.
    fn bounded<'r>(&self, input: usize, producer: usize, rows: &Changes<'r>) -> Changes<'r> {
        let times = &self.inputs[input];
        if times.producers.len() == 1 {
            return *rows;
        }

        let others = times.others(producer);
        let together = times.together().watermark;
        let watermarks = match others > together {
            true => rows.watermarks.bounded(others),
            false => RowWatermarks::All(together),
        };
        Changes { watermarks, ..*rows }
    }
}

impl Chain {
    /// Builds a chain. Consumers must come after their producers in `links`.
    pub fn new(links: Vec<Link>, outlets: Vec<Box<dyn Outlet>>) -> Chain {
        let links = links.into_iter().map(|link| RunningLink {
            identity: link.identity,
            kind: link.kind,
            operator: link.operator,
            inputs: link.producers.iter().map(|edges| InputTimes::new(edges)).collect(),
            watermark: NO_WATERMARK,
            sent: StreamTime::START,
            targets: link.targets,
        });
        Chain { links: links.collect(), outlets, env: Env { now_ms: 0 } }
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Sets the system clock, in milliseconds, for all following calls.
    pub fn set_now(&mut self, now_ms: i64) {
        self.env = Env { now_ms };
    }

    /// Sends rows to a target.
    ///
    /// # Errors
    /// An operator or outlet fails, and with it the job.
    pub fn push(&mut self, target: ChainTarget, rows: &Changes<'_>) -> Result<(), OperatorError> {
        match target {
            ChainTarget::Outlet(outlet) => self.outlets[outlet].write(rows, &self.env),
            ChainTarget::Operator { place, input, producer } => {
                let (link, mut context) = borrow_link(&mut self.links, &mut self.outlets, 0, place, self.env);
                let rows = link.bounded(input, producer, rows);
                link.operator.process(input, &rows, &mut context)
            }
        }
    }

    /// Declares that the producer behind a target sends no rows until it reports that it is not idle: it is a
    /// subtask of a source that has no partitions.
    pub fn expect_no_rows(&mut self, target: ChainTarget) {
        if let ChainTarget::Operator { place, input, producer } = target {
            self.links[place].inputs[input].expect_no_rows(producer);
        }
    }

    /// Advances the watermark of the stream that is pushed to a target, or changes its idleness.
    ///
    /// # Errors
    /// An operator or outlet fails, and with it the job.
    pub fn advance(&mut self, target: ChainTarget, time: StreamTime) -> Result<(), OperatorError> {
        advance(&mut self.links, &mut self.outlets, 0, (target, time), self.env)
    }

    /// Returns the earliest time at which an operator wants to be called for processing time.
    pub fn next_tick(&self) -> Option<i64> {
        self.links.iter().filter_map(|link| link.operator.next_tick()).min()
    }

    /// Calls the operators whose processing time is due.
    ///
    /// # Errors
    /// An operator or outlet fails, and with it the job.
    pub fn tick(&mut self) -> Result<(), OperatorError> {
        for place in 0..self.links.len() {
            if self.links[place].operator.next_tick().is_some_and(|due| due <= self.env.now_ms) {
                let (link, mut context) = borrow_link(&mut self.links, &mut self.outlets, 0, place, self.env);
                link.operator.tick(&mut context)?;
                // The operator may have held its watermark back for the rows that it has just emitted.
                forward_time(&mut self.links, &mut self.outlets, 0, place, self.env)?;
            }
        }
        Ok(())
    }

    /// Returns which rows of any operator still wait for answers from outside.
    pub fn in_flight(&self) -> InFlight {
        self.links.iter().map(|link| link.operator.in_flight()).max().unwrap_or(InFlight::None)
    }

    /// Adds the channels on which answers arrive.
    pub fn watch<'s>(&'s self, select: &mut Select<'s>) {
        self.links.iter().for_each(|link| link.operator.watch(select));
    }

    /// Restores the state of one part into the operator with this identity.
    ///
    /// # Errors
    /// The bytes are not state of this operator.
    pub fn restore(&mut self, identity: &str, part: &StatePart) -> Result<(), StateError> {
        match self.links.iter_mut().find(|link| link.identity == identity) {
            Some(link) => link.operator.restore(part),
            None => Ok(()),
        }
    }

    /// Returns the bytes that each operator holds.
    pub fn memory_bytes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.links.iter().map(|link| (link.identity.as_str(), link.operator.memory_bytes()))
    }

    /// Returns how many rows each operator dropped as late since the last call.
    pub fn take_late(&mut self) -> impl Iterator<Item = (&str, u64)> {
        self.links.iter_mut().map(|link| {
            let late = link.operator.take_late();
            (link.identity.as_str(), late)
        })
    }

    pub fn outlets(&mut self) -> &mut [Box<dyn Outlet>] {
        &mut self.outlets
    }
}

/// Advances the watermark at a target and at everything after it.
fn advance(
    tail: &mut [RunningLink],
    outlets: &mut [Box<dyn Outlet>],
    first: usize,
    (target, time): (ChainTarget, StreamTime),
    env: Env,
) -> Result<(), OperatorError> {
    let (place, input, producer) = match target {
        ChainTarget::Outlet(outlet) => return outlets[outlet].advance(time),
        ChainTarget::Operator { place, input, producer } => (place, input, producer),
    };

    let (link, mut context) = borrow_link(tail, outlets, first, place, env);
    link.inputs[input].advance(producer, time);
    let reached = link.reached();
    if reached.watermark > *link.watermark {
        *link.watermark = reached.watermark;
        context.watermark = reached.watermark;
        link.operator.advance(reached.watermark, &mut context)?;
    }
    forward_time(tail, outlets, first, place, env)
}

/// Sends an operator's watermark and idleness to its consumers, unless they know them already.
fn forward_time(
    tail: &mut [RunningLink],
    outlets: &mut [Box<dyn Outlet>],
    first: usize,
    place: usize,
    env: Env,
) -> Result<(), OperatorError> {
    let (link, context) = borrow_link(tail, outlets, first, place, env);
    let watermark = link.operator.output_watermark(*link.watermark).max(link.sent.watermark);
    // Rows that wait for answers will still come, so the operator is not idle although its input is.
    let is_idle = link.reached().is_idle && link.operator.in_flight() == InFlight::None;
    let time = StreamTime { watermark, is_idle };
    if time == *link.sent {
        return Ok(());
    }
    *link.sent = time;

    let Context { targets, first, behind, outlets, .. } = context;
    for &target in targets {
        advance(behind, outlets, first, (target, time), env)?;
    }
    Ok(())
}
