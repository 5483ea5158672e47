//! Failures as the chain of exceptions that Flink would answer. Its clients print the last cause.

use axum::http::StatusCode;
use serde::Serialize;

pub(super) const GATEWAY: &str = "org.apache.flink.table.gateway.api.utils.SqlGatewayException";
pub(super) const EXECUTION: &str = "org.apache.flink.table.gateway.service.utils.SqlExecutionException";
pub(super) const VALIDATION: &str = "org.apache.flink.table.api.ValidationException";
const HANDLER: &str = "org.apache.flink.runtime.rest.handler.RestHandlerException";

/// Line at which Flink's clients stop reading a cause. No Java stack follows.
const FRAME: &str = "\n\tat weir.SqlGateway";

/// A Java class of exceptions, and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) class: &'static str,
    pub(super) message: String,
}

/// The causes of a failure, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(Vec<Cause>);

/// The refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    errors: Vec<String>,
}

/// Body of a refusal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Errors {
    errors: Vec<String>,
}

impl Fault {
    pub(super) fn new(class: &'static str, message: impl Into<String>) -> Fault {
        Fault(vec![Cause { class, message: message.into() }])
    }

    pub(super) fn caused_by(mut self, class: &'static str, message: impl Into<String>) -> Fault {
        self.0.push(Cause { class, message: message.into() });
        self
    }

    /// Wraps the fault in another cause.
    pub(super) fn under(mut self, class: &'static str, message: impl Into<String>) -> Fault {
        self.0.insert(0, Cause { class, message: message.into() });
        self
    }

    fn trace(&self) -> String {
        let causes = self.0.iter().map(|cause| format!("{}: {}{FRAME}", cause.class, cause.message));
        causes.collect::<Vec<_>>().join("\nCaused by: ")
    }

    /// Returns Flink's answer for a handler that fails, with the causes under the handler's name.
    pub(super) fn refused(self, doing: &str) -> Refused {
        let message = format!("Failed to {doing}.");
        let fault = self.under(GATEWAY, message.clone()).under(HANDLER, message);
        Refused { status: StatusCode::INTERNAL_SERVER_ERROR, errors: vec![fault.trace()] }
    }

    /// Returns Flink's answer for a failure that no handler expects, usually of a statement.
    pub(super) fn internal(self) -> Refused {
        let trace =
            format!("<Exception on server side:\n{}\n\nEnd of exception on server side>", self.trace());
        Refused {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            errors: vec!["Internal server error.".to_owned(), trace],
        }
    }

    /// Returns the answer to a fetch whose statement has failed.
    pub(super) fn of_fetch(self) -> Refused {
        let failed = "Failed to fetchResults.";
        self.under(GATEWAY, failed).under(GATEWAY, format!("{GATEWAY}: {failed}")).internal()
    }
}

impl Refused {
    /// Returns a refusal with Flink's text and status.
    pub(super) fn handler(status: StatusCode, message: impl Into<String>) -> Refused {
        Refused { status, errors: vec![format!("{HANDLER}: {}", message.into())] }
    }

    pub(super) fn own(status: StatusCode, message: impl Into<String>) -> Refused {
        Refused { status, errors: vec![message.into()] }
    }

    /// Returns the refusal of a malformed part of the path or query.
    pub(super) fn parameter(kind: &str, name: &str, value: &str) -> Refused {
        let message = format!(
            "Bad request, could not parse parameters: Cannot resolve {kind} parameter ({name}) from value \"{value}\"."
        );
        Refused::handler(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn body(self) -> Errors {
        Errors { errors: self.errors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cause_ends_where_flinks_clients_stop() {
        let fault = Fault::new(VALIDATION, "SQL validation failed.").caused_by("a.B", "it is so\nand so");
        let refused = fault.of_fetch();
        let text = &refused.errors[1];
        let last = text.rsplit("Caused by: ").next().expect("a cause");
        assert_eq!(last.split("\tat ").next().map(str::trim_end), Some("a.B: it is so\nand so"));
        assert!(text.starts_with(&format!(
            "<Exception on server side:\n{GATEWAY}: {GATEWAY}: Failed to fetchResults."
        )));
        assert!(text.ends_with("\n\nEnd of exception on server side>"), "{text}");
    }
}
