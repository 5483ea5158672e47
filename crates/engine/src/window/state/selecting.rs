//! Which rows of a batch a unit takes: those that pass its filter, and are not late for all its windows.

use sql::plan::Window;
use types::Scalar;

use super::{RowsIn, WindowState};
use crate::column::tri;
use crate::evaluate::Vector;
use crate::layout::{last_window_end, next_window_end, slice_end};
use crate::selection::Selection;

impl WindowState {
    /// Returns the rows that are late for no window over their slice, in order of arrival: for aggregates
    /// that pick the first or the last.
    pub(super) fn in_order<'r>(
        &self,
        rows: &RowsIn<'r>,
        window: Window,
        merged: &'r mut Vec<u32>,
    ) -> Selection<'r> {
        if rows.behind.is_empty() {
            return rows.on_time;
        }
        rows.on_time.for_each(|_, row| merged.push(row as u32));
        merged.extend(rows.behind.iter().filter_map(|&(row, watermark)| {
            let end = slice_end(window, rows.wall[row as usize]);
            (self.first_open(window, end, watermark) == Some(end)).then_some(row)
        }));
        merged.sort_unstable();
        Selection::Selected(merged)
    }

    /// Returns the end of the first window over a slice that still took rows at a watermark; `None` if the
    /// slice was late for all.
    pub(super) fn first_open(&self, window: Window, slice: i64, watermark: i64) -> Option<i64> {
        let last = last_window_end(window, slice);
        if self.calendar.is_late(last, watermark) {
            return None;
        }
        let mut end = slice;
        while self.calendar.is_late(end, watermark) {
            end = next_window_end(window, end).unwrap_or(last);
        }
        Some(end)
    }

    /// Returns the rows that pass a unit's row filter.
    pub(super) fn passing<'r>(
        &self,
        rows: &RowsIn<'_>,
        unit: usize,
        candidates: Selection<'r>,
        selected: &'r mut Vec<u32>,
    ) -> Selection<'r> {
        let conditions = &self.layout.units[unit].row_filter;
        if conditions.is_empty() {
            return candidates;
        }
        selected.clear();
        candidates.for_each(|_, row| selected.push(row as u32));

        for &condition in conditions {
            match rows.evaluator.column(rows.inputs, condition) {
                Vector::Bool(flags) => selected.retain(|&row| flags[row as usize] == tri::TRUE),
                Vector::Const(Scalar::Bool(true)) => {}
                _ => selected.clear(),
            }
        }

        Selection::Selected(selected)
    }
}
