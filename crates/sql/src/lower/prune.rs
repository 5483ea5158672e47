//! Pruning: fields that nothing reads are not computed, kept or sent.
//!
//! The first pass collects what is read of each node, from the sinks down, over all trees at once; a node
//! that several trees share keeps what any of them reads. The second pass rebuilds the nodes from the scans
//! up.

mod reads;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::expr::{Expr, ExprGraph, ExprId};
use crate::plan::operator::{AggregateCall, FromChangelog, JoinKind, PatternExpr, SortKey};
use crate::rel::rebase::moved;
use crate::rel::{
    AggregateRel, CalcRel, JoinRel, MatchRel, OverRel, RankRel, Rel, RelKind, SortRel, TemporalRel,
    UnnestRel, WindowRel,
};
use reads::reads;

/// Returns the trees without unread fields; the fields of the roots are all kept. `is_whole` selects tables
/// whose columns are all kept, because their rows replace earlier rows by key.
pub(super) fn pruned(trees: &[Arc<Rel>], is_whole: &dyn Fn(usize) -> bool) -> Vec<Arc<Rel>> {
    let mut order = vec![];
    let mut seen = HashSet::new();
    for tree in trees {
        post_order(tree, &mut seen, &mut order);
    }

    let mut read: HashMap<*const Rel, BTreeSet<usize>> = HashMap::new();
    for tree in trees {
        read.entry(Arc::as_ptr(tree)).or_default().extend(0..tree.fields.len());
    }
    for rel in order.iter().rev() {
        if let (RelKind::Calc(_), Some(input)) = (&rel.kind, rel.inputs.first())
            && let RelKind::Scan { table } = input.kind
            && is_whole(table)
        {
            read.entry(Arc::as_ptr(rel)).or_default().extend(0..rel.fields.len());
        }
        let of_node = read.get(&Arc::as_ptr(rel)).cloned().unwrap_or_default();
        for (input, fields) in rel.inputs.iter().zip(reads(rel, &of_node)) {
            read.entry(Arc::as_ptr(input)).or_default().extend(fields);
        }
    }

    let mut built: HashMap<*const Rel, Built> = HashMap::new();
    for rel in &order {
        let of_node = &read[&Arc::as_ptr(rel)];
        let inputs: Vec<&Built> = rel.inputs.iter().map(|input| &built[&Arc::as_ptr(input)]).collect();
        let new = build(rel, of_node, &inputs);
        built.insert(Arc::as_ptr(rel), new);
    }
    trees.iter().map(|tree| built[&Arc::as_ptr(tree)].rel.clone()).collect()
}

/// Collects nodes so that inputs precede the nodes that read them.
fn post_order(rel: &Arc<Rel>, seen: &mut HashSet<*const Rel>, order: &mut Vec<Arc<Rel>>) {
    if !seen.insert(Arc::as_ptr(rel)) {
        return;
    }
    for input in &rel.inputs {
        post_order(input, seen, order);
    }
    order.push(rel.clone());
}

/// A rebuilt node.
struct Built {
    rel: Arc<Rel>,
    /// For each field of the old node, its new place.
    places: Vec<Option<usize>>,
}

impl Built {
    fn place(&self, field: usize) -> usize {
        self.places[field].expect("a field that is read is kept")
    }

    fn all(&self, fields: &[usize]) -> Vec<usize> {
        fields.iter().map(|&field| self.place(field)).collect()
    }

    fn order(&self, order: &[SortKey]) -> Vec<SortKey> {
        order.iter().map(|key| SortKey { field: self.place(key.field), ..*key }).collect()
    }

    fn call(&self, call: &AggregateCall) -> AggregateCall {
        AggregateCall {
            args: self.all(&call.args),
            filter: call.filter.map(|filter| self.place(filter)),
            ..call.clone()
        }
    }
}

/// Rebuilds a node over its rebuilt inputs.
fn build(rel: &Arc<Rel>, wanted: &BTreeSet<usize>, inputs: &[&Built]) -> Built {
    let same = |rel: Arc<Rel>| {
        let places = (0..rel.fields.len()).map(Some).collect();
        Built { rel, places }
    };
    // Returns the places of fields passed on from the first input, then of fields that the node adds.
    let behind = |new: &Rel| {
        let width = rel.inputs[0].fields.len();
        let added = rel.fields.len() - width;
        let now = new.fields.len() - added;
        let mut places = inputs[0].places.clone();
        places.extend((0..added).map(|at| Some(now + at)));
        places
    };

    match &rel.kind {
        RelKind::Scan { .. } => same(rel.clone()),
        RelKind::Calc(calc) => {
            let kept: Vec<usize> = wanted.iter().copied().collect();
            let columns = kept.iter().map(|&field| calc.columns[field]);
            let ids: Vec<ExprId> = calc.conditions.iter().copied().chain(columns).collect();
            let (exprs, ids) =
                moved(&calc.exprs, &ids, inputs[0].rel.scope(), |field| inputs[0].place(field));
            let (conditions, columns) = ids.split_at(calc.conditions.len());
            let calc = CalcRel { exprs, conditions: conditions.to_vec(), columns: columns.to_vec() };
            let new = rel.with_fields(RelKind::Calc(calc), vec![inputs[0].rel.clone()], &kept);
            Built { rel: new, places: places_of(rel, &kept) }
        }

        RelKind::Aggregate(aggregate) => {
            let of_keys = aggregate.keys.len();
            let is_kept = |field: usize| {
                field < of_keys || field >= of_keys + aggregate.calls.len() || wanted.contains(&field)
            };
            let kept: Vec<usize> = (0..rel.fields.len()).filter(|&field| is_kept(field)).collect();
            let calls = aggregate.calls.iter().enumerate().filter(|(at, _)| is_kept(of_keys + at));
            let new = AggregateRel {
                keys: inputs[0].all(&aggregate.keys),
                sets: aggregate.sets.clone(),
                calls: calls.map(|(_, call)| inputs[0].call(call)).collect(),
                window: aggregate
                    .window
                    .map(|window| crate::rel::GroupWindow { time: inputs[0].place(window.time), ..window }),
                state_ttl: aggregate.state_ttl,
            };
            let new = rel.with_fields(RelKind::Aggregate(new), vec![inputs[0].rel.clone()], &kept);
            Built { rel: new, places: places_of(rel, &kept) }
        }

        RelKind::Window(window) => {
            let window = WindowRel {
                shape: window.shape,
                time: inputs[0].place(window.time),
                partition: inputs[0].all(&window.partition),
            };
            let new = Rel::window(inputs[0].rel.clone(), window, rel.span);
            let places = behind(&new);
            Built { rel: new, places }
        }

        RelKind::Join(join) => {
            let (exprs, conditions, null_aware) = {
                let roots: Vec<ExprId> = join.conditions.iter().chain(&join.null_aware).copied().collect();
                let (exprs, roots) = both(&join.exprs, &roots, rel, inputs);
                let (conditions, rest) = roots.split_at(join.conditions.len());
                (exprs, conditions.to_vec(), rest.first().copied())
            };
            let new = JoinRel { kind: join.kind, exprs, conditions, null_aware, state_ttl: join.state_ttl };
            let new = Rel::join(inputs[0].rel.clone(), inputs[1].rel.clone(), new, rel.span);
            let places = match join.kind {
                JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => behind(&new),
                _ => side_by_side(inputs),
            };
            Built { rel: new, places }
        }

        RelKind::Temporal(join) => {
            let (exprs, conditions) = both(&join.exprs, &join.conditions, rel, inputs);
            let (kind, hint) = (join.kind, join.hint);
            let new = TemporalRel { kind, time: inputs[0].place(join.time), exprs, conditions, hint };
            let new = Rel::temporal(inputs[0].rel.clone(), inputs[1].rel.clone(), new, rel.span);
            Built { rel: new, places: side_by_side(inputs) }
        }

        RelKind::Union => {
            // Inputs may keep different fields and more than is wanted, so they are projected to the same
            // fields.
            let kept: Vec<usize> = wanted.iter().copied().collect();
            let aligned = inputs.iter().map(|input| {
                let mut exprs = ExprGraph::new(input.rel.scope());
                let columns: Vec<(String, ExprId)> = kept
                    .iter()
                    .map(|&field| {
                        let place = input.place(field);
                        let of_input = &input.rel.fields[place];
                        let id = exprs.add(Expr::Column(place), of_input.column_type.clone());
                        (of_input.name.clone(), id)
                    })
                    .collect();
                let is_same = input.rel.fields.len() == kept.len()
                    && kept.iter().enumerate().all(|(at, &field)| input.place(field) == at);
                match is_same {
                    true => input.rel.clone(),
                    false => Rel::calc(input.rel.clone(), exprs, vec![], columns, rel.span),
                }
            });
            let new = Rel::union(aligned.collect(), rel.span);
            Built { rel: new, places: places_of(rel, &kept) }
        }

        RelKind::SetOperation { .. } => {
            same(rel.over_inputs(inputs.iter().map(|input| input.rel.clone()).collect()))
        }

        RelKind::Over(over) => {
            let over = OverRel {
                partition: inputs[0].all(&over.partition),
                order: inputs[0].order(&over.order),
                frame: over.frame,
                calls: over.calls.iter().map(|call| inputs[0].call(call)).collect(),
            };
            let new = Rel::over(inputs[0].rel.clone(), over, rel.span);
            let places = behind(&new);
            Built { rel: new, places }
        }

        RelKind::Sort(sort) => {
            let sort = SortRel { order: inputs[0].order(&sort.order), ..sort.clone() };
            let new = Rel::sort(inputs[0].rel.clone(), sort, rel.span);
            Built { rel: new, places: inputs[0].places.clone() }
        }

        RelKind::Rank(rank) => {
            let rank = RankRel {
                partition: inputs[0].all(&rank.partition),
                order: inputs[0].order(&rank.order),
                to: match rank.to {
                    crate::plan::operator::RankEnd::Field(field) => {
                        crate::plan::operator::RankEnd::Field(inputs[0].place(field))
                    }
                    constant => constant,
                },
                ..rank.clone()
            };
            let new = Rel::rank(inputs[0].rel.clone(), rank, rel.span);
            let places = behind(&new);
            Built { rel: new, places }
        }

        RelKind::Unnest(unnest) => {
            let width = rel.inputs[0].fields.len();
            let elements: Vec<_> = rel.fields[width..]
                .iter()
                .map(|field| (field.name.clone(), field.column_type.clone()))
                .collect();
            let collection = inputs[0].place(unnest.collection);
            let empty =
                UnnestRel { collection, exprs: ExprGraph::default(), conditions: vec![], ..unnest.clone() };
            let plain = Rel::unnest(inputs[0].rel.clone(), empty.clone(), elements.clone(), rel.span);
            let places = behind(&plain);
            let (exprs, conditions) = moved(&unnest.exprs, &unnest.conditions, plain.scope(), |field| {
                places[field].expect("a field that is read is kept")
            });
            let unnest = UnnestRel { exprs, conditions, ..empty };
            let new = Rel::unnest(inputs[0].rel.clone(), unnest, elements, rel.span);
            Built { rel: new, places }
        }

        RelKind::FromChangelog(changelog) => {
            let changelog = FromChangelog { op: inputs[0].place(changelog.op), ..changelog.clone() };
            let new = Rel::from_changelog(inputs[0].rel.clone(), changelog, rel.span);
            Built { rel: new, places: inputs[0].places.clone() }
        }

        RelKind::ToChangelog(changelog) => {
            let name = &rel.fields[rel.fields.len() - 1].name;
            let new = Rel::to_changelog(inputs[0].rel.clone(), changelog.clone(), name, rel.span);
            let places = behind(&new);
            Built { rel: new, places }
        }

        RelKind::Match(matching) => {
            let of_keys = matching.partition.len();
            let is_kept = |field: usize| field < of_keys || wanted.contains(&field);
            let kept: Vec<usize> = (0..rel.fields.len()).filter(|&field| is_kept(field)).collect();
            let moved = |expr: &PatternExpr| expr.moved(|field| inputs[0].place(field));
            let measures = kept.iter().filter_map(|field| field.checked_sub(of_keys));
            let new = MatchRel {
                partition: inputs[0].all(&matching.partition),
                order: inputs[0].order(&matching.order),
                defines: matching.defines.iter().map(|define| define.as_ref().map(moved)).collect(),
                measures: measures.map(|place| moved(&matching.measures[place])).collect(),
                pattern: matching.pattern.clone(),
                skip: matching.skip,
                within: matching.within,
            };
            let new = rel.with_fields(RelKind::Match(Box::new(new)), vec![inputs[0].rel.clone()], &kept);
            Built { rel: new, places: places_of(rel, &kept) }
        }
    }
}

/// Moves conditions over both sides of a join to the rebuilt sides.
fn both(exprs: &ExprGraph, ids: &[ExprId], rel: &Rel, inputs: &[&Built]) -> (ExprGraph, Vec<ExprId>) {
    let width = rel.inputs[0].fields.len();
    let now = inputs[0].rel.fields.len();
    let mut scope = inputs[0].rel.scope();
    scope.extend(inputs[1].rel.scope());
    moved(exprs, ids, scope, |field| match field.checked_sub(width) {
        None => inputs[0].place(field),
        Some(field) => now + inputs[1].place(field),
    })
}

fn side_by_side(inputs: &[&Built]) -> Vec<Option<usize>> {
    let width = inputs[0].rel.fields.len();
    let right = inputs[1].places.iter().map(|place| place.map(|place| width + place));
    inputs[0].places.iter().copied().chain(right).collect()
}

fn places_of(rel: &Rel, kept: &[usize]) -> Vec<Option<usize>> {
    let mut places = vec![None; rel.fields.len()];
    kept.iter().enumerate().for_each(|(place, &field)| places[field] = Some(place));
    places
}
