//! The `_metadata` file of a checkpoint: its description, and checksums that show whether its state is
//! complete. It is JSON, so that operators can read it.

use serde::{Deserialize, Serialize};

use super::parts::PartTotals;

/// The version that is written. Readers accept this version and earlier ones.
pub(super) const FORMAT: u32 = 1;

/// The kind of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckpointKind {
    /// Taken by the job itself; removed when newer ones exist.
    Checkpoint,
    /// Requested by a user; kept until a user deletes it.
    Savepoint,
}

/// The description of a checkpoint. Readers ignore unknown fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub kind: CheckpointKind,
    /// Number of the checkpoint within its job, counted from 1.
    pub id: u64,
    /// The job's id, as 32 hexadecimal digits.
    pub job_id: String,
    pub job_name: String,
    /// Time of the trigger, in milliseconds since 1970.
    pub taken: i64,
    pub parallelism: u32,
    /// Number of records whose effects the state contains.
    pub records: u64,
    pub state: StateFile,
    /// Totals of the part files.
    #[serde(default)]
    pub parts: PartTotals,
}

/// The file with the envelope: source positions, small parts of the state, and references to the part files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    pub name: String,
    pub bytes: u64,
    /// Checksum of the whole file.
    pub crc32: u32,
}

impl Manifest {
    /// Returns the size of the state, in the envelope and in part files.
    pub fn state_bytes(&self) -> u64 {
        self.state.bytes + self.parts.bytes
    }
}
