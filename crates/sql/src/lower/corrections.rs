//! Corrections of windows by late rows (`weir.allowed-lateness`) whose results operators read.
//!
//! A sink table takes a correction as a row that replaces the previous one. An operator must know the
//! replaced row, so corrections are upserts by group and window, and are normalized first:
//!
//! ```text
//! scan with windows ──► ChangelogNormalize[keys, window] ──► Calc[HAVING, columns] ──► …
//!                       +I, then -U and +U for each correction
//! ```
//!
//! Conditions on results are evaluated after that, so a group that no longer meets them is retracted.

use types::{DataType, Interval};

use super::fuse::{Fused, FusedGroup, FusedStage};
use super::{Draft, Failed, Lowering, Producer, ProducerKind};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprId};
use crate::plan::Settings;
use crate::plan::operator::{Changes, Closes, Field, Operator, OperatorKind, Windowing};
use crate::rel::{CalcRel, Rel};

impl Lowering<'_> {
    /// Returns the producer of a scan's window results and their corrections. `columns` are over the groups.
    pub(super) fn corrected(
        &mut self,
        (table, filters): (usize, Vec<ExprId>),
        mut group: Box<FusedGroup>,
        columns: Vec<ExprId>,
        rel: &Rel,
    ) -> Result<Producer, Failed> {
        let exprs = group.output.clone();
        let having = std::mem::take(&mut group.having);
        let all: Vec<ExprId> = exprs
            .inputs
            .iter()
            .enumerate()
            .map(|(place, input)| group.output.add(Expr::Column(place), input.column_type.clone()))
            .collect();

        // The fields are the keys, the results, and the window's start, end and time.
        let fields: Vec<Field> = exprs
            .inputs
            .iter()
            .map(|input| Field { name: input.name.clone(), column_type: input.column_type.clone() })
            .collect();
        let end = fields.len() - 2;
        let key: Vec<usize> = (0..group.keys.len()).chain([end - 1, end]).collect();
        let is_instant = matches!(fields[end + 1].column_type.data_type, DataType::TimestampLtz(_));
        let closes = Closes { end, is_instant, after: self.settings.allowed_lateness };

        self.parts += 1;
        let name = format!("{}/{}", self.statement, self.parts);
        let fused = Fused { table, filters, stage: FusedStage::Grouped(group), columns: all };
        let meaning = self.sources.meaning(&fused);
        let drafts = self.drafts.entry(table).or_default();
        drafts.push(Draft { name, meaning, fused, targets: vec![], span: rel.span });
        let kind = ProducerKind::Query { table, query: drafts.len() - 1 };
        let changes = Changes::Upsert(key.clone());
        let values = self.values.own(fields.len());
        let producer = Producer::new(kind, fields, changes, Some(key.clone()), values);

        let normalized = self.normalized(producer, key, Some(closes), rel.span)?;
        let calc = CalcRel { exprs, conditions: having, columns };
        Ok(self.calc(normalized, &calc, rel))
    }
}

/// Returns notices for correction and early-result settings that have no effect: windows computed by
/// operators emit once.
pub(super) fn without_effect(operators: &[Operator], settings: &Settings) -> Vec<Diagnostic> {
    let names: Vec<&str> = [
        ("weir.allowed-lateness", settings.allowed_lateness > Interval::ZERO),
        ("weir.early-fire", settings.early_fire.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_set)| is_set.then_some(name))
    .collect();
    if names.is_empty() {
        return vec![];
    }

    let has_windows = |operator: &&Operator| match &operator.kind {
        OperatorKind::WindowAssign(_) => true,
        OperatorKind::WindowAggregate(of) => !matches!(of.windowing, Windowing::Attached { .. }),
        _ => false,
    };
    let notice = |operator: &Operator| {
        Diagnostic::notice(operator.span, format!("{} has no effect on this window", names.join(" and ")))
            .with_detail("an operator computes it and emits its rows once, when the window closes")
    };
    operators.iter().filter(has_windows).map(notice).collect()
}
