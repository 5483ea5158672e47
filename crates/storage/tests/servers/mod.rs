//! Real servers for tests, one per test.
#![allow(dead_code, reason = "each test uses its own part")]

pub mod kafka;
pub mod redis;
pub mod redis_cluster;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

/// Limit that only ends a test that would hang.
const PATIENCE: u32 = 3_000;
const STEP: Duration = Duration::from_millis(10);

pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until a condition holds; panics after the limit.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..PATIENCE {
        if holds() {
            return;
        }
        let (_open, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(STEP);
    }
    panic!("waited in vain until {what}");
}
