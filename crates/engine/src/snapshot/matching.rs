//! Matches the state of a snapshot to the queries of a script that may have changed since.

mod operators;

use std::fmt;

use sql::plan::{Pipeline, Plan, Shape};

use super::image::{OperatorImage, PipelineImage, Snapshot, UnitImage};
use crate::connector::Reads;
use crate::layout::{History, Layout, LayoutError, UnitIdentity};

/// The outcome of restoring a snapshot into a script, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// One per query of the script.
    pub queries: Vec<(String, Fate)>,
    /// One per operator with state: `top: Rank[4]`, which is the statement, its kind, and its index in the
    /// plan.
    pub operators: Vec<(String, Fate)>,
    /// Queries and operators of the snapshot whose state nothing in the script takes.
    pub dropped: Vec<String>,
    /// Source tables that continue at the snapshot's positions.
    pub resumed: Vec<String>,
    /// Source tables that start as their options say, with the reason.
    pub started: Vec<(String, String)>,
}

/// The state from which a query or an operator starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its own state.
    Kept,
    /// The state of a query that has another name now, or that computes the same.
    TakenFrom(String),
    /// It keeps nothing between rows.
    Stateless,
    /// No state: its open windows count only rows from here on.
    Empty(String),
}

impl RestoreReport {
    /// Returns the outcome of restoring a snapshot into a plan; `reads` describes what each pipeline's source
    /// reads.
    pub fn of(plan: &Plan, snapshot: &Snapshot, reads: &[Reads]) -> Result<RestoreReport, LayoutError> {
        Ok(match_plan(plan, snapshot, reads)?.report)
    }

    /// Returns whether nothing is lost and nothing starts empty.
    pub fn is_complete(&self) -> bool {
        self.dropped.is_empty()
            && self.started.is_empty()
            && self.queries.iter().chain(&self.operators).all(|(_, fate)| !matches!(fate, Fate::Empty(_)))
    }
}

impl fmt::Display for RestoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.resumed {
            writeln!(f, "source `{table}` continues at the positions of the snapshot")?;
        }

        for (table, why) in &self.started {
            writeln!(f, "source `{table}` starts where the options of its table say: {why}")?;
        }

        for (query, fate) in &self.queries {
            match fate {
                Fate::Kept => writeln!(f, "query `{query}` keeps its state")?,
                Fate::TakenFrom(from) => writeln!(f, "query `{query}` takes over the state of `{from}`")?,
                Fate::Stateless => writeln!(f, "query `{query}` needs no state")?,
                Fate::Empty(why) => writeln!(f, "query `{query}` starts empty: {why}")?,
            }
        }

        for (operator, fate) in &self.operators {
            match fate {
                Fate::Empty(why) => writeln!(f, "operator `{operator}` starts empty: {why}")?,
                _ => writeln!(f, "operator `{operator}` keeps its state")?,
            }
        }

        for name in &self.dropped {
            writeln!(f, "the state of `{name}` is dropped: nothing in the script uses it")?;
        }

        Ok(())
    }
}

/// The state that a pipeline takes from a snapshot.
pub(crate) struct PipelineMatch<'a> {
    pub image: &'a PipelineImage,
    /// Per query: the unit of the image.
    pub histories: Vec<History>,
}

/// The state that a plan takes from a snapshot.
#[derive(Default)]
pub(crate) struct PlanMatch<'a> {
    /// One per pipeline.
    pub pipelines: Vec<Option<PipelineMatch<'a>>>,
    pub operators: Vec<&'a OperatorImage>,
    pub report: RestoreReport,
}

/// Finds the state that the pipelines and operators of a plan take from a snapshot.
pub(crate) fn match_plan<'a>(
    plan: &Plan,
    snapshot: &'a Snapshot,
    reads: &[Reads],
) -> Result<PlanMatch<'a>, LayoutError> {
    let mut report = RestoreReport::default();
    let mut matches = Vec::with_capacity(plan.pipelines.len());

    for (pipeline, reads) in plan.pipelines.iter().zip(reads) {
        let table = &pipeline.source.name;
        let image = snapshot.pipelines.iter().find(|image| image.table == *table);
        let same = image.filter(|image| image.is_of(reads));

        match (image, same) {
            (_, Some(image)) => {
                report.resumed.push(table.clone());
                matches.push(Some(match_pipeline(plan, pipeline, image, &mut report)?));
                continue;
            }
            (Some(image), None) => report.started.push((table.clone(), changed(image, reads))),
            (None, _) => report.started.push((table.clone(), "it is new".to_owned())),
        }

        for query in &pipeline.queries {
            report.queries.push((
                query.name.clone(),
                Fate::Empty("its source does not continue at the positions of the snapshot".to_owned()),
            ));
        }
        matches.push(None);
    }

    let taken = |name: &String| {
        report.queries.iter().any(|(query, fate)| match fate {
            Fate::Kept => query == name,
            Fate::TakenFrom(from) => from == name,
            _ => false,
        })
    };

    let mut dropped: Vec<String> =
        snapshot.pipelines.iter().flat_map(query_names).filter(|name| !taken(name)).collect();

    let resumed: Vec<bool> = matches.iter().map(Option::is_some).collect();
    let operators = operators::of_plan(plan, snapshot, &resumed, &mut report);
    dropped.extend(operators::dropped(snapshot, &operators));
    dropped.sort_unstable();
    dropped.dedup();
    report.dropped = dropped;
    Ok(PlanMatch { pipelines: matches, operators, report })
}

fn match_pipeline<'a>(
    plan: &Plan,
    pipeline: &Pipeline,
    image: &'a PipelineImage,
    report: &mut RestoreReport,
) -> Result<PipelineMatch<'a>, LayoutError> {
    let units: &[UnitImage] = image.states.first().map_or(&[], |state| &state.units);
    let mut histories = Vec::with_capacity(pipeline.queries.len());

    for query in &pipeline.queries {
        let (history, fate) = match &query.shape {
            Shape::Rows { .. } => (None, Fate::Stateless),
            Shape::Aggregate(_) => {
                let alone = Pipeline { queries: vec![query.clone()], ..pipeline.clone() };
                let layout = Layout::new(&alone, &plan.settings)?;
                match layout.identities.units.first() {
                    Some(wanted) => find(&query.name, wanted, units, pipeline),
                    None => (None, Fate::Stateless),
                }
            }
        };
        histories.push(history);
        report.queries.push((query.name.clone(), fate));
    }

    Ok(PipelineMatch { image, histories })
}

/// Finds the unit of the image with a query's state: its own by name, else an equivalent one.
fn find(name: &str, wanted: &UnitIdentity, units: &[UnitImage], pipeline: &Pipeline) -> (History, Fate) {
    let own = units.iter().position(|unit| unit.queries.iter().any(|query| query == name));
    if let Some(own) = own.filter(|&own| units[own].holds(wanted)) {
        return (Some(own), Fate::Kept);
    }

    // Prefer a unit that no other query has by name.
    let gone = |query: &&String| !pipeline.queries.iter().any(|other| other.name == **query);
    let same = || units.iter().enumerate().filter(|(_, unit)| unit.holds(wanted));
    let renamed = same().find_map(|(at, unit)| Some((at, unit.queries.iter().find(gone)?)));
    let found = renamed.or_else(|| same().find_map(|(at, unit)| Some((at, unit.queries.first()?))));

    match (found, own) {
        (Some((at, from)), None) => (Some(at), Fate::TakenFrom(from.clone())),
        (_, None) => (None, Fate::Empty("it is new".to_owned())),
        (_, Some(own)) if units[own].identity != wanted.unit => {
            (None, Fate::Empty("its window, conditions or keys have changed".to_owned()))
        }
        (_, Some(_)) => {
            (None, Fate::Empty("it computes an aggregate that it did not compute before".to_owned()))
        }
    }
}

/// Describes how the input has changed.
fn changed(image: &PipelineImage, reads: &Reads) -> String {
    let mut topics: Vec<&str> = image.splits().map(|of| of.split.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let before = if topics.len() == 1 { "topic" } else { "topics" };
    format!(
        "it reads {} of {} now, and the positions are those of {before} `{}` of {}",
        reads.what,
        reads.system,
        topics.join("`, `"),
        image.reads
    )
}

impl PipelineImage {
    /// Returns whether its positions are valid in the present input.
    fn is_of(&self, reads: &Reads) -> bool {
        let mut splits = self.splits().peekable();
        self.reads == reads.system
            && (splits.peek().is_none() || splits.any(|of| (reads.includes)(&of.split.topic)))
    }
}

impl UnitImage {
    fn holds(&self, wanted: &UnitIdentity) -> bool {
        self.identity == wanted.unit && wanted.states.iter().all(|state| self.states.contains(state))
    }
}

fn query_names(pipeline: &PipelineImage) -> impl Iterator<Item = String> {
    pipeline.states.iter().take(1).flat_map(|state| &state.units).flat_map(|unit| unit.queries.clone())
}
