//! Reports that several checkpoints of a job have failed in a row.
//!
//! Such a job still processes events and its state is RUNNING, but it has no new checkpoint: the longer this
//! lasts, the more events it reads again after the next start, and events that the log has deleted by then
//! are lost to it. A single checkpoint may fail because a disk was full for a moment. So the job reports this
//! after several failures in a row, until a checkpoint succeeds.
//!
//! ```text
//! checkpoint   ok   failed   failed   failed          failed   ok
//! report        -     -        -      the last 3 …    4 …       -
//! ```

use types::Timestamp;

use super::problem::iso;

/// The number of consecutive failures after which they are reported.
const TOLD_FROM: u32 = 3;

/// The checkpoints that failed since the last completed one. Savepoints do not count, because a job does not
/// restart from them by itself.
#[derive(Debug, Default)]
pub(super) struct FailedCheckpoints {
    in_a_row: u32,
    /// The time of the first of these failures.
    since: Option<Timestamp>,
    /// The reason of the last failure.
    error: String,
}

impl FailedCheckpoints {
    /// Records a completed checkpoint.
    pub fn succeeded(&mut self) {
        *self = FailedCheckpoints::default();
    }

    /// Records that a checkpoint failed for a reason other than the end of the job.
    pub fn failed(&mut self, now: Timestamp, error: String) {
        self.since.get_or_insert(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.error = error;
    }

    /// Describes the failures if there are enough of them. Begins in lower case, without a full stop.
    pub fn told(&self) -> Option<String> {
        let FailedCheckpoints { in_a_row, since, error } = self;
        let since = iso(since.filter(|_| *in_a_row >= TOLD_FROM)?);
        Some(format!(
            "cannot complete a checkpoint since {since} (the last {in_a_row} failed), so a restart would begin from \
             an older one: {error}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_in_a_row_is_told_and_a_success_takes_it_back() {
        let mut failed = FailedCheckpoints::default();
        for second in 1..=2 {
            failed.failed(Timestamp(second * 1_000), "no space left".to_owned());
            assert_eq!(failed.told(), None, "failure {second}");
        }

        failed.failed(Timestamp(3_000), "read-only".to_owned());
        let told = failed.told().expect("three in a row");
        assert!(
            told.starts_with("cannot complete a checkpoint since 1970-01-01T00:00:01Z (the last 3"),
            "{told}"
        );
        assert!(told.ends_with("read-only"), "{told}");

        failed.succeeded();
        failed.failed(Timestamp(4_000), "no space left".to_owned());
        assert_eq!(failed.told(), None, "the row begins anew");
    }
}
