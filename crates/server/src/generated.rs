//! `/generated`: generated events, for a Weir that has no events yet.
//!
//! Who looks at Weir for the first time sees pages without figures. Generated events fill them: a week with a daily
//! rhythm, and then the present. They are in a topic of their own, and a job of their own writes their results to
//! tables of their own, so they never mix with other events, and all of them can be removed.
//!
//! The server knows no generator. The process passes one in as [`GeneratedEvents`].

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Detail, Failure};
use crate::guard::Guard;

/// A generator of events, with the job that counts them.
///
/// The methods may wait for disks and jobs, so the server calls them on threads that may block.
pub trait GeneratedEvents: Send + Sync {
    /// Returns what the generator does at the moment, from memory.
    fn view(&self) -> GeneratedView;

    /// Starts the job and the generator. Does nothing if they run already.
    fn start(&self) -> Result<(), GenerateError>;

    /// Ends both, and deletes the results and the tables of generated events.
    fn remove(&self) -> Result<(), GenerateError>;
}

/// What the generator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = GeneratedState)]
pub struct GeneratedView {
    pub state: GeneratedState,
    /// Events that were generated since the start of the generator or of Weir.
    pub events: u64,
    /// Why events cannot be generated here; null if they can.
    pub refusal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = GeneratedPhase)]
pub enum GeneratedState {
    /// There are no generated events.
    Off,
    /// The events of the past week are being generated.
    Filling,
    /// The past is complete, and events of the present follow.
    Running,
    /// The generator has failed. Its results are still there.
    Failed,
}

/// Why events were not generated or removed.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    #[error("events cannot be generated here: {0}")]
    NotHere(String),
    #[error("{0}")]
    Failed(String),
}

/// Stands for the generator of a server that generates nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoGenerator;

impl NoGenerator {
    const REFUSAL: &str = "this server has no generator";
}

impl GeneratedEvents for NoGenerator {
    fn view(&self) -> GeneratedView {
        GeneratedView {
            state: GeneratedState::Off,
            events: 0,
            refusal: Some(NoGenerator::REFUSAL.to_owned()),
        }
    }

    fn start(&self) -> Result<(), GenerateError> {
        Err(GenerateError::NotHere(NoGenerator::REFUSAL.to_owned()))
    }

    fn remove(&self) -> Result<(), GenerateError> {
        Err(GenerateError::NotHere(NoGenerator::REFUSAL.to_owned()))
    }
}

/// The generator, and who may use it.
pub(crate) struct Generated {
    pub(crate) generator: Arc<dyn GeneratedEvents>,
    pub(crate) guard: Arc<Guard>,
    /// Where the server listens.
    pub(crate) address: SocketAddr,
}

impl Generated {
    /// Returns why nobody may generate events here. Tokens have roles, and without tokens only this machine is trusted.
    fn refusal(&self) -> Option<String> {
        let is_open = !self.guard.is_required() && !self.address.ip().to_canonical().is_loopback();
        let exposed = || "this Weir serves other machines without tokens: create a token first".to_owned();
        is_open.then(exposed).or_else(|| self.generator.view().refusal)
    }

    fn view(&self) -> GeneratedView {
        GeneratedView { refusal: self.refusal(), ..self.generator.view() }
    }
}

/// What the generator of events does.
#[utoipa::path(get, path = "/generated", tag = "generated", operation_id = "get_generated",
    responses((status = 200, body = GeneratedView)))]
pub(crate) async fn show(State(generated): State<Arc<Generated>>) -> Json<GeneratedView> {
    Json(generated.view())
}

/// Starts to generate events: a week with a daily rhythm, then the present. They have tables of their own, whose names
/// begin with `generated_`.
#[utoipa::path(post, path = "/generated", tag = "generated", operation_id = "start_generated",
    responses((status = 202, description = "Events are generated", body = GeneratedView),
        (status = 403, body = Detail), (status = 409, description = "Events cannot be generated here", body = Detail),
        (status = 503, body = Detail)))]
pub(crate) async fn start(
    State(generated): State<Arc<Generated>>,
) -> Result<(StatusCode, Json<GeneratedView>), Failure> {
    run(&generated, |generator| generator.start()).await?;
    Ok((StatusCode::ACCEPTED, Json(generated.view())))
}

/// Ends the generator and its job, and deletes the results and tables of generated events. Other events and their
/// results stay as they are.
#[utoipa::path(delete, path = "/generated", tag = "generated", operation_id = "remove_generated",
    responses((status = 200, description = "There are no results of generated events any more", body = GeneratedView),
        (status = 403, body = Detail), (status = 409, description = "Events cannot be generated here", body = Detail),
        (status = 503, body = Detail)))]
pub(crate) async fn remove(State(generated): State<Arc<Generated>>) -> Result<Json<GeneratedView>, Failure> {
    run(&generated, |generator| generator.remove()).await?;
    Ok(Json(generated.view()))
}

async fn run(
    generated: &Arc<Generated>,
    action: fn(&dyn GeneratedEvents) -> Result<(), GenerateError>,
) -> Result<(), Failure> {
    if let Some(refusal) = generated.refusal() {
        return Err(Failure::new(StatusCode::CONFLICT, GenerateError::NotHere(refusal).to_string()));
    }
    let generator = Arc::clone(&generated.generator);
    let outcome = tokio::task::spawn_blocking(move || action(&*generator)).await;
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ GenerateError::NotHere(_))) => {
            Err(Failure::new(StatusCode::CONFLICT, error.to_string()))
        }
        Ok(Err(error @ GenerateError::Failed(_))) => {
            Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
        }
        Err(_) => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the generator has failed")),
    }
}
