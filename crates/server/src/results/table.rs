//! The rows of one result table: runs in order of time, none overlapping the next, and their texts.
//!
//! A row's time is the table's time column: `window_end`, otherwise the first timestamp of the key, otherwise
//! the first timestamp. A row without one has the time at which it was written. Such a time changes when the
//! row is written again, so its place is remembered by id.
//!
//! ```text
//! runs     [11:00 … 11:20] [11:20 … 11:40] [11:40 … now]      by time, then by id
//! places   id ─► time      only of rows whose time is not in their key
//! ```
//!
//! Readers share the runs and the texts with the table ([`TableView`]). So a run is copied before it changes, if a
//! reader has it.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use jiff::tz::TimeZone;
use jobs::{ColumnKind, ResultTable};
use types::Timestamp;

use super::cell::Cell;
use super::changes::ChangeLog;
use super::fields::Fields;
use super::run::{RUN_ROWS_MAX, Row, Run};
use super::template::Template;
use super::time::times_in;
use super::view::{TableView, at, run_of};
use crate::analytics::Moment;
use crate::analytics::intern::Texts;

/// Runs that a small table may have.
const RUNS_MIN: usize = 8;
/// Rows dropped or replaced beyond the number of rows left, after which unused texts are removed.
const DROPPED_MAX: usize = 10_000;
/// Growth of the texts, beyond the double, after which unused ones are looked for: few rows may have long texts.
const TEXTS_GROWTH: usize = if cfg!(test) { 64 << 10 } else { 4 << 20 };

pub(super) struct RowTable {
    pub(super) declared: Arc<ResultTable>,
    pub(super) template: Arc<Template>,
    pub(super) time_column: Option<usize>,
    pub(super) runs: Vec<Arc<Run>>,
    pub(super) texts: Texts,
    pub(super) rows: usize,
    pub(super) changes: ChangeLog,
    /// When a row was last written or deleted, in milliseconds since 1970.
    pub(super) updated: Option<i64>,
    /// The newest time whose rows were dropped for lack of room.
    pub(super) left_out_until: Option<Moment>,
    /// Rows in the store's order, during a load.
    draft: Option<Run>,
    /// The times of rows that do not have their time in their key.
    pub(super) places: HashMap<u64, Moment, RandomState>,
    zone: TimeZone,
    hasher: RandomState,
    /// Rows dropped or replaced since unused texts were removed.
    dropped: usize,
    /// Bytes of the texts after unused ones were removed.
    texts_settled: usize,
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

impl RowTable {
    /// `zone` is the zone of times on the wall clock.
    pub(super) fn new(declared: Arc<ResultTable>, template: Arc<Template>, zone: TimeZone) -> RowTable {
        let time_column = time_column(&declared, &template);
        RowTable {
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
            zone,
            hasher: RandomState::default(),
            dropped: 0,
            texts_settled: 0,
        }
    }

    /// Returns the rows as they are now. It does not change when rows are written.
    pub(super) fn view(&self) -> TableView {
        TableView {
            declared: Arc::clone(&self.declared),
            template: Arc::clone(&self.template),
            zone: self.zone.clone(),
            runs: self.runs.clone(),
            texts: self.texts.pages().clone(),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.runs.iter().map(Arc::as_ref).chain(&self.draft).map(Run::memory_bytes).sum::<usize>()
            + self.texts.memory_bytes()
            + self.changes.memory_bytes()
            + self.places.capacity() * 24
    }

    /// Collects rows unsorted until [`RowTable::end_load`], which is much faster for very many.
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
            runs.iter().map(Arc::as_ref).chain([&loaded]).for_each(|run| append(&mut all, run));
        }
        let order = all.sorted();
        self.rows = order.len();
        self.runs = order.chunks(RUN_ROWS_MAX).map(|rows| Arc::new(all.gather(rows))).collect();
    }

    /// Writes a row. `now` is the time in milliseconds.
    pub(super) fn write(&mut self, key: &str, value: &[u8], expires: Timestamp, now: i64) -> Taken {
        let id = self.hasher.hash_one(key);
        let texts = self.texts.len();
        let Some(row) = self.read(key, id, value, expires, now) else {
            self.texts.truncate(texts);
            return Taken::NoObject;
        };
        if self.left_out_until.is_some_and(|until| row.time <= until) {
            self.texts.truncate(texts);
            return Taken::TooOld;
        }

        // The row stands at one time only, also if it was written with another before.
        let times: Vec<Moment> = self.times_of(key).collect();
        let of_key = || times.iter().copied().find(|time| *time != row.time && self.at(*time, id).is_some());
        let before = self.places.get(&id).copied().or_else(of_key);
        let moved_from = before.filter(|before| *before != row.time);
        if let Some(before) = moved_from {
            self.take_out(before, id);
        }
        if times.contains(&row.time) {
            self.places.remove(&id)
        } else {
            self.places.insert(id, row.time)
        };

        self.updated = Some(now);
        match &mut self.draft {
            Some(draft) => draft.insert(draft.len(), &row),
            None => {
                self.upsert(&row);
                self.changes.wrote(row.time, id);
            }
        }
        // Only now, since it gives new codes to the texts of the rows in the table.
        if moved_from.is_some() {
            self.tidy();
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
        self.tidy();
        self.updated = Some(now);
        self.changes.deleted(key);
    }

    /// Returns the place of a row by its key.
    pub(super) fn find(&self, key: &str) -> Option<(usize, usize)> {
        let id = self.hasher.hash_one(key);
        match self.places.get(&id) {
            Some(time) => self.at(*time, id),
            None => self.times_of(key).find_map(|time| self.at(time, id)),
        }
    }

    /// Returns the times in a key. The time of a row is among them, or among the places.
    fn times_of(&self, key: &str) -> impl Iterator<Item = Moment> {
        times_in(key).map(|(micros, form)| Moment(form.local(micros, &self.zone)))
    }

    /// Returns the run and the index of a row.
    fn at(&self, time: Moment, id: u64) -> Option<(usize, usize)> {
        at(&self.runs, time, id)
    }

    fn upsert(&mut self, row: &Row) {
        if self.runs.is_empty() {
            self.runs.push(Arc::new(Run::new(&self.declared)));
        }
        let mut place = run_of(&self.runs, row.time, row.id);
        match self.runs[place].find(row.time, row.id) {
            Ok(at) => {
                self.dropped += usize::from(self.runs[place].has_other_texts(at, row));
                Arc::make_mut(&mut self.runs[place]).replace(at, row);
                self.forget_texts();
            }
            Err(mut at) => {
                let rows = self.runs[place].len();
                if rows >= RUN_ROWS_MAX {
                    // New rows have one of the newest times; the rows before these will hardly change.
                    let is_last = place + 1 == self.runs.len();
                    let front = if is_last { rows - rows / 8 } else { rows / 2 };
                    let all: Vec<u32> = (0..rows as u32).collect();
                    let back = self.runs[place].gather(&all[front..]);
                    self.runs[place] = Arc::new(self.runs[place].gather(&all[..front]));
                    self.runs.insert(place + 1, Arc::new(back));
                    if at >= front {
                        (place, at) = (place + 1, at - front);
                    }
                }
                Arc::make_mut(&mut self.runs[place]).insert(at, row);
                self.rows += 1;
            }
        }
    }

    fn take_out(&mut self, time: Moment, id: u64) {
        let Some((run, at)) = self.at(time, id) else { return };
        if self.runs[run].len() > 1 {
            Arc::make_mut(&mut self.runs[run]).remove(at);
        } else {
            self.runs.remove(run);
        }
        self.rows -= 1;
        self.dropped += 1;
    }

    /// Drops expired rows; returns their number.
    pub(super) fn expire(&mut self, now: i64) -> usize {
        let before = self.rows;
        for run in &mut self.runs {
            if let Some(kept) = run.unexpired(now) {
                self.rows -= run.len() - kept.len();
                *run = Arc::new(run.gather(&kept));
            }
        }
        self.dropped += before - self.rows;
        self.tidy();
        before - self.rows
    }

    pub(super) fn first_expiry(&self) -> i64 {
        self.runs.iter().map(|run| run.first_expiry()).min().unwrap_or(i64::MAX)
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
        if let Some(newest_dropped) = newest_dropped {
            self.drop_until(newest_dropped);
        }

        // Without memory for rows there is none for what clients have missed, nor for texts of other rows.
        self.changes.forget();
        self.dropped = usize::MAX / 2;
        self.tidy();
        before - self.rows
    }

    fn drop_until(&mut self, newest_dropped: Moment) {
        for run in &mut self.runs {
            if run.first().is_some_and(|(time, _)| time <= newest_dropped) {
                let kept: Vec<u32> = (run.up_to(newest_dropped)..run.len()).map(|at| at as u32).collect();
                self.rows -= run.len() - kept.len();
                *run = Arc::new(run.gather(&kept));
            }
        }
        self.left_out_until = self.left_out_until.max(Some(newest_dropped));
    }

    /// Removes empty runs, and texts and places of dropped rows once there are many.
    fn tidy(&mut self) {
        self.runs.retain(|run| run.len() > 0);
        // Rows that move to another time leave many short runs.
        if self.runs.len() > RUNS_MIN + self.rows / RUN_ROWS_MAX * 4 {
            let mut all = Run::new(&self.declared);
            std::mem::take(&mut self.runs).iter().for_each(|run| append(&mut all, run));
            let order: Vec<u32> = (0..all.len() as u32).collect();
            let runs = order.chunks(RUN_ROWS_MAX / 8 * 7).map(|rows| Arc::new(all.gather(rows)));
            self.runs = runs.collect();
        }
        self.forget_texts();
    }

    /// Removes texts and places of dropped rows once there are many.
    fn forget_texts(&mut self) {
        let are_many = self.dropped > self.rows + DROPPED_MAX;
        let are_long = || self.texts.memory_bytes() > 2 * self.texts_settled + TEXTS_GROWTH;
        // The texts of a draft have no new codes.
        if self.draft.is_some() || !are_many && (self.dropped == 0 || !are_long()) {
            return;
        }

        self.dropped = 0;
        let mut texts = Texts::default();
        for run in &mut self.runs {
            Arc::make_mut(run).rename(&self.texts, &mut texts);
        }
        self.texts = texts;
        self.texts_settled = self.texts.memory_bytes();

        let mut places = std::mem::take(&mut self.places);
        places.retain(|id, time| self.at(*time, *id).is_some());
        places.shrink_to_fit();
        self.places = places;
    }

    /// Reads a row; `None` if the value is no object.
    fn read(&mut self, key: &str, id: u64, value: &[u8], expires: Timestamp, now: i64) -> Option<Row> {
        let Fields { cells, is_final, revision, .. } = Fields::read(value, &self.declared, &mut self.texts)?;

        let of_column = self.time_column.and_then(|column| match cells[column] {
            Cell::Time { micros, form } => Some(Moment(form.local(micros, &self.zone))),
            _ => None,
        });
        let written = match expires.0 {
            i64::MAX => now,
            expires => {
                expires.saturating_sub(self.declared.ttl_seconds.saturating_mul(1_000).cast_signed()).min(now)
            }
        };
        let time = of_column.unwrap_or_else(|| Moment::local(Timestamp(written), &self.zone));

        let mut own = String::with_capacity(key.len());
        let is_own = self.template.write(&mut own, &cells, self.texts.pages()) && own == key;
        let key = (!is_own).then(|| self.texts.code(key));

        // Whole seconds take a quarter of the memory of milliseconds.
        let expires = expires.0.saturating_add(999) / 1_000 * 1_000;
        Some(Row { time, id, expires, is_final, revision, key, cells })
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
