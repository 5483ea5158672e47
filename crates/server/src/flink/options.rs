//! Everything about the job manager's listener that a deployment may want to change.

use std::time::Duration;

/// How the listener behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Origins, beside those of this machine, whose pages may submit and cancel jobs: `https://host[:port]`, or `*`.
    pub cors_origins: Vec<String>,
    /// The task slots that are shown. Weir has none: a job gets its threads whatever this says.
    pub slots: u32,
    /// Bytes of memory that this process may take, which Flink's pages show as its heap's maximum; `None`: all that the
    /// machine has.
    pub memory_bytes: Option<u64>,
    /// Directories that clients may name for savepoints, besides those of savepoints and checkpoints.
    pub savepoint_directories: Vec<String>,
    /// The largest script.
    pub script_bytes_max: usize,
    /// How long a client may take to send its script (408).
    pub body_timeout: Duration,
    /// Connections served at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Header lines of a request (431 beyond), and how long they may take to arrive.
    pub headers_max: usize,
    pub header_timeout: Duration,
    /// How long a shutdown waits for requests to end.
    pub shutdown_grace: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Options {
            cors_origins: Vec::new(),
            memory_bytes: None,
            savepoint_directories: Vec::new(),
            slots: u32::try_from(processors).unwrap_or(u32::MAX),
            script_bytes_max: 4 << 20,
            body_timeout: Duration::from_secs(30),
            connections_max: 256,
            headers_max: 64,
            header_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}
