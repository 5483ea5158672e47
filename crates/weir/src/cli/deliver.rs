//! `weir deliver`: writes results topics of a Flink cluster to the result store of a running Weir.
//!
//! The header of a topic's newest record declares its table. `connectors::flink` makes a script of the declarations, which the
//! running Weir takes as a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use connectors::flink::{Delivered, delivery};
use serde_json::json;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use types::Clock;

use super::rest::{JobManager, ManagerArgs};
use super::run::submit;
use super::terminal::print;
use super::{Failure, Outcome};
use crate::results_topics::{JOB, declared};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Results topics, as `weir submit` prints them; each has a record at least
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// Brokers of the topics
    #[arg(long, value_name = "BROKERS", env = "KAFKA_BROKER_URL")]
    brokers: String,
    /// Property of the Kafka client, such as `security.protocol=SSL`; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = super::submit::setting)]
    properties: Vec<(String, String)>,
    /// Name of the job
    #[arg(long, default_value = JOB)]
    name: String,
    /// Running job to replace, by name or id: after a script with other tables was submitted to Flink
    #[arg(long, value_name = "JOB")]
    replace: Option<String>,
    /// Print the script of the job, without starting it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    manager: ManagerArgs,
}

pub(super) fn run(arguments: &Arguments, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    let properties: BTreeMap<String, String> = arguments.properties.iter().cloned().collect();
    let settings = KafkaSettings::new(&arguments.brokers, &properties).map_err(Failure::usage)?;
    let log = KafkaLog::open(KafkaOptions::new(settings), clock).map_err(Failure::external)?;
    let delivered = arguments.topics.iter().map(|topic| declared(&log, topic));
    let delivered = delivered.map(|found| found.map_err(|error| Failure::of(error.domain(), error)));
    let delivered = delivered.collect::<Result<Vec<Delivered>, Failure>>()?;

    let mut client = vec![("properties.bootstrap.servers".to_owned(), arguments.brokers.clone())];
    client.extend(properties.into_iter().map(|(key, value)| (format!("properties.{key}"), value)));
    let script = delivery(&arguments.name, &delivered, &client).map_err(Failure::failed)?;
    if arguments.dry_run {
        print(script.trim_end())?;
        return Ok(Outcome::Done);
    }

    let manager = JobManager::patient(&arguments.manager)?;
    let body = json!({
        "script": script, "name": arguments.name, "file": "results topics", "variables": {},
        "from": null, "replace": arguments.replace, "dry_run": false,
    });
    submit(&manager, &body)
}
