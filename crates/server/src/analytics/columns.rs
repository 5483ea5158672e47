//! A run of rows of one analytic as columns, sorted by time, with the sums of its groups.
//!
//! The sums make routes fast: a request over a month adds up one sum per run and group instead of every row.
//! A run with many groups has no sums, since they would save little and take more memory than the rows; a
//! request then goes through the rows.
//!
//! The sums cover the first rows of the run, and a request goes through the rest, up to a quarter in a
//! growing run. The newest rows are rewritten until their windows close, which would outdate sums of all
//! rows.

use std::array;
use std::ops::Range;

use super::intern::NO_TEXT;
use super::kind::Kind;
use super::moment::{Moment, SECOND_MICROS};
use super::packed::{Packed, reserve};
use super::place;
use super::row::{FLOATS, INTS, Row, averages};
use super::sum::Sum;

/// Maximum of rows in a run. Few in tests, so that runs split.
pub(super) const RUN_ROWS_MAX: usize = if cfg!(test) { 16 } else { 8_192 };

/// Rows read from the columns at once.
const BLOCK_ROWS: usize = 128;

/// Rows per group from which on sums are made: a sum takes as much memory as eight rows.
const ROWS_A_SUM: usize = 16;

/// A run of rows as columns.
pub(super) struct Run {
    kind: Kind,
    /// Microseconds, as in [`Moment`].
    times: Packed,
    ids: Vec<u64>,
    groups: Packed,
    texts: Packed,
    expires: Packed,
    /// 0 or 1. All rows of most runs are final.
    finals: Packed,
    ints: [Packed; INTS],
    /// One column per average of the analytic.
    floats: Vec<Vec<f64>>,
    sums: Sums,
    first_expiry: i64,
}

/// The sums of a run's first rows.
struct Sums {
    /// Number of covered rows. None of them has changed since.
    rows: usize,
    /// Ascending by group. `None` where sums would not be much shorter than the rows.
    made: Option<Vec<Sum>>,
}

impl Sums {
    const STALE: Sums = Sums { rows: 0, made: None };
}

impl Run {
    pub(super) fn new(kind: Kind) -> Run {
        Run {
            kind,
            times: Packed::new(SECOND_MICROS),
            ids: Vec::new(),
            groups: Packed::new(1),
            texts: Packed::new(1),
            expires: Packed::new(1),
            finals: Packed::new(1),
            ints: array::from_fn(|i| Packed::new(grain(kind, i))),
            floats: vec![Vec::new(); averages(kind)],
            sums: Sums::STALE,
            first_expiry: i64::MAX,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let sums = self.sums.made.as_ref().map_or(0, |sums| sums.capacity() * size_of::<Sum>());
        let packed = [&self.times, &self.groups, &self.texts, &self.expires, &self.finals];
        let packed = packed.into_iter().chain(&self.ints).map(Packed::memory_bytes);
        let floats = self.floats.iter().map(Vec::capacity);
        packed.sum::<usize>() + (self.ids.capacity() + floats.sum::<usize>()) * 8 + sums
    }

    pub(super) fn first(&self) -> Option<(Moment, u64)> {
        Some((self.first_time()?, self.ids[0]))
    }

    pub(super) fn last(&self) -> Option<(Moment, u64)> {
        Some((self.last_time()?, *self.ids.last()?))
    }

    fn first_time(&self) -> Option<Moment> {
        (self.len() > 0).then(|| self.time(0))
    }

    pub(super) fn last_time(&self) -> Option<Moment> {
        self.times.last().map(Moment)
    }

    fn time(&self, at: usize) -> Moment {
        Moment(self.times.get(at))
    }

    /// Returns the newest time that is not later than `now`.
    pub(super) fn newest_until(&self, now: Moment) -> Option<Moment> {
        self.up_to(now).checked_sub(1).map(|at| self.time(at))
    }

    /// Returns how many rows are not later than `time`.
    pub(super) fn up_to(&self, time: Moment) -> usize {
        self.times.partition_point(|of_row| of_row <= time.0)
    }

    /// Returns how many rows are earlier than `time`.
    fn before(&self, time: Moment) -> usize {
        self.times.partition_point(|of_row| of_row < time.0)
    }

    pub(super) fn first_expiry(&self) -> i64 {
        self.first_expiry
    }

    /// Returns a row. Panics if there is no such row.
    pub(super) fn row(&self, at: usize) -> Row {
        Row {
            time: self.time(at),
            id: self.ids[at],
            group: self.groups.get(at) as u32,
            text: self.texts.get(at) as u32,
            expires: self.expires.get(at),
            is_final: self.finals.get(at) != 0,
            ints: array::from_fn(|i| self.ints[i].get(at)),
            floats: self.averages(at),
        }
    }

    fn averages(&self, at: usize) -> [f64; FLOATS] {
        array::from_fn(|i| self.floats.get(i).map_or(f64::NAN, |column| column[at]))
    }

    /// Returns the index of a key's row, or the index at which it belongs.
    pub(super) fn find(&self, time: Moment, id: u64) -> Result<usize, usize> {
        place::find(&self.times, &self.ids, time, id)
    }

    pub(super) fn insert(&mut self, at: usize, row: &Row) {
        self.times.insert(at, row.time.0);
        reserve(&mut self.ids, 1);
        self.ids.insert(at, row.id);
        self.groups.insert(at, row.group.into());
        self.texts.insert(at, row.text.into());
        self.expires.insert(at, row.expires);
        self.finals.insert(at, row.is_final.into());
        for (column, value) in self.ints.iter_mut().zip(row.ints) {
            column.insert(at, value);
        }
        for (column, value) in self.floats.iter_mut().zip(row.floats) {
            reserve(column, 1);
            column.insert(at, value);
        }
        self.changed(at, row.expires);
    }

    /// Appends the rows of another run, whatever their order.
    pub(super) fn append(&mut self, other: &Run) {
        other.rows(0..other.len(), |row| self.insert(self.len(), row));
    }

    pub(super) fn replace(&mut self, at: usize, row: &Row) {
        self.groups.set(at, row.group.into());
        self.texts.set(at, row.text.into());
        self.expires.set(at, row.expires);
        self.finals.set(at, row.is_final.into());
        for (column, value) in self.ints.iter_mut().zip(row.ints) {
            column.set(at, value);
        }
        for (column, value) in self.floats.iter_mut().zip(row.floats) {
            column[at] = value;
        }
        self.changed(at, row.expires);
    }

    fn changed(&mut self, at: usize, expires: i64) {
        if at < self.sums.rows {
            self.sums = Sums::STALE;
        }
        self.first_expiry = self.first_expiry.min(expires);
    }

    /// Returns the rows at these indexes, in that order, as a run of their own.
    pub(super) fn gather(&self, rows: &[u32]) -> Run {
        fn pick<T: Copy>(column: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|at| column[*at as usize]).collect()
        }
        let expires = self.expires.gather(rows);
        Run {
            kind: self.kind,
            times: self.times.gather(rows),
            ids: pick(&self.ids, rows),
            groups: self.groups.gather(rows),
            texts: self.texts.gather(rows),
            first_expiry: expires.iter().min().unwrap_or(i64::MAX),
            expires,
            finals: self.finals.gather(rows),
            ints: self.ints.each_ref().map(|column| column.gather(rows)),
            floats: self.floats.iter().map(|column| pick(column, rows)).collect(),
            sums: Sums::STALE,
        }
    }

    /// Returns the indexes that sort the rows by time and id. Of rows with the same key, it has only the one
    /// added last.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let key = |at: u32| (self.time(at as usize), self.ids[at as usize]);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by_key(|at| (key(*at), std::cmp::Reverse(*at)));
        order.dedup_by_key(|at| key(*at));
        order
    }

    /// Returns the indexes of the rows that have not expired at `now`, `None` if all have not.
    pub(super) fn unexpired(&self, now: i64) -> Option<Vec<u32>> {
        if self.first_expiry > now {
            return None;
        }
        Some((0..self.len() as u32).filter(|at| self.expires.get(*at as usize) > now).collect())
    }

    /// Sums up a run that will hardly grow, if any row has changed. `scratch` has room for every group and is
    /// empty before and after.
    pub(super) fn settle(&mut self, scratch: &mut [Sum]) {
        if self.sums.rows < self.len() {
            self.sum_up(self.len(), scratch);
        }
    }

    /// As [`Run::settle`] for a growing run: sums up again once the sums lack a quarter of the rows.
    pub(super) fn settle_growing(&mut self, scratch: &mut [Sum]) {
        if self.len() - self.sums.rows > self.len() / 4 {
            self.sum_up(self.len() - self.len() / 8, scratch);
        }
    }

    fn sum_up(&mut self, rows: usize, scratch: &mut [Sum]) {
        let mut touched = Vec::new();

        self.rows(0..rows, |row| {
            let sum = &mut scratch[row.group as usize];
            if sum.rows == 0 {
                touched.push(row.group);
            }
            sum.add(&Sum::of(self.kind, row));
        });

        touched.sort_unstable();
        let useful = touched.len() * ROWS_A_SUM <= rows;
        let mut sums = Vec::with_capacity(if useful { touched.len() } else { 0 });

        for group in touched {
            let sum = std::mem::replace(&mut scratch[group as usize], Sum::EMPTY);
            if useful {
                sums.push(Sum { group, ..sum });
            }
        }

        self.sums = Sums { rows, made: useful.then_some(sums) };
    }

    /// Returns sums of rows at or after `cutoff`, and the rows at or after it that the sums do not cover.
    fn since(&self, cutoff: Moment) -> (&[Sum], Range<usize>) {
        match &self.sums.made {
            Some(sums) if self.first_time().is_some_and(|first| first >= cutoff) => {
                (sums, self.sums.rows..self.len())
            }
            _ => (&[], self.before(cutoff)..self.len()),
        }
    }

    /// Calls `each` with sums that together cover every row at or after `cutoff` once.
    pub(super) fn sums_since(&self, cutoff: Moment, each: &mut impl FnMut(&Sum)) {
        let (sums, rows) = self.since(cutoff);
        sums.iter().for_each(&mut *each);
        self.rows(rows, |row| each(&Sum::of(self.kind, row)));
    }

    /// As [`Run::sums_since`], with the first two counts only: group, whether a window is open, and the
    /// counts.
    pub(super) fn counts_since(&self, cutoff: Moment, each: &mut impl FnMut(u32, bool, [i64; 2])) {
        let (sums, rows) = self.since(cutoff);
        sums.iter().for_each(|sum| each(sum.group, !sum.is_final(), [sum.ints[0], sum.ints[1]]));

        let [first, second, _] = &self.ints;
        let columns = [&self.groups, &self.finals, first, second];
        each_row(columns, rows, |_, [group, is_final, first, second]| {
            each(group as u32, is_final == 0, [first, second]);
        });
    }

    pub(super) fn rows_since(&self, cutoff: Moment, each: impl FnMut(&Row)) {
        self.rows(self.before(cutoff)..self.len(), each);
    }

    /// Calls `each` with each row of a range.
    fn rows(&self, rows: Range<usize>, mut each: impl FnMut(&Row)) {
        let [first, second, third] = &self.ints;
        let columns =
            [&self.times, &self.groups, &self.texts, &self.expires, &self.finals, first, second, third];
        each_row(columns, rows, |at, [time, group, text, expires, is_final, ints @ ..]| {
            each(&Row {
                time: Moment(time),
                id: self.ids[at],
                group: group as u32,
                text: text as u32,
                expires,
                is_final: is_final != 0,
                ints,
                floats: self.averages(at),
            });
        });
    }

    /// Renames groups and texts after a compaction; `text` returns the new code of a text.
    pub(super) fn rename(&mut self, group: &[u32], mut text: impl FnMut(u32) -> u32) {
        self.groups.map(|code| group[code as usize].into());
        self.texts.map(|code| if code == i64::from(NO_TEXT) { code } else { text(code as u32).into() });
        self.sums = Sums::STALE;
    }

    pub(super) fn mark_groups(&self, used: &mut [bool]) {
        for group in self.groups.iter() {
            used[group as usize] = true;
        }
    }
}

/// Returns a likely common divisor of the values of a column: the windows of time series are whole seconds.
fn grain(kind: Kind, column: usize) -> i64 {
    if kind.is_series() && column > 0 { SECOND_MICROS } else { 1 }
}

/// Calls `each` with index and values of each row of a range. Reads columns a block at a time, which costs a
/// fraction of checking the width for each value.
fn each_row<const N: usize>(
    columns: [&Packed; N],
    rows: Range<usize>,
    mut each: impl FnMut(usize, [i64; N]),
) {
    let mut blocks = [[0; BLOCK_ROWS]; N];
    for from in rows.clone().step_by(BLOCK_ROWS) {
        let len = BLOCK_ROWS.min(rows.end - from);
        for (column, block) in columns.iter().zip(&mut blocks) {
            column.read(from, &mut block[..len]);
        }
        for at in 0..len {
            each(from + at, blocks.each_ref().map(|block| block[at]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::row::plain;

    #[test]
    fn the_sums_of_a_run_that_grows_are_made_again_for_few_of_its_rows() {
        let (mut run, mut scratch, mut made) = (Run::new(Kind::PopularQueries), [Sum::EMPTY], 0);
        for at in 0..1_000 {
            let before = run.sums.rows;
            for count in [1, 2] {
                let row = Row { ints: [count; INTS], ..plain(at, 0) };
                match run.find(row.time, row.id) {
                    Ok(at) => run.replace(at, &row),
                    Err(at) => run.insert(at, &row),
                }
                run.settle_growing(&mut scratch);
            }
            made += usize::from(run.sums.rows != before);
            assert!(run.sums.rows * 4 >= run.len() * 3 && run.sums.rows <= run.len());
            let mut sum = 0;
            run.sums_since(Moment::MIN, &mut |part| sum += part.ints[0]);
            assert_eq!(sum, (at + 1) * 2);
        }
        assert!(made < 80, "{made} times");
    }
}
