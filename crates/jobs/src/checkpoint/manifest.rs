//! The `_metadata` of a checkpoint: what it is and how its state is known to be whole. JSON, so that an operator can
//! read it.

use serde::{Deserialize, Serialize};

use super::parts::PartTotals;

/// The version that is written. A reader takes this one and those before.
pub(super) const FORMAT: u32 = 1;

/// Why a checkpoint was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By itself; goes when newer ones are there.
    Checkpoint,
    /// Somebody asked for it; stays until somebody deletes it.
    Savepoint,
}

/// What a checkpoint is. Fields that a reader does not know are left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub kind: Kind,
    /// Counts up over all of a job's checkpoints, from 1.
    pub id: u64,
    /// 32 hexadecimal digits.
    pub job_id: String,
    pub job_name: String,
    /// When it was asked for, milliseconds since 1970.
    pub taken: i64,
    pub parallelism: u32,
    /// Records that its state accounts for.
    pub records: u64,
    pub state: StateFile,
    /// The part files beside them.
    #[serde(default)]
    pub parts: PartTotals,
}

/// The file beside the manifest that holds the envelope: positions, small parts of the state, and where the others are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    pub name: String,
    pub bytes: u64,
    /// Checksum of all its bytes.
    pub crc32: u32,
}

impl Manifest {
    /// All bytes of the state, be they in the envelope or in files of their own.
    pub fn state_bytes(&self) -> u64 {
        self.state.bytes + self.parts.bytes
    }
}
