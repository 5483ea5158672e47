//! Starts a Redis server per test: the system's binary, on a free port, with nothing kept on disk.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::print_stderr, reason = "whoever runs the tests is told what is missing")]

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use super::{free_port, wait_until};

/// A server of a test. Dropping it kills it.
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
}

impl RedisServer {
    /// Starts a server. Returns `None`, with a line that tells what to install, where there is no
    /// `redis-server`; in CI that is a failure.
    pub fn start(arguments: &[&str]) -> Option<RedisServer> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            let message = "skipped: redis-server is missing (Debian: apt install redis-server)";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("{message}");
            return None;
        }
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = RedisServer { child: None, port: free_port(), arguments };
        server.up();
        Some(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts the server on its port, empty.
    pub fn up(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("redis-server starts"));
        wait_until("redis-server listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok());
    }

    /// Kills the server with all its data.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Suspends the server as if it hung, or resumes it.
    pub fn hang(&self, hangs: bool) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let signal = if hangs { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
    }

    /// Returns whether the server was not killed.
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// Returns the output of `redis-cli`.
    pub fn ask(&self, command: &[&str]) -> String {
        ask(self.port, command)
    }
}

/// Returns the output of `redis-cli`.
pub fn ask(port: u16, command: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(command)
        .output()
        .expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.down();
    }
}
