//! Prepares rows for a keyed sink when several rows of the query may have the sink's key: stores all rows of
//! a key in order of arrival, one of which the sink shows.
//!
//! ```text
//! ON CONFLICT DO DEDUPLICATE     stored a       ──►  +I a
//!                                stored a, b    ──►  +U b   the last
//!                                b goes: a      ──►  +U a   the older one comes back
//!                                a goes         ──►  -D a
//! DO NOTHING                     stored a, b    ──►         the first stays
//! DO ERROR                       stored a, b when the watermark advances: the job fails
//! ```
//!
//! A row may take the key of another row before that row has left it. So `DO ERROR` does not judge at once:
//! it fails when the watermark advances while a key has several rows. The sink works by its key and gets no
//! `-U`.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sql::plan::operator::{Changes as Mode, Conflict, Input, Materialize};
use types::{Interval, Scalar};

use self::rows::{KeyRows, Outcome};
use super::chain::{Context, Operator, OperatorError};
use super::changes::{ChangeBuffer, Changes, RowKind};
use super::expiry::Expiry;
use super::fields;
use super::row_identity::RowIdentity;
use crate::row::{self, Reader};
use crate::state::{Keyed, StateError, StatePart, StateWriter};
use crate::watermark::NO_WATERMARK;

/// The tag of the only map in a snapshot.
const ROWS: u8 = 0;

/// Reduces the rows of each sink key to one; see the module documentation.
pub struct MaterializeOperator {
    name: String,
    key: Vec<usize>,
    conflict: Conflict,
    identity: RowIdentity,
    rows: Keyed<KeyRows>,
    /// Keys with several rows; used only for `DO ERROR`.
    conflicts: BTreeSet<Box<[u8]>>,
    /// The watermark up to which conflicts were checked.
    watermark: i64,
    expiry: Expiry,
    out: ChangeBuffer,
    key_bytes: Vec<u8>,
    row_bytes: Vec<u8>,
}

impl MaterializeOperator {
    pub fn new(
        name: String,
        spec: &Materialize,
        inputs: &[Input],
        ttl: Option<Interval>,
    ) -> MaterializeOperator {
        let input = &inputs[0];
        let identity = match &input.changes {
            Mode::Upsert(key) => RowIdentity::of_fields(key.clone()),
            Mode::Append | Mode::Retract => RowIdentity::Row,
        };
        MaterializeOperator {
            name,
            key: spec.key.clone(),
            conflict: spec.conflict,
            identity,
            rows: Keyed::new(ttl),
            conflicts: BTreeSet::new(),
            watermark: NO_WATERMARK,
            expiry: Expiry::new(ttl),
            out: ChangeBuffer::new(&fields::reprs(&input.fields)),
            key_bytes: Vec::new(),
            row_bytes: Vec::new(),
        }
    }

    fn take(&mut self, rows: &Changes<'_>, row: usize, now_ms: i64) -> Result<(), OperatorError> {
        // The result must not depend on how rows are cut into batches, so conflicts are checked before each
        // row.
        self.judge(rows.watermark(row))?;

        self.key_bytes.clear();
        row::write_all(rows.values(&self.key, row), &mut self.key_bytes);
        self.row_bytes.clear();
        row::write_all(rows.row(row), &mut self.row_bytes);
        let is_addition = rows.kind(row).is_addition();

        let Self { identity, row_bytes, conflict, out, .. } = self;
        let shows_first = *conflict == Conflict::Nothing;
        let has_conflict = self.rows.update(&self.key_bytes, now_ms, |kept| {
            let there = kept.get_or_insert_default();
            let outcome = if is_addition {
                there.add(row_bytes, identity, shows_first)
            } else {
                there.remove(row_bytes, identity, shows_first)
            };

            let mut push = |kind, bytes: &[u8]| out.push(kind, rows.watermark(row), Reader::new(bytes));
            match outcome {
                Outcome::Nothing => {}
                Outcome::Inserted => push(RowKind::Insert, row_bytes),
                Outcome::Shows => push(RowKind::UpdateAfter, there.shown(shows_first).unwrap_or_default()),
                Outcome::Deleted(gone) => push(RowKind::Delete, &gone),
            }

            let has_conflict = there.len() > 1;
            if there.len() == 0 {
                *kept = None;
            }
            has_conflict
        });

        if *conflict == Conflict::Error {
            if !has_conflict {
                self.conflicts.remove(self.key_bytes.as_slice());
            } else if !self.conflicts.contains(self.key_bytes.as_slice()) {
                self.conflicts.insert(self.key_bytes.as_slice().into());
            }
        }
        Ok(())
    }

    /// Advances the watermark; no key may have several rows.
    fn judge(&mut self, watermark: i64) -> Result<(), OperatorError> {
        if watermark <= self.watermark {
            return Ok(());
        }
        self.watermark = watermark;

        let Some(key) = self.conflicts.first() else { return Ok(()) };
        let shown = |value: Scalar<'_>| match value {
            Scalar::Null => "NULL".to_owned(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Text(value) => format!("'{value}'"),
            value => format!("{value:?}"),
        };

        let key: Vec<String> = Reader::new(key).map(shown).collect();
        let what = format!(
            "several rows of the query have the sink's key ({}), and ON CONFLICT DO ERROR forbids this; write \
             ON CONFLICT DO DEDUPLICATE (the last row wins) or DO NOTHING (the first row stays), or group the query by \
             the sink's key",
            key.join(", ")
        );
        Err(OperatorError::Rows { operator: self.name.clone(), what })
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Operator for MaterializeOperator {
    fn process(
        &mut self,
        _input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let now_ms = context.now_ms();
        self.expiry.start(now_ms);
        for row in rows.places() {
            self.take(rows, row, now_ms)?;
            if self.out.is_full() {
                self.emit(context)?;
            }
        }
        self.emit(context)
    }

    fn advance(&mut self, watermark: i64, _context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.judge(watermark)
    }

    fn output_watermark(&self, watermark: i64) -> i64 {
        watermark
    }

    fn next_tick(&self) -> Option<i64> {
        self.expiry.next_tick()
    }

    fn tick(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.expiry.take_due(context.now_ms()) {
            self.rows.expire(context.now_ms());
        }
        Ok(())
    }

    fn snapshot(&self, out: &mut StateWriter) {
        self.rows.write(ROWS, out);
    }

    fn restore(&mut self, part: &StatePart) -> Result<(), StateError> {
        let mut reader = Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            if tag != ROWS {
                return Err(StateError::unknown_tag(&self.name, tag));
            }
            self.rows.read(&mut reader, &self.name)?;
        }

        if self.conflict == Conflict::Error {
            let several = self.rows.iter().filter(|(_, kept)| kept.len() > 1);
            self.conflicts = several.map(|(key, _)| key.into()).collect();
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes() + self.out.memory_bytes()
    }

    fn take_late(&mut self) -> u64 {
        0
    }
}
