//! Telling people that a job's checkpoints fail, one after the other.
//!
//! Such a job counts on and its state is RUNNING, but it has nothing new to go on from: the longer this lasts, the more it
//! reads again after the next start, and what the log has dropped by then is lost to it. One checkpoint may fail because a
//! disk was full for a moment. So the job says it after several failures in a row, until a checkpoint succeeds.
//!
//! ```text
//! checkpoint   ok   failed   failed   failed          failed   ok
//! told          -     -        -      the last 3 …    4 …       -
//! ```

use types::Timestamp;

use super::problem::iso;

/// Failures in a row from which on they are told.
const TOLD_FROM: u32 = 3;

/// The checkpoints that have failed since the last one that was completed. Savepoints do not count: a job does not go on
/// from them by itself.
#[derive(Debug, Default)]
pub(super) struct FailedCheckpoints {
    in_a_row: u32,
    /// When the first of them failed.
    since: Option<Timestamp>,
    /// Why the last one failed.
    error: String,
}

impl FailedCheckpoints {
    /// A checkpoint was completed.
    pub fn succeeded(&mut self) {
        *self = FailedCheckpoints::default();
    }

    /// A checkpoint has failed, for a reason other than the end of the job.
    pub fn failed(&mut self, now: Timestamp, error: String) {
        self.since.get_or_insert(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.error = error;
    }

    /// What is wrong, if so many have failed that it is worth telling. Begins in lower case, without a full stop.
    pub fn told(&self) -> Option<String> {
        let FailedCheckpoints { in_a_row, since, error } = self;
        let since = iso(since.filter(|_| *in_a_row >= TOLD_FROM)?);
        Some(format!(
            "cannot complete a checkpoint since {since} (the last {in_a_row} failed), and would go on from the one before \
             if it were started again: {error}"
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
