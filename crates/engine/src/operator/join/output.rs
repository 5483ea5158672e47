//! What joins share beside their state: rows on their way out, and the fields of stored rows.

use types::{Repr, Scalar};

use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::row;
use crate::watermark::NO_WATERMARK;

/// Rows on their way out: handed on when enough have come together.
pub(crate) struct Output {
    buffer: ChangeBuffer,
    /// The event time of the rows: that of the operator's last `advance`.
    pub watermark: i64,
}

impl Output {
    pub fn new(reprs: &[Repr]) -> Output {
        Output { buffer: ChangeBuffer::new(reprs), watermark: NO_WATERMARK }
    }

    /// Adds copies of a row.
    ///
    /// # Errors
    /// A consumer could not take a row.
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

    /// Hands on what there is.
    ///
    /// # Errors
    /// A consumer could not take a row.
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

/// Where the fields of a stored row are found. The fields of the join key are not stored with the row: the key holds them,
/// and so does every partner.
///
/// ```text
/// fields      [id] [k] [name]        key [k]
/// stored      [id]     [name]
/// origins     next  0  next
/// ```
pub(crate) struct Layout {
    origins: Vec<Option<usize>>,
    stored: Vec<usize>,
}

impl Layout {
    /// `keys`: the fields of the join key.
    pub fn new(width: usize, keys: &[usize]) -> Layout {
        let origin = |field: usize| keys.iter().position(|&key| key == field);
        let origins: Vec<Option<usize>> = (0..width).map(origin).collect();
        let stored = (0..width).filter(|&field| origins[field].is_none()).collect();
        Layout { origins, stored }
    }

    /// By field: its place in the key, where the key holds it.
    pub fn origins(&self) -> &[Option<usize>] {
        &self.origins
    }

    /// The fields that are stored.
    pub fn stored(&self) -> &[usize] {
        &self.stored
    }

    /// All values of a stored row; `key` gives the values of the key, by place.
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

/// So many nulls.
#[inline]
pub(crate) fn nulls<'v>(fields: usize) -> impl Iterator<Item = Scalar<'v>> + Clone {
    std::iter::repeat_n(Scalar::Null, fields)
}
