//! Merging: combines a Calc over a Calc into one Calc.
//!
//! Views and subqueries stack Calcs. After merging, a filter on a ROW_NUMBER is directly above it, and a scan
//! can compute the whole. Shared nodes stay shared.

use std::collections::HashMap;
use std::sync::Arc;

use crate::expr::{ExprGraph, ExprId};
use crate::rel::rebase::Rebase;
use crate::rel::{CalcRel, Rel, RelKind};

/// Merges trees; a node that several trees share is merged once.
pub(super) struct Merge<'a> {
    /// Tables whose first Calc is not merged, because upserts are normalized directly above it.
    is_upsert: &'a dyn Fn(usize) -> bool,
    /// Maps each node to its merged form. The key is an address, so the node is kept alive in the value.
    done: HashMap<*const Rel, (Arc<Rel>, Arc<Rel>)>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(is_upsert: &'a dyn Fn(usize) -> bool) -> Merge<'a> {
        Merge { is_upsert, done: HashMap::new() }
    }

    /// Returns the tree with merged Calcs.
    pub(super) fn rel(&mut self, rel: &Arc<Rel>) -> Arc<Rel> {
        if let Some((_, done)) = self.done.get(&Arc::as_ptr(rel)) {
            return done.clone();
        }
        let inputs: Vec<Arc<Rel>> = rel.inputs.iter().map(|input| self.rel(input)).collect();
        let new = match (&rel.kind, inputs.first()) {
            (RelKind::Calc(upper), Some(input)) => match &input.kind {
                RelKind::Calc(_) if self.reads_upserts(input) => rel.over_inputs(inputs),
                RelKind::Calc(lower) => {
                    calc_over_calc(rel, upper, input, lower).unwrap_or_else(|| rel.over_inputs(inputs))
                }
                _ => rel.over_inputs(inputs),
            },
            (_, Some(_)) => rel.over_inputs(inputs),
            (_, None) => rel.clone(),
        };
        self.done.insert(Arc::as_ptr(rel), (rel.clone(), new.clone()));
        new
    }
}

impl Merge<'_> {
    /// Returns whether a Calc computes the columns of an upsert source.
    fn reads_upserts(&self, calc: &Rel) -> bool {
        matches!(calc.input().kind, RelKind::Scan { table } if (self.is_upsert)(table))
    }
}

/// Merges two Calcs, or returns `None` if the expressions would exceed the size limits.
fn calc_over_calc(rel: &Rel, upper: &CalcRel, input: &Rel, lower: &CalcRel) -> Option<Arc<Rel>> {
    let mut exprs: ExprGraph = lower.exprs.clone();
    let below: &[ExprId] = &lower.columns;
    let mut rebase = Rebase::new(&upper.exprs, &mut exprs, |_: &mut ExprGraph, place: usize| below[place]);
    let mut conditions = lower.conditions.clone();
    conditions.extend(rebase.all(&upper.conditions));
    let columns = rebase.all(&upper.columns);
    if exprs.is_too_large(conditions.iter().chain(&columns).copied()) {
        return None;
    }
    Some(rel.with_calc(CalcRel { exprs, conditions, columns }, input.inputs.clone()))
}
