//! Connections to Redis: made when they are needed, dropped when they fail, never waited for without end.

use std::time::Duration;

use redis::{Client, Connection, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};

use super::info;
use crate::store::StoreError;

/// How long Redis may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may take to answer, or to take what is sent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that comes back.
pub(super) struct Link {
    client: Client,
    connection: Option<Connection>,
    /// The life of the server that the connection leads to, where it tells.
    life: Option<String>,
    order: Order,
}

/// Whether what is sent on one connection may overtake what was sent on the one before.
enum Order {
    Any,
    /// It may not: the connection before is ended first, by the name that the server had for it.
    Kept(Option<Name>),
}

/// A connection as the server knows it.
#[derive(PartialEq, Eq)]
struct Name {
    /// Of the server: its next one counts connections anew.
    life: String,
    connection: u64,
}

impl Link {
    pub fn new(client: Client) -> Link {
        Link { client, connection: None, life: None, order: Order::Any }
    }

    /// A link whose commands are applied in the order in which they are sent, also those without an answer: what a
    /// connection that was given up left on its way would else arrive after what its successor wrote.
    pub fn in_order(client: Client) -> Link {
        Link { order: Order::Kept(None), ..Link::new(client) }
    }

    /// Runs something on the connection. A connection that failed is not used again.
    pub fn run<T>(
        &mut self,
        run: impl FnOnce(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let mut connection = connect(&self.client)?;
                self.life = life(&mut connection)?;
                self.order.succeed(&mut connection, self.life.as_deref())?;
                none.insert(connection)
            }
        };
        run(connection).map_err(|error| {
            if !is_usable_after(&error) {
                self.connection = None;
            }
            failed(error)
        })
    }

    /// Runs commands one behind the other, without waiting for each answer.
    pub fn pipe(&mut self, pipeline: &Pipeline) -> Result<(), StoreError> {
        self.run(|connection| answers(connection, pipeline).map(drop))
    }

    /// Which life of the server answers: each start of one has a name of its own. `None` where it does not tell.
    pub fn life(&mut self) -> Result<Option<String>, StoreError> {
        if self.is_new() {
            self.run(|_| Ok(()))?;
        }
        Ok(self.life.clone())
    }

    /// Whether the next command makes a new connection.
    pub fn is_new(&self) -> bool {
        self.connection.is_none()
    }
}

impl Order {
    /// Makes sure that nothing of the connection before is still to come.
    fn succeed(&mut self, connection: &mut Connection, life: Option<&str>) -> Result<(), StoreError> {
        let Order::Kept(before) = self else { return Ok(()) };
        let number = ask(connection, redis::cmd("CLIENT").arg("ID"))?
            .and_then(|value| redis::from_redis_value(value).ok());
        let name = life.zip(number).map(|(life, connection)| Name { life: life.to_owned(), connection });
        if let (Some(before), Some(name)) = (&*before, &name)
            && before.life == name.life
        {
            ask(connection, redis::cmd("CLIENT").arg("KILL").arg("ID").arg(before.connection))?;
        }
        *before = name;
        Ok(())
    }
}

fn life(connection: &mut Connection) -> Result<Option<String>, StoreError> {
    Ok(ask(connection, redis::cmd("INFO").arg("server"))?.and_then(|value| info::text(value, "run_id")))
}

/// Asks for what it is good to know. A server that does not know the command, or does not let us, has to do without.
fn ask(connection: &mut Connection, command: &redis::Cmd) -> Result<Option<Value>, StoreError> {
    match command.query::<Value>(connection) {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_answer(&error) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn connect(client: &Client) -> Result<Connection, StoreError> {
    let connection = client.get_connection_with_timeout(CONNECT_TIMEOUT).map_err(failed)?;
    connection.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(failed)?;
    connection.set_write_timeout(Some(ANSWER_TIMEOUT)).map_err(failed)?;
    Ok(connection)
}

/// Sends commands one behind the other, and gives their answers. [`Pipeline::query`] would wait for each answer in turn of
/// a server that hangs; here one that does not come is the last that is waited for.
pub(super) fn answers(connection: &mut Connection, pipeline: &Pipeline) -> Result<Vec<Value>, RedisError> {
    connection.send_packed_command(&pipeline.get_packed_pipeline())?;
    let mut answers = Vec::with_capacity(pipeline.len());
    let mut refused = None;
    for _ in 0..pipeline.len() {
        match connection.recv_response()? {
            Value::ServerError(error) => refused = refused.or(Some(error)),
            answer => answers.push(answer),
        }
    }
    refused.map_or(Ok(answers), |error| Err(error.into()))
}

/// Whether Redis itself said that something is wrong, on a connection that is fine.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) && error.code() != Some("NOAUTH")
}

/// An answer that says no leaves the connection as it was, but one that only reads may have been the first of several, and
/// its name may lead to another by now.
fn is_usable_after(error: &RedisError) -> bool {
    is_answer(error) && error.kind() != ErrorKind::Server(ServerErrorKind::ReadOnly)
}

pub(super) fn failed(error: RedisError) -> StoreError {
    if !is_answer(&error) {
        return StoreError::Unreachable { source: Box::new(error) };
    }
    let said = error.clone().into_server_errors();
    let first = said.as_ref().and_then(|said| said.first());
    let answer = first.map_or_else(
        || error.to_string(),
        |(_, said)| match said.details() {
            Some(details) => format!("{} {details}", said.code()),
            None => said.code().to_owned(),
        },
    );
    StoreError::Refused { answer }
}
