//! Before-images: which operators need not say what an update replaces.
//!
//! A table that is written by the key of the query finds the row to be replaced by itself. An operator before it then gives
//! `+U` without `-U`, which halves what is written:
//!
//! ```text
//! GroupAggregate[k] ──► Calc[k, n] ──► sink by k        +U alone
//! GroupAggregate[k] ──► Calc[k, n WHERE n > 9] ──► sink by k    -U too: a row that fails the condition leaves the table
//! GroupAggregate[k] ──► Join ──► …                      -U too: a join looks the row up that is taken back
//! ```

use std::collections::BTreeSet;

use crate::plan::operator::{Changes, Operator, OperatorKind, Target};

/// Leaves the before-images out that nobody reads. `keys`: by operator, the fields that tell its rows apart; `upserts`: operators
/// whose rows a sink takes by the same fields.
pub(super) fn leave_out_unread(
    operators: &mut [Operator],
    keys: &[Option<Vec<usize>>],
    upserts: &BTreeSet<(usize, usize)>,
) {
    // Consumers stand behind what they read, so one pass from the end sees them first.
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

/// Says that an operator gives changes by a key, and so do those that pass them on.
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
