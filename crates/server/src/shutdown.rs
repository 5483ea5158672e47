//! The end of a server, told to everything that runs in it.

use tokio::sync::{mpsc, watch};

/// Held by every connection: tells it when to end, and the server when it has.
#[derive(Clone)]
pub(crate) struct Alive {
    stop: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

/// The server's side.
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
    /// Returns when the server stops.
    pub(crate) async fn stopped(&mut self) {
        // An error means that the server is gone, which is as well a stop.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

impl Lifeline {
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when nobody holds an [`Alive`] any more.
    pub(crate) async fn ended(&mut self) {
        while self.ended.recv().await.is_some() {}
    }
}
