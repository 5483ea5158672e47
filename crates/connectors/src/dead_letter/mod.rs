//! The dead-letter queue: records that no job counted, with all that is needed to replay them.
//!
//! A dead letter is a record of the topic [`DEAD_LETTER_TOPIC`] with the key, the headers and the body of the original
//! record, unchanged, and one more header, `weir.dead-letter`. Its value is a JSON object, [`DeadLetterInfo`]: where the
//! original record is, why it was not counted, and by which job. The body of a record that is too large for the topic is
//! cut; the replay then reads the original record at its position.
//!
//! Between dead letters stand marks, records without that header:
//!
//! | mark | meaning |
//! | --- | --- |
//! | `{"job", "job_id", "time", "restarted": [{"topic", "partition", "offset"}]}` | The job went on from these positions. Its dead letters before the mark are void, save those of records before these positions. |
//! | `{"replaying": [ids], "ends": [{"topic", "partition", "offset"}]}` | A replay begins; the topics end here. |
//! | `{"replayed": [ids]}` | The replay that began last has ended with these. |
//!
//! Versions before wrote the original body into the JSON object, as `body` or `body_base64`; such dead letters are read
//! too.

mod queue;
mod record;
mod replay;
mod topic;

pub use queue::{DeadLetterError, DeadLetterQueue, StoredDeadLetter};
pub(crate) use record::carried;
pub use record::{DeadLetterId, DeadLetterInfo, InvalidDeadLetterId};
pub use replay::{Ancestor, Reached, Reader, Replayed};
pub use storage::log::DEAD_LETTER_TOPIC;
pub use topic::{DeadLetterTopic, NoDeadLetters};
