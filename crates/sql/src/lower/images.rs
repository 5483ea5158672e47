//! Before-images: finds operators that need not emit the row an update replaces.
//!
//! A sink that is written by the query's key finds the replaced row itself. An operator before such a sink
//! can emit `+U` without `-U`, which halves the output:
//!
//! ```text
//! GroupAggregate[k] ──► Calc[k, n] ──► sink by k         only +U
//! GroupAggregate[k] ──► Calc[WHERE n > 9] ──► sink by k  also -U: a row that fails the condition is deleted
//! GroupAggregate[k] ──► Join ──► …                       also -U: a join looks up the retracted row
//! ```

use std::collections::BTreeSet;

use crate::plan::operator::{Changes, Operator, OperatorKind, Target};

/// Drops before-images that no operator or sink reads. `keys` holds for each operator the fields that
/// identify its rows; `upserts` holds pairs of an operator and a sink that identify rows by the same fields.
pub(super) fn leave_out_unread(
    operators: &mut [Operator],
    keys: &[Option<Vec<usize>>],
    upserts: &BTreeSet<(usize, usize)>,
) {
    // Consumers follow their inputs, so one pass from the end visits consumers first.
    let mut is_read = vec![false; operators.len()];
    for at in (0..operators.len()).rev() {
        is_read[at] = operators[at].targets.iter().any(|target| match *target {
            Target::Sink(sink) => !upserts.contains(&(at, sink)),
            Target::Operator { operator, .. } => match &operators[operator].kind {
                OperatorKind::Calc(calc) if calc.conditions.is_empty() => is_read[operator],
                _ => true,
            },
        });
    }

    for at in 0..operators.len() {
        let (false, Some(key)) = (is_read[at], &keys[at]) else { continue };
        let emits_before = match &mut operators[at].kind {
            OperatorKind::GroupAggregate(aggregate) => &mut aggregate.emits_before,
            OperatorKind::Deduplicate(deduplicate) => &mut deduplicate.emits_before,
            OperatorKind::Rank(rank) => &mut rank.emits_before,
            OperatorKind::Over(over) => &mut over.emits_before,
            _ => continue,
        };
        *emits_before = false;
        if operators[at].changes == Changes::Retract {
            give_upserts(operators, keys, at, Changes::Upsert(key.clone()));
        }
    }
}

/// Marks an operator as emitting upserts by its key, and all operators that pass them on.
fn give_upserts(operators: &mut [Operator], keys: &[Option<Vec<usize>>], at: usize, changes: Changes) {
    operators[at].changes = changes.clone();
    for target in operators[at].targets.clone() {
        let Target::Operator { operator, input } = target else { continue };
        operators[operator].inputs[input].changes = changes.clone();
        if let Some(key) = &keys[operator] {
            give_upserts(operators, keys, operator, Changes::Upsert(key.clone()));
        }
    }
}
