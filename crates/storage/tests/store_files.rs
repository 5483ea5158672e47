//! The result store opens the files of earlier versions.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;

use fjall::{Database, KeyspaceCreateOptions};
use storage::store::{EmbeddedStore, Options};
use types::SystemClock;

#[test]
fn an_index_of_expiry_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options { keep_free_bytes: 0, ..Options::default() };
    let open = || EmbeddedStore::open(directory.path(), options(), Arc::new(SystemClock::new())).unwrap();
    drop(open());
    let database = Database::builder(directory.path()).open().unwrap();
    let index = database.keyspace("expiry", KeyspaceCreateOptions::default).unwrap();
    index.insert("12345678a", "").unwrap();
    drop((index, database));

    drop(open());
    let database = Database::builder(directory.path()).open().unwrap();
    assert!(database.keyspace_exists("rows") && !database.keyspace_exists("expiry"));
}
