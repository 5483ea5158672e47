//! A client of the job manager: Flink's REST API, as Flink's own command line uses it.

use std::cell::OnceCell;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::JobId;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, RequestBuilder};

use super::Failure;
use super::client::ClientArgs;

/// Advice for a missing token.
pub(super) const HINT: &str = "create one with `weir tokens create` and pass it as --token or WEIR_TOKEN; where a proxy \
     asks for a password, pass --user NAME:PASSWORD";
const TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of requests that wait for a state to be written: somewhat more than the default limit of a
/// checkpoint.
const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Args)]
pub(super) struct ManagerArgs {
    /// URL of the job manager
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8081",
        env = "WEIR_JOBS_URL"
    )]
    jobs_url: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl ManagerArgs {
    /// Returns the arguments for a job manager that another command has found.
    pub(super) fn of(url: &str, client: &ClientArgs) -> ManagerArgs {
        ManagerArgs { jobs_url: url.to_owned(), client: client.clone() }
    }

    pub(super) fn url(&self) -> &str {
        &self.jobs_url
    }

    pub(super) fn client(&self) -> &ClientArgs {
        &self.client
    }
}

pub(super) struct JobManager {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    /// Whether it is a Flink, once it has been asked.
    is_flink: OnceCell<bool>,
}

impl JobManager {
    pub(super) fn new(arguments: &ManagerArgs) -> Result<JobManager, Failure> {
        JobManager::within(TIMEOUT, arguments)
    }

    /// Returns a client with a long timeout, for slow requests.
    pub(super) fn patient(arguments: &ManagerArgs) -> Result<JobManager, Failure> {
        JobManager::within(LONG_TIMEOUT, arguments)
    }

    fn within(timeout: Duration, arguments: &ManagerArgs) -> Result<JobManager, Failure> {
        let agent = arguments.client.agent(&arguments.jobs_url, timeout)?;
        let url = arguments.jobs_url.trim_end_matches('/').to_owned();
        let authorization = arguments.client.authorization();
        Ok(JobManager { agent, url, authorization, is_flink: OnceCell::new() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns whether this is the job manager of a Flink, which has none of Weir's own routes.
    pub(super) fn is_flink(&self) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Config {
            flink_revision: String,
        }
        if let Some(known) = self.is_flink.get() {
            return Ok(*known);
        }
        let config: Config = self.get("/config")?;
        // A Flink has the revision of its sources there.
        Ok(*self.is_flink.get_or_init(|| !config.flink_revision.starts_with("weir-")))
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.signed(self.agent.get(self.at(path))).call();
        self.body(answer)
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let answer = self.signed(self.agent.post(self.at(path))).send_json(body);
        self.body(answer)
    }

    pub(super) fn cancel(&self, job: JobId) -> Result<(), Failure> {
        let path = self.at(&format!("/v1/jobs/{job}?mode=cancel"));
        self.body::<Value>(self.signed(self.agent.patch(path)).send_json(Value::Object(Default::default())))
            .map(drop)
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn body<T: DeserializeOwned>(
        &self,
        answer: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Failure> {
        let mut answer =
            answer.map_err(|error| Failure::external(ClientArgs::unreachable(&self.url, &error)))?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(Failure::external)?;

        if status.is_success() {
            return serde_json::from_str(&text).map_err(|error| {
                let context = format!("{} does not answer like a job manager", self.url);
                Failure::external(anyhow::Error::new(error).context(context))
            });
        }

        let failure = refusal(status, &text);
        Err(if status == StatusCode::UNAUTHORIZED {
            Failure::failed(anyhow::anyhow!("{failure} ({HINT})"))
        } else {
            failure
        })
    }
}

/// Returns the failure of `{"errors": ["…"]}`. Shows only the message of a Java trace.
fn refusal(status: StatusCode, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let errors = body["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let errors: Vec<&str> = errors.map(without_trace).collect();
    match errors.as_slice() {
        [] => Failure::failed(anyhow::anyhow!("the job manager refused ({status})")),
        errors => Failure::failed(anyhow::anyhow!("{}", errors.join("\n").trim_end().to_owned())),
    }
}

fn without_trace(error: &str) -> &str {
    let message = error.split("\n\tat ").next().unwrap_or_default();
    message.rsplit_once("RestHandlerException: ").map_or(message, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_java_trace_the_message_is_told() {
        let text = r#"{"errors":["org.apache.flink.runtime.rest.handler.RestHandlerException: Job could not be found.\n\tat org.apache…"]}"#;
        assert_eq!(refusal(StatusCode::NOT_FOUND, text).to_string(), "Job could not be found.");
        assert_eq!(refusal(StatusCode::BAD_REQUEST, r#"{"errors":["a\nb","c"]}"#).to_string(), "a\nb\nc");
        assert!(refusal(StatusCode::BAD_GATEWAY, "<html>").to_string().contains("502"));
    }
}
