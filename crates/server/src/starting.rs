//! Answers while Weir waits for another system before it can start: the process lives, and is not ready.
//!
//! Without these answers a supervisor would take a process that waits for Kafka for a dead one and restart it,
//! and nobody could ask the process what it waits for.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::guard::{Guard, Place};
use crate::listen;
use crate::metrics::Metrics;
use crate::operation::{Check, Readiness, healthz};
use crate::options::Options;
use crate::origin::Origins;
use crate::shutdown::{Lifeline, lifeline};

/// Time for answers in flight when the wait is over.
const GRACE: Duration = Duration::from_secs(1);

/// Listeners that answer 503 with the reason, `/healthz` apart. Dropping it ends the answers without a grace.
pub struct Starting {
    reason: Arc<Mutex<String>>,
    lifeline: Lifeline,
    accepting: Vec<JoinHandle<()>>,
}

/// What a listener says, and how.
#[derive(Clone)]
struct Said {
    reason: Arc<Mutex<String>>,
    place: Place,
}

impl Starting {
    /// Answers on clones of the listeners of the server, the job manager and the SQL gateway. `reason` says what Weir
    /// waits for. Must be called in the context of a runtime. Fails if a listener cannot be cloned.
    pub fn serve(
        listeners: [&TcpListener; 3],
        guard: &Arc<Guard>,
        reason: String,
    ) -> Result<Starting, Error> {
        let (lifeline, alive) = lifeline();
        let reason = Arc::new(Mutex::new(reason));
        let mut accepting = Vec::new();
        for (listener, place) in listeners.into_iter().zip([Place::Http, Place::Jobs, Place::Gateway]) {
            let door = guard.at(place, &Arc::<Origins>::default());
            let said = Said { reason: Arc::clone(&reason), place };
            let router = Router::new()
                .route("/healthz", get(healthz))
                .route("/readyz", get(not_ready))
                .fallback(unavailable)
                .with_state(said);
            let listener = clone(listener).map_err(Error::Address)?;
            let (options, metrics) = (Arc::<Options>::default(), Metrics::new());
            accepting.push(tokio::spawn(listen::serve(
                listener,
                router,
                door,
                options,
                metrics,
                alive.clone(),
            )));
        }

        Ok(Starting { reason, lifeline, accepting })
    }

    /// Changes what Weir waits for.
    pub fn waits_for(&self, reason: String) {
        *self.reason.lock() = reason;
    }

    /// Ends the answers. Connections that arrive from now on wait for the real servers.
    pub async fn stop(mut self) {
        self.lifeline.stop();
        for accepting in self.accepting.drain(..) {
            // It ends by itself once it is told; a panic in it has ended it, too.
            let _ = accepting.await;
        }
        // Connections that clients keep open end with the process's next answer.
        let _ = tokio::time::timeout(GRACE, self.lifeline.ended()).await;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

/// Returns another handle of a listener's socket.
fn clone(listener: &TcpListener) -> std::io::Result<TcpListener> {
    use std::os::fd::AsFd as _;
    let socket = listener.as_fd().try_clone_to_owned()?;
    TcpListener::from_std(std::net::TcpListener::from(socket))
}

/// Answers `/readyz` in its usual format.
async fn not_ready(State(said): State<Said>) -> Response {
    let check = Check { name: "log", ok: false, message: Some(said.reason.lock().clone()) };
    (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { ready: false, checks: vec![check] })).into_response()
}

/// Answers all other requests, in the format of the listener's errors.
async fn unavailable(State(said): State<Said>) -> Response {
    let reason = format!("Weir is starting: {}", said.reason.lock());
    let body = match said.place {
        Place::Http => json!({ "detail": reason }),
        Place::Jobs | Place::Gateway => json!({ "errors": [reason] }),
    };
    // A browser asks again by itself, and so do clients that know `Retry-After`.
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from_static("2")),
        (header::REFRESH, HeaderValue::from_static("2")),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}
