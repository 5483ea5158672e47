//! Dashboards of a whole Weir: files beside a script, saved ones over a crash, and `weir dashboards`.

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use support::{BY_ID, Up, run, stderr, weir};

fn document(title: &str) -> String {
    format!(
        r#"{{"version": 1, "title": "{title}", "panels": [{{"id": "n", "title": "N", "table": "by_id", "chart": "line",
  "number": "n", "at": {{"x": 0, "y": 0, "w": 12, "h": 4}}}}]}}"#
    )
}

fn command(up: &Up, arguments: &[&str]) -> std::process::Output {
    run(weir().arg("dashboards").args(arguments).args(["--url", &up.http]))
}

/// Returns the output of a command that must succeed.
fn succeeds(up: &Up, arguments: &[&str]) -> String {
    let output = command(up, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Asserts that a command fails, with a part of its message.
fn fails(up: &Up, arguments: &[&str], part: &str) {
    let output = command(up, arguments);
    let told = stderr(&output);
    assert!(output.status.code() == Some(1) && told.contains(part), "{arguments:?}: {told}");
}

/// Returns name, source and hidden source of each dashboard.
fn listed(up: &Up) -> Vec<[Value; 3]> {
    let list = up.get("/dashboards");
    let dashboards = list["dashboards"].as_array().expect("a list").iter();
    dashboards.map(|of| ["name", "source", "replaces"].map(|name| of[name].clone())).collect()
}

/// Writes a script with dashboards beside it, one of them wrong, and returns the path of the script.
fn script_with_dashboards(directory: &Path) -> String {
    let script = directory.join("by_id.sql");
    std::fs::create_dir_all(directory.join("dashboards")).expect("a directory");
    std::fs::write(&script, BY_ID).expect("a script");
    let file = |name: &str, text: &str| {
        std::fs::write(directory.join("dashboards").join(name), text).expect("a file");
    };
    file("ids.json", &document("Ids"));
    file("analytics.json", &document("Other"));
    file("wide.json", &document("Wide").replace("\"w\": 12", "\"w\": 13"));
    file("notes.txt", "no dashboard");
    script.to_str().expect("a path").to_owned()
}

#[test]
fn files_beside_a_script_are_served_and_a_bad_one_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let script = script_with_dashboards(directory.path());
    let log = directory.path().join("log");
    let up = Up::start_logged_with(&data, &[&script], &[("WEIR_LOG", "warn")], &log);

    let (file, built_in) = (json!("file"), json!("built-in"));
    let files = [[json!("analytics"), file.clone(), built_in], [json!("ids"), file, Value::Null]];
    assert_eq!(listed(&up), files);
    let told = std::fs::read_to_string(&log).expect("a log");
    assert!(told.contains("dashboards/wide.json"), "{told}");
    assert!(told.contains("panels[0].at.w: must be 1 to 12, not 13"), "{told}");

    assert_eq!(succeeds(&up, &["get", "ids"]), document("Ids") + "\n");
    fails(&up, &["delete", "ids"], "remove the file and restart Weir");
}

#[test]
fn a_saved_dashboard_survives_a_crash_and_only_its_owner_can_read_it() {
    let data = tempfile::tempdir().expect("a directory");
    // The script lies in the data directory, so the directory beside it is that of saved dashboards.
    let script = data.path().join("by_id.sql");
    std::fs::write(&script, BY_ID).expect("a script");
    let start = || Up::start_in(data.path(), &[script.to_str().expect("a path")], &[("WEIR_LOG", "error")]);
    let up = start();
    let mine = data.path().join("mine.txt");
    std::fs::write(&mine, document("Mine")).expect("a file");
    succeeds(&up, &["put", "mine", mine.to_str().expect("a path")]);
    up.kill();

    let saved = data.path().join("dashboards");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&saved), mode(&saved.join("mine.json"))), (0o700, 0o600));
    std::fs::write(saved.join("half.json"), &document("Half")[..40]).expect("a file");

    let up = start();
    let sources =
        [[json!("analytics"), json!("built-in"), Value::Null], [json!("mine"), json!("saved"), Value::Null]];
    assert_eq!(listed(&up), sources);
    assert_eq!(succeeds(&up, &["get", "mine"]), document("Mine") + "\n");
}

#[test]
fn the_command_line_lists_prints_saves_and_deletes() {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "error")]);
    let file = |name: &str, text: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let (one, two) = (file("one.txt", &document("One")), file("two.txt", &document("Two\\u001b[2J")));
    let wrong = file("wrong.txt", "{");

    assert_eq!(succeeds(&up, &["put", "mine", &one]), "created mine\n");
    fails(&up, &["put", "mine", &two], "with --replace");
    assert_eq!(succeeds(&up, &["get", "mine"]), document("One") + "\n");
    assert_eq!(succeeds(&up, &["put", "mine", &two, "--replace"]), "replaced mine\n");
    assert_eq!(succeeds(&up, &["put", "--replace", "new", &one]), "created new\n");
    fails(&up, &["put", "wrong", &wrong], "EOF while parsing");
    fails(&up, &["put", "Wrong", &one], "cannot be the name");
    fails(&up, &["get", "none"], "no dashboard `none`");
    fails(&up, &["delete", "none"], "no dashboard `none`");
    fails(&up, &["delete", "analytics"], "part of Weir");

    assert_eq!(succeeds(&up, &["put", "analytics", &one, "--replace"]), "replaced analytics\n");
    let text = succeeds(&up, &["list"]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "SOURCE", "PANELS", "UPDATED", "TITLE"]);
    assert_eq!(lines[1][..4], ["analytics", "saved,", "hides", "built-in"]);
    assert!(text.contains("Two\\u{1b}[2J") && lines.len() == 4, "{text}");
    let objects = succeeds(&up, &["list", "--json"]);
    let second: Value = serde_json::from_str(objects.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!((&second["name"], &second["panels"]), (&json!("mine"), &json!(1)));

    assert_eq!(succeeds(&up, &["delete", "analytics"]), "deleted analytics\n");
    assert!(succeeds(&up, &["get", "analytics"]).contains("Usage of the assistant"));
}

#[test]
fn reading_and_writing_need_their_roles() {
    let data = tempfile::tempdir().expect("a directory");
    let token = |name: &str, role: &str| {
        let data = data.path().to_str().expect("a path");
        let output =
            run(weir().args(["tokens", "create", "--data-dir", data, "--name", name, "--role", role]));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let secret = printed.split_whitespace().find(|word| word.starts_with("weir_"));
        secret.unwrap_or_else(|| panic!("{printed}{}", stderr(&output))).to_owned()
    };
    let (reads, writes) = (token("reads", "analytics"), token("writes", "submit"));
    let up = Up::start_in(data.path(), &[], &[("WEIR_LOG", "error")]);
    let one = data.path().join("one.txt");
    std::fs::write(&one, document("One")).expect("a file");
    let one = one.to_str().expect("a path");

    fails(&up, &["list"], "create one with `weir tokens create`");
    fails(&up, &["put", "mine", one, "--token", &reads], "lacks the role `submit`");
    // A single request decides, so a token that may not read can replace.
    succeeds(&up, &["put", "mine", one, "--replace", "--token", &writes]);
    succeeds(&up, &["put", "mine", one, "--replace", "--token", &writes]);
    fails(&up, &["get", "mine", "--token", &writes], "lacks the role `analytics`");
    assert_eq!(succeeds(&up, &["get", "mine", "--token", &reads]), document("One") + "\n");
    fails(&up, &["delete", "mine", "--token", &reads], "lacks the role `submit`");
    succeeds(&up, &["delete", "mine", "--token", &writes]);
}
