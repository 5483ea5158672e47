//! The ledger counts the outcome of every record. It must always balance:
//!
//! accepted = counted + filtered + empty + late + dead-lettered, each record once.
//!
//! * counted: every query whose filters the record passes took it;
//! * filtered: conditions that all queries share left it out on purpose;
//! * empty: it has no value (a tombstone);
//! * late: it came too late for at least one query;
//! * dead-lettered: it could not be used at all.
//!
//! Records that the log dropped before they were read were never accepted: they are counted apart, as lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// The counts of one subtask or job. The data plane writes them; any thread may read them.
#[derive(Debug, Default)]
pub struct Ledger {
    accepted: AtomicU64,
    counted: AtomicU64,
    filtered: AtomicU64,
    empty: AtomicU64,
    late: AtomicU64,
    dead_lettered: AtomicU64,
    lost: AtomicU64,
    reasons: Mutex<BTreeMap<String, u64>>,
    late_by_query: Mutex<BTreeMap<String, u64>>,
    wrong_types: Mutex<BTreeMap<String, u64>>,
}

/// A copy of the counts of a [`Ledger`] at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LedgerCounts {
    pub accepted: u64,
    pub counted: u64,
    pub filtered: u64,
    /// Records without a value.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub empty: u64,
    /// Records that came too late for at least one query.
    pub late: u64,
    pub dead_lettered: u64,
    /// Records that the log dropped before they were read; not part of `accepted`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Dead letters by reason, without its detail.
    pub reasons: BTreeMap<String, u64>,
    /// Rows that each query dropped as late.
    pub late_by_query: BTreeMap<String, u64>,
    /// Per field, values that were read as null because they had another type.
    pub wrong_types: BTreeMap<String, u64>,
}

impl Ledger {
    pub fn accept(&self, records: u64) {
        self.accepted.fetch_add(records, Ordering::Relaxed);
    }

    pub fn count(&self, records: u64) {
        self.counted.fetch_add(records, Ordering::Relaxed);
    }

    pub fn filter(&self, records: u64) {
        self.filtered.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts records without a value.
    pub fn empty(&self, records: u64) {
        self.empty.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts records that the log dropped before they were read.
    pub fn lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts a record that came too late for these queries.
    pub fn late<'a>(&self, queries: impl IntoIterator<Item = &'a str>) {
        self.late.fetch_add(1, Ordering::Relaxed);
        let mut by_query = self.late_by_query.lock();
        for query in queries {
            *by_query.entry(query.to_owned()).or_default() += 1;
        }
    }

    /// Counts values of a field that had another type.
    pub fn wrong_type(&self, field: &str, values: u64) {
        *self.wrong_types.lock().entry(field.to_owned()).or_default() += values;
    }

    /// Counts a record that could not be used. What follows a colon in the reason is detail and not part of
    /// the key.
    pub fn dead_letter(&self, reason: &str) {
        self.dead_lettered.fetch_add(1, Ordering::Relaxed);
        let kind = reason.split(':').next().unwrap_or(reason);
        let mut reasons = self.reasons.lock();
        match reasons.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                reasons.insert(kind.to_owned(), 1);
            }
        }
    }

    /// Adds the counts of a batch or of an earlier attempt.
    pub fn add(&self, counts: &LedgerCounts) {
        self.accepted.fetch_add(counts.accepted, Ordering::Relaxed);
        self.counted.fetch_add(counts.counted, Ordering::Relaxed);
        self.filtered.fetch_add(counts.filtered, Ordering::Relaxed);
        self.empty.fetch_add(counts.empty, Ordering::Relaxed);
        self.lost.fetch_add(counts.lost, Ordering::Relaxed);
        self.late.fetch_add(counts.late, Ordering::Relaxed);
        self.dead_lettered.fetch_add(counts.dead_lettered, Ordering::Relaxed);
        for (into, from) in [
            (&self.reasons, &counts.reasons),
            (&self.late_by_query, &counts.late_by_query),
            (&self.wrong_types, &counts.wrong_types),
        ] {
            let mut into = into.lock();
            for (name, count) in from {
                *into.entry(name.clone()).or_default() += count;
            }
        }
    }

    pub fn counts(&self) -> LedgerCounts {
        LedgerCounts {
            accepted: self.accepted.load(Ordering::Relaxed),
            counted: self.counted.load(Ordering::Relaxed),
            filtered: self.filtered.load(Ordering::Relaxed),
            empty: self.empty.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            dead_lettered: self.dead_lettered.load(Ordering::Relaxed),
            reasons: self.reasons.lock().clone(),
            late_by_query: self.late_by_query.lock().clone(),
            wrong_types: self.wrong_types.lock().clone(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl LedgerCounts {
    /// Returns whether every accepted record is accounted for.
    pub fn balances(&self) -> bool {
        self.accepted == self.counted + self.filtered + self.empty + self.late + self.dead_lettered
    }

    /// Adds the counts of another subtask.
    pub fn add(&mut self, other: &LedgerCounts) {
        self.accepted += other.accepted;
        self.counted += other.counted;
        self.filtered += other.filtered;
        self.empty += other.empty;
        self.lost += other.lost;
        self.late += other.late;
        self.dead_lettered += other.dead_lettered;
        for (into, from) in [
            (&mut self.reasons, &other.reasons),
            (&mut self.late_by_query, &other.late_by_query),
            (&mut self.wrong_types, &other.wrong_types),
        ] {
            for (name, count) in from {
                *into.entry(name.clone()).or_default() += count;
            }
        }
    }
}
