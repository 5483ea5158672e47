//! Logs to stderr, for people on a terminal or as JSON lines for a collector.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, stderr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Deserialize;
use server::flink::LogTail;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One line of text, in colours if stderr is a terminal
    Human,
    /// One JSON object per line
    Json,
}

impl LogFormat {
    /// Returns the name in settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LogFormat::Human => "human",
            LogFormat::Json => "json",
        }
    }
}

/// Selects the lines to write: `info`, or `warn,engine=debug`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// Returns the default filter of commands.
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

/// Destinations of lines besides stderr.
#[derive(Default)]
pub(crate) struct Sinks {
    /// Receives each line in the format for people.
    pub(crate) tail: Option<Arc<LogTail>>,
    /// Receives the lines of the audit log, whatever the filter is.
    pub(crate) audit: Option<File>,
}

/// Opens a file for audit lines that only its owner may read.
pub(crate) fn audit_file(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.with_context(|| format!("security.audit: {}", path.display()))
}

/// Starts logging for the whole process. Call once.
pub(crate) fn start(filter: &LogFilter, format: LogFormat, sinks: Sinks) -> anyhow::Result<()> {
    let Sinks { tail, audit } = sinks;
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let lines = match format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let kept = tail.map(|tail| fmt::layer().with_writer(tail).with_ansi(false));
    let filter = || EnvFilter::try_new(&filter.0);
    let (lines, kept) =
        (lines.with_filter(filter()?), kept.map(|kept| Ok::<_, anyhow::Error>(kept.with_filter(filter()?))));
    let only_audit = Targets::new().with_target("audit", Level::INFO);
    let audited = audit.map(|file| {
        fmt::layer().json().flatten_event(true).with_writer(Arc::new(file)).with_filter(only_audit)
    });
    tracing_subscriber::registry().with(lines).with(kept.transpose()?).with(audited).try_init()?;
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
