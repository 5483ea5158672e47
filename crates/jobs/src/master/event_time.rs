//! Reports that event time is ahead of the clock.
//!
//! Events never move event time beyond the clock. But if the clock itself was ahead for a while, as on a
//! machine that starts with a wrong time, event time is ahead as well, and it never goes back: until the
//! clock has caught up, every event is late for short windows. Since the job works otherwise, it reports this
//! itself: in the log, and in its view for `/readyz`, `weir jobs list` and the pages.

use engine::execution::source_vertex;
use jiff::tz::TimeZone;
use sql::functions::zone::WallClock;
use sql::plan::Pipeline;
use types::{DataType, Interval, Timestamp};

use super::JobMaster;

/// The maximum difference between properly set clocks, in ms.
const TOLERATED: i64 = 60_000;

impl JobMaster {
    /// Updates the job's view, and logs a change. `max_future` says how far events may be ahead of the clock;
    /// if that has no limit, nothing is reported.
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
            // A table that was read to its end has the maximum watermark.
            let watermark =
                watermarks.filter(|&watermark| watermark != i64::MAX && watermark != i64::MIN).max()?;
            Some(watermark.saturating_sub(local(pipeline, &self.plan.settings.time_zone, now)))
        });
        // Before the first event of an attempt the value is unknown, so the previous report remains.
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
                tracing::info!(%job_id, job, "the clock has caught up with event time");
                life.time_ahead = None;
            }
            (None, None) => {}
        }
    }
}

/// Returns the time of the clock on the scale of a table's event time, which may be the session's wall clock.
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
        "has an event time that is {minutes} min ahead of the clock, probably because the clock was wrong: until \
         {until}, events are late for windows that end before; `weir up --afresh` counts them now by reading the log \
         from its beginning"
    )
}
