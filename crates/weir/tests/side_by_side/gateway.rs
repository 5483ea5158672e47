//! A client of Flink's SQL gateway: sends statements and returns the changes of their rows.
//!
//! `scripts/flink-cluster.sh` starts the Flink and names its gateway.
#![allow(dead_code, reason = "each program uses a part of it")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::support::pause_for;

const POLL: Duration = Duration::from_millis(25);
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// Polls until a statement counts as hung: about two minutes.
const POLLS_MAX: u32 = 4_800;

/// A session of the gateway. Dropping it closes the session.
pub struct Session {
    agent: ureq::Agent,
    url: String,
}

/// A change of a row from the gateway: its kind, and its values in the order of the query's columns.
pub struct Row {
    pub op: &'static str,
    pub values: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    result_type: String,
    #[serde(default)]
    results: Option<Results>,
    #[serde(default)]
    next_result_uri: Option<String>,
    #[serde(default, rename = "jobID")]
    job: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    data: Vec<Data>,
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Data {
    kind: String,
    fields: Vec<Box<RawValue>>,
}

impl Session {
    /// Opens a session at the gateway with that URL.
    pub fn open(gateway: &str) -> Session {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer: Value =
            serde_json::from_str(&post(&agent, &format!("{gateway}/v3/sessions"), &json!({}))).expect("JSON");
        let handle = answer["sessionHandle"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Session { url: format!("{gateway}/v3/sessions/{handle}"), agent }
    }

    /// Runs a statement to its end, and returns its rows.
    ///
    /// # Errors
    /// Fails with the innermost cause where Flink refuses the statement, or its job fails.
    pub fn run(&self, statement: &str) -> Result<Vec<Row>, String> {
        self.run_as_job(statement).map(|(rows, _)| rows)
    }

    /// As [`Session::run`]; also returns the job that an `INSERT` started, which goes on.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_as_job(&self, statement: &str) -> Result<(Vec<Row>, Option<String>), String> {
        let answer = self.fetch(statement);
        if answer.is_err() {
            // Ending the session cancels the job. A task manager dies when a job is cancelled before it has
            // quite begun.
            pause_for(AFTER_ERROR);
        }
        answer
    }

    fn fetch(&self, statement: &str) -> Result<(Vec<Row>, Option<String>), String> {
        let answer =
            post(&self.agent, &format!("{}/statements", self.url), &json!({ "statement": statement }));
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        let Some(operation) = answer["operationHandle"].as_str() else { return Err(cause(&answer)) };

        let mut path = format!("{}/operations/{operation}/result/0?rowFormat=JSON", self.url);
        let (mut rows, mut job) = (Vec::new(), None);
        for _ in 0..POLLS_MAX {
            let text = get(&self.agent, &path);
            let Ok(page) = serde_json::from_str::<Page>(&text) else {
                return Err(cause(&serde_json::from_str(&text).unwrap_or_default()));
            };
            job = page.job.or(job);
            let data = page.results.map_or_else(Vec::new, |results| results.data);
            let is_idle = data.is_empty();
            rows.extend(data.into_iter().map(|row| Row { op: op(&row.kind), values: row.fields }));
            if page.result_type == "EOS" {
                return Ok((rows, job));
            }

            // The gateway returns paths without the host.
            if let (Some(next), Some(end)) = (page.next_result_uri, self.url.find("/v3/")) {
                path = format!("{}{next}", &self.url[..end]);
            }
            if is_idle {
                pause_for(POLL);
            }
        }
        Err("it does not end".to_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The rest of the session ends with the cluster.
        let _ = self.agent.delete(&self.url).call();
    }
}

fn op(kind: &str) -> &'static str {
    match kind {
        "INSERT" => "+I",
        "UPDATE_BEFORE" => "-U",
        "UPDATE_AFTER" => "+U",
        "DELETE" => "-D",
        kind => panic!("a row of the kind {kind}"),
    }
}

/// Returns the innermost cause in an error answer.
fn cause(answer: &Value) -> String {
    let last = answer["errors"].as_array().and_then(|errors| errors.last()).and_then(Value::as_str);
    let text = last.map_or_else(|| answer.to_string(), str::to_owned);
    let inner = text.rsplit("Caused by: ").next().unwrap_or(&text);
    // A parser's error ends with all words that it expected.
    let ends = ["\n\tat ", "Was expecting", "\n\nEnd of exception"];
    let inner = ends.iter().fold(inner, |text, end| text.split(end).next().unwrap_or(text));
    inner.trim().to_owned()
}

fn post(agent: &ureq::Agent, url: &str, body: &Value) -> String {
    let mut answer = agent
        .post(url)
        .content_type("application/json")
        .send(body.to_string())
        .unwrap_or_else(|error| panic!("{url}: {error}"));
    answer.body_mut().read_to_string().expect("text")
}

fn get(agent: &ureq::Agent, url: &str) -> String {
    let mut answer = agent.get(url).call().unwrap_or_else(|error| panic!("{url}: {error}"));
    answer.body_mut().with_config().limit(1 << 28).read_to_string().expect("text")
}
