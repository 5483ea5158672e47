//! `weir generate`: sends realistic events to a running Weir, or writes them to a file.

mod deliver;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use types::Clock;

use super::client::ClientArgs;
use super::{Failure, Outcome};
use crate::generate::{Options, Shapes, TimeForms};
use crate::shutdown::Shutdown;

const FIRST_EVENT: &str = "2025-12-09T11:30:00";
const EVENTS_INTO_A_FILE: u64 = 1_000_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL to post the events to
    #[arg(long, default_value = "http://127.0.0.1:8000/events", conflicts_with = "output")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    /// Write the events into a file instead, one per line; `-` is stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Events per second: of wall-clock time to a URL, of event time into a file
    #[arg(long, value_name = "N", default_value_t = 1000.0, value_parser = positive)]
    rate: f64,
    /// Number of events [default: unlimited to a URL, 1000000 into a file]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Seed of the generator; the same seed gives the same events
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Time of the first event, as in 2025-12-09T11:30:00 or with an offset. Events to a URL then follow from
    /// this time at --rate, as fast as the server accepts them [default: now to a URL, 2025-12-09T11:30:00
    /// into a file]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Move each event's time back by up to this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = not_negative)]
    out_of_order: f64,
    /// Share of lines that no analytic can use: malformed, without an id, without a time
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = fraction)]
    bad: f64,
    /// Number of users
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// Number of different questions
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    texts: u32,
    /// Number of departments
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    departments: u32,
    /// Write times in all four forms: with and without a fraction, `Z` and +07:00
    #[arg(long)]
    mixed_times: bool,
    /// Write all other input that readers must accept: fractions for integers, missing objects, unknown
    /// fields, escapes
    #[arg(long)]
    awkward: bool,
    /// Time zone of times without an offset
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: TimeZone,
    /// Events per request
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Number of concurrent requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    /// How long to retry an unreachable server
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    retry_for: u64,
}

pub(super) fn run(
    arguments: Arguments,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<Outcome, Failure> {
    let start = arguments.start.as_deref().map(|text| moment(text, &arguments.time_zone)).transpose();
    let start = start.map_err(Failure::usage)?;
    let options = options(&arguments);

    match &arguments.output {
        Some(path) => {
            let first = moment(FIRST_EVENT, &arguments.time_zone).map_err(Failure::failed)?;
            let job = write::Job {
                path: path.clone(),
                count: arguments.count.unwrap_or(EVENTS_INTO_A_FILE),
                start_us: start.unwrap_or(first),
                events_per_second: arguments.rate,
            };
            write::run(&job, options, &*clock, &shutdown)
        }
        None => {
            let job = deliver::Job {
                url: arguments.url,
                client: arguments.client,
                count: arguments.count,
                backfill_from_us: start,
                events_per_second: arguments.rate,
                batch: u64::from(arguments.batch),
                connections: arguments.connections as usize,
                retry_for: Duration::from_secs(arguments.retry_for),
            };
            deliver::run(&job, options, clock, shutdown)
        }
    }
}

fn options(arguments: &Arguments) -> Options {
    Options {
        seed: arguments.seed,
        users: arguments.users as usize,
        departments: arguments.departments as usize,
        texts: arguments.texts as usize,
        out_of_order_us: (arguments.out_of_order * 1e6) as i64,
        bad: arguments.bad,
        times: if arguments.mixed_times { TimeForms::Mixed } else { TimeForms::One },
        shapes: if arguments.awkward { Shapes::Awkward } else { Shapes::Plain },
        zone: arguments.time_zone.clone(),
    }
}

/// Returns a progress bar, which is visible only on a terminal.
fn bar(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} events  {per_sec}  {eta} left");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Parses a time into microseconds since 1970 UTC.
fn moment(text: &str, zone: &TimeZone) -> anyhow::Result<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let wall: DateTime = text
        .parse()
        .map_err(|_| anyhow::anyhow!("--start: `{text}` is not a time such as 2025-12-09T11:30:00"))?;
    Ok(wall.to_zoned(zone.clone())?.timestamp().as_microsecond())
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "unknown time zone; an example is `Asia/Ho_Chi_Minh`".to_owned())
}

fn number(text: &str, is_allowed: fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && is_allowed(*value));
    value.ok_or_else(|| format!("not {wanted}"))
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "a number greater than 0")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "a number of at least 0")
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}
