//! Options of the SQL gateway's listener.

use std::time::Duration;

/// Options of the SQL gateway's listener.
#[derive(Debug, Clone)]
pub struct Options {
    /// Origins, besides those of this machine, whose pages may use the gateway: `https://host[:port]`, or
    /// `*`.
    pub cors_origins: Vec<String>,
    /// Maximum of sessions open at one time; further ones are refused.
    pub sessions_max: usize,
    /// Time without a request, heartbeats included, after which a session is closed and its queries end.
    pub idle_timeout: Duration,
    /// Statements of a session whose results are kept; the oldest that have ended give way to new ones.
    pub operations_max: usize,
    /// Maximum of queries running at one time in all sessions. Each holds up to 10,000 rows or 8 MiB that
    /// were not fetched yet.
    pub queries_max: usize,
    /// Maximum of rows of a page.
    pub page_rows: usize,
    /// Time for which a fetch waits for something to answer.
    pub hold: Duration,
    /// Maximum size of a request's body.
    pub body_bytes_max: usize,
    /// Time in which a client must send the body (408).
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
        Options {
            cors_origins: Vec::new(),
            sessions_max: 64,
            idle_timeout: Duration::from_secs(10 * 60),
            operations_max: 64,
            queries_max: 16,
            page_rows: 1_000,
            hold: Duration::from_secs(2),
            body_bytes_max: 4 << 20,
            body_timeout: Duration::from_secs(30),
            connections_max: 256,
            headers_max: 64,
            header_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}
