//! Logs when an open transaction hides records for long, and when it ends.

use std::time::Duration;

use types::PartitionId;

/// Time after which an open transaction that hides records is logged.
const LONG: Duration = Duration::from_secs(10);

/// Whether an open transaction hides records of a topic.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Start of the current transaction, and whether it was logged.
    since: Option<(Duration, bool)>,
}

impl Hidden {
    /// Updates the state with the partition that has hidden records now and the first hidden offset, if any.
    pub fn tell(&mut self, topic: &str, place: Option<(PartitionId, u64)>, now: Duration) {
        match (place, self.since) {
            (Some((partition, offset)), Some((since, false))) if now.saturating_sub(since) >= LONG => {
                tracing::warn!(
                    topic, %partition, offset,
                    "an open transaction hides the records after this offset; results wait until it is committed or aborted"
                );
                self.since = Some((since, true));
            }
            (Some(_), None) => self.since = Some((now, false)),
            (None, Some((_, was_told))) => {
                if was_told {
                    tracing::info!(topic, "the open transaction has ended");
                }
                self.since = None;
            }
            _ => {}
        }
    }
}
