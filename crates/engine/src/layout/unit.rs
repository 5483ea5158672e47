//! Slices: the disjoint pieces of time of which tumbling, hopping and cumulating windows are made.
//!
//! A slice is named by its end, which is exclusive, in milliseconds on the wall clock. Every row falls in
//! exactly one slice of a unit; a slice is dropped when the last window that contains it has fired.

use sql::plan::Window;
use types::Interval;

/// Returns the length of a window's slices.
pub fn slice_step(window: Window) -> i64 {
    match window {
        Window::Tumble { size, .. } => size.0,
        Window::Hop { slide, .. } => slide.0,
        Window::Cumulate { step, .. } => step.0,
    }
}

pub(crate) fn window_size(window: Window) -> Interval {
    match window {
        Window::Tumble { size, .. } | Window::Hop { size, .. } | Window::Cumulate { size, .. } => size,
    }
}

pub(crate) fn window_offset(window: Window) -> i64 {
    match window {
        Window::Tumble { offset, .. } | Window::Hop { offset, .. } | Window::Cumulate { offset, .. } => {
            offset.0
        }
    }
}

/// Returns the end of the slice that contains a wall-clock time.
pub fn slice_end(window: Window, wall: i64) -> i64 {
    align(wall, slice_step(window), window_offset(window)) + slice_step(window)
}

/// Returns the start of the grid cell that contains a time.
pub(crate) fn align(wall: i64, step: i64, offset: i64) -> i64 {
    (wall - offset).div_euclid(step) * step + offset
}

/// Returns the start of the window that ends at `end`, which must be on the window's grid.
pub(crate) fn window_start(window: Window, end: i64) -> i64 {
    match window {
        Window::Tumble { size, .. } | Window::Hop { size, .. } => end - size.0,
        Window::Cumulate { size, offset, .. } => align(end - 1, size.0, offset.0),
    }
}

/// Returns the end of the last window that contains a slice.
pub(crate) fn last_window_end(window: Window, slice: i64) -> i64 {
    match window {
        Window::Tumble { .. } => slice,
        Window::Hop { size, slide, .. } => slice + size.0 - slide.0,
        Window::Cumulate { size, offset, .. } => align(slice - 1, size.0, offset.0) + size.0,
    }
}

/// Returns the end of the next window that may contain some of the same slices.
pub(crate) fn next_window_end(window: Window, end: i64) -> Option<i64> {
    match window {
        Window::Tumble { .. } => None,
        Window::Hop { slide, .. } => Some(end + slide.0),
        Window::Cumulate { step, .. } => {
            (end < window_start(window, end) + window_size(window).0).then_some(end + step.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Interval = Interval(60_000);

    #[test]
    fn a_row_at_a_boundary_belongs_to_the_next_slice() {
        let window = Window::Tumble { size: Interval(20_000), offset: Interval::ZERO };
        assert_eq!(slice_end(window, 19_999), 20_000);
        assert_eq!(slice_end(window, 20_000), 40_000);
        assert_eq!(slice_end(window, -1), 0);
    }

    #[test]
    fn an_offset_moves_the_grid() {
        let window = Window::Tumble { size: MINUTE, offset: Interval(-5_000) };
        assert_eq!(slice_end(window, 0), 55_000);
        assert_eq!(slice_end(window, 55_000), 115_000);
    }

    #[test]
    fn hopping_windows_share_slices() {
        let window = Window::Hop { size: Interval(30_000), slide: Interval(10_000), offset: Interval::ZERO };
        assert_eq!(slice_end(window, 5_000), 10_000);
        assert_eq!(last_window_end(window, 10_000), 30_000);
        assert_eq!(window_start(window, 10_000), -20_000);
        assert_eq!(next_window_end(window, 10_000), Some(20_000));
    }

    #[test]
    fn cumulating_windows_start_together_and_end_with_the_largest() {
        let window = Window::Cumulate { size: MINUTE, step: Interval(20_000), offset: Interval::ZERO };
        assert_eq!(last_window_end(window, 80_000), 120_000);
        assert_eq!(window_start(window, 80_000), 60_000);
        assert_eq!(window_start(window, 120_000), 60_000);
        assert_eq!(next_window_end(window, 100_000), Some(120_000));
        assert_eq!(next_window_end(window, 120_000), None);
    }
}
