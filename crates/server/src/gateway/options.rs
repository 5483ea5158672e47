//! Everything about the SQL gateway's listener that a deployment may want to change.

use std::time::Duration;

/// How the listener behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Origins, beside those of this machine, whose pages may use the gateway: `https://host[:port]`, or `*`.
    pub cors_origins: Vec<String>,
    /// Sessions that are open at one time; further ones are refused.
    pub sessions_max: usize,
    /// How long a session may do nothing, not even beat its heart, until it is closed and its queries end.
    pub idle_timeout: Duration,
    /// Statements of a session whose results are kept; the oldest that are over give way to new ones.
    pub operations_max: usize,
    /// Queries of all sessions that run at one time; each holds up to 10,000 rows or 8 MiB that were not fetched yet.
    pub queries_max: usize,
    /// Rows of a page, at most.
    pub page_rows: usize,
    /// How long a fetch is held while there is nothing to answer.
    pub hold: Duration,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// How long a client may take to send it (408).
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
