//! `weir health`: asks a running Weir whether it works; for health checks of containers and supervisors.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Deserialize;

use super::client::ClientArgs;
use super::terminal::{on_one_line, print};
use super::{Failure, Outcome};

/// Time in which Weir must answer. Health checks of containers usually wait for five seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL of Weir
    #[arg(long, value_name = "URL", env = "WEIR_URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    /// Only ask whether the process answers, not whether its log, its store and its jobs work
    #[arg(long)]
    live: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let path = if arguments.live { "/healthz" } else { "/readyz" };
    let url = format!("{}{path}", arguments.url.trim_end_matches('/'));
    let mut request = arguments.client.agent(&url, TIMEOUT)?.get(&url);
    if let Some(token) = arguments.client.authorization() {
        request = request.header("Authorization", token);
    }

    let answer = request.call().with_context(|| format!("asking {url}")).map_err(Failure::external)?;
    let status = answer.status();
    let text = answer.into_body().read_to_string().with_context(|| format!("reading the answer of {url}"));
    let text = text.map_err(Failure::external)?;

    if status.is_success() {
        print("healthy")?;
        return Ok(Outcome::Done);
    }
    if status.as_u16() != 503 {
        return Err(Failure::failed(anyhow!("{url} answers {status}: {}", on_one_line(&text))));
    }
    for reason in reasons(&text) {
        print(&on_one_line(&reason))?;
    }
    Ok(Outcome::No)
}

/// The answer of `/readyz`.
#[derive(Deserialize)]
struct Readiness {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    ok: bool,
    message: Option<String>,
}

/// Returns what does not work: the failed checks, each with its message.
fn reasons(text: &str) -> Vec<String> {
    let Ok(Readiness { checks }) = serde_json::from_str(text) else { return vec![text.to_owned()] };
    let failed = checks.into_iter().filter(|check| !check.ok);
    let said =
        |check: Check| format!("{}: {}", check.name, check.message.as_deref().unwrap_or("does not work"));
    failed.map(said).collect()
}
