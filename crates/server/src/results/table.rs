//! The rows of one result table: runs in order of time, none overlapping the next, and their texts.
//!
//! A row's time is the table's time column: `window_end`, otherwise the first timestamp of the key, otherwise
//! the first timestamp. A row without one has the time at which it was written. Such a time changes when the
//! row is written again, so its place is remembered by id.
//!
//! ```text
//! runs     [11:00 … 11:20] [11:20 … 11:40] [11:40 … now]      by time, then by id
//! places   id ─► time      only of rows whose key does not fix their time
//! ```

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use jobs::{ColumnKind, ResultTable};
use types::Timestamp;

use super::cell::Cell;
use super::changes::ChangeLog;
use super::fields::Fields;
use super::run::{RUN_ROWS_MAX, Row, Run};
use super::template::Template;
use super::time::parse_time;
use crate::analytics::Moment;
use crate::analytics::intern::Texts;

/// Runs that a small table may have.
const RUNS_MIN: usize = 8;
/// Rows dropped beyond the number of rows left, after which unused texts are removed.
const DROPPED_MAX: usize = 10_000;

pub(super) struct Table {
    pub(super) declared: Arc<ResultTable>,
    pub(super) template: Arc<Template>,
    pub(super) time_column: Option<usize>,
    pub(super) runs: Vec<Run>,
    pub(super) texts: Texts,
    pub(super) rows: usize,
    pub(super) changes: ChangeLog,
    /// When a row was last written or deleted, in milliseconds since 1970.
    pub(super) updated: Option<i64>,
    /// The newest time whose rows were dropped for lack of room.
    pub(super) left_out_until: Option<Moment>,
    /// Rows in the store's order, during a load.
    draft: Option<Run>,
    places: HashMap<u64, Moment, RandomState>,
    is_time_in_key: bool,
    hasher: RandomState,
    dropped: usize,
}

/// Outcome of a written row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Row,
    /// The value is no JSON object.
    NoObject,
    /// Older than the rows for which there is room.
    TooOld,
}

impl Table {
    pub(super) fn new(declared: Arc<ResultTable>, template: Arc<Template>) -> Table {
        let time_column = time_column(&declared, &template);
        let is_time_in_key = time_column.is_some_and(|time| template.columns().any(|column| column == time));
        Table {
            declared,
            template,
            time_column,
            runs: Vec::new(),
            texts: Texts::default(),
            rows: 0,
            changes: ChangeLog::default(),
            updated: None,
            left_out_until: None,
            draft: None,
            places: HashMap::default(),
            is_time_in_key,
            hasher: RandomState::default(),
            dropped: 0,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.runs.iter().chain(&self.draft).map(Run::memory_bytes).sum::<usize>()
            + self.texts.memory_bytes()
            + self.changes.memory_bytes()
            + self.places.capacity() * 24
    }

    /// Collects rows unsorted until [`Table::end_load`], which is much faster for very many.
    pub(super) fn begin_load(&mut self) {
        self.draft = Some(Run::new(&self.declared));
    }

    /// Sorts the loaded rows in.
    pub(super) fn end_load(&mut self) {
        let Some(mut all) = self.draft.take() else { return };
        if all.len() == 0 {
            return;
        }
        if !self.runs.is_empty() {
            // The last of several rows with the same key counts, so the loaded ones go behind.
            let loaded = std::mem::replace(&mut all, Run::new(&self.declared));
            let runs = std::mem::take(&mut self.runs);
            runs.iter().chain([&loaded]).for_each(|run| append(&mut all, run));
        }
        let order = all.sorted();
        self.rows = order.len();
        self.runs = order.chunks(RUN_ROWS_MAX).map(|rows| all.gather(rows)).collect();
    }

    /// Writes a row. `now` is the time in milliseconds, `local` converts such a time to the wall clock.
    pub(super) fn write(
        &mut self,
        key: &str,
        value: &[u8],
        expires: Timestamp,
        now: i64,
        local: impl Fn(i64) -> Moment,
    ) -> Taken {
        let id = self.hasher.hash_one(key);
        let Some(row) = self.read(key, id, value, expires, now, &local) else { return Taken::NoObject };
        if self.left_out_until.is_some_and(|until| row.0.time <= until) {
            return Taken::TooOld;
        }

        let (row, is_fixed) = row;
        if !is_fixed || !self.places.is_empty() {
            // A row that had its time from its key may have lost it.
            let of_key = || self.at_time_of_key(key, id).map(|(run, at)| self.runs[run].place(at).0);
            let before = self.places.get(&id).copied().or_else(|| of_key().filter(|_| self.is_time_in_key));
            if let Some(before) = before.filter(|before| *before != row.time) {
                self.take_out(before, id);
            }
            if is_fixed {
                self.places.remove(&id)
            } else {
                self.places.insert(id, row.time)
            };
        }

        self.updated = Some(now);
        match &mut self.draft {
            Some(draft) => draft.insert(draft.len(), &row),
            None => {
                self.upsert(&row);
                self.changes.wrote(row.time, id);
            }
        }
        Taken::Row
    }

    /// Deletes a row by its key, if it is there.
    pub(super) fn delete(&mut self, key: &str, now: i64) {
        self.end_load();
        let Some((run, at)) = self.find(key) else { return };
        let (time, id) = self.runs[run].place(at);
        self.places.remove(&id);
        self.take_out(time, id);
        self.updated = Some(now);
        self.changes.deleted(key);
    }

    /// Returns the place of a row by its key.
    pub(super) fn find(&self, key: &str) -> Option<(usize, usize)> {
        let id = self.hasher.hash_one(key);
        if let Some(time) = self.places.get(&id) {
            return self.at(*time, id);
        }
        // Without the time, all runs are searched. Most keys end in it.
        self.at_time_of_key(key, id)
            .or_else(|| self.runs.iter().enumerate().find_map(|(run, rows)| Some((run, rows.position(id)?))))
    }

    /// Returns the place of a row if its key ends in its time.
    fn at_time_of_key(&self, key: &str, id: u64) -> Option<(usize, usize)> {
        let ends = key.char_indices().filter(|(_, letter)| *letter == ':').map(|(at, _)| &key[at + 1..]);
        let times = ends.filter_map(|end| parse_time(end.get(..end.len().min(27))?));
        times.into_iter().find_map(|(micros, _)| self.at(Moment(micros), id))
    }

    /// Returns the run and the index of a row.
    pub(super) fn at(&self, time: Moment, id: u64) -> Option<(usize, usize)> {
        let run = self.run_of(time, id);
        let at = self.runs.get(run)?.find(time, id).ok()?;
        Some((run, at))
    }

    fn run_of(&self, time: Moment, id: u64) -> usize {
        self.runs
            .partition_point(|run| run.first().is_some_and(|first| first <= (time, id)))
            .saturating_sub(1)
    }

    fn upsert(&mut self, row: &Row) {
        if self.runs.is_empty() {
            self.runs.push(Run::new(&self.declared));
        }
        let mut place = self.run_of(row.time, row.id);
        match self.runs[place].find(row.time, row.id) {
            Ok(at) => self.runs[place].replace(at, row),
            Err(mut at) => {
                let rows = self.runs[place].len();
                if rows >= RUN_ROWS_MAX {
                    // New rows have one of the newest times; the rows before these will hardly change.
                    let is_last = place + 1 == self.runs.len();
                    let front = if is_last { rows - rows / 8 } else { rows / 2 };
                    let all: Vec<u32> = (0..rows as u32).collect();
                    let back = self.runs[place].gather(&all[front..]);
                    self.runs[place] = self.runs[place].gather(&all[..front]);
                    self.runs.insert(place + 1, back);
                    if at >= front {
                        (place, at) = (place + 1, at - front);
                    }
                }
                self.runs[place].insert(at, row);
                self.rows += 1;
            }
        }
    }

    fn take_out(&mut self, time: Moment, id: u64) {
        let Some((run, at)) = self.at(time, id) else { return };
        self.runs[run].remove(at);
        self.rows -= 1;
        self.dropped += 1;
        self.tidy();
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
        self.dropped += before - self.rows;
        self.tidy();
        before - self.rows
    }

    pub(super) fn first_expiry(&self) -> i64 {
        self.runs.iter().map(Run::first_expiry).min().unwrap_or(i64::MAX)
    }

    /// Drops the oldest quarter of the rows, at least one, with all others of their times; returns their
    /// number.
    pub(super) fn drop_oldest(&mut self) -> usize {
        self.end_load();
        let before = self.rows;
        let mut last = before.div_ceil(4).saturating_sub(1);
        let newest_dropped = self.runs.iter().find_map(|run| {
            if last < run.len() {
                return Some(run.place(last).0);
            }
            last -= run.len();
            None
        });
        let Some(newest_dropped) = newest_dropped else { return 0 };

        for run in &mut self.runs {
            if run.first().is_some_and(|(time, _)| time <= newest_dropped) {
                let kept: Vec<u32> = (run.up_to(newest_dropped)..run.len()).map(|at| at as u32).collect();
                self.rows -= run.len() - kept.len();
                *run = run.gather(&kept);
            }
        }
        self.left_out_until = self.left_out_until.max(Some(newest_dropped));
        // Without memory for rows there is none for what clients have missed.
        self.changes.forget();
        self.dropped = usize::MAX / 2;
        self.tidy();
        before - self.rows
    }

    /// Removes empty runs, and texts and places of dropped rows once there are many.
    fn tidy(&mut self) {
        self.runs.retain(|run| run.len() > 0);
        // Rows that move to another time leave many short runs.
        if self.runs.len() > RUNS_MIN + self.rows / RUN_ROWS_MAX * 4 {
            let mut all = Run::new(&self.declared);
            std::mem::take(&mut self.runs).iter().for_each(|run| append(&mut all, run));
            let order: Vec<u32> = (0..all.len() as u32).collect();
            self.runs = order.chunks(RUN_ROWS_MAX / 8 * 7).map(|rows| all.gather(rows)).collect();
        }
        if self.dropped <= self.rows + DROPPED_MAX {
            return;
        }
        self.dropped = 0;
        let mut texts = Texts::default();
        for run in &mut self.runs {
            run.rename(&self.texts, &mut texts);
        }
        self.texts = texts;
        let mut places = std::mem::take(&mut self.places);
        places.retain(|id, time| self.at(*time, *id).is_some());
        places.shrink_to_fit();
        self.places = places;
    }

    /// Reads a row, and whether its key fixes its time. `None` if the value is no object.
    fn read(
        &mut self,
        key: &str,
        id: u64,
        value: &[u8],
        expires: Timestamp,
        now: i64,
        local: &impl Fn(i64) -> Moment,
    ) -> Option<(Row, bool)> {
        let Fields { cells, is_final, revision, .. } = Fields::read(value, &self.declared, &mut self.texts)?;

        let of_column = self.time_column.and_then(|column| match cells[column] {
            Cell::Time { micros, form } if form.is_instant => Some(local(micros.div_euclid(1_000))),
            Cell::Time { micros, .. } => Some(Moment(micros)),
            _ => None,
        });
        let written = match expires.0 {
            i64::MAX => now,
            expires => {
                expires.saturating_sub(self.declared.ttl_seconds.saturating_mul(1_000).cast_signed()).min(now)
            }
        };
        let is_fixed = of_column.is_some() && self.is_time_in_key;
        let time = of_column.unwrap_or_else(|| local(written));

        let mut own = String::with_capacity(key.len());
        let is_own = self.template.write(&mut own, &cells, &self.texts) && own == key;
        let key = (!is_own).then(|| self.texts.code(key));
        // Whole seconds take a quarter of the memory of milliseconds.
        let expires = expires.0.saturating_add(999) / 1_000 * 1_000;
        Some((Row { time, id, expires, is_final, revision, key, cells }, is_fixed))
    }
}

fn append(all: &mut Run, run: &Run) {
    let mut cells = Vec::new();
    for at in 0..run.len() {
        run.cells(at, &mut cells);
        let row = run.row(at, std::mem::take(&mut cells));
        all.insert(all.len(), &row);
        cells = row.cells;
    }
}

fn time_column(table: &ResultTable, template: &Template) -> Option<usize> {
    let named = table.columns.iter().position(|column| column.name == "window_end");
    let is_time = |column: &usize| table.columns[*column].kind == ColumnKind::Time;
    let in_key = || template.columns().find(is_time);
    named.or_else(in_key).or_else(|| (0..table.columns.len()).find(is_time))
}
