//! Answers requests: finds the session, begins operations, and fetches their results.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use super::cells::RowFormat;
use super::fault::{EXECUTION, Fault, Refused};
use super::findings::fault;
use super::handle::Handle;
use super::model::{
    Completion, CompletionWanted, Info, Nothing, OperationBegun, Properties, ResultPage, ScriptWanted,
    SessionOpened, SessionWanted, StatementWanted, StatusOf, Versions,
};
use super::openapi;
use super::operation::{Operation, Status};
use super::options::Options;
use super::results::Outcome;
use super::route::{OfOperation, OfSession, Route, Version};
use super::run::{run, run_script};
use super::service::Services;
use super::sessions::{Session, Sessions, Use};
use crate::flink::{FLINK_VERSION, json, parameter, plain_path};
use crate::guard::OnlyAsked;
use crate::jackson;
use crate::origin::Origins;

/// The product and version that Flink's clients see.
const PRODUCT: Info = Info { product_name: "Apache Flink", version: FLINK_VERSION };

/// The state of the handlers.
pub(super) struct Parts {
    pub(super) options: Options,
    pub(super) services: Services,
    pub(super) origins: Arc<Origins>,
    pub(super) sessions: Arc<Sessions>,
}

/// Answers any request.
pub(super) async fn answer(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let path = plain_path(uri.path());

    let answered = match Route::of(&method, &path) {
        None => Err(Refused::own(StatusCode::NOT_FOUND, format!("Not found: {}", uri.path()))),
        Some((_, route)) if !route.is_public() && !parts.origins.admits(request.headers()) => {
            Err(Refused::own(StatusCode::FORBIDDEN, "pages of this origin have no access"))
        }
        Some((version, route)) => parts.answer(version, route, &uri, request).await,
    };
    answered.unwrap_or_else(|refused| json(refused.status, &refused.body()))
}

fn ok(body: &impl Serialize) -> Result<Response, Refused> {
    Ok(json(StatusCode::OK, body))
}

/// Returns an answer. With `only_asked` the request is no change for the audit log.
fn told(body: &impl Serialize, only_asked: bool) -> Result<Response, Refused> {
    let mut response = json(StatusCode::OK, body);
    if only_asked {
        response.extensions_mut().insert(OnlyAsked);
    }
    Ok(response)
}

impl Parts {
    async fn answer(
        self: &Arc<Self>,
        version: Version,
        route: Route<'_>,
        uri: &Uri,
        request: Request,
    ) -> Result<Response, Refused> {
        match route {
            Route::Info => ok(&PRODUCT),
            Route::ApiVersions => {
                ok(&Versions { versions: Version::ALL.iter().map(|(_, name)| *name).collect() })
            }
            Route::Description => Ok(openapi::description()),
            Route::OpenSession => {
                let wanted: SessionWanted = self.body(request, "OpenSessionRequestBody").await?;
                let properties = wanted.properties.unwrap_or_default();
                let opened = self.sessions.open(properties, self.services.clock.elapsed());
                let handle = opened.map_err(|fault| fault.refused("openSession"))?;
                debug!(session = %handle, name = ?wanted.session_name, "session opened");
                ok(&SessionOpened { session_handle: handle.to_string() })
            }
            Route::Session(session, of) => self.of_session(session, of, request).await,
            Route::Operation(session, operation, of) => {
                self.of_operation(version, (session, operation), of, uri).await
            }
        }
    }

    fn session(&self, text: &str, doing: &str) -> Result<Use, Refused> {
        let handle: Handle = text.parse().map_err(|_| Refused::parameter("path", "session_handle", text))?;
        self.sessions.take(handle, &self.services.clock).map_err(|fault| fault.refused(doing))
    }

    async fn of_session(
        self: &Arc<Self>,
        text: &str,
        of: OfSession,
        request: Request,
    ) -> Result<Response, Refused> {
        match of {
            OfSession::Properties => {
                let session = self.session(text, "getSessionConfig")?;
                let properties = session.sql.lock().settings().clone();
                ok(&Properties { properties })
            }

            OfSession::Close => {
                let session = self.session(text, "closeSession")?;
                self.sessions.close(session.handle).map_err(|fault| fault.refused("closeSession"))?;
                ok(&StatusOf { status: Status::Closed })
            }

            OfSession::Heartbeat => {
                // The use of the session is its heartbeat.
                self.session(text, "triggerHeartbeat")?;
                ok(&Nothing {})
            }

            OfSession::Configure => {
                let session = self.session(text, "configureSession")?;
                let wanted: StatementWanted = self.body(request, "ConfigureSessionRequestBody").await?;
                self.configure(session, wanted.statement).await?;
                ok(&Nothing {})
            }

            OfSession::Execute => {
                let session = self.session(text, "executeStatement")?;
                let wanted: StatementWanted = self.body(request, "ExecuteStatementRequestBody").await?;
                let only_asks = sql::session::only_asks(&wanted.statement, &*self.services.variables);
                let begun = self.execute(session, wanted, only_asks);
                let handle = begun.map_err(|fault| fault.refused("executeStatement"))?;
                told(&OperationBegun { operation_handle: handle.to_string() }, only_asks)
            }

            OfSession::RunScript => {
                let session = self.session(text, "runScript")?;
                let wanted: ScriptWanted = self.body(request, "RunScriptRequestBody").await?;
                let operation = Arc::new(Operation::new(true));
                let handle = operation.handle;
                let added = session.operations.lock().add(operation.clone(), self.options.operations_max);
                added.map_err(|fault| fault.refused("runScript"))?;
                self.begin(session, operation, None, move |parts, _, operation| {
                    run_script(parts, operation, &wanted.script)
                });
                told(&OperationBegun { operation_handle: handle.to_string() }, true)
            }

            OfSession::Complete => {
                let session = self.session(text, "completeStatement")?;
                let wanted: CompletionWanted = self.body(request, "CompleteStatementRequestBody").await?;
                let variables = self.services.variables.clone();
                let candidates = blocking(move || {
                    let at = wanted.statement.char_indices().nth(wanted.position);
                    let bytes = at.map_or(wanted.statement.len(), |(at, _)| at);
                    session.sql.lock().complete(&wanted.statement, bytes, &*variables)
                });
                ok(&Completion { candidates: candidates.await? })
            }
        }
    }

    async fn configure(&self, session: Use, statement: String) -> Result<(), Refused> {
        let variables = self.services.variables.clone();
        let configured = blocking(move || {
            let configured = session.sql.lock().configure(&statement, &*variables);
            match configured {
                Ok(true) => Ok(()),
                Ok(false) => Err(Fault::new(
                    "java.lang.UnsupportedOperationException",
                    format!(
                        "Unsupported statement for configuring session: {statement}\nA session is configured by SET, \
                         RESET, CREATE, DROP and USE."
                    ),
                )),
                Err(found) => Err(fault(&found, &statement)),
            }
        });
        configured
            .await?
            .map_err(|fault| fault.under(super::fault::GATEWAY, "Failed to configure session.").internal())
    }

    /// Begins an operation, which goes on by itself.
    fn execute(
        self: &Arc<Self>,
        session: Use,
        wanted: StatementWanted,
        only_asks: bool,
    ) -> Result<Handle, Fault> {
        let operation = Arc::new(Operation::new(only_asks));
        let handle = operation.handle;
        session.operations.lock().add(operation.clone(), self.options.operations_max)?;

        if let Some(key) = wanted.execution_config.iter().flatten().map(|(key, _)| key).next() {
            let message =
                format!("settings of one statement, like '{key}', are not supported: SET them before it");
            operation.settle(Err(Fault::new(EXECUTION, message)));
            return Ok(handle);
        }

        let limit = wanted.execution_timeout.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
        self.begin(session, operation, limit, move |parts, session, operation| {
            run(parts, session, operation, &wanted.statement)
        });
        Ok(handle)
    }

    /// Begins the work of an operation on a blocking thread; `limit` is the milliseconds that it may take.
    fn begin(
        self: &Arc<Self>,
        session: Use,
        operation: Arc<Operation>,
        limit: Option<u64>,
        work: impl FnOnce(&Parts, &Session, &Operation) -> Result<Outcome, Fault> + Send + 'static,
    ) {
        let parts = Arc::clone(self);

        tokio::spawn(async move {
            let (session, running): (Arc<Session>, _) = (Arc::clone(&session), operation.clone());
            let work = tokio::task::spawn_blocking(move || {
                running.settle(work(&parts, &session, &running));
            });
            let waited = async {
                match limit {
                    Some(ms) => tokio::time::timeout(Duration::from_millis(ms), work).await,
                    None => Ok(work.await),
                }
            };
            match waited.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => operation.settle(Err(Fault::new(EXECUTION, error.to_string()))),
                Err(_) => operation.time_out(),
            }
        });
    }

    async fn of_operation(
        &self,
        version: Version,
        (session, operation): (&str, &str),
        of: OfOperation<'_>,
        uri: &Uri,
    ) -> Result<Response, Refused> {
        let doing = match of {
            OfOperation::Status => "getOperationInfo",
            OfOperation::Cancel => "cancelOperation",
            OfOperation::Close => "closeOperation",
            OfOperation::Result(_) => "fetchResults",
        };
        let session = self.session(session, doing)?;
        let handle: Handle =
            operation.parse().map_err(|_| Refused::parameter("path", "operation_handle", operation))?;
        // Flink accepts closing an operation twice, or an unknown one.
        if of == OfOperation::Close {
            let closed = session.operations.lock().close(handle);
            let only_asked = closed.is_none_or(|operation| operation.only_asks);
            return told(&StatusOf { status: Status::Closed }, only_asked);
        }

        let found = session.operations.lock().get(handle);
        let refused = |fault: Fault| match of {
            OfOperation::Result(_) => fault.of_fetch(),
            _ => fault.refused(doing),
        };
        let operation = found.map_err(refused)?;
        match of {
            OfOperation::Status => ok(&StatusOf { status: operation.status() }),
            OfOperation::Cancel => {
                let before = operation.status();
                if operation.cancel() || before == Status::Canceled {
                    return told(&StatusOf { status: Status::Canceled }, operation.only_asks);
                }
                let message = format!(
                    "Failed to convert the Operation Status from {} to CANCELED for {handle}.",
                    before.name()
                );
                Err(refused(Fault::new(super::fault::GATEWAY, message)))
            }
            OfOperation::Close => ok(&StatusOf { status: Status::Closed }),
            OfOperation::Result(token) => {
                let token: u64 = token.parse().map_err(|_| Refused::parameter("path", "token", token))?;
                let format = row_format(version, uri)?;
                let address = |token: u64| {
                    let (version, session) = (version.segment(), session.handle);
                    let path = format!("/{version}/sessions/{session}/operations/{handle}/result/{token}");
                    if version == "v1" { path } else { format!("{path}?rowFormat={}", format.name()) }
                };
                let fetched = operation.fetch(
                    token,
                    self.options.page_rows,
                    tokio::time::sleep(self.options.hold),
                    |outcome, page| ResultPage::of(outcome, page, token, format, &address),
                );
                ok(&fetched.await.map_err(refused)?)
            }
        }
    }

    /// Decodes the body as JSON; an empty body counts as an empty object.
    async fn body<T: DeserializeOwned>(&self, request: Request, name: &str) -> Result<T, Refused> {
        let most = self.options.body_bytes_max;
        let reading = to_bytes(request.into_body(), most);
        let body = match tokio::time::timeout(self.options.body_timeout, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                let message = format!("the body broke off, or is larger than {most} bytes");
                return Err(Refused::own(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Err(_) => {
                return Err(Refused::own(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"));
            }
        };
        let bytes: &[u8] = if body.is_empty() { b"{}" } else { &body };
        jackson::read(bytes).map_err(|error| {
            let message = format!("Request did not match expected format {name}: {error}.");
            Refused::handler(StatusCode::BAD_REQUEST, message)
        })
    }
}

/// Returns the requested row format. Version 1 knows JSON only.
fn row_format(version: Version, uri: &Uri) -> Result<RowFormat, Refused> {
    if version == Version::V1 {
        return Ok(RowFormat::Json);
    }
    let Some(given) = parameter(uri, "rowFormat") else { return Ok(RowFormat::Json) };
    match given.to_ascii_uppercase().as_str() {
        "JSON" => Ok(RowFormat::Json),
        "PLAIN_TEXT" => Ok(RowFormat::PlainText),
        _ => Err(Refused::parameter("query", "rowFormat", &given)),
    }
}

/// Runs long work on a blocking thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(EXECUTION, error.to_string()).internal())
}
