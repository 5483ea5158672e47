//! `SET 'key' = 'value'`: the meaning of each key, and findings about keys without a meaning.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use types::Interval;

use crate::error::{Diagnostic, DiagnosticKind, cut, did_you_mean, is_control};
use crate::parse::ast::Text;
use crate::plan::{Lengths, NotNull, Settings, SinkRules, Updates};
use crate::rules::{Rule, Rules};

/// Keys that this crate reads.
pub(crate) const KNOWN: &[&str] = &[
    "pipeline.name",
    "table.local-time-zone",
    "parallelism.default",
    "table.exec.source.idle-timeout",
    "table.exec.sink.not-null-enforcer",
    "table.exec.sink.type-length-enforcer",
    "table.exec.legacy-cast-behaviour",
    "table.exec.mini-batch.enabled",
    "table.column-expansion-strategy",
    "table.exec.async-lookup.buffer-capacity",
    "table.exec.async-lookup.timeout",
    "table.sql-dialect",
    "weir.allowed-lateness",
    "weir.early-fire",
    "weir.max-future",
    "weir.memory",
    "weir.optimizer.disabled-rules",
];

/// Smallest `weir.memory`: with less, a job would wait for memory before it reads any event.
const LEAST_MEMORY: u64 = 16 << 20;

/// Prefixes of keys that are kept for the job runner: checkpoints, state and restarts.
const KEPT: &[&str] = &["execution.checkpointing.", "state.", "restart-strategy."];

/// Prefixes of Flink's keys for features that do not exist here.
const MEANINGLESS: &[&str] = &[
    "table.",
    "pipeline.",
    "execution.",
    "sql-client.",
    "sql-gateway.",
    "taskmanager.",
    "jobmanager.",
    "rest.",
    "web.",
    "metrics.",
    "cluster.",
    "high-availability.",
    "io.",
    "security.",
    "env.",
    "yarn.",
    "kubernetes.",
    "client.",
    "akka.",
    "pekko.",
    "heartbeat.",
    "slot.",
    "task.",
    "parallelism.",
    "python.",
    "classloader.",
    "resourcemanager.",
    "job-result-store.",
    "historyserver.",
    "fs.",
    "blob.",
    "process.",
];

/// Returns whether a `SET` of this key changes how a script runs, as far as this crate knows.
pub(crate) fn matters(key: &str) -> bool {
    KNOWN.contains(&key)
        || key.starts_with("weir.")
        || key.starts_with("restart-strategy")
        || key == "execution.runtime-mode"
        || KEPT.iter().any(|prefix| key.starts_with(prefix))
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            name: None,
            time_zone: TimeZone::UTC,
            parallelism: None,
            idle_timeout: None,
            allowed_lateness: Interval::ZERO,
            early_fire: None,
            max_future: None,
            memory: None,
            sink_rules: SinkRules::default(),
            state_ttl: None,
            lookup_capacity: None,
            lookup_timeout: None,
            updates: Updates::default(),
            rules: Rules::default(),
            all: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Returns whether the script sets how many changes operators emit.
    pub(crate) fn says_updates(&self) -> bool {
        self.all.contains_key("table.exec.mini-batch.enabled")
    }

    /// Applies one `SET`; the last one for a key wins.
    pub(crate) fn set(&mut self, key: &Text, value: &Text, diagnostics: &mut Vec<Diagnostic>) {
        let found = match key.value.as_str() {
            "pipeline.name" => job_name(value).map(|name| self.name = Some(name)),
            "table.local-time-zone" => time_zone(value).map(|zone| self.time_zone = zone),
            "parallelism.default" => parallelism(value).map(|n| self.parallelism = Some(n)),
            "table.exec.source.idle-timeout" => duration(value).map(|d| self.idle_timeout = Some(d)),
            "table.exec.sink.not-null-enforcer" => {
                let words = [("ERROR", NotNull::Error), ("DROP", NotNull::Drop)];
                word(value, &words).map(|rule| self.sink_rules.not_null = rule)
            }
            "table.exec.sink.type-length-enforcer" => {
                let words =
                    [("IGNORE", Lengths::Ignore), ("TRIM_PAD", Lengths::TrimPad), ("ERROR", Lengths::Error)];
                word(value, &words).map(|rule| self.sink_rules.lengths = rule)
            }
            "table.exec.legacy-cast-behaviour" => word(value, &[("DISABLED", ())]),
            "table.column-expansion-strategy" => word(value, &[("", ())]),
            "table.sql-dialect" => word(value, &[("DEFAULT", ())]),
            "table.exec.state.ttl" => {
                duration(value).map(|ttl| self.state_ttl = Some(ttl).filter(|ttl| ttl.0 > 0))
            }
            "table.exec.async-lookup.buffer-capacity" => {
                capacity(value).map(|rows| self.lookup_capacity = Some(rows))
            }
            "table.exec.async-lookup.timeout" => {
                duration(value).map(|timeout| self.lookup_timeout = Some(timeout))
            }
            "table.exec.sink.require-on-conflict" => word(value, &[("true", ()), ("false", ())]),
            "table.exec.mini-batch.enabled" => {
                let words = [("true", Updates::PerBatch), ("false", Updates::PerRow)];
                word(value, &words).map(|updates| self.updates = updates)
            }
            "weir.allowed-lateness" => duration(value).map(|d| self.allowed_lateness = d),
            "weir.early-fire" => early_fire(value).map(|pause| self.early_fire = pause),
            "weir.max-future" => duration(value).map(|d| self.max_future = Some(d)),
            "weir.optimizer.disabled-rules" => rules(value).map(|rules| self.rules = rules),
            "weir.memory" => memory(value).map(|bytes| self.memory = Some(bytes)),
            other => self.other(other, key, value, diagnostics),
        };

        match found {
            Ok(()) => {
                self.all.insert(key.value.clone(), value.value.clone());
                self.places.insert(key.value.clone(), value.span);
            }
            Err(error) => diagnostics.push(*error),
        }
    }

    /// Handles keys that this crate does not read.
    fn other(
        &self,
        name: &str,
        key: &Text,
        value: &Text,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<(), Box<Diagnostic>> {
        if name.starts_with("weir.") {
            let mut error = Diagnostic::error(key.span, format!("there is no setting `{name}`"));
            error.hint = did_you_mean(name, KNOWN.iter().copied());
            return Err(Box::new(error));
        }

        if name == "execution.runtime-mode" && !value.value.eq_ignore_ascii_case("streaming") {
            let error = Diagnostic::error(value.span, "only the runtime mode `streaming` is supported");
            return Err(Box::new(
                error.with_hint("a bounded source is read to its end, and then every window closes"),
            ));
        }

        if KEPT.iter().any(|prefix| name.starts_with(prefix)) || name == "restart-strategy" {
            let is_time = ["interval", "timeout", "min-pause", "delay"].iter().any(|end| name.ends_with(end));
            return if is_time { duration(value).map(|_| ()) } else { Ok(()) };
        }

        if name == "execution.runtime-mode" {
            return Ok(());
        }
        let hint = match name {
            _ if name.starts_with("table.exec.emit.early-fire") => {
                Some("early results: SET 'weir.early-fire' = '1 s'".to_owned())
            }
            _ if name.starts_with("table.exec.emit.") => {
                Some("late rows: SET 'weir.allowed-lateness' = '1 min'".to_owned())
            }
            _ => did_you_mean(name, KNOWN.iter().copied()),
        };

        let message = if MEANINGLESS.iter().any(|prefix| name.starts_with(prefix)) {
            format!("the setting `{name}` of Flink has no meaning here and is not used")
        } else {
            format!("the setting `{name}` is not known and is not used")
        };

        let mut notice = Diagnostic::notice(key.span, message).of_kind(DiagnosticKind::NotUsedHere);
        notice.hint = hint;
        diagnostics.push(notice);
        Ok(())
    }
}

/// Parses a keyword of a Flink setting, in any case. `words` lacks those values that would change rows in
/// unsupported ways.
fn word<T: Copy>(value: &Text, words: &[(&str, T)]) -> Result<T, Box<Diagnostic>> {
    let given = value.value.trim();
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<String> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
        let error = Diagnostic::error(value.span, format!("the value '{}' is not supported", cut(given)));
        Box::new(error.with_hint(format!("supported are {}", names.join(", "))))
    })
}

/// Returns the name of a job, which stands in logs and on terminals.
fn job_name(value: &Text) -> Result<String, Box<Diagnostic>> {
    let Some(c) = value.value.chars().find(|&c| is_control(c)) else { return Ok(value.value.clone()) };
    let message = format!("a job's name has no control characters, and this one has {}", c.escape_default());
    Err(Box::new(Diagnostic::error(value.span, message)))
}

fn time_zone(value: &Text) -> Result<TimeZone, Box<Diagnostic>> {
    let name = value.value.trim();
    // Besides IANA names, Java's spellings of a fixed offset are accepted.
    let offset = name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC")).unwrap_or(name);
    let zone = match offset {
        "" | "Z" => Some(TimeZone::UTC),
        _ if offset.starts_with(['+', '-']) => fixed_offset(offset),
        _ => TimeZone::get(name).ok(),
    };
    zone.ok_or_else(|| {
        let error = Diagnostic::error(value.span, format!("there is no time zone `{name}`"));
        Box::new(error.with_hint("an IANA name like `Asia/Ho_Chi_Minh`, `UTC`, or an offset like `+07:00`"))
    })
}

/// Parses `+7`, `+07` or `+07:00`.
fn fixed_offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = if let Some(rest) = text.strip_prefix('-') { (-1, rest) } else { (1, &text[1..]) };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let part = |s: &str, limit: i32| {
        let ok = !s.is_empty() && s.len() <= 2 && s.bytes().all(|b| b.is_ascii_digit());
        s.parse::<i32>().ok().filter(|v| ok && *v <= limit)
    };
    let seconds = part(hours, 18)? * 3600 + part(minutes, 59)? * 60;
    Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * seconds).ok()?))
}

fn parallelism(value: &Text) -> Result<u32, Box<Diagnostic>> {
    match value.value.trim().parse() {
        Ok(n) if (1..=32_768).contains(&n) => Ok(n),
        _ => {
            let error =
                Diagnostic::error(value.span, format!("'{}' is not a parallelism", cut(&value.value)));
            Err(Box::new(error.with_hint("a whole number from 1")))
        }
    }
}

/// Parses the names of rewrite rules to disable.
fn rules(value: &Text) -> Result<Rules, Box<Diagnostic>> {
    Rules::without(&value.value).map_err(|name| {
        let names: Vec<&str> = Rule::ALL.into_iter().map(Rule::name).collect();
        let mut error = Diagnostic::error(value.span, format!("there is no rewrite rule `{name}`"));
        error.hint = did_you_mean(name, names.iter().copied())
            .or_else(|| Some(format!("the rules are {}", names.join(", "))));
        Box::new(error)
    })
}

fn memory(value: &Text) -> Result<u64, Box<Diagnostic>> {
    parse_size(&value.value).filter(|bytes| *bytes >= LEAST_MEMORY).ok_or_else(|| {
        let error =
            Diagnostic::error(value.span, format!("'{}' is not an amount of memory", cut(&value.value)));
        Box::new(error.with_hint("from '16 MiB' on: '512 MiB', '4 GiB'"))
    })
}

/// Parses the pause between early results; `None` for `false`, `off` and `none`. Zero means no pause: every
/// batch of events that changes a window gives an early result.
fn early_fire(value: &Text) -> Result<Option<Interval>, Box<Diagnostic>> {
    if matches!(value.value.trim(), "false" | "off" | "none") {
        return Ok(None);
    }
    duration(value).map(Some)
}

/// Parses the number of rows that may wait.
pub(crate) fn capacity(value: &Text) -> Result<usize, Box<Diagnostic>> {
    value.value.trim().parse().ok().filter(|rows| (1..=1_000_000).contains(rows)).ok_or_else(|| {
        let error = Diagnostic::error(value.span, format!("'{}' is not a number of rows", cut(&value.value)));
        Box::new(error.with_hint("a whole number from 1 to 1000000, for example '1000'"))
    })
}

pub(crate) fn duration(value: &Text) -> Result<Interval, Box<Diagnostic>> {
    parse_duration(&value.value).ok_or_else(|| {
        let error = Diagnostic::error(value.span, format!("'{}' is not a duration", cut(&value.value)));
        Box::new(error.with_hint("a number and a unit: '100 ms', '5 s', '1 min', '2 h', '1 d'"))
    })
}

/// Parses a size as in Flink: an integer with a unit based on powers of 1,024 (`64 mb` is `64 MiB`), or bytes
/// without a unit.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "b" | "bytes" => 1,
        "k" | "kb" | "kib" | "kibibytes" => 1 << 10,
        "m" | "mb" | "mib" | "mebibytes" => 1 << 20,
        "g" | "gb" | "gib" | "gibibytes" => 1 << 30,
        "t" | "tb" | "tib" | "tebibytes" => 1 << 40,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(factor)
}

/// Parses a duration as in Flink: an integer with a unit, milliseconds without a unit, or ISO 8601 (`PT5S`).
pub fn parse_duration(text: &str) -> Option<Interval> {
    let text = text.trim();
    if text.starts_with(['P', 'p']) {
        let length: jiff::SignedDuration = text.parse().ok()?;
        return i64::try_from(length.as_millis()).ok().filter(|ms| *ms >= 0).map(Interval);
    }
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let count: i64 = count.parse().ok()?;
    let nanos: i64 = match unit.trim().to_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        _ => return None,
    };
    i64::try_from(i128::from(count) * i128::from(nanos) / 1_000_000).ok().map(Interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_flinks() {
        assert_eq!(parse_duration("5 s"), Some(Interval(5_000)));
        assert_eq!(parse_duration("1min"), Some(Interval(60_000)));
        assert_eq!(parse_duration("100"), Some(Interval(100)));
        assert_eq!(parse_duration("PT5S"), Some(Interval(5_000)));
        assert_eq!(parse_duration("5 fortnights"), None);
        assert_eq!(parse_duration("-5 s"), None);
    }

    #[test]
    fn sizes_are_flinks_and_ours() {
        assert_eq!(parse_size("512 MiB"), Some(512 << 20));
        assert_eq!(parse_size("4gb"), Some(4 << 30));
        assert_eq!(parse_size("100"), Some(100));
        assert_eq!((parse_size("some"), parse_size("-1 kb"), parse_size("1 pixel")), (None, None, None));
        let memory = |text: &str| memory(&Text { value: text.to_owned(), span: Default::default() });
        assert!(memory("16 MiB").is_ok() && memory("1 MiB").is_err() && memory("much").is_err());
    }

    #[test]
    fn early_results_may_come_without_a_pause_or_not_at_all() {
        let pause = |text: &str| early_fire(&Text { value: text.to_owned(), span: Default::default() }).ok();
        assert_eq!(pause("0 s"), Some(Some(Interval::ZERO)), "one after each batch");
        assert_eq!(pause("1 s"), Some(Some(Interval(1_000))));
        assert_eq!((pause("off"), pause("soon")), (Some(None), None));
    }

    #[test]
    fn a_name_of_a_job_has_no_control_characters() {
        let name = |text: &str| job_name(&Text { value: text.to_owned(), span: Default::default() });
        assert!(name("Câu hỏi 🙂").is_ok() && name("E\u{1b}[31m").is_err());
    }

    #[test]
    fn zones_are_names_or_offsets() {
        let zone = |name: &str| time_zone(&Text { value: name.to_owned(), span: Default::default() });
        assert!(zone("Asia/Ho_Chi_Minh").is_ok() && zone("GMT+07:00").is_ok() && zone("+7").is_ok());
        assert!(zone("Asia/Nowhere").is_err() && zone("+25:00").is_err());
    }
}
