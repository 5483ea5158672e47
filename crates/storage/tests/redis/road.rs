//! A proxy in front of a server that delays bytes for longer than the sender waits.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::servers::wait_until;

/// Accepts connections on a port of its own and forwards them to the server.
pub struct Road {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Connections with a lower number are held.
    held: AtomicUsize,
    count: AtomicUsize,
    /// Held bytes, and the connection on which to forward them.
    waiting: Mutex<Vec<(Vec<u8>, TcpStream)>>,
}

impl Road {
    pub fn to(server: u16) -> Road {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared::default());
        let of_listener = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                let number = of_listener.count.fetch_add(1, Ordering::SeqCst);
                let (back, forth) = (server.try_clone(), client.try_clone());
                let (Ok(back), Ok(forth)) = (back, forth) else { continue };
                let shared = of_listener.clone();
                thread::spawn(move || shared.lead(number, client, server));
                thread::spawn(move || answers(back, forth));
            }
        });
        Road { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Holds the bytes of all connections, future ones too.
    pub fn hold(&self) {
        self.shared.held.store(usize::MAX, Ordering::SeqCst);
    }

    /// Forwards new connections; current ones stay held.
    pub fn let_newcomers_pass(&self) {
        self.shared.held.store(self.shared.count.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Forwards all held bytes, and waits until the server has taken or refused them.
    pub fn deliver(&self) {
        let waiting = std::mem::take(&mut *self.shared.waiting.lock().expect("not poisoned"));
        assert!(waiting.iter().any(|(bytes, _)| bytes.windows(5).any(|five| five == b"SETEX")));
        for (bytes, mut server) in waiting {
            // The server may have closed the connection and ignore the bytes.
            let _ = server.write_all(&bytes);
            let _ = server.shutdown(Shutdown::Write);
            wait_until("the server has closed it", || server.peer_addr().is_err() || is_over(&server));
        }
    }
}

fn is_over(server: &TcpStream) -> bool {
    let mut byte = [0];
    !matches!(server.peek(&mut byte), Ok(1..))
}

impl Shared {
    fn lead(&self, number: usize, mut client: TcpStream, mut server: TcpStream) {
        let (mut buffer, mut held) = ([0; 4 << 10], Vec::new());
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            if number < self.held.load(Ordering::SeqCst) {
                held.extend_from_slice(&buffer[..length]);
            } else if server.write_all(&buffer[..length]).is_err() {
                return;
            }
        }
        if held.is_empty() {
            // Close the other side too.
            let _ = server.shutdown(Shutdown::Both);
        } else {
            self.waiting.lock().expect("not poisoned").push((held, server));
        }
    }
}

fn answers(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = [0; 4 << 10];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
