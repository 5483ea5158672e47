//! Fields that a node reads from its inputs, to pass them on or to compute with them.

use std::collections::BTreeSet;

use crate::expr::ExprId;
use crate::plan::operator::{AggregateCall, JoinKind};
use crate::rel::rebase::inputs_of;
use crate::rel::{JoinRel, Rel, RelKind, TemporalRel, TimeAttribute};

/// Returns the fields that a node reads from each input to produce the `wanted` fields.
pub(super) fn reads(rel: &Rel, wanted: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
    let width = rel.inputs.first().map_or(0, |input| input.fields.len());
    // Returns the input's fields that the node passes on at the same places.
    let passed = || wanted.iter().copied().filter(|&field| field < width).collect::<BTreeSet<usize>>();

    match &rel.kind {
        RelKind::Scan { .. } => vec![],
        RelKind::Calc(calc) => {
            let columns = wanted.iter().map(|&field| calc.columns[field]);
            let ids: Vec<ExprId> = calc.conditions.iter().copied().chain(columns).collect();
            vec![inputs_of(&calc.exprs, &ids).into_iter().collect()]
        }

        RelKind::Aggregate(aggregate) => {
            let mut fields: BTreeSet<usize> = aggregate.keys.iter().copied().collect();
            for (place, call) in aggregate.calls.iter().enumerate() {
                if wanted.contains(&(aggregate.keys.len() + place)) {
                    of_call(call, &mut fields);
                }
            }
            fields.extend(aggregate.window.iter().map(|window| window.time));
            vec![fields]
        }

        RelKind::Window(window) => {
            let mut fields = passed();
            fields.insert(window.time);
            fields.extend(&window.partition);
            vec![fields]
        }

        RelKind::Join(JoinRel { exprs, conditions, .. })
        | RelKind::Temporal(TemporalRel { exprs, conditions, .. }) => {
            let mut all: BTreeSet<usize> = inputs_of(exprs, conditions).into_iter().collect();
            let pairs = !matches!(
                &rel.kind,
                RelKind::Join(JoinRel { kind: JoinKind::Semi | JoinKind::Anti | JoinKind::Mark, .. })
            );
            all.extend(wanted.iter().filter(|&&field| field < width || pairs));
            if let RelKind::Temporal(join) = &rel.kind {
                all.insert(join.time);
                // The right side's time and key select the version of a row. A lookup table has no versions.
                let is_lookup = rel.inputs[0].fields[join.time].time == Some(TimeAttribute::Processing);
                if !is_lookup {
                    all.extend(width..width + rel.inputs[1].fields.len());
                }
            }
            let right = all.split_off(&width).into_iter().map(|field| field - width).collect();
            vec![all, right]
        }

        RelKind::Union => rel.inputs.iter().map(|_| wanted.clone()).collect(),
        RelKind::SetOperation { .. } => {
            rel.inputs.iter().map(|input| (0..input.fields.len()).collect()).collect()
        }

        RelKind::Over(over) => {
            let mut fields = passed();
            fields.extend(&over.partition);
            fields.extend(over.order.iter().map(|key| key.field));
            over.calls.iter().for_each(|call| of_call(call, &mut fields));
            vec![fields]
        }

        RelKind::Sort(sort) => {
            let mut fields = passed();
            fields.extend(sort.order.iter().map(|key| key.field));
            vec![fields]
        }
        RelKind::Rank(rank) => {
            let mut fields = passed();
            fields.extend(&rank.partition);
            fields.extend(rank.order.iter().map(|key| key.field));
            vec![fields]
        }

        RelKind::Unnest(unnest) => {
            let mut fields = passed();
            fields.insert(unnest.collection);
            let read = inputs_of(&unnest.exprs, &unnest.conditions);
            fields.extend(read.into_iter().filter(|&field| field < width));
            vec![fields]
        }

        RelKind::FromChangelog(changelog) => {
            let mut fields = passed();
            fields.insert(changelog.op);
            vec![fields]
        }

        // A change is a row here even if it affects only fields that nothing reads.
        RelKind::ToChangelog(_) => vec![(0..width).collect()],
        RelKind::Match(matching) => {
            let mut fields: BTreeSet<usize> = matching.partition.iter().copied().collect();
            fields.extend(matching.order.iter().map(|key| key.field));
            fields.extend(matching.defines.iter().flatten().flat_map(|define| define.fields()));
            for (place, measure) in matching.measures.iter().enumerate() {
                if wanted.contains(&(matching.partition.len() + place)) {
                    fields.extend(measure.fields());
                }
            }
            vec![fields]
        }
    }
}

fn of_call(call: &AggregateCall, fields: &mut BTreeSet<usize>) {
    fields.extend(&call.args);
    fields.extend(&call.filter);
}
