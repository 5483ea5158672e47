//! Lookup joins: chooses the columns by which a table is looked up, and the conditions checked afterwards.
//!
//! An equality between a column of the table and a literal or an expression over the left row is a part of
//! the key. All other conditions are checked on the rows that were found.
//!
//! ```text
//! ON o.customer = c.id AND c.kind = 'b' AND o.total > c.least
//!    └──── key ──────┘     └── key ───┘     └─ condition ──┘
//! ```

use std::sync::Arc;

use super::operators::spread;
use super::{Failed, Lowering, Producer, fields_of};
use crate::catalog::Table;
use crate::dialect;
use crate::error::Diagnostic;
use crate::expr::{Comparison, Expr, ExprGraph, ExprId, InputColumn};
use crate::plan::operator::{Changes, Distribution, Field, LookupHint, LookupJoin, LookupKey, OperatorKind};
use crate::plan::{Leaf, SourceTable};
use crate::rel::rebase::{inputs_of, moved};
use crate::rel::{Rel, TemporalRel, TimeAttribute};

/// A leaf of the table, and the expression over the left fields that it must equal.
struct LeafEquality {
    leaf: usize,
    value: ExprId,
}

impl Lowering<'_> {
    pub(super) fn lookup(&mut self, rel: &Arc<Rel>, join: &TemporalRel) -> Result<Producer, Failed> {
        let (left, right) = (&rel.inputs[0], &rel.inputs[1]);
        let (table, leaves) = self.looked_up(rel, right)?;
        let widths = [left.fields.len(), right.fields.len()];
        let mut equalities = vec![];
        let mut rest = vec![];
        for &condition in &join.conditions {
            match leaf_equality(&join.exprs, condition, widths[0]) {
                Some(found) => equalities.push(found),
                None => rest.push(condition),
            }
        }
        if equalities.is_empty() {
            let message =
                format!("a lookup join requires an equality condition on a column of `{}`", table.name);
            let error = Diagnostic::error(rel.span, message)
                .with_hint("compare one of its columns in ON: ON a.id = b.id");
            return Err(self.fail(error));
        }

        let of_left = self.produce(left)?;
        let (of_left, keys) = self.keys_of(of_left, &join.exprs, &equalities, rel);
        let wide = of_left.fields.len();
        let mut fields = of_left.fields.clone();
        let added: Vec<Field> = fields_of(rel)[widths[0]..].to_vec();
        fields.extend(added.iter().cloned());

        // The other conditions are over the current left fields, followed by the table's.
        let scope = fields
            .iter()
            .map(|field| InputColumn { name: field.name.clone(), column_type: field.column_type.clone() });
        let (exprs, rest) = moved(&join.exprs, &rest, scope.collect(), |field| {
            if field < widths[0] { field } else { wide + field - widths[0] }
        });
        let condition = self.predicate(&exprs, &rest);

        let kept_by = kept_by(&of_left, left);
        let distribution = kept_by.as_deref().map_or(Distribution::Forward, spread);
        let is_unique = is_unique(&table, &leaves, &equalities);
        let key = of_left.key.clone().filter(|_| is_unique);
        let changes = if kept_by.is_some() { Changes::Retract } else { Changes::Append };

        let source = SourceTable {
            name: table.name.clone(),
            columns: table.stored.clone(),
            leaves,
            changes: Changes::Append,
            options: table.options.clone(),
            rows: None,
            span: table.span,
        };
        let kind = OperatorKind::LookupJoin(LookupJoin {
            kind: join.kind,
            table: Arc::new(source),
            keys,
            condition,
            fields: added,
            kept_by,
            hint: LookupHint {
                capacity: join.hint.capacity.or(self.settings.lookup_capacity),
                timeout: join.hint.timeout.or(self.settings.lookup_timeout),
                ..join.hint
            },
        });
        let name = format!("{:?}LookupJoin[{}]", join.kind, table.name);
        let producer =
            self.add(kind, vec![(of_left, distribution)], (fields, changes, key), (name, rel.span));
        if wide == widths[0] {
            return Ok(producer);
        }
        let places: Vec<usize> = (0..widths[0]).chain((0..widths[1]).map(|field| wide + field)).collect();
        Ok(self.arranged(producer, &places, None, rel.span))
    }

    /// Returns the table on the right side, and the leaf for each of its fields.
    fn looked_up(&mut self, rel: &Rel, right: &Arc<Rel>) -> Result<(Table, Vec<Leaf>), Failed> {
        let fused = self.sources.fuse(right).filter(|fused| fused.filters.is_empty());
        let Some(fused) = fused else {
            let error = Diagnostic::error(rel.span, "a lookup can only read a table, not a query");
            return Err(self.fail(error.with_hint("put the conditions into ON or WHERE")));
        };
        let table = self.catalog.tables[fused.table].clone();
        if !dialect::is_lookup(&table.options) {
            let error = Diagnostic::error(rel.span, format!("`{}` cannot be looked up", table.name)).with_hint(
                "rows are looked up in tables of 'redis', 'filesystem' and 'jdbc'; to join a stream by event time, \
                 write FOR SYSTEM_TIME AS OF the left side's event time",
            );
            return Err(self.fail(error));
        }

        let graph = self.sources.graph(fused.table).exprs.clone();
        let leaf = |id: &ExprId| match graph.expr(*id) {
            Expr::Column(leaf) => table.leaves.get(*leaf).filter(|leaf| leaf.metadata.is_none()).cloned(),
            _ => None,
        };
        let leaves: Option<Vec<Leaf>> = fused.columns.iter().map(leaf).collect();
        match leaves {
            Some(leaves) => Ok((table, leaves)),
            None => {
                let error =
                    Diagnostic::error(rel.span, "a table that is looked up can only have physical columns")
                        .with_hint("compute from them in the SELECT");
                Err(self.fail(error))
            }
        }
    }

    /// Returns the lookup keys as fields of the left rows; values that are no fields yet are computed by a
    /// Calc below.
    fn keys_of(
        &mut self,
        left: Producer,
        exprs: &ExprGraph,
        equalities: &[LeafEquality],
        rel: &Rel,
    ) -> (Producer, Vec<(usize, LookupKey)>) {
        let width = left.fields.len();
        let mut computed: Vec<ExprId> = vec![];
        let mut key = |value: ExprId| match exprs.expr(value) {
            Expr::Column(field) => LookupKey::Field(*field),
            Expr::Literal(value) => LookupKey::Literal(value.clone()),
            _ => {
                computed.push(value);
                LookupKey::Field(width + computed.len() - 1)
            }
        };
        let keys = equalities.iter().map(|equality| (equality.leaf, key(equality.value))).collect();
        if computed.is_empty() {
            return (left, keys);
        }
        let places: Vec<usize> = (0..width).collect();
        (self.arranged(left, &places, Some((exprs, &computed)), rel.span), keys)
    }
}

/// Returns the fields by which a retracted left row is found again: its key, or all fields except processing
/// times, which differ in its `-U`. Returns `None` if left rows are never retracted.
fn kept_by(left: &Producer, rel: &Rel) -> Option<Vec<usize>> {
    if left.changes.is_append() {
        return None;
    }
    let is_stable = |field: &usize| {
        rel.fields.get(*field).is_none_or(|field| field.time != Some(TimeAttribute::Processing))
    };
    Some(left.plain_key.clone().unwrap_or_else(|| (0..left.fields.len()).filter(is_stable).collect()))
}

/// Returns whether a left row has at most one match.
fn is_unique(table: &Table, leaves: &[Leaf], equalities: &[LeafEquality]) -> bool {
    let is_compared = |name: &String| {
        equalities.iter().any(|equality| leaves[equality.leaf].path.as_slice() == std::slice::from_ref(name))
    };
    let has_key = !table.primary_key.is_empty() && table.primary_key.iter().all(is_compared);
    has_key || dialect::has_one_row_a_key(&table.options)
}

/// Recognises a condition that a leaf of the table equals a literal or a value of the left row.
fn leaf_equality(exprs: &ExprGraph, condition: ExprId, width: usize) -> Option<LeafEquality> {
    let Expr::Compare(Comparison::Equal, a, b) = exprs.expr(condition) else { return None };
    let of = |leaf: ExprId, value: ExprId| {
        let Expr::Column(field) = exprs.expr(leaf) else { return None };
        let leaf = field.checked_sub(width)?;
        let is_left = inputs_of(exprs, &[value]).iter().all(|&input| input < width);
        is_left.then_some(LeafEquality { leaf, value })
    };
    of(*a, *b).or_else(|| of(*b, *a))
}

/// Returns a text that identifies the state of a lookup join: what is joined and kept, but not how the table
/// is queried.
pub(super) fn meaning(join: &LookupJoin) -> String {
    let LookupJoin { kind, table, keys, condition, fields, kept_by, .. } = join;
    let name = &table.name;
    format!("LookupJoin {kind:?} {name} {:?} {keys:?} {condition:?} {fields:?} {kept_by:?}", table.leaves)
}
