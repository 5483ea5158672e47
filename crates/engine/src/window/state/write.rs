//! Writes the result rows of windows that have closed or changed.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sql::expr::ExprId;
use sql::functions::{Env, EvalError};
use sql::plan::{Pipeline, Query, Shape};
use types::{DataType, Repr, Scalar};

use super::WindowState;
use crate::aggregate::table::GroupTable;
use crate::column::Column;
use crate::connector::{ConnectorError, Rows, Stage};
use crate::evaluate::{Evaluator, Inputs, Vector};
use crate::layout::{Layout, QueryLayout, window_start};
use crate::operator::chain::OperatorError;
use crate::operator::changes::{Kinds, RowKind};
use crate::selection::Selection;
use crate::window::results::result_column;
use crate::window::unit::Report;

/// The number of rows of a window that are computed and written at once, so that a window of many groups
/// needs little extra memory.
const PIECE_ROWS: usize = 4_096;

/// Receives result rows.
pub trait WindowOutput {
    fn write(&mut self, rows: &Rows<'_>) -> Result<(), WindowError>;
}

/// The reason why results could not be computed or written.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("{0}")]
    Plan(String),
    #[error("a row of query `{query}` for the window from {start} to {end} could not be computed")]
    Evaluate {
        query: String,
        /// The window's bounds on the session's wall clock.
        start: DateTime,
        end: DateTime,
        source: EvalError,
    },
    #[error(transparent)]
    Sink(#[from] ConnectorError),
    #[error(transparent)]
    Operator(#[from] Box<OperatorError>),
}

/// The computation of a query's rows from its window's results.
struct QueryOutput {
    name: String,
    evaluator: Evaluator,
    having: Vec<ExprId>,
    columns: Vec<ExprId>,
    /// Results of the aggregate calls; buffers are reused.
    results: Vec<Column>,
    reprs: Vec<Repr>,
    instant: bool,
}

impl QueryOutput {
    fn of(query: &Query, time_zone: &TimeZone) -> Result<Option<QueryOutput>, WindowError> {
        let Shape::Aggregate(aggregate) = &query.shape else { return Ok(None) };
        let roots: Vec<ExprId> = aggregate.having.iter().chain(&aggregate.columns).copied().collect();
        let evaluator = Evaluator::new(&aggregate.output, &roots, time_zone).map_err(WindowError::Plan)?;

        let reprs = aggregate
            .aggregates
            .iter()
            .map(|call| {
                let none = || WindowError::Plan(format!("{} has no column type", call.name));
                call.column_type.data_type.repr().ok_or_else(none)
            })
            .collect::<Result<Vec<Repr>, WindowError>>()?;

        let instant = aggregate
            .output
            .inputs
            .last()
            .is_some_and(|input| matches!(input.column_type.data_type, DataType::TimestampLtz(_)));

        Ok(Some(QueryOutput {
            name: query.name.clone(),
            evaluator,
            having: aggregate.having.clone(),
            columns: aggregate.columns.clone(),
            results: reprs.iter().map(|&repr| Column::new(repr)).collect(),
            reprs,
            instant,
        }))
    }

    /// Returns the bytes held for distinct texts.
    fn memory_bytes(&self) -> usize {
        self.evaluator.memory_bytes()
    }

    /// Drops remembered values by code, because the dictionaries of key domains were compacted.
    fn forget(&mut self, keys: usize) {
        (0..keys).for_each(|key| self.evaluator.forget(key));
    }
}

/// Writes the rows of windows. Holds the expressions of each query over its aggregates, and their buffers.
pub(in crate::window) struct WindowWriter {
    /// One per query; `None` for queries without aggregates.
    outputs: Vec<Option<QueryOutput>>,
}

impl WindowWriter {
    pub(in crate::window) fn new(
        pipeline: &Pipeline,
        time_zone: &TimeZone,
    ) -> Result<WindowWriter, WindowError> {
        let outputs = pipeline.queries.iter().map(|query| QueryOutput::of(query, time_zone));
        Ok(WindowWriter { outputs: outputs.collect::<Result<_, WindowError>>()? })
    }

    /// Returns the bytes held for some queries.
    pub(in crate::window) fn memory_bytes(&self, queries: &[usize]) -> usize {
        let outputs = queries.iter().filter_map(|&query| self.outputs[query].as_ref());
        outputs.map(QueryOutput::memory_bytes).sum()
    }

    /// Drops what is remembered by code, because the dictionaries were compacted.
    pub(in crate::window) fn forget(&mut self, layout: &Layout) {
        for (query, output) in self.outputs.iter_mut().enumerate() {
            let unit = layout.units.iter().find(|unit| unit.queries.contains(&query));
            if let (Some(output), Some(unit)) = (output, unit) {
                output.forget(unit.keys.len());
            }
        }
    }

    /// Writes a window: all groups of a closing window, the changed ones of an open window.
    pub(in crate::window) fn window(
        &mut self,
        state: &mut WindowState,
        unit: usize,
        end: i64,
        stage: Stage,
        env: &Env,
        output: &mut dyn WindowOutput,
    ) -> Result<(), WindowError> {
        state.with_table(unit, end, |state, table| {
            let mut groups: Vec<u32> =
                table.groups().filter(|&group| table.marks[group as usize] != 0).collect();
            let mut revisions = Vec::new();

            if let Some(report) = state.report(unit, end, groups.len()) {
                match stage {
                    Stage::Early => groups.retain(|&group| {
                        report.note(table.key(group), table.rows[group as usize], false).is_some()
                    }),
                    Stage::Final => {
                        revisions.extend(
                            groups
                                .iter()
                                .map(|&group| report.close(table.key(group), table.rows[group as usize])),
                        );
                    }
                }
            }
            self.groups(state, unit, end, table, &groups, &revisions, stage, env, output)
        })
    }

    /// Writes the groups of a window that changed since it fired.
    pub(in crate::window) fn correction(
        &mut self,
        state: &mut WindowState,
        unit: usize,
        end: i64,
        env: &Env,
        output: &mut dyn WindowOutput,
    ) -> Result<(), WindowError> {
        state.with_table(unit, end, |state, table| {
            let mut revisions = Vec::new();
            let mut groups: Vec<u32> =
                table.groups().filter(|&group| table.marks[group as usize] != 0).collect();
            if let Some(report) = state.report(unit, end, groups.len()) {
                groups.retain(|&group| {
                    let revision = report.note(table.key(group), table.rows[group as usize], true);
                    revisions.extend(revision);
                    revision.is_some()
                });
            }
            self.groups(state, unit, end, table, &groups, &revisions, Stage::Final, env, output)
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one window's rows need all of it, and only here")]
    fn groups(
        &mut self,
        state: &WindowState,
        unit: usize,
        end: i64,
        table: &mut GroupTable,
        groups: &[u32],
        revisions: &[u32],
        stage: Stage,
        env: &Env,
        output: &mut dyn WindowOutput,
    ) -> Result<(), WindowError> {
        if groups.is_empty() {
            return Ok(());
        }
        let layout = &state.layout;
        let spec = &layout.units[unit];
        let start = window_start(spec.window, end);
        let key_codes = state.key_codes(unit, table, groups);

        let key_columns: Vec<Option<Column>> = spec
            .keys
            .iter()
            .zip(&key_codes)
            .map(|(&domain, codes)| match state.domains.list[domain].dictionary() {
                Some(_) => None,
                None => Some(state.domains.column(domain, codes)),
            })
            .collect();

        for &query in &spec.queries {
            let QueryLayout::Aggregate { results, .. } = &layout.queries[query] else { continue };
            let Some(query_output) = &mut self.outputs[query] else { continue };

            for (result, column) in results.iter().zip(&mut query_output.results) {
                result_column(result, &spec.table, table, groups, &state.domains, column);
            }

            let window_time =
                if query_output.instant { state.calendar.last_instant(end) } else { end.saturating_sub(1) };

            let mut inputs: Vec<Vector<'_>> = Vec::with_capacity(key_codes.len() + results.len() + 3);
            for ((&domain, codes), column) in spec.keys.iter().zip(&key_codes).zip(&key_columns) {
                inputs.push(match (column, state.domains.list[domain].dictionary()) {
                    (None, Some(dictionary)) => Vector::Coded { codes, dictionary },
                    (Some(column), _) => Vector::of(column),
                    (None, None) => unreachable!("a domain without a dictionary was made a column"),
                });
            }
            inputs.extend(query_output.results.iter().map(Vector::of));
            inputs.extend([start, end, window_time].map(|bound| Vector::Const(Scalar::Int(bound))));

            let evaluator = &mut query_output.evaluator;
            let mut first = 0;
            while first < groups.len() {
                let piece = first..groups.len().min(first + PIECE_ROWS);
                let inputs: Vec<Vector<'_>> = inputs.iter().map(|input| input.part(piece.clone())).collect();
                let inputs = Inputs::Vectors(&inputs);

                let failed = |source| WindowError::Evaluate {
                    query: query_output.name.clone(),
                    start: wall_clock(start),
                    end: wall_clock(end),
                    source,
                };
                evaluator.evaluate(inputs, piece.len(), None, env).map_err(failed)?;

                let mut kept: Vec<u32> = Vec::new();
                let rows = if query_output.having.is_empty() {
                    Selection::All(piece.len())
                } else {
                    kept.extend(0..piece.len() as u32);
                    for &condition in &query_output.having {
                        let vector = evaluator.column(inputs, condition);
                        kept.retain(|&row| vector.is_true(row as usize));
                    }
                    Selection::Selected(&kept)
                };

                first = piece.end;
                if rows.is_empty() {
                    continue;
                }

                let columns: Vec<Vector<'_>> =
                    query_output.columns.iter().map(|&column| evaluator.column(inputs, column)).collect();
                output.write(&Rows {
                    query,
                    columns: &columns,
                    rows,
                    kinds: Kinds::All(RowKind::Insert),
                    window: Some((start, end)),
                    stage,
                    revisions: revisions.get(piece).unwrap_or_default(),
                    records: None,
                })?;
            }

            drop(inputs);
            if groups.len() > PIECE_ROWS {
                // So much room is not worth keeping until it is needed again.
                let results = query_output.results.iter_mut().zip(&query_output.reprs);
                results.for_each(|(column, &repr)| *column = Column::new(repr));
            }
        }

        Ok(())
    }
}

impl WindowState {
    /// Calls `then` with the groups of a window: its only slice, or its slices merged.
    fn with_table(
        &mut self,
        unit: usize,
        end: i64,
        then: impl FnOnce(&mut WindowState, &mut GroupTable) -> Result<(), WindowError>,
    ) -> Result<(), WindowError> {
        let spec = &self.layout.units[unit];
        let mut slices = self.units[unit].in_window(spec.window, end).map(|(id, _)| id);
        let only = slices.next().filter(|_| slices.next().is_none());
        drop(slices);

        if let Some((id, mut table)) = only.and_then(|id| self.units[unit].slices.remove_entry(&id)) {
            let written = then(self, &mut table);
            self.units[unit].slices.insert(id, table);
            return written;
        }

        let mut merged = self.units[unit].merged(
            spec.window,
            &spec.table,
            end,
            &self.sizes,
            self.options.seed,
            &self.domains,
        );

        then(self, &mut merged)
    }

    fn report(&mut self, unit: usize, end: i64, groups: usize) -> Option<&mut Report> {
        if !self.options.reports {
            return None;
        }
        let window = self.units[unit].windows.get_mut(end)?;
        let spec = &self.layout.units[unit].table;
        Some(window.report.get_or_insert_with(|| Report::new(spec, groups, &self.sizes, self.options.seed)))
    }

    /// Returns the codes of each key of some groups, with pairs split.
    pub(super) fn key_codes(&self, unit: usize, table: &GroupTable, groups: &[u32]) -> Vec<Vec<u32>> {
        let spec = &self.layout.units[unit];
        let mut columns = vec![Vec::with_capacity(groups.len()); spec.keys.len()];
        for &group in groups {
            let key = table.key(group);

            // From the last key to the first: pairs nest to the left.
            let mut at = spec.keys.len();
            let mut codes = match spec.table.keys[..] {
                [] => continue,
                [only] => (only, key.first()),
                [left, _] => {
                    at -= 1;
                    columns[at].push(key.second());
                    (left, key.first())
                }
                _ => unreachable!("the layout pairs up more than two keys"),
            };

            while at > 1 {
                let crate::aggregate::domain::DomainSpec::Pair(left, _) = self.domains.specs[codes.0] else {
                    unreachable!("more keys than one stand in a pair")
                };
                let (first, second) = self.domains.list[codes.0].pair(codes.1);
                at -= 1;
                columns[at].push(second);
                codes = (left, first);
            }
            columns[0].push(codes.1);
        }
        columns
    }
}

/// Converts milliseconds on a wall clock to a date and time; beyond the calendar, to its first moment.
fn wall_clock(ms: i64) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MIN);
    TimeZone::UTC.to_datetime(instant)
}
