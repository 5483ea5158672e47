//! A client of Weir's own routes for results, dashboards and alerts. An error is `{"detail": "…"}`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, RequestBuilder};

use super::Failure;
use super::client::ClientArgs;
use super::rest::HINT;

const TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// Header that says whether an answer has all rows.
const COMPLETE: &str = "X-Weir-Complete";

pub(super) struct Api {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

/// An answer with rows.
pub(super) struct Answer {
    pub(super) text: String,
    /// Whether no rows were cut off.
    pub(super) is_complete: bool,
}

/// An answer that is not a success: its status, and its reason.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

impl Api {
    /// Returns a client of the Weir at `url`, whose scheme may be missing.
    pub(super) fn new(url: &str, client: &ClientArgs) -> Result<Api, Failure> {
        let url = match url.contains("://") {
            true => url.to_owned(),
            false => format!("http://{url}"),
        };
        Ok(Api {
            agent: client.agent(&url, TIMEOUT)?,
            authorization: client.authorization(),
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<String, Failure> {
        self.get_rows(path, query).map(|answer| answer.text)
    }

    pub(super) fn get_rows(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let request = self.agent.get(self.at(path));
        let request = query.iter().fold(request, |request, (name, value)| request.query(*name, *value));
        self.answer(self.signed(request).call())?.map_err(Failure::from)
    }

    /// Sends a document under a condition: the name and the value of a header.
    pub(super) fn put(
        &self,
        path: &str,
        condition: (&str, &str),
        document: &[u8],
    ) -> Result<Result<String, Refused>, Failure> {
        let request = self.signed(self.agent.put(self.at(path))).content_type("application/json");
        let answer = self.answer(request.header(condition.0, condition.1).send(document))?;
        Ok(answer.map(|answer| answer.text))
    }

    /// Sends a request without a body.
    pub(super) fn post(&self, path: &str) -> Result<String, Failure> {
        let answer = self.answer(self.signed(self.agent.post(self.at(path))).send_empty())?;
        answer.map(|answer| answer.text).map_err(Failure::from)
    }

    /// Deletes what is there, whatever it is.
    pub(super) fn delete(&self, path: &str) -> Result<(), Failure> {
        let request = self.signed(self.agent.delete(self.at(path))).header("If-Match", "*");
        self.answer(request.call())?.map(drop).map_err(Failure::from)
    }

    /// Reads JSON of an answer.
    pub(super) fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, Failure> {
        serde_json::from_str(text).map_err(|error| {
            let context = format!("{} does not answer like Weir", self.url);
            Failure::external(anyhow::Error::new(error).context(context))
        })
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    fn answer(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Result<Answer, Refused>, Failure> {
        let mut answer =
            answer.map_err(|error| Failure::external(ClientArgs::unreachable(&self.url, &error)))?;
        let status = answer.status();
        let is_complete = answer.headers().get(COMPLETE).is_none_or(|complete| complete != "false");
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(Failure::external)?;
        if status.is_success() {
            return Ok(Ok(Answer { text, is_complete }));
        }

        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let refused = || format!("{} refused ({status})", self.url);
        let why = body["detail"].as_str().map_or_else(refused, str::to_owned);
        Ok(Err(Refused { status, why }))
    }
}

impl From<Refused> for Failure {
    fn from(Refused { status, why }: Refused) -> Failure {
        Failure::failed(match status {
            StatusCode::UNAUTHORIZED => anyhow::anyhow!("{why} ({HINT})"),
            _ => anyhow::anyhow!(why),
        })
    }
}

/// Escapes a name for a path.
pub(super) fn escaped(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_paths() {
        assert_eq!(escaped("by_id@0f-2/é"), "by_id%400f-2%2F%C3%A9");
    }
}
