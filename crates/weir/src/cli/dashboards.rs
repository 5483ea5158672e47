//! `weir dashboards`: lists, prints, saves and deletes the dashboards of a running Weir.

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
    /// List the dashboards: name, source, number of panels, time of the last change, title
    List {
        /// Print one JSON object per dashboard instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print the document of a dashboard
    Get {
        /// Name of the dashboard
        name: String,
    },
    /// Save a document as a dashboard
    Put {
        /// Name of the dashboard: 1 to 64 of the characters a-z, 0-9 and -
        name: String,
        /// File of the document; `-` is stdin
        file: PathBuf,
        /// Replace the dashboard of this name; a built-in one or a file is hidden until the saved one is deleted
        #[arg(long)]
        replace: bool,
    },
    /// Delete a saved dashboard; the built-in one or the file that it has hidden is shown again
    Delete {
        /// Name of the dashboard
        name: String,
    },
}

#[derive(Deserialize)]
struct List {
    dashboards: Vec<Value>,
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
            put(&api, "dashboard", &path(name), name, &read(file)?, *replace)?
        }
        Action::Delete { name } => {
            api.delete(&path(name))?;
            print(&format!("deleted {name}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn path(name: &str) -> String {
    format!("/dashboards/{}", escaped(name))
}

fn list(api: &Api, json: bool) -> Result<(), Failure> {
    let List { dashboards } = api.read(&api.get("/dashboards", &[])?)?;
    if json {
        return dashboards.iter().try_for_each(|dashboard| print(&dashboard.to_string()));
    }

    let mut lines = vec![["NAME", "SOURCE", "PANELS", "UPDATED", "TITLE"].map(str::to_owned).to_vec()];
    for dashboard in &dashboards {
        let text = |name: &str| dashboard[name].as_str().unwrap_or("-").to_owned();
        let source = match dashboard["replaces"].as_str() {
            Some(hidden) => format!("{}, hides {hidden}", text("source")),
            None => text("source"),
        };
        lines.push(vec![
            text("name"),
            source,
            dashboard["panels"].to_string(),
            text("updated"),
            text("title"),
        ]);
    }
    aligned(&lines).iter().try_for_each(|line| print(line))
}
