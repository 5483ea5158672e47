//! Lookup join: joins each left row with the rows that an external table holds when the row arrives.
//!
//! The operator does not wait. It sends keys to threads that query the table, keeps the left rows in order
//! meanwhile, and emits them once their answers have arrived:
//!
//! ```text
//! rows in ──► queue:  [a: answered] [b: wanted] [watermark 12:00] [c: answered]
//!                ▲           │ emitted      both wait for b
//!         answers│           ▼
//!           requests      rows out
//! ```
//!
//! Invariants:
//! * Rows and watermarks leave in the order of their arrival, whatever the order of the answers.
//! * Rows in the queue are part of a snapshot. After a restore they are looked up again.
//! * For left rows that are updated, the partners of a row are stored until the row is retracted, so that the
//!   retraction equals what was emitted even if the table has changed. Flink does the same if
//!   `table.optimizer.non-deterministic-update.strategy` is `TRY_RESOLVE`.

mod cache;
mod joined;
mod keys;
mod queue;
mod requests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crossbeam_channel::Select;
use jiff::tz::TimeZone;
use sql::plan::operator::{Input, JoinKind, LookupJoin, RetryMisses};
use types::{Interval, Repr};

use self::cache::Cache;
use self::joined::EmittedRows;
use self::keys::LookupKeys;
use self::queue::{Given, LeftRow, Partners, RowQueue};
use self::requests::{LookupRequests, Wanted};
use super::chain::{Context, InFlight, Operator, OperatorError};
use super::changes::{Changes, RowKind};
use super::fields;
use super::join::output::{JoinOutput, nulls};
use super::join::pairs::Pairs;
use crate::connector::LookupFactory;
use crate::row;
use crate::state::{StateError, StatePart, StateWriter, key_group};

const WAITING: u8 = 0;
const JOINED: u8 = 1;

/// The most left rows that wait for their partners; the batch that reaches the limit may exceed it.
const CAPACITY: usize = 8_192;
/// The number of left rows whose pairs are evaluated together.
const GIVEN_TOGETHER: usize = 1_024;

/// Joins rows with an external table; see the module documentation.
pub struct LookupJoinOperator {
    name: String,
    /// Whether a left row without partners is emitted with nulls.
    pads: bool,
    keys: LookupKeys,
    right_width: usize,
    pairs: Option<Pairs>,
    queue: RowQueue,
    requests: LookupRequests,
    cache: Option<Cache>,
    /// The emitted rows, if left rows are updated.
    joined: Option<EmittedRows>,
    output: JoinOutput,
    capacity: usize,
    timeout: Option<i64>,
    key: Vec<u8>,
    row: Vec<u8>,
}

impl LookupJoinOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The join is neither inner nor left, a function does not accept its literal arguments, or the table
    /// cannot be opened.
    pub fn new(
        name: String,
        join: &LookupJoin,
        inputs: &[Input],
        table: &Arc<dyn LookupFactory>,
        ttl: Option<Interval>,
        time_zone: &TimeZone,
    ) -> Result<LookupJoinOperator, String> {
        if !matches!(join.kind, JoinKind::Inner | JoinKind::Left) {
            return Err(format!("a lookup join is not {:?}", join.kind));
        }
        let right = Input { fields: join.fields.clone(), ..inputs[0].clone() };
        let sides = [inputs[0].clone(), right];
        let pairs = match &join.condition {
            Some(condition) => Some(Pairs::new(condition, &sides, time_zone)?),
            None => None,
        };
        let forms: Vec<Repr> = sides.iter().flat_map(|side| fields::reprs(&side.fields)).collect();

        let RetryMisses { attempts, delay } =
            join.hint.retry.unwrap_or(RetryMisses { attempts: 0, delay: Interval::ZERO });
        Ok(LookupJoinOperator {
            pads: join.kind == JoinKind::Left,
            keys: LookupKeys::new(&join.keys),
            right_width: join.fields.len(),
            pairs,
            queue: RowQueue::default(),
            requests: LookupRequests::start(&join.table.name, table, attempts, delay.0)?,
            cache: table.cache().map(Cache::new),
            joined: join.kept_by.clone().map(|by| EmittedRows::new(by, ttl)),
            output: JoinOutput::new(&forms),
            capacity: join.hint.capacity.unwrap_or(CAPACITY).max(1),
            timeout: join.hint.timeout.map(|timeout| timeout.0).filter(|&timeout| timeout > 0),
            key: Vec::new(),
            row: Vec::new(),
            name,
        })
    }

    /// Puts a left row, which is in `self.row`, into the queue, and requests its partners if it may have any.
    fn take(&mut self, kind: RowKind, watermark: i64, now_ms: i64) {
        // A retracted row uses the stored partners; the table is not queried.
        let is_taken_back = self.joined.is_some() && !kind.is_addition();
        let partners = if is_taken_back || !self.keys.write(&self.row, &mut self.key) {
            Some(Partners::default())
        } else {
            self.cache.as_mut().and_then(|cache| cache.get(&self.key, now_ms))
        };

        let is_requested = partners.is_none();
        let place = self.queue.push(LeftRow { kind, watermark, row: self.row.as_slice().into(), partners });
        if is_requested {
            self.requests.want(&self.key, place, now_ms);
        }
    }

    /// Assigns the table's answers to the rows that wait for them.
    fn take_answers(&mut self, now_ms: i64) -> Result<(), OperatorError> {
        while let Some(answered) = self.requests.next_answer(now_ms)? {
            let mut rows = answered.rows;
            rows.retain(|found| self.keys.equal(&answered.wanted.key, found));
            let Some(Wanted { key, rows: places, .. }) =
                self.requests.unless_retried(answered.wanted, rows.is_empty(), now_ms)
            else {
                continue;
            };

            let partners: Partners = rows.into();
            if let Some(cache) = &mut self.cache {
                cache.put(key, partners.clone(), now_ms);
            }
            places.into_iter().for_each(|place| self.queue.answer(place, partners.clone()));
        }
        Ok(())
    }

    /// Emits the rows at the head of the queue whose partners are known.
    fn give(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        loop {
            let given = self.queue.take_answered(GIVEN_TOGETHER);
            if given.is_empty() {
                return self.output.flush(context);
            }

            let flags = self.judge(&given, context)?;
            let mut flags = flags.into_iter();
            for Given { left, partners } in given {
                let mut own: Vec<&[u8]> = partners.iter().map(|partner| &**partner).collect();
                if self.pairs.is_some() {
                    own.retain(|_| flags.next() == Some(true));
                }
                self.give_row(&left, &own, context)?;
            }
        }
    }

    /// Returns whether each pair of rows fulfils the condition, in order; empty if there is no condition.
    fn judge(&mut self, given: &[Given], context: &Context<'_>) -> Result<Vec<bool>, OperatorError> {
        let Some(pairs) = &mut self.pairs else { return Ok(Vec::new()) };
        for Given { left, partners } in given {
            for partner in partners.iter() {
                pairs.push(row::Reader::new(&left.row).chain(row::Reader::new(partner)));
            }
        }
        let failed = |source| OperatorError::Evaluate { operator: self.name.clone(), source };
        Ok(pairs.evaluate(context.env(), None).map_err(failed)?.to_vec())
    }

    /// Emits a left row with its partners, or retracts what was emitted for it.
    fn give_row(
        &mut self,
        left: &LeftRow,
        partners: &[&[u8]],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        self.output.watermark = left.watermark;
        let Some(joined) = &mut self.joined else {
            return give(
                left.kind,
                &left.row,
                partners,
                (self.pads, self.right_width),
                &mut self.output,
                context,
            );
        };

        // The number of partners may differ before and after an update, so its rows do not replace each
        // other.
        let shape = (self.pads, self.right_width);
        if left.kind.is_addition() {
            if self.pads || !partners.is_empty() {
                joined.keep(&left.row, partners, context.now_ms());
            }
            return give(RowKind::Insert, &left.row, partners, shape, &mut self.output, context);
        }
        let Some(emitted) = joined.take(&left.row, context.now_ms()) else { return Ok(()) };
        let partners: Vec<&[u8]> = emitted.partners.iter().map(|partner| &**partner).collect();
        give(RowKind::Delete, &emitted.left, &partners, shape, &mut self.output, context)
    }

    /// Checks the timeout of look-ups.
    ///
    /// # Errors
    /// A row has waited longer than the timeout of the script.
    fn check_timeout(&self, now_ms: i64) -> Result<(), OperatorError> {
        let (Some(timeout), Some(since)) = (self.timeout, self.requests.oldest()) else { return Ok(()) };
        if now_ms.saturating_sub(since) <= timeout {
            return Ok(());
        }
        let what = format!("a lookup took longer than its timeout of {timeout} ms");
        Err(OperatorError::Rows { operator: self.name.clone(), what })
    }
}

/// Emits a left row with its partners, or with nulls if it has none and the join pads.
fn give(
    kind: RowKind,
    left: &[u8],
    partners: &[&[u8]],
    (pads, right_width): (bool, usize),
    output: &mut JoinOutput,
    context: &mut Context<'_>,
) -> Result<(), OperatorError> {
    let left = row::Reader::new(left);
    if partners.is_empty() && pads {
        return output.push((kind, 1), left.chain(nulls(right_width)), context);
    }
    for partner in partners {
        output.push((kind, 1), left.clone().chain(row::Reader::new(partner)), context)?;
    }
    Ok(())
}

impl Operator for LookupJoinOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        for at in rows.places() {
            self.row.clear();
            row::write_all(rows.row(at), &mut self.row);
            self.take(rows.kind(at), rows.watermark(at), context.now_ms());
        }
        self.requests.send(context.now_ms());
        self.give(context)
    }

    fn advance(&mut self, watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.queue.advance(watermark);
        Ok(())
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        self.queue.passed(watermark)
    }

    fn next_tick(&self) -> Option<i64> {
        match self.in_flight() {
            InFlight::None => self.joined.as_ref().and_then(EmittedRows::next_tick),
            InFlight::Some | InFlight::Full => Some(i64::MIN),
        }
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        if let Some(joined) = &mut self.joined {
            joined.tick(now_ms);
        }
        self.take_answers(now_ms)?;
        self.requests.send(now_ms);
        self.check_timeout(now_ms)?;
        self.give(context)
    }

    /// Waiting rows are partitioned by the key under which they are stored, or else by the look-up key: rows
    /// of a key stay in order.
    fn snapshot(&self, out: &mut StateWriter) {
        let mut key = Vec::new();
        for left in self.queue.rows() {
            key.clear();
            match &self.joined {
                Some(joined) => joined.write_key(&left.row, &mut key),
                None => self.keys.write_fields(&left.row, &mut key),
            }
            let Some(part) = out.group(key_group(&key)) else { continue };
            part.push(WAITING);
            left.write(part);
        }
        if let Some(joined) = &self.joined {
            joined.write(JOINED, out);
        }
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            match (tag, &mut self.joined) {
                (WAITING, _) => {
                    let (kind, watermark, left) = LeftRow::read(&mut reader).ok_or_else(|| {
                        StateError::malformed(&self.name, "a row that waits for its look-up")
                    })?;
                    self.row.clear();
                    self.row.extend_from_slice(left);
                    // The clock is not known yet. The cache is empty, and a timeout begins with the first
                    // tick.
                    self.take(kind, watermark, i64::MAX);
                }
                (JOINED, Some(joined)) => joined.read(&mut reader, &self.name)?,
                _ => return Err(StateError::unknown_tag(&self.name, tag)),
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.queue.memory_bytes()
            + self.requests.memory_bytes()
            + self.cache.as_ref().map_or(0, Cache::memory_bytes)
            + self.joined.as_ref().map_or(0, EmittedRows::memory_bytes)
            + self.pairs.as_ref().map_or(0, Pairs::memory_bytes)
            + self.output.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }

    fn in_flight(&self) -> InFlight {
        match self.queue.len() {
            0 => InFlight::None,
            rows if rows >= self.capacity => InFlight::Full,
            _ => InFlight::Some,
        }
    }

    fn watch<'s>(&'s self, select: &mut Select<'s>) {
        self.requests.watch(select);
    }
}
