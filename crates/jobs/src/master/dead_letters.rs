//! Telling people that a job cannot use most of what it reads.
//!
//! A table that declares a field otherwise than its events have it turns every event into a dead letter. Nothing is lost
//! then, but nothing is counted either, and a job whose state is RUNNING looks well. So the job master compares the ledger
//! with what it was a while ago. As soon as more than half of what was read in between became dead letters the job says so:
//! in the log, and in its picture for `weir jobs list` and the pages.
//!
//! ```text
//! accepted       0 ──────► 140 ────────────► 2,140 ─────────────► 2,180 …
//! dead letters   0 ──────►   0 ────────────► 1,950 ─────────────► 1,950 …
//!                 first look    100 or more      a minute later
//!                 well          mostly dead      well again
//! ```

use std::time::Duration;

use engine::operator::LedgerCounts;
use types::JobId;

use super::JobMaster;

/// Records after which a share is worth telling,
const RECORDS: u64 = 100;
/// and the time after which fewer are.
const PERIOD: Duration = Duration::from_secs(60);

/// Follows the ledger of an attempt.
#[derive(Debug, Default)]
pub(super) struct DeadLetterShare {
    /// Where the ledger stood at the last judgement; `None` before the first.
    judged: Option<(Duration, u64, u64)>,
    told: Option<String>,
}

impl DeadLetterShare {
    /// Takes a look at the ledger. Returns why the job counts little, as long as it does, and writes a line when that changes.
    pub fn look(&mut self, now: Duration, job: (JobId, &str), ledger: &LedgerCounts) -> Option<String> {
        let (at, accepted, dead) = self.judged.unwrap_or_default();
        let (read, unread) =
            (ledger.accepted.saturating_sub(accepted), ledger.dead_lettered.saturating_sub(dead));
        let is_due = self.judged.is_none() || read >= RECORDS || now.saturating_sub(at) >= PERIOD;
        if read == 0 || !is_due {
            return self.told.clone();
        }
        self.judged = Some((now, ledger.accepted, ledger.dead_lettered));

        let why = (unread > read / 2).then(|| describe(read, unread, ledger));
        let (job_id, job) = job;
        match (&why, &self.told) {
            (Some(why), None) => tracing::warn!(%job_id, job, "{why}"),
            (None, Some(_)) => tracing::info!(%job_id, job, "the job can use most of what it reads again"),
            _ => {}
        }
        self.told = why.clone();
        why
    }
}

impl JobMaster {
    /// Keeps the picture of the job up to date. A query writes no dead letters.
    pub(super) fn look_for_dead_letters(&self, share: &mut DeadLetterShare, now: Duration) {
        if self.is_query {
            return;
        }
        let mut life = self.life.lock();
        let ledger = life.ledger();
        life.mostly_dead = share.look(now, (self.id, &self.name), &ledger);
    }
}

fn describe(read: u64, unread: u64, ledger: &LedgerCounts) -> String {
    let most = ledger.reasons.iter().max_by_key(|(_, count)| **count);
    let reason = most.map_or(String::new(), |(reason, _)| format!(", most for this reason: {reason}"));
    format!(
        "dead letters: {unread} of the last {read} events could not be counted{reason}; \
         `weir dead-letters list` shows them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(accepted: u64, dead_lettered: u64) -> LedgerCounts {
        let reasons = [("not JSON".to_owned(), 1), ("no time".to_owned(), dead_lettered)].into();
        LedgerCounts { accepted, dead_lettered, reasons, ..LedgerCounts::default() }
    }

    #[test]
    fn more_than_half_is_told_and_taken_back() {
        let mut share = DeadLetterShare::default();
        let mut look = |second: u64, accepted, dead| {
            share.look(Duration::from_secs(second), (JobId(1), "a job"), &ledger(accepted, dead))
        };
        assert_eq!(look(1, 0, 0), None);
        let why = look(2, 3, 2).expect("two of three");
        assert!(why.contains("2 of the last 3 events") && why.contains("no time"), "{why}");
        assert_eq!(look(3, 50, 2), Some(why), "47 say nothing yet");
        assert_eq!(look(4, 103, 2), None);

        // It is the last ones that count, however many were well before.
        assert_eq!(look(5, 1_000_000, 2), None);
        assert!(look(6, 1_000_100, 53).is_some());
        assert_eq!(look(70, 1_000_102, 54), None, "half is not more than half");
        assert_eq!(look(200, 1_000_102, 54), None);
        assert!(look(201, 1_000_103, 55).is_some());
    }
}
