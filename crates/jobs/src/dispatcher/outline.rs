//! An outline of what a job does, for the user who has just submitted it.

use connectors::event_log::{EventLogOptions, Reset, Startup, Topics};
use connectors::{SourceOptions, source_options};
use sql::plan::Plan;
use storage::log::Logs;

use super::Dispatcher;
use crate::master::JobMaster;

/// One line for each table that a job reads, and for each of its queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Table, topic, location of the topic, and start position.
    pub sources: Vec<String>,
    /// Query, window, key columns, and sinks.
    pub queries: Vec<String>,
}

impl Dispatcher {
    /// Returns an outline of what a job does.
    pub fn outline(&self, job: &JobMaster) -> Outline {
        Outline::of(job.plan(), &self.environment.logs)
    }
}

impl Outline {
    pub(crate) fn of(plan: &Plan, logs: &Logs) -> Outline {
        let sources = plan.pipelines.iter().filter_map(|pipeline| {
            let Ok(SourceOptions::EventLog(options)) = source_options(&pipeline.source) else { return None };
            let (table, topics) = (&pipeline.source.name, topics(&options.topics));
            let place = logs.place(&options.properties);
            Some(format!("source {table}: {topics} of {place}, {}", beginning(&options)))
        });
        let queries = plan.pipelines.iter().flat_map(|pipeline| {
            pipeline.queries.iter().map(|query| {
                format!("query {}: {}", query.name, sql::explain::summary(pipeline, query, &plan.sinks))
            })
        });
        Outline { sources: sources.collect(), queries: queries.collect() }
    }
}

fn topics(topics: &Topics) -> String {
    match topics {
        Topics::Named(names) if names.len() == 1 => format!("topic {}", names[0]),
        Topics::Named(names) => format!("topics {}", names.join(", ")),
        Topics::Matching(pattern) => format!("topics that match {pattern}"),
    }
}

fn beginning(options: &EventLogOptions) -> String {
    let group = options.properties.get("group.id").map_or("its group", String::as_str);
    match &options.startup {
        Startup::Earliest => "from the earliest record".to_owned(),
        Startup::Latest => "from new records".to_owned(),
        Startup::Group { otherwise: Reset::Earliest } => {
            format!("from the committed offsets of {group}, or else from the earliest record")
        }
        Startup::Group { otherwise: Reset::Latest } => {
            format!("from the committed offsets of {group}, or else from new records")
        }
        Startup::Time(time) => format!("from the first record at or after {} ms since 1970", time.0),
        Startup::At(offsets) => format!("from the given offsets of {} partitions", offsets.len()),
    }
}
