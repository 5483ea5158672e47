//! Which rows of two stores describe the same group in the same window.
//!
//! The old jobs wrote other keys: the time of writing instead of the window's end, `None` for a null group,
//! departments by name, and the first eight digits of a question's hash. A group is therefore reduced to what both
//! stores have.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use storage::store::Entry;

use crate::analytics::{Kind, Moment, ResultKey};

/// Digits of the hashes in the keys of the old jobs.
const SHORT_HASH: usize = 8;

/// A row, and where it is stored.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) value: Map<String, Value>,
    /// The time in the key: the window's end, or the time of writing.
    written: Moment,
}

impl Row {
    /// Returns whether the row's window is closed. Writers without early results do not say so.
    pub(super) fn is_final(&self) -> bool {
        self.value.get("is_final") != Some(&Value::Bool(false))
    }
}

/// The end of a row's window, and its group.
type RowId = (Moment, [String; 2]);

/// The rows of one store, by the end of their window and their group.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<RowId, Row>,
    replaced: u64,
}

/// Rows of the same group and window. At least one is there.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) end: Moment,
    pub(super) old: Option<Row>,
    pub(super) new: Option<Row>,
}

impl Rows {
    pub(super) fn add(&mut self, kind: Kind, entry: &Entry, period: (Option<Moment>, Option<Moment>)) {
        let Some(key) = ResultKey::parse(&entry.key).filter(|key| key.kind == kind) else { return };
        let Ok(Value::Object(value)) = serde_json::from_slice(&entry.value) else { return };

        let of_value = value.get("window_end").and_then(Value::as_str).and_then(Moment::parse);
        let end = of_value.unwrap_or(key.time);
        if period.0.is_some_and(|since| end < since) || period.1.is_some_and(|until| end > until) {
            return;
        }

        let (first, second) = key.groups();
        let mut group = [first.into_owned(), second.into_owned()];
        if kind == Kind::Department
            && let Some(id) = value.get("department_id").filter(|id| id.is_i64() || id.is_u64())
        {
            group[0] = id.to_string();
        }

        let row = Row { key: entry.key.to_string(), value, written: key.time };
        self.insert((end, group), row);
    }

    /// Keeps the row that was written last: a restarted job of the old system wrote a window a second time.
    fn insert(&mut self, id: RowId, row: Row) {
        match self.rows.get_mut(&id) {
            None => {
                self.rows.insert(id, row);
            }
            Some(there) => {
                self.replaced += 1;
                if row.written >= there.written {
                    *there = row;
                }
            }
        }
    }

    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Applies a change to the groups; rows that then have the same group replace each other.
    fn regroup(&mut self, change: impl Fn(&mut [String; 2])) {
        for ((end, mut group), row) in std::mem::take(&mut self.rows) {
            change(&mut group);
            self.insert((end, group), row);
        }
    }
}

/// Returns what stands between `analytics:` and the group in the keys of an analytic.
pub(super) fn key_name(kind: Kind) -> &'static str {
    match kind {
        Kind::TimeseriesMinute => "timeseries:minute",
        Kind::TimeseriesHour => "timeseries:hour",
        Kind::TimeseriesDay => "timeseries:day",
        Kind::HeatmapHourly => "heatmap:hourly",
        kind => kind.name(),
    }
}

/// Pairs the rows of two stores, in order of time and group.
pub(super) fn pairs(kind: Kind, mut old: Rows, mut new: Rows) -> impl Iterator<Item = Pair> {
    match kind {
        Kind::Department => {
            let ids = ids_of_names(&[&old, &new]);
            for side in [&mut old, &mut new] {
                side.regroup(|group| {
                    if let Some(id) = ids.get(&group[0]) {
                        group[0].clone_from(id);
                    }
                });
            }
        }
        Kind::PopularQueries | Kind::PopularByYear => {
            let hash = usize::from(kind == Kind::PopularByYear);
            let is_short = |rows: &Rows| rows.rows.keys().any(|(_, group)| group[hash].len() == SHORT_HASH);
            if is_short(&old) || is_short(&new) {
                let shorten = |group: &mut [String; 2]| {
                    if group[hash].is_char_boundary(SHORT_HASH) {
                        group[hash].truncate(SHORT_HASH);
                    }
                };
                old.regroup(shorten);
                new.regroup(shorten);
            }
        }
        _ => {}
    }

    let mut paired: BTreeMap<RowId, Pair> = BTreeMap::new();
    let pair = |id: &RowId| Pair { end: id.0, old: None, new: None };
    for (id, row) in old.rows {
        let there = pair(&id);
        paired.entry(id).or_insert(there).old = Some(row);
    }
    for (id, row) in new.rows {
        let there = pair(&id);
        paired.entry(id).or_insert(there).new = Some(row);
    }
    paired.into_values()
}

/// Returns the id of each department's name, where exactly one is known.
fn ids_of_names(sides: &[&Rows]) -> HashMap<String, String> {
    let mut ids: HashMap<String, Option<String>> = HashMap::new();
    for row in sides.iter().flat_map(|side| side.rows.values()) {
        let id = row.value.get("department_id").filter(|id| id.is_i64() || id.is_u64());
        let name = row.value.get("department_name").and_then(Value::as_str);
        let (Some(id), Some(name)) = (id, name) else { continue };
        let id = id.to_string();
        let known = ids.entry(name.to_owned()).or_insert_with(|| Some(id.clone()));
        if known.as_deref() != Some(&id) {
            // Two departments with one name cannot be told apart.
            *known = None;
        }
    }
    ids.into_iter().filter_map(|(name, id)| Some((name, id?))).collect()
}
