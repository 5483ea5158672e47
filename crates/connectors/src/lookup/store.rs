//! Lookups in the result store: rows written by `'connector' = 'redis'` tables, or by others in the same
//! form.
//!
//! A lookup builds the keys of many rows from the table's template, requests them together, and decodes the
//! JSON objects under them. A key column that is missing in the object has the value from which the key was
//! built:
//!
//! ```text
//! 'key' = 'customer:{id}'     SET customer:7 '{"name": "An"}'     (7, An)
//! ```

use std::sync::Arc;

use engine::connector::{CachePolicy, ConnectorError, Found, Lookup, LookupFactory};
use engine::row::Reader;
use sql::plan::operator::LookupJoin;
use storage::store::ResultStore;
use storage::store::key::NULL;
use types::Scalar;

use super::options::StoreOptions;
use super::policy::LookupPolicy;
use super::rows::RowReader;
use super::{LookupError, repeated};
use crate::format::json::JsonOptions;
use crate::retry::Retry;

/// A lookup table in the result store.
pub struct StoreLookup {
    pub join: Arc<LookupJoin>,
    pub options: StoreOptions,
    pub policy: LookupPolicy,
    pub store: Arc<dyn ResultStore>,
    pub retry: Arc<Retry>,
}

impl LookupFactory for StoreLookup {
    fn open(&self) -> Result<Box<dyn Lookup>, ConnectorError> {
        let table = &*self.join.table;
        let json =
            JsonOptions { ignore_parse_errors: self.policy.ignore_parse_errors, ..JsonOptions::default() };
        let of_leaf = |leaf: usize| self.join.keys.iter().position(|(known, _)| *known == leaf);
        let in_template = |leaf: &usize| {
            let mut columns = self.options.key.columns();
            columns.any(|column| table.leaves[*leaf].path.as_slice() == [table.columns[column].name.clone()])
        };
        let from_key = (0..table.leaves.len()).filter(in_template);
        Ok(Box::new(OpenStore {
            table: table.name.clone(),
            from_key: from_key.filter_map(|leaf| Some((leaf, of_leaf(leaf)?))).collect(),
            rows: RowReader::new(&table.leaves, json),
            options: self.options.clone(),
            policy: self.policy,
            store: self.store.clone(),
            retry: self.retry.clone(),
        }))
    }

    fn cache(&self) -> Option<CachePolicy> {
        self.policy.cache
    }
}

struct OpenStore {
    table: String,
    options: StoreOptions,
    policy: LookupPolicy,
    /// Leaves that are in the key, each with the join key that it equals.
    from_key: Vec<(usize, usize)>,
    rows: RowReader,
    store: Arc<dyn ResultStore>,
    retry: Arc<Retry>,
}

impl OpenStore {
    /// Builds the store's key from a key of the join.
    fn key(&self, key: &[u8], scratch: &mut Vec<u8>) -> String {
        let values: Vec<Scalar<'_>> = Reader::new(key).collect();
        let mut text = String::new();
        let of_column = |column: usize| self.options.keys[column].map_or(Scalar::Null, |at| values[at]);
        self.options.key.write(&mut text, scratch, of_column);
        text
    }
}

impl Lookup for OpenStore {
    fn find(&mut self, keys: &[Box<[u8]>], found: &mut Found) -> Result<(), ConnectorError> {
        let mut scratch = Vec::new();
        let names: Vec<String> = keys.iter().map(|key| self.key(key, &mut scratch)).collect();
        let OpenStore { table, policy, from_key, rows, store, retry, .. } = self;

        repeated(retry, table, policy, || {
            let entries = store.get_many(&names)?;
            let there = entries.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.as_ref()?)));
            let (places, documents): (Vec<usize>, Vec<&[u8]>) =
                there.map(|(at, entry)| (at, &*entry.value)).unzip();

            let mut read = Found::new(keys.len());
            let decoded = rows.read(&documents, |document, values| {
                let place = places[document];
                let key: Vec<Scalar<'_>> = Reader::new(&keys[place]).collect();
                let from_key = |leaf: usize| {
                    let (_, at) = from_key.iter().find(|(known, _)| *known == leaf)?;
                    // A null is written to keys as this word too, so the row may belong to the actual word.
                    Some(key[*at]).filter(|value| *value != Scalar::Text(NULL))
                };
                let values = values.iter().enumerate();
                read.add(
                    place,
                    values.map(|(leaf, &value)| match value {
                        Scalar::Null => from_key(leaf).unwrap_or(Scalar::Null),
                        value => value,
                    }),
                );
            });
            decoded.map_err(|malformed| {
                let key = &names[places[malformed.document]];
                LookupError::Malformed(format!("the value under `{key}`: {}", malformed.reason))
            })?;
            *found = read;
            Ok(())
        })
    }
}
