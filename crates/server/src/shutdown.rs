//! Signals the end of a server to everything that runs in it.

use tokio::sync::{mpsc, watch};

/// Held by every connection: signals the shutdown to the connection, and the connection's end to the server.
#[derive(Clone)]
pub(crate) struct Alive {
    stop: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

/// The server's side of the signal.
pub(crate) struct Lifeline {
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
}

pub(crate) fn lifeline() -> (Lifeline, Alive) {
    let (stop, stopped) = watch::channel(false);
    let (alive, ended) = mpsc::channel(1);
    (Lifeline { stop, ended }, Alive { stop: stopped, _alive: alive })
}

impl Alive {
    /// Waits until the server stops.
    pub(crate) async fn stopped(&mut self) {
        // An error means that the server is gone, which is a stop as well.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

impl Lifeline {
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until no [`Alive`] is left.
    pub(crate) async fn ended(&mut self) {
        while self.ended.recv().await.is_some() {}
    }
}
