//! Decides whether a job has shown that it runs.
//!
//! A job that fails because of a record fails again each time it reads that record, and between two failures
//! its state is RUNNING, so that it looks healthy. Therefore a job that has failed, or that replaced one that
//! has, counts as healthy only when its attempt is stable: it has completed two checkpoints, or has run for a
//! minute. Sources take part in the first checkpoint before they read, and in the second only after
//! successful reading.
//!
//! ```text
//! state    RUNNING  RESTARTING  RUNNING  RESTARTING  RUNNING ──────────────────►
//! failure  ────────────×────────────────────×────────────────┐
//! report               └───────────────────────────── until two checkpoints are complete
//! ```

use std::time::Duration;

use super::JobMaster;

/// The number of checkpoints that an attempt must complete.
const CHECKPOINTS: u32 = 2;
/// The time that an attempt must run otherwise, because checkpoints may be rare or disabled.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Follows the attempts of a job.
#[derive(Debug, Default)]
pub(super) struct Stability {
    /// The start of the current attempt, by the clock's `elapsed`; `None` if there is none.
    began: Option<Duration>,
    checkpoints: u32,
    is_stable: bool,
}

impl Stability {
    /// Records the start of an attempt.
    pub fn begin(&mut self, now: Duration) {
        *self = Stability { began: Some(now), ..Stability::default() };
    }

    /// Records that the attempt failed.
    pub fn fail(&mut self) {
        *self = Stability::default();
    }

    /// Records a completed checkpoint.
    pub fn checkpointed(&mut self) {
        self.checkpoints = self.checkpoints.saturating_add(1);
        self.is_stable |= self.checkpoints >= CHECKPOINTS;
    }

    pub fn look(&mut self, now: Duration) {
        self.is_stable |= self.began.is_some_and(|began| now.saturating_sub(began) >= LONG_ENOUGH);
    }

    pub fn is_stable(&self) -> bool {
        self.is_stable
    }
}

impl JobMaster {
    /// Updates the job's view.
    pub(super) fn look_at_stability(&self, now: Duration) {
        self.life.lock().stability.look(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkpoints_or_a_minute_make_an_attempt_stable_until_it_fails() {
        let mut stability = Stability::default();
        stability.look(Duration::from_secs(1_000));
        assert!(!stability.is_stable(), "no attempt has begun");

        stability.begin(Duration::from_secs(1_000));
        stability.checkpointed();
        assert!(!stability.is_stable(), "sources take part before they read");
        stability.checkpointed();
        assert!(stability.is_stable());

        stability.fail();
        stability.begin(Duration::from_secs(2_000));
        stability.look(Duration::from_secs(2_059));
        assert!(!stability.is_stable());
        stability.look(Duration::from_secs(2_060));
        assert!(stability.is_stable());
    }
}
