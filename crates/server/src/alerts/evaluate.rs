//! Decides which series fire: a function of the series that fired before, and of the newest final rows.
//!
//! ```text
//! rule     above 10, for 3 windows
//! number   5    12   13   14   15   9    12
//! state    ok   ok   ok   fires ──► ok   ok
//! ```
//!
//! A series that does not fire begins when its newest rows, as many as the rule says, are all beyond the bound. A series
//! that fires ends when its newest row is not beyond the bound, or when it has no rows any more. Rows that were
//! corrected are judged like new ones, since only the present rows count.
//!
//! A job that is restored from a checkpoint writes the rows of open windows again, also of windows that were final before
//! the crash. Until such a row is final again, its series is not judged: the rows before it would tell old news.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use utoipa::ToSchema;

use super::document::Bound;
use crate::results::{Newest, Series};

/// Reasons of transitions.
pub(super) const BEYOND: &str = "beyond the bound";
pub(super) const WITHIN: &str = "within the bound";
pub(super) const NO_ROWS: &str = "no rows";
pub(super) const DISABLED: &str = "disabled";
pub(super) const TEST: &str = "test";

/// The values of the columns that tell a series apart.
pub(super) type SeriesValues = BTreeMap<String, Value>;

/// A series that fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FiringSeries)]
pub(crate) struct Firing {
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub(super) series: SeriesValues,
    /// Number of the newest row.
    #[schema(value_type = f64)]
    pub(super) value: Number,
    /// When the series began to fire, in UTC.
    pub(super) since: String,
    pub(super) window_start: Option<String>,
    pub(super) window_end: Option<String>,
}

/// The series that fire, by their values as JSON.
pub(super) type FiringSeries = BTreeMap<String, Firing>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertTransitionState)]
pub(crate) enum TransitionState {
    Firing,
    Resolved,
}

/// The beginning or the end of the firing of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transition {
    pub(super) state: TransitionState,
    pub(super) series: SeriesValues,
    /// Number of the newest row; of a series without rows, the last number that was known.
    pub(super) value: Number,
    pub(super) window_start: Option<String>,
    pub(super) window_end: Option<String>,
    pub(super) reason: &'static str,
}

/// The time of the newest row with which each series was judged, in microseconds, by its values as JSON.
pub(super) type Settled = BTreeMap<String, i64>;

/// Applies the newest rows of all series to the series that fire, and returns what has changed. `at` is the time of the
/// evaluation.
pub(super) fn evaluate(
    bound: &Bound,
    for_windows: usize,
    (firing, settled): (&mut FiringSeries, &mut Settled),
    found: &[Series],
    at: &str,
) -> Vec<Transition> {
    let mut by_key: BTreeMap<String, &Series> =
        found.iter().map(|series| (key_of(&series.values), series)).collect();
    settled.retain(|key, _| by_key.contains_key(key));
    let reopened: BTreeSet<String> = settled
        .iter()
        .filter(|(key, at)| is_reopened(by_key[*key], **at))
        .map(|(key, _)| key.clone())
        .collect();
    by_key.retain(|key, _| !reopened.contains(key));

    let has_rows = |key: &str| by_key.get(key).is_some_and(|series| series.newest.is_some());
    let mut transitions = end(firing, |key| !has_rows(key) && !reopened.contains(key), NO_ROWS);

    for (key, series) in by_key {
        let Some(newest) = &series.newest else { continue };
        settled.insert(key.clone(), newest.time.0);
        let is_beyond = |number: &f64| bound.is_beyond(*number);
        match firing.get_mut(&key) {
            Some(fires) if series.numbers.first().is_some_and(is_beyond) => {
                *fires = begun(series, newest, &fires.since);
            }
            Some(_) => {
                firing.remove(&key);
                transitions.push(transition(TransitionState::Resolved, series, newest, WITHIN));
            }
            None if series.numbers.len() >= for_windows && series.numbers.iter().all(is_beyond) => {
                transitions.push(transition(TransitionState::Firing, series, newest, BEYOND));
                firing.insert(key, begun(series, newest, at));
            }
            None => {}
        }
    }
    transitions
}

/// Returns whether the row with which a series was judged, or a later one, is not final any more.
fn is_reopened(series: &Series, settled: i64) -> bool {
    series.newest.as_ref().is_none_or(|newest| newest.time.0 < settled)
        && series.open.is_some_and(|open| open.0 >= settled)
}

fn transition(state: TransitionState, series: &Series, newest: &Newest, reason: &'static str) -> Transition {
    Transition {
        state,
        series: series.values.clone(),
        value: newest.number.clone(),
        window_start: newest.window_start.clone(),
        window_end: newest.window_end.clone(),
        reason,
    }
}

fn begun(series: &Series, newest: &Newest, since: &str) -> Firing {
    Firing {
        series: series.values.clone(),
        value: newest.number.clone(),
        since: since.to_owned(),
        window_start: newest.window_start.clone(),
        window_end: newest.window_end.clone(),
    }
}

/// Ends the firing of all series that `ends` names, for a reason that is not in their rows.
pub(super) fn end(
    firing: &mut FiringSeries,
    ends: impl Fn(&str) -> bool,
    reason: &'static str,
) -> Vec<Transition> {
    let ended: FiringSeries = firing.extract_if(.., |key, _| ends(key)).collect();
    let transition = |fired: Firing| Transition {
        state: TransitionState::Resolved,
        series: fired.series,
        value: fired.value,
        window_start: fired.window_start,
        window_end: fired.window_end,
        reason,
    };
    ended.into_values().map(transition).collect()
}

/// Returns the values of a series as JSON.
pub(super) fn key_of(values: &SeriesValues) -> String {
    // Names and JSON values can be written.
    serde_json::to_string(values).unwrap_or_default()
}
