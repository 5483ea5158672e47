//! Common parts of the operators with windows: the clock that closes windows, the windows of a row, sessions,
//! and keys whose state is partitioned by a part of them.

mod clock;
mod sessions;
mod stored_key;

use sql::plan::Window;

pub use clock::{Moment, WindowClock};
pub use sessions::{SessionContent, SessionState, Taken};
pub use stored_key::StoredKey;

use crate::layout::{last_window_end, next_window_end, slice_end};

/// Returns the ends of the windows that contain a time of the wall clock (ms), ascending.
#[inline]
pub fn window_ends(window: Window, wall_ms: i64) -> impl Iterator<Item = i64> {
    let first = slice_end(window, wall_ms);
    let last = last_window_end(window, first);
    let next = move |&end: &i64| next_window_end(window, end).filter(|&next| next <= last);
    std::iter::successors(Some(first), next)
}

#[cfg(test)]
mod tests {
    use types::Interval;

    use super::*;

    #[test]
    fn a_row_belongs_to_every_window_that_holds_its_time() {
        let (size, offset) = (Interval(30), Interval::ZERO);
        let ends = |window, wall| window_ends(window, wall).collect::<Vec<_>>();
        assert_eq!(ends(Window::Tumble { size, offset }, 30), [60]);
        assert_eq!(ends(Window::Hop { size, slide: Interval(10), offset }, 25), [30, 40, 50]);
        assert_eq!(ends(Window::Cumulate { size, step: Interval(10), offset }, 45), [50, 60]);
    }
}
