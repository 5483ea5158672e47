//! Adds rows to the state: fills the domains and arguments of a batch, then updates every unit's tables.

use jiff::tz::TimeZone;
use sql::functions::{Env, EvalError};
use types::Scalar;

use super::{SliceId, WindowError, WindowState};
use crate::aggregate::arg::{Arg, Slice};
use crate::aggregate::exact_sum::FixedColumn;
use crate::aggregate::table::TableInput;
use crate::column::Column;
use crate::evaluate::{Evaluator, Inputs, Vector};
use crate::layout::{ArgSpec, Layout, slice_end, slice_step, window_offset};
use crate::selection::Selection;
use crate::window::slice_partitioner::SlicePartitioner;

/// The most slices of the base that wait to be folded.
const BASE_SLICES_MAX: usize = 64;

/// A batch of rows whose expressions are computed.
#[derive(Clone, Copy)]
pub struct RowsIn<'a> {
    /// The length of the columns.
    pub len: usize,
    /// All rows that pass the common filter.
    pub all: Selection<'a>,
    /// The rows of `all` ahead of the watermark, which are late for no window.
    pub on_time: Selection<'a>,
    /// The other rows, each with the watermark it was judged against.
    pub behind: &'a [(u32, i64)],
    /// The rowtime on the wall clock, in milliseconds.
    pub wall: &'a [i64],
    pub inputs: Inputs<'a>,
    /// Holds the expressions of [`Aggregation::row_exprs`](crate::window::Aggregation::row_exprs).
    pub evaluator: &'a Evaluator,
    pub env: &'a Env,
}

/// Builds columns for arguments that are the same in every row.
fn constant_args(args: &[ArgSpec], rows: &RowsIn<'_>) -> Vec<Option<Column>> {
    args.iter()
        .map(|arg| {
            let Vector::Const(value) = rows.evaluator.column(rows.inputs, arg.expr) else { return None };
            let mut column = Column::new(arg.repr);
            column.reset(rows.len);
            (0..rows.len).for_each(|row| column.set(row, value));
            Some(column)
        })
        .collect()
}

/// A row that was late for some units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateRow {
    pub row: u32,
    pub units: Vec<usize>,
    /// Another unit counted it.
    pub counted_elsewhere: bool,
}

/// A row of a batch that could not be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    pub row: u32,
    pub source: EvalError,
}

/// A group that got its first row and needs its marks.
#[derive(Debug, Clone, Copy)]
struct NewGroup {
    /// `None`: a group of the base.
    unit: Option<usize>,
    slice: SliceId,
    group: u32,
    row: u32,
}

/// Adds rows to the groups of a [`WindowState`]. Holds buffers, and the conditions over keys that decide whether a new
/// group counts.
pub(in crate::window) struct RowAdder {
    key_filters: Evaluator,
    /// The fixed form of each summed argument.
    fixed: Vec<FixedColumn>,
    partition: SlicePartitioner,
    groups: Vec<u32>,
    first_rows: Vec<(u32, u32)>,
    pending: Vec<NewGroup>,
}

impl RowAdder {
    pub(in crate::window) fn new(layout: &Layout, time_zone: &TimeZone) -> Result<RowAdder, WindowError> {
        let key_filters =
            Evaluator::new(&layout.graph, &layout.key_exprs(), time_zone).map_err(WindowError::Plan)?;
        Ok(RowAdder {
            key_filters,
            fixed: layout.args.iter().map(|_| FixedColumn::default()).collect(),
            partition: SlicePartitioner::default(),
            groups: Vec::new(),
            first_rows: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// Returns the bytes held for distinct texts of keys.
    pub(in crate::window) fn memory_bytes(&self) -> usize {
        self.key_filters.memory_bytes()
    }

    /// Adds rows to the state. Returns the rows that were late for some units.
    pub(in crate::window) fn add(
        &mut self,
        state: &mut WindowState,
        rows: &RowsIn<'_>,
    ) -> Result<Vec<LateRow>, FailedRow> {
        let layout = state.layout.clone();
        self.fill(state, rows);
        state.make_room();

        let codes: Vec<Vec<u32>> =
            state.domains.list.iter_mut().map(|domain| std::mem::take(&mut domain.codes)).collect();
        let fixed = std::mem::take(&mut self.fixed);
        let code_columns: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
        let constants = constant_args(&layout.args, rows);

        let args: Vec<Arg<'_>> = layout
            .args
            .iter()
            .zip(&fixed)
            .zip(&constants)
            .map(|((arg, fixed), constant)| {
                match constant
                    .as_ref()
                    .map_or_else(|| rows.evaluator.column(rows.inputs, arg.expr), Vector::of)
                {
                    Vector::Bool(flags) => Arg::Bool(flags),
                    Vector::Int { values, valid } => Arg::Int(Slice { values, valid }),
                    Vector::Double { values, valid } => {
                        Arg::Double(Slice { values, valid }, arg.fixed.then_some(fixed))
                    }
                    Vector::Wide { values, valid } => Arg::Wide(Slice { values, valid }),
                    other => unreachable!("aggregates take numbers and booleans, not {other:?}"),
                }
            })
            .collect();
        let input = TableInput { codes: &code_columns, args: &args };

        if state.base.is_some() {
            self.add_to_base(state, rows, input);
        }

        let mut selected = Vec::new();
        for (unit, spec) in layout.units.iter().enumerate() {
            if spec.derived && state.base.is_some() {
                continue;
            }
            let mut in_order = Vec::new();
            let candidates = match spec.is_ordered() {
                true => state.in_order(rows, spec.window, &mut in_order),
                false => rows.on_time,
            };
            let unit_rows = state.passing(rows, unit, candidates, &mut selected);
            self.add_to_unit(state, unit, rows, unit_rows, input, None);
        }

        let late = self.add_behind(state, rows, input);
        drop(args);
        drop(code_columns);
        for (domain, codes) in state.domains.list.iter_mut().zip(codes) {
            domain.codes = codes;
        }
        self.fixed = fixed;

        self.mark_new_groups(state, rows)?;
        // If a batch spans days of events, the base has as many slices as rows, and saves nothing.
        if state.base.as_ref().is_some_and(|base| base.slices.len() > BASE_SLICES_MAX) {
            state.fold();
        }
        Ok(late)
    }

    /// Fills the codes of all domains and the fixed form of summed arguments.
    fn fill(&mut self, state: &mut WindowState, rows: &RowsIn<'_>) {
        for index in 0..state.domains.list.len() {
            let spec = state.domains.specs[index];
            if let Some(expr) = spec.expr() {
                let vector = rows.evaluator.column(rows.inputs, expr);
                state.domains.list[index].fill(vector, rows.all, rows.len);
            } else if let crate::aggregate::domain::DomainSpec::Pair(left, right) = spec {
                // A pair comes after its parts.
                let (parts, rest) = state.domains.list.split_at_mut(index);
                rest[0].fill_pair(&parts[left].codes, &parts[right].codes, rows.all, rows.len);
            }
        }

        for (arg, fixed) in state.layout.args.iter().zip(&mut self.fixed) {
            if !arg.fixed {
                continue;
            }
            match rows.evaluator.column(rows.inputs, arg.expr) {
                // Rows that were not requested may be missing at the end.
                Vector::Double { values, valid } => {
                    let len = rows.len.min(values.len());
                    fixed.fill(&values[..len], &valid[..len]);
                }
                Vector::Const(Scalar::Double(value)) => {
                    fixed.fill(&vec![value; rows.len], &vec![1; rows.len])
                }
                _ => fixed.fill(&vec![0.0; rows.len], &vec![0; rows.len]),
            }
        }
    }

    fn add_to_base(&mut self, state: &mut WindowState, rows: &RowsIn<'_>, input: TableInput<'_>) {
        let (Some(base), Some(held)) = (&state.layout.base, &mut state.base) else { return };
        let (sizes, seed, domains) = (&state.sizes, state.options.seed, &state.domains);
        let (groups, first_rows, pending) = (&mut self.groups, &mut self.first_rows, &mut self.pending);

        let done: Result<(), ()> =
            self.partition.for_each(rows.wall, rows.on_time, base.step, 0, |end, slice_rows| {
                let table = held
                    .slices
                    .entry(end)
                    .or_insert_with(|| held.pool.pop().unwrap_or_else(|| base.table.table(sizes, seed)));
                first_rows.clear();
                table.update(&base.table, input, slice_rows, domains, groups, first_rows);
                let new = first_rows.iter().map(|&(group, row)| NewGroup {
                    unit: None,
                    slice: SliceId::whole(end),
                    group,
                    row,
                });
                pending.extend(new);
                Ok(())
            });

        done.expect("nothing in there fails");
    }

    /// Adds rows to a unit. `from` is the end of the first window that still takes the rows, if they are late
    /// for earlier ones.
    fn add_to_unit(
        &mut self,
        state: &mut WindowState,
        unit: usize,
        rows: &RowsIn<'_>,
        unit_rows: Selection<'_>,
        input: TableInput<'_>,
        from: Option<i64>,
    ) {
        let spec = &state.layout.units[unit];
        let groups_of_unit = &mut state.units[unit];
        let (sizes, seed, domains, calendar) =
            (&state.sizes, state.options.seed, &state.domains, &state.calendar);
        let (groups, first_rows, pending) = (&mut self.groups, &mut self.first_rows, &mut self.pending);
        let (step, offset) = (slice_step(spec.window), window_offset(spec.window));

        let done: Result<(), ()> =
            self.partition.for_each(rows.wall, unit_rows, step, offset, |end, slice_rows| {
                let slice = SliceId { end, from: from.unwrap_or(end) };
                let new_rows = slice_rows.len();
                let table =
                    groups_of_unit.slice(spec.window, &spec.table, slice, sizes, seed, calendar, new_rows);
                first_rows.clear();
                table.update(&spec.table, input, slice_rows, domains, groups, first_rows);
                let new =
                    first_rows.iter().map(|&(group, row)| NewGroup { unit: Some(unit), slice, group, row });
                pending.extend(new);
                Ok(())
            });

        done.expect("nothing in there fails");
    }

    /// Adds rows behind the watermark one by one: each unit decides by itself whether they are late.
    fn add_behind(
        &mut self,
        state: &mut WindowState,
        rows: &RowsIn<'_>,
        input: TableInput<'_>,
    ) -> Vec<LateRow> {
        let layout = state.layout.clone();
        let mut late = Vec::new();

        for &(row, watermark) in rows.behind {
            let (mut units, mut counted_elsewhere) = (Vec::new(), false);
            let mut selected = Vec::new();

            for (unit, spec) in layout.units.iter().enumerate() {
                if state.passing(rows, unit, Selection::Selected(&[row]), &mut selected).is_empty() {
                    continue;
                }

                let end = slice_end(spec.window, rows.wall[row as usize]);
                let Some(from) = state.first_open(spec.window, end, watermark) else {
                    units.push(unit);
                    continue;
                };
                counted_elsewhere = true;
                if !spec.is_ordered() || from != end {
                    self.add_to_unit(state, unit, rows, Selection::Selected(&[row]), input, Some(from));
                }
                state.units[unit].touch(spec.window, SliceId { end, from });
            }

            if !units.is_empty() {
                late.push(LateRow { row, units, counted_elsewhere });
            }
        }

        late
    }

    /// Evaluates the conditions over keys once per new group, on the row that made it.
    fn mark_new_groups(&mut self, state: &mut WindowState, rows: &RowsIn<'_>) -> Result<(), FailedRow> {
        let mut pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            let mut first_rows: Vec<u32> = pending.iter().map(|new| new.row).collect();
            first_rows.sort_unstable();
            first_rows.dedup();
            if self.key_filters.evaluate(rows.inputs, rows.len, Some(&first_rows), rows.env).is_err() {
                self.find_failed(rows, &first_rows)?;
            }
            for new in &pending {
                self.mark(state, rows, new);
            }
        }
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// Evaluates the conditions over keys row by row, and returns the first row that fails as an error.
    #[cold]
    fn find_failed(&mut self, rows: &RowsIn<'_>, among: &[u32]) -> Result<(), FailedRow> {
        for &row in among {
            let alone = self.key_filters.evaluate(rows.inputs, rows.len, Some(&[row]), rows.env);
            alone.map_err(|source| FailedRow { row, source })?;
        }
        Ok(())
    }

    fn mark(&self, state: &mut WindowState, rows: &RowsIn<'_>, new: &NewGroup) {
        let key_filters = &self.key_filters;
        let holds = |conditions: &[sql::expr::ExprId]| {
            conditions.iter().all(|&condition| {
                key_filters.column(rows.inputs, condition).get(new.row as usize) == Scalar::Bool(true)
            })
        };

        match new.unit {
            Some(unit) => {
                let marks = holds(&state.layout.units[unit].key_filter) as u64;
                if let Some(table) = state.units[unit].slices.get_mut(&new.slice) {
                    table.marks[new.group as usize] = marks;
                }
            }
            None => {
                let (Some(base), Some(held)) = (&state.layout.base, &mut state.base) else { return };
                let mut marks = 0;
                for (bit, derived) in base.derived.iter().enumerate() {
                    marks |= (holds(&derived.filter) as u64) << bit;
                }
                if let Some(table) = held.slices.get_mut(&new.slice.end) {
                    table.marks[new.group as usize] = marks;
                }
            }
        }
    }
}
