//! The left rows of a lookup join and the watermarks between them, in order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::operator::changes::RowKind;
use crate::row::Reader;
use crate::state::StateValue;
use crate::watermark::NO_WATERMARK;

/// Rows of the table in the compact form.
pub(super) type Partners = Arc<[Box<[u8]>]>;

/// A left row.
pub(super) struct LeftRow {
    pub kind: RowKind,
    /// The watermark before it.
    pub watermark: i64,
    /// All its values in the compact form.
    pub row: Box<[u8]>,
    /// `None` until they are known.
    pub partners: Option<Partners>,
}

/// A left row whose partners are known.
pub(super) struct Given {
    pub left: LeftRow,
    pub partners: Partners,
}

/// An item of the queue, in order of arrival.
enum QueueItem {
    Row(LeftRow),
    Watermark(i64),
}

/// The queue of waiting rows. A row is found by its place, which counts all entries that ever were in the
/// queue.
#[derive(Default)]
pub(super) struct RowQueue {
    entries: VecDeque<QueueItem>,
    /// The place of the first entry.
    first: u64,
    rows: usize,
    row_bytes: usize,
    /// The last watermark before which all rows have left.
    passed: Option<i64>,
}

impl RowQueue {
    /// Returns the number of waiting rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Adds a row; returns its place.
    pub fn push(&mut self, row: LeftRow) -> u64 {
        self.rows += 1;
        self.row_bytes += row.row.len();
        self.entries.push_back(QueueItem::Row(row));
        self.first + self.entries.len() as u64 - 1
    }

    /// Adds a watermark behind the present rows.
    pub fn advance(&mut self, watermark: i64) {
        match self.entries.back_mut() {
            None => self.passed = Some(watermark),
            Some(QueueItem::Watermark(last)) => *last = watermark,
            Some(QueueItem::Row(_)) => self.entries.push_back(QueueItem::Watermark(watermark)),
        }
    }

    /// Returns the watermark after the rows that have left; `watermark` is that of the input.
    pub fn passed(&self, watermark: i64) -> i64 {
        if self.entries.is_empty() { watermark } else { self.passed.unwrap_or(NO_WATERMARK) }
    }

    /// Sets the partners of the row at a place.
    pub fn answer(&mut self, place: u64, partners: Partners) {
        let at = place.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(QueueItem::Row(row)) = at.and_then(|at| self.entries.get_mut(at)) {
            row.partners = Some(partners);
        }
    }

    /// Removes the rows at the head whose partners are known, at most `most`, and the watermarks after them.
    pub fn take_answered(&mut self, most: usize) -> Vec<Given> {
        let mut given = Vec::new();
        while given.len() < most {
            let is_ready = match self.entries.front() {
                Some(QueueItem::Row(row)) => row.partners.is_some(),
                Some(QueueItem::Watermark(_)) => true,
                None => false,
            };

            let Some(entry) = self.entries.pop_front_if(|_| is_ready) else { break };
            self.first += 1;

            match entry {
                QueueItem::Watermark(watermark) => self.passed = Some(watermark),
                QueueItem::Row(mut left) => {
                    self.rows -= 1;
                    self.row_bytes -= left.row.len();
                    let partners = left.partners.take().unwrap_or_default();
                    given.push(Given { left, partners });
                }
            }
        }
        given
    }

    /// Returns the waiting rows.
    pub fn rows(&self) -> impl Iterator<Item = &LeftRow> {
        self.entries.iter().filter_map(|entry| match entry {
            QueueItem::Row(row) => Some(row),
            QueueItem::Watermark(_) => None,
        })
    }

    pub fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<QueueItem>() + self.row_bytes
    }
}

impl LeftRow {
    /// Appends the row to an image.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.kind.tag());
        out.extend_from_slice(&self.watermark.to_le_bytes());
        self.row.write(out);
    }

    /// Reads the kind, the watermark and the values of a row; `None` if the bytes are invalid.
    pub fn read<'a>(reader: &mut Reader<'a>) -> Option<(RowKind, i64, &'a [u8])> {
        let kind = RowKind::of_tag(reader.tag()?)?;
        let watermark = i64::from_le_bytes(reader.run(8)?.try_into().ok()?);
        let length = reader.length()?;
        Some((kind, watermark, reader.run(length)?))
    }
}
