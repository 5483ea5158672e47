//! All result rows in memory, for the routes to answer from.
//!
//! Texts are shared by all analytics. Of the success rows, whose newest are shown whole, the newest values are kept as
//! they came.
//!
//! What the rows take has a bound. Beyond it the analytic that takes most loses its oldest rows, a quarter at a time,
//! until there is room again: its answers then begin later. The rows stay in the store, and an older row that is written
//! again is left out, too, so that an answer never counts a part of a time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use serde_json::value::RawValue;
use storage::store::Entry;
use types::Timestamp;

use super::columns::Run;
use super::intern::{NO_TEXT, Texts};
use super::key::{Key, LATEST};
use super::kind::Kind;
use super::moment::Moment;
use super::row::{self, Row, Value};
use super::sum::Sum;
use super::table::Table;

/// Success rows kept whole; routes show 20, so that some may expire or be overwritten.
const WHOLE_ROWS_MAX: usize = 64;

/// The least that a key holds of a text which it does not hold whole: of 4,096 bytes without the hash.
const CUT_BYTES_MIN: usize = 4_000;
/// Rows between two looks at what those take that are being loaded.
const LOOK_ROWS: usize = if cfg!(test) { 16 } else { 4_096 };

/// The index.
pub(crate) struct Index {
    tables: [Table; Kind::COUNT],
    pub(in crate::analytics) texts: Texts,
    /// The newest success rows, by time and id.
    whole: BTreeMap<(Moment, u64), Arc<RawValue>>,
    latest: Option<Arc<str>>,
    hasher: RandomState,
    /// Rows dropped since texts were last cleared out.
    dropped: usize,
    /// Bytes that all of it may take.
    limit: usize,
    /// By kind, the newest time of which rows were dropped for want of room.
    left_out_until: [Option<Moment>; Kind::COUNT],
}

/// What an entry was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Row(Kind, Moment),
    /// The newest time written, not a row.
    Latest,
    /// Not a key of ours, or not a value of its form.
    Ignored,
    /// Older than what there is room for.
    TooOld,
}

impl Index {
    /// `limit` bounds the bytes that it takes once [`Index::shrink`] has run.
    pub(crate) fn new(limit: usize) -> Index {
        Index {
            tables: Kind::ALL.map(Table::new),
            texts: Texts::default(),
            whole: BTreeMap::new(),
            latest: None,
            hasher: RandomState::default(),
            dropped: 0,
            limit,
            left_out_until: [None; Kind::COUNT],
        }
    }

    /// Writes an entry. Sums are out of date until [`Index::settle`].
    pub(crate) fn apply(&mut self, entry: &Entry) -> Taken {
        match self.read(entry) {
            Ok((kind, row)) => {
                self.tables[kind.index()].upsert(&row);
                Taken::Row(kind, row.time)
            }
            Err(other) => other,
        }
    }

    /// Takes rows out, by their keys; returns which they were, whether or not they were there. Sums are out of date until
    /// [`Index::settle`].
    pub(crate) fn delete<'k>(&mut self, keys: impl Iterator<Item = &'k str>) -> Vec<(Kind, Moment)> {
        let mut rows: BTreeMap<usize, BTreeSet<(Moment, u64)>> = BTreeMap::new();
        let mut touched = Vec::new();
        for key in keys.filter_map(Key::parse) {
            let id = self.hasher.hash_one(key.raw_group);
            rows.entry(key.kind.index()).or_default().insert((key.time, id));
            touched.push((key.kind, key.time));
            if key.kind == Kind::SuccessRate {
                self.whole.remove(&(key.time, id));
            }
        }

        for (kind, rows) in rows {
            self.tables[kind].remove(&rows);
        }
        touched
    }

    /// Brings the sums of some analytics up to date.
    pub(crate) fn settle(&mut self, kinds: impl IntoIterator<Item = Kind>) {
        for kind in kinds {
            self.tables[kind.index()].settle();
        }
    }

    /// Drops the rows that expired; returns how many.
    pub(crate) fn expire(&mut self, now: Timestamp) -> usize {
        let dropped: usize = self.tables.iter_mut().map(|table| table.expire(now.0)).sum();
        if dropped == 0 {
            return 0;
        }
        self.forget_whole();
        self.dropped += dropped;
        if self.dropped > self.rows() + 10_000 {
            self.compact();
        }
        dropped
    }

    /// Makes room where the rows take more than they may, and somewhat more of it; returns how many rows were dropped.
    pub(crate) fn shrink(&mut self) -> usize {
        if self.memory_bytes() <= self.limit {
            return 0;
        }
        let mut dropped = 0;
        while self.memory_bytes() > self.limit / 8 * 7 && self.rows() > 0 {
            let heaviest = Kind::ALL.into_iter().max_by_key(|kind| self.table(*kind).weight(&self.texts));
            let Some(kind) = heaviest else { break };
            let (rows, until) = self.tables[kind.index()].drop_oldest();
            let left_out = &mut self.left_out_until[kind.index()];
            *left_out = (*left_out).max(until);
            if rows == 0 {
                break;
            }
            dropped += rows;
            self.compact();
        }
        self.forget_whole();
        dropped
    }

    /// Forgets the values of success rows that are gone.
    fn forget_whole(&mut self) {
        let mut success = std::collections::BTreeSet::new();
        self.table(Kind::SuccessRate).rows_since(Moment::MIN, |row| {
            success.insert((row.time, row.id));
        });
        self.whole.retain(|key, _| success.contains(key));
    }

    /// When the next row expires, in milliseconds of the system clock.
    pub(crate) fn first_expiry(&self) -> i64 {
        self.tables.iter().map(Table::first_expiry).min().unwrap_or(i64::MAX)
    }

    /// Texts of rows that are gone would else stay for ever.
    pub(super) fn compact(&mut self) {
        let mut texts = Texts::default();
        for table in &mut self.tables {
            table.compact(&self.texts, &mut texts);
        }
        self.texts = texts;
        self.dropped = 0;
    }

    pub(crate) fn rows(&self) -> usize {
        self.tables.iter().map(Table::rows).sum()
    }

    /// Bytes held. Looks at every run, not at every row.
    pub(crate) fn memory_bytes(&self) -> usize {
        let whole = self.whole.values().map(|value| value.get().len() + 64);
        self.tables.iter().map(Table::memory_bytes).sum::<usize>()
            + self.texts.memory_bytes()
            + whole.sum::<usize>()
    }

    /// By kind, the newest time of which rows were dropped for want of room.
    #[cfg(test)]
    pub(super) fn left_out_until(&self) -> [Option<Moment>; Kind::COUNT] {
        self.left_out_until
    }

    pub(crate) fn rows_of(&self, kind: Kind) -> usize {
        self.table(kind).rows()
    }

    /// The time of the newest results, on the wall clock on which it is `now`.
    ///
    /// A result's time is the end of its window, and that of a window which is still open lies in the future: the day's is
    /// tomorrow at 00:00. So the newest time up to now counts, of those told and of the rows. Only where all windows are
    /// still open is it the end of the one that closes first.
    pub(crate) fn latest(&self, now: Moment) -> Option<String> {
        let told = self.latest.as_deref();
        let told_until = told.and_then(Moment::parse).filter(|told| *told <= now);
        let of_rows = self.tables.iter().map(|table| table.newest_until(now));
        let (until, oldest): (Vec<_>, Vec<_>) = of_rows.unzip();
        match until.into_iter().flatten().chain(told_until).max() {
            Some(time) => Some(time.to_string()),
            None => {
                oldest.into_iter().flatten().min().map(|time| time.to_string()).or(told.map(str::to_owned))
            }
        }
    }

    pub(crate) fn set_latest(&mut self, latest: Arc<str>) {
        self.latest = Some(latest);
    }

    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind.index()]
    }

    /// The sums of each group over the rows at or after `cutoff`; groups without rows are left out.
    pub(super) fn sums(&self, kind: Kind, cutoff: Moment) -> Vec<Sum> {
        let table = self.table(kind);
        let mut sums = vec![Sum::EMPTY; table.groups.len()];
        table.sums_since(cutoff, |sum| sums[sum.group as usize].add(sum));
        for (group, sum) in (0..).zip(&mut sums) {
            sum.group = group;
        }
        sums.retain(|sum| sum.rows > 0);
        sums
    }

    /// The texts of a group.
    pub(super) fn names(&self, kind: Kind, group: u32) -> (&str, &str) {
        let (first, second) = self.table(kind).groups.get(group);
        (self.texts.get(first), self.texts.get(second))
    }

    pub(super) fn whole(&self, row: &Row) -> Option<&RawValue> {
        self.whole.get(&(row.time, row.id)).map(|value| &**value)
    }

    /// Takes an entry apart. The order of the checks is that of their cost.
    fn read(&mut self, entry: &Entry) -> Result<(Kind, Row), Taken> {
        if &*entry.key == LATEST {
            if let Some(latest) = text_of(&entry.value) {
                self.latest = Some(latest.into());
            }
            return Err(Taken::Latest);
        }

        let key = Key::parse(&entry.key).ok_or(Taken::Ignored)?;
        if self.left_out_until[key.kind.index()].is_some_and(|until| key.time <= until) {
            return Err(Taken::TooOld);
        }

        // An array would pass for a struct.
        if entry.value.trim_ascii_start().first() != Some(&b'{') {
            return Err(Taken::Ignored);
        }

        let value: Value<'_> = serde_json::from_slice(&entry.value).map_err(|_| Taken::Ignored)?;
        let (first, second) = key.groups();
        let [first_whole, second_whole] = value.groups(key.kind);
        let (first, second) = (whole(first, first_whole), whole(second, second_whole));
        let text = || value.query_text.0.as_deref().ok_or(Taken::Ignored);

        let pair = match key.kind {
            Kind::PopularQueries => (self.texts.code(text()?), NO_TEXT),
            Kind::PopularByYear => {
                let query = text()?;
                (self.texts.code(&first), self.texts.code(query))
            }
            Kind::Heatmap => (self.texts.code(&first), self.texts.code(&second)),
            _ if key.raw_group.is_empty() && first.is_empty() => (NO_TEXT, NO_TEXT),
            _ => (self.texts.code(&first), NO_TEXT),
        };

        let text = match (key.kind, &value.department_name.0) {
            (Kind::Department, Some(name)) => self.texts.code(name),
            _ => NO_TEXT,
        };

        let (ints, floats) = row::measures(key.kind, &value);
        let is_final = value.is_final();
        let group = self.tables[key.kind.index()].groups.code(pair);
        let id = self.hasher.hash_one(key.raw_group);
        if key.kind == Kind::SuccessRate
            && let Ok(whole) = serde_json::from_slice::<Box<RawValue>>(&entry.value)
        {
            self.whole.insert((key.time, id), whole.into());
            if self.whole.len() > WHOLE_ROWS_MAX {
                self.whole.pop_first();
            }
        }

        Ok((
            key.kind,
            Row { time: key.time, id, group, text, expires: entry.expires.0, is_final, ints, floats },
        ))
    }
}

/// The whole of a group's text, of which the key holds the beginning and a hash where it is long (`connectors`,
/// `result_store/template.rs`); the row's value holds it whole.
fn whole<'a>(in_key: Cow<'a, str>, in_value: Option<&'a str>) -> Cow<'a, str> {
    let Some((_, hash)) = in_key.rsplit_once('~').filter(|(beginning, _)| beginning.len() >= CUT_BYTES_MIN)
    else {
        return in_key;
    };
    let is_whole = |text: &&str| format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())) == hash;
    in_value.filter(is_whole).map_or(in_key, Cow::Borrowed)
}

/// The newest time may be stored as JSON or as it is.
fn text_of(value: &[u8]) -> Option<String> {
    serde_json::from_slice::<String>(value)
        .ok()
        .or_else(|| std::str::from_utf8(value).ok().map(str::to_owned))
        .filter(|text| !text.is_empty())
}

/// An index in the making: rows in whatever order the store holds them.
pub(crate) struct Draft {
    index: Index,
    runs: [Run; Kind::COUNT],
    added: usize,
    pub(crate) ignored: u64,
    /// Rows for which there is no room.
    pub(crate) too_old: usize,
}

impl Draft {
    pub(crate) fn new(limit: usize) -> Draft {
        Draft { index: Index::new(limit), runs: Kind::ALL.map(Run::new), added: 0, ignored: 0, too_old: 0 }
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        match self.index.read(entry) {
            Ok((kind, row)) => {
                let run = &mut self.runs[kind.index()];
                run.insert(run.len(), &row);
            }
            Err(Taken::Ignored) => self.ignored += 1,
            Err(Taken::TooOld) => self.too_old += 1,
            Err(Taken::Latest | Taken::Row(..)) => {}
        }

        self.added += 1;
        if self.added.is_multiple_of(LOOK_ROWS) && self.memory_bytes() > self.index.limit {
            self.settle();
        }
    }

    fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.runs.iter().map(Run::memory_bytes).sum::<usize>()
    }

    /// Moves the rows to the index, as many as there is room for.
    fn settle(&mut self) {
        let runs = std::mem::replace(&mut self.runs, Kind::ALL.map(Run::new));
        for (table, run) in self.index.tables.iter_mut().zip(runs) {
            table.fill(run);
        }
        self.too_old += self.index.shrink();
    }

    /// The index, and how many rows were left out of it.
    pub(crate) fn finish(mut self) -> (Index, usize) {
        self.settle();
        (self.index, self.too_old)
    }
}
