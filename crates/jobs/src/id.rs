//! Random numbers, and job ids made from them.

use std::hash::{BuildHasher, RandomState};

use types::JobId;

pub(crate) fn new_job_id() -> JobId {
    JobId(random())
}

/// Returns 128 random bits. The standard library seeds each `RandomState` from the operating system.
pub fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(0u8));
    half() << 64 | half()
}
