//! A run of rows of one analytic as columns, sorted by time, with the sums of its groups.
//!
//! The sums are what makes a route fast: a question over a month adds up a sum for each run and group instead of every
//! row. Where a run has nearly as many groups as rows they would save nothing, and the rows are gone through.

use super::intern::NO_TEXT;
use super::kind::Kind;
use super::moment::Moment;
use super::row::{FLOATS, INTS, Row, widths};
use super::sum::Sum;

/// Rows in a run at most. Few in tests, so that they see runs split.
pub(super) const RUN_ROWS_MAX: usize = if cfg!(test) { 16 } else { 8_192 };

/// The columns.
pub(super) struct Run {
    kind: Kind,
    times: Vec<Moment>,
    ids: Vec<u64>,
    groups: Vec<u32>,
    /// Empty where the analytic has no texts.
    texts: Vec<u32>,
    expires: Vec<i64>,
    finals: Vec<bool>,
    ints: Vec<Vec<i64>>,
    floats: Vec<Vec<f64>>,
    sums: Sums,
    first_expiry: i64,
}

enum Sums {
    /// Rows changed since they were made.
    Stale,
    /// Ascending by group.
    Made(Vec<Sum>),
    /// They would not be shorter than the rows.
    Useless,
}

impl Run {
    pub(super) fn new(kind: Kind) -> Run {
        let (ints, floats) = widths(kind);
        Run {
            kind,
            times: Vec::new(),
            ids: Vec::new(),
            groups: Vec::new(),
            texts: Vec::new(),
            expires: Vec::new(),
            finals: Vec::new(),
            ints: vec![Vec::new(); ints],
            floats: vec![Vec::new(); floats],
            sums: Sums::Stale,
            first_expiry: i64::MAX,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let sums = if let Sums::Made(sums) = &self.sums { sums.capacity() * size_of::<Sum>() } else { 0 };
        let columns = self.ints.iter().map(Vec::capacity).chain(self.floats.iter().map(Vec::capacity));
        self.times.capacity() * size_of::<Moment>()
            + self.finals.capacity()
            + (self.groups.capacity() + self.texts.capacity()) * 4
            + (self.ids.capacity() + self.expires.capacity() + columns.sum::<usize>()) * 8
            + sums
    }

    pub(super) fn first(&self) -> Option<(Moment, u64)> {
        Some((*self.times.first()?, *self.ids.first()?))
    }

    pub(super) fn last_time(&self) -> Option<Moment> {
        self.times.last().copied()
    }

    /// The newest time that is not later than `now`.
    pub(super) fn newest_until(&self, now: Moment) -> Option<Moment> {
        self.up_to(now).checked_sub(1).map(|at| self.times[at])
    }

    /// How many rows are not later than `time`.
    pub(super) fn up_to(&self, time: Moment) -> usize {
        self.times.partition_point(|of_row| *of_row <= time)
    }

    pub(super) fn first_expiry(&self) -> i64 {
        self.first_expiry
    }

    pub(super) fn row(&self, at: usize) -> Row {
        let mut row = Row {
            time: self.times[at],
            id: self.ids[at],
            group: self.groups[at],
            text: self.texts.get(at).copied().unwrap_or(NO_TEXT),
            expires: self.expires[at],
            is_final: self.finals[at],
            ints: [0; INTS],
            floats: [f64::NAN; FLOATS],
        };
        for (value, column) in row.ints.iter_mut().zip(&self.ints) {
            *value = column[at];
        }
        for (value, column) in row.floats.iter_mut().zip(&self.floats) {
            *value = column[at];
        }
        row
    }

    /// Where the row of a key stands, or where it belongs.
    pub(super) fn find(&self, time: Moment, id: u64) -> Result<usize, usize> {
        // Most rows are new, and the newest.
        if self.times.last().zip(self.ids.last()).is_none_or(|(t, i)| (*t, *i) < (time, id)) {
            return Err(self.len());
        }
        let from = self.times.partition_point(|t| *t < time);
        let to = from + self.times[from..].partition_point(|t| *t == time);
        self.ids[from..to].binary_search(&id).map(|at| from + at).map_err(|at| from + at)
    }

    pub(super) fn insert(&mut self, at: usize, row: &Row) {
        self.times.insert(at, row.time);
        self.ids.insert(at, row.id);
        self.groups.insert(at, row.group);
        if self.kind == Kind::Department {
            self.texts.insert(at, row.text);
        }
        self.expires.insert(at, row.expires);
        self.finals.insert(at, row.is_final);
        for (column, value) in self.ints.iter_mut().zip(row.ints) {
            column.insert(at, value);
        }
        for (column, value) in self.floats.iter_mut().zip(row.floats) {
            column.insert(at, value);
        }
        self.changed(row.expires);
    }

    /// Adds the rows of another run behind its own, whatever their order.
    pub(super) fn append(&mut self, other: &Run) {
        for at in 0..other.len() {
            self.insert(self.len(), &other.row(at));
        }
    }

    pub(super) fn replace(&mut self, at: usize, row: &Row) {
        self.groups[at] = row.group;
        if self.kind == Kind::Department {
            self.texts[at] = row.text;
        }
        self.expires[at] = row.expires;
        self.finals[at] = row.is_final;
        for (column, value) in self.ints.iter_mut().zip(row.ints) {
            column[at] = value;
        }
        for (column, value) in self.floats.iter_mut().zip(row.floats) {
            column[at] = value;
        }
        self.changed(row.expires);
    }

    fn changed(&mut self, expires: i64) {
        self.sums = Sums::Stale;
        self.first_expiry = self.first_expiry.min(expires);
    }

    /// The rows named, in that order, as a run of their own.
    pub(super) fn gather(&self, rows: &[u32]) -> Run {
        fn pick<T: Copy>(column: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|at| column[*at as usize]).collect()
        }
        let expires = pick(&self.expires, rows);
        Run {
            kind: self.kind,
            times: pick(&self.times, rows),
            ids: pick(&self.ids, rows),
            groups: pick(&self.groups, rows),
            texts: if self.texts.is_empty() { Vec::new() } else { pick(&self.texts, rows) },
            first_expiry: expires.iter().copied().min().unwrap_or(i64::MAX),
            expires,
            finals: pick(&self.finals, rows),
            ints: self.ints.iter().map(|column| pick(column, rows)).collect(),
            floats: self.floats.iter().map(|column| pick(column, rows)).collect(),
            sums: Sums::Stale,
        }
    }

    /// The order that sorts the rows by time and id; of rows with the same key only the one added last is named.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let key = |at: u32| (self.times[at as usize], self.ids[at as usize]);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by_key(|at| (key(*at), std::cmp::Reverse(*at)));
        order.dedup_by_key(|at| key(*at));
        order
    }

    /// The rows that stand after `now`, `None` if all do.
    pub(super) fn unexpired(&self, now: i64) -> Option<Vec<u32>> {
        if self.first_expiry > now {
            return None;
        }
        Some((0..self.len() as u32).filter(|at| self.expires[*at as usize] > now).collect())
    }

    /// Makes the sums again if rows changed. `scratch` has room for every group and is empty before and after.
    pub(super) fn settle(&mut self, scratch: &mut [Sum]) {
        if !matches!(self.sums, Sums::Stale) {
            return;
        }
        let mut touched = Vec::new();

        for at in 0..self.len() {
            let row = self.row(at);
            let sum = &mut scratch[row.group as usize];
            if sum.rows == 0 {
                touched.push(row.group);
            }
            sum.add(&Sum::of(self.kind, &row));
        }

        touched.sort_unstable();
        let useful = touched.len() * 4 <= self.len();
        let mut sums = Vec::with_capacity(if useful { touched.len() } else { 0 });

        for group in touched {
            let sum = std::mem::replace(&mut scratch[group as usize], Sum::EMPTY);
            if useful {
                sums.push(Sum { group, ..sum });
            }
        }

        self.sums = if useful { Sums::Made(sums) } else { Sums::Useless };
    }

    /// Calls `each` with sums that together hold every row at or after `cutoff` once.
    pub(super) fn sums_since(&self, cutoff: Moment, each: &mut impl FnMut(&Sum)) {
        match (&self.sums, self.times.first()) {
            (Sums::Made(sums), Some(first)) if *first >= cutoff => sums.iter().for_each(each),
            _ => self.rows_since(cutoff, |row| each(&Sum::of(self.kind, row))),
        }
    }

    /// As [`Run::sums_since`], of the first two counts only: group, whether any window is open, and the counts.
    pub(super) fn counts_since(&self, cutoff: Moment, each: &mut impl FnMut(u32, bool, [i64; 2])) {
        match (&self.sums, self.times.first(), &self.ints[..]) {
            (Sums::Made(sums), Some(first), _) if *first >= cutoff => {
                sums.iter().for_each(|sum| each(sum.group, !sum.is_final(), [sum.ints[0], sum.ints[1]]));
            }
            (_, _, [first, second, ..]) => {
                let from = self.times.partition_point(|t| *t < cutoff);
                let counts = first[from..].iter().zip(&second[from..]).zip(&self.finals[from..]);
                let groups = self.groups[from..].iter();
                groups.zip(counts).for_each(|(group, ((a, b), is_final))| each(*group, !is_final, [*a, *b]));
            }
            _ => {
                self.rows_since(cutoff, |row| each(row.group, !row.is_final, [row.ints[0], row.ints[1]]));
            }
        }
    }

    pub(super) fn rows_since(&self, cutoff: Moment, mut each: impl FnMut(&Row)) {
        for at in self.times.partition_point(|t| *t < cutoff)..self.len() {
            each(&self.row(at));
        }
    }

    /// Renames groups and texts after a compaction; `text` is asked for the new code of a text.
    pub(super) fn rename(&mut self, group: &[u32], mut text: impl FnMut(u32) -> u32) {
        for code in &mut self.groups {
            *code = group[*code as usize];
        }
        for code in &mut self.texts {
            if *code != NO_TEXT {
                *code = text(*code);
            }
        }
        self.sums = Sums::Stale;
    }

    pub(super) fn mark_groups(&self, used: &mut [bool]) {
        for group in &self.groups {
            used[*group as usize] = true;
        }
    }
}
