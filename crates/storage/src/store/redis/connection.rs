//! A connection to one server: its timeouts, and the translation of its errors into actionable messages.

use std::time::Duration;

use redis::{
    Client, Cmd, Connection, ConnectionInfo, ErrorKind, RedisError, ServerError, ServerErrorKind, Value,
};

use super::mismatch;
use crate::store::StoreError;

/// Timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of an answer, and of sending.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects, and checks that the server answers.
pub(super) fn connect(client: &Client) -> Result<Connection, StoreError> {
    let info = client.get_connection_info();
    let connect = || {
        let mut connection = client.get_connection_with_timeout(CONNECT_TIMEOUT)?;
        connection.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        connection.set_write_timeout(Some(ANSWER_TIMEOUT))?;

        // Without a password nothing was sent yet, so a server with another protocol was not noticed.
        match redis::cmd("PING").query::<Value>(&mut connection) {
            Err(error) if !is_answer(&error) || login_hint(&error).is_some() => return Err(error),
            _ => {}
        }
        connection.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(connection)
    };
    connect().map_err(|error: RedisError| cannot_connect(info, &error))
}

fn cannot_connect(info: &ConnectionInfo, error: &RedisError) -> StoreError {
    if let Some(hint) = login_hint(error) {
        let answer = format!("{}; {hint}", words(error));
        return StoreError::Refused { command: "the login".to_owned(), answer };
    }

    // A server that does not accept connections has no protocol to compare.
    let advice = if error.is_connection_refusal() { None } else { mismatch::advice(info.addr()) };
    match advice {
        Some(advice) => unreachable(info, advice),
        None => unreachable(info, error),
    }
}

/// Sends one command and returns its answer.
pub(super) fn ask(
    connection: &mut Connection,
    info: &ConnectionInfo,
    command: &Cmd,
) -> Result<Value, StoreError> {
    command.query::<Value>(connection).map_err(|error| failed(info, command, error))
}

/// Sends a command whose answer is optional. Returns `None` where the server does not know or permit the
/// command.
pub(super) fn ask_if_allowed(
    connection: &mut Connection,
    info: &ConnectionInfo,
    command: &Cmd,
) -> Result<Option<Value>, StoreError> {
    match ask(connection, info, command) {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Receives the answers to `count` pipelined commands. An error of the server counts as an answer.
///
/// When a server hangs, [`redis::Pipeline::query`] would wait for every answer in turn; this function stops
/// at the first timeout.
pub(super) fn receive(connection: &mut Connection, count: usize) -> Result<Vec<Value>, RedisError> {
    (0..count).map(|_| connection.recv_response()).collect()
}

/// Translates the error of a command.
pub(super) fn failed(info: &ConnectionInfo, command: &Cmd, error: RedisError) -> StoreError {
    match error.clone().into_server_errors().as_deref() {
        Some([(_, said), ..]) => refused(command, said),
        _ if is_answer(&error) => StoreError::Refused { command: name(command), answer: words(&error) },
        _ => unreachable(info, &error),
    }
}

/// Returns the error of a command that the server refused.
pub(super) fn refused(command: &Cmd, said: &ServerError) -> StoreError {
    let answer = match said.details() {
        Some(details) => format!("{} {details}", said.code()),
        None => said.code().to_owned(),
    };
    let hint = match said.code() {
        "NOPERM" => "; docs/redis.md has the permissions that Weir needs",
        "NOAUTH" => "; redis.url lacks a password",
        _ => "",
    };
    StoreError::Refused { command: name(command), answer: format!("{answer}{hint}") }
}

/// Returns the error code at the beginning of the answer of a [`StoreError::Refused`], such as `NOPERM`.
pub(super) fn code(answer: &str) -> &str {
    answer.split(' ').next().unwrap_or_default()
}

/// Returns the error of a server that does not work, with the reason.
pub(super) fn unreachable(info: &ConnectionInfo, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unreachable { source: format!("{}: {why}", info.addr()).into() }
}

/// Returns whether the connection is usable after the server refused a command. A read-only server may have
/// been the master a moment ago, and its name may lead to another server by now.
pub(super) fn is_usable_after(said: &ServerError) -> bool {
    said.kind() != Some(ServerErrorKind::ReadOnly) && said.code() != "NOAUTH"
}

/// Returns whether Redis answered with an error, over an intact connection.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Returns advice for an error about the login.
fn login_hint(error: &RedisError) -> Option<&'static str> {
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS")) => {
            Some("check the user and the password in redis.url")
        }
        (_, Some("NOAUTH")) => Some("redis.url lacks a password"),
        _ => None,
    }
}

fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (None, Some(detail)) => format!("{}: {detail}", error.category()),
        (_, None) => error.category().to_owned(),
    }
}

/// Returns the name and first argument of a command, without the values, for messages.
pub(super) fn name(command: &Cmd) -> String {
    const LONGEST: usize = 80;
    let words = command.args_iter().take(2).map(|argument| match argument {
        redis::Arg::Simple(bytes) => String::from_utf8_lossy(bytes).chars().take(LONGEST).collect(),
        _ => String::new(),
    });
    words.collect::<Vec<String>>().join(" ").trim_end().to_owned()
}

/// Installs the provider for the process. Fails when one is installed already, which is as good.
pub(super) fn install_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_without_what_it_writes() {
        assert_eq!(name(redis::cmd("SETEX").arg("a:b").arg(60).arg("secret")), "SETEX a:b");
        assert_eq!(name(redis::cmd("ROLE").arg("")), "ROLE");
    }
}
