//! The options with which a plan is run.

use std::sync::Arc;

use types::Interval;

use crate::memory::Pool;
use crate::window::Limits;

/// Whether the input is endless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Results are read while they change: early results, corrections, windows that close by the clock.
    Live,
    /// The input ends; each result is written once, when it is final.
    Bounded,
}

#[derive(Debug, Clone)]
pub struct ExecutionOptions {
    pub mode: Mode,
    /// 1 to [`KEY_GROUPS`](crate::window::KEY_GROUPS).
    pub parallelism: u32,
    /// The most rows of a batch.
    pub batch_rows: usize,
    /// How long a silent partition holds back the watermark before it counts as idle; zero = for ever.
    pub idle_timeout: Interval,
    /// How far ahead of the clock an event may be; zero = unlimited.
    pub max_future: Interval,
    pub limits: Limits,
    /// The memory pool of all jobs of the process.
    pub pool: Arc<Pool>,
    /// The job's limit within the pool, in bytes, including checkpoints. `None`: that of the pool.
    pub memory: Option<usize>,
}

impl Default for ExecutionOptions {
    fn default() -> ExecutionOptions {
        ExecutionOptions {
            mode: Mode::Live,
            parallelism: 1,
            batch_rows: 4096,
            idle_timeout: Interval(5_000),
            max_future: Interval(300_000),
            limits: Limits::default(),
            pool: Pool::unlimited(),
            memory: None,
        }
    }
}
