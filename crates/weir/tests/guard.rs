//! Access control for operators: tokens from the command line, TLS, and ten thousand connections.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{pause_for, run, stderr, weir};

/// Polls until a test gives up.
const LOOKS: u32 = 1_200;
const LOOK: Duration = Duration::from_millis(50);

/// A running Weir, over HTTP or HTTPS.
struct Up {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    http: String,
    jobs_http: String,
    gateway_http: String,
}

impl Up {
    fn start(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Up {
        let mut command = weir();
        command.args(["up", "--http", "127.0.0.1:0", "--jobs-http", "127.0.0.1:0"]);
        command.args(["--gateway-http", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.args(arguments).envs(environment.iter().copied()).current_dir(data);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let mut urls = line.split_whitespace().filter(|word| word.starts_with("http"));
        let mut url = || urls.next().expect("a URL").trim_end_matches('/').to_owned();
        Up { http: url(), jobs_http: url(), gateway_http: url(), child, _stdout: stdout }
    }

    /// Returns `host:port` of the HTTP listener.
    fn address(&self) -> &str {
        self.http.split_once("://").expect("a URL").1
    }

    fn status(&self, path: &str, authorization: &str) -> u16 {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let get = agent.get(format!("{}{path}", self.http)).header("Authorization", authorization);
        get.call().expect("an answer").status().as_u16()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tokens(data: &Path, arguments: &[&str]) -> Output {
    run(weir().arg("tokens").args(arguments).arg("--data-dir").arg(data).current_dir(data))
}

fn create(data: &Path, name: &str, roles: &str) -> String {
    let output = tokens(data, &["create", "--name", name, "--role", roles]);
    assert!(output.status.success(), "{}", stderr(&output));
    let secret = text(&output.stdout);
    assert!(secret.starts_with("weir_") && secret.len() > 37, "{secret}");
    secret
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        pause_for(LOOK);
    }
    panic!("never: {what}");
}

#[test]
fn tokens_are_made_listed_used_and_revoked_while_weir_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path();
    let audit = data.join("audit.jsonl");
    let up = Up::start(data, &[], &[("WEIR_LOG", "error"), ("WEIR_SECURITY_AUDIT", "audit.jsonl")]);
    assert_eq!(up.status("/status", ""), 200, "nobody has made a token yet");
    let [ci, app, board] = [("ci", "submit"), ("app", "ingest"), ("board", "analytics,view")]
        .map(|(name, roles)| create(data, name, roles));
    eventually("a token is asked for", || up.status("/status", "") == 401);
    eventually("all of them are known", || up.status("/status", &format!("Bearer {board}")) == 200);

    let jobs = |token: &str, arguments: &[&str]| {
        run(weir()
            .args(arguments)
            .args(["--jobs-url", &up.jobs_http])
            .env("WEIR_TOKEN", token)
            .current_dir(data))
    };
    let output = jobs(&board, &["jobs", "list"]);
    assert!(output.status.success() && text(&output.stdout).contains("RUNNING"), "{output:?}");
    let job = text(&output.stdout).split_whitespace().next().expect("an id").to_owned();
    let output = jobs(&board, &["jobs", "cancel", &job]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("lacks the role `operate`"), "{}", stderr(&output));
    let output = jobs("", &["dead-letters", "list"]);
    assert!(
        output.status.code() == Some(1) && stderr(&output).contains("weir tokens create"),
        "{}",
        stderr(&output)
    );
    assert!(jobs(&ci, &["jobs", "cancel", &job]).status.success());

    let events = format!("{}/events", up.http);
    let generate =
        |token: &str| run(weir().args(["generate", "--count", "10", "--url", &events, "--token", token]));
    assert!(generate(&app).status.success());
    assert!(stderr(&generate(&board)).contains("lacks the role `ingest`"));
    let output = run(weir().args(["tail", "--url", &up.http, "--token", &app]));
    assert!(output.status.code() == Some(1) && stderr(&output).contains("analytics"), "{}", stderr(&output));

    let listed: Vec<Value> = text(&tokens(data, &["list", "--json"]).stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let names: Vec<&str> = listed.iter().filter_map(|token| token["name"].as_str()).collect();
    assert_eq!(
        (names, &listed[2]["roles"]),
        (vec!["ci", "app", "board"], &serde_json::json!(["view", "analytics"]))
    );
    assert!(listed.iter().all(|token| token["expires"].is_null() && token["created"].is_string()));
    eventually("it is written down that one was used", || {
        text(&tokens(data, &["list"]).stdout).lines().any(|line| line.contains("  used "))
    });
    let output = tokens(data, &["create", "--name", "ci", "--role", "view"]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("already"), "{}", stderr(&output));
    assert_eq!(tokens(data, &["create", "--name", "x", "--role", "admin"]).status.code(), Some(2));
    assert_eq!(tokens(data, &["revoke", "nobody"]).status.code(), Some(1));

    let id = listed[2]["id"].as_str().expect("an id");
    assert!(tokens(data, &["revoke", id]).status.success());
    eventually("it holds no longer", || {
        matches!(up.status("/status", &format!("Bearer {board}")), 401 | 429)
    });

    let run_sql = |statement: &str| {
        run(weir().args(["sql", "--gateway", &up.gateway_http, "-e", statement]).env("WEIR_TOKEN", &ci))
    };
    for statement in ["SHOW JOBS", "SELECT 1", "CREATE TABLE t (n INT) WITH ('connector' = 'blackhole')"] {
        let output = run_sql(statement);
        assert!(output.status.success(), "{statement}: {}", stderr(&output));
    }

    // The log is silent at this level; the file of the audit log is not.
    let audited = std::fs::read_to_string(&audit).expect("a file");
    let lines: Vec<Value> = audited.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let has = |event: &str, who: &str, job: &str| {
        lines.iter().any(|line| line["event"] == event && line["who"] == who && line["job"] == job)
    };
    assert!(has("change", "ci", &job) && has("refused", "board", &job), "{audited}");
    // A question is no change.
    let statements =
        lines.iter().filter(|line| line["path"].as_str().is_some_and(|path| path.ends_with("/statements")));
    assert_eq!(statements.count(), 1, "{audited}");
    for secret in [&ci, &app, &board] {
        assert!(!audited.contains(secret.as_str()));
        let kept = std::fs::read_to_string(data.join("tokens.json")).expect("a file");
        assert!(!kept.contains(secret.trim_start_matches("weir_")));
    }
}

#[test]
fn others_can_connect_only_if_they_need_a_token_or_it_is_meant() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = |arguments: &[&str]| {
        let mut command = weir();
        command.args(["up", "--jobs-http", "127.0.0.1:0", "--gateway-http", "127.0.0.1:0", "--data-dir"]);
        command.arg(directory.path());
        command.args(arguments).current_dir(directory.path()).env("WEIR_LOG", "warn");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let output = run(&mut up(&["--http", "0.0.0.0:0"]));
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(
        told.contains("0.0.0.0:") && told.contains("weir tokens create") && told.contains("--insecure"),
        "{told}"
    );
    let output = run(&mut up(&["--http", "127.0.0.1:0", "--set", "jobs_http.address=0.0.0.0:0"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));

    let first_line = |mut command: Command| {
        let mut child = command.stderr(Stdio::null()).spawn().expect("the binary starts");
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("stdout is a pipe")).read_line(&mut line);
        child.kill().expect("it ends");
        child.wait().expect("it ends");
        read.map(|_| line).expect("a line")
    };
    assert!(first_line(up(&["--http", "0.0.0.0:0", "--insecure"])).starts_with("weir is up"));
    create(directory.path(), "app", "ingest");
    assert!(first_line(up(&["--http", "0.0.0.0:0"])).starts_with("weir is up"));
}

/// Writes a certificate that has its name where browsers look for it, and says that it is no authority.
fn certificate_for_a_server(certificate: &str, key: &str) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(certificate, made.cert.pem()).expect("written");
    std::fs::write(key, made.signing_key.serialize_pem()).expect("written");
}

/// Writes the certificate of the usual command: an authority, with its name in the subject alone.
fn certificate_of_openssl(certificate: &str, key: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=localhost"]);
    let made = run(openssl.args(["-keyout", key, "-out", certificate]));
    assert!(made.status.success(), "{}", stderr(&made));
}

#[test]
fn weirs_own_commands_speak_tls_with_whom_they_are_told_to_trust() {
    speak_tls(certificate_for_a_server);
}

#[test]
fn weirs_own_commands_trust_the_certificate_that_openssl_makes() {
    speak_tls(certificate_of_openssl);
}

fn speak_tls(make: fn(&str, &str)) {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| data.join(name).display().to_string());
    make(&certificate, &key);
    let ports = ["--http", "127.0.0.1:0", "--jobs-http", "127.0.0.1:0", "--gateway-http", "127.0.0.1:0"];
    let half = run(weir().arg("up").args(ports).args(["--set", &format!("tls.key={key}")]).current_dir(data));
    assert!(half.status.code() == Some(2) && stderr(&half).contains("tls.certificate"), "{}", stderr(&half));
    let secret = create(data, "all", "submit,analytics,ingest");
    let up = Up::start(
        data,
        &[],
        &[("WEIR_TLS_CERTIFICATE", &certificate), ("WEIR_TLS_KEY", &key), ("WEIR_LOG", "error")],
    );
    assert!(up.http.starts_with("https://") && up.jobs_http.starts_with("https://"));
    let by_name = |url: &str| url.replace("127.0.0.1", "localhost");
    let (http, jobs_http) = (by_name(&up.http), by_name(&up.jobs_http));
    let say = |arguments: &[&str]| run(weir().args(arguments).env("WEIR_TOKEN", &secret).current_dir(data));
    let output = say(&["jobs", "list", "--jobs-url", &jobs_http]);
    assert_eq!(output.status.code(), Some(3), "nobody vouches for it: {}", stderr(&output));
    assert!(stderr(&output).contains("--ca"), "{}", stderr(&output));
    let output = say(&["jobs", "list", "--jobs-url", &jobs_http, "--ca", &certificate]);
    assert!(output.status.success(), "{}", stderr(&output));
    let elsewhere = format!("{http}/events");
    for arguments in [
        vec!["generate", "--count", "1", "--retry-for", "600", "--url", &elsewhere],
        vec!["tail", "--url", &http],
        vec!["sql", "--gateway", &jobs_http, "-e", "SELECT 1 AS one"],
    ] {
        let output = say(&arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("cannot trust"), "{arguments:?}: {}", stderr(&output));
    }
    let gateway_http = by_name(&up.gateway_http);
    let output = say(&["sql", "--gateway", &gateway_http, "--ca", &certificate, "-e", "SELECT 1 AS one"]);
    assert!(output.status.success() && text(&output.stdout).contains("one"), "{}", stderr(&output));
    let events = format!("{http}/events");
    let output = say(&["generate", "--count", "10", "--url", &events, "--ca", &certificate]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = say(&["generate", "--count", "10", "--url", &events, "--ca", &key]);
    assert!(
        output.status.code() == Some(2) && stderr(&output).contains("no certificate"),
        "{}",
        stderr(&output)
    );

    let mut tail = weir();
    tail.args(["tail", "--url", &http, "--ca", &certificate]).env("WEIR_TOKEN", &secret);
    let mut tail = tail.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary starts");
    let mut told = String::new();
    BufReader::new(tail.stderr.take().expect("stderr is a pipe")).read_line(&mut told).expect("a line");
    tail.kill().expect("it ends");
    tail.wait().expect("it ends");
    assert!(told.starts_with("following wss://localhost"), "{told}");
}

/// Sends `GET /healthz` and returns the beginning of the answer.
fn alive(stream: &mut TcpStream, address: &str) -> String {
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("sent");
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns the number of connections that the server reports, asked on one of them.
fn open_connections(stream: &mut BufReader<TcpStream>, address: &str) -> usize {
    write!(stream.get_mut(), "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("sent");
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("a line");
        if let Some(told) = line.strip_prefix("content-length: ") {
            length = told.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    let body = String::from_utf8(body).expect("text");
    let count = body.lines().find_map(|line| line.strip_prefix("weir_http_connections "));
    count.expect("it is counted").parse().expect("a number")
}

#[test]
fn ten_thousand_silent_connections_keep_nobody_from_being_served_and_the_limit_holds() {
    const MANY: usize = 10_000;
    const OTHERS: usize = 50;
    const LIMIT: usize = MANY + OTHERS + 1;
    let room = allow_files(LIMIT as u64 + 500);
    assert!(room > LIMIT as u64 + 100, "this test needs {LIMIT} file handles, and the machine allows {room}");
    let directory = tempfile::tempdir().expect("a directory");
    // Silent connections are closed after ten seconds by default, and a busy machine may need as long to open
    // them all.
    let limit = LIMIT.to_string();
    let environment =
        [("WEIR_HTTP_HEADER_TIMEOUT", "10 min"), ("WEIR_HTTP_CONNECTIONS", &limit), ("WEIR_LOG", "error")];
    let up = Up::start(directory.path(), &[], &environment);

    let address = up.address().to_owned();
    let connect = || {
        let stream = TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        stream
    };

    let mut watch = BufReader::new(connect());
    let mut silent: Vec<TcpStream> = Vec::with_capacity(MANY);
    while silent.len() < MANY {
        silent.extend((0..100).map(|_| connect()));
        // The kernel's queue of connections is short, and a refused connection waits for seconds.
        eventually("they are taken", || open_connections(&mut watch, &address) == silent.len() + 1);
    }

    // Half of them begin to speak, and do not go on.
    for stream in silent.iter_mut().step_by(2) {
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\n").expect("sent");
    }

    for _ in 0..20 {
        assert_eq!(alive(&mut connect(), &address), "HTTP/1.1 200 OK");
    }
    eventually("those are gone", || open_connections(&mut watch, &address) == MANY + 1);

    let others: Vec<TcpStream> = (0..OTHERS).map(|_| connect()).collect();
    eventually("there is no room", || open_connections(&mut watch, &address) == LIMIT);

    let mut waiting = connect();
    write!(waiting, "GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("sent");
    // Each of these takes longer than an answer to the waiting connection would.
    assert!((0..20).all(|_| open_connections(&mut watch, &address) == LIMIT));
    waiting.set_nonblocking(true).expect("a socket");
    let mut answer = [0; 15];
    let told = waiting.read(&mut answer).expect_err("it has to wait");
    assert_eq!(told.kind(), std::io::ErrorKind::WouldBlock);
    waiting.set_nonblocking(false).expect("a socket");

    drop(others);
    waiting.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    // Silent connections may still speak.
    write!(silent[0], "\r\n").expect("sent");
    silent[0].read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    assert_eq!(alive(&mut silent[MANY - 1], &address), "HTTP/1.1 200 OK");
}

/// Raises the limit of this process's file handles as far as the machine permits, and returns it.
fn allow_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current.unwrap_or(u64::MAX);
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if now >= most || setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_err() {
        return now;
    }
    most
}
