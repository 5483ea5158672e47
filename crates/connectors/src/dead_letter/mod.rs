//! The dead-letter queue: records that no job counted, with everything that is needed to replay them.
//!
//! A dead letter is a record of the topic [`DEAD_LETTER_TOPIC`] with the unchanged key, headers and body of
//! the original record, and an additional header, `weir.dead-letter`. The header's value is a JSON object,
//! [`DeadLetterInfo`]: the position of the original record, the reason why it was not counted, and the job.
//! If the body is too large for the topic, it is truncated, and a replay reads the original record from its
//! position.
//!
//! Marks are records without that header, between the dead letters:
//!
//! - `{"job", "job_id", "time", "restarted": [{"topic", "partition", "offset"}]}`: the job restarted from
//!   these positions. Its dead letters before the mark are void, except for records before these positions.
//! - `{"replaying": [ids], "ends": [{"topic", "partition", "offset"}]}`: a replay begins; these are the
//!   ends of the topics.
//! - `{"replayed": [ids]}`: the last replay that began has replayed these.
//!
//! Earlier versions wrote the original body into the JSON object, as `body` or `body_base64`. Such dead
//! letters can still be read.

mod queue;
mod record;
mod replay;
mod topic;

pub use queue::{DeadLetterError, DeadLetterQueue, Place, StoredDeadLetter};
pub(crate) use record::carried;
pub use record::{DeadLetterId, DeadLetterInfo, InvalidDeadLetterId};
pub use replay::{Ancestor, LogPosition, Replayed, TopicReader};
pub use storage::log::DEAD_LETTER_TOPIC;
pub use topic::{DeadLetterTopic, NoDeadLetters};
