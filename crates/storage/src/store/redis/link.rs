//! Connections to Redis: made when they are needed, dropped when they fail, never waited for without end.

use std::time::Duration;

use redis::{Client, Connection, ErrorKind, Pipeline, RedisError};

use crate::store::StoreError;

/// How long Redis may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may take to answer, or to take what is sent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that comes back.
pub(super) struct Link {
    client: Client,
    connection: Option<Connection>,
}

impl Link {
    pub fn new(client: Client) -> Link {
        Link { client, connection: None }
    }

    /// Runs something on the connection. A connection that failed is not used again.
    pub fn run<T>(
        &mut self,
        run: impl FnOnce(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.client)?),
        };
        run(connection).map_err(|error| {
            // An answer that says no leaves the connection as it was.
            if !is_answer(&error) {
                self.connection = None;
            }
            failed(error)
        })
    }

    /// Runs commands one behind the other, without waiting for each answer.
    pub fn pipe(&mut self, pipeline: &Pipeline) -> Result<(), StoreError> {
        self.run(|connection| pipeline.query::<()>(connection))
    }

    /// Whether the next command makes a new connection.
    pub fn is_new(&self) -> bool {
        self.connection.is_none()
    }
}

pub(super) fn connect(client: &Client) -> Result<Connection, StoreError> {
    let connection = client.get_connection_with_timeout(CONNECT_TIMEOUT).map_err(failed)?;
    connection.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(failed)?;
    connection.set_write_timeout(Some(ANSWER_TIMEOUT)).map_err(failed)?;
    Ok(connection)
}

/// Whether Redis itself said that something is wrong, on a connection that is fine.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) && error.code() != Some("NOAUTH")
}

pub(super) fn failed(error: RedisError) -> StoreError {
    if is_answer(&error) {
        return StoreError::Refused { answer: error.to_string() };
    }
    StoreError::Unreachable { source: Box::new(error) }
}
