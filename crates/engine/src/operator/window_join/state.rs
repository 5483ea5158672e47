//! The rows of the open windows under one key.

use crate::row;
use crate::state::StateValue;

/// The bounds of a window: its end, then its start, on the wall clock. Windows are ordered by their ends.
pub(super) type WindowBounds = (i64, i64);

/// The open windows under one key, in order. They are few: one, or as many as overlap.
#[derive(Debug, Default)]
pub(super) struct WindowsOfKey {
    windows: Vec<(WindowBounds, WindowRows)>,
    /// The bytes of the rows of all windows.
    row_bytes: usize,
}

/// The rows of both sides in one window.
#[derive(Debug, Default)]
pub(super) struct WindowRows {
    sides: [RowList; 2],
}

/// Rows, one after the other, each preceded by its length.
#[derive(Debug, Default)]
struct RowList {
    bytes: Vec<u8>,
    count: usize,
}

impl WindowsOfKey {
    /// Adds a row to a window; returns whether the window is new.
    pub fn add(&mut self, bounds: WindowBounds, side: usize, row: &[u8]) -> bool {
        let found = self.windows.binary_search_by_key(&bounds, |(bounds, _)| *bounds);
        let place = found.unwrap_or_else(|place| {
            // Most keys have a row or two in one window.
            if self.windows.is_empty() {
                self.windows.reserve_exact(1);
            }
            self.windows.insert(place, (bounds, WindowRows::default()));
            place
        });

        let rows = &mut self.windows[place].1.sides[side];
        let before = rows.bytes.capacity();
        row::write_length(row.len(), &mut rows.bytes);
        rows.bytes.extend_from_slice(row);
        rows.count += 1;
        self.row_bytes += rows.bytes.capacity() - before;
        found.is_err()
    }

    /// Removes and returns the first window, if it is due by its end.
    pub fn pop(&mut self, is_due: impl FnOnce(i64) -> bool) -> Option<WindowRows> {
        let ((end, _), _) = self.windows.first()?;
        if !is_due(*end) {
            return None;
        }
        let (_, window) = self.windows.remove(0);
        self.row_bytes -= window.sides.iter().map(|rows| rows.bytes.capacity()).sum::<usize>();
        Some(window)
    }

    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }
}

impl WindowRows {
    pub fn rows(&self, side: usize) -> Vec<&[u8]> {
        let RowList { bytes, count } = &self.sides[side];
        let mut reader = row::Reader::new(bytes);
        let mut next = || {
            let length = reader.length()?;
            reader.run(length)
        };
        (0..*count).map_while(|_| next()).collect()
    }
}

impl StateValue for WindowsOfKey {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.windows.len(), out);
        for ((end, start), window) in &self.windows {
            out.extend_from_slice(&end.to_le_bytes());
            out.extend_from_slice(&start.to_le_bytes());
            for rows in &window.sides {
                row::write_length(rows.count, out);
                row::write_length(rows.bytes.len(), out);
                out.extend_from_slice(&rows.bytes);
            }
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<WindowsOfKey> {
        let mut windows = WindowsOfKey::default();
        for _ in 0..reader.length()? {
            let mut time = || Some(i64::from_le_bytes(reader.run(8)?.try_into().ok()?));
            let bounds = (time()?, time()?);
            let mut window = WindowRows::default();
            for rows in &mut window.sides {
                rows.count = reader.length()?;
                let length = reader.length()?;
                rows.bytes = reader.run(length)?.to_vec();
                windows.row_bytes += rows.bytes.capacity();
            }
            windows.windows.push((bounds, window));
        }
        Some(windows)
    }

    fn heap_bytes(&self) -> usize {
        self.windows.capacity() * size_of::<(WindowBounds, WindowRows)>() + self.row_bytes
    }
}
