//! A Kafka broker of a test's own, on a free port: the one that `scripts/kafka.sh` has put into the target directory.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{free_port, wait_until};

/// The version that `scripts/kafka.sh` gets.
const DIRECTORY: &str = "kafka-4.3.1";
/// Any will do: there is one broker.
const CLUSTER: &str = "d2VpcndlaXJ3ZWlyd2Vpcg";

/// How often a broker is started anew that ends at once.
const STARTS: usize = 5;

/// A broker that runs. Dropping it kills it.
pub struct KafkaServer {
    child: Option<Child>,
    port: u16,
    controller: u16,
    directory: tempfile::TempDir,
    libraries: PathBuf,
}

impl KafkaServer {
    /// With settings on top of those that make a small broker; `{port}` in them is its port. `None`, with a line that says
    /// what to do, where there is no broker or no Java; in CI that is a failure.
    pub fn start(settings: &[(&str, &str)]) -> Option<KafkaServer> {
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let Some(libraries) = libraries().filter(|_| java.is_ok()) else {
            let message =
                "skipped: there is no Kafka broker (scripts/kafka.sh gets it; it needs Java and Maven)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            return None;
        };

        // A port that is free now may be somebody's own port of a connection when the broker takes it, and then it ends.
        for _ in 0..STARTS {
            let mut server = KafkaServer::made_ready(&libraries, settings);
            if server.comes_up() {
                return Some(server);
            }
        }
        panic!("the broker ended {STARTS} times when it was started");
    }

    /// A broker that does not run yet, with ports and a directory of its own.
    fn made_ready(libraries: &Path, settings: &[(&str, &str)]) -> KafkaServer {
        let server = KafkaServer {
            child: None,
            port: free_port(),
            controller: free_port(),
            directory: tempfile::tempdir().expect("a directory"),
            libraries: libraries.to_owned(),
        };
        server.write_settings(settings);
        let formatted = server
            .java()
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c"])
            .arg(server.settings())
            .status();
        assert!(formatted.expect("java starts").success(), "the broker's directory is made ready");
        server
    }

    /// Starts a second broker of the same cluster, whose id is 2.
    pub fn join(&self) -> Option<KafkaServer> {
        let voters = format!("1@127.0.0.1:{}", self.controller);
        KafkaServer::start(&[
            ("process.roles", "broker"),
            ("node.id", "2"),
            ("controller.quorum.voters", &voters),
            ("listeners", "PLAINTEXT://127.0.0.1:{port}"),
        ])
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it, with what it kept.
    pub fn up(&mut self) {
        assert!(self.comes_up(), "the broker ended when it was started");
    }

    /// Starts it, and says whether it listens; otherwise it has ended.
    fn comes_up(&mut self) -> bool {
        let mut child = self.java().arg("kafka.Kafka").arg(self.settings()).spawn().expect("java starts");
        let mut has_ended = false;
        wait_until("the broker listens or ends", || {
            has_ended = child.try_wait().expect("it can be asked").is_some();
            has_ended || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
        });

        if !has_ended {
            self.child = Some(child);
        }
        !has_ended
    }

    /// Kills it; what it took stays in its files.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Stops it as if it hung, and lets it go on.
    pub fn hang(&self, hangs: bool) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let signal = if hangs { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
    }

    /// Runs one of Kafka's own tools to its end, and returns what it prints.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> String {
        let mut java = self.java();
        java.arg(class).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = java.output().expect("java starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{class} {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn java(&self) -> Command {
        let mut java = Command::new("java");
        // One that starts quickly and takes little.
        java.args([
            "-Xms128m",
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-cp",
        ]);
        java.arg(format!("{}/*", self.libraries.display())).stdout(Stdio::null()).stderr(Stdio::null());
        java
    }

    fn settings(&self) -> PathBuf {
        self.directory.path().join("server.properties")
    }

    fn write_settings(&self, settings: &[(&str, &str)]) {
        let (port, controller) = (self.port, self.controller);
        let mut text = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             controller.listener.names=CONTROLLER\n\
             log.dirs={}\n\
             auto.create.topics.enable=false\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=1\n\
             group.initial.rebalance.delay.ms=0\n\
             log.message.timestamp.after.max.ms=9223372036854775807\n",
            self.directory.path().join("data").display()
        );
        for (name, value) in settings {
            let value =
                value.replace("{port}", &port.to_string()).replace("{controller}", &controller.to_string());
            writeln!(text, "{name}={value}").expect("a text grows");
        }
        std::fs::write(self.settings(), text).expect("the settings are written");
    }
}

impl Drop for KafkaServer {
    fn drop(&mut self) {
        self.down();
    }
}

/// Beside the tests' own binaries.
fn libraries() -> Option<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    };
    let directory = target.join(DIRECTORY);
    directory.join("complete").exists().then(|| directory.join("lib"))
}
