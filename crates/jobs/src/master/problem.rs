//! Descriptions of a job's problems: what keeps it from processing events, or from keeping its state.

use types::Timestamp;

use super::JobView;
use super::memory::why_held_back;
use crate::status::JobStatus;

impl JobView {
    /// Describes the job's problem and what can be done: [`JobView::hindrance`], a recent failure, and
    /// failing checkpoints. Returns `None` if there is no problem, or if a user ended the job.
    ///
    /// The sentence begins in lower case and has no full stop, because it follows the job's name.
    pub fn problem(&self) -> Option<String> {
        let hindrance = self.hindrance().or_else(|| self.instability());
        match (hindrance, &self.failing_checkpoints) {
            (Some(hindrance), Some(checkpoints)) => Some(format!("{hindrance}; it {checkpoints}")),
            (hindrance, checkpoints) => hindrance.or_else(|| checkpoints.clone()),
        }
    }

    /// Describes why the job counts few of the events it reads, though it runs: most are dead letters or
    /// late.
    pub fn uncounted(&self) -> Option<String> {
        match (&self.mostly_dead, &self.mostly_late) {
            (Some(dead), Some(late)) => Some(format!("{dead}; {late}")),
            (dead, late) => dead.as_ref().or(late.as_ref()).cloned(),
        }
    }

    /// Describes the failure of the previous attempt, as long as the current one may fail in the same way.
    pub(crate) fn instability(&self) -> Option<String> {
        let failure = self.failures.last()?;
        (self.status == JobStatus::Running && !self.is_stable).then(|| {
            format!(
                "failed and was restarted ({} times so far), and has not yet shown that it runs: {}",
                self.restarts, failure.text
            )
        })
    }

    /// Describes why the job processes nothing now, and what can be done; `None` if it does, or if a user
    /// ended it.
    pub fn hindrance(&self) -> Option<String> {
        let last_failure = || self.failures.last().map_or("for an unknown reason", |failure| &failure.text);
        match self.status {
            JobStatus::Failed if self.not_started => Some(format!(
                "could not be started again, and the next start of Weir tries again: {}",
                last_failure()
            )),
            JobStatus::Failed => Some(format!("has failed: {}", last_failure())),
            JobStatus::Restarting | JobStatus::Failing => {
                Some(format!("failed and is restarted ({} times so far): {}", self.restarts, last_failure()))
            }
            JobStatus::Running => self
                .blocked_write()
                .or_else(|| Some(format!("waits for {}", why_held_back(&self.memory)?)))
                .or_else(|| self.time_ahead.clone()),
            // Before it runs, it may wait for its sinks.
            JobStatus::Created => self.blocked_write(),
            _ => None,
        }
    }

    /// Describes the write that the job repeats, and why it fails.
    fn blocked_write(&self) -> Option<String> {
        let blocked = self.blocked.as_ref()?;
        let since = iso(blocked.since);
        Some(format!(
            "cannot {} since {since}, and reads nothing meanwhile: {}",
            blocked.doing, blocked.error
        ))
    }
}

/// Formats a time in UTC by ISO 8601, to the second.
pub(super) fn iso(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.0.div_euclid(1_000)).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use connectors::retry::Blocked;
    use types::JobId;

    use super::*;

    fn view(status: JobStatus) -> JobView {
        JobView::bare(JobId(1), "job", (Timestamp(0), Timestamp(0)), status)
    }

    #[test]
    fn a_job_that_counts_or_was_ended_has_no_problem() {
        for status in [JobStatus::Running, JobStatus::Canceled, JobStatus::Finished, JobStatus::Created] {
            assert_eq!(view(status).problem(), None, "{status}");
        }
    }

    #[test]
    fn a_job_that_is_started_again_says_why_it_failed() {
        let failed = view(JobStatus::Restarting).failed("no such topic");
        let problem = failed.problem().expect("it counts nothing");
        assert_eq!(problem, "failed and is restarted (0 times so far): no such topic");
    }

    #[test]
    fn a_job_that_runs_again_says_why_it_failed_until_it_is_stable() {
        let again = JobView { restarts: 2, ..view(JobStatus::Running).failed("no such topic") };
        let problem = again.problem().expect("it may fail again");
        assert!(problem.starts_with("failed and was restarted (2 times so far)"), "{problem}");
        assert!(problem.ends_with("no such topic"), "{problem}");
        assert_eq!(again.hindrance(), None, "it counts");
        assert_eq!(JobView { is_stable: true, ..again }.problem(), None);
    }

    #[test]
    fn failing_checkpoints_are_a_problem_beside_others_and_keep_nothing_from_being_counted() {
        let failing = Some("cannot complete a checkpoint".to_owned());
        let running = JobView { failing_checkpoints: failing.clone(), ..view(JobStatus::Running) };
        assert_eq!((running.problem(), running.hindrance()), (failing.clone(), None));

        let restarting = view(JobStatus::Restarting).failed("no such topic");
        let restarting = JobView { failing_checkpoints: failing, ..restarting };
        let problem = restarting.problem().expect("two of them");
        assert!(problem.ends_with("no such topic; it cannot complete a checkpoint"), "{problem}");
    }

    #[test]
    fn a_job_that_cannot_write_says_what_and_since_when() {
        let blocked = Blocked {
            doing: "write dead letters".to_owned(),
            error: "no space left".to_owned(),
            since: Timestamp(1_000),
            failures: 3,
        };
        let view = JobView { blocked: Some(blocked), ..view(JobStatus::Running) };
        let problem = view.problem().expect("it counts nothing");
        assert!(problem.starts_with("cannot write dead letters since 1970-01-01T00:00:01Z"), "{problem}");
        assert!(problem.ends_with("no space left"), "{problem}");
    }
}
