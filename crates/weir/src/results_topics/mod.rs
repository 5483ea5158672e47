//! Results topics of a Flink cluster: the tables that they declare, and the job that writes their rows to the result store.
//!
//! ```text
//! topic ─► header `weir-table` of its newest record ─► connectors::flink::delivery ─► script of a job
//! ```
//!
//! `weir deliver` submits the script to a running Weir. `weir up --deliver` is a [`Delivery`] in the same process, which waits
//! until every topic has a record.

mod delivery;

use std::time::Duration;

use connectors::flink::{DECLARATION_HEADER, Delivered};
use storage::log::{EventLog, Fetched, LogError, Polled, Span, Start, Wanted};
use types::{ErrorDomain, Offset, PartitionId, Timestamp};

pub(crate) use delivery::{Delivery, Parts};

/// The default name of the job.
pub(crate) const JOB: &str = "deliver";

/// Records at the end of a partition among which the newest declaration is looked for. The last offsets may hold marks of
/// transactions, which are no records.
const RECENT: u64 = 1_000;
/// Wait for a record that is known to be there.
const FETCH_WAIT: Duration = Duration::from_secs(10);
const FETCH_BYTES: usize = 1 << 20;

/// Why a topic declares no table, so far.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undeclared {
    #[error("there is no topic `{topic}`")]
    NoTopic { topic: String },
    #[error(
        "topic `{topic}` has no record with the header `{DECLARATION_HEADER}`: it is no results topic, or Flink has not \
         written any row yet"
    )]
    NoRecord { topic: String },
    #[error("the brokers of topic `{topic}` do not answer")]
    Unreachable { topic: String },
    #[error("reading topic `{topic}`")]
    Log { topic: String, source: LogError },
}

impl Undeclared {
    pub(crate) fn domain(&self) -> ErrorDomain {
        match self {
            Undeclared::NoTopic { .. } | Undeclared::NoRecord { .. } => ErrorDomain::User,
            Undeclared::Unreachable { .. } => ErrorDomain::External,
            Undeclared::Log { source, .. } => source.domain(),
        }
    }
}

/// Returns the header of the newest record of a topic.
pub(crate) fn declared(log: &dyn EventLog, topic: &str) -> Result<Delivered, Undeclared> {
    let failed = |source: LogError| match source.is_unknown_topic() {
        true => Undeclared::NoTopic { topic: topic.to_owned() },
        false => Undeclared::Log { topic: topic.to_owned(), source },
    };
    let partitions = log.partitions(topic).map_err(failed)?;
    let partitions = partitions.ok_or_else(|| Undeclared::NoTopic { topic: topic.to_owned() })?;

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
                Polled::Unreachable => return Err(Undeclared::Unreachable { topic: topic.to_owned() }),
            }
            if reader.positions().iter().all(|(_, next)| *next >= bounds.next) {
                break;
            }
        }
    }

    let (_, declaration) = newest.ok_or_else(|| Undeclared::NoRecord { topic: topic.to_owned() })?;
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
