//! What Weir's listeners answer while it waits for another system at its start.

use std::sync::Arc;

use server::Starting;
use server::guard::Guard;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cli::Failure;

/// Answers on all listeners from the first wait on; see [`Starting`].
pub(super) struct Answering<'a> {
    runtime: &'a Runtime,
    listeners: &'a [TcpListener; 3],
    guard: &'a Arc<Guard>,
    starting: Option<Starting>,
}

impl<'a> Answering<'a> {
    pub fn new(
        runtime: &'a Runtime,
        listeners: &'a [TcpListener; 3],
        guard: &'a Arc<Guard>,
    ) -> Answering<'a> {
        Answering { runtime, listeners, guard, starting: None }
    }

    /// Answers with what Weir waits for.
    pub fn waits_for(&mut self, reason: String) -> Result<(), Failure> {
        if let Some(starting) = &self.starting {
            starting.waits_for(reason);
            return Ok(());
        }

        let _context = self.runtime.enter();
        let starting = Starting::serve(self.listeners.each_ref(), self.guard, reason);
        self.starting = Some(starting.map_err(|error| Failure::of(error.domain(), error))?);
        Ok(())
    }

    /// Leaves the listeners to the servers.
    pub fn end(self) {
        if let Some(starting) = self.starting {
            self.runtime.block_on(starting.stop());
        }
    }
}
