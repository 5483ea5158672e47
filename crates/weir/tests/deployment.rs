//! What is deployed with Weir is true: settings in images, units and compose files exist, alert rules and the Grafana
//! dashboard use metrics that a running Weir has, and health checks, completions and manual pages work.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;
use support::{Up, run, stderr, weir};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the lines of a service of a compose file.
fn service(text: &str, name: &str) -> String {
    let mut lines = text.lines().skip_while(|line| *line != format!("  {name}:")).skip(1);
    let of_service = lines.by_ref().take_while(|line| line.starts_with("    ") || line.is_empty());
    of_service.collect::<Vec<&str>>().join("\n")
}

/// Returns the settings of Weir in a file: names and values of environment variables.
fn variables(path: &str, pattern: &str) -> BTreeMap<String, String> {
    let text = read(path);
    let text = if path.starts_with("compose") { service(&text, "weir") } else { text };
    let found = Regex::new(pattern).expect("a pattern");
    // A default of compose such as `${WEIR_TIME_ZONE:-UTC}`.
    let default = Regex::new(r"^\$\{\w+:-(.*)\}$").expect("a pattern");
    let value = |text: &str| default.captures(text).map_or_else(|| text.to_owned(), |of| of[1].to_owned());
    let of_weir = ["WEIR_", "KAFKA_", "REDIS_", "CORS_"];
    let all = found.captures_iter(&text).map(|of| (of[1].to_owned(), value(&of[2])));
    all.filter(|(name, _)| of_weir.iter().any(|prefix| name.starts_with(prefix))).collect()
}

#[test]
fn every_variable_is_a_setting_that_takes_its_value() {
    let of_yaml = r#"(?m)^ +([A-Z_]+): "(.*)"$"#;
    for (path, pattern, at_least) in [
        ("compose.yaml", of_yaml, 2),
        ("compose.kafka-redis.yaml", of_yaml, 7),
        ("compose.flink.yaml", of_yaml, 4),
        ("Dockerfile", r"(?m)\b(WEIR_[A-Z_]+)=(\S+)(?: \\)?$", 5),
        ("deploy/systemd/weir.service", r"(?m)^Environment=([A-Z_]+)=(\S+)$", 1),
    ] {
        let variables = variables(path, pattern);
        assert!(variables.len() >= at_least, "{path}: {variables:?}");
        let output = run(weir().arg("config").envs(&variables));
        assert!(output.status.success(), "{path}: {}", stderr(&output));
        assert!(!stderr(&output).contains("not a setting"), "{path}: {}", stderr(&output));

        let effective = String::from_utf8_lossy(&output.stdout).into_owned();
        for name in variables.keys() {
            assert!(
                effective.contains(&format!("env {name}")),
                "{path}: {name} has no effect in\n{effective}"
            );
        }
    }
}

#[test]
fn the_cluster_of_the_compose_file_writes_the_topics_that_are_created_and_delivered() {
    let mut submit = weir();
    submit
        .args(["submit", "--dry-run", "-D", "KAFKA_BROKER_URL=kafka:9093"])
        .arg(root().join("jobs/analytics.sql"));
    let statements = String::from_utf8(run(&mut submit).stdout).expect("text");
    let topics = Regex::new("'(weir-results-[a-z_]+)'").expect("a pattern");
    let written: BTreeSet<&str> =
        topics.captures_iter(&statements).map(|found| found.extract::<1>().1[0]).collect();
    assert_eq!(written.len(), 15, "{statements}");

    let text = read("compose.flink.yaml");
    let of_weir = service(&text, "weir");
    let delivered: BTreeSet<&str> =
        of_weir.lines().filter_map(|line| line.trim().strip_prefix("- --deliver=")).collect();
    assert_eq!(delivered, written);

    let of_topics = service(&text, "topics");
    let (_, names) = of_topics.split_once("for table in").expect("a loop over the tables");
    let (names, _) = names.split_once("do").expect("the end of the list");
    let tables = names.split_whitespace().filter(|word| *word != "\\");
    let created: BTreeSet<String> = tables.map(|table| format!("weir-results-{table}")).collect();
    assert!(created.iter().map(String::as_str).eq(written), "{created:?}");
}

/// Returns the names of the metrics of a running Weir, without the suffixes of counters and histograms.
fn families(metrics: &str) -> BTreeSet<String> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).map(plain).collect()
}

fn plain(name: &str) -> String {
    let suffix =
        ["_total", "_bucket", "_count", "_sum"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
    suffix.unwrap_or(name).to_owned()
}

#[test]
fn rules_and_dashboards_use_metrics_that_exist() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    let event = r#"{"query_id": "q", "timestamp": "2025-12-09T10:00:00", "user": {"user_type": "Khách"}}"#;
    ureq::post(format!("{}/events", up.http)).send(event).expect("an answer");
    // The metrics of alerts need one.
    let alert =
        r#"{"version": 1, "title": "Slow", "table": "response_time", "number": "p95_time", "above": 3000}"#;
    let put = ureq::put(format!("{}/alerts/slow", up.http)).content_type("application/json");
    put.header("if-none-match", "*").send(alert).expect("an answer");
    up.wait_for("/status", |status| status["jobs"][0]["state"] == "RUNNING");
    up.wait_for("/alerts", |list| list["alerts"][0]["state"] == "no_data");

    let mut answer = ureq::get(format!("{}/metrics", up.http)).call().expect("an answer");
    let known = families(&answer.body_mut().read_to_string().expect("text"));
    let names = Regex::new(r"\bweir_[a-z_]+").expect("a pattern");
    for (path, at_least) in [("deploy/prometheus/weir.rules.yml", 12), ("deploy/grafana/weir.json", 15)] {
        let text = read(path);
        let used: BTreeSet<String> = names.find_iter(&text).map(|name| plain(name.as_str())).collect();
        assert!(used.len() >= at_least, "{path}: {used:?}");
        let unknown: Vec<&String> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{path} uses {unknown:?}; Weir has {known:?}");
    }
}

/// Prometheus's own tool runs the tests of the rules, systemd's checks the unit.
#[test]
fn rules_and_unit_pass_the_tools_of_their_systems() {
    let ran = |program: &str, arguments: &[&str], directory: &str| -> Option<Output> {
        let output = Command::new(program).args(arguments).current_dir(root().join(directory)).output();
        if output.is_err() {
            let message = format!("skipped: {program} is missing (Debian: apt install prometheus systemd)");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
        }
        output.ok()
    };
    for arguments in [["check", "rules", "weir.rules.yml"], ["test", "rules", "weir.rules.test.yml"]] {
        if let Some(output) = ran("promtool", &arguments, "deploy/prometheus") {
            assert!(output.status.success(), "{}", stderr(&output));
        }
    }

    if let Some(output) = ran(
        "systemd-analyze",
        &["security", "--offline=true", "--threshold=20", "weir.service"],
        "deploy/systemd",
    ) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    if let Some(output) = ran("systemd-analyze", &["verify", "--man=no", "weir.service"], "deploy/systemd") {
        // The binary is not installed here; everything else of the unit must be right.
        let said = stderr(&output);
        let wrong: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with("weir.service") || line.contains("/weir.service"))
            .collect();
        let is_missing = |line: &&str| line.contains("/usr/bin/weir is not executable");
        assert!(wrong.iter().all(is_missing), "{said}");
    }
}

#[test]
fn a_health_check_says_whether_weir_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = Up::start(directory.path(), &[]);
    up.wait_for("/readyz", |answer| answer["ready"] == true);
    for arguments in [&["health"][..], &["health", "--live"]] {
        let output = run(weir().args(arguments).args(["--url", &up.http]));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "healthy\n");
    }
    let output = run(weir().args(["health", "--url", "http://127.0.0.1:1"]));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn a_health_check_says_what_does_not_work() {
    let directory = tempfile::tempdir().expect("a directory");
    let environment = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", "1"), ("WEIR_LOG", "off")];
    let up = Up::start_in(directory.path(), &[], &environment);
    up.wait_for("/status", |answer| answer["checks"].as_array().is_some_and(|checks| !checks.is_empty()));

    let output = run(weir().args(["health", "--url", &up.http]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.lines().any(|line| line.starts_with("store: ")), "{said}");
    assert!(!said.contains("log: "), "{said}");
    let live = run(weir().args(["health", "--live", "--url", &up.http]));
    assert_eq!(live.status.code(), Some(0), "{}", stderr(&live));
}

#[test]
fn packages_get_completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(weir().args(["completions", shell]));
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && script.contains("dead-letters"), "{shell}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let pages = directory.path().join("man");
    assert!(run(weir().arg("manual").arg(&pages)).status.success());
    for page in ["weir.1", "weir-up.1", "weir-jobs-list.1"] {
        let text = fs::read_to_string(pages.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH NAME") && text.contains("weir"), "{page}");
    }
}
