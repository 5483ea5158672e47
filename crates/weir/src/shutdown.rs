//! Ends the process on signals: the first Ctrl-C or SIGTERM asks for an orderly end, the second ends it at
//! once.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Exit code of a process ended by Ctrl-C: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Tells whether the process was asked to end. Clones share the state.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Closed when asked; threads wait on it with a timeout.
    blocking: Receiver<std::convert::Infallible>,
    /// True when asked; tasks wait on it.
    asked: watch::Receiver<bool>,
}

impl Shutdown {
    /// Listens for Ctrl-C and SIGTERM from now on, on a thread of its own.
    pub(crate) fn listen() -> anyhow::Result<Shutdown> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("starting the runtime of the signals")?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        };
        let (interrupt, terminate) =
            (interrupt.context("listening for Ctrl-C")?, terminate.context("listening for SIGTERM")?);
        let (open, blocking) = crossbeam_channel::bounded(0);
        let (ask, asked) = watch::channel(false);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(serve(interrupt, terminate, open, ask)))
            .context("starting the thread of the signals")?;
        Ok(Shutdown { blocking, asked })
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Blocks until asked or until the timeout; returns true if asked.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        match self.blocking.recv_timeout(limit) {
            Ok(never) => match never {},
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    /// Completes when asked.
    pub(crate) async fn asked(mut self) {
        // An error means that the signals' thread is gone, so nobody can ask any more.
        if self.asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn serve(
    mut interrupt: Signal,
    mut terminate: Signal,
    open: crossbeam_channel::Sender<std::convert::Infallible>,
    ask: watch::Sender<bool>,
) -> io::Result<()> {
    next(&mut interrupt, &mut terminate).await;
    ask.send_replace(true);
    drop(open);
    next(&mut interrupt, &mut terminate).await;
    std::process::exit(INTERRUPTED);
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a shutdown that is asked for by dropping the second value.
    pub(crate) fn manual()
    -> (Shutdown, (crossbeam_channel::Sender<std::convert::Infallible>, watch::Sender<bool>)) {
        let (open, blocking) = crossbeam_channel::bounded(0);
        let (ask, asked) = watch::channel(false);
        (Shutdown { blocking, asked }, (open, ask))
    }

    #[test]
    fn waiting_ends_when_asked() {
        let (shutdown, (open, ask)) = manual();
        assert!(!shutdown.wait(Duration::from_millis(1)) && !shutdown.is_asked());
        ask.send_replace(true);
        drop(open);
        assert!(shutdown.wait(Duration::from_secs(60)) && shutdown.is_asked());
    }
}
