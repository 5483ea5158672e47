//! The ways in which a Weir ends: it is asked to, or its databases refuse writes.
//!
//! Once a write to a database fails, the database refuses all others until it is reopened. A process that
//! went on would look well and accept nothing. So it ends in order with an error, and its supervisor starts
//! it again.

use std::sync::Arc;
use std::time::Duration;

use storage::log::{EventLog, LogError};
use storage::store::{ResultStore, StoreError};
use tokio::sync::watch;

use crate::cli::Failure;
use crate::shutdown::Shutdown;

/// Interval of checks of the databases.
const LOOK: Duration = Duration::from_secs(1);

/// Tells the services when to end. Clones share the signal.
#[derive(Clone)]
pub(super) struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Completes when the services are to end.
    pub async fn comes(mut self) {
        // Without the watching task, the signal can never come.
        if self.0.wait_for(|is_over| *is_over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Watches until Weir is to end. The handle yields the error that ends it, or success if it was asked to.
pub(super) fn watch(
    shutdown: Shutdown,
    log: Arc<dyn EventLog>,
    store: Arc<dyn ResultStore>,
) -> (Ending, tokio::task::JoinHandle<Result<(), Failure>>) {
    let (over, ending) = watch::channel(false);
    let watching = tokio::spawn(async move {
        let why = tokio::select! {
            () = shutdown.asked() => {
                tracing::info!("stopping: finishing accepted work; a second signal stops at once");
                Ok(())
            }
            failure = breaks(log, store) => {
                tracing::error!(error = %failure, "Weir stops and must be started again");
                Err(failure)
            }
        };
        over.send_replace(true);
        why
    });

    (Ending(ending), watching)
}

/// Completes when a database has to be reopened.
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
