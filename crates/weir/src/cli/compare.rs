//! `weir compare`: compares the result rows of two Redis servers, such as those of a running system and of Weir.
//!
//! Differences go to stdout as JSON lines, the numbers of each analytic to stderr. Nothing is written to either server.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use jiff::tz::TimeZone;
use server::compare::{self, Difference, Options, Side, Summary, Time, Tolerance};
use storage::store::{RedisOptions, RedisReader, StoreError};
use types::Clock;

use super::terminal::{complain, print};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Redis of the first system: `redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS
    #[arg(value_name = "OLD")]
    old: String,
    /// Redis of the second system
    #[arg(value_name = "NEW")]
    new: String,
    /// First end of windows: a time on the wall clock of the rows, a day, `now`, or back from now as `-15m`, `-2h`, `-7d`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Last end of windows
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Analytic to compare, such as `faculty`; may be repeated [default: all fifteen]
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Field that is not compared; may be repeated
    #[arg(long = "ignore", value_name = "FIELD")]
    ignored: Vec<String>,
    /// Share by which two numbers with a fraction may differ
    #[arg(long, value_name = "SHARE", default_value_t = Tolerance::default().relative, value_parser = share,
        allow_hyphen_values = true)]
    tolerance: f64,
    /// Time zone of the rows, for --since and --until that count back from now
    #[arg(long, value_name = "ZONE", env = "WEIR_TIME_ZONE", default_value = "UTC", value_parser = TimeZone::get)]
    time_zone: TimeZone,
    /// File of root certificates in PEM for `rediss://` [default: those of the system]
    #[arg(long, value_name = "FILE")]
    certificates: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    let time = |name: &str, text: &Option<String>| {
        match text {
        None => Ok(None),
        Some(text) => Time::parse(text, clock.now(), &arguments.time_zone).map(Some).ok_or_else(|| {
            Failure::usage(anyhow!(
                "--{name} is a time such as 2025-12-09T11:30:00, a day, `now`, or back from now as -15m, not `{text}`"
            ))
        }),
    }
    };
    let options = Options {
        since: time("since", &arguments.since)?,
        until: time("until", &arguments.until)?,
        tolerance: Tolerance { relative: arguments.tolerance, ..Tolerance::default() },
        ignored: arguments.ignored.clone(),
    };

    let old = arguments.reader(&arguments.old, &clock)?;
    let new = arguments.reader(&arguments.new, &clock)?;
    let mut total = Summary::default();
    complain(&row(
        "type",
        ["equal", "different", "only old", "only new", "open", "replaced"].map(str::to_owned),
    ));

    for kind in arguments.kinds()? {
        let before = rows(&old, kind, &options).with_context(|| format!("reading the old rows of {kind}"));
        let after = rows(&new, kind, &options).with_context(|| format!("reading the new rows of {kind}"));
        let (before, after) = (before.map_err(Failure::external)?, after.map_err(Failure::external)?);

        let mut printed = Ok(());
        let summary = compare::compare(before, after, &options, &mut |difference| {
            if printed.is_ok() {
                printed = show(&difference);
            }
        });
        printed?;
        complain(&numbers(kind, &summary));
        total.add(&summary);
    }

    complain(&numbers("all", &total));
    if total.equal + total.different + total.only_old + total.only_new + total.open == 0 {
        complain("neither store has rows of these analytics in this period");
        return Ok(Outcome::No);
    }
    Ok(if total.is_equal() { Outcome::Done } else { Outcome::No })
}

impl Arguments {
    fn reader(&self, url: &str, clock: &Arc<dyn Clock>) -> Result<RedisReader, Failure> {
        let certificates = self.certificates.as_ref().map(|path| {
            std::fs::read(path).with_context(|| format!("--certificates: reading {}", path.display()))
        });
        let certificates = certificates.transpose().map_err(Failure::usage)?;
        let options = RedisOptions { url: url.to_owned(), certificates, ..RedisOptions::default() };
        RedisReader::new(&options, clock.clone()).map_err(Failure::usage)
    }

    /// Returns the names of the analytics to compare.
    fn kinds(&self) -> Result<Vec<&'static str>, Failure> {
        let known = server::analytics_types();
        if self.types.is_empty() {
            return Ok(known);
        }
        let named = self.types.iter().map(|name| {
            known.iter().copied().find(|known| known == name).ok_or_else(|| {
                Failure::usage(anyhow!(
                    "--type: there is no analytic `{name}`; there are {}",
                    known.join(", ")
                ))
            })
        });
        named.collect()
    }
}

/// Reads the rows of an analytic.
fn rows(reader: &RedisReader, kind: &str, options: &Options) -> Result<Side, StoreError> {
    let side = Side::of(kind).zip(compare::prefix(kind));
    let (mut side, prefix) = side.expect("the names are those of the analytics");
    reader.scan(&prefix, &mut |entry| side.add(&entry, options))?;
    Ok(side)
}

fn show(difference: &Difference) -> Result<(), Failure> {
    let line = serde_json::to_string(difference).map_err(Failure::failed)?;
    print(&line)
}

fn numbers(name: &str, summary: &Summary) -> String {
    let Summary { equal, different, only_old, only_new, open, replaced } = *summary;
    row(name, [equal, different, only_old, only_new, open, replaced].map(|number| number.to_string()))
}

fn row(name: &str, cells: [String; 6]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>10}")).collect();
    format!("{name:<18}{}", cells.join(""))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if share.is_finite() && share >= 0.0 { Ok(share) } else { Err("not a share: 0, or more".to_owned()) }
}
