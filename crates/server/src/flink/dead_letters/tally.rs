//! Counts dead letters by reason, by job, and by reason and time.
//!
//! The intervals of time begin with minutes, and grow when there are too many: all dead letters of a year are counted in
//! as little memory as those of an hour.

use std::collections::BTreeMap;

use jobs::dead_letters::StoredDeadLetter;
use serde::Serialize;
use utoipa::ToSchema;

use super::kind;

const MINUTE_MS: i64 = 60_000;
/// Lengths of the intervals: a minute, 5 and 15 minutes, an hour, 6 hours, a day, a week, 4 weeks.
const LENGTHS_MS: [i64; 8] = [
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    60 * MINUTE_MS,
    360 * MINUTE_MS,
    1_440 * MINUTE_MS,
    10_080 * MINUTE_MS,
    40_320 * MINUTE_MS,
];
/// Maximum number of intervals between the first and the last dead letter, unless they are of the longest length.
const INTERVALS_MAX: i64 = 120;
/// Maximum number of reasons, and of jobs, that are counted by name.
const NAMES_MAX: usize = 50;
/// The name under which further reasons and jobs are counted.
const OTHERS: &str = "…";

/// Counts of dead letters. Times are milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Counts {
    total: u64,
    /// Dead letters that were not replayed.
    open: u64,
    /// Most frequent first.
    reasons: Vec<ReasonCount>,
    /// Most frequent first.
    jobs: Vec<JobCount>,
    /// Length of an interval of `buckets`.
    every_ms: i64,
    /// Counts by the time of writing and the reason, in order; intervals without dead letters are left out.
    buckets: Vec<Bucket>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct ReasonCount {
    /// The reason without its detail.
    reason: String,
    count: u64,
    /// Dead letters that were not replayed.
    open: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct JobCount {
    job: String,
    count: u64,
    /// Dead letters that were not replayed.
    open: u64,
}

/// Dead letters of one reason in one interval.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::flink) struct Bucket {
    start_ms: i64,
    reason: String,
    count: u64,
}

/// All dead letters, and those that were not replayed.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    all: u64,
    open: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    sum: Count,
    reasons: BTreeMap<String, Count>,
    jobs: BTreeMap<String, Count>,
    /// Index in [`LENGTHS_MS`].
    length: usize,
    /// By the start of the interval and the reason.
    buckets: BTreeMap<(i64, String), u64>,
}

impl Tally {
    pub(super) fn add(&mut self, letter: &StoredDeadLetter) {
        let is_open = !letter.replayed;
        let reason = named(&self.reasons, kind(&letter.info.reason));
        let job = named(&self.jobs, &letter.info.job);
        self.sum.add(is_open);
        self.reasons.entry(reason.clone()).or_default().add(is_open);
        self.jobs.entry(job).or_default().add(is_open);

        let start = start(letter.info.time, LENGTHS_MS[self.length]);
        *self.buckets.entry((start, reason)).or_default() += 1;
        while self.has_too_many() {
            self.length += 1;
            let length = LENGTHS_MS[self.length];
            for ((at, reason), count) in std::mem::take(&mut self.buckets) {
                *self.buckets.entry((self::start(at, length), reason)).or_default() += count;
            }
        }
    }

    fn has_too_many(&self) -> bool {
        let ends = self.buckets.first_key_value().zip(self.buckets.last_key_value());
        let span = ends.map_or(0, |(((first, _), _), ((last, _), _))| last.saturating_sub(*first));
        self.length + 1 < LENGTHS_MS.len() && span / LENGTHS_MS[self.length] >= INTERVALS_MAX
    }

    pub(super) fn counts(self) -> Counts {
        let reasons = most_first(self.reasons).into_iter();
        let jobs = most_first(self.jobs).into_iter();
        let buckets = self.buckets.into_iter();
        Counts {
            total: self.sum.all,
            open: self.sum.open,
            reasons: reasons
                .map(|(reason, of)| ReasonCount { reason, count: of.all, open: of.open })
                .collect(),
            jobs: jobs.map(|(job, of)| JobCount { job, count: of.all, open: of.open }).collect(),
            every_ms: LENGTHS_MS[self.length],
            buckets: buckets.map(|((start_ms, reason), count)| Bucket { start_ms, reason, count }).collect(),
        }
    }
}

impl Count {
    fn add(&mut self, is_open: bool) {
        self.all += 1;
        self.open += u64::from(is_open);
    }
}

fn start(time: i64, length: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(length))
}

/// Returns the name under which something is counted.
fn named(known: &BTreeMap<String, Count>, name: &str) -> String {
    let has_room = known.len() < NAMES_MAX || known.contains_key(name);
    if has_room { name.to_owned() } else { OTHERS.to_owned() }
}

fn most_first(counts: BTreeMap<String, Count>) -> Vec<(String, Count)> {
    let mut counts: Vec<(String, Count)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.all));
    counts
}

#[cfg(test)]
mod tests {
    use jobs::dead_letters::{DeadLetterId, DeadLetterInfo};

    use super::*;

    fn letter(time: i64, reason: &str, replayed: bool) -> StoredDeadLetter {
        let info = DeadLetterInfo {
            table: "q".to_owned(),
            topic: "q".to_owned(),
            partition: 0,
            offset: 0,
            appended: 0,
            time,
            reason: reason.to_owned(),
            job: "counts".to_owned(),
            job_id: String::new(),
            queries: Vec::new(),
            counted_elsewhere: false,
            cut: None,
        };
        let id = DeadLetterId { partition: 0, offset: 0 };
        StoredDeadLetter { id, info, body: Vec::new(), carried: Default::default(), replayed }
    }

    #[test]
    fn letters_are_counted_by_reason_and_minute() {
        let mut tally = Tally::default();
        tally.add(&letter(59_999, "late", false));
        tally.add(&letter(60_000, "malformed: no comma at byte 3", true));
        tally.add(&letter(61_000, "malformed: no quote at byte 9", false));
        let counts = tally.counts();

        assert_eq!((counts.total, counts.open, counts.every_ms), (3, 2, 60_000));
        let reasons = counts.reasons.iter().map(|of| (of.reason.as_str(), of.count, of.open));
        assert_eq!(reasons.collect::<Vec<_>>(), [("malformed", 2, 1), ("late", 1, 1)]);
        let buckets = counts.buckets.iter().map(|of| (of.start_ms, of.reason.as_str(), of.count));
        assert_eq!(buckets.collect::<Vec<_>>(), [(0, "late", 1), (60_000, "malformed", 2)]);
    }

    #[test]
    fn intervals_grow_and_names_end() {
        let mut tally = Tally::default();
        for minute in 0..100_000 {
            tally.add(&letter(minute * MINUTE_MS, &format!("missing c{}", minute % 70), false));
        }
        let Counts { every_ms, buckets, reasons, total, .. } = tally.counts();
        assert_eq!((every_ms, total, reasons.len()), (1_440 * MINUTE_MS, 100_000, NAMES_MAX + 1));
        assert!(buckets.len() <= (INTERVALS_MAX as usize + 1) * (NAMES_MAX + 1), "{}", buckets.len());
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 100_000);
    }
}
