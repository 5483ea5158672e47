//! What ends a Weir: somebody asks, or its databases take no more writes.
//!
//! A database of which one write has failed refuses all others until it is opened anew. A process that goes on without it
//! would look well and take nothing. So it ends in order, with an error, and whatever keeps it running starts it again.

use std::sync::Arc;
use std::time::Duration;

use storage::log::{EventLog, LogError};
use storage::store::{ResultStore, StoreError};
use tokio::sync::watch;

use crate::cli::Failure;
use crate::shutdown::Shutdown;

/// From one look at the databases to the next.
const LOOK: Duration = Duration::from_secs(1);

/// Tells the services when to end. Clones tell the same.
#[derive(Clone)]
pub(super) struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Completes when the services are to end.
    pub async fn comes(mut self) {
        // Without the task that watches there is nobody left who could say so.
        if self.0.wait_for(|is_over| *is_over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Watches until Weir is to end. The handle yields why it ends, unless it was asked to.
pub(super) fn watch(
    shutdown: Shutdown,
    log: Arc<dyn EventLog>,
    store: Arc<dyn ResultStore>,
) -> (Ending, tokio::task::JoinHandle<Result<(), Failure>>) {
    let (over, ending) = watch::channel(false);
    let watching = tokio::spawn(async move {
        let why = tokio::select! {
            () = shutdown.asked() => {
                tracing::info!("asked to end: finishing what was accepted; once more to end at once");
                Ok(())
            }
            failure = breaks(log, store) => {
                tracing::error!(error = %failure, "Weir ends, to be started again");
                Err(failure)
            }
        };
        over.send_replace(true);
        why
    });

    (Ending(ending), watching)
}

/// Completes when a database has to be opened anew.
async fn breaks(log: Arc<dyn EventLog>, store: Arc<dyn ResultStore>) -> Failure {
    loop {
        tokio::time::sleep(LOOK).await;
        let (log, store) = (log.clone(), store.clone());
        let looked = tokio::task::spawn_blocking(move || match (log.ping(), store.ping()) {
            (Err(error @ LogError::Broken), _) => Some(Failure::of(error.domain(), error)),
            (_, Err(error @ StoreError::Broken)) => Some(Failure::of(error.domain(), error)),
            _ => None,
        });
        if let Ok(Some(failure)) = looked.await {
            return failure;
        }
    }
}
