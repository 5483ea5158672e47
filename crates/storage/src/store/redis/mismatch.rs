//! Finds out whether a connection fails because only one side speaks TLS.
//!
//! Neither side says so. A server that expects TLS closes the connection, and a server that expects none
//! waits for a line end that never comes. So after such a failure, one greeting in the other protocol is
//! sent.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use redis::ConnectionAddr;
use rustls::pki_types::ServerName;

/// Timeout of the server's first byte.
const WAIT: Duration = Duration::from_secs(1);

/// First bytes of a TLS record: an alert, or a part of a handshake.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Returns advice for a connection that failed, if TLS is the reason.
pub(super) fn advice(address: &ConnectionAddr) -> Option<&'static str> {
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let first = first_byte(host, *port, &client_hello(host)?)?;
            matches!(first, ALERT | HANDSHAKE)
                .then_some("the server speaks TLS: use rediss:// instead of redis://")
        }
        ConnectionAddr::TcpTls { host, port, .. } => {
            let first = first_byte(host, *port, b"PING\r\n")?;
            matches!(first, b'+' | b'-')
                .then_some("the server does not speak TLS: use redis:// instead of rediss://")
        }
        _ => None,
    }
}

/// Sends a greeting and returns the first byte of the answer.
fn first_byte(host: &str, port: u16, greeting: &[u8]) -> Option<u8> {
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, WAIT).ok()?;
    stream.set_read_timeout(Some(WAIT)).ok()?;
    stream.set_write_timeout(Some(WAIT)).ok()?;

    stream.write_all(greeting).ok()?;
    let mut first = [0];
    stream.read_exact(&mut first).ok()?;
    Some(first[0])
}

/// Returns the first record of a handshake. The handshake is never completed, so no trusted root is needed.
fn client_hello(host: &str) -> Option<Vec<u8>> {
    let nobody = rustls::RootCertStore::empty();
    let config = rustls::ClientConfig::builder().with_root_certificates(nobody).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;

    let mut session = rustls::ClientConnection::new(Arc::new(config), name).ok()?;
    let mut hello = Vec::new();
    session.write_tls(&mut hello).ok()?;
    Some(hello)
}
