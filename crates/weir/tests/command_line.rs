//! The exit codes of the command line, and its one-line error messages.

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use support::{run, stderr, weir};

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn the_built_in_job_and_every_example_are_right() {
    let examples = fs::read_dir(root("examples")).expect("examples").flatten().map(|entry| entry.path());
    // Scripts that only declare tables are for the SQL shell: tests/documentation runs them there.
    let is_job = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("INSERT INTO"));
    let scripts: Vec<PathBuf> = examples.filter(is_job).collect();
    assert!(!scripts.is_empty());
    for script in scripts.into_iter().chain([root("jobs/analytics.sql")]) {
        let output = run(weir().arg("check").arg(&script));
        assert_eq!(output.status.code(), Some(0), "{}: {}", script.display(), stderr(&output));
        let output = run(weir().arg("explain").arg(&script));
        assert!(output.status.success() && !output.stdout.is_empty());
    }
}

/// A proxy in front of Flink's SQL gateway asks for a login in its own words.
#[test]
fn a_gateway_that_wants_a_login_is_told_from_one_that_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });

    let submit = |login: &[&str]| {
        let mut submit = weir();
        submit.args(["submit", "--flink", &url, "--detach", "-D", "KAFKA_BROKER_URL=kafka:9092"]);
        let output = run(submit.args(login).arg(root("jobs/analytics.sql")));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        stderr(&output)
    };
    let said = submit(&[]);
    assert!(said.contains("answered 401 Unauthorized: pass --user NAME:PASSWORD"), "{said}");
    let said = submit(&["--user", "operator:wrong"]);
    assert!(said.contains("does not accept this name and password"), "{said}");
}

#[test]
fn a_wrong_script_is_code_1_with_the_place_marked() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("job.sql");
    fs::write(&script, "SET 'a' = 'b';\nINSERT INTO nowhere\nSELECT 1 FROM nothing;\n").expect("a script");
    let output = run(weir().arg("check").arg(&script));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("job.sql:2:13"), "{}", stderr(&output));
}

#[test]
fn findings_are_json_where_that_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("job.sql");
    let check = |text: &str| {
        fs::write(&script, text).expect("a script");
        let output = run(weir().arg("check").arg(&script).args(["--format", "json"]));
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), report)
    };
    let (code, report) = check("INSERT INTO nowhere\nSELECT 1;\n");
    assert_eq!((code, &report["ok"]), (Some(1), &false.into()));
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["severity"], &finding["line"], &finding["column"]),
        (&"error".into(), &1.into(), &13.into())
    );

    let (code, report) =
        check("CREATE TABLE o (a INT) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT 1;\n");
    assert_eq!((code, &report["queries"], &report["sinks"]), (Some(0), &1.into(), &1.into()));
}

#[test]
fn functions_are_those_that_scripts_can_call() {
    let output = run(weir().arg("functions"));
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["UPPER", "COUNT", "PERCENTILE", "CAST", "COALESCE", "CASE"] {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {listed}");
    }
    assert!(!listed.contains("FLOOR_TO") && !listed.contains("bound as"), "{listed}");
    assert!(!listed.lines().any(|line| line.starts_with('$')), "{listed}");
}

#[test]
fn a_wrong_option_of_a_table_is_code_1_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("job.sql");
    let text = fs::read_to_string(root("examples/models.sql")).expect("an example");
    fs::write(&script, text.replace("'ttl'", "'tll'")).expect("a script");
    let output = run(weir().arg("check").arg(&script));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("tll"), "{}", stderr(&output));
}

#[test]
fn a_wrong_command_line_or_setting_is_code_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let code = |arguments: &[&str]| {
        let output = run(weir().args(arguments).current_dir(directory.path()));
        (output.status.code(), stderr(&output))
    };

    assert_eq!(code(&["generate", "--rate", "0"]).0, Some(2));
    for arguments in [&["tail", "words", "--url", "ftp://x"][..], &["tail", "--rows"], &["results", "--csv"]]
    {
        assert_eq!(code(arguments).0, Some(2), "{arguments:?}");
    }

    let (status, told) = code(&["config", "--set", "http.adress=x"]);
    assert_eq!(status, Some(2));
    assert!(told.contains("did you mean `http.address`?"), "{told}");

    let (status, told) = code(&["up", "--set", "ingest.topic=weir-dead-letters"]);
    assert_eq!(status, Some(2));
    assert!(told.contains("ingest.topic") && told.contains("is reserved for Weir"), "{told}");

    let mut up = weir();
    up.arg("up").env("KAFKA_BROKER_URL", "kafka:9092").env("WEIR_KAFKA_PROPERTIES", "fetch.min.byte=1");
    let output = run(up.current_dir(directory.path()));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("fetch.min.byte"), "{}", stderr(&output));
}

#[test]
fn an_address_that_is_taken_is_named_with_its_setting_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let free = "127.0.0.1:0";
    let up = |addresses: [&str; 3]| {
        let [http, jobs_http, gateway_http] = addresses;
        let mut up = weir();
        up.args(["up", "--http", http, "--jobs-http", jobs_http, "--gateway-http", gateway_http]);
        let output = run(up.arg("--data-dir").arg(directory.path()).env("WEIR_LOG", "off"));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        stderr(&output)
    };

    for (at, setting, flag) in [
        (0, "http.address", "--http"),
        (1, "jobs_http.address", "--jobs-http"),
        (2, "gateway_http.address", "--gateway-http"),
    ] {
        let mut addresses = [free; 3];
        addresses[at] = &taken;
        let told = up(addresses);
        assert!(
            told.contains(&format!("error: {setting}: cannot listen on {taken}; another process")),
            "{told}"
        );
        assert!(told.contains(&format!("choose another port with {flag}")), "{told}");
    }
    let nowhere = up([free, "192.0.2.1:0", free]);
    assert!(nowhere.contains("jobs_http.address: cannot listen on 192.0.2.1:0; no network"), "{nowhere}");

    // A port that was free a moment ago, for two of the settings.
    let port = TcpListener::bind(free).expect("a port").local_addr().expect("an address").to_string();
    let twice = up([free, &port, &port]);
    assert!(
        twice.contains("gateway_http.address") && twice.contains("jobs_http.address has the same address"),
        "{twice}"
    );
}

/// The output is closed from the first line on, as behind `| head`.
#[test]
fn commands_end_quietly_where_nobody_reads() {
    let directory = tempfile::tempdir().expect("a directory");
    let models = root("examples/models.sql");
    let models = models.to_str().expect("a path");
    for arguments in [
        &["functions"][..],
        &["config"],
        &["explain", models],
        &["generate", "--count", "10", "--output", "-"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = weir()
            .args(arguments)
            .current_dir(directory.path())
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("it ends");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_list_without_tokens_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = run(weir().args(["tokens", "list", "--data-dir"]).arg(directory.path()));
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(
        stderr(&output).contains("there are no tokens") && stderr(&output).contains("weir tokens create")
    );
}

#[test]
fn what_cannot_be_reached_is_code_3() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", nobody.local_addr().expect("its address"));
    drop(nobody);
    for arguments in [
        vec!["jobs", "list", "--jobs-url", &url],
        vec!["sql", "--gateway", &url, "-e", "SHOW TABLES"],
        vec!["tail", "--url", &url],
        vec!["tail", "words", "--url", &url],
        vec!["results", "--url", &url],
        vec!["generate", "--url", &url, "--count", "1", "--retry-for", "0"],
    ] {
        let output = run(weir().args(&arguments));
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_file_of_events_runs_through_a_script_to_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let [events, rows] = ["events.jsonl", "rows.jsonl"].map(|name| directory.path().join(name));
    let output = run(weir().args(["generate", "--count", "2000", "--bad", "0.1", "--output"]).arg(&events));
    assert!(output.status.success(), "{}", stderr(&output));
    let input = format!("user_queries={}", events.display());
    let local = |rows: &PathBuf| {
        run(weir()
            .arg("local")
            .arg(root("jobs/analytics.sql"))
            .args(["--input", &input, "--output"])
            .arg(rows))
    };
    let output = local(&rows);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("2000 events"), "{}", stderr(&output));
    let written = fs::read_to_string(&rows).expect("rows");
    let first: serde_json::Value =
        serde_json::from_str(written.lines().next().expect("a row")).expect("JSON");
    for name in ["table", "key", "value", "ttl"] {
        assert!(first.get(name).is_some(), "{name} in {first}");
    }
    let again = directory.path().join("again.jsonl");
    assert!(local(&again).status.success());
    let without_created = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("created_at").next().unwrap_or_default().to_owned()).collect()
    };
    let again = fs::read_to_string(&again).expect("rows");
    assert_eq!(without_created(&written), without_created(&again));

    let output = run(weir().arg("local").arg(root("jobs/analytics.sql")).args(["--input", "elsewhere=x"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("user_queries"), "{}", stderr(&output));
}

#[test]
fn late_rows_of_operators_are_the_same_at_any_parallelism_and_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("sessions.sql");
    let sql = "CREATE TABLE clicks (who STRING, at_time TIMESTAMP(3), WATERMARK FOR at_time AS at_time)
        WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'localhost:9092',
              'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
        CREATE TABLE visits (who STRING, clicks BIGINT) WITH ('connector' = 'print');
        INSERT INTO visits SELECT who, COUNT(*)
        FROM TABLE(SESSION(TABLE clicks PARTITION BY who, DESCRIPTOR(at_time), INTERVAL '5' SECOND))
        GROUP BY who, window_start, window_end;";
    fs::write(&script, sql).expect("a script");

    // The second file covers the same time as the first, so it makes none of its rows late, nor the other way.
    let click = |who: &str, minute: u32, second: u32| {
        format!("{{\"who\":\"{who}\",\"at_time\":\"2026-01-01 00:{minute:02}:{second:02}\"}}\n")
    };
    let [first, second] = ["first.jsonl", "second.jsonl"].map(|name| directory.path().join(name));
    let late = click("late", 1, 0) + &click("a", 1, 1);
    fs::write(&first, click("a", 0, 0) + &click("b", 30, 0) + &late + &click("a", 40, 0)).expect("clicks");
    fs::write(&second, click("c", 0, 0) + &click("d", 20, 0) + &click("c", 40, 0)).expect("clicks");

    let local = |files: &[&PathBuf], parallelism: &str| {
        let inputs = files.iter().flat_map(|file| ["--input".into(), format!("clicks={}", file.display())]);
        let output = run(weir().arg("local").arg(&script).args(inputs).args(["--parallelism", parallelism]));
        assert!(output.status.success(), "{}", stderr(&output));
        let rows = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = |who: &str| rows.matches(&format!("\"who\":\"{who}\"")).count();
        (["a", "b", "c", "d", "late"].map(count), stderr(&output))
    };
    for parallelism in ["1", "2", "4"] {
        let (visits, summary) = local(&[&first], parallelism);
        assert_eq!(visits, [2, 1, 0, 0, 0], "by {parallelism}");
        assert!(summary.contains("5 events, 0 late, 2 rows late in operators, 0 dead-lettered"), "{summary}");

        // A row that is late in its file may be on time in both.
        let ([a, b, c, d, _], _) = local(&[&second, &first], parallelism);
        assert!(a >= 2 && [b, c, d] == [1, 2, 1], "by {parallelism}: {:?}", [a, b, c, d]);
    }
}
