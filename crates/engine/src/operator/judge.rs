//! Judging: which rows of a batch have a usable time, and which of them are behind the watermark.
//!
//! The watermark moves with every row of the partition. A row is judged against the watermark that the rows before it
//! imply, clamped to what the pipeline says of the other partitions:
//!
//! ```text
//! row         0      1      2      3
//! time       10     14      9     20
//! running     -      8     12     12     (a delay of 2)
//! judged      -      8     10     10     (the other partitions stand at 10)
//!         on time on time behind on time
//! ```
//!
//! A row may be ahead of the clock. Further than `weir.max-future` it is unusable; below that it moves the watermark as far
//! as the clock has come, so that one fast clock does not make everybody else's rows late.

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

/// Stands for a row without a time.
pub(super) const NO_TIME: i64 = i64::MIN;
/// Stands for the time of a row that is too far ahead of the clock.
const FUTURE: i64 = i64::MAX;

/// Judges the rows of one batch after the other, and keeps what it found out about the last.
pub(super) struct Judge {
    /// Where the rowtime is an instant and the session's clock is not UTC.
    wall_clock: Option<WallClock>,
    /// Where the rowtime is a time of the session's wall clock, and that is not UTC.
    local_clock: Option<WallClock>,
    /// Some query has windows: it cannot use a row without a time.
    has_windows: bool,
    /// Some query has none: it takes a row without a time, as in Flink.
    has_rows: bool,
    /// By row of the batch.
    pub times: Vec<i64>,
    wall: Vec<i64>,
    /// The rows that count and have a time.
    pub timed: Vec<u32>,
    /// Those of them ahead of the watermark.
    pub on_time: Vec<u32>,
    /// The others, each with the watermark it was judged against.
    pub behind: Vec<(u32, i64)>,
    /// By row of the batch: the watermark before it, where operators ask for it.
    pub watermarks: Vec<i64>,
    /// Some query gives its rows to operators.
    feeds_operators: bool,
}

/// The watermark that a row implies.
#[derive(Clone, Copy)]
pub(super) enum Implied<'a> {
    /// So many milliseconds before its time.
    Delayed(i64),
    Computed(Vector<'a>),
}

/// What bounds the time of a row, on the scale of the rowtime.
#[derive(Clone, Copy)]
struct Clocks {
    /// The clock when the record came to the log, or when it is judged if that is earlier.
    now: i64,
    /// The same for a row that is judged much later; `i64::MAX` where the log does not say when the record came.
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

    /// Takes all rows for timely: the table has no rowtime.
    pub fn pass(&mut self, rows: usize, passed: &[u32]) {
        self.timed.clear();
        self.timed.extend(passed);
        self.on_time.clear();
        self.on_time.extend(passed);
        self.behind.clear();
        self.times.clear();
        self.times.resize(rows, 0);
    }

    /// Judges the rows of `passed`, and takes out those that are of no use.
    pub fn judge(
        &mut self,
        batch: &Batch,
        time: Vector<'_>,
        watermark: Implied<'_>,
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

    /// The rowtime on the wall clock, by row.
    pub fn wall(&self) -> &[i64] {
        if self.wall_clock.is_some() { &self.wall } else { &self.times }
    }

    /// Reads the rowtimes; tells whether every row has one that is usable.
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

    /// Takes out the rows whose time no query can use. They do not move event time.
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

        // A later clock would let them pass, or at least move event time.
        for time in self.times.iter_mut().filter(|time| **time == FUTURE) {
            prepared.clock_matters = true;
            *time = NO_TIME;
        }
        self.timed.clear();
        let times = &self.times;
        self.timed.extend(passed.iter().filter(|&&row| times[row as usize] != NO_TIME));
    }

    /// The clock on the scale of the rowtime: a rowtime without a zone is one of the session's wall clock.
    fn local(&mut self, now: i64) -> i64 {
        self.local_clock.as_mut().map_or(now, |clock| clock.wall_ms(now))
    }

    /// The clocks of each row. `None` if no row of the batch is ahead of its clock.
    fn clocks_of(&mut self, batch: &Batch, levels: &[Level]) -> Option<Vec<Clocks>> {
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
                Clocks { now: appended.min(level.now), later: appended }
            }));
        }
        Some(clocks)
    }

    /// Splits the rows at the watermark. A row that is ahead of its clock moves the watermark as far as a row would that is
    /// not ahead.
    fn sort_by_lateness(
        &mut self,
        watermark: Implied<'_>,
        judging: Judging<'_>,
        clocks: Option<&[Clocks]>,
        prepared: &mut Prepared,
    ) {
        let times = &self.times;
        let implied = |row: usize| match watermark {
            Implied::Delayed(delay) => times[row].saturating_sub(delay),
            Implied::Computed(vector) => match vector.get(row) {
                Scalar::Int(watermark) => watermark,
                _ => NO_WATERMARK,
            },
        };

        self.on_time.clear();
        self.behind.clear();
        self.watermarks.clear();
        let mut running = judging.partition;
        // The watermark if the rows were judged later: where the two differ, the clock has decided.
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
