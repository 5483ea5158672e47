//! The declarations of result tables: one JSON file per table, replaced as a whole.

use std::fs;
use std::path::PathBuf;

use super::{Registry, RegistryError, failed};
use crate::result_tables::ResultTable;

const DIRECTORY: &str = "results";
const EXTENSION: &str = "json";

impl Registry {
    pub(super) fn results_directory(&self) -> PathBuf {
        self.directory.join(DIRECTORY)
    }

    /// Stores a declaration. Returns when it would survive a power failure.
    pub fn keep_result_table(&self, table: &ResultTable) -> Result<(), RegistryError> {
        let mut text = serde_json::to_vec_pretty(table).expect("a declaration is JSON");
        text.push(b'\n');
        self.put(&self.path_of_table(table), &text)
    }

    pub fn forget_result_table(&self, table: &ResultTable) -> Result<(), RegistryError> {
        self.remove(&self.path_of_table(table))
    }

    /// Returns all declarations. Unreadable files are logged and left in place: the job declares its tables
    /// again when it starts.
    pub fn result_tables(&self) -> Result<Vec<ResultTable>, RegistryError> {
        let mut tables = Vec::new();
        for path in self.files(&self.results_directory(), EXTENSION)? {
            let text = fs::read(&path).map_err(|source| failed("reading", &path, source))?;
            match serde_json::from_slice(&text) {
                Ok(table) => tables.push(table),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a result table's declaration cannot be read");
                }
            }
        }
        Ok(tables)
    }

    /// A name may hold any letter, so the file has a hash of it.
    fn path_of_table(&self, table: &ResultTable) -> PathBuf {
        let identity = format!("{}\0{}", table.name, table.key);
        let hash = xxhash_rust::xxh3::xxh3_128(identity.as_bytes());
        self.results_directory().join(format!("{hash:032x}.{EXTENSION}"))
    }
}
