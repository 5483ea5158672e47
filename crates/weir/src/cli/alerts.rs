//! `weir alerts`: lists, prints, saves, deletes and tests the alerts of a running Weir.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, escaped};
use super::client::ClientArgs;
use super::documents::{put, read};
use super::results::aligned;
use super::terminal::print;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL of Weir
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the alerts: name, state, number of series that fire, source, last delivery, title
    List {
        /// Print one JSON object per alert instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print the document of an alert, with *** in place of the secret
    Get {
        /// Name of the alert
        name: String,
    },
    /// Save a document as an alert
    Put {
        /// Name of the alert: 1 to 64 of the characters a-z, 0-9 and -
        name: String,
        /// File of the document; `-` is stdin
        file: PathBuf,
        /// Replace the alert of this name; a file is hidden until the saved alert is deleted
        #[arg(long)]
        replace: bool,
    },
    /// Delete a saved alert with its state; the file that it has hidden counts again
    Delete {
        /// Name of the alert
        name: String,
    },
    /// Send a test notification, and print the outcome
    Test {
        /// Name of the alert
        name: String,
    },
}

#[derive(Deserialize)]
struct List {
    alerts: Vec<Value>,
}

#[derive(Deserialize)]
struct Tested {
    is_delivered: bool,
    error: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let api = Api::new(&arguments.url, &arguments.client)?;
    match &arguments.action {
        Action::List { json } => list(&api, *json)?,
        Action::Get { name } => {
            let text = api.get(&path(name), &[])?;
            print(text.strip_suffix('\n').unwrap_or(&text))?;
        }
        Action::Put { name, file, replace } => {
            put(&api, "alert", &path(name), name, &read(file)?, *replace)?;
        }
        Action::Delete { name } => {
            api.delete(&path(name))?;
            print(&format!("deleted {name}"))?;
        }
        Action::Test { name } => test(&api, name)?,
    }
    Ok(Outcome::Done)
}

fn path(name: &str) -> String {
    format!("/alerts/{}", escaped(name))
}

fn list(api: &Api, json: bool) -> Result<(), Failure> {
    let List { alerts } = api.read(&api.get("/alerts", &[])?)?;
    if json {
        return alerts.iter().try_for_each(|alert| print(&alert.to_string()));
    }

    let mut lines =
        vec![["NAME", "STATE", "FIRING", "SOURCE", "DELIVERY", "TITLE"].map(str::to_owned).to_vec()];
    for alert in &alerts {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let source = match alert["replaces"].as_str() {
            Some(hidden) => format!("{}, hides {hidden}", text(&alert["source"])),
            None => text(&alert["source"]),
        };
        let state = match alert["enabled"].as_bool() {
            Some(false) => "disabled".to_owned(),
            Some(true) | None => text(&alert["state"]),
        };
        lines.push(vec![
            text(&alert["name"]),
            state,
            alert["firing_count"].to_string(),
            source,
            text(&alert["last_delivery"]["outcome"]),
            text(&alert["title"]),
        ]);
    }
    aligned(&lines).iter().try_for_each(|line| print(line))
}

fn test(api: &Api, name: &str) -> Result<(), Failure> {
    let tested: Tested = api.read(&api.post(&format!("{}/test", path(name)))?)?;
    match tested {
        Tested { is_delivered: true, .. } => print("delivered"),
        Tested { error, .. } => {
            let why = error.unwrap_or_else(|| "the receiver did not take it".to_owned());
            Err(Failure::failed(anyhow::anyhow!("the notification was not delivered: {why}")))
        }
    }
}
