//! Telling people that event time is ahead of the clock.
//!
//! Events move event time no further than the clock has come. A clock that was ahead once, as of a machine that is started
//! with a wrong time, moves it further all the same, and event time never goes back: until the clock has come there too,
//! every event is late for short windows. Nothing else is wrong with such a job, so it says it itself: in the log, and in
//! its picture for `/readyz`, `weir jobs list` and the pages.

use engine::execution::source_vertex;
use jiff::tz::TimeZone;
use sql::functions::zone::WallClock;
use sql::plan::Pipeline;
use types::{DataType, Interval, Timestamp};

use super::JobMaster;

/// Clocks of machines that are kept right differ by less, ms.
const TOLERATED: i64 = 60_000;

impl JobMaster {
    /// Keeps the picture of the job up to date, and writes a line when that changes. `max_future`: how far events may be ahead
    /// of the clock; where they may be as far as they like, event time may too.
    pub(super) fn look_at_event_time(&self, max_future: Interval) {
        if max_future == Interval::ZERO {
            return;
        }
        let now = self.clock.now();
        let mut life = self.life.lock();
        let ahead = self.plan.pipelines.iter().filter_map(|pipeline| {
            let vertex = source_vertex(&pipeline.source.name);
            let tasks = life.tasks.iter().filter(|task| task.ledger.is_some() && task.vertex == vertex);
            let watermarks = tasks.map(|task| task.metrics.watermark());
            // A table that was read to its end is at the end of all time.
            let watermark =
                watermarks.filter(|&watermark| watermark != i64::MAX && watermark != i64::MIN).max()?;
            Some(watermark.saturating_sub(local(pipeline, &self.plan.settings.time_zone, now)))
        });
        // Before the first event of an attempt nothing is known, and what was told stays.
        let Some(ahead) = ahead.max() else { return };
        let ahead = Some(ahead).filter(|&ahead| ahead > TOLERATED);

        let (job_id, job) = (self.id, &self.name);
        match (ahead, &life.time_ahead) {
            (Some(ahead), told) => {
                let is_news = told.is_none();
                let text = describe(ahead, now);
                if is_news {
                    tracing::warn!(%job_id, job, "{text}");
                }
                life.time_ahead = Some(text);
            }
            (None, Some(_)) => {
                tracing::info!(%job_id, job, "the clock has come to where event time is");
                life.time_ahead = None;
            }
            (None, None) => {}
        }
    }
}

/// The clock on the scale of a table's event time, which may be that of the session's wall clock.
fn local(pipeline: &Pipeline, zone: &TimeZone, now: Timestamp) -> i64 {
    let Some(rowtime) = &pipeline.rowtime else { return now.0 };
    match pipeline.exprs.column_type(rowtime.time).data_type {
        DataType::TimestampLtz(_) => now.0,
        _ => WallClock::new(zone.clone()).wall_ms(now.0),
    }
}

fn describe(ahead: i64, now: Timestamp) -> String {
    let minutes = ahead.div_euclid(60_000);
    let until =
        jiff::Timestamp::from_second(now.0.saturating_add(ahead).div_euclid(1_000)).unwrap_or_default();
    format!(
        "has an event time that is {minutes} min ahead of the clock, as after a clock that was wrong: until {until} events are \
         late for windows that end before; `weir up --afresh` counts them at once, by reading the log from its beginning"
    )
}
