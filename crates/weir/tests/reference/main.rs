//! The pages in `docs/reference` are generated: settings from `config/weir.toml`, functions from their registry, metrics
//! and routes from what a running Weir serves, commands from their help.
//!
//! A test fails while a page differs from what is generated. `UPDATE_REFERENCE=1` rewrites the pages:
//!
//! ```text
//! UPDATE_REFERENCE=1 cargo test --workspace --test reference
//! ```

mod commands;
mod functions;
mod metrics;
mod routes;
mod settings;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use support::Up;

/// Compares a page with what is generated, or rewrites it.
fn assert_page(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, generated).expect("the page is written");
    }

    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(generated.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| page.lines().count().min(generated.lines().count()));
    assert!(
        page == generated,
        "docs/reference/{name} is not what is generated, from line {} on; UPDATE_REFERENCE=1 rewrites it\n- {}\n+ {}",
        line + 1,
        page.lines().nth(line).unwrap_or_default(),
        generated.lines().nth(line).unwrap_or_default()
    );
}

/// Returns the sentence that says where a page comes from.
fn generated_from(source: &str) -> String {
    format!("This page is generated from {source}.\n")
}

/// Escapes what has a meaning in Markdown or HTML, outside of code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => part.replace('<', "&lt;").replace("{{", "{ {").replace('*', "\\*"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<String>>().join("`")
}

/// Formats a cell of a table.
fn cell(text: &str) -> String {
    prose(text).split_whitespace().collect::<Vec<&str>>().join(" ").replace('|', "\\|")
}

/// Formats code in a cell of a table.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

#[test]
fn settings_are_those_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    assert_page("settings.md", &settings::page(&up));
}

#[test]
fn functions_are_those_of_the_registry() {
    assert_page("functions.md", &functions::page());
}

#[test]
fn metrics_are_those_that_are_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = metrics::page(directory.path());
    assert_page("metrics.md", &page);

    let monitoring = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/monitoring.md");
    let monitoring = std::fs::read_to_string(monitoring).expect("a page");
    let names = monitoring.split('`').filter_map(|code| code.split('{').next());
    let names = names.filter(|name| name.starts_with("weir_") && !name.contains(char::is_whitespace));
    let unknown: Vec<&str> = names.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(unknown.is_empty(), "docs/monitoring.md has other names: {unknown:?}");
}

#[test]
fn routes_are_those_that_are_described() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    for page in routes::PAGES {
        assert_page(page.file, &page.generate(&up));
    }
}

#[test]
fn commands_are_those_of_the_help() {
    assert_page("commands.md", &commands::page());
}
