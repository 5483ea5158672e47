//! What is found out before a system continues where another one stands. Nothing is started or stopped here.

use std::collections::BTreeMap;
use std::sync::Arc;

use connectors::flink::Trial;
use sql::plan::{Plan, SinkTable};
use types::{Clock, Interval, Offset, PartitionId, Timestamp};

use super::here::{Figures, Table, written};
use super::needs::{END, Needs};
use super::offsets::{KafkaSource, Short, Starts};
use super::{Problem, TakeOverArgs, interval};
use crate::cli::terminal::complain;

/// Weir's default of `jobs.max_future`.
const MARGIN: Interval = Interval(300_000);

/// A script and the job that it takes over.
pub(in crate::cli) struct Preparing<'a> {
    pub(in crate::cli) plan: &'a Plan,
    pub(in crate::cli) needs: &'a Needs,
    pub(in crate::cli) arguments: &'a TakeOverArgs,
}

/// Where a system continues.
#[derive(Debug)]
pub(in crate::cli) struct Prepared {
    pub(in crate::cli) trial: Trial,
    /// The cut on the wall clock.
    pub(in crate::cli) cut: i64,
    /// The job's name, if the script sets one.
    pub(in crate::cli) name: Option<String>,
    /// What would be short or could not be compared.
    pub(in crate::cli) obstacles: Vec<String>,
    /// What the user should know.
    pub(in crate::cli) remarks: Vec<String>,
}

impl Prepared {
    /// Tells what was found, and returns whether the take-over may begin.
    pub(in crate::cli) fn may_go_on(&self, anyway: bool) -> bool {
        self.remarks.iter().for_each(|remark| complain(remark));
        for obstacle in &self.obstacles {
            complain(&format!("warning: {obstacle}"));
        }
        if self.obstacles.is_empty() || anyway {
            return true;
        }
        complain("nothing was started or stopped; --anyway takes over nevertheless");
        false
    }
}

impl Preparing<'_> {
    /// Returns what prevents a take-over, if a table is both read and written: a trial would read its own rows.
    fn read_and_written(&self) -> Option<Problem> {
        let is_read =
            |sink: &SinkTable| self.plan.pipelines.iter().any(|pipeline| pipeline.source.name == sink.name);
        let table = &self.plan.sinks.iter().find(|sink| is_read(sink))?.name;
        Some(Problem::Refused(format!(
            "the script reads and writes table `{table}`: a job cannot move that feeds itself"
        )))
    }

    /// Checks that a job of Weir reads the tables of the script, in Kafka.
    pub(in crate::cli) fn check_sources(&self, figures: &Figures) -> Result<(), Problem> {
        let refused = |why: String| Err(Problem::Refused(why));
        for pipeline in self.plan.pipelines.iter().filter(|pipeline| pipeline.source.rows.is_none()) {
            let table = &pipeline.source.name;
            let Some(source) = figures.sources.iter().find(|source| source.table == *table) else {
                return refused(format!(
                    "job {} does not read a table `{table}`, as the script does",
                    figures.name
                ));
            };
            match source.brokers.as_deref().map(str::trim) {
                Some("embedded") | None => {
                    return refused(format!(
                        "job {} reads `{table}` from Weir's own log, which no other system can read: a job can only move if \
                         its events are in Kafka",
                        figures.name
                    ));
                }
                Some(_) => {}
            }
            let topic = pipeline.source.options.entries.get("topic").map(|option| option.value.as_str());
            if source.topic.as_deref() != topic {
                let (theirs, ours) = (source.topic.as_deref().unwrap_or("none"), topic.unwrap_or("none"));
                return refused(format!(
                    "job {} reads `{table}` from topic `{theirs}`, and the script from `{ours}`",
                    figures.name
                ));
            }
        }
        Ok(())
    }

    /// Checks that a job of Weir has the script's result tables, and returns them by their names in the script.
    pub(in crate::cli) fn check_tables(
        &self,
        tables: Vec<Table>,
    ) -> Result<BTreeMap<String, Table>, Problem> {
        let mut found = BTreeMap::new();
        for sink in self.plan.sinks.iter().filter(|sink| option(sink, "connector") == "redis") {
            let name = sink.name.split('#').next().unwrap_or_default();
            let matching = tables.iter().find(|table| base(&table.name) == name);
            let Some(table) = matching else {
                return Err(Problem::Refused(format!(
                    "the running job has no result table `{name}`, as the script has"
                )));
            };
            if let Some(why) = difference(sink, table) {
                return Err(Problem::Refused(format!(
                    "table `{name}` differs from that of the running job: {why}"
                )));
            }
            found.insert(name.to_owned(), table.clone());
        }

        let more = tables.iter().find(|table| !found.contains_key(base(&table.name)));
        match more {
            Some(table) => Err(Problem::Refused(format!(
                "the running job writes table `{}`, and the script does not: its rows would end",
                base(&table.name)
            ))),
            None => Ok(found),
        }
    }

    /// Finds the offsets at which a system continues, if the other one has closed all windows up to `watermark`.
    pub(in crate::cli) fn prepare(
        &self,
        watermark: i64,
        clock: &Arc<dyn Clock>,
    ) -> Result<Prepared, Problem> {
        if let Some(problem) = self.read_and_written() {
            return Err(problem);
        }
        let cut = self.needs.scale.closed(watermark);
        // Late events correct windows that have closed, which have to be whole for that.
        let late = self.plan.settings.allowed_lateness;
        let from = self.needs.from(cut.saturating_sub(late.0), interval(self.arguments.longest_session));
        let mut prepared = Prepared {
            trial: Trial::default(),
            cut,
            name: self.plan.settings.all.get("pipeline.name").cloned(),
            obstacles: self.obstacles(),
            remarks: vec![format!(
                "windows that end after {} are taken over; the oldest of them begins at {}",
                written(cut),
                written(from)
            )],
        };
        if self.needs.has_sessions() {
            prepared.remarks.push(
                "nobody knows when open sessions have begun: none is taken to be longer than --longest-session".to_owned(),
            );
        }

        let time = Timestamp(self.needs.scale.event_time(from));
        let margin = self.margin()?;
        for pipeline in self.plan.pipelines.iter().filter(|pipeline| pipeline.source.rows.is_none()) {
            match option_of(&pipeline.source.options, "connector") {
                "kafka" => {}
                // Its rows are those of the whole topic, whatever comes later.
                "upsert-kafka" => continue,
                other => {
                    let (table, message) =
                        (&pipeline.source.name, "only tables in Kafka can be read by two systems");
                    return Err(Problem::Refused(format!(
                        "table `{table}` has the connector `{other}`: {message}"
                    )));
                }
            }
            let source = KafkaSource::open(&pipeline.source, clock.clone())?;
            let is_whole = self.needs.read_whole.contains(&source.table);
            let starts = if is_whole { source.beginning()? } else { source.at(time, margin)? };
            prepared.obstacles.extend(starts.short.iter().map(|short| self.short(&source, short, from)));
            prepared.remarks.push(format!("{} is read from {}", source.table, listed(&starts)));
            prepared.trial.starts.insert(source.table.clone(), starts.offsets);
        }
        Ok(prepared)
    }

    fn margin(&self) -> Result<Interval, Problem> {
        match (self.arguments.margin, self.plan.settings.max_future) {
            (Some(given), _) => Ok(interval(given)),
            (None, Some(Interval(0))) => Err(Problem::Refused(
                "the script takes events from any future (weir.max-future is 0): say with --margin DURATION how far an event's time \
                 may be ahead of its record's"
                    .to_owned(),
            )),
            (None, max_future) => Ok(max_future.unwrap_or(MARGIN)),
        }
    }

    /// Returns what prevents a take-over wherever the log begins.
    fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        for sink in &self.plan.sinks {
            let table = sink.name.split('#').next().unwrap_or_default();
            let why = match (option(sink, "connector"), self.needs.unbounded.get(table)) {
                ("redis", _) if self.needs.compared.contains(table) => continue,
                ("print" | "blackhole", _) => continue,
                ("redis", Some(operation)) => {
                    format!("its rows depend on more events than those of a window ({operation})")
                }
                ("redis", None) if self.needs.without_end.iter().any(|of| of == table) => {
                    format!("it has no column `{END}`")
                }
                ("redis", None) => "its rows come from no window".to_owned(),
                (connector, _) => {
                    format!("only `redis` tables are compared, and it has the connector `{connector}`")
                }
            };
            obstacles.push(format!("table `{table}` cannot be compared: {why}"));
        }
        for (table, operation) in &self.needs.unbounded {
            let unread = self.needs.read_whole.iter().find(|source| !self.starts_at_beginning(source));
            if let Some(source) = unread {
                obstacles.push(format!(
                    "table `{table}` counts all events since its job was started ({operation}), and `{source}` was not read from its \
                     beginning"
                ));
            }
        }
        obstacles
    }

    fn starts_at_beginning(&self, table: &str) -> bool {
        let pipeline = self.plan.pipelines.iter().find(|pipeline| pipeline.source.name == table);
        pipeline.is_some_and(|pipeline| {
            let options = &pipeline.source.options;
            let is_upsert = option_of(options, "connector") == "upsert-kafka";
            is_upsert || option_of(options, "scan.startup.mode") == "earliest-offset"
        })
    }

    fn short(&self, source: &KafkaSource, short: &Short, from: i64) -> String {
        let (table, partition, first) = (&source.table, short.partition.0, short.first.0);
        let of = match self.needs.read_whole.contains(table) {
            true => "all records since the topic's beginning".to_owned(),
            false => format!("the events from {} on", written(from)),
        };
        let holds = match short.time {
            Some(Timestamp(time)) => format!(
                "partition {partition} holds records from {} on (offset {first}): rows of windows that begin before would be short",
                jiff::Timestamp::from_millisecond(time).unwrap_or_default()
            ),
            None => format!(
                "partition {partition} holds no record any more (its next offset is {first}): rows would be short"
            ),
        };
        format!("table `{table}` needs {of}, and {holds}")
    }
}

/// Returns what a table of the script and that of the running job differ in.
fn difference(sink: &SinkTable, table: &Table) -> Option<String> {
    let key = option(sink, "key");
    if key != table.key {
        return Some(format!("its key is `{key}`, and there `{}`", table.key));
    }
    let ours: Vec<(String, String)> =
        sink.columns.iter().map(|column| (column.name.clone(), column.column_type.to_string())).collect();
    let theirs: Vec<(String, String)> =
        table.columns.iter().map(|column| (column.name.clone(), column.sql_type.clone())).collect();
    let shown = |(name, sql_type): &(String, String)| format!("`{name}` {sql_type}");
    if let Some((ours, theirs)) = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs) {
        return Some(format!("it has the column {}, and there {}", shown(ours), shown(theirs)));
    }
    (ours.len() != theirs.len()).then(|| format!("it has {} columns, and there {}", ours.len(), theirs.len()))
}

/// Returns the name in SQL of a table that shares it with another: `clicks` of `clicks@1f0c3a77`.
pub(in crate::cli) fn base(name: &str) -> &str {
    name.split(['@', '#']).next().unwrap_or(name)
}

fn option<'a>(sink: &'a SinkTable, key: &str) -> &'a str {
    option_of(&sink.options, key)
}

fn option_of<'a>(options: &'a sql::plan::TableOptions, key: &str) -> &'a str {
    options.entries.get(key).map_or("", |option| option.value.as_str())
}

fn listed(starts: &Starts) -> String {
    let each = |(partition, offset): &(PartitionId, Offset)| {
        format!("offset {} of partition {}", offset.0, partition.0)
    };
    starts.offsets.iter().map(each).collect::<Vec<_>>().join(", ")
}
