//! All result rows in memory, from which the routes answer.
//!
//! All analytics share texts. The newest success rows, which are shown whole, keep their values as they
//! arrived.
//!
//! The memory of the rows is bounded. Beyond the bound, the analytic that takes most loses its oldest rows, a
//! quarter at a time, until there is room again; its answers then begin later. The rows stay in the store. An
//! older row that is written again is left out too, so that an answer never counts a part of a time.

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
use super::table::AnalyticTable;

/// Success rows kept whole. Routes show 20, so that some may expire or be overwritten.
const WHOLE_ROWS_MAX: usize = 64;

/// Minimum length of the part of a cut text in a key, which has 4,096 bytes in all with the hash.
const CUT_BYTES_MIN: usize = 4_000;
/// Rows between two checks of the memory during a load.
const LOOK_ROWS: usize = if cfg!(test) { 16 } else { 4_096 };

/// The rows of all analytics.
pub(crate) struct Index {
    tables: [AnalyticTable; Kind::COUNT],
    pub(in crate::analytics) texts: Texts,
    /// The newest success rows, by time and id.
    whole: BTreeMap<(Moment, u64), Arc<RawValue>>,
    latest: Option<Arc<str>>,
    hasher: RandomState,
    /// Rows dropped since unused texts were last removed.
    dropped: usize,
    /// Limit of the bytes of the whole index.
    limit: usize,
    /// By kind, the newest time whose rows were dropped for lack of room.
    left_out_until: [Option<Moment>; Kind::COUNT],
}

/// Outcome of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Row(Kind, Moment),
    /// The newest time written; no row.
    Latest,
    /// A key or value of another form.
    Ignored,
    /// Older than the rows for which there is room.
    TooOld,
}

impl Index {
    /// `limit` bounds the bytes of the index once [`Index::shrink`] has run.
    pub(crate) fn new(limit: usize) -> Index {
        Index {
            tables: Kind::ALL.map(AnalyticTable::new),
            texts: Texts::default(),
            whole: BTreeMap::new(),
            latest: None,
            hasher: RandomState::default(),
            dropped: 0,
            limit,
            left_out_until: [None; Kind::COUNT],
        }
    }

    /// Writes an entry. Sums are outdated until [`Index::settle`].
    pub(crate) fn apply(&mut self, entry: &Entry) -> Taken {
        match self.read(entry) {
            Ok((kind, row)) => {
                self.tables[kind.index()].upsert(&row);
                Taken::Row(kind, row.time)
            }
            Err(other) => other,
        }
    }

    /// Deletes rows by their keys. Returns their kinds and times, whether or not they existed. Sums are
    /// outdated until [`Index::settle`].
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

    /// Drops expired rows; returns their number.
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

    /// Drops rows when they take more memory than they may, down to somewhat less; returns their number.
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

    /// Drops the values of deleted success rows.
    fn forget_whole(&mut self) {
        let mut success = std::collections::BTreeSet::new();
        self.table(Kind::SuccessRate).rows_since(Moment::MIN, |row| {
            success.insert((row.time, row.id));
        });
        self.whole.retain(|key, _| success.contains(key));
    }

    /// Returns when the next row expires, in milliseconds of the system clock.
    pub(crate) fn first_expiry(&self) -> i64 {
        self.tables.iter().map(AnalyticTable::first_expiry).min().unwrap_or(i64::MAX)
    }

    /// Removes the texts of deleted rows, which would otherwise stay for ever.
    pub(super) fn compact(&mut self) {
        let mut texts = Texts::default();
        for table in &mut self.tables {
            table.compact(&self.texts, &mut texts);
        }
        self.texts = texts;
        self.dropped = 0;
    }

    pub(crate) fn rows(&self) -> usize {
        self.tables.iter().map(AnalyticTable::rows).sum()
    }

    /// Returns the bytes held. Looks at every run, not at every row.
    pub(crate) fn memory_bytes(&self) -> usize {
        let whole = self.whole.values().map(|value| value.get().len() + 64);
        self.tables.iter().map(AnalyticTable::memory_bytes).sum::<usize>()
            + self.texts.memory_bytes()
            + whole.sum::<usize>()
    }

    /// Returns by kind the newest time whose rows were dropped for lack of room.
    #[cfg(test)]
    pub(super) fn left_out_until(&self) -> [Option<Moment>; Kind::COUNT] {
        self.left_out_until
    }

    pub(crate) fn rows_of(&self, kind: Kind) -> usize {
        self.table(kind).rows()
    }

    /// Returns the time of the newest results, on the wall clock on which it is `now`.
    ///
    /// A result's time is the end of its window, which lies in the future while the window is open: the day's
    /// is tomorrow at 00:00. So the newest time up to `now` counts, of the announced time and of the rows.
    /// Only where all windows are open, the answer is the end of the window that closes first.
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

    pub(super) fn table(&self, kind: Kind) -> &AnalyticTable {
        &self.tables[kind.index()]
    }

    /// Returns the sum of each group over the rows at or after `cutoff`; leaves out groups without rows.
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

    /// Returns the two texts of a group.
    pub(super) fn names(&self, kind: Kind, group: u32) -> (&str, &str) {
        let (first, second) = self.table(kind).groups.get(group);
        (self.texts.get(first), self.texts.get(second))
    }

    pub(super) fn whole(&self, row: &Row) -> Option<&RawValue> {
        self.whole.get(&(row.time, row.id)).map(|value| &**value)
    }

    /// Decodes an entry. Cheap checks come first.
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

        // A text is checked as a whole in a tenth of the time that its strings take one by one. A field that is not
        // read may have other bytes.
        let value: Result<Value<'_>, _> = match simdutf8::basic::from_utf8(&entry.value) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(&entry.value),
        };
        let value = value.map_err(|_| Taken::Ignored)?;
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

/// Returns the whole text of a group. The key of a long text holds only its beginning and a hash
/// (`connectors`, `result_store/template.rs`); the row's value holds all of it.
fn whole<'a>(in_key: Cow<'a, str>, in_value: Option<&'a str>) -> Cow<'a, str> {
    let Some((_, hash)) = in_key.rsplit_once('~').filter(|(beginning, _)| beginning.len() >= CUT_BYTES_MIN)
    else {
        return in_key;
    };
    let is_whole = |text: &&str| format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())) == hash;
    in_value.filter(is_whole).map_or(in_key, Cow::Borrowed)
}

/// Decodes the newest time, which may be stored as JSON or plain.
fn text_of(value: &[u8]) -> Option<String> {
    serde_json::from_slice::<String>(value)
        .ok()
        .or_else(|| std::str::from_utf8(value).ok().map(str::to_owned))
        .filter(|text| !text.is_empty())
}

/// An index during a load, with rows in the store's order.
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

    /// Returns the index, and how many rows were left out.
    pub(crate) fn finish(mut self) -> (Index, usize) {
        self.settle();
        (self.index, self.too_old)
    }
}
