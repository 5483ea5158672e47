//! Asks a question that may hang, on a blocking thread, and waits only a bounded time for the answer.
//!
//! One question at a time: while one hangs, no second thread is spent on it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(2);

/// The pending question, if any.
#[derive(Default)]
pub(crate) struct Probe {
    asked: Mutex<Option<JoinHandle<Result<(), String>>>>,
}

impl Probe {
    /// Returns the answer, or an error on timeout.
    pub(crate) async fn ask(
        &self,
        question: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), String> {
        let mut asked = self.asked.lock().await;
        let pending = asked.get_or_insert_with(|| tokio::task::spawn_blocking(question));
        let answer = tokio::time::timeout(PATIENCE, pending).await;
        if answer.is_ok() {
            *asked = None;
        }
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the check failed".to_owned()),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }
}
