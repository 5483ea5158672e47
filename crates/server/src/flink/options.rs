//! Options of the job manager's listener.

use std::time::Duration;

/// Options of the job manager's listener.
#[derive(Debug, Clone)]
pub struct Options {
    /// Origins, besides those of this machine, whose pages may submit and cancel jobs: `https://host[:port]`,
    /// or `*`.
    pub cors_origins: Vec<String>,
    /// The number of task slots shown. Weir has no slots: a job gets its threads whatever this number is.
    pub slots: u32,
    /// Bytes of memory that this process may take, shown by Flink's pages as the heap's maximum; `None`
    /// stands for all memory of the machine.
    pub memory_bytes: Option<u64>,
    /// Directories that clients may name for savepoints, besides those configured for savepoints and
    /// checkpoints.
    pub savepoint_directories: Vec<String>,
    /// Maximum size of a script.
    pub script_bytes_max: usize,
    /// Time in which a client must send its script (408).
    pub body_timeout: Duration,
    /// Maximum of connections served at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Maximum of header lines of a request (431), and the time in which they must arrive.
    pub headers_max: usize,
    pub header_timeout: Duration,
    /// Time that a shutdown waits for requests to end.
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
