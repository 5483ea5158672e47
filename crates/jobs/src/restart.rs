//! Restart strategies decide whether and when a failed job is restarted. Names, keys and defaults are those
//! of Flink, except that `exponential-delay` is always the default, also without checkpoints.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql::error::Diagnostic;
use sql::plan::Settings;

use crate::setting::Keys;

/// The strategy that a script sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RestartStrategy {
    Never,
    Fixed {
        attempts: u32,
        delay: Duration,
    },
    /// Each failure increases the delay, until there was none for some time.
    Exponential {
        first: Duration,
        longest: Duration,
        factor: f64,
        /// The time without failures after which the delay is reset to the first one.
        reset_after: Duration,
        /// The random share of a delay, so that jobs that failed together do not restart together.
        jitter: f64,
        /// `None` means no limit.
        attempts: Option<u32>,
    },
    /// Restarts until there are too many failures in a period.
    Rate {
        most: u32,
        within: Duration,
        delay: Duration,
    },
}

#[derive(Clone, Copy)]
enum StrategyKind {
    Never,
    Fixed,
    Exponential,
    Rate,
}

const KINDS: &[(&str, StrategyKind)] = &[
    ("exponential-delay", StrategyKind::Exponential),
    ("fixed-delay", StrategyKind::Fixed),
    ("failure-rate", StrategyKind::Rate),
    ("none", StrategyKind::Never),
    ("exponentialdelay", StrategyKind::Exponential),
    ("fixeddelay", StrategyKind::Fixed),
    ("failurerate", StrategyKind::Rate),
    ("off", StrategyKind::Never),
    ("disable", StrategyKind::Never),
];

impl RestartStrategy {
    pub fn read(settings: &Settings) -> Result<RestartStrategy, Vec<Diagnostic>> {
        let mut keys = Keys::new(settings);
        let kind = keys
            .word(&["restart-strategy.type", "restart-strategy"], KINDS)
            .unwrap_or(StrategyKind::Exponential);
        let seconds = Duration::from_secs;

        let strategy = match kind {
            StrategyKind::Never => RestartStrategy::Never,
            StrategyKind::Fixed => RestartStrategy::Fixed {
                attempts: keys.number(&["restart-strategy.fixed-delay.attempts"], 0).unwrap_or(1),
                delay: keys.duration(&["restart-strategy.fixed-delay.delay"]).unwrap_or(seconds(1)),
            },
            StrategyKind::Exponential => RestartStrategy::Exponential {
                first: keys
                    .duration(&["restart-strategy.exponential-delay.initial-backoff"])
                    .unwrap_or(seconds(1)),
                longest: keys
                    .duration(&["restart-strategy.exponential-delay.max-backoff"])
                    .unwrap_or(seconds(60)),
                factor: keys
                    .factor(&["restart-strategy.exponential-delay.backoff-multiplier"], 1.0)
                    .unwrap_or(1.5),
                reset_after: keys
                    .duration(&["restart-strategy.exponential-delay.reset-backoff-threshold"])
                    .unwrap_or(seconds(3_600)),
                jitter: keys
                    .factor(&["restart-strategy.exponential-delay.jitter-factor"], 0.0)
                    .unwrap_or(0.1)
                    .min(1.0),
                attempts: keys
                    .number(&["restart-strategy.exponential-delay.attempts-before-reset-backoff"], 1),
            },
            StrategyKind::Rate => RestartStrategy::Rate {
                most: keys
                    .number(&["restart-strategy.failure-rate.max-failures-per-interval"], 0)
                    .unwrap_or(1),
                within: keys
                    .duration(&["restart-strategy.failure-rate.failure-rate-interval"])
                    .unwrap_or(seconds(60)),
                delay: keys.duration(&["restart-strategy.failure-rate.delay"]).unwrap_or(seconds(1)),
            },
        };

        keys.finish(strategy)
    }
}

/// The failures of a job so far, as needed by its strategy.
#[derive(Debug)]
pub(crate) struct Restarts {
    strategy: RestartStrategy,
    failures: u32,
    /// The relevant recent failure times.
    recent: VecDeque<Duration>,
    pause: Duration,
}

impl Restarts {
    pub fn new(strategy: RestartStrategy) -> Restarts {
        Restarts { strategy, failures: 0, recent: VecDeque::new(), pause: Duration::ZERO }
    }

    /// Records a failure at this time of the clock, and returns the delay before the restart, or `None` for
    /// no restart. `draw` is a random number from 0 to 1.
    pub fn next(&mut self, now: Duration, draw: f64) -> Option<Duration> {
        match self.strategy.clone() {
            RestartStrategy::Never => None,
            RestartStrategy::Fixed { attempts, delay } => {
                self.failures += 1;
                (self.failures <= attempts).then_some(delay)
            }
            RestartStrategy::Exponential { first, longest, factor, reset_after, jitter, attempts } => {
                let quiet = self
                    .recent
                    .back()
                    .is_some_and(|last| now.saturating_sub(*last) >= self.pause + reset_after);
                if self.failures == 0 || quiet {
                    (self.failures, self.pause) = (1, first.min(longest));
                } else {
                    self.failures += 1;
                    self.pause = self.pause.mul_f64(factor).min(longest);
                }
                self.recent.clear();
                self.recent.push_back(now);
                let share = 1.0 + jitter * (2.0 * draw - 1.0);
                attempts.is_none_or(|attempts| self.failures <= attempts).then(|| self.pause.mul_f64(share))
            }
            RestartStrategy::Rate { most, within, delay } => {
                self.recent.retain(|at| now.saturating_sub(*at) < within);
                self.recent.push_back(now);
                (self.recent.len() <= most as usize).then_some(delay)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<RestartStrategy, Vec<Diagnostic>> {
        let all = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        RestartStrategy::read(&Settings { all, ..Settings::default() })
    }

    fn pauses(set: &[(&str, &str)], failures: &[u64]) -> Vec<Option<u64>> {
        let mut restarts = Restarts::new(read(set).unwrap());
        let next = failures.iter().map(|&at| restarts.next(Duration::from_secs(at), 0.5));
        next.map(|pause| pause.map(|pause| pause.as_millis() as u64)).collect()
    }

    #[test]
    fn unless_told_otherwise_pauses_grow_to_a_minute_and_start_over_after_a_quiet_hour() {
        let failures = [0, 1, 3, 6, 10, 20, 30, 50, 80, 120, 200, 300, 400, 4_100];
        let pauses: Vec<u64> = pauses(&[], &failures).into_iter().flatten().collect();
        assert_eq!(pauses[..5], [1_000, 1_500, 2_250, 3_375, 5_062]);
        assert_eq!(pauses[11..], [60_000, 60_000, 1_000]);
    }

    #[test]
    fn jitter_moves_a_pause_by_its_share_at_most() {
        let pause = |draw| Restarts::new(read(&[]).unwrap()).next(Duration::ZERO, draw).unwrap().as_millis();
        assert_eq!((pause(0.0), pause(0.5), pause(1.0)), (900, 1_000, 1_100));
    }

    #[test]
    fn a_fixed_delay_ends_after_its_attempts() {
        let set = [
            ("restart-strategy", "fixed-delay"),
            ("restart-strategy.fixed-delay.attempts", "2"),
            ("restart-strategy.fixed-delay.delay", "3 s"),
        ];
        assert_eq!(pauses(&set, &[0, 100, 200]), [Some(3_000), Some(3_000), None]);
    }

    #[test]
    fn a_failure_rate_counts_failures_of_a_stretch_of_time() {
        let set = [
            ("restart-strategy.type", "failure-rate"),
            ("restart-strategy.failure-rate.max-failures-per-interval", "2"),
            ("restart-strategy.failure-rate.failure-rate-interval", "1 min"),
        ];
        assert_eq!(
            pauses(&set, &[0, 10, 70, 75, 80]),
            [Some(1_000), Some(1_000), Some(1_000), Some(1_000), None]
        );
    }

    #[test]
    fn none_is_never_and_nonsense_is_named() {
        assert_eq!(pauses(&[("restart-strategy", "none")], &[0]), [None]);
        let wrong = read(&[("restart-strategy.type", "sometimes")]).unwrap_err();
        assert!(wrong[0].message.contains("restart-strategy.type"), "{wrong:#?}");
        assert!(read(&[("restart-strategy.exponential-delay.backoff-multiplier", "0.5")]).is_err());
    }
}
