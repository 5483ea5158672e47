//! How a plan is run.

use std::sync::Arc;

use types::Interval;

use crate::memory::Pool;
use crate::window::Limits;

/// Whether input goes on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Results are read while they change: early results, corrections, windows that close by the clock.
    Live,
    /// Input ends; each result is written once, when nothing can change it any more.
    Bounded,
}

#[derive(Debug, Clone)]
pub struct ExecutionOptions {
    pub mode: Mode,
    /// 1 to [`KEY_GROUPS`](crate::window::KEY_GROUPS).
    pub parallelism: u32,
    /// Rows of a batch, at most.
    pub batch_rows: usize,
    /// How long a silent partition holds others back; zero = for ever.
    pub idle_timeout: Interval,
    /// How far ahead of the clock an event may be; zero = as far as it likes.
    pub max_future: Interval,
    pub limits: Limits,
    /// What all jobs of the process may hold.
    pub pool: Arc<Pool>,
    /// What this one may take of it, checkpoints and all; `None`: no less than the others.
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
