//! The parts that joins share beside their state: output rows, and the layout of stored rows.

use types::{Repr, Scalar};

use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::row;
use crate::watermark::NO_WATERMARK;

/// Output rows, which are emitted in batches.
pub(crate) struct JoinOutput {
    buffer: ChangeBuffer,
    /// The watermark of the rows: that of the operator's last `advance`.
    pub watermark: i64,
}

impl JoinOutput {
    pub fn new(reprs: &[Repr]) -> JoinOutput {
        JoinOutput { buffer: ChangeBuffer::new(reprs), watermark: NO_WATERMARK }
    }

    /// Adds copies of a row.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    #[inline]
    pub fn push<'v>(
        &mut self,
        (kind, copies): (RowKind, u64),
        values: impl Iterator<Item = Scalar<'v>> + Clone,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        for _ in 1..copies {
            self.buffer.push(kind, self.watermark, values.clone());
            if self.buffer.is_full() {
                self.flush(context)?;
            }
        }
        self.buffer.push(kind, self.watermark, values);
        if self.buffer.is_full() { self.flush(context) } else { Ok(()) }
    }

    /// Emits the buffered rows.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn flush(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let result = self.buffer.lend(|rows| context.emit(rows));
        self.buffer.clear();
        result
    }

    pub fn memory_bytes(&self) -> usize {
        self.buffer.memory_bytes()
    }
}

/// The places of the fields of a stored row. The fields of the join key are not stored with the row: the key
/// holds them, and so does every partner.
///
/// ```text
/// fields      [id] [k] [name]        key [k]
/// stored      [id]     [name]
/// origins     next  0  next
/// ```
pub(crate) struct StoredLayout {
    origins: Vec<Option<usize>>,
    stored: Vec<usize>,
}

impl StoredLayout {
    /// Creates a layout of `width` fields, of which `keys` form the join key.
    pub fn new(width: usize, keys: &[usize]) -> StoredLayout {
        let origin = |field: usize| keys.iter().position(|&key| key == field);
        let origins: Vec<Option<usize>> = (0..width).map(origin).collect();
        let stored = (0..width).filter(|&field| origins[field].is_none()).collect();
        StoredLayout { origins, stored }
    }

    /// Returns the place in the key per field, or `None` for a stored field.
    pub fn origins(&self) -> &[Option<usize>] {
        &self.origins
    }

    /// Returns the stored fields.
    pub fn stored(&self) -> &[usize] {
        &self.stored
    }

    /// Returns all values of a stored row; `key` returns a value of the key by place.
    #[inline]
    pub fn values<'v, P>(&'v self, stored: &'v [u8], key: P) -> impl Iterator<Item = Scalar<'v>> + Clone
    where
        P: Fn(usize) -> Scalar<'v> + Clone + 'v,
    {
        let mut reader = row::Reader::new(stored);
        self.origins.iter().map(move |origin| match origin {
            Some(place) => key(*place),
            None => reader.value().unwrap_or(Scalar::Null),
        })
    }
}

/// Returns this many nulls.
#[inline]
pub(crate) fn nulls<'v>(fields: usize) -> impl Iterator<Item = Scalar<'v>> + Clone {
    std::iter::repeat_n(Scalar::Null, fields)
}
