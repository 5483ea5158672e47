//! A client of the SQL gateway: Flink's SQL gateway REST API, as Flink's own SQL client uses it.

mod page;
mod refusal;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, RequestBuilder};

pub(super) use page::{Change, Column, ResultKind, Row, RowFormat, text};
pub(super) use refusal::{Finding, Refusal, innermost};

use page::{FetchedPage, ResultType};

use crate::cli::Failure;
use crate::cli::client::ClientArgs;
use crate::cli::rest::HINT;

/// The oldest version of the API with all routes used here; Flink's gateways have it since 1.17.
const VERSION: &str = "/v2";
/// Timeout of a request. The gateway holds a fetch for a few seconds while there is nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a completion, which should not hold up typing.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum size of a page. Weir's own pages are far smaller.
const PAGE_BYTES_MAX: u64 = 256 << 20;

/// Failure of a request.
#[derive(Debug)]
pub(super) enum Problem {
    /// The gateway does not answer, or the answer is not that of a gateway.
    Unreachable(anyhow::Error),
    Refused(Refusal),
}

pub(super) type Answer<T> = Result<T, Problem>;

/// A gateway, by its address.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    server: Server,
}

/// Whose gateway it should be: the advice for one that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Weir,
    Flink,
}

/// A session, by its handle.
#[derive(Debug, Clone)]
pub(super) struct Session {
    gateway: Gateway,
    /// `/v2/sessions/…`
    path: String,
}

/// A submitted statement.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    session: Session,
    path: String,
}

/// A page of a result.
#[derive(Debug)]
pub(super) struct Page {
    /// `None` while the gateway does not know the result yet.
    pub(super) head: Option<Head>,
    pub(super) rows: Vec<Row>,
    /// Token of the next page; `None` at the end.
    pub(super) next: Option<u64>,
}

/// The description of a result, which each of its pages has.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) columns: Vec<Column>,
    /// The job that makes the rows, or that was started.
    pub(super) job: Option<String>,
    /// Whether the rows are those of a query, and not the description of a job or a table.
    pub(super) is_query: bool,
    pub(super) kind: ResultKind,
}

impl Gateway {
    pub(super) fn new(client: &ClientArgs, url: &str, server: Server) -> Result<Gateway, Failure> {
        let agent = client.agent(url, TIMEOUT)?;
        Ok(Gateway {
            agent,
            url: url.trim_end_matches('/').to_owned(),
            authorization: client.authorization(),
            server,
        })
    }

    /// Opens a session with a name, by which Flink's log lists it.
    pub(super) fn open_session(&self, name: &str) -> Answer<Session> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Opened {
            session_handle: String,
        }
        let body = json!({"sessionName": name, "properties": {}});
        let opened: Opened = self.post(&format!("{VERSION}/sessions"), &body)?;
        let path = format!("{VERSION}/sessions/{}", opened.session_handle);
        Ok(Session { gateway: self.clone(), path })
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Answer<T> {
        self.read(self.signed(self.agent.post(self.at(path))).send_json(body))
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.read(self.signed(self.agent.get(self.at(path))).call())
    }

    fn delete(&self, path: &str) -> Answer<Value> {
        self.read(self.signed(self.agent.delete(self.at(path))).call())
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

    fn read<T: DeserializeOwned>(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Answer<T> {
        let unreachable = |error: &dyn std::fmt::Display| {
            Problem::Unreachable(anyhow::anyhow!("cannot reach the SQL gateway at {}: {error}", self.url))
        };
        let mut answer = answer.map_err(|error| {
            let gateway = format!("the SQL gateway at {}", self.url);
            Problem::Unreachable(match self.server {
                Server::Weir => ClientArgs::unreachable(&gateway, &error),
                Server::Flink => {
                    ClientArgs::no_answer(&gateway, &error, "is Flink's SQL gateway running there?")
                }
            })
        })?;

        let status = answer.status();
        let body = answer.body_mut().with_config().limit(PAGE_BYTES_MAX).read_to_string();
        let body = body.map_err(|error| unreachable(&error))?;
        let strange = |what: &str| {
            Problem::Unreachable(anyhow::anyhow!("{} does not answer like a SQL gateway: {what}", self.url))
        };
        if status.is_success() {
            return serde_json::from_str(&body).map_err(|error| strange(&error.to_string()));
        }
        let Some(mut refusal) = Refusal::of(&body) else {
            let is_locked = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            // Flink has no logins, so this is the answer of what stands in front of it.
            return Err(if is_locked { self.locked(status) } else { strange(&status.to_string()) });
        };
        if status == StatusCode::UNAUTHORIZED && self.server == Server::Weir {
            refusal.findings.iter_mut().for_each(|finding| finding.message.push_str(&format!(" ({HINT})")));
        }
        Err(Problem::Refused(refusal))
    }

    /// Returns the error of a server that wants a login, or another one.
    fn locked(&self, status: StatusCode) -> Problem {
        let advice = match self.authorization {
            None => "pass --user NAME:PASSWORD (WEIR_USER) or --token (WEIR_TOKEN)",
            Some(_) => "it does not accept this name and password, or token",
        };
        Problem::Unreachable(anyhow::anyhow!("the SQL gateway at {} answered {status}: {advice}", self.url))
    }
}

impl Session {
    /// Returns whether the gateway still knows the session.
    pub(super) fn exists(&self) -> Answer<bool> {
        match self.gateway.get::<Value>(&self.path) {
            Ok(_) => Ok(true),
            Err(Problem::Refused(_)) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// Returns the configuration of the session, in which that of the gateway is contained.
    pub(super) fn properties(&self) -> Answer<BTreeMap<String, String>> {
        #[derive(Deserialize)]
        struct Configuration {
            properties: BTreeMap<String, String>,
        }
        self.gateway.get(&self.path).map(|Configuration { properties }| properties)
    }

    /// Keeps the gateway from closing the session as idle.
    pub(super) fn heartbeat(&self) -> Answer<()> {
        self.gateway.post::<Value>(&format!("{}/heartbeat", self.path), &json!({})).map(drop)
    }

    pub(super) fn close(&self) -> Answer<()> {
        self.gateway.delete(&self.path).map(drop)
    }

    /// Submits a statement. Its errors are reported when its result is fetched.
    pub(super) fn execute(&self, statement: &str) -> Answer<Operation> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Submitted {
            operation_handle: String,
        }
        let body = json!({"statement": statement});
        let submitted: Submitted = self.gateway.post(&format!("{}/statements", self.path), &body)?;
        let path = format!("{}/operations/{}", self.path, submitted.operation_handle);
        Ok(Operation { session: self.clone(), path })
    }

    /// Returns the completions of the word at the end of `head`. A GET with a body, as in Flink's API.
    pub(super) fn complete(&self, head: &str) -> Answer<Vec<String>> {
        #[derive(Deserialize)]
        struct Completed {
            candidates: Vec<String>,
        }
        let gateway = &self.gateway;
        let request = gateway.agent.get(gateway.at(&format!("{}/complete-statement", self.path)));
        let request = gateway.signed(request);
        let request = request.config().timeout_global(Some(COMPLETION_TIMEOUT)).build().force_send_body();
        let body = json!({"statement": head, "position": head.len()});
        gateway.read::<Completed>(request.send_json(body)).map(|completed| completed.candidates)
    }
}

impl Operation {
    /// Fetches the page of a token, counted from 0. The gateway holds the request for a while where there is
    /// nothing yet.
    pub(super) fn fetch(&self, token: u64, format: RowFormat) -> Answer<Page> {
        let path = format!("{}/result/{token}?rowFormat={}", self.path, format.name());
        let fetched: FetchedPage = self.session.gateway.get(&path)?;
        let next = match (fetched.result_type, &fetched.next_result_uri) {
            (ResultType::NotReady, _) => Some(token),
            (ResultType::Payload, Some(uri)) => Some(next_token(uri).unwrap_or(token + 1)),
            (ResultType::Payload, None) | (ResultType::Eos, _) => None,
        };
        let Some(results) = fetched.results else { return Ok(Page { head: None, rows: vec![], next }) };
        let head = Head {
            columns: results.columns,
            job: fetched.job_id,
            is_query: fetched.is_query_result,
            kind: fetched.result_kind.unwrap_or(ResultKind::SuccessWithContent),
        };
        Ok(Page { head: Some(head), rows: results.data, next })
    }

    /// Cancels the operation, and the job of a query with it.
    pub(super) fn cancel(&self) -> Answer<()> {
        self.session.gateway.post::<Value>(&format!("{}/cancel", self.path), &json!({})).map(drop)
    }

    /// Drops the result.
    pub(super) fn close(&self) -> Answer<()> {
        self.session.gateway.delete(&format!("{}/close", self.path)).map(drop)
    }
}

/// Returns the token at the end of `/v2/sessions/…/operations/…/result/1?rowFormat=JSON`.
fn next_token(uri: &str) -> Option<u64> {
    let path = uri.split('?').next()?;
    path.rsplit_once("/result/")?.1.trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_the_last_one() {
        assert_eq!(next_token("/v2/sessions/s/operations/o/result/12?rowFormat=JSON"), Some(12));
        assert_eq!(next_token("/v1/sessions/s/operations/o/result/1/"), Some(1));
        assert_eq!(next_token("/somewhere/else"), None);
    }

    #[test]
    fn what_is_no_gateway_is_told_apart_from_a_refusal() {
        let gateway = Gateway::new(&ClientArgs::default(), "http://127.0.0.1:1/", Server::Flink).unwrap();
        assert!(matches!(gateway.open_session("test"), Err(Problem::Unreachable(_))));
        let answer = |status: u16, body: &str| {
            let body = ureq::Body::builder().data(body.to_owned());
            gateway.read::<Value>(Ok(Response::builder().status(status).body(body).unwrap()))
        };
        assert!(matches!(answer(200, "{}"), Ok(Value::Object(_))));
        assert!(matches!(answer(500, r#"{"errors":["a.B: no"]}"#), Err(Problem::Refused(_))));
        assert!(matches!(answer(502, "<html>"), Err(Problem::Unreachable(_))));
        assert!(matches!(answer(200, "<html>"), Err(Problem::Unreachable(_))));
    }
}
