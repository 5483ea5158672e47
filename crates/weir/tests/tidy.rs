//! The rules of the code base, checked against its sources: permitted dependencies between crates, and
//! forbidden words.
//!
//! Each rule is a function from a file's path and text to complaints, so that each is also tested on a few
//! lines that break it. ARCHITECTURE.md has the reasons for the rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum length of a source file. A longer one contains more than one idea.
const LINES_MAX: usize = 400;

/// Third-party crates that would break an invariant of a crate.
const FORBIDDEN_DEPENDENCIES: [(&str, &[&str]); 4] = [
    ("types", &["tokio", "async-trait", "futures-util", "axum"]),
    ("sql", &["tokio", "async-trait", "futures-util", "axum"]),
    (
        "engine",
        &["tokio", "async-trait", "futures-util", "axum", "rdkafka", "redis", "fjall", "ureq", "hyper"],
    ),
    ("storage", &["sqlparser", "axum"]),
];

/// Words that some parts of the code must not contain: the part, the word, and the reason.
const FORBIDDEN_WORDS: [(&str, &str, &str); 15] = [
    ("crates/types/", "async ", "types does not wait"),
    ("crates/types/", "std::fs", "types does no I/O"),
    ("crates/types/", "std::net", "types does no I/O"),
    ("crates/sql/", "async ", "sql does not wait"),
    ("crates/sql/", "std::fs", "sql does no I/O"),
    ("crates/sql/", "std::net", "sql does no I/O"),
    ("crates/engine/", ".await", "operators do not wait"),
    ("crates/engine/", "std::fs", "engine knows files only through its traits"),
    ("crates/engine/", "std::net", "engine knows the network only through its traits"),
    ("crates/", "unbounded(", "every queue has a bound"),
    ("crates/", "unbounded_channel(", "every queue has a bound"),
    ("crates/", "mpsc::channel()", "every queue has a bound"),
    ("crates/", "SystemTime::now", "only types/src/clock.rs asks the system clock"),
    ("crates/", "Instant::now", "only types/src/clock.rs asks the system clock"),
    ("crates/", "std::env", "only weir reads the environment"),
];

/// The places where a forbidden word is permitted.
const HOMES: [(&str, &str); 3] = [
    ("crates/types/src/clock.rs", "SystemTime::now"),
    ("crates/types/src/clock.rs", "Instant::now"),
    ("crates/weir/", "std::env"),
];

/// Words of Flink's REST API, and the only places that may use them: the server's model of it, and the
/// client.
const FLINK_WORDS: [&str; 5] =
    ["\"jid\"", "taskmanagers", "backpressure-level", "yarn-cancel", "failure-cause"];
const FLINK_HOMES: [&str; 2] = ["crates/server/src/flink/", "crates/weir/src/cli/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns paths and texts of the files below the root that end in one of these.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let name = entry.file_name();
            let is_made =
                ["target", "node_modules", "dist", "output", "weir-data"].iter().any(|made| name == *made);
            if is_made || name == ".git" {
                continue;
            }
            match entry.file_type().expect("an entry has a type") {
                kind if kind.is_dir() => walk(&entry.path(), found),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }

    let mut found = Vec::new();
    walk(&root(), &mut found);

    let mut files: Vec<_> = found
        .into_iter()
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .filter_map(|path| {
            let name =
                path.strip_prefix(root()).expect("found below the root").to_string_lossy().into_owned();
            Some((name, fs::read_to_string(&path).ok()?))
        })
        .collect();

    files.sort();
    files
}

/// Returns the code of a file without comments and without everything from its tests on.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether a file is production code. Tests and benchmarks may use files and sockets, and only clippy
/// checks them.
fn is_production(path: &str) -> bool {
    let is_test_file =
        ["tests.rs", "/tests/", "/benches/", "/examples/", "/fuzz/"].iter().any(|part| path.contains(part));
    path.starts_with("crates/") && path.contains("/src/") && !is_test_file
}

fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    let names = |section: &str| {
        let table = manifest.get(section).and_then(|value| value.as_table());
        table.into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    [names("dependencies"), names("build-dependencies")].concat()
}

/// Returns the permitted dependencies: the lines `    crate ─► crate crate` of ARCHITECTURE.md.
fn arrows(architecture: &str) -> BTreeMap<String, Vec<String>> {
    let lines = architecture.lines().filter_map(|line| line.strip_prefix("    ")?.split_once("─►"));
    lines
        .filter(|(from, _)| !from.starts_with(' ') && from.trim().chars().all(|c| c.is_ascii_lowercase()))
        .map(|(from, to)| {
            let to = to.split_whitespace().filter(|to| *to != "nothing");
            (from.trim().to_owned(), to.map(str::to_owned).collect())
        })
        .collect()
}

fn wrong_dependencies(name: &str, manifest: &str, arrows: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let Some(allowed) = arrows.get(name) else {
        return vec![format!("{name} is not a crate of the house: ARCHITECTURE.md says which there are")];
    };
    let forbidden =
        FORBIDDEN_DEPENDENCIES.iter().find(|(from, _)| *from == name).map_or(&[][..], |(_, list)| list);
    let used = dependencies(manifest);
    let unused = allowed.iter().filter(|to| !used.contains(to));
    let unused = unused.map(|to| format!("{name} does not use {to}, and ARCHITECTURE.md says it does"));
    let wrong = used.iter().filter(|used| match arrows.contains_key(*used) {
        true => !allowed.contains(used),
        false => forbidden.contains(&used.as_str()),
    });
    wrong.map(|used| format!("{name} may not use {used}")).chain(unused).collect()
}

fn wrong_words(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    // Tokio's clock is for its own timers, and tests can pause it.
    let is_tokios = code.lines().any(|line| line.starts_with("use tokio::time") && line.contains("Instant"));
    let at_home = |word: &str| {
        HOMES.iter().any(|(home, its)| path.starts_with(home) && *its == word)
            || (word == "Instant::now" && is_tokios)
    };
    let listed = FORBIDDEN_WORDS.iter().filter(|(place, word, _)| path.starts_with(place) && !at_home(word));
    let mut complaints: Vec<String> = listed
        .filter(|(_, word, _)| code.contains(word))
        .map(|(_, word, why)| format!("{path}: `{}`: {why}", word.trim()))
        .collect();
    if !FLINK_HOMES.iter().any(|home| path.starts_with(home)) {
        let found = FLINK_WORDS.iter().filter(|word| code.contains(*word));
        complaints
            .extend(found.map(|word| format!("{path}: `{word}`: only server/src/flink speaks Flink's JSON")));
    }
    complaints
}

fn wrong_opening(path: &str, text: &str) -> Option<String> {
    (!text.starts_with("//! ")).then(|| format!("{path}: does not open with its idea (`//! …`)"))
}

fn wrong_length(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LINES_MAX).then(|| format!("{path}: {lines} lines, more than {LINES_MAX}"))
}

/// Finds traces of the machine or the tools with which a change was made.
fn traces(path: &str, text: &str) -> Vec<String> {
    // In two halves, so that this file does not contain the words itself.
    let words = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/tmp", "/"),
        ("Clau", "de"),
        ("Anth", "ropic"),
        ("issue ", "#"),
    ];
    let words = words.map(|(a, b)| [a, b].concat());
    let found = words.iter().filter(|word| text.contains(word.as_str()));
    found.map(|word| format!("{path}: `{word}` is of somebody's machine or workplace")).collect()
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn crates_use_each_other_only_along_the_arrows() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the picture is there");
    let arrows = arrows(&architecture);
    let mut seen = BTreeMap::new();
    for (path, manifest) in files(&["Cargo.toml"]) {
        if let Some(name) = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml")) {
            seen.insert(name.to_owned(), wrong_dependencies(name, &manifest, &arrows));
        }
    }
    assert_eq!(seen.len(), arrows.len(), "{seen:?}");
    assert_none(seen.into_values().flatten().collect());
}

#[test]
fn what_must_be_absent_is_absent() {
    let sources = files(&[".rs"]).into_iter().filter(|(path, _)| is_production(path));
    assert_none(sources.flat_map(|(path, text)| wrong_words(&path, &text)).collect());
}

#[test]
fn every_source_file_opens_with_its_idea() {
    assert_none(files(&[".rs"]).iter().filter_map(|(path, text)| wrong_opening(path, text)).collect());
}

#[test]
fn no_source_file_is_too_long() {
    assert_none(files(&[".rs"]).iter().filter_map(|(path, text)| wrong_length(path, text)).collect());
}

#[test]
fn nothing_tells_where_it_was_made() {
    let texts = files(&[
        ".rs", ".toml", ".md", ".sql", ".sh", ".ts", ".tsx", ".mjs", ".css", ".html", "Makefile", ".ci/run",
    ]);
    assert!(texts.iter().any(|(path, _)| path == "Makefile"));
    assert_none(texts.iter().flat_map(|(path, text)| traces(path, text)).collect());
}

#[test]
fn a_wrong_arrow_is_found() {
    let picture = "    types    ─► nothing\n    sql      ─► types\n    storage  ─► types\n    engine ─► types sql\n\
                   \n    HTTP (tokio) ─► log\n        a ─► b\n`text` ─► that is none";
    let arrows = arrows(picture);
    assert_eq!(arrows.len(), 4, "{arrows:?}");
    let wrong = |name: &str, used: &str| wrong_dependencies(name, used, &arrows);

    let sql = "[dependencies]\ntypes.workspace = true\nengine.workspace = true\nserde = \"1\"";
    assert_eq!(wrong("sql", sql), ["sql may not use engine"]);
    let storage = "[dependencies]\nsql.workspace = true";
    assert_eq!(
        wrong("storage", storage),
        ["storage may not use sql", "storage does not use types, and ARCHITECTURE.md says it does"]
    );
    let kafka =
        "[dependencies]\ntypes = \"0\"\nsql = \"0\"\nrdkafka = \"0.39\"\n[dev-dependencies]\ntokio = \"1\"";
    assert_eq!(wrong("engine", kafka), ["engine may not use rdkafka"]);
    assert_eq!(wrong("types", "[build-dependencies]\ntokio = \"1\""), ["types may not use tokio"]);
    assert_eq!(wrong("common", "").len(), 1);
}

#[test]
fn a_wrong_word_is_found_in_code_and_only_there() {
    for (path, line) in [
        ("crates/types/src/time.rs", "pub async fn wait() {}"),
        ("crates/sql/src/parse/mod.rs", "let text = std::fs::read_to_string(path)?;"),
        ("crates/engine/src/operator/filter.rs", "    let rows = next.await;"),
        ("crates/engine/src/execution.rs", "use std::net::TcpListener;"),
        ("crates/jobs/src/master.rs", "let (tx, rx) = crossbeam_channel::unbounded();"),
        ("crates/server/src/feed/mod.rs", "let (tx, rx) = mpsc::unbounded_channel();"),
        ("crates/storage/src/log/commit.rs", "let (tx, rx) = std::sync::mpsc::channel();"),
        ("crates/types/src/time.rs", "let now = std::time::SystemTime::now();"),
        ("crates/weir/src/cli/run.rs", "let began = Instant::now();"),
        ("crates/storage/src/log/mod.rs", "let home = std::env::var(\"HOME\");"),
        ("crates/jobs/src/record.rs", "json!({\"jid\": id})"),
        ("crates/server/src/analytics/mod.rs", ".route(\"/taskmanagers\", get(list))"),
    ] {
        assert_eq!(wrong_words(path, line).len(), 1, "{path}: {line}");
        assert!(wrong_words(path, &format!("    // {line}")).is_empty(), "{path}: {line}");
        assert!(wrong_words(path, &format!("#[cfg(test)]\nmod tests {{\n    {line}\n}}")).is_empty());
    }

    let timer = "use tokio::time::{Instant, sleep_until};\nlet now = Instant::now();";
    assert!(wrong_words("crates/server/src/feed/mod.rs", timer).is_empty());
    assert!(wrong_words("crates/types/src/clock.rs", "SystemTime::now() Instant::now()").is_empty());
    assert!(wrong_words("crates/weir/src/cli/config.rs", "std::env::vars_os()").is_empty());
    assert!(wrong_words("crates/server/src/flink/model/jobs.rs", "\"jid\"").is_empty());
    assert!(wrong_words("crates/jobs/src/master.rs", "crossbeam_channel::bounded(8)").is_empty());
}

#[test]
fn a_file_without_an_idea_or_with_too_many_is_found() {
    assert!(wrong_opening("a.rs", "use std::fmt;\n").is_some());
    assert!(wrong_opening("a.rs", "// an idea\n").is_some());
    assert!(wrong_opening("a.rs", "//! An idea.\n").is_none());
    assert!(wrong_length("a.rs", &"x\n".repeat(LINES_MAX)).is_none());
    assert!(wrong_length("a.rs", &"x\n".repeat(LINES_MAX + 1)).is_some());
}

#[test]
fn a_trace_of_a_machine_is_found() {
    let text = ["see /wo", "rk/notes and /ro", "ot/.cargo"].concat();
    assert_eq!(traces("README.md", &text).len(), 2);
    assert!(traces("README.md", "a work of art, at the root of things").is_empty());
}

#[test]
fn tests_and_benchmarks_are_not_production() {
    assert!(is_production("crates/engine/src/column.rs"));
    for path in [
        "crates/engine/src/window/tests.rs",
        "crates/engine/tests/golden.rs",
        "crates/sql/benches/x.rs",
        "ui/x.rs",
    ] {
        assert!(!is_production(path), "{path}");
    }
}
