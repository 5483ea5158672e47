//! The rows of one analytic: runs in order of time, none overlapping the next.

use std::collections::BTreeSet;

use super::columns::{RUN_ROWS_MAX, Run};
use super::intern::{Groups, Texts};
use super::kind::Kind;
use super::moment::Moment;
use super::row::Row;
use super::sum::Sum;

/// The rows, their groups, and scratch space to sum them up.
pub(super) struct AnalyticTable {
    kind: Kind,
    runs: Vec<Run>,
    pub(super) groups: Groups,
    rows: usize,
    scratch: Vec<Sum>,
}

impl AnalyticTable {
    pub(super) fn new(kind: Kind) -> AnalyticTable {
        AnalyticTable { kind, runs: Vec::new(), groups: Groups::default(), rows: 0, scratch: Vec::new() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.runs.iter().map(Run::memory_bytes).sum::<usize>()
            + self.groups.memory_bytes()
            + self.scratch.capacity() * size_of::<Sum>()
    }

    /// Writes a row over the row of the same key. The sums are outdated until [`AnalyticTable::settle`].
    pub(super) fn upsert(&mut self, row: &Row) {
        let mut place = self
            .runs
            .partition_point(|run| run.first().is_some_and(|first| first <= (row.time, row.id)))
            .saturating_sub(1);

        if self.runs.is_empty() {
            self.runs.push(Run::new(self.kind));
        }
        match self.runs[place].find(row.time, row.id) {
            Ok(at) => self.runs[place].replace(at, row),
            Err(mut at) => {
                if self.runs[place].len() >= RUN_ROWS_MAX {
                    (place, at) = self.make_room(place, at);
                }
                self.runs[place].insert(at, row);
                self.rows += 1;
            }
        }
    }

    /// Deletes rows by time and id; ignores missing rows. The sums are outdated until [`AnalyticTable::settle`].
    pub(super) fn remove(&mut self, rows: &BTreeSet<(Moment, u64)>) {
        let before = self.rows;
        let mut rows = rows.iter().peekable();

        // Rows and runs are both in order of time and id, so each run is rewritten at most once.
        for run in &mut self.runs {
            let Some(last) = run.last() else { continue };
            let mut gone = BTreeSet::new();
            while let Some((time, id)) = rows.next_if(|row| **row <= last) {
                gone.extend(run.find(*time, *id));
            }
            if !gone.is_empty() {
                let kept = (0..run.len()).filter(|at| !gone.contains(at)).map(|at| at as u32);
                *run = run.gather(&kept.collect::<Vec<u32>>());
                self.rows -= gone.len();
            }
        }

        if self.rows < before {
            self.runs.retain(|run| run.len() > 0);
        }
    }

    /// Makes room in a full run. Returns the run and the index where the row then belongs.
    fn make_room(&mut self, place: usize, at: usize) -> (usize, usize) {
        let is_last = place + 1 == self.runs.len();
        let rows = self.runs[place].len();

        // New rows have one of the newest times, and arrive unordered. The rows before these will not change,
        // so they stay together, and without spare memory.
        let front = if is_last { rows - rows / 8 } else { rows / 2 };
        self.split(place, front);
        if at >= front { (place + 1, at - front) } else { (place, at) }
    }

    fn split(&mut self, place: usize, front: usize) {
        let run = &self.runs[place];
        let all: Vec<u32> = (0..run.len() as u32).collect();
        let (front, back) = (run.gather(&all[..front]), run.gather(&all[front..]));
        self.runs[place] = front;
        self.runs.insert(place + 1, back);
    }

    /// Writes many rows in any order at once: much faster than one by one where they are not in order of
    /// time. They replace rows of the same key.
    pub(super) fn fill(&mut self, draft: Run) {
        let mut all = draft;
        if !self.runs.is_empty() {
            // The last of several rows with the same key counts.
            let newer = std::mem::replace(&mut all, Run::new(self.kind));
            for run in std::mem::take(&mut self.runs) {
                all.append(&run);
            }
            all.append(&newer);
        }

        let order = all.sorted();
        self.rows = order.len();
        self.runs = order.chunks(RUN_ROWS_MAX).map(|rows| all.gather(rows)).collect();
        drop(all);
        self.settle();
    }

    /// Returns the approximate number of bytes that would be free without this table.
    pub(super) fn weight(&self, texts: &Texts) -> usize {
        self.memory_bytes() + self.groups.texts().map(|code| texts.held_bytes(code)).sum::<usize>()
    }

    /// Drops the oldest quarter of the rows, at least one, with all others of their times. Returns their
    /// number, and the time from which on rows are left.
    pub(super) fn drop_oldest(&mut self) -> (usize, Option<Moment>) {
        let before = self.rows;
        let last = before.div_ceil(4).saturating_sub(1);
        let Some(newest_dropped) = self.time_of(last) else { return (0, None) };
        for run in &mut self.runs {
            if run.first().is_some_and(|(time, _)| time <= newest_dropped) {
                let kept: Vec<u32> = (run.up_to(newest_dropped)..run.len()).map(|at| at as u32).collect();
                self.rows -= run.len() - kept.len();
                *run = run.gather(&kept);
            }
        }
        self.runs.retain(|run| run.len() > 0);
        self.settle();
        (before - self.rows, Some(newest_dropped))
    }

    /// Returns the time of a row by its index from the oldest.
    fn time_of(&self, mut place: usize) -> Option<Moment> {
        for run in &self.runs {
            if place < run.len() {
                return Some(run.row(place).time);
            }
            place -= run.len();
        }
        None
    }

    /// Brings the sums up to date.
    pub(super) fn settle(&mut self) {
        if self.scratch.len() < self.groups.len() {
            self.scratch.resize(self.groups.len(), Sum::EMPTY);
        }
        let Some((last, others)) = self.runs.split_last_mut() else { return };
        for run in others {
            run.settle(&mut self.scratch);
        }
        last.settle_growing(&mut self.scratch);
    }

    /// Drops expired rows; returns their number.
    pub(super) fn expire(&mut self, now: i64) -> usize {
        let before = self.rows;
        for run in &mut self.runs {
            if let Some(kept) = run.unexpired(now) {
                self.rows -= run.len() - kept.len();
                *run = run.gather(&kept);
            }
        }
        let dropped = before - self.rows;
        if dropped > 0 {
            self.runs.retain(|run| run.len() > 0);
            self.settle();
        }
        dropped
    }

    /// Returns when the next row expires.
    pub(super) fn first_expiry(&self) -> i64 {
        self.runs.iter().map(Run::first_expiry).min().unwrap_or(i64::MAX)
    }

    /// Drops groups without rows, and gives the texts new codes in `to`.
    pub(super) fn compact(&mut self, from: &Texts, to: &mut Texts) {
        let mut used = vec![false; self.groups.len()];
        for run in &self.runs {
            run.mark_groups(&mut used);
        }
        let mut groups = Groups::default();
        let rename = |code: u32, to: &mut Texts| {
            if code == super::intern::NO_TEXT { code } else { from.copy(code, to) }
        };
        let mut renamed = vec![0; self.groups.len()];

        for group in (0..self.groups.len()).filter(|group| used[*group]) {
            let (first, second) = self.groups.get(group as u32);
            renamed[group] = groups.code((rename(first, to), rename(second, to)));
        }

        self.groups = groups;
        for run in &mut self.runs {
            run.rename(&renamed, |code| rename(code, to));
        }
        self.scratch = Vec::new();
        self.settle();
    }

    /// Calls `each` with sums that together cover every row at or after `cutoff` once; groups may repeat.
    pub(super) fn sums_since(&self, cutoff: Moment, mut each: impl FnMut(&Sum)) {
        for run in self.since(cutoff) {
            run.sums_since(cutoff, &mut each);
        }
    }

    /// As [`AnalyticTable::sums_since`], with the first two counts only, for analytics with very many groups.
    pub(super) fn counts_since(&self, cutoff: Moment, mut each: impl FnMut(u32, bool, [i64; 2])) {
        for run in self.since(cutoff) {
            run.counts_since(cutoff, &mut each);
        }
    }

    /// Calls `each` with the rows at or after `cutoff`, oldest first.
    pub(super) fn rows_since(&self, cutoff: Moment, mut each: impl FnMut(&Row)) {
        for run in self.since(cutoff) {
            run.rows_since(cutoff, &mut each);
        }
    }

    /// Returns the newest time that is not later than `now`, and the time of the oldest row.
    pub(super) fn newest_until(&self, now: Moment) -> (Option<Moment>, Option<Moment>) {
        let until = self.runs.iter().rev().find_map(|run| run.newest_until(now));
        (until, self.runs.first().and_then(Run::first).map(|(time, _)| time))
    }

    /// Returns the newest rows at or after `cutoff`, newest first, at most `limit`.
    pub(super) fn newest_since(&self, cutoff: Moment, limit: usize) -> Vec<Row> {
        let backwards = self.runs.iter().rev().flat_map(|run| (0..run.len()).rev().map(|at| run.row(at)));
        backwards.take_while(|row| row.time >= cutoff).take(limit).collect()
    }

    fn since(&self, cutoff: Moment) -> &[Run] {
        let from = self.runs.partition_point(|run| run.last_time().is_some_and(|last| last < cutoff));
        &self.runs[from..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::intern::NO_TEXT;
    use crate::analytics::row::plain;

    #[test]
    fn rows_are_taken_out_of_every_run_and_no_others() {
        let mut table = AnalyticTable::new(Kind::PopularQueries);
        table.groups.code((0, NO_TEXT));
        for time in 0..40 {
            for id in [0, 5] {
                table.upsert(&plain(time, id));
            }
        }
        table.settle();
        assert!(table.runs.len() > 2);

        let is_gone = |time: i64, id: u64| time < 10 || time % 7 == 0 && id == 5;
        let all = (0..40).flat_map(|time| [0, 5].map(|id| (time, id)));
        let (gone, left): (Vec<_>, Vec<_>) = all.partition(|(time, id)| is_gone(*time, *id));
        let unknown = [(3, 2), (15, 1), (99, 0)];
        let rows = gone.iter().chain(&unknown).map(|(time, id)| (plain(*time, *id).time, *id));
        table.remove(&rows.collect());
        table.settle();

        let mut found = Vec::new();
        table.rows_since(Moment::MIN, |row| found.push((row.time, row.id)));
        assert_eq!(found, left.iter().map(|(time, id)| (plain(*time, *id).time, *id)).collect::<Vec<_>>());
        assert_eq!(table.rows(), left.len());
        assert!(table.runs.iter().all(|run| run.len() > 0));
    }

    #[test]
    fn rows_that_come_in_order_of_time_leave_full_runs_without_spare_memory() {
        let mut table = AnalyticTable::new(Kind::PopularQueries);
        table.groups.code((0, NO_TEXT));
        for time in 0..100 {
            for id in [2, 0, 1] {
                table.upsert(&plain(time, id));
            }
            table.settle();
        }

        let (last, others) = table.runs.split_last().expect("runs");
        assert!(last.len() <= RUN_ROWS_MAX);
        for run in others {
            assert_eq!(run.len(), RUN_ROWS_MAX / 8 * 7);
            // A byte for the time and eight for the id: all else is the same in all rows.
            assert_eq!(run.memory_bytes(), run.len() * 9);
        }
        assert_eq!(table.rows(), 300);
        let mut keys = Vec::new();
        table.rows_since(Moment::MIN, |row| keys.push((row.time.0, row.id)));
        assert_eq!(keys, (0..100).flat_map(|time| [0, 1, 2].map(|id| (time, id))).collect::<Vec<_>>());
    }
}
