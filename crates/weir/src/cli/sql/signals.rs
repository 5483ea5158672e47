//! Handles Ctrl-C while a statement runs: it ends the statement and not the shell, however often it is
//! pressed.

use anyhow::Context as _;
use crossbeam_channel::{Receiver, bounded};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

/// Signals that have come and were not handled yet.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    came: Receiver<()>,
}

impl Signals {
    /// Listens from now on, on a thread of its own. Other signals keep their default effect.
    pub(super) fn listen(kinds: &[SignalKind]) -> Result<Signals, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.context("starting the runtime of the signals").map_err(Failure::failed)?;
        // Further signals have the same meaning, so one message is enough.
        let (tell, came) = bounded(1);

        for kind in kinds {
            let inside = runtime.enter();
            let listening = signal(*kind).context("listening for signals").map_err(Failure::failed);
            drop(inside);
            let (mut stream, tell) = (listening?, tell.clone());
            runtime.spawn(async move {
                while stream.recv().await.is_some() {
                    // A full channel means that the signal is known already.
                    let _ = tell.try_send(());
                }
            });
        }

        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .context("starting the thread of the signals")
            .map_err(Failure::failed)?;

        Ok(Signals { came })
    }

    /// Receives the signals.
    pub(super) fn came(&self) -> &Receiver<()> {
        &self.came
    }

    /// Drops signals that came at the prompt, where they had another meaning.
    pub(super) fn forget(&self) {
        while self.came.try_recv().is_ok() {}
    }
}
