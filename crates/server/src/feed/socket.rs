//! What the kernel is told about the connection of a WebSocket.
//!
//! A client may vanish without a word: a pulled cable, a machine that sleeps. The kernel then sends again and again, for a
//! quarter of an hour, and a client that reads nothing has megabytes waiting in its buffers. Neither is noticed by a write
//! that stalls, as long as these buffers take what is written. So the buffer is small, and the kernel gives up when nothing
//! was acknowledged for as long as a client may stall, and a little more.

use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::TcpStream;

/// What the kernel holds for a client, in bytes. Linux takes twice as much, for its own bookkeeping.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// How long the kernel waits beyond the stall: the reason must reach a client that reads on just then.
const GRACE: Duration = Duration::from_secs(5);

/// Limits what waits in the kernel for a client, and for how long.
pub(super) fn limit(stream: &TcpStream, stall: Duration) {
    let limited =
        set_socket_send_buffer_size(stream, SEND_BUFFER_BYTES).and_then(|()| give_up(stream, stall + GRACE));
    if let Err(error) = limited {
        tracing::debug!(%error, "a WebSocket's connection keeps the kernel's limits");
    }
}

#[cfg(target_os = "linux")]
fn give_up(stream: &TcpStream, after: Duration) -> rustix::io::Result<()> {
    let ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    rustix::net::sockopt::set_tcp_user_timeout(stream, ms)
}

/// Other systems have no such limit.
#[cfg(not(target_os = "linux"))]
fn give_up(_: &TcpStream, _: Duration) -> rustix::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::socket_send_buffer_size;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_holds_little_and_gives_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a stream");
        limit(&stream, Duration::from_secs(20));
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::net::sockopt::tcp_user_timeout(&stream), Ok(25_000));
        let bytes = socket_send_buffer_size(&stream).expect("a size");
        assert!(bytes <= 2 * SEND_BUFFER_BYTES, "{bytes}");
    }
}
