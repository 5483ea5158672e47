//! Records that an open transaction hides: said once when it lasts, and once when it is over.

use std::time::Duration;

use types::PartitionId;

/// An open transaction that hides records for so long is worth a word.
const LONG: Duration = Duration::from_secs(10);

/// Whether an open transaction hides records of a topic.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Since when, and whether that was told.
    since: Option<(Duration, bool)>,
}

impl Hidden {
    /// Takes which partition has hidden records now, from which offset on.
    pub fn tell(&mut self, topic: &str, place: Option<(PartitionId, u64)>, now: Duration) {
        match (place, self.since) {
            (Some((partition, offset)), Some((since, false))) if now.saturating_sub(since) >= LONG => {
                tracing::warn!(
                    topic, %partition, offset,
                    "an open transaction hides the records behind this offset; results wait until it is committed or aborted"
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
