//! `weir dashboards`: lists, prints, saves and deletes the dashboards of a running Weir.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use ureq::http::StatusCode;

use super::api::{Api, escaped};
use super::client::ClientArgs;
use super::results::aligned;
use super::terminal::print;
use super::{Failure, Outcome};

/// The conditions of a change: there is no such dashboard; there is one.
const IS_NEW: (&str, &str) = ("If-None-Match", "*");
const EXISTS: (&str, &str) = ("If-Match", "*");

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
        Action::Put { name, file, replace } => put(&api, name, &read(file)?, *replace)?,
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

fn put(api: &Api, name: &str, document: &[u8], replace: bool) -> Result<(), Failure> {
    let path = path(name);
    if replace {
        match api.put(&path, EXISTS, document)? {
            Ok(_) => return print(&format!("replaced {name}")),
            // There is nothing to replace.
            Err(refused) if refused.status == StatusCode::PRECONDITION_FAILED => {}
            Err(refused) => return Err(refused.into()),
        }
    }

    match api.put(&path, IS_NEW, document)? {
        Ok(_) => print(&format!("created {name}")),
        Err(refused) if refused.status == StatusCode::PRECONDITION_FAILED => {
            Err(Failure::failed(anyhow::anyhow!(
                "there is a dashboard `{name}` already: replace it with --replace, or choose another name"
            )))
        }
        Err(refused) => Err(refused.into()),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file == Path::new("-") {
        let mut document = Vec::new();
        let read = std::io::stdin().read_to_end(&mut document);
        return read.map(|_| document).context("reading the document from stdin").map_err(Failure::failed);
    }
    std::fs::read(file).with_context(|| format!("reading {}", file.display())).map_err(Failure::failed)
}
