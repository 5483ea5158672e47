//! The routes of the three listeners, as their `/openapi.json` describes them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::Up;
use crate::{cell, generated_from, prose};

/// A page with the routes of one listener.
pub struct Page {
    pub file: &'static str,
    title: &'static str,
    about: &'static str,
    address: fn(&Up) -> &str,
}

pub const PAGES: &[Page] = &[
    Page {
        file: "http.md",
        title: "HTTP routes",
        about: "Port 8000 (`http.address`) receives events and serves results, dashboards, alerts and metrics. \
                [Sending events](../events.md) and [Results](../results.md) explain how to use them.",
        address: |up| &up.http,
    },
    Page {
        file: "job-manager.md",
        title: "Job manager routes",
        about: "Port 8081 (`jobs_http.address`) serves Flink's REST API, and Weir's own routes below `/weir`. \
                [Flink's REST API](../flink-rest.md) says how this is tested.",
        address: |up| &up.jobs_http,
    },
    Page {
        file: "sql-gateway.md",
        title: "SQL gateway routes",
        about: "Port 8083 (`gateway_http.address`) serves the REST API of Flink's SQL gateway. [SQL \
                gateway](../sql-gateway.md) says what is supported.",
        address: |up| &up.gateway_http,
    },
];

impl Page {
    pub fn generate(&self, up: &Up) -> String {
        let url = format!("{}/openapi.json", (self.address)(up));
        let mut answer = ureq::get(&url).call().expect("an answer");
        let api: Value = answer.body_mut().read_json().expect("JSON");

        let source = "`/openapi.json` of this port, which also has the schemas of bodies and answers";
        let mut page = format!("# {}\n\n{}\n{}\n\n", self.title, generated_from(source), self.about);
        for (path, operations) in api["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                if operation["responses"].is_object() {
                    page.push_str(&section(&method.to_uppercase(), path, operation));
                }
            }
        }
        page
    }
}

fn section(method: &str, path: &str, operation: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut section = format!("## `{method} {path}`\n\n");
    for paragraph in [text(&operation["summary"]), text(&operation["description"])] {
        if !paragraph.is_empty() {
            write!(section, "{}\n\n", prose(&paragraph)).expect("memory");
        }
    }

    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        section.push_str("| parameter | in | meaning |\n| --- | --- | --- |\n");
        for parameter in parameters {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            let needed = if parameter["required"] == true && place != "path" { " (required)" } else { "" };
            let meaning = cell(&text(&parameter["description"]));
            writeln!(section, "| `{name}` | {place}{needed} | {meaning} |").expect("memory");
        }
        section.push('\n');
    }

    section.push_str("| status | answer |\n| --- | --- |\n");
    for (status, response) in operation["responses"].as_object().expect("responses") {
        let (meaning, types) = (cell(&text(&response["description"])), types(response));
        writeln!(section, "| {status} | {meaning}{types} |").expect("memory");
    }
    section + "\n"
}

/// Returns the media types and schemas of an answer.
fn types(response: &Value) -> String {
    let contents = response["content"].as_object().into_iter().flatten();
    let of = contents.map(|(kind, content)| {
        let schema = content["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        schema.map_or_else(|| format!("`{kind}`"), |schema| format!("`{kind}` {schema}"))
    });
    let of: Vec<String> = of.collect();
    if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) }
}
