//! Kernel options for the connection of a WebSocket.
//!
//! A client may vanish silently: a pulled cable, a machine that sleeps. The kernel then retransmits for a
//! quarter of an hour, and a client that reads nothing may have megabytes waiting in its buffers. A stall of
//! writes shows neither while these buffers take what is written. So the buffer is small, and the kernel
//! gives up when nothing was acknowledged for slightly longer than a client may stall.

use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::TcpStream;

/// Size of the kernel's send buffer for a client. Linux allocates twice as much, for its own bookkeeping.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// Time beyond the stall for which the kernel waits: the close reason must reach a client that reads just
/// then.
const GRACE: Duration = Duration::from_secs(5);

/// Bounds the size and the time of data waiting in the kernel for a client.
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
