//! Lookup tables: checks of their options, and rows found in the result store and in files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connectors::lookup::{FileLookup, LineForm, LookupOptions, LookupSystem, StoreLookup, lookup_options};
use connectors::retry::Retry;
use engine::connector::{CachePolicy, Found, LookupFactory};
use engine::row::{self, Reader};
use sql::error::Diagnostic;
use sql::plan::operator::LookupJoin;
use storage::store::{EmbeddedStore, Options, ResultStore, Upsert, WriteBatch};
use types::{Clock, Interval, ManualClock, Timestamp, Value};

/// Returns a script that joins `o` with `c`, which has these columns and options.
fn script(columns: &str, options: &str, on: &str) -> String {
    format!(
        "CREATE TABLE o (id BIGINT, k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'o',
         'format' = 'json');
         CREATE TABLE c ({columns}) WITH ({options});
         CREATE TABLE t (id BIGINT, name STRING) WITH ('connector' = 'print');
         INSERT INTO t SELECT o.id, c.name FROM o JOIN c FOR SYSTEM_TIME AS OF o.p AS c ON {on};"
    )
}

const COLUMNS: &str = "id BIGINT, kind STRING, name STRING";

fn findings(columns: &str, options: &str, on: &str) -> Vec<Diagnostic> {
    let plan =
        sql::compile(&script(columns, options, on), &|_| None).unwrap_or_else(|found| panic!("{found:#?}"));
    connectors::check(&plan)
}

fn join(columns: &str, options: &str, on: &str) -> (LookupJoin, LookupOptions) {
    let plan =
        sql::compile(&script(columns, options, on), &|_| None).unwrap_or_else(|found| panic!("{found:#?}"));
    let (place, join) = plan.lookups().next().expect("a lookup");
    let options =
        lookup_options(join, plan.operators[place].span).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    (join.clone(), options)
}

#[test]
fn options_are_flinks() {
    let redis = "'connector' = 'redis', 'key' = 'c:{id}'";
    let cached = format!(
        "{redis}, 'ttl' = '60', 'lookup.cache' = 'partial', 'lookup.partial-cache.max-rows' = '7',
         'lookup.partial-cache.expire-after-write' = '10 min', 'lookup.partial-cache.expire-after-access' = '30 s',
         'lookup.partial-cache.cache-missing-key' = 'false', 'lookup.max-retries' = '4'"
    );
    let (_, options) = join(COLUMNS, &cached, "o.id = c.id");
    let cache = CachePolicy {
        max_rows: 7,
        expire_after_write: Some(Interval(600_000)),
        expire_after_access: Some(Interval(30_000)),
        missing_keys: false,
    };
    assert_eq!((options.policy.cache, options.policy.max_retries), (Some(cache), Some(4)));
    let (_, options) = join(COLUMNS, redis, "o.id = c.id");
    assert_eq!((options.policy.cache, options.policy.max_retries), (None, None));
}

#[test]
fn what_is_wrong_is_said() {
    let refused = |options: &str, on: &str| {
        let found = findings(COLUMNS, options, on);
        let [error] = &found[..] else { panic!("one finding: {found:#?}") };
        format!(
            "{} | {} | {}",
            error.message,
            error.detail.clone().unwrap_or_default(),
            error.hint.clone().unwrap_or_default()
        )
    };
    let whole = "'connector' = 'redis', 'key' = 'c:{id}:{kind}'";
    let error = refused(whole, "o.id = c.id");
    assert!(error.contains("cannot be looked up without a value of kind | "), "{error}");
    assert!(error.contains("under 'c:{id}:{kind}' | compare every column of the key in ON"), "{error}");
    assert!(findings(COLUMNS, whole, "o.id = c.id AND c.kind = 'b'").is_empty());
    assert!(findings(COLUMNS, whole, "o.id = c.id AND c.kind = UPPER(o.k)").is_empty());

    for (options, words) in [
        ("'connector' = 'jdbc', 'url' = 'x', 'table-name' = 'c'", "only be looked up by `weir local`"),
        ("'connector' = 'redis', 'key' = 'c:{id}', 'lookup.cache' = 'FULL'", "cannot be 'FULL'"),
        ("'connector' = 'redis', 'key' = 'c:{id}', 'lookup.cach' = 'NONE'", "unknown option 'lookup.cach'"),
        (
            "'connector' = 'redis', 'key' = 'c:{id}', 'lookup.max-retries' = 'x'",
            "must be a number of retries",
        ),
        (
            "'connector' = 'redis', 'key' = 'c:{id}', 'lookup.partial-cache.expire-after-write' = 'soon'",
            "is not a duration",
        ),
        ("'connector' = 'filesystem', 'format' = 'json'", "lacks the option 'path'"),
        ("'connector' = 'filesystem', 'path' = '/x', 'format' = 'csv'", "cannot be 'csv'"),
        ("'connector' = 'hbase-2.2'", "no connector 'hbase-2.2'"),
    ] {
        let error = refused(options, "o.id = c.id");
        assert!(error.contains(words), "{options}: {error}");
    }
}

fn key(values: &[Value]) -> Box<[u8]> {
    let mut bytes = Vec::new();
    row::write_all(values.iter().map(Value::as_scalar), &mut bytes);
    bytes.into()
}

/// Returns the rows of each key as texts.
fn find(table: &dyn LookupFactory, keys: &[Box<[u8]>]) -> Result<Vec<Vec<String>>, String> {
    let mut found = Found::new(keys.len());
    let mut lookup = table.open().expect("it opens");
    lookup.find(keys, &mut found).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    })?;
    let text = |row: &[u8]| {
        let values = Reader::new(row).map(|value| match value.to_value() {
            Value::Text(text) => text.to_string(),
            Value::Int(number) => number.to_string(),
            value => format!("{value:?}"),
        });
        values.collect::<Vec<String>>().join(" ")
    };
    Ok(found.into_rows().iter().map(|rows| rows.iter().map(|row| text(row)).collect()).collect())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(1_000)))
}

#[test]
fn rows_are_found_in_the_result_store_under_the_key_that_tables_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = clock();
    let store = EmbeddedStore::open(directory.path(), Options::default(), clock.clone()).expect("a store");
    let set = |key: &str, value: &str| {
        let upsert = Upsert { key: key.into(), value: value.as_bytes().into(), ttl: Duration::from_secs(60) };
        store
            .write(&WriteBatch { upserts: vec![upsert], deletes: vec![], notification: None })
            .expect("a write");
    };
    set("c:b:1", r#"{"id": 1, "kind": "b", "name": "An", "more": [1]}"#);
    set("c:b%3A:2", r#"{"id": 2, "kind": "b:", "name": null}"#);
    set("c:b:3", r#"{"name": "Chi"}"#);
    set("c:unknown:4", r#"{"id": 4, "kind": null, "name": "Dung"}"#);

    let options = "'connector' = 'redis', 'key' = 'c:{kind}:{id}', 'lookup.max-retries' = '0'";
    let (join, options) =
        join("id BIGINT, kind STRING, name STRING", options, "o.id = c.id AND o.k = c.kind");
    let LookupSystem::ResultStore(of_store) = options.system else { panic!("it is in the store") };
    let store: Arc<dyn ResultStore> = Arc::new(store);
    let retry = Arc::new(Retry::new(clock));
    let table = StoreLookup {
        join: Arc::new(join),
        options: of_store,
        policy: options.policy,
        store: store.clone(),
        retry,
    };
    let of = |id: i64, kind: &str| key(&[Value::Int(id), Value::Text(kind.into())]);
    let found = find(&table, &[of(1, "b"), of(2, "b:"), of(3, "b"), of(9, "b"), of(4, "unknown")]).unwrap();
    assert_eq!(found, [vec!["1 b An"], vec!["2 b: Null"], vec!["3 b Chi"], vec![], vec!["4 Null Dung"]]);

    let upsert = Upsert { key: "c:b:5".into(), value: b"[7".as_slice().into(), ttl: Duration::from_secs(60) };
    store.write(&WriteBatch { upserts: vec![upsert], deletes: vec![], notification: None }).expect("a write");
    let error = find(&table, &[of(1, "b"), of(5, "b")]).unwrap_err();
    assert!(error.contains("cannot look up rows of `c`: the value under `c:b:5`: malformed"), "{error}");
}

fn files(path: &Path, clock: &Arc<ManualClock>, more: &str) -> FileLookup {
    let options = format!(
        "'connector' = 'filesystem', 'path' = '{}', 'format' = 'json', 'lookup.max-retries' = '0'{more}",
        path.display()
    );
    let (join, options) = join(COLUMNS, &options, "o.id = c.id");
    let LookupSystem::File(of_file) = options.system else { panic!("it is in files") };
    let clock: Arc<dyn Clock> = clock.clone();
    let retry = Arc::new(Retry::new(clock.clone()));
    FileLookup::new(&join, vec![of_file.path], (LineForm::Row, of_file.json), options.policy, retry, clock)
        .monitored_each(of_file.monitor_interval)
}

fn ids(ids: &[i64]) -> Vec<Box<[u8]>> {
    ids.iter().map(|&id| key(&[Value::Int(id)])).collect()
}

#[test]
fn files_are_read_again_when_they_change() {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = (directory.path().join("a.json"), directory.path().join("b.json"));
    let clock = clock();
    std::fs::write(
        &first,
        "{\"id\": 1, \"name\": \"An\"}\n\n{\"id\": 2, \"name\": \"Binh\"}\r\n{\"name\": \"-\"}",
    )
    .expect("a file");
    std::fs::write(directory.path().join(".c.json"), "no JSON").expect("a file");

    let table = files(directory.path(), &clock, ", 'source.monitor-interval' = '10 s'");
    assert_eq!(find(&table, &ids(&[1, 2, 3])).unwrap(), [vec!["1 An"], vec!["2 Binh"], vec![]]);

    std::fs::write(&second, "{\"id\": 2, \"name\": \"Bao\"}\n").expect("a file");
    assert_eq!(find(&table, &ids(&[2])).unwrap(), [vec!["2 Binh"]], "it was looked at a moment ago");
    clock.advance(Interval(10_000));
    assert_eq!(find(&table, &ids(&[2])).unwrap(), [vec!["2 Binh", "2 Bao"]]);
    std::fs::remove_file(&first).expect("it is there");
    clock.advance(Interval(10_000));
    assert_eq!(find(&table, &ids(&[1, 2])).unwrap(), [vec![], vec!["2 Bao"]]);
}

#[test]
fn a_line_that_is_no_row_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.json");
    std::fs::write(&path, "{\"id\": 1, \"name\": \"An\"}\n{\"id\": 2,\n").expect("a file");
    let error = find(&files(&path, &clock(), ""), &ids(&[1])).unwrap_err();
    assert!(error.contains("line 2 of") && error.contains("malformed"), "{error}");
    let table = files(&path, &clock(), ", 'json.ignore-parse-errors' = 'true'");
    assert_eq!(find(&table, &ids(&[1, 2])).unwrap(), [vec!["1 An"], vec![]]);
}

#[test]
fn files_lie_below_the_directories_that_are_allowed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (allowed, secret) = (directory.path().join("allowed"), directory.path().join("secret.json"));
    std::fs::create_dir(&allowed).expect("a directory");
    std::fs::write(&secret, "{\"id\": 1, \"name\": \"An\"}").expect("a file");
    std::fs::write(allowed.join("a.json"), "{\"id\": 1, \"name\": \"Bao\"}").expect("a file");
    std::os::unix::fs::symlink(&secret, allowed.join("link.json")).expect("a link");

    let below = |path: &Path| files(path, &clock(), "").below(vec![allowed.clone()]);
    assert_eq!(find(&below(&allowed.join("a.json")), &ids(&[1])).unwrap(), [vec!["1 Bao"]]);
    for path in [secret.clone(), allowed.join("link.json"), allowed.join("../secret.json"), allowed.clone()] {
        let error = find(&below(&path), &ids(&[1])).unwrap_err();
        assert!(
            error.contains("is not below a directory of `jobs.lookup_directories`"),
            "{}: {error}",
            path.display()
        );
    }
}
