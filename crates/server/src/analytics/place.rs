//! The place of a row among rows that are sorted by time, then by the hash of their key.

use super::moment::Moment;
use super::packed::Packed;

/// Returns the index of a row, or the index at which it belongs.
pub(crate) fn find(times: &Packed, ids: &[u64], time: Moment, id: u64) -> Result<usize, usize> {
    // Most rows are new, and the newest.
    let last = times.last().zip(ids.last().copied());
    if last.is_none_or(|last| last < (time.0, id)) {
        return Err(ids.len());
    }

    let from = times.partition_point(|of_row| of_row < time.0);
    let to = times.partition_point(|of_row| of_row <= time.0);
    ids[from..to].binary_search(&id).map(|at| from + at).map_err(|at| from + at)
}
