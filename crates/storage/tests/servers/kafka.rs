//! Starts a Kafka broker per test, on a free port, from the files that `scripts/kafka.sh` puts into the
//! target directory.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{free_port, wait_until};

/// The version that `scripts/kafka.sh` installs.
const DIRECTORY: &str = "kafka-4.3.1";
/// Any id will do: there is one broker.
const CLUSTER: &str = "d2VpcndlaXJ3ZWlyd2Vpcg";

/// Attempts to start a broker that ends at once.
const STARTS: usize = 5;

/// A broker of a test. Dropping it kills it.
pub struct KafkaServer {
    child: Option<Child>,
    port: u16,
    controller: u16,
    directory: tempfile::TempDir,
    libraries: PathBuf,
}

impl KafkaServer {
    /// Starts a broker with settings on top of those for a small broker; `{port}` in them becomes its port.
    /// Returns `None`, with a line that tells what to do, where Kafka or Java is missing; in CI that is a
    /// failure.
    pub fn start(settings: &[(&str, &str)]) -> Option<KafkaServer> {
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let Some(libraries) = libraries().filter(|_| java.is_ok()) else {
            let message =
                "skipped: there is no Kafka broker (scripts/kafka.sh gets it; it needs Java and Maven)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            return None;
        };

        // A free port may become the local port of a connection before the broker listens on it. The broker
        // then ends.
        for _ in 0..STARTS {
            let mut server = KafkaServer::made_ready(&libraries, settings);
            if server.comes_up() {
                return Some(server);
            }
        }
        panic!("the broker ended {STARTS} times when it was started");
    }

    /// Returns a broker that does not run yet, with ports and a directory of its own.
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

    /// Starts the broker with its stored records.
    pub fn up(&mut self) {
        assert!(self.comes_up(), "the broker ended when it was started");
    }

    /// Starts the broker. Returns true once it listens, false when it has ended.
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

    /// Kills the broker; its records stay in its files.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Copies the files of a partition, with what is written so far; or puts a copy back, as if the broker had
    /// lost the records since.
    pub fn copy_partition(&self, partition: &str, copy: &Path, puts_back: bool) {
        let files = self.directory.path().join("data").join(partition);
        let (from, to) = if puts_back { (copy, &*files) } else { (&*files, copy) };
        let _ = std::fs::remove_dir_all(to);
        std::fs::create_dir(to).expect("a directory");
        for file in std::fs::read_dir(from).expect("the partition's files") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
        }
    }

    /// Suspends the broker as if it hung, or resumes it.
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
        // Options for a fast start and little memory.
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

/// Returns the directory of Kafka's libraries, beside the tests' own binaries.
fn libraries() -> Option<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    };
    let directory = target.join(DIRECTORY);
    directory.join("complete").exists().then(|| directory.join("lib"))
}
