//! What a script needs of its log to continue: the windows of its queries, and the event time from which they need events.
//!
//! All windows of a script are on one wall clock, that of the session's time zone, or that of its event times. The cut C is a
//! time up to which the other system has closed all windows. Each window that ends after C has to be whole:
//!
//! ```text
//! TUMBLE 10 min   ├─────────┼─────────┼─────────┤           the window that contains C
//! HOP 10/5 min    ├────┴────┼────┴────┤                     the oldest of the windows that contain C
//! CUMULATE 1 h    ├──┴──┴──┴──┴──┴──┤                       the start of the hour
//!                 └─ T                ╎ C
//! ```
//!
//! T is the least of these starts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sql::plan::operator::{OperatorKind, Target, Time, Windowing};
use sql::plan::{Pipeline, Plan, Shape, SinkTable, Window};
use types::{DataType, Interval};

/// The column of the end of a row's window, by which rows are compared.
pub(in crate::cli) const END: &str = "window_end";

/// The clock on which a script's watermarks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Scale {
    /// Event times are instants; windows are on the wall clock of this zone.
    Instants(TimeZone),
    /// Event times are on the wall clock themselves.
    Wall,
}

/// A window, or the sessions of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::cli) enum Open {
    Window(Window),
    /// Sessions, whose starts nobody can compute.
    Session,
}

/// What the queries of a script need.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Needs {
    pub(in crate::cli) scale: Scale,
    /// The windows from which the rows of each result table come.
    pub(in crate::cli) windows: BTreeMap<String, Vec<Open>>,
    /// Result tables whose rows need every event of the log, each with the operation that does.
    pub(in crate::cli) unbounded: BTreeMap<String, String>,
    /// Source tables that feed such a result table.
    pub(in crate::cli) read_whole: BTreeSet<String>,
    /// Result tables from windows with a column of the windows' ends: these are compared.
    pub(in crate::cli) compared: BTreeSet<String>,
    /// Result tables from windows without such a column.
    pub(in crate::cli) without_end: Vec<String>,
}

/// Why a script cannot continue anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum Unmovable {
    #[error(
        "table `{table}` has event times of another kind than `{other}`: TIMESTAMP and TIMESTAMP_LTZ have no common order"
    )]
    TwoClocks { table: String, other: String },
    #[error(
        "no query of the script has a window over event time, so that nothing says where another system continues"
    )]
    NoWindow,
}

/// What has flowed into an operator or a sink.
#[derive(Debug, Clone, Default)]
struct Flow {
    windows: Vec<Open>,
    unbounded: Option<String>,
    sources: BTreeSet<String>,
}

impl Flow {
    fn add(&mut self, other: &Flow) {
        for window in &other.windows {
            if !self.windows.contains(window) {
                self.windows.push(*window);
            }
        }
        self.unbounded = self.unbounded.take().or_else(|| other.unbounded.clone());
        self.sources.extend(other.sources.iter().cloned());
    }
}

impl Needs {
    /// Returns the needs of a plan.
    ///
    /// # Errors
    /// Its windows have no common clock, or there is no window.
    pub(in crate::cli) fn of(plan: &Plan) -> Result<Needs, Unmovable> {
        let scale = scale(plan)?;
        let sinks = flows(plan);

        let mut needs = Needs {
            scale,
            windows: BTreeMap::new(),
            unbounded: BTreeMap::new(),
            read_whole: BTreeSet::new(),
            compared: BTreeSet::new(),
            without_end: Vec::new(),
        };
        for (sink, flow) in plan.sinks.iter().zip(sinks) {
            needs.take(sink, flow);
        }
        if needs.windows.is_empty() && needs.unbounded.is_empty() {
            return Err(Unmovable::NoWindow);
        }
        Ok(needs)
    }

    fn take(&mut self, sink: &SinkTable, flow: Flow) {
        // A table with a hint is a sink of its own, `name#2`.
        let table = sink.name.split('#').next().unwrap_or_default().to_owned();
        if let Some(reason) = flow.unbounded {
            self.read_whole.extend(flow.sources);
            self.unbounded.insert(table, reason);
            return;
        }
        if flow.windows.is_empty() {
            return;
        }

        match sink.columns.iter().any(|column| column.name == END) {
            true => drop(self.compared.insert(table.clone())),
            false => self.without_end.push(table.clone()),
        }
        let windows = self.windows.entry(table).or_default();
        windows.extend(flow.windows);
    }

    /// Returns the wall-clock time from which events are needed, so that every window which ends after `cut` is whole. Sessions
    /// that are open at the cut are taken to have begun `longest_session` before it at the earliest.
    pub(in crate::cli) fn from(&self, cut: i64, longest_session: Interval) -> i64 {
        let all = self.windows.values().flatten();
        all.map(|open| match open {
            Open::Window(window) => oldest_start(*window, cut),
            Open::Session => cut.saturating_sub(longest_session.0),
        })
        .min()
        .unwrap_or(cut)
    }

    pub(in crate::cli) fn has_sessions(&self) -> bool {
        self.windows.values().flatten().any(|open| *open == Open::Session)
    }

    /// Returns the time at which each window of a table has closed once after the cut; `None` for sessions.
    pub(in crate::cli) fn first_closed(&self, table: &str, cut: i64) -> Option<i64> {
        let windows = self.windows.get(table)?.iter();
        let ends = windows.map(|open| match open {
            Open::Window(window) => Some(next_end(*window, cut)),
            Open::Session => None,
        });
        ends.collect::<Option<Vec<i64>>>()?.into_iter().max()
    }
}

impl Scale {
    /// Returns the wall-clock time up to which a watermark has closed all windows: a window is closed by the watermark of its
    /// last millisecond.
    pub(in crate::cli) fn closed(&self, watermark: i64) -> i64 {
        self.wall(watermark).saturating_add(1)
    }

    /// Returns the wall-clock time of a watermark.
    pub(in crate::cli) fn wall(&self, watermark: i64) -> i64 {
        match self {
            Scale::Wall => watermark,
            Scale::Instants(zone) => {
                let Ok(at) = Timestamp::from_millisecond(watermark) else { return watermark };
                let wall = TimeZone::UTC.to_ambiguous_timestamp(zone.to_datetime(at));
                wall.later().map_or(watermark, |wall| wall.as_millisecond())
            }
        }
    }

    /// Returns the first event time that is at a wall-clock time: the earlier one, if the time occurs twice.
    pub(in crate::cli) fn event_time(&self, wall: i64) -> i64 {
        match self {
            Scale::Wall => wall,
            Scale::Instants(zone) => {
                let Ok(at) = Timestamp::from_millisecond(wall) else { return wall };
                let civil = TimeZone::UTC.to_datetime(at);
                zone.to_ambiguous_timestamp(civil).earlier().map_or(wall, |instant| instant.as_millisecond())
            }
        }
    }
}

/// Returns the least start of a window that ends after a time.
fn oldest_start(window: Window, after: i64) -> i64 {
    match window {
        Window::Tumble { size, offset } | Window::Cumulate { size, offset, .. } => floor(after, size, offset),
        Window::Hop { size, slide, offset } => {
            floor(after.saturating_sub(size.0), slide, offset).saturating_add(slide.0)
        }
    }
}

/// Returns the least end of a window that is after a time.
fn next_end(window: Window, after: i64) -> i64 {
    let (step, offset) = match window {
        Window::Tumble { size, offset } => (size, offset),
        Window::Hop { slide, offset, .. } => (slide, offset),
        Window::Cumulate { step, offset, .. } => (step, offset),
    };
    floor(after, step, offset).saturating_add(step.0)
}

/// Returns the greatest multiple of a step, plus the offset, that is not after a time.
fn floor(at: i64, step: Interval, offset: Interval) -> i64 {
    let step = step.0.max(1);
    at.saturating_sub(offset.0).div_euclid(step).saturating_mul(step).saturating_add(offset.0)
}

/// Returns the clock of all event times of a plan.
fn scale(plan: &Plan) -> Result<Scale, Unmovable> {
    let mut found: Option<(&str, bool)> = None;
    for pipeline in &plan.pipelines {
        let Some(is_instant) = is_instant(pipeline) else { continue };
        match found {
            Some((other, before)) if before != is_instant => {
                let table = pipeline.source.name.clone();
                return Err(Unmovable::TwoClocks { table, other: other.to_owned() });
            }
            _ => found = Some((&pipeline.source.name, is_instant)),
        }
    }
    Ok(match found {
        Some((_, true)) => Scale::Instants(plan.settings.time_zone.clone()),
        _ => Scale::Wall,
    })
}

fn is_instant(pipeline: &Pipeline) -> Option<bool> {
    let rowtime = pipeline.rowtime.as_ref()?;
    let data_type = &pipeline.exprs.column_type(rowtime.time).data_type;
    Some(matches!(data_type, DataType::TimestampLtz(_)))
}

/// Returns what flows into each sink.
fn flows(plan: &Plan) -> Vec<Flow> {
    let mut operators: Vec<Flow> = vec![Flow::default(); plan.operators.len()];
    let mut sinks: Vec<Flow> = vec![Flow::default(); plan.sinks.len()];
    let mut send = |flow: &Flow, targets: &[Target], operators: &mut Vec<Flow>| {
        for target in targets {
            match target {
                Target::Sink(sink) => sinks[*sink].add(flow),
                Target::Operator { operator, .. } => operators[*operator].add(flow),
            }
        }
    };

    for pipeline in &plan.pipelines {
        for query in &pipeline.queries {
            let mut flow =
                Flow { sources: BTreeSet::from([pipeline.source.name.clone()]), ..Flow::default() };
            if let Shape::Aggregate(aggregate) = &query.shape {
                flow.windows.push(Open::Window(aggregate.window));
            }
            send(&flow, &query.targets, &mut operators);
        }
    }

    // An operator follows its inputs.
    for (place, operator) in plan.operators.iter().enumerate() {
        let mut flow = operators[place].clone();
        match remembers(&operator.kind) {
            Memory::Nothing => {}
            Memory::Window(open) => flow.windows.push(open),
            Memory::Everything => {
                flow.unbounded.get_or_insert_with(|| operator.name.clone());
            }
        }
        send(&flow, &operator.targets, &mut operators);
    }
    sinks
}

/// The rows on which an operator's later rows depend.
enum Memory {
    /// None, or those of windows that an operator before it has assigned.
    Nothing,
    Window(Open),
    Everything,
}

fn remembers(kind: &OperatorKind) -> Memory {
    match kind {
        OperatorKind::Calc(_)
        | OperatorKind::Expand(_)
        | OperatorKind::Union
        | OperatorKind::Unnest(_)
        | OperatorKind::LookupJoin(_)
        // The versions come from a table that is read from its beginning.
        | OperatorKind::TemporalJoin(_)
        | OperatorKind::WindowRank(_)
        | OperatorKind::WindowJoin(_) => Memory::Nothing,
        OperatorKind::WindowAggregate(aggregate) => of_windowing(&aggregate.windowing),
        OperatorKind::WindowAssign(assign) => of_windowing(&assign.windowing),
        OperatorKind::GroupAggregate(_)
        | OperatorKind::Deduplicate(_)
        | OperatorKind::Rank(_)
        | OperatorKind::SetOperation(_)
        | OperatorKind::Join(_)
        | OperatorKind::IntervalJoin(_)
        | OperatorKind::Over(_)
        | OperatorKind::Sort(_)
        | OperatorKind::Limit(_)
        | OperatorKind::FromChangelog(_)
        | OperatorKind::ToChangelog(_)
        | OperatorKind::Normalize(_)
        | OperatorKind::Materialize(_)
        | OperatorKind::Match(_) => Memory::Everything,
    }
}

fn of_windowing(windowing: &Windowing) -> Memory {
    match windowing {
        Windowing::Sliced { window, time: Time::Event(_) } => Memory::Window(Open::Window(*window)),
        Windowing::Session { time: Time::Event(_), .. } => Memory::Window(Open::Session),
        Windowing::Attached { is_processing: false, .. } => Memory::Nothing,
        // Windows of the clock differ in every system.
        Windowing::Sliced { time: Time::Processing, .. }
        | Windowing::Session { time: Time::Processing, .. }
        | Windowing::Attached { is_processing: true, .. } => Memory::Everything,
    }
}

#[cfg(test)]
mod tests;
