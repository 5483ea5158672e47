//! A test harness for operators: rows and watermarks in, changes out.
//!
//! A run is repeated at several batch sizes, at parallelism 1, 2 and 4 with rows partitioned by key, and with
//! a snapshot in the middle that is restored at another parallelism. Where the order is fixed (one subtask,
//! no interruption) the changelogs must be equal. The final rows must be equal in every run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use types::{Repr, Value};

use super::chain::{Chain, ChainTarget, InFlight, Link, Operator, OperatorError, Outlet, StreamTime};
use super::changes::{ChangeBuffer, Changes, RowKind};
use crate::row as compact;
use crate::state::{KeyGroups, key_group, read_part};
use crate::window::owner;
use sql::functions::Env;

/// An event at an input.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Row {
        input: usize,
        kind: RowKind,
        values: Vec<Value>,
    },
    /// The input's watermark advances.
    Watermark {
        input: usize,
        watermark: i64,
    },
    /// The system clock advances to this time, in milliseconds.
    Clock(i64),
}

/// A row that an operator emitted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub kind: RowKind,
    pub values: Vec<Value>,
}

pub(crate) fn insert(input: usize, values: impl Into<Vec<Value>>) -> Event {
    Event::Row { input, kind: RowKind::Insert, values: values.into() }
}

pub(crate) fn change(input: usize, code: &str, values: impl Into<Vec<Value>>) -> Event {
    Event::Row { input, kind: kind(code), values: values.into() }
}

pub(crate) fn watermark(input: usize, watermark: i64) -> Event {
    Event::Watermark { input, watermark }
}

pub(crate) fn row(code: &str, values: impl Into<Vec<Value>>) -> Row {
    Row { kind: kind(code), values: values.into() }
}

fn kind(code: &str) -> RowKind {
    RowKind::ALL.into_iter().find(|kind| kind.code() == code).expect("a kind is +I, -U, +U or -D")
}

type Build<'a> = &'a dyn Fn() -> Box<dyn Operator>;

/// Runs one operator.
pub(crate) struct Harness<'a> {
    build: Build<'a>,
    inputs: Vec<Vec<Repr>>,
    /// Per input, the fields by which rows are partitioned over subtasks. `None`: the operator runs in one
    /// subtask.
    keys: Option<Vec<Vec<usize>>>,
}

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<Row>>>);

impl Outlet for Collected {
    fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
        let mut collected = self.0.lock().expect("nobody panics here");
        for at in rows.places() {
            let values = rows.row(at).map(|value| value.to_value()).collect();
            collected.push(Row { kind: rows.kind(at), values });
        }
        Ok(())
    }

    fn advance(&mut self, _time: StreamTime) -> Result<(), OperatorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }
}

impl<'a> Harness<'a> {
    pub fn new(build: Build<'a>, inputs: Vec<Vec<Repr>>) -> Harness<'a> {
        Harness { build, inputs, keys: None }
    }

    /// Partitions rows by these fields, one list per input.
    pub fn keyed(self, keys: Vec<Vec<usize>>) -> Harness<'a> {
        Harness { keys: Some(keys), ..self }
    }

    /// Asserts the exact changelog of an uninterrupted run in one subtask, and that every other run ends with
    /// the same rows.
    pub fn gives(&self, events: &[Event], expected: &[Row]) {
        for batch in [1, 3, 1_000] {
            let given = self.run(events, batch, 1, None).expect("the operator takes all rows");
            assert_eq!(given, expected, "batches of {batch}");
        }
        self.ends_with(events, &standing(expected));
    }

    /// Asserts that every run ends with these rows.
    pub fn ends_with(&self, events: &[Event], expected: &BTreeMap<String, i64>) {
        for batch in [1, 3, 1_000] {
            for parallelism in if self.keys.is_some() { &[1, 2, 4][..] } else { &[1] } {
                for restored in [None, Some(1), Some(events.len() / 2), Some(events.len() * 4 / 5)] {
                    let given = self.run(events, batch, *parallelism, restored);
                    let given = given.expect("the operator takes all rows");
                    assert_eq!(
                        &standing(&given),
                        expected,
                        "batches of {batch}, parallelism {parallelism}, restored {restored:?}"
                    );
                }
            }
        }
    }

    /// Runs once. With `restored_at`, the run continues from a snapshot before that event, at twice the
    /// parallelism.
    pub fn run(
        &self,
        events: &[Event],
        batch: usize,
        parallelism: u32,
        restored_at: Option<usize>,
    ) -> Result<Vec<Row>, OperatorError> {
        let collected = Collected::default();
        let mut subtasks = self.start(&collected, parallelism);
        let at = restored_at.unwrap_or(events.len()).min(events.len());
        let times =
            self.feed(&mut subtasks, &events[..at], batch, vec![StreamTime::START; self.inputs.len()])?;

        if restored_at.is_some() {
            let more = if self.keys.is_some() { parallelism * 2 } else { 1 };
            subtasks = self.restored(&collected, &subtasks, more)?;
        }
        let times = self.feed(&mut subtasks, &events[at..], batch, times)?;
        drop(times);

        for input in 0..self.inputs.len() {
            for chain in &mut subtasks {
                chain.advance(target(input), StreamTime::END)?;
            }
        }
        for chain in &mut subtasks {
            while chain.in_flight() != InFlight::None {
                chain.tick()?;
                std::thread::yield_now();
            }
        }
        drop(subtasks);
        Ok(std::mem::take(&mut *collected.0.lock().expect("nobody panics here")))
    }

    fn start(&self, collected: &Collected, parallelism: u32) -> Vec<Chain> {
        let start = |_| {
            let link = Link {
                kind: "Operator".into(),
                identity: "operator".to_owned(),
                operator: (self.build)(),
                producers: vec![vec![1]; self.inputs.len()],
                targets: vec![ChainTarget::Outlet(0)],
            };
            Chain::new(vec![link], vec![Box::new(collected.clone())])
        };
        (0..parallelism).map(start).collect()
    }

    fn restored(
        &self,
        collected: &Collected,
        before: &[Chain],
        parallelism: u32,
    ) -> Result<Vec<Chain>, OperatorError> {
        let mut subtasks = self.start(collected, parallelism);
        // State crosses cell by cell and as bytes, as large state does in a job.
        let mut parts: Vec<(KeyGroups, Vec<u8>)> = Vec::new();
        for chain in before {
            chain.for_each_state_from(0, &mut |state| {
                parts.extend(state.parts.iter().map(|(groups, image)| (*groups, image.to_bytes())));
                true
            });
        }

        for (subtask, chain) in subtasks.iter_mut().enumerate() {
            let owned = KeyGroups::of_subtask(subtask as u32, parallelism);
            for (groups, bytes) in parts.iter().filter(|(groups, _)| groups.overlaps(owned)) {
                read_part("operator", (*groups, bytes), owned, |part| {
                    chain.restore("operator", &part).map_err(OperatorError::State)
                })?;
            }
        }
        Ok(subtasks)
    }

    /// Feeds events. Consecutive rows of one input go together, up to the batch size.
    fn feed(
        &self,
        subtasks: &mut [Chain],
        events: &[Event],
        batch: usize,
        mut times: Vec<StreamTime>,
    ) -> Result<Vec<StreamTime>, OperatorError> {
        // A job restored from a snapshot is first told the times that it had.
        self.advance_all(subtasks, &times)?;
        let mut waiting: Vec<ChangeBuffer> = Vec::new();
        let mut waits_at = 0;
        let of = subtasks.len() as u32;

        for event in events {
            match event {
                Event::Row { input, kind, values } => {
                    let is_full = waiting.iter().map(ChangeBuffer::len).sum::<usize>() >= batch;
                    if *input != waits_at || is_full {
                        self.push_waiting(subtasks, &mut waiting, waits_at)?;
                        self.advance_all(subtasks, &times)?;
                    }
                    waits_at = *input;
                    if waiting.is_empty() {
                        waiting = vec![ChangeBuffer::new(&self.inputs[*input]); of as usize];
                    }
                    let to = self.owner(*input, values, of);
                    let values = values.iter().map(Value::as_scalar);
                    waiting[to].push(*kind, times[*input].watermark, values);
                }

                Event::Watermark { input, watermark } => {
                    times[*input].watermark = *watermark;
                    if *input != waits_at {
                        self.push_waiting(subtasks, &mut waiting, waits_at)?;
                        self.advance_all(subtasks, &times)?;
                    }
                }

                Event::Clock(now) => {
                    self.push_waiting(subtasks, &mut waiting, waits_at)?;
                    self.advance_all(subtasks, &times)?;
                    for chain in subtasks.iter_mut() {
                        chain.set_now(*now);
                        chain.tick()?;
                    }
                }
            }
        }

        self.push_waiting(subtasks, &mut waiting, waits_at)?;
        self.advance_all(subtasks, &times)?;
        Ok(times)
    }

    fn owner(&self, input: usize, values: &[Value], of: u32) -> usize {
        let Some(keys) = &self.keys else { return 0 };
        let mut key = Vec::new();
        compact::write_all(keys[input].iter().map(|&field| values[field].as_scalar()), &mut key);
        owner(key_group(&key), of) as usize
    }

    fn push_waiting(
        &self,
        subtasks: &mut [Chain],
        waiting: &mut Vec<ChangeBuffer>,
        input: usize,
    ) -> Result<(), OperatorError> {
        for (chain, buffer) in subtasks.iter_mut().zip(waiting.drain(..)) {
            if !buffer.is_empty() {
                buffer.lend(|rows| chain.push(target(input), rows))?;
            }
        }
        Ok(())
    }

    fn advance_all(&self, subtasks: &mut [Chain], times: &[StreamTime]) -> Result<(), OperatorError> {
        for (input, time) in times.iter().enumerate() {
            for chain in subtasks.iter_mut() {
                chain.advance(target(input), *time)?;
            }
        }
        Ok(())
    }
}

fn target(input: usize) -> ChainTarget {
    ChainTarget::Operator { place: 0, input, producer: 0 }
}

/// Returns the rows that remain after the changes, with their counts. A `+U` without a `-U` before it is an
/// insert.
pub(crate) fn standing(rows: &[Row]) -> BTreeMap<String, i64> {
    let mut standing: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        let key = format!("{:?}", row.values);
        *standing.entry(key).or_default() += if row.kind.is_addition() { 1 } else { -1 };
    }
    standing.retain(|_, count| *count != 0);
    standing
}
