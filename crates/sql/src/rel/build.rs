//! Constructors of nodes: each determines the node's fields and which of them are time attributes.

use std::sync::Arc;

use types::{ColumnType, DataType};

use super::{
    AggregateRel, CalcRel, JoinRel, MatchRel, OverRel, RankRel, Rel, RelField, RelKind, SortRel, TemporalRel,
    TimeAttribute, ToChangelogRel, UnnestRel, WindowBound, WindowKind, WindowRel, WindowShape,
};
use crate::error::Span;
use crate::expr::{Expr, ExprGraph, ExprId};
use crate::plan::operator::{FromChangelog, JoinKind, WindowProperty};

impl Rel {
    fn new(kind: RelKind, inputs: Vec<Arc<Rel>>, fields: Vec<RelField>, span: Span) -> Arc<Rel> {
        let depth = inputs.iter().map(|input| input.depth).max().unwrap_or(0) + 1;
        Arc::new(Rel { kind, inputs, fields, depth, span })
    }

    /// Creates a scan. Its fields are the table's leaves, none of which is a time attribute yet.
    pub(crate) fn scan(table: usize, leaves: Vec<(String, ColumnType)>, span: Span) -> Arc<Rel> {
        let field = |(name, column_type): (String, ColumnType)| plain(&name, column_type);
        Rel::new(RelKind::Scan { table }, vec![], leaves.into_iter().map(field).collect(), span)
    }

    /// Creates a node that filters and projects. A time attribute remains one if it is passed on unchanged.
    pub(crate) fn calc(
        input: Arc<Rel>,
        exprs: ExprGraph,
        conditions: Vec<ExprId>,
        columns: Vec<(String, ExprId)>,
        span: Span,
    ) -> Arc<Rel> {
        let field = |(name, id): &(String, ExprId)| RelField {
            name: name.clone(),
            column_type: exprs.column_type(*id).clone(),
            time: time_of(&exprs, *id, &input.fields),
            window: match exprs.expr(*id) {
                Expr::Column(input_field) => input.fields[*input_field].window,
                _ => None,
            },
        };
        let fields = columns.iter().map(field).collect();
        let columns = columns.into_iter().map(|(_, id)| id).collect();
        Rel::new(RelKind::Calc(CalcRel { exprs, conditions, columns }), vec![input], fields, span)
    }

    /// Marks a field of a scan's Calc as the event time.
    pub(crate) fn with_event_time(self: Arc<Rel>, field: usize) -> Arc<Rel> {
        let mut fields = self.fields.clone();
        fields[field].time = Some(TimeAttribute::Event);
        match &self.kind {
            RelKind::Calc(calc) => {
                Rel::new(RelKind::Calc(calc.clone()), self.inputs.clone(), fields, self.span)
            }
            _ => self,
        }
    }

    /// Creates an aggregate. Its fields are the keys, the results, and the bounds of a group window.
    pub(crate) fn aggregate(input: Arc<Rel>, aggregate: AggregateRel, span: Span) -> Arc<Rel> {
        let has_sets = aggregate.sets.is_some();
        // Groups by a window's bounds are in that window; other groups are in none.
        let in_window = input.window_bounds(&aggregate.keys).is_some();
        let key = |&key: &usize| {
            let field = &input.fields[key];
            let column_type = match has_sets {
                true => field.column_type.data_type.clone().nullable(),
                false => field.column_type.clone(),
            };
            let time = field.time.filter(|_| in_window && field.window.is_some());
            let window = field.window.filter(|_| in_window);
            RelField { name: field.name.clone(), column_type, time, window }
        };
        let mut fields: Vec<RelField> = aggregate.keys.iter().map(key).collect();
        fields.extend(aggregate.calls.iter().map(|call| plain(&call.name, call.column_type.clone())));

        if has_sets {
            fields.push(plain("$set", DataType::BigInt.not_null()));
        }
        if let Some(window) = &aggregate.window {
            let time = &input.fields[window.time];
            fields.extend(window_fields(time, window.shape));
        }
        Rel::new(RelKind::Aggregate(aggregate), vec![input], fields, span)
    }

    pub(crate) fn window(input: Arc<Rel>, window: WindowRel, span: Span) -> Arc<Rel> {
        let mut fields = input.fields.clone();
        let added = window_fields(&input.fields[window.time], window.shape);
        fields.extend(added);
        Rel::new(RelKind::Window(window), vec![input], fields, span)
    }

    pub(crate) fn join(left: Arc<Rel>, right: Arc<Rel>, join: JoinRel, span: Span) -> Arc<Rel> {
        let (left_null, right_null) = match join.kind {
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => (false, false),
            JoinKind::Left => (false, true),
            JoinKind::Right => (true, false),
            JoinKind::Full => (true, true),
        };

        let window_join = super::times::window_join(&left, &right, &join);
        let keeps_time = window_join.is_some() || super::times::interval(&left, &right, &join).is_some();
        let side = |rel: &Arc<Rel>, padded: bool| {
            let fields = rel.fields.clone().into_iter();
            let is_windowed = window_join.is_some();
            fields
                .map(|mut field| {
                    field.column_type.nullable |= padded;
                    // A regular join emits rows at any time, so their times are no longer time attributes.
                    field.time = field.time.filter(|_| keeps_time);
                    field.window = field.window.filter(|_| is_windowed && !padded);
                    field
                })
                .collect::<Vec<_>>()
        };

        let mut fields = side(&left, left_null);
        match join.kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Mark => fields.push(plain("$matched", DataType::Boolean.not_null())),
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                fields.extend(side(&right, right_null));
            }
        }
        Rel::new(RelKind::Join(join), vec![left, right], fields, span)
    }

    pub(crate) fn temporal(left: Arc<Rel>, right: Arc<Rel>, join: TemporalRel, span: Span) -> Arc<Rel> {
        let mut fields = left.fields.clone();
        fields.extend(right.fields.iter().cloned().map(|mut field| {
            field.column_type.nullable |= join.kind == JoinKind::Left;
            field.time = None;
            field.window = None;
            field
        }));
        Rel::new(RelKind::Temporal(join), vec![left, right], fields, span)
    }

    /// Creates a union of inputs with the same types. A field is a time attribute if it is one in all inputs.
    pub(crate) fn union(inputs: Vec<Arc<Rel>>, span: Span) -> Arc<Rel> {
        let mut fields = inputs[0].fields.clone();
        for other in &inputs[1..] {
            for (field, of_other) in fields.iter_mut().zip(&other.fields) {
                field.column_type.nullable |= of_other.column_type.nullable;
                field.time = field.time.filter(|_| field.time == of_other.time);
                field.window = field.window.filter(|_| field.window == of_other.window);
            }
        }
        Rel::new(RelKind::Union, inputs, fields, span)
    }

    pub(crate) fn set_operation(
        left: Arc<Rel>,
        right: Arc<Rel>,
        operator: crate::plan::operator::SetOperator,
        all: bool,
        span: Span,
    ) -> Arc<Rel> {
        let fields = left.fields.iter().zip(&right.fields).map(|(field, other)| {
            let nullable = field.column_type.nullable || other.column_type.nullable;
            plain(&field.name, ColumnType { nullable, ..field.column_type.clone() })
        });
        let fields = fields.collect();
        Rel::new(RelKind::SetOperation { operator, all }, vec![left, right], fields, span)
    }

    pub(crate) fn over(input: Arc<Rel>, over: OverRel, span: Span) -> Arc<Rel> {
        let mut fields = input.fields.clone();
        fields.extend(over.calls.iter().map(|call| plain(&call.name, call.column_type.clone())));
        Rel::new(RelKind::Over(over), vec![input], fields, span)
    }

    pub(crate) fn sort(input: Arc<Rel>, sort: SortRel, span: Span) -> Arc<Rel> {
        let mut fields = input.fields.clone();
        if sort.limit.is_some() {
            fields.iter_mut().for_each(|field| field.time = None);
        }
        Rel::new(RelKind::Sort(sort), vec![input], fields, span)
    }

    pub(crate) fn rank(input: Arc<Rel>, rank: RankRel, span: Span) -> Arc<Rel> {
        let mut fields = input.fields.clone();
        if rank.with_number {
            fields.push(plain("$rank", DataType::BigInt.not_null()));
        }
        Rel::new(RelKind::Rank(rank), vec![input], fields, span)
    }

    /// Creates an UNNEST; `elements` holds the fields of an element.
    pub(crate) fn unnest(
        input: Arc<Rel>,
        unnest: UnnestRel,
        elements: Vec<(String, ColumnType)>,
        span: Span,
    ) -> Arc<Rel> {
        let mut fields = input.fields.clone();
        fields.extend(elements.into_iter().map(|(name, mut column_type)| {
            column_type.nullable |= unnest.outer;
            plain(&name, column_type)
        }));
        Rel::new(RelKind::Unnest(unnest), vec![input], fields, span)
    }

    pub(crate) fn from_changelog(input: Arc<Rel>, changelog: FromChangelog, span: Span) -> Arc<Rel> {
        let fields = outside_windows(&input);
        Rel::new(RelKind::FromChangelog(changelog), vec![input], fields, span)
    }

    /// Creates a TO_CHANGELOG; `name` is the field of the codes.
    pub(crate) fn to_changelog(
        input: Arc<Rel>,
        changelog: ToChangelogRel,
        name: &str,
        span: Span,
    ) -> Arc<Rel> {
        let mut fields = outside_windows(&input);
        fields.push(plain(name, DataType::STRING.nullable()));
        Rel::new(RelKind::ToChangelog(changelog), vec![input], fields, span)
    }

    /// Creates a match. Its fields are the partition's fields and the named measures.
    pub(crate) fn matching(
        input: Arc<Rel>,
        matching: MatchRel,
        measures: Vec<(String, Option<TimeAttribute>)>,
        span: Span,
    ) -> Arc<Rel> {
        let key = |&field: &usize| {
            let field = &input.fields[field];
            plain(&field.name, field.column_type.clone())
        };
        let mut fields: Vec<RelField> = matching.partition.iter().map(key).collect();
        fields.extend(measures.into_iter().zip(&matching.measures).map(|((name, time), expr)| RelField {
            time,
            ..plain(&name, expr.exprs.column_type(expr.root).clone())
        }));
        Rel::new(RelKind::Match(Box::new(matching)), vec![input], fields, span)
    }

    /// Returns a node with the same fields that another Calc computes from other inputs.
    pub(crate) fn with_calc(&self, calc: CalcRel, inputs: Vec<Arc<Rel>>) -> Arc<Rel> {
        Rel::new(RelKind::Calc(calc), inputs, self.fields.clone(), self.span)
    }

    /// Returns a node with some of the fields, computed by another kind of node.
    pub(crate) fn with_fields(&self, kind: RelKind, inputs: Vec<Arc<Rel>>, kept: &[usize]) -> Arc<Rel> {
        let fields = kept.iter().map(|&field| self.fields[field].clone()).collect();
        Rel::new(kind, inputs, fields, self.span)
    }

    /// Returns the same node over other inputs with the same fields.
    pub(crate) fn over_inputs(&self, inputs: Vec<Arc<Rel>>) -> Arc<Rel> {
        Rel::new(self.kind.clone(), inputs, self.fields.clone(), self.span)
    }
}

/// Returns the time attribute of an expression: a column passed on, or `PROCTIME()`.
fn time_of(exprs: &ExprGraph, id: ExprId, fields: &[RelField]) -> Option<TimeAttribute> {
    match exprs.expr(id) {
        Expr::Column(input) => fields[*input].time,
        Expr::Call { function, .. } if function.name == "PROCTIME" => Some(TimeAttribute::Processing),
        _ => None,
    }
}

/// Returns the fields without window bounds, for nodes such as changelogs whose rows are in no window. Event
/// times remain.
fn outside_windows(input: &Rel) -> Vec<RelField> {
    input.fields.iter().map(|field| RelField { window: None, ..field.clone() }).collect()
}

fn plain(name: &str, column_type: ColumnType) -> RelField {
    RelField { name: name.to_owned(), column_type, time: None, window: None }
}

/// Returns `window_start`, `window_end` and `window_time`; the last has the type of the time.
fn window_fields(time: &RelField, shape: WindowShape) -> [RelField; 3] {
    let bound = DataType::Timestamp(3).not_null();
    let data_type = match &time.column_type.data_type {
        DataType::TimestampLtz(_) => DataType::TimestampLtz(3),
        _ => DataType::Timestamp(3),
    };

    let of = WindowKind {
        shape,
        is_instant: matches!(data_type, DataType::TimestampLtz(_)),
        is_processing: time.time == Some(TimeAttribute::Processing),
    };

    let field = |name: &str, column_type: ColumnType, which| RelField {
        window: Some(WindowBound { which, of }),
        ..plain(name, column_type)
    };

    let end = field("window_time", data_type.not_null(), WindowProperty::Time);
    [
        field("window_start", bound.clone(), WindowProperty::Start),
        field("window_end", bound, WindowProperty::End),
        RelField { time: time.time, ..end },
    ]
}

impl WindowShape {
    /// Returns the name of the window function.
    pub(crate) fn name(self) -> &'static str {
        match self {
            WindowShape::Sliced(window) => crate::bind::window_name(window),
            WindowShape::Session { .. } => "SESSION",
        }
    }
}
