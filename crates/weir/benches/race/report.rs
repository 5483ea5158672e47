//! The figures of the race: medians of the runs, as text for people and for the picture.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::Kind;

/// The figures of one run of an engine.
#[derive(Clone, Debug)]
pub struct Run {
    pub kind: Kind,
    pub events_per_cpu_second: f64,
    pub wall: Duration,
    pub peak_mb: u64,
    pub latencies: [Duration; 3],
    pub first_result: Duration,
    pub cold_start: Duration,
    pub cold_first_result: Duration,
    pub recovery: Duration,
}

/// A figure that is compared.
pub struct Figure {
    pub name: &'static str,
    unit: Unit,
    /// Whether the engine with more of it is the better one.
    is_gain: bool,
    /// Returns the figure of a run, in its unit.
    of: fn(&Run) -> f64,
    /// Its title in the picture, if it is there.
    pub panel: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Megabytes,
    Seconds,
}

pub const FIGURES: [Figure; 10] = [
    Figure {
        name: "events per CPU second, draining waiting events",
        unit: Unit::Count,
        is_gain: true,
        of: |run| run.events_per_cpu_second,
        panel: Some("events per CPU second"),
    },
    Figure {
        name: "the same: submission to the last row",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.wall.as_secs_f64(),
        panel: None,
    },
    Figure {
        name: "peak resident memory",
        unit: Unit::Megabytes,
        is_gain: false,
        of: |run| run.peak_mb as f64,
        panel: Some("peak memory"),
    },
    Figure {
        name: "a window may close to its rows in the topic, 1,000 events/s: p50",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.latencies[0].as_secs_f64(),
        panel: Some("latency of a window, p50"),
    },
    Figure {
        name: "the same: p95",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.latencies[1].as_secs_f64(),
        panel: None,
    },
    Figure {
        name: "the same: p99",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.latencies[2].as_secs_f64(),
        panel: Some("latency of a window, p99"),
    },
    Figure {
        name: "submission to the first result of waiting events, engine up and warm",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.first_result.as_secs_f64(),
        panel: None,
    },
    Figure {
        name: "start of the processes until they accept a script",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.cold_start.as_secs_f64(),
        panel: None,
    },
    Figure {
        name: "start of the processes to the first result of waiting events",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.cold_first_result.as_secs_f64(),
        panel: Some("cold start to first result"),
    },
    Figure {
        name: "kill -9 at 1,000 events/s to the next result",
        unit: Unit::Seconds,
        is_gain: false,
        of: |run| run.recovery.as_secs_f64(),
        panel: Some("kill -9 to next result"),
    },
];

impl Figure {
    /// Returns the median over the runs of an engine. There must be at least one.
    pub fn median(&self, runs: &[Run], kind: Kind) -> f64 {
        let mut values: Vec<f64> = runs.iter().filter(|run| run.kind == kind).map(self.of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    pub fn is_gain(&self) -> bool {
        self.is_gain
    }

    /// Returns by which factor Weir is better.
    fn ratio(&self, runs: &[Run]) -> f64 {
        let (weir, flink) = (self.median(runs, Kind::Weir), self.median(runs, Kind::Flink));
        if self.is_gain { weir / flink } else { flink / weir }
    }

    pub fn text(&self, value: f64) -> String {
        match self.unit {
            Unit::Count => thousands(value.round() as u64),
            Unit::Megabytes => format!("{} MB", thousands(value.round() as u64)),
            Unit::Seconds if value < 0.01 => format!("{:.1} ms", value * 1e3),
            Unit::Seconds if value < 1.0 => format!("{:.0} ms", value * 1e3),
            Unit::Seconds => format!("{value:.1} s"),
        }
    }
}

/// Returns the table of all figures in Markdown.
pub fn table(runs: &[Run]) -> String {
    let mut text = format!(
        "| | {} | {} 2.3.0 | ratio |\n| --- | --- | --- | --- |\n",
        Kind::Weir.name(),
        Kind::Flink.name()
    );
    for figure in &FIGURES {
        let cells = Kind::ALL.map(|kind| {
            let median = figure.text(figure.median(runs, kind));
            let mut values: Vec<f64> = runs.iter().filter(|run| run.kind == kind).map(figure.of).collect();
            values.sort_by(f64::total_cmp);
            match values[..] {
                [least, .., most] => format!("{median} ({} to {})", figure.text(least), figure.text(most)),
                _ => median,
            }
        });
        let _ =
            writeln!(text, "| {} | {} | {} | {:.1} |", figure.name, cells[0], cells[1], figure.ratio(runs));
    }
    text
}

/// What was run and where.
pub struct Race {
    pub events: u64,
    pub runs: usize,
    /// Load average of the machine before the race.
    pub load: String,
}

impl Race {
    /// Returns the race and the machine in a line.
    pub fn in_a_line(&self) -> String {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches([' ', '\t', ':']).trim_end_matches(" kB").trim().to_owned()
        };

        let kilobytes: u64 = field(&read("/proc/meminfo"), "MemTotal").parse().unwrap_or_default();
        let runs = match self.runs {
            1 => "one run of each engine".to_owned(),
            runs => format!("medians of {runs} runs of each engine"),
        };
        format!(
            "{} events, {runs}; {} cores ({}), {} GB of memory",
            thousands(self.events),
            std::thread::available_parallelism().map_or(1, usize::from),
            field(&read("/proc/cpuinfo"), "model name"),
            kilobytes.div_ceil(1 << 20)
        )
    }

    /// Returns the same with the date and the load of the machine.
    pub fn in_full(&self, rows: usize) -> String {
        format!(
            "{} (least to most in brackets), load average {} before the race, {}. All drains gave the same {} rows.",
            self.in_a_line(),
            self.load,
            Timestamp::now().strftime("%Y-%m-%d"),
            thousands(rows as u64)
        )
    }
}

/// Returns the machine's load average of the last minute.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
