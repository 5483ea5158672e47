//! Judges rows: which rows of a batch have a usable event time, and which are behind the watermark.
//!
//! The watermark advances with every row of the partition. A row is judged against the watermark that the
//! rows before it imply, clamped to the watermark of the pipeline's other partitions:
//!
//! ```text
//! row          0        1        2        3
//! time        10       14        9       20
//! running      -        8       12       12     (a delay of 2)
//! judged       -        8       10       10     (the other partitions stand at 10)
//!            on time  on time  behind   on time
//! ```
//!
//! A row may be ahead of the clock. A row further ahead than `weir.max-future` is unusable. A row less far
//! ahead advances the watermark only up to the clock, so that one fast clock does not make the rows of others
//! late.

use jiff::tz::TimeZone;
use sql::expr::ExprGraph;
use sql::functions::zone::WallClock;
use sql::plan::{Pipeline, Query, Shape};
use types::{DataType, Scalar};

use super::prepared::{Judging, Level, Prepared, Unusable};
use crate::batch::{Batch, RecordSpan};
use crate::evaluate::Vector;
use crate::lateness::same_side;
use crate::watermark::NO_WATERMARK;

/// Marks a row without a time.
pub(super) const NO_TIME: i64 = i64::MIN;
/// Marks a row whose time is too far ahead of the clock.
const FUTURE: i64 = i64::MAX;

/// Judges the rows of one batch after the other, and holds the result for the latest batch.
pub(super) struct Judge {
    /// Set if the rowtime is an instant and the session's time zone is not UTC.
    wall_clock: Option<WallClock>,
    /// Set if the rowtime is a wall-clock time of the session and its time zone is not UTC.
    local_clock: Option<WallClock>,
    /// Some query has windows and cannot use a row without a time.
    has_windows: bool,
    /// Some query has no windows and takes rows without a time, as in Flink.
    has_rows: bool,
    /// Event time per row of the batch.
    pub times: Vec<i64>,
    wall: Vec<i64>,
    /// The rows that passed the filters and have a time.
    pub timed: Vec<u32>,
    /// The timed rows ahead of the watermark.
    pub on_time: Vec<u32>,
    /// The other timed rows, each with the watermark it was judged against.
    pub behind: Vec<(u32, i64)>,
    /// Per row of the batch: the watermark before it. Filled only for queries that feed operators.
    pub watermarks: Vec<i64>,
    /// Some query sends its rows to operators.
    feeds_operators: bool,
}

/// The watermark that a row implies.
#[derive(Clone, Copy)]
pub(super) enum ImpliedWatermark<'a> {
    /// The row's time minus this many milliseconds.
    Delayed(i64),
    Computed(Vector<'a>),
}

/// The bounds of a row's time, on the scale of the rowtime.
#[derive(Clone, Copy)]
struct TimeBounds {
    /// The clock when the record came to the log, or when the row is judged if that is earlier.
    now: i64,
    /// The same bound if the row were judged much later; `i64::MAX` if the log does not say when the record
    /// came.
    later: i64,
}

impl Judge {
    pub fn new(pipeline: &Pipeline, graph: &ExprGraph, time_zone: &TimeZone) -> Judge {
        let clock = |of_instants: bool| {
            let rowtime = pipeline.rowtime.as_ref()?;
            let is_instant = matches!(graph.column_type(rowtime.time).data_type, DataType::TimestampLtz(_));
            (is_instant == of_instants && *time_zone != TimeZone::UTC)
                .then(|| WallClock::new(time_zone.clone()))
        };

        let is_windowed = |query: &Query| matches!(query.shape, Shape::Aggregate(_));

        Judge {
            wall_clock: clock(true),
            local_clock: clock(false),
            has_windows: pipeline.queries.iter().any(is_windowed),
            has_rows: !pipeline.queries.iter().all(is_windowed),
            times: Vec::new(),
            wall: Vec::new(),
            timed: Vec::new(),
            on_time: Vec::new(),
            behind: Vec::new(),
            watermarks: Vec::new(),
            feeds_operators: pipeline.queries.iter().any(|query| query.sink().is_none()),
        }
    }

    /// Takes all rows as on time: the table has no rowtime.
    pub fn pass(&mut self, rows: usize, passed: &[u32]) {
        self.timed.clear();
        self.timed.extend(passed);
        self.on_time.clear();
        self.on_time.extend(passed);
        self.behind.clear();
        self.times.clear();
        self.times.resize(rows, 0);
    }

    /// Judges the rows of `passed`, and removes the unusable ones.
    pub fn judge(
        &mut self,
        batch: &Batch,
        time: Vector<'_>,
        watermark: ImpliedWatermark<'_>,
        judging: Judging<'_>,
        passed: &mut Vec<u32>,
        prepared: &mut Prepared,
    ) {
        let levels: Vec<Level> =
            judging.levels.iter().map(|level| Level { now: self.local(level.now), ..*level }).collect();
        let judging = Judging { levels: &levels, ..judging };

        if self.read_times(time, batch.rows, judging) {
            self.timed.clone_from(passed);
        } else {
            self.leave_out_unusable(passed, prepared);
        }
        if let Some(clock) = &mut self.wall_clock {
            self.wall.clear();
            self.wall.resize(batch.rows, 0);
            for &row in &self.timed {
                self.wall[row as usize] = clock.wall_ms(self.times[row as usize]);
            }
        }

        let clocks = judging.most_ahead.and_then(|_| self.clocks_of(batch, &levels));
        self.sort_by_lateness(watermark, judging, clocks.as_deref(), prepared);
    }

    /// Returns the rowtime on the wall clock, per row.
    pub fn wall(&self) -> &[i64] {
        if self.wall_clock.is_some() { &self.wall } else { &self.times }
    }

    /// Reads the rowtimes; returns whether every row has a usable one.
    fn read_times(&mut self, vector: Vector<'_>, rows: usize, judging: Judging<'_>) -> bool {
        self.times.clear();
        let mut all_usable = true;

        for (index, level) in judging.levels.iter().enumerate() {
            let latest = judging.most_ahead.map_or(i64::MAX, |most| level.now.saturating_add(most));
            let of = level.first_row..judging.levels.get(index + 1).map_or(rows, |next| next.first_row);

            match vector {
                Vector::Int { values, valid } => {
                    let times = values[of.clone()].iter().zip(&valid[of]);
                    self.times.extend(times.map(|(&time, &valid)| {
                        all_usable &= valid != 0 && time <= latest;
                        if valid == 0 {
                            NO_TIME
                        } else if time <= latest {
                            time
                        } else {
                            FUTURE
                        }
                    }));
                }
                other => self.times.extend(of.map(|row| match other.get(row) {
                    Scalar::Int(time) if time <= latest => time,
                    Scalar::Int(_) => {
                        all_usable = false;
                        FUTURE
                    }
                    _ => {
                        all_usable = false;
                        NO_TIME
                    }
                })),
            }
        }

        all_usable
    }

    /// Removes the rows whose time no query can use. They do not advance the watermark.
    fn leave_out_unusable(&mut self, passed: &mut Vec<u32>, prepared: &mut Prepared) {
        let (times, has_windows, has_rows) = (&self.times, self.has_windows, self.has_rows);
        passed.retain(|&row| {
            let (reason, counted_elsewhere) = match times[row as usize] {
                NO_TIME if !has_windows => return true,
                NO_TIME => ("bad timestamp", has_rows),
                FUTURE => ("future: the event time is too far ahead of the clock", false),
                _ => return true,
            };
            prepared.unusable.push(Unusable { row, reason: reason.to_owned(), counted_elsewhere });
            counted_elsewhere
        });

        // With a later clock these rows would pass, or at least advance the watermark.
        for time in self.times.iter_mut().filter(|time| **time == FUTURE) {
            prepared.clock_matters = true;
            *time = NO_TIME;
        }
        self.timed.clear();
        let times = &self.times;
        self.timed.extend(passed.iter().filter(|&&row| times[row as usize] != NO_TIME));
    }

    /// Returns the clock on the scale of the rowtime: a rowtime without a time zone is on the session's wall
    /// clock.
    fn local(&mut self, now: i64) -> i64 {
        self.local_clock.as_mut().map_or(now, |clock| clock.wall_ms(now))
    }

    /// Returns the clocks of each row, or `None` if no row of the batch is ahead of its clock.
    fn clocks_of(&mut self, batch: &Batch, levels: &[Level]) -> Option<Vec<TimeBounds>> {
        let latest = self.times.iter().copied().max().unwrap_or(NO_TIME);
        let appended = |record: &RecordSpan| Some(record.appended.0).filter(|&time| time > 0);
        let records = &batch.origin.records;

        let judged = levels.iter().map(|level| level.now).min().unwrap_or(i64::MAX);
        let oldest = records.iter().filter_map(appended).min();
        let first = oldest.map_or(judged, |oldest| self.local(oldest).min(judged));
        if latest <= first {
            return None;
        }

        let mut clocks = Vec::with_capacity(records.len());
        for (index, level) in levels.iter().enumerate() {
            let end = levels.get(index + 1).map_or(records.len(), |next| next.first_row);
            let of = records[level.first_row..end].iter();
            clocks.extend(of.map(|record| {
                let appended = appended(record).map_or(i64::MAX, |at| self.local(at));
                TimeBounds { now: appended.min(level.now), later: appended }
            }));
        }
        Some(clocks)
    }

    /// Splits the rows at the watermark. A row ahead of its clock advances the watermark only as far as a row
    /// at the clock would.
    fn sort_by_lateness(
        &mut self,
        watermark: ImpliedWatermark<'_>,
        judging: Judging<'_>,
        clocks: Option<&[TimeBounds]>,
        prepared: &mut Prepared,
    ) {
        let times = &self.times;
        let implied = |row: usize| match watermark {
            ImpliedWatermark::Delayed(delay) => times[row].saturating_sub(delay),
            ImpliedWatermark::Computed(vector) => match vector.get(row) {
                Scalar::Int(watermark) => watermark,
                _ => NO_WATERMARK,
            },
        };

        self.on_time.clear();
        self.behind.clear();
        self.watermarks.clear();
        let mut running = judging.partition;
        // The watermark if the rows were judged later. Where it differs from `running`, the clock decided.
        let mut later = running;
        let mut passed = self.timed.iter().copied().peekable();

        for (index, level) in judging.levels.iter().enumerate() {
            let end = judging.levels.get(index + 1).map_or(times.len(), |next| next.first_row);
            for (row, &time) in times.iter().enumerate().take(end).skip(level.first_row) {
                let now = level.clamp.apply(running);
                if self.feeds_operators {
                    self.watermarks.push(now);
                }

                if passed.next_if_eq(&(row as u32)).is_some() {
                    if time > now {
                        self.on_time.push(row as u32);
                    } else {
                        self.behind.push((row as u32, now));
                    }
                }
                if time == NO_TIME {
                    continue;
                }

                let implied = implied(row);
                let Some(clocks) = clocks else {
                    running = running.max(implied);
                    continue;
                };
                let bounded = |clock: i64| implied.saturating_sub(time.saturating_sub(clock).max(0));
                running = running.max(bounded(clocks[row].now));
                later = later.max(bounded(clocks[row].later));
                prepared.clock_matters |=
                    judging.grain.is_some_and(|grain| !same_side(running, later, grain));
            }
        }
        prepared.watermark = running;
    }
}
