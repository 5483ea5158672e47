//! Windows that late rows correct (`weir.allowed-lateness`), where operators take their results.
//!
//! A table is told of a correction by the row that replaces the one before. An operator must be told what it replaces, so
//! such rows are upserts by group and window, and are normalized before anything else:
//!
//! ```text
//! scan with windows ──► ChangelogNormalize[keys, window] ──► Calc[HAVING, columns] ──► …
//!                       +I, then -U and +U for each correction
//! ```
//!
//! Conditions on results are tested behind, so that a group that fails them now is taken back.

use types::{DataType, Interval};

use super::fuse::{Fused, FusedGroup, FusedStage};
use super::{Draft, Failed, Lowering, Producer, ProducerKind};
use crate::error::Diagnostic;
use crate::expr::{Expr, ExprId};
use crate::plan::Settings;
use crate::plan::operator::{Changes, Closes, Field, Operator, OperatorKind, Windowing};
use crate::rel::{CalcRel, Rel};

impl Lowering<'_> {
    /// What gives the rows of a scan's windows, and their corrections. `columns` are over the groups.
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

        // Keys, results, then the window's start, end and time.
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
        let producer = Producer { kind, fields, changes, key: Some(key.clone()) };

        let normalized = self.normalized(producer, key, Some(closes), rel.span)?;
        let calc = CalcRel { exprs, conditions: having, columns };
        Ok(self.calc(normalized, &calc, rel))
    }
}

/// What settings of corrections and early results mean nothing to: windows that operators compute give their rows once.
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
            .with_detail("an operator computes it, and gives its rows once, when it closes")
    };
    operators.iter().filter(has_windows).map(notice).collect()
}
