//! Determines which operators of a plan continue with their state.
//!
//! An operator finds its state by its identity, which says what it computes and from which inputs. It may
//! take the state only if everything it reads continues at the snapshot's position: if a source started anew,
//! rows that are in the state would come again.

use sql::plan::operator::OperatorKind;
use sql::plan::{Operator, Plan, Target};

use super::{Fate, RestoreReport};
use crate::execution::operator_name;
use crate::snapshot::image::{OperatorImage, STATE_VERSION, Snapshot};

/// Returns the images that operators take; the report lists each operator with state. `resumed` says per
/// pipeline whether its source continues at the snapshot's position.
pub(super) fn of_plan<'a>(
    plan: &Plan,
    snapshot: &'a Snapshot,
    resumed: &[bool],
    report: &mut RestoreReport,
) -> Vec<&'a OperatorImage> {
    let goes_on = go_on(plan, resumed);
    let mut taken = Vec::new();
    for (place, operator) in plan.operators.iter().enumerate().filter(|(_, operator)| has_state(operator)) {
        let image = snapshot.operators.iter().find(|image| image.identity == operator.identity);
        let fate = match image {
            _ if !goes_on[place] => {
                Fate::Empty("its source does not continue at the positions of the snapshot".to_owned())
            }
            None => Fate::Empty("it is new, or what it reads or computes has changed".to_owned()),
            Some(image) if image.version != STATE_VERSION => Fate::Empty(format!(
                "its state has format {}, and this version of Weir reads format {STATE_VERSION} only",
                image.version
            )),
            Some(image) => {
                taken.push(image);
                Fate::Kept
            }
        };
        let name = format!("{}: {}", statement(&operator.identity), operator_name(plan, place));
        report.operators.push((name, fate));
    }
    taken
}

/// Returns the operators of a snapshot that no operator takes, for people. Operators without any state are
/// left out.
pub(super) fn dropped(snapshot: &Snapshot, taken: &[&OperatorImage]) -> Vec<String> {
    let is_taken = |image: &OperatorImage| taken.iter().any(|of| of.identity == image.identity);
    let dropped = snapshot.operators.iter().filter(|image| !image.parts.is_empty() && !is_taken(image));
    dropped.map(|image| format!("{}: {}", statement(&image.identity), image.kind)).collect()
}

/// Returns per operator whether all sources that it reads continue.
fn go_on(plan: &Plan, resumed: &[bool]) -> Vec<bool> {
    let mut goes_on = vec![true; plan.operators.len()];
    let feed = |targets: &[Target], from: bool, goes_on: &mut Vec<bool>| {
        for target in targets {
            if let Target::Operator { operator, .. } = target {
                goes_on[*operator] &= from;
            }
        }
    };

    for (pipeline, &from) in plan.pipelines.iter().zip(resumed) {
        pipeline.queries.iter().for_each(|query| feed(&query.targets, from, &mut goes_on));
    }
    // An operator comes after those that it reads.
    for (place, operator) in plan.operators.iter().enumerate() {
        let from = goes_on[place];
        feed(&operator.targets, from, &mut goes_on);
    }
    goes_on
}

fn has_state(operator: &Operator) -> bool {
    !matches!(
        operator.kind,
        OperatorKind::Calc(_)
            | OperatorKind::Expand(_)
            | OperatorKind::Union
            | OperatorKind::Unnest(_)
            | OperatorKind::FromChangelog(_)
            | OperatorKind::ToChangelog(_)
    )
}

/// Returns the name of the INSERT with which an identity begins.
fn statement(identity: &str) -> &str {
    identity.rsplit_once('/').map_or(identity, |(statement, _)| statement)
}
