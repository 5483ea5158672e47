//! A receiver of notifications on this machine, over HTTP or TLS, with answers that a test chooses.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// How the receiver answers a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Status(u16),
    /// A status, and the line of a header.
    With(u16, &'static str),
    /// No answer before the receiver ends.
    Hang,
}

#[derive(Debug, Clone)]
pub(super) struct Received {
    /// Lines of the head.
    pub(super) head: String,
    pub(super) body: Value,
}

pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    ended: Arc<AtomicBool>,
    /// Connections without an answer.
    hanging: Arc<Mutex<Vec<TcpStream>>>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.hanging.lock().clear();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Receiver {
    /// Answers with these replies in sequence, and then with 200.
    pub(super) fn start(replies: &[Reply]) -> Receiver {
        Receiver::start_with(replies, None)
    }

    pub(super) fn start_with(replies: &[Reply], tls: Option<Arc<ServerConfig>>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let receiver = Receiver {
            address: listener.local_addr().expect("an address"),
            received: Arc::default(),
            replies: Arc::new(Mutex::new(replies.iter().cloned().collect())),
            ended: Arc::default(),
            hanging: Arc::default(),
        };
        let (received, replies) = (Arc::clone(&receiver.received), Arc::clone(&receiver.replies));
        let (ended, hanging) = (Arc::clone(&receiver.ended), Arc::clone(&receiver.hanging));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let kept = stream.try_clone().expect("a clone");
                let hangs = match &tls {
                    None => answer(stream, &received, &replies),
                    Some(config) => {
                        let tls = ServerConnection::new(Arc::clone(config)).expect("a connection");
                        answer(StreamOwned::new(tls, stream), &received, &replies)
                    }
                };
                if hangs == Some(true) {
                    hanging.lock().push(kept);
                }
            }
        });
        receiver
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    /// Returns the values of a field of all received notifications.
    pub(super) fn values(&self, field: &str) -> Vec<Value> {
        self.received().iter().map(|received| received.body[field].clone()).collect()
    }
}

/// Reads and answers a request; returns whether the answer is held back. `None` if there was no request.
fn answer(
    mut stream: impl Read + Write,
    received: &Mutex<Vec<Received>>,
    replies: &Mutex<VecDeque<Reply>>,
) -> Option<bool> {
    let mut reader = BufReader::new(&mut stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;

    let body = serde_json::from_slice(&body).expect("JSON");
    received.lock().push(Received { head, body });
    let reply = replies.lock().pop_front().unwrap_or(Reply::Status(200));
    let (status, line) = match reply {
        Reply::Status(status) => (status, "X-Nothing: 1"),
        Reply::With(status, line) => (status, line),
        Reply::Hang => {
            // A drop would close the connection.
            return Some(true);
        }
    };
    let text =
        format!("HTTP/1.1 {status} Status\r\n{line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).ok()?;
    stream.flush().ok()?;
    Some(false)
}
