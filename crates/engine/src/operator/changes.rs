//! Rows on an edge between operators: columns, and the effect of each row on the result so far.
//!
//! A changelog describes how a result changes. An aggregate that counted 1 and now counts 2 retracts its
//! earlier row:
//!
//! ```text
//! +I [a, 1]    a new row
//! -U [a, 1]    the row that an update replaces
//! +U [a, 2]    the row that takes its place
//! -D [a, 2]    a row that is deleted
//! ```
//!
//! [`Changes`] lends rows for one call and copies nothing. A [`ChangeBuffer`] owns rows: an operator fills a
//! buffer and lends it, and buffers cross threads.

use types::{Repr, Scalar};

use super::copy::push_value;
use crate::column::Column;
use crate::evaluate::Vector;
use crate::selection::Selection;

/// The effect of a row on the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    Insert,
    UpdateBefore,
    UpdateAfter,
    Delete,
}

impl RowKind {
    /// All kinds, by their tags in stored rows. The order is part of the format of snapshots.
    pub(crate) const ALL: [RowKind; 4] =
        [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];

    /// Returns the byte that stands for the kind in stored rows.
    #[inline]
    pub(crate) fn tag(self) -> u8 {
        self as u8
    }

    /// Returns the kind of a tag, if there is one.
    #[inline]
    pub(crate) fn of_tag(tag: u8) -> Option<RowKind> {
        RowKind::ALL.get(usize::from(tag)).copied()
    }

    /// Returns true for `+I` and `+U`.
    #[inline]
    pub fn is_addition(self) -> bool {
        matches!(self, RowKind::Insert | RowKind::UpdateAfter)
    }

    /// Returns the kind as Flink writes it: `+I`, `-U`, `+U`, `-D`.
    pub fn code(self) -> &'static str {
        match self {
            RowKind::Insert => "+I",
            RowKind::UpdateBefore => "-U",
            RowKind::UpdateAfter => "+U",
            RowKind::Delete => "-D",
        }
    }
}

/// The kinds of lent rows.
#[derive(Debug, Clone, Copy)]
pub enum Kinds<'a> {
    All(RowKind),
    /// One kind per row of the columns.
    Each(&'a [RowKind]),
}

/// The watermark before each of the lent rows. A row whose time is not greater is late.
#[derive(Debug, Clone, Copy)]
pub enum RowWatermarks<'a> {
    All(i64),
    /// One watermark per row of the columns, in ascending order.
    Each(&'a [i64]),
    /// One watermark per row of the columns, in ascending order; a greater one counts as `bound`.
    Bounded {
        watermarks: &'a [i64],
        bound: i64,
    },
}

impl<'a> Kinds<'a> {
    /// Returns the kinds of the rows at these places, stored in `buffer`.
    pub(crate) fn gather<'r>(self, places: &[u32], buffer: &'r mut Vec<RowKind>) -> Kinds<'r> {
        match self {
            Kinds::All(kind) => Kinds::All(kind),
            Kinds::Each(kinds) => {
                buffer.clear();
                buffer.extend(places.iter().map(|&row| kinds[row as usize]));
                Kinds::Each(buffer)
            }
        }
    }
}

impl<'a> RowWatermarks<'a> {
    /// Returns the watermarks, none of them greater than `bound`.
    pub(crate) fn bounded(self, bound: i64) -> RowWatermarks<'a> {
        match self {
            RowWatermarks::All(watermark) => RowWatermarks::All(watermark.min(bound)),
            RowWatermarks::Each(watermarks) => RowWatermarks::Bounded { watermarks, bound },
            RowWatermarks::Bounded { watermarks, bound: other } => {
                RowWatermarks::Bounded { watermarks, bound: bound.min(other) }
            }
        }
    }

    #[inline]
    fn get(self, row: usize) -> i64 {
        match self {
            RowWatermarks::All(watermark) => watermark,
            RowWatermarks::Each(watermarks) => watermarks[row],
            RowWatermarks::Bounded { watermarks, bound } => watermarks[row].min(bound),
        }
    }

    /// Returns the watermarks of the rows at these places, stored in `buffer`.
    pub(crate) fn gather<'r>(self, places: &[u32], buffer: &'r mut Vec<i64>) -> RowWatermarks<'r> {
        match self {
            RowWatermarks::All(watermark) => RowWatermarks::All(watermark),
            RowWatermarks::Each(_) | RowWatermarks::Bounded { .. } => {
                buffer.clear();
                buffer.extend(places.iter().map(|&row| self.get(row as usize)));
                RowWatermarks::Each(buffer)
            }
        }
    }
}

/// Rows lent for one call.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// One column per field.
    pub columns: &'a [Vector<'a>],
    /// The entries of the columns that are rows, in order.
    pub rows: Selection<'a>,
    pub kinds: Kinds<'a>,
    pub watermarks: RowWatermarks<'a>,
}

impl<'a> Changes<'a> {
    #[inline]
    pub fn kind(&self, row: usize) -> RowKind {
        match self.kinds {
            Kinds::All(kind) => kind,
            Kinds::Each(kinds) => kinds[row],
        }
    }

    #[inline]
    pub fn watermark(&self, row: usize) -> i64 {
        self.watermarks.get(row)
    }

    #[inline]
    pub fn get(&self, field: usize, row: usize) -> Scalar<'a> {
        self.columns[field].get(row)
    }

    /// Returns the values of some fields of a row.
    pub fn values<'s>(
        &'s self,
        fields: &'s [usize],
        row: usize,
    ) -> impl Iterator<Item = Scalar<'a>> + use<'a, 's> {
        fields.iter().map(move |&field| self.columns[field].get(row))
    }

    /// Returns all values of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Scalar<'a>> + use<'a> {
        let columns = self.columns;
        columns.iter().map(move |column| column.get(row))
    }

    /// Returns the places of the rows in the columns, in order.
    pub fn places(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.rows.iter()
    }
}

/// A buffer with this many rows is handed on.
const FULL_ROWS: usize = 4_096;
const FULL_BYTES: usize = 1 << 20;

/// Owned rows: those that an operator emits, or that cross from one thread to another.
#[derive(Debug, Clone)]
pub struct ChangeBuffer {
    columns: Vec<Column>,
    kinds: Vec<RowKind>,
    watermarks: Vec<i64>,
}

impl ChangeBuffer {
    /// Creates an empty buffer for fields of these representations.
    pub fn new(reprs: &[Repr]) -> ChangeBuffer {
        ChangeBuffer {
            columns: reprs.iter().map(|&repr| Column::new(repr)).collect(),
            kinds: Vec::new(),
            watermarks: Vec::new(),
        }
    }

    /// Adds a row. `values` must yield one value per field.
    #[inline]
    pub fn push<'v>(&mut self, kind: RowKind, watermark: i64, values: impl IntoIterator<Item = Scalar<'v>>) {
        let mut values = values.into_iter();
        for column in &mut self.columns {
            column.push(values.next().unwrap_or(Scalar::Null));
        }
        self.kinds.push(kind);
        self.watermarks.push(watermark);
    }

    /// Adds a row from columns of the same representations.
    #[inline]
    pub fn push_row(&mut self, kind: RowKind, watermark: i64, columns: &[Vector<'_>], row: usize) {
        self.push_with(kind, watermark, |field, column| push_value(column, columns[field], row));
    }

    /// Adds a row. `push` is called for each field and must add one value to the column it is given.
    #[inline]
    pub(crate) fn push_with(
        &mut self,
        kind: RowKind,
        watermark: i64,
        mut push: impl FnMut(usize, &mut Column),
    ) {
        self.columns.iter_mut().enumerate().for_each(|(field, column)| push(field, column));
        self.kinds.push(kind);
        self.watermarks.push(watermark);
    }

    /// Adds a row that repeats the values of an earlier row of the buffer, except for the last field. Texts
    /// are not copied again.
    pub fn push_again(&mut self, kind: RowKind, watermark: i64, place: usize, last: Scalar<'_>) {
        let Some((last_column, columns)) = self.columns.split_last_mut() else { return };
        for column in columns {
            match column {
                Column::Bool(values) => values.push(values[place]),
                Column::Int(numbers) => numbers.push(numbers.get(place)),
                Column::Double(numbers) => numbers.push(numbers.get(place)),
                Column::Wide(numbers) => numbers.push(numbers.get(place)),
                Column::Text(texts) | Column::Bytes(texts) => texts.views.push(texts.views[place]),
                Column::Coded(coded) => coded.codes.push(coded.codes[place]),
            }
        }
        last_column.push(last);
        self.kinds.push(kind);
        self.watermarks.push(watermark);
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Returns whether the rows should be handed on before more are added.
    pub fn is_full(&self) -> bool {
        self.len() >= FULL_ROWS || self.columns.iter().any(|column| column.text_bytes() >= FULL_BYTES)
    }

    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(|column| column.reset(0));
        self.kinds.clear();
        self.watermarks.clear();
    }

    /// Lends the rows to `take`.
    pub fn lend<T>(&self, take: impl FnOnce(&Changes<'_>) -> T) -> T {
        let columns: Vec<Vector<'_>> = self.columns.iter().map(Vector::of).collect();
        take(&Changes {
            columns: &columns,
            rows: Selection::All(self.len()),
            kinds: Kinds::Each(&self.kinds),
            watermarks: RowWatermarks::Each(&self.watermarks),
        })
    }

    /// Returns the bytes held.
    pub fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::memory_bytes).sum();
        columns + self.kinds.capacity() + self.watermarks.capacity() * size_of::<i64>()
    }
}
