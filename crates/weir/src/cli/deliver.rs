//! `weir deliver`: writes results topics of a Flink cluster to the result store of a running Weir.
//!
//! The header of a topic's newest record declares its table. `connectors::flink` makes a script of the declarations, which the
//! running Weir takes as a job.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use connectors::flink::{DECLARATION_HEADER, Delivered, delivery};
use serde_json::json;
use storage::log::kafka::{KafkaLog, KafkaOptions, KafkaSettings};
use storage::log::{EventLog, Fetched, Polled, Span, Start, Wanted};
use types::{Clock, Offset, PartitionId, Timestamp};

use super::rest::{JobManager, ManagerArgs};
use super::run::submit;
use super::terminal::print;
use super::{Failure, Outcome};

/// Records at the end of a partition among which the newest declaration is looked for. The last offsets may hold marks of
/// transactions, which are no records.
const RECENT: u64 = 1_000;
/// Wait for a record that is known to be there.
const FETCH_WAIT: Duration = Duration::from_secs(10);
const FETCH_BYTES: usize = 1 << 20;

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
    #[arg(long, default_value = "deliver")]
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
    let delivered = arguments.topics.iter().map(|topic| newest(&log, topic));
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

/// Returns the header of the newest record of a topic.
fn newest(log: &KafkaLog, topic: &str) -> Result<Delivered, Failure> {
    let failed = |error: storage::log::LogError| Failure::of(error.domain(), error);
    let partitions = log.partitions(topic).map_err(failed)?;
    let partitions = partitions.ok_or_else(|| Failure::failed(anyhow!("there is no topic `{topic}`")))?;

    let mut newest: Option<(Timestamp, String)> = None;
    for partition in (0..partitions).map(PartitionId) {
        let bounds = log.bounds(topic, partition).map_err(failed)?;
        let start = Offset(bounds.first.0.max(bounds.next.0.saturating_sub(RECENT)));
        if start >= bounds.next {
            continue;
        }

        let wanted = Wanted { keys: false, headers: true };
        let mut reader = log.read(topic, &[(partition, Start::At(start))], wanted).map_err(failed)?;
        loop {
            match reader.poll(FETCH_WAIT, FETCH_BYTES).map_err(failed)? {
                Polled::Records { fetched, .. } => newest = newest.max(declaration(&fetched)),
                Polled::CaughtUp => break,
                Polled::Unreachable => {
                    return Err(Failure::external(anyhow!("the brokers of topic `{topic}` do not answer")));
                }
            }
            if reader.positions().iter().all(|(_, next)| *next >= bounds.next) {
                break;
            }
        }
    }

    let none = || {
        anyhow!(
            "topic `{topic}` has no record with the header `{DECLARATION_HEADER}`: it is no results topic, or Flink has not \
             written any row yet"
        )
    };
    let (_, declaration) = newest.ok_or_else(|| Failure::failed(none()))?;
    Ok(Delivered { topic: topic.to_owned(), declaration })
}

/// Returns the header of the newest record that has been fetched, with its time.
fn declaration(fetched: &Fetched) -> Option<(Timestamp, String)> {
    let bytes = |span: Span| fetched.data.get(span.start as usize..span.end as usize);
    let all = fetched.records.iter().zip(&fetched.attributes).rev();
    let mut declared = all.filter_map(|(record, attributes)| {
        let is_declaration = |name: Span| bytes(name) == Some(DECLARATION_HEADER.as_bytes());
        let (_, value) = attributes.headers.iter().find(|(name, _)| is_declaration(*name))?;
        let text = String::from_utf8(bytes((*value)?)?.to_vec()).ok()?;
        Some((record.appended, text))
    });
    declared.next()
}
