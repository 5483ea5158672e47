//! The settings: `config/weir.toml`, whose comments are the documentation of the fields (a test of the binary compares
//! them), and the keys that scripts can `SET`.

use std::fmt::Write as _;

use crate::support::{Up, run, weir};
use crate::{cell, generated_from, prose};

const FILE: &str = include_str!("../../../../config/weir.toml");

pub fn page(up: &Up) -> String {
    let mut page = format!("# Settings\n\n{}\n", generated_from("`config/weir.toml`"));
    page.push_str(
        "A setting comes from the file `weir.toml` (or `--config FILE`), then from the environment, then from flags; the \
         last one counts. `weir config` prints the settings in force and where each comes from. An unknown key is an \
         error.\n\nA length of time is a number with `ms`, `s`, `min`, `h` or `d`; a size is a number with `B`, `KiB`, \
         `MiB` or `GiB`.\n\n",
    );

    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in FILE.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            write!(page, "## `[{name}]`\n\n{}\n\n", prose(&comment.join(" "))).expect("memory");
            comment.clear();
        } else if let Some((key, default)) = line.split_once(" = ") {
            page.push_str(&setting(&section, key, default, &comment.join(" ")));
            comment.clear();
        } else {
            // The comment at the head of the file.
            comment.clear();
        }
    }

    page + &of_scripts(up)
}

fn setting(section: &str, key: &str, default: &str, meaning: &str) -> String {
    let name = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    let variable = format!("WEIR_{}", name.replace('.', "_").to_uppercase());
    format!("### `{name}`\n\nDefault `{default}`, environment `{variable}`.\n\n{}\n\n", prose(meaning))
}

/// Lists the keys that the SQL gateway names.
fn of_scripts(up: &Up) -> String {
    let listed = run(weir().args(["sql", "-e", "SET"]).env("WEIR_GATEWAY_URL", &up.gateway_http));
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    let keys = listed.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default());
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    assert!(keys.len() > 10, "{listed}");

    format!(
        "## Settings of a script\n\nA script sets these keys with `SET 'key' = 'value'`: {}.\n\n{}\n",
        keys.join(", "),
        cell(
            "It also sets those of checkpoints (`execution.checkpointing.interval`, `.min-pause`, `.timeout`, \
             `.num-retained`, `.dir`, `.savepoint-dir`, `.tolerable-failed-checkpoints`, `.data-inline-threshold`), of \
             restarts (`restart-strategy.type` and the keys of each strategy), and `table.exec.state.ttl`, with the names \
             and meanings of Flink. Other keys of Flink are accepted with a notice and have no effect."
        )
    )
}
