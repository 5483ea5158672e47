//! Logs: to stderr, for people on a terminal or as JSON lines for a collector.

use std::io::{IsTerminal as _, stderr};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use server::flink::LogTail;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One line for people, in colours where stderr is a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// As it is written in settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LogFormat::Human => "human",
            LogFormat::Json => "json",
        }
    }
}

/// Which lines are written: `info`, or `warn,engine=debug`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// What commands log unless told otherwise.
    pub(crate) fn info() -> LogFilter {
        LogFilter("info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<LogFilter, String> {
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(LogFilter(text.to_owned())),
            Err(error) => {
                Err(format!("`{text}` is not a log filter such as `info` or `warn,engine=debug`: {error}"))
            }
        }
    }
}

impl TryFrom<String> for LogFilter {
    type Error = String;

    fn try_from(text: String) -> Result<LogFilter, String> {
        text.parse()
    }
}

/// Starts logging for the whole process. To be called once. `tail` is given each line too, for people.
pub(crate) fn start(filter: &LogFilter, format: LogFormat, tail: Option<Arc<LogTail>>) -> anyhow::Result<()> {
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let lines = match format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let kept = tail.map(|tail| fmt::layer().with_writer(tail).with_ansi(false));
    let filter = EnvFilter::try_new(&filter.0)?;
    tracing_subscriber::registry().with(filter).with(lines).with(kept).try_init()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_checked_before_it_is_used() {
        assert!("warn,engine=debug".parse::<LogFilter>().is_ok());
        assert!("engine=loud".parse::<LogFilter>().unwrap_err().contains("engine=loud"));
    }
}
