//! WebSocket frames of a server (RFC 6455, 5.2): unmasked and unfragmented.

use bytes::{BufMut, Bytes, BytesMut};

const FINAL_TEXT: u8 = 0x81;
const FINAL_CLOSE: u8 = 0x88;

/// Reasons for which the server closes a connection (RFC 6455, 7.4.1, and IANA's registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client violated the protocol.
    Protocol,
    /// A text message is not UTF-8.
    NoText,
    /// The server stops.
    Away,
    /// A message exceeds the limit.
    TooBig,
    /// The client took nothing for too long; it may reconnect.
    TooSlow,
    /// The client's token was revoked or has expired, or it logged out.
    NoLonger,
}

/// Returns a text message.
pub(crate) fn text(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(FINAL_TEXT);
    match payload.len() {
        length @ 0..=125 => frame.put_u8(length as u8),
        length @ 126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(length as u16);
        }
        length => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// Returns a close frame with its reason.
pub(crate) fn close(close: Close) -> Bytes {
    let (code, reason): (u16, &str) = match close {
        Close::Protocol => (1002, "not a WebSocket frame"),
        Close::NoText => (1007, "a text message is not UTF-8"),
        Close::Away => (1001, "the server stops"),
        Close::TooBig => (1009, "a message is larger than 64 KiB"),
        Close::TooSlow => (1013, "too slow, connect again"),
        Close::NoLonger => (1008, "the token is no longer valid"),
    };
    let mut frame = BytesMut::with_capacity(64);
    frame.put_u8(FINAL_CLOSE);
    frame.put_u8(2 + reason.len() as u8);
    frame.put_u16(code);
    frame.put_slice(reason.as_bytes());
    frame.freeze()
}
