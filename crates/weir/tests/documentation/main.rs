//! Every example and every command in README and docs runs, or is listed here with the reason why it cannot.
//!
//! A block that is neither run nor listed fails the test, and so does an entry of a list whose block is gone.
//! Commands within lines are compared with `--help`: the command exists, and has the flags that are shown.

mod alerts;
mod dashboards;
mod flink;
mod guides;
mod results;
mod security;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use support::{run, weir};
use text::{Block, Document};
use world::{World, root};

/// A block of a document by the beginning of its first line, and the function that runs it. The first
/// matching entry counts.
type Runs = (&'static str, &'static str, fn(&World, &Block));

const RUNS: &[Runs] = &[
    ("README.md", "make run      builds Weir", make_targets_exist),
    ("README.md", "$ weir tail &", follow_one_event),
    ("docs/alerts.md", "weir alerts put slow", alerts::a_rule_is_saved_and_deleted),
    ("docs/alerts.md", "{ \"version\": 1", alerts::the_rule_is_accepted),
    ("docs/alerts.md", "{ \"id\":", alerts::a_notification_has_these_fields),
    ("docs/dashboards.md", "weir dashboards list", dashboards::a_copy_is_saved_and_deleted),
    ("docs/dashboards.md", "{ \"version\": 1", dashboards::the_document_is_accepted),
    ("docs/dashboards.md", "url=http", dashboards::a_change_by_tag),
    ("docs/events.md", "curl -s http://127.0.0.1:8000/events", some_are_taken),
    ("docs/flink-cluster.md", "weir check --flink", flink::a_script_is_checked_and_printed),
    ("docs/flink-rest.md", "jobs = [\"job\"]", is_part_of_the_scenarios),
    ("docs/jobs.md", "weir run --replace 'Query Analytics Streaming' analytics.sql --dry-run", replace_a_job),
    ("docs/queries.md", "FROM TO_CHANGELOG(", is_part_of_an_example),
    ("docs/queries.md", "FROM user_queries MATCH_RECOGNIZE (", is_part_of_an_example),
    ("docs/queries.md", "CREATE TABLE orders (", orders_get_their_customers),
    ("docs/results.md", "weir results", results::tables_and_rows_are_printed),
    (
        "docs/results.md",
        "curl -s 'http://127.0.0.1:8000/results/faculty?limit=1'",
        results::rows_have_these_fields,
    ),
    ("docs/results.md", "curl -sG http://127.0.0.1:8000/results/overall", results::every_minute_has_a_line),
    ("docs/results.md", "{\"type\": \"subscribe\"", results::messages_are_described),
    ("docs/results.md", "curl -sN", results::an_event_comes),
    ("docs/results.md", "weir tail faculty --rows", results::rows_are_followed),
    ("docs/security.md", "weir tokens create --name app", security::tokens_in_five_lines),
    ("docs/security.md", "openssl req -x509", security::a_certificate_of_ones_own),
    ("docs/sql-gateway.md", "[gateway_http]", settings_are_taken),
    ("docs/sql-gateway.md", "bin/sql-client.sh gateway", statements_of_the_client),
    ("docs/sql-gateway.md", "session=$(curl", curl_the_gateway),
    ("docs/sql-shell.md", "weir> SELECT query_id, query_text", a_statement_of_the_shell),
    ("docs/sql-shell.md", "$ weir sql -f examples/queries.sql", a_script_of_the_shell),
    ("docs/sql-shell.md", "$ weir sql", a_mistake_is_marked),
];

/// A block of a document by its first line, and why it is not run.
const CANNOT: &[(&str, &str, &str)] = &[
    ("README.md", "app ──HTTP /events──►", "a picture"),
    ("docs/flink-cluster.md", "weir jobs stop", "needs a Flink: `make flink-submit` does the same"),
    (
        "docs/flink-cluster.md",
        "weir deliver",
        "needs a Kafka: tests/deliver.rs does the same where there is one",
    ),
    (
        "docs/flink-cluster.md",
        "weir up --deliver",
        "needs a Kafka: tests/deliver.rs does the same where there is one",
    ),
    ("docs/jobs.md", "CREATED ─► RUNNING", "a picture"),
    ("docs/monitoring.md", "scrape_configs:", "settings of a Prometheus server"),
    (
        "docs/redis.md",
        "ACL SETUSER weir on >secret",
        "a command of Redis: the storage crate's tests/redis/rights.rs runs it where there is one",
    ),
    (
        "docs/security.md",
        "export FLINK_REST_CLIENT_HEADERS",
        "needs Flink's command line: tests/flink_cli.rs runs it where there is one",
    ),
    (
        "docs/sql-gateway.md",
        "try (Connection connection",
        "needs Java: tests/sql_client/Query.java does the same where there is one",
    ),
    (
        "docs/sql-shell.md",
        " window_start            | user_type",
        "the answer to the statement before it, which runs with other events",
    ),
    (
        "docs/take-over.md",
        "weir submit --flink http://flink:8083 --take-over",
        "needs a Flink: `make flink-take-over` does the same",
    ),
    ("docs/take-over.md", "weir run --take-over", "needs a Flink: `make flink-take-over` does the same"),
    ("docs/take-over.md", "weir up --deliver", "needs a Kafka: `make flink-take-over` does the same"),
];

#[test]
fn every_block_runs_or_is_listed_with_the_reason() {
    let world = World::start();
    let (mut ran, mut excused) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    let excuses = [CANNOT, guides::CANNOT].concat();

    for block in Document::all(&root()).iter().flat_map(Document::blocks) {
        let is_this = |file: &str, first: &str| block.file == file && block.first().starts_with(first);
        let runs = RUNS.iter().position(|(file, first, _)| is_this(file, first));
        let cannot = excuses.iter().position(|(file, first, _)| is_this(file, first));
        match (runs, cannot) {
            (Some(place), None) => {
                RUNS[place].2(&world, &block);
                ran.insert(place);
            }
            (None, Some(place)) => {
                excused.insert(place);
            }
            (None, None) if guides::run(&world, &block) => {}
            (None, None) => wrong.push(format!("{}: nothing runs {:?}", block.place, block.first())),
            (Some(_), Some(_)) => wrong.push(format!("{}: it runs, and is said not to", block.place)),
        }
    }

    let gone = RUNS.iter().enumerate().filter(|(place, _)| !ran.contains(place));
    wrong.extend(gone.map(|(_, (file, first, _))| format!("{file}: there is no {first:?} any more")));
    let gone = excuses.iter().enumerate().filter(|(place, _)| !excused.contains(place));
    wrong.extend(gone.map(|(_, (file, first, _))| format!("{file}: there is no {first:?} any more")));

    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_example_counts_the_events_that_are_generated() {
    let world = World::start();
    let mut checked = 0;

    for entry in std::fs::read_dir(root().join("examples")).expect("a directory") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let path = Path::new("examples").join(&name);
        let text = std::fs::read_to_string(root().join(&path)).expect("a file");
        // Tables that are only declared are read by a statement.
        if text.contains("INSERT INTO") {
            world.succeeds(&name, &format!("weir check {}", path.display()));
            let figures = world.counts(&name, &path);
            assert!(figures["ledger"]["counted"].as_u64() > Some(0), "{name}: {figures}");
        } else {
            let out = world.succeeds(
                &name,
                &format!("weir sql -f {} -e 'SELECT query_id FROM queries LIMIT 3'", path.display()),
            );
            assert_eq!(out.lines().count(), 4, "{name}: {out}");
        }
        checked += 1;
    }
    assert!(checked >= 3, "examples were found");
}

#[test]
fn a_job_that_cannot_read_its_events_says_so() {
    let world = World::start();
    let script = "SET 'pipeline.name' = 'blind';
        CREATE TABLE q (query_id STRING, `timestamp` TIMESTAMP_LTZ(3), WATERMARK FOR `timestamp` AS `timestamp`)
        WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset',
              'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');
        CREATE TABLE n (n BIGINT, window_end TIMESTAMP(3))
        WITH ('connector' = 'redis', 'key' = 'analytics:overall:{window_end}');
        INSERT INTO n SELECT COUNT(*), window_end
        FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;";
    std::fs::write(world.path().join("blind.sql"), script).expect("a file");
    let job = world.succeeds("blind", "weir run blind.sql");
    let figures = world.up.wait_for_job(job.trim(), |figures| figures["mostly_dead"].is_string());
    let why = figures["mostly_dead"].as_str().expect("text");
    assert!(why.contains("of the last") && why.contains("weir dead-letters list"), "{why}");
    let listed = world.succeeds("blind", "weir jobs list");
    assert!(listed.contains(why), "{listed}");
    // The job writes rows that the dashboard shows, so the feed reports it.
    let told = world.succeeds("blind", "timeout 20 weir tail 2>&1 | grep -m 1 'no new figures' || true");
    assert!(told.contains("blind") && told.contains("dead letters"), "{told}");
}

#[test]
fn every_command_within_a_line_exists_with_its_flags() {
    let mut checked = 0;
    for document in Document::all(&root()) {
        for span in document.spans() {
            let mut words = span.text.split_whitespace();
            match words.next() {
                Some("weir") => command_exists(&span.place, &span.text),
                Some("cargo") if span.text.contains("--bench") => bench_exists(&span.place, &span.text),
                _ => continue,
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} commands were found");
}

/// Checks that the command and the flags of a text such as `weir jobs list [--all]` are those of `weir jobs
/// list --help`.
fn command_exists(place: &str, text: &str) {
    let words: Vec<&str> = text.split_whitespace().skip(1).collect();
    let is_name = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let mut path: Vec<&str> = words.iter().take_while(is_name).copied().collect();
    // The text may be only flags: `weir --help`.
    path.retain(|word| !word.starts_with('-'));
    if path.is_empty() {
        return;
    }

    // The words behind a command may be its arguments, as in `weir tail overall`.
    let help = loop {
        let output = run(weir().args(&path).arg("--help"));
        if output.status.success() {
            break String::from_utf8_lossy(&output.stdout).into_owned();
        }
        path.pop();
        assert!(!path.is_empty(), "{place}: there is no `{text}`");
    };

    for word in &words {
        let flag = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let flag = flag.split('=').next().unwrap_or(flag);
        if flag.starts_with("--") && flag.len() > 2 {
            assert!(help.contains(flag), "{place}: `weir {}` takes no {flag}", path.join(" "));
        }
    }
}

/// Checks that the benchmark of a text such as `cargo bench -p server --bench feed -- 9900` exists.
fn bench_exists(place: &str, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let behind = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
    let (package, bench) = (behind("-p").expect("a package"), behind("--bench").expect("a benchmark"));
    let file = root().join(format!("crates/{package}/benches/{bench}.rs"));
    assert!(file.exists(), "{place}: there is no {}", file.display());
}

fn make_targets_exist(_: &World, block: &Block) {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("a file");
    for line in &block.lines {
        let target = line.split_whitespace().nth(1).expect("a target");
        assert!(makefile.contains(&format!("\n{target}: ##")), "{}: make {target}", block.place);
    }
}

fn follow_one_event(world: &World, block: &Block) {
    let (answer, commands) = block.lines.split_last().expect("lines");
    let commands: Vec<&str> = commands.iter().map(|line| line.strip_prefix("$ ").unwrap_or(line)).collect();
    let commands = commands.join("\n").replace("weir tail &", "weir tail > tail.out 2> tail.err & tail=$!");
    let wait =
        "for _ in $(seq 600); do grep -q is_final=false tail.out && break; sleep 0.1; done; kill $tail";
    // The event is not seen if nobody follows yet.
    let commands = commands.replacen(
        "tail=$!",
        "tail=$!\nfor _ in $(seq 600); do grep -q following tail.err && break; sleep 0.1; done",
        1,
    );
    let out = world.succeeds(&block.place, &format!("{commands}\n{wait}"));
    assert_eq!(out.trim(), answer.trim(), "{}", block.place);
    let printed = std::fs::read_to_string(world.path().join("tail.out")).expect("a file");
    assert!(printed.contains("is_final=false"), "{}: {printed}", block.place);
}

fn is_part_of_the_scenarios(_: &World, block: &Block) {
    let scenarios = root().join("crates/weir/tests/scenarios");
    let files = std::fs::read_dir(scenarios).expect("a directory");
    let texts: Vec<String> =
        files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("a file")).collect();
    let known: BTreeSet<&str> = texts.iter().flat_map(|text| text.lines()).map(str::trim).collect();
    for line in block.lines.iter().filter(|line| line.contains('=')) {
        assert!(known.contains(line.trim()), "{}: no scenario has {line:?}", block.place);
    }
}

/// A test of their own runs the examples.
fn is_part_of_an_example(_: &World, block: &Block) {
    let files = std::fs::read_dir(root().join("examples")).expect("a directory");
    let mut texts =
        files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("a file"));
    assert!(texts.any(|text| text.contains(&block.text())), "{}: no example has it", block.place);
}

fn replace_a_job(world: &World, block: &Block) {
    std::fs::copy(root().join("jobs/analytics.sql"), world.path().join("analytics.sql")).expect("a copy");
    let before = world.up.wait_for_jobs(1);
    world.succeeds(&block.place, &block.text());
    assert_ne!(world.up.wait_for_jobs(1), before, "{}", block.place);
}

fn some_are_taken(world: &World, block: &Block) {
    let (answer, command) = block.lines.split_last().expect("lines");
    // Sent twice, the request gets the same answer and is appended once.
    let command = command.join("\n");
    let out = world.succeeds(&block.place, &format!("{command}; echo; {command}"));
    assert_eq!(out.lines().collect::<Vec<_>>(), [answer.trim(), answer.trim()], "{}", block.place);
}

fn orders_get_their_customers(world: &World, block: &Block) {
    let write = |name: &str, text: &str| std::fs::write(world.path().join(name), text).expect("a file");
    write("lookup.sql", &block.text());
    write("orders.json", "{\"id\": 1, \"customer\": 7}\n{\"id\": 2, \"customer\": 8}\n{\"id\": 3}\n");
    let customer =
        |id, kind| format!("{{\"value\": {{\"id\": {id}, \"name\": \"An\", \"kind\": \"{kind}\"}}}}\n");
    write("customers.json", &(customer(7, "b") + &customer(8, "a")));
    let inputs = "--input orders=orders.json --input customers=customers.json";
    let out =
        world.succeeds(&block.place, &format!("weir check lookup.sql && weir local lookup.sql {inputs}"));
    let named = |id, name| format!("\"value\":{{\"id\":{id},\"name\":{name}}}");
    for row in [named(1, "\"An\""), named(2, "null"), named(3, "null")] {
        assert!(out.contains(&row), "{}: no {row} in {out}", block.place);
    }
}

fn settings_are_taken(world: &World, block: &Block) {
    std::fs::write(world.path().join("doc.toml"), block.text()).expect("a file");
    let out = world.succeeds(&block.place, "weir config --config doc.toml");
    assert!(out.contains("doc.toml"), "{}: {out}", block.place);
}

/// Runs the statements in Weir's own shell; tests/sql_client starts Flink's client where there is one.
fn statements_of_the_client(world: &World, block: &Block) {
    let text = block.text();
    let start = text.find("Flink SQL> ").expect("statements");
    let statements = text[start..].replace("Flink SQL> ", "");
    std::fs::write(world.path().join("client.sql"), statements).expect("a file");
    let out = world.succeeds(&block.place, "weir sql -f client.sql");
    assert!(out.lines().filter(|line| line.starts_with("q-")).count() == 10, "{}: {out}", block.place);
}

fn curl_the_gateway(world: &World, block: &Block) {
    // The operation needs a moment: the last fetch but one may not be ready.
    let lines = block.text().replace("curl -s \"", "sleep 1; curl -s \"");
    let out = world.succeeds(&block.place, &lines);
    assert!(out.contains("PAYLOAD") || out.contains("EOS"), "{}: {out}", block.place);
}

fn a_mistake_is_marked(world: &World, block: &Block) {
    let mut statement: Vec<&str> = Vec::new();
    let mut drawn: Vec<&str> = Vec::new();
    for line in &block.lines {
        match line.strip_prefix("weir> ").or_else(|| line.strip_prefix("   -> ")) {
            Some(text) => statement.push(text),
            None if line.starts_with("Error: ") || !drawn.is_empty() => drawn.push(line),
            None => {}
        }
    }

    // The first statement declares the table; the shown output is that of the second.
    let (declares, statement) = statement.split_first().expect("statements");
    let declares = declares.strip_prefix("\\i ").expect("a file");
    std::fs::write(world.path().join("mistake.sql"), statement.join("\n")).expect("a file");

    let output = world.shell(&format!("weir sql -f {declares} -f mistake.sql"));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{}", block.place);
    for line in drawn.iter().filter(|line| !line.contains("statement:3:43") && !line.trim().is_empty()) {
        let text = line.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '`' && c != ';');
        assert!(told.contains(text), "{}: {text:?} is not in\n{told}", block.place);
    }

    // The corrected statement runs until its windows close.
    let corrected = statement.join("\n").replace("user_typ;", "user_type LIMIT 3;");
    std::fs::write(world.path().join("corrected.sql"), corrected).expect("a file");
    let out = world.succeeds(&block.place, &format!("weir sql -f {declares} -f corrected.sql"));
    assert!(out.starts_with("window_start,user_type,n"), "{}: {out}", block.place);
}

fn a_statement_of_the_shell(world: &World, block: &Block) {
    let statement = block.first().strip_prefix("weir> ").expect("a statement");
    std::fs::write(world.path().join("one.sql"), format!("\\i examples/queries.sql\n{statement}\n"))
        .expect("a file");
    let out = world.succeeds(&block.place, "weir sql -f one.sql");
    assert!(out.starts_with("query_id,query_text") && out.lines().count() == 2, "{}: {out}", block.place);
}

fn a_script_of_the_shell(world: &World, block: &Block) {
    let command = block.first().strip_prefix("$ ").expect("a command");
    let out = world.succeeds(&block.place, command);
    let (found, shown) = (out.lines().next(), block.lines.get(1).map(String::as_str));
    assert_eq!(
        (found.map(str::trim), out.lines().count()),
        (shown, block.lines.len() - 1),
        "{}",
        block.place
    );
}
