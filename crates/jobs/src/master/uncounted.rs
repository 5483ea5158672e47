//! Reports that a job cannot count most of the events it reads.
//!
//! If a table declares a field with the wrong type, every event becomes a dead letter. Nothing is lost then,
//! but nothing is counted either, and a job in state RUNNING looks healthy. So the job master regularly
//! compares the ledger with an earlier one. If more than half of the records in between became dead letters,
//! the job reports this in the log, and in its view for `weir jobs list` and the pages. It also reports if
//! more than half were late: clocks of producers differ, or the watermark is too close to the newest event.
//!
//! ```text
//! accepted       0 ──────► 140 ────────────► 2,140 ─────────────► 2,180 …
//! dead letters   0 ──────►   0 ────────────► 1,950 ─────────────► 1,950 …
//!                 first look    100 or more      a minute later
//!                 well          mostly dead      well again
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use engine::operator::LedgerCounts;
use types::JobId;

use super::JobMaster;

/// The minimum number of records for a judgement.
const RECORDS: u64 = 100;
/// The time after which fewer records are enough.
const PERIOD: Duration = Duration::from_secs(60);

/// Follows the ledger of an attempt.
#[derive(Debug, Default)]
pub(super) struct UncountedShares {
    /// `None` before the first judgement.
    judged: Option<Judged>,
    dead: Option<String>,
    late: Option<String>,
}

/// The ledger at the last judgement.
#[derive(Debug, Clone, Copy, Default)]
struct Judged {
    at: Duration,
    accepted: u64,
    dead_lettered: u64,
    late: u64,
}

/// The number of events since the last judgement, and how many of them were not counted.
struct Since {
    read: u64,
    uncounted: u64,
}

impl UncountedShares {
    /// Checks the ledger and updates [`UncountedShares::dead`] and [`UncountedShares::late`], which say why
    /// the job counts few events. Logs a change.
    pub fn look(&mut self, now: Duration, job: (JobId, &str), ledger: &LedgerCounts) {
        let before = self.judged.unwrap_or_default();
        let read = ledger.accepted.saturating_sub(before.accepted);
        let is_due = self.judged.is_none() || read >= RECORDS || now.saturating_sub(before.at) >= PERIOD;
        if read == 0 || !is_due {
            return;
        }

        let dead = Since { read, uncounted: ledger.dead_lettered.saturating_sub(before.dead_lettered) };
        let late = Since { read, uncounted: ledger.late.saturating_sub(before.late) };
        self.judged = Some(Judged {
            at: now,
            accepted: ledger.accepted,
            dead_lettered: ledger.dead_lettered,
            late: ledger.late,
        });

        let dead = dead.are_most().then(|| describe_dead(&dead, ledger));
        tell(job, &self.dead, &dead, "the job counts most events again");
        self.dead = dead;

        let late = late.are_most().then(|| describe_late(&late, ledger));
        tell(job, &self.late, &late, "most events are on time again");
        self.late = late;
    }
}

impl Since {
    fn are_most(&self) -> bool {
        self.uncounted > self.read / 2
    }
}

impl JobMaster {
    /// Updates the job's view. A query writes no dead letters.
    pub(super) fn look_at_uncounted(&self, shares: &mut UncountedShares, now: Duration) {
        if self.is_query {
            return;
        }
        let mut life = self.life.lock();
        let ledger = life.ledger();
        shares.look(now, (self.id, &self.name), &ledger);
        (life.mostly_dead, life.mostly_late) = (shares.dead.clone(), shares.late.clone());
    }
}

/// Logs that the job begins or stops reporting a problem.
fn tell((job_id, job): (JobId, &str), before: &Option<String>, now: &Option<String>, well: &str) {
    match (now, before) {
        (Some(why), None) => tracing::warn!(%job_id, job, "{why}"),
        (None, Some(_)) => tracing::info!(%job_id, job, "{well}"),
        _ => {}
    }
}

fn describe_dead(Since { read, uncounted }: &Since, ledger: &LedgerCounts) -> String {
    let reason = most(&ledger.reasons).map_or(String::new(), |of| format!(", most for this reason: {of}"));
    format!(
        "dead letters: {uncounted} of the last {read} events could not be counted{reason}; \
         `weir dead-letters list` shows them"
    )
}

fn describe_late(Since { read, uncounted }: &Since, ledger: &LedgerCounts) -> String {
    let query = most(&ledger.late_by_query).map_or(String::new(), |of| format!(", most for `{of}`"));
    format!(
        "late events: {uncounted} of the last {read} events came after a window that they belong to had closed{query}; a \
         WATERMARK further behind or `weir.allowed-lateness` keeps windows open for them, and \
         `weir dead-letters replay --reason late` sends them to the job again"
    )
}

fn most(counts: &BTreeMap<String, u64>) -> Option<&str> {
    counts.iter().max_by_key(|(_, count)| **count).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(accepted: u64, dead_lettered: u64, late: u64) -> LedgerCounts {
        let reasons = [("not JSON".to_owned(), 1), ("no time".to_owned(), dead_lettered)].into();
        let late_by_query = [("counts".to_owned(), late), ("sums".to_owned(), 0)].into();
        LedgerCounts { accepted, dead_lettered, late, reasons, late_by_query, ..LedgerCounts::default() }
    }

    /// Returns what is reported after a check at this second.
    fn look(shares: &mut UncountedShares, second: u64, ledger: &LedgerCounts) -> [Option<String>; 2] {
        shares.look(Duration::from_secs(second), (JobId(1), "a job"), ledger);
        [shares.dead.clone(), shares.late.clone()]
    }

    #[test]
    fn more_than_half_is_told_and_taken_back() {
        let mut shares = UncountedShares::default();
        let mut look = |second: u64, accepted, dead| {
            let [dead, late] = look(&mut shares, second, &ledger(accepted, dead, 0));
            assert_eq!(late, None);
            dead
        };
        assert_eq!(look(1, 0, 0), None);
        let why = look(2, 3, 2).expect("two of three");
        assert!(why.contains("2 of the last 3 events") && why.contains("no time"), "{why}");
        assert_eq!(look(3, 50, 2), Some(why), "47 say nothing yet");
        assert_eq!(look(4, 103, 2), None);

        // Only the most recent records count, however many were valid before.
        assert_eq!(look(5, 1_000_000, 2), None);
        assert!(look(6, 1_000_100, 53).is_some());
        assert_eq!(look(70, 1_000_102, 54), None, "half is not more than half");
        assert_eq!(look(200, 1_000_102, 54), None);
        assert!(look(201, 1_000_103, 55).is_some());
    }

    #[test]
    fn late_events_are_told_apart_from_dead_letters() {
        let mut shares = UncountedShares::default();
        assert_eq!(look(&mut shares, 1, &ledger(100, 0, 50)), [None, None]);
        let [dead, late] = look(&mut shares, 2, &ledger(200, 40, 110));
        let late = late.expect("60 of 100");
        assert!(
            late.starts_with("late events: 60 of the last 100 events") && late.contains("`counts`"),
            "{late}"
        );
        assert_eq!(dead, None);

        let [dead, late] = look(&mut shares, 3, &ledger(300, 91, 120));
        assert!(dead.is_some_and(|dead| dead.contains("51 of the last 100")));
        assert_eq!(late, None);
    }
}
