//! The calls of an `OVER`: aggregates, which read a frame, and calls that depend only on the order.
//!
//! `ROW_NUMBER`, `RANK`, `DENSE_RANK` and `LAG` need the position of a row in its partition, not the rows of
//! a frame. Rows of equal order are peers; they keep their order of arrival:
//!
//! ```text
//! order          5   5   7
//! ROW_NUMBER     1   2   3
//! RANK           1   1   3
//! DENSE_RANK     1   1   2
//! LAG(order)     -   5   5
//! ```

use std::collections::VecDeque;

use sql::plan::operator::{AggregateCall, Function};
use types::{Repr, Scalar};

use crate::operator::accumulate::{Accumulators, Retraction, States};
use crate::operator::fields;
use crate::row::{self, Reader};
use crate::state::StateValue;

/// The compiled calls.
#[derive(Debug)]
pub(super) struct OverCalls {
    accumulators: Accumulators,
    results: Vec<CallResult>,
    result_reprs: Vec<Repr>,
    lags: Vec<Lag>,
    /// The fields that aggregates read, ascending.
    read: Vec<usize>,
    has_order_calls: bool,
}

/// The source of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallResult {
    /// The next aggregate.
    Aggregate,
    RowNumber,
    Rank,
    DenseRank,
    /// A lag, by its index in `lags`.
    Lag(usize),
}

#[derive(Debug)]
struct Lag {
    offset: usize,
    value: usize,
    default: Option<usize>,
}

/// The state of the calls for a partition.
#[derive(Debug)]
pub(super) struct CallStates {
    aggregates: States,
    rows: i64,
    rank: i64,
    dense_rank: i64,
    /// Per lag, its last values, at most as many as its offset.
    last: Vec<VecDeque<Box<[u8]>>>,
    last_bytes: usize,
}

impl OverCalls {
    /// Compiles the calls.
    ///
    /// # Errors
    /// A call cannot be computed.
    pub fn new(calls: &[AggregateCall], retraction: Retraction) -> Result<OverCalls, String> {
        let (mut aggregates, mut lags, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for call in calls {
            results.push(match (&call.function, call.args.as_slice()) {
                (Function::RowNumber, _) => CallResult::RowNumber,
                (Function::Rank, _) => CallResult::Rank,
                (Function::DenseRank, _) => CallResult::DenseRank,
                (&Function::Lag { offset }, &[value, ref rest @ ..]) => {
                    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                    lags.push(Lag { offset, value, default: rest.first().copied() });
                    CallResult::Lag(lags.len() - 1)
                }
                _ => {
                    aggregates.push(call.clone());
                    CallResult::Aggregate
                }
            });
        }

        let mut read: Vec<usize> =
            aggregates.iter().flat_map(|call| call.args.iter().copied().chain(call.filter)).collect();
        read.sort_unstable();
        read.dedup();
        Ok(OverCalls {
            accumulators: Accumulators::of_over(&aggregates, retraction)?,
            has_order_calls: results.iter().any(|&result| result != CallResult::Aggregate),
            result_reprs: calls.iter().map(|call| fields::repr(&call.column_type)).collect(),
            results,
            lags,
            read,
        })
    }

    /// Returns the representation of each result in a column.
    pub fn reprs(&self) -> &[Repr] {
        &self.result_reprs
    }

    pub fn start(&self) -> CallStates {
        CallStates {
            aggregates: self.accumulators.start(),
            rows: 0,
            rank: 0,
            dense_rank: 0,
            last: self.lags.iter().map(|_| VecDeque::new()).collect(),
            last_bytes: 0,
        }
    }

    /// Returns the values of a row that are needed to remove it from the frame later.
    pub fn args<'v>(&self, field: impl Fn(usize) -> Scalar<'v>) -> Box<[u8]> {
        let mut args = Vec::new();
        row::write_all(self.read.iter().map(|&read| field(read)), &mut args);
        args.into()
    }

    /// Adds a row to the frame.
    ///
    /// # Errors
    /// The row makes the query fail.
    pub fn add<'v>(
        &self,
        states: &mut CallStates,
        field: impl Fn(usize) -> Scalar<'v>,
    ) -> Result<(), String> {
        self.accumulators.add(&mut states.aggregates, field)
    }

    /// Removes a row with these stored arguments from the frame.
    ///
    /// # Errors
    /// The row makes the query fail.
    pub fn retract(&self, states: &mut CallStates, args: &[u8]) -> Result<(), String> {
        let field = |field: usize| {
            let place = self.read.binary_search(&field).unwrap_or(usize::MAX);
            Reader::new(args).nth(place).unwrap_or(Scalar::Null)
        };
        self.accumulators.retract(&mut states.aggregates, field)
    }

    /// Advances to the next row of the order, and appends its results in the compact form. The frame is that
    /// of the row.
    pub fn give<'v>(
        &self,
        states: &mut CallStates,
        is_peer: IsPeer,
        field: impl Fn(usize) -> Scalar<'v>,
        out: &mut Vec<u8>,
    ) {
        if !self.has_order_calls {
            return self.accumulators.write_results(&states.aggregates, out);
        }
        states.rows += 1;
        if is_peer == IsPeer::No {
            states.rank = states.rows;
            states.dense_rank += 1;
        }

        let mut aggregates = Vec::new();
        self.accumulators.write_results(&states.aggregates, &mut aggregates);
        let mut aggregates = Reader::new(&aggregates);

        for result in &self.results {
            let value = match *result {
                CallResult::Aggregate => aggregates.value().unwrap_or(Scalar::Null),
                CallResult::RowNumber => Scalar::Int(states.rows),
                CallResult::Rank => Scalar::Int(states.rank),
                CallResult::DenseRank => Scalar::Int(states.dense_rank),
                CallResult::Lag(lag) => {
                    let Lag { offset, value, default } = self.lags[lag];
                    let last = &states.last[lag];
                    match last.front() {
                        _ if offset == 0 => field(value),
                        Some(bytes) if last.len() == offset => {
                            out.extend_from_slice(bytes);
                            continue;
                        }
                        _ => default.map_or(Scalar::Null, &field),
                    }
                }
            };
            row::write(value, out);
        }

        self.pass(states, field);
    }

    /// Records the values of the row for the lags of later rows.
    fn pass<'v>(&self, states: &mut CallStates, field: impl Fn(usize) -> Scalar<'v>) {
        let CallStates { last, last_bytes, .. } = states;
        for (lag, last) in self.lags.iter().zip(last).filter(|(lag, _)| lag.offset > 0) {
            if last.len() == lag.offset {
                *last_bytes -= last.pop_front().map_or(0, |bytes| kept_bytes(&bytes));
            }
            let mut bytes = Vec::new();
            row::write(field(lag.value), &mut bytes);
            *last_bytes += kept_bytes(&bytes);
            last.push_back(bytes.into());
        }
    }
}

/// Whether a row has the same order as the row before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsPeer {
    Yes,
    No,
}

/// Reads the fields of a row in the compact form.
pub(super) fn field_of<'r>(row: &'r [u8]) -> impl Fn(usize) -> Scalar<'r> {
    move |field| Reader::new(row).nth(field).unwrap_or(Scalar::Null)
}

fn kept_bytes(bytes: &[u8]) -> usize {
    size_of::<Box<[u8]>>() + bytes.len()
}

impl StateValue for CallStates {
    fn write(&self, out: &mut Vec<u8>) {
        self.aggregates.write(out);
        [self.rows, self.rank, self.dense_rank].iter().for_each(|number| number.write(out));
        row::write_length(self.last.len(), out);
        for last in &self.last {
            row::write_length(last.len(), out);
            last.iter().for_each(|bytes| bytes.write(out));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<CallStates> {
        let mut states = CallStates {
            aggregates: States::read(reader)?,
            rows: i64::read(reader)?,
            rank: i64::read(reader)?,
            dense_rank: i64::read(reader)?,
            last: Vec::new(),
            last_bytes: 0,
        };
        for _ in 0..reader.length()? {
            let mut last = VecDeque::new();
            for _ in 0..reader.length()? {
                let bytes = Box::<[u8]>::read(reader)?;
                states.last_bytes += kept_bytes(&bytes);
                last.push_back(bytes);
            }
            states.last.push(last);
        }
        Some(states)
    }

    fn heap_bytes(&self) -> usize {
        let last = self.last.capacity() * size_of::<VecDeque<Box<[u8]>>>();
        self.aggregates.heap_bytes() + last + self.last_bytes
    }
}
