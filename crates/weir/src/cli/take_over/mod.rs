//! Moving a running job between Weir and a Flink cluster, without a gap.
//!
//! A result key holds the end of its window, so two systems that compute the same window write the same row. A take-over first runs
//! the script as a trial beside the old job, whose rows go where nobody reads them:
//!
//! ```text
//! old    ─────────────────────────────────────────────────────────┤ stopped with a savepoint
//!                C: windows up to here are the old one's      ╎
//! trial  T ├─────┼──────────────────────────────┤ savepoint   ╎
//!          offsets of T    ╰─ first windows that both closed: equal?
//! new                                           ├─────────────╎──────────►
//! ```
//!
//! The new job continues from the trial's savepoint, so it has whole windows and writes only what comes after. The old job is stopped
//! last, after it has closed every window that the trial had closed.
//!
//! `needs` finds T, `offsets` the offsets of T, `connectors::flink::Trial` changes the script, and `comparing` compares.
//! `here` is the side of Weir; `cluster` and `topics` are that of Flink. Decision 37 has the reasons.

mod cluster;
mod comparing;
mod handing_over;
mod here;
mod needs;
mod offsets;
mod pair;
mod preparing;
mod rows;
mod topics;

use std::time::Duration;

use clap::Args;
use storage::log::LogError;
use types::{Interval, with_causes};

use super::Failure;

pub(super) use cluster::Cluster;
pub(super) use comparing::Comparing;
pub(super) use handing_over::{savepoint_of_trial, stop_old, wait_until_closed};
pub(super) use here::{Here, Table, WeirArgs};
pub(super) use needs::Needs;
pub(super) use pair::Trial;
pub(super) use preparing::{Prepared, Preparing, base};
pub(super) use topics::TopicRows;

/// How much may differ, how long is waited, and what is assumed.
#[derive(Debug, Clone, Args)]
pub(super) struct TakeOverArgs {
    /// Longest wait until both systems have closed a window of each table
    #[arg(long, value_name = "DURATION", default_value = "10 min", requires = "take_over", value_parser = super::submit::duration)]
    pub(super) compare_for: Duration,
    /// Share by which two numbers with a fraction may differ
    #[arg(long, value_name = "SHARE", default_value_t = 1e-9, requires = "take_over", value_parser = super::compare::share)]
    pub(super) tolerance: f64,
    /// Column that is not compared; may be repeated
    #[arg(long = "ignore", value_name = "COLUMN", requires = "take_over")]
    pub(super) ignored: Vec<String>,
    /// How far an event's time may be ahead of its record's [default: the script's `weir.max-future`, or 5 minutes]
    #[arg(long, value_name = "DURATION", requires = "take_over", value_parser = super::submit::duration)]
    pub(super) margin: Option<Duration>,
    /// Longest session that a SESSION window may have, since nobody knows when open sessions have begun
    #[arg(long, value_name = "DURATION", default_value = "1 d", requires = "take_over", value_parser = super::submit::duration)]
    pub(super) longest_session: Duration,
    /// Take over although rows will be short, or some tables cannot be compared
    #[arg(long, requires = "take_over")]
    pub(super) anyway: bool,
}

/// Why a take-over does not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{0}")]
    Refused(String),
    #[error("{}", with_causes(.0))]
    Log(#[from] LogError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        match problem {
            Problem::Refused(why) => Failure::failed(anyhow::anyhow!(why)),
            Problem::Log(error) => Failure::of(error.domain(), error),
        }
    }
}

/// Returns the milliseconds of a duration.
fn interval(duration: Duration) -> Interval {
    Interval(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
