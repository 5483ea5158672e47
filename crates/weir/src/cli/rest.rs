//! A client of the job manager: Flink's REST API, as Flink's own command line uses it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use types::JobId;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use super::Failure;

const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct JobManager {
    agent: Agent,
    url: String,
}

impl JobManager {
    /// `url` is where `weir up` serves the job manager.
    pub(super) fn new(url: &str) -> JobManager {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        JobManager { agent, url: url.trim_end_matches('/').to_owned() }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.agent.get(self.at(path)).call();
        self.body(answer)
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let answer = self.agent.post(self.at(path)).send_json(body);
        self.body(answer)
    }

    pub(super) fn cancel(&self, job: JobId) -> Result<(), Failure> {
        let path = self.at(&format!("/v1/jobs/{job}?mode=cancel"));
        self.body::<Value>(self.agent.patch(path).send_json(Value::Object(Default::default()))).map(drop)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn body<T: DeserializeOwned>(
        &self,
        answer: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Failure> {
        let mut answer = answer.map_err(|error| {
            Failure::external(anyhow::anyhow!(
                "cannot reach {}: {error} (is `weir up` running there?)",
                self.url
            ))
        })?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(Failure::external)?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|error| {
                let context = format!("{} does not answer like a job manager", self.url);
                Failure::external(anyhow::Error::new(error).context(context))
            });
        }
        Err(refusal(status, &text))
    }
}

/// `{"errors": ["…"]}`, of which the first line is for people.
fn refusal(status: StatusCode, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let first = body["errors"][0].as_str().and_then(|error| error.lines().next());
    let reason = first.map(|line| line.rsplit_once("RestHandlerException: ").map_or(line, |(_, rest)| rest));
    Failure::failed(anyhow::anyhow!("{} ({status})", reason.unwrap_or("the job manager refused")))
}
