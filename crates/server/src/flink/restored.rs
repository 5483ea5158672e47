//! The answer to a dry run: what happens to the state of a savepoint or a job.

use engine::snapshot::{Fate, RestoreReport};
use serde::Serialize;
use utoipa::ToSchema;

/// Answer to a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DryRun {
    /// Whether all state is kept and nothing starts empty.
    complete: bool,
    /// Report, one line per source and query.
    report: String,
    /// The queries of the script, then its operators with state.
    states: Vec<StateView>,
    /// Queries and operators whose state nothing in the script takes.
    dropped: Vec<String>,
    /// Source tables that continue at the positions of the state.
    resumed: Vec<String>,
    /// Source tables that start as their options say.
    started: Vec<StartView>,
}

/// A query or an operator of the script, and the state from which it starts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StateView {
    name: String,
    /// `kept`: its own state; `taken`: that of a query which has another name or computes the same; `stateless`: it keeps
    /// nothing between rows; `new`: none, so that it counts only rows from here on.
    state: &'static str,
    /// The other query for `taken`, the reason for `new`.
    detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StartView {
    table: String,
    reason: String,
}

impl DryRun {
    pub(super) fn of(report: &RestoreReport) -> DryRun {
        let states = report.queries.iter().chain(&report.operators);
        let started = report.started.iter();
        DryRun {
            complete: report.is_complete(),
            report: report.to_string(),
            states: states.map(StateView::of).collect(),
            dropped: report.dropped.clone(),
            resumed: report.resumed.clone(),
            started: started
                .map(|(table, reason)| StartView { table: table.clone(), reason: reason.clone() })
                .collect(),
        }
    }
}

impl StateView {
    fn of((name, fate): &(String, Fate)) -> StateView {
        let (state, detail) = match fate {
            Fate::Kept => ("kept", None),
            Fate::TakenFrom(other) => ("taken", Some(other.clone())),
            Fate::Stateless => ("stateless", None),
            Fate::Empty(reason) => ("new", Some(reason.clone())),
        };
        StateView { name: name.clone(), state, detail }
    }
}
