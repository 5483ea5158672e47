//! The help of all commands.

use std::fmt::Write as _;

use crate::generated_from;
use crate::support::{run, weir};

pub fn page() -> String {
    let mut page = format!("# Commands\n\n{}\n", generated_from("the help of each command"));
    page.push_str(
        "`weir manual DIRECTORY` writes the same as manual pages. Every command also takes `--log` and `--log-format`.\n",
    );
    add(&mut page, &mut Vec::new());
    page
}

/// Adds a command, and then its own commands.
fn add(page: &mut String, path: &mut Vec<String>) {
    let help = help(path);
    let title = [&["weir".to_owned()], path.as_slice()].concat().join(" ");
    let level = "#".repeat(path.len().min(1) + 2);
    write!(page, "\n{level} `{title}`\n\n```text\n{}\n```\n", shown(&help, path.is_empty())).expect("memory");

    for name in commands(&help) {
        path.push(name);
        add(page, path);
        path.pop();
    }
}

fn help(path: &[String]) -> String {
    let mut command = weir();
    let variables = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("WEIR_"));
    // The help shows the values of variables.
    variables.for_each(|name| {
        command.env_remove(name);
    });
    let output = run(command.args(path).arg("--help").env("COLUMNS", "100"));
    assert!(output.status.success(), "{path:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns the help without blanks at the ends of lines, and without the flags that every command has.
fn shown(help: &str, is_first: bool) -> String {
    let help = if is_first { help } else { help.split("\nLogs:\n").next().unwrap_or(help) };
    let lines: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Returns the names in the list of commands.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let list = list.split("\n\n").next().unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}
