//! Options in the `WITH` clause of lookup tables.

use std::path::PathBuf;
use std::time::Duration;

use sql::error::{Diagnostic, Span};
use sql::plan::operator::LookupJoin;
use sql::plan::{SinkTable, SourceTable};

use super::policy::{LookupPolicy, duration};
use crate::format::json::{JsonOptions, TimestampFormat};
use crate::options::{OptionReader, connector};
use crate::result_store::{KeyTemplate, ResultStoreOptions};

/// The options of a lookup table.
#[derive(Debug, Clone)]
pub struct LookupOptions {
    pub system: LookupSystem,
    pub policy: LookupPolicy,
}

#[derive(Debug, Clone)]
pub enum LookupSystem {
    ResultStore(StoreOptions),
    File(FileOptions),
    /// A table that only a local run can look up, in a file that replaces it.
    Jdbc(Box<Diagnostic>),
}

/// A table in the result store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreOptions {
    pub key: KeyTemplate,
    /// For each column of the table, the join key that it equals.
    pub keys: Vec<Option<usize>>,
}

/// A table in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// A file, or a directory of files.
    pub path: PathBuf,
    pub json: JsonOptions,
    /// Interval of checks for changed files.
    pub monitor_interval: Duration,
}

/// Default interval of these checks. Flink's `filesystem` never reads a file again, but a lookup table should
/// be current.
const MONITOR_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the options of a lookup table, or returns everything that is wrong with them. `span` is that of the
/// join.
pub fn lookup_options(join: &LookupJoin, span: Span) -> Result<LookupOptions, Vec<Diagnostic>> {
    let table = &*join.table;
    let (name, place) = connector(&table.name, &table.options, &["redis", "filesystem", "jdbc"])?;

    match name {
        "redis" => redis(join, span),
        "filesystem" => filesystem(table),
        _ => {
            let mut reader = OptionReader::new(&table.name, &table.options);
            reader.accept_prefix("");
            let policy = LookupPolicy::read(&mut reader);
            reader.finish()?;
            let error = Diagnostic::error(
                place,
                "a 'jdbc' table can only be looked up by `weir local`, in a file",
            )
            .with_hint(
                "a running job looks up rows in Redis ('connector' = 'redis') and in files ('connector' = \
                     'filesystem'): copy the table there",
            );
            Ok(LookupOptions { system: LookupSystem::Jdbc(Box::new(error)), policy })
        }
    }
}

fn redis(join: &LookupJoin, span: Span) -> Result<LookupOptions, Vec<Diagnostic>> {
    let table = &*join.table;
    let as_sink = SinkTable {
        name: table.name.clone(),
        columns: table.columns.clone(),
        primary_key: vec![],
        options: table.options.clone(),
        span: table.span,
    };
    let options = ResultStoreOptions::read(&as_sink)?;

    let equals = |name: &str| {
        join.keys.iter().position(|(leaf, _)| table.leaves[*leaf].path.as_slice() == [name.to_owned()])
    };
    let keys: Vec<Option<usize>> = table.columns.iter().map(|column| equals(&column.name)).collect();
    let missing: Vec<&str> = options
        .key
        .columns()
        .filter(|&column| keys[column].is_none())
        .map(|column| table.columns[column].name.as_str())
        .collect();
    if !missing.is_empty() {
        let template = table.options.entries.get("key").map_or("", |key| key.value.as_str());
        let columns = missing.join(", ");
        let message = format!("`{}` cannot be looked up without a value of {columns}", table.name);
        let error = Diagnostic::error(span, message)
            .with_detail(format!("its rows are in Redis under '{template}'"))
            .with_hint(format!("compare every column of the key in ON with =, also {columns}"));
        return Err(vec![error]);
    }
    let system = LookupSystem::ResultStore(StoreOptions { key: options.key, keys });
    Ok(LookupOptions { system, policy: options.lookup })
}

fn filesystem(table: &SourceTable) -> Result<LookupOptions, Vec<Diagnostic>> {
    let mut reader = OptionReader::new(&table.name, &table.options);
    reader.get("connector");
    let path = reader.required("path", "/data/customers.json");
    reader.required("format", "json");
    reader.word("format", "json", &["json"]);
    let policy = LookupPolicy::read(&mut reader);
    let standard = reader.word("json.timestamp-format.standard", "SQL", &["SQL", "ISO-8601"]);
    reader.accept_prefix("json.");
    let interval = duration(&mut reader, "source.monitor-interval");
    reader.finish()?;

    let timestamp_format =
        if standard == "ISO-8601" { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    let json = JsonOptions { ignore_parse_errors: policy.ignore_parse_errors, timestamp_format };
    let monitor_interval = interval
        .and_then(|interval| u64::try_from(interval.0).ok())
        .map_or(MONITOR_INTERVAL, Duration::from_millis);
    let path = PathBuf::from(path.strip_prefix("file://").unwrap_or(&path));
    let system = LookupSystem::File(FileOptions { path, json, monitor_interval });
    Ok(LookupOptions { system, policy })
}
