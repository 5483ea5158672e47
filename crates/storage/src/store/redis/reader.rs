//! A reader of somebody else's Redis: it scans rows and writes nothing, not even a marker.

use std::collections::HashSet;
use std::sync::Arc;

use types::Clock;

use super::link::Link;
use super::servers::Servers;
use super::{Options, connection, hash, keys};
use crate::store::{Entry, StoreError};

/// Reads the rows of a Redis (a server, a cluster, or a master behind sentinels) without writing to it.
pub struct RedisReader {
    servers: Arc<Servers>,
    clock: Arc<dyn Clock>,
}

impl RedisReader {
    /// Checks the address and the certificates of `options`. Connects with the first scan.
    ///
    /// # Errors
    /// The address or the certificates cannot be used.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<RedisReader, StoreError> {
        connection::install_cryptography();
        let servers = Arc::new(Servers::new(&options.url, options.certificates.clone())?);
        Ok(RedisReader { servers, clock })
    }

    /// Passes each row whose key begins with `prefix` to `each`, once and in any order. Rows that are written
    /// meanwhile may be missed.
    ///
    /// # Errors
    /// Redis cannot be reached or refuses to be read.
    pub fn scan(&self, prefix: &str, each: &mut dyn FnMut(Entry)) -> Result<(), StoreError> {
        let mut link = Link::new(self.servers.clone());
        let mut given = HashSet::new();
        keys::keys(&mut link, &[prefix.to_owned()], |link, mut found| {
            // Redis may return a key twice during a scan.
            found.retain(|key| given.insert(hash(key.as_bytes())));
            keys::fetch(link, &found, self.clock.now())?.into_iter().for_each(&mut *each);
            Ok(true)
        })
    }
}
