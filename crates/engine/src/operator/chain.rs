//! A chain: the operators that run in one thread, as a graph, and how rows and time flow through them.
//!
//! Rows are pushed: an operator is called with a batch, and what it emits is handed to its consumers before the call
//! returns. Consumers stand behind their producers in the chain, so that a producer may hold them while it runs:
//!
//! ```text
//! entry 0 ──► [0] Calc ──► [2] Join ──► [3] GroupAggregate ──► outlet 0 (a sink)
//! entry 1 ──► [1] Calc ──┘
//! ```
//!
//! Event time flows the same way. An edge, by which the subtasks of a producer send rows, stands where the slowest of them
//! stands. An input of an operator stands where the slowest of its edges stands that is not idle; an operator stands where
//! its slowest input stands, and hears of it when that moves on.

mod handing;
mod parts;
mod time;

use crossbeam_channel::Select;
use sql::functions::Env;

use self::time::InputTimes;
use super::changes::{Changes, RowWatermarks};
use crate::state::{StateError, StatePart};
use crate::watermark::NO_WATERMARK;

pub use self::handing::OperatorState;
pub use self::parts::{Operator, OperatorError, Outlet};
pub use self::time::{InFlight, StreamTime};

/// Where the rows of an operator in a chain go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainTarget {
    /// An input of an operator further behind, by its place in the chain. The edge is the `producer`th of that input.
    Operator { place: usize, input: usize, producer: usize },
    /// By place in the chain's outlets.
    Outlet(usize),
}

/// An operator and its consumers.
pub struct Link {
    pub identity: String,
    /// What it is, for people: `GroupAggregate`.
    pub kind: String,
    pub operator: Box<dyn Operator>,
    /// By input and edge, in this chain and from outside: how many subtasks send its rows.
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
    /// Where the operator stands.
    watermark: i64,
    /// What its consumers were told.
    told: StreamTime,
    targets: Vec<ChainTarget>,
}

/// What an operator may do while it is called.
pub struct Context<'a> {
    env: Env,
    targets: &'a [ChainTarget],
    /// The place of the first of `behind`.
    first: usize,
    behind: &'a mut [RunningLink],
    outlets: &'a mut [Box<dyn Outlet>],
}

impl Context<'_> {
    /// Milliseconds of the system clock.
    pub fn now_ms(&self) -> i64 {
        self.env.now_ms
    }

    /// For expressions.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Hands rows to all consumers.
    ///
    /// # Errors
    /// A consumer could not take a row.
    pub fn emit(&mut self, rows: &Changes<'_>) -> Result<(), OperatorError> {
        if rows.rows.is_empty() {
            return Ok(());
        }
        for &target in self.targets {
            match target {
                ChainTarget::Outlet(outlet) => self.outlets[outlet].write(rows, &self.env)?,
                ChainTarget::Operator { place, input, .. } => {
                    let (link, mut context) = split(self.behind, self.outlets, self.first, place, self.env);
                    let rows = link.stamped(input, rows);
                    link.operator.process(input, &rows, &mut context)?;
                }
            }
        }
        Ok(())
    }
}

/// An operator of a chain's tail, whose first stands at place `first`, with a context of those behind it.
fn split<'a>(
    tail: &'a mut [RunningLink],
    outlets: &'a mut [Box<dyn Outlet>],
    first: usize,
    place: usize,
    env: Env,
) -> (Lent<'a>, Context<'a>) {
    let (head, behind) = tail.split_at_mut(place - first + 1);
    let RunningLink { operator, inputs, watermark, told, targets, .. } = &mut head[place - first];
    let link = Lent { operator: &mut **operator, inputs, watermark, told };
    (link, Context { env, targets, first: place + 1, behind, outlets })
}

/// A link without its targets, which its context holds.
struct Lent<'a> {
    operator: &'a mut dyn Operator,
    inputs: &'a mut [InputTimes],
    watermark: &'a mut i64,
    told: &'a mut StreamTime,
}

impl Lent<'_> {
    /// Where the inputs stand together.
    fn reached(&self) -> StreamTime {
        StreamTime::of_all(self.inputs.iter().map(InputTimes::together))
    }

    /// Rows as the operator judges them. One producer knows how far event time has come before each of its rows; of
    /// several none knows how far the others are, so that only where they all stand may make a row late.
    fn stamped<'r>(&self, input: usize, rows: &Changes<'r>) -> Changes<'r> {
        if self.inputs[input].producers.len() == 1 {
            return *rows;
        }
        let all = self.inputs[input].together().watermark;
        Changes { watermarks: RowWatermarks::All(all), ..*rows }
    }
}

impl Chain {
    /// Consumers must stand behind their producers.
    pub fn new(links: Vec<Link>, outlets: Vec<Box<dyn Outlet>>) -> Chain {
        let links = links.into_iter().map(|link| RunningLink {
            identity: link.identity,
            kind: link.kind,
            operator: link.operator,
            inputs: link.producers.iter().map(|edges| InputTimes::new(edges)).collect(),
            watermark: NO_WATERMARK,
            told: StreamTime::START,
            targets: link.targets,
        });
        Chain { links: links.collect(), outlets, env: Env { now_ms: 0 } }
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The system clock, ms, for all that follows.
    pub fn set_now(&mut self, now_ms: i64) {
        self.env = Env { now_ms };
    }

    /// Hands rows to a target.
    ///
    /// # Errors
    /// The job fails.
    pub fn push(&mut self, target: ChainTarget, rows: &Changes<'_>) -> Result<(), OperatorError> {
        match target {
            ChainTarget::Outlet(outlet) => self.outlets[outlet].write(rows, &self.env),
            ChainTarget::Operator { place, input, .. } => {
                let (link, mut context) = split(&mut self.links, &mut self.outlets, 0, place, self.env);
                let rows = link.stamped(input, rows);
                link.operator.process(input, &rows, &mut context)
            }
        }
    }

    /// The stream that is pushed to a target stands here now.
    ///
    /// # Errors
    /// The job fails.
    pub fn advance(&mut self, target: ChainTarget, time: StreamTime) -> Result<(), OperatorError> {
        advance(&mut self.links, &mut self.outlets, 0, (target, time), self.env)
    }

    /// When some operator wants to be called for processing time.
    pub fn next_tick(&self) -> Option<i64> {
        self.links.iter().filter_map(|link| link.operator.next_tick()).min()
    }

    /// Calls the operators that are due.
    ///
    /// # Errors
    /// The job fails.
    pub fn tick(&mut self) -> Result<(), OperatorError> {
        for place in 0..self.links.len() {
            if self.links[place].operator.next_tick().is_some_and(|due| due <= self.env.now_ms) {
                let (link, mut context) = split(&mut self.links, &mut self.outlets, 0, place, self.env);
                link.operator.tick(&mut context)?;
                // Event time may have waited for rows that are on their way now.
                tell(&mut self.links, &mut self.outlets, 0, place, self.env)?;
            }
        }
        Ok(())
    }

    /// The rows of all operators that wait for answers from outside.
    pub fn in_flight(&self) -> InFlight {
        self.links.iter().map(|link| link.operator.in_flight()).max().unwrap_or(InFlight::None)
    }

    /// Adds the channels on which answers come.
    pub fn watch<'s>(&'s self, select: &mut Select<'s>) {
        self.links.iter().for_each(|link| link.operator.watch(select));
    }

    /// Gives the operator with this identity what a key group holds.
    ///
    /// # Errors
    /// The bytes are something else.
    pub fn restore(&mut self, identity: &str, part: &StatePart) -> Result<(), StateError> {
        match self.links.iter_mut().find(|link| link.identity == identity) {
            Some(link) => link.operator.restore(part),
            None => Ok(()),
        }
    }

    /// Bytes that each operator holds.
    pub fn memory_bytes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.links.iter().map(|link| (link.identity.as_str(), link.operator.memory_bytes()))
    }

    /// Rows that each operator dropped since the last call because they came too late.
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

/// Moves event time on at a target and at all behind it.
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

    let (link, mut context) = split(tail, outlets, first, place, env);
    let known = &mut link.inputs[input].producers[producer];
    *known = StreamTime { watermark: time.watermark.max(known.watermark), is_idle: time.is_idle };
    let reached = link.reached();
    if reached.watermark > *link.watermark {
        *link.watermark = reached.watermark;
        link.operator.advance(reached.watermark, &mut context)?;
    }
    tell(tail, outlets, first, place, env)
}

/// Tells the consumers of an operator where it stands, if they do not know yet.
fn tell(
    tail: &mut [RunningLink],
    outlets: &mut [Box<dyn Outlet>],
    first: usize,
    place: usize,
    env: Env,
) -> Result<(), OperatorError> {
    let (link, context) = split(tail, outlets, first, place, env);
    let watermark = link.operator.output_watermark(*link.watermark).max(link.told.watermark);
    // Rows that wait for answers still come, though their input is silent.
    let is_idle = link.reached().is_idle && link.operator.in_flight() == InFlight::None;
    let tells = StreamTime { watermark, is_idle };
    if tells == *link.told {
        return Ok(());
    }
    *link.told = tells;

    let Context { targets, first, behind, outlets, .. } = context;
    for &target in targets {
        advance(behind, outlets, first, (target, tells), env)?;
    }
    Ok(())
}
