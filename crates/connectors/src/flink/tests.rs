//! Tests of whole translations.

use super::*;

/// The fifteen analytics.
const ANALYTICS: &str = include_str!("../../../../jobs/analytics.sql");

const SOURCE: &str = "CREATE TABLE q (k STRING, n INT NOT NULL, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'q', 'properties.bootstrap.servers' = '${BROKERS:kafka:9092}',
      'properties.group.id' = 'g', 'properties.security.protocol' = 'SSL', 'format' = 'json');";

fn options() -> ClusterOptions {
    ClusterOptions { topic_prefix: "r-".to_owned(), ..ClusterOptions::default() }
}

fn translated_with(script: &str, options: &ClusterOptions) -> Translation {
    let brokers = |name: &str| (name == "KAFKA_BROKER_URL").then(|| "kafka:9092".to_owned());
    let (translation, findings) = translate(script, &brokers, options);
    translation.unwrap_or_else(|| panic!("{findings:#?}"))
}

fn translated(rest: &str) -> Translation {
    translated_with(&format!("{SOURCE}\n{rest}"), &options())
}

fn texts(translation: &Translation) -> Vec<&str> {
    translation.statements.iter().map(Sent::text).collect()
}

/// Returns the errors, each with its message and the marked part of the script.
fn errors(script: &str) -> Vec<(String, String)> {
    let (translation, findings) = translate(script, &|_| None, &options());
    assert!(translation.is_none(), "it is translated");
    let errors = findings.into_iter().filter(Diagnostic::is_error);
    errors.map(|error| (error.message, script[error.span.start..error.span.end].to_owned())).collect()
}

#[test]
fn a_table_whose_rows_are_added_becomes_a_topic_with_keys() {
    let translation = translated(
        "create table faculty (faculty STRING, n BIGINT, window_end TIMESTAMP(3) NOT NULL)
         WITH ('connector' = 'redis', 'key' = 'a:{faculty}:{window_end}:{faculty}', 'ttl' = '60');
         INSERT INTO faculty SELECT k, COUNT(*), window_end -- it's kept
         FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;",
    );
    let texts = texts(&translation);
    assert_eq!(
        texts[1],
        "create table faculty (
  `weir_key_faculty` STRING,
  `weir_key_window_end` TIMESTAMP(3) NOT NULL,
  `faculty` STRING,
  `n` BIGINT,
  `window_end` TIMESTAMP(3) NOT NULL,
  `weir_headers` MAP<STRING, BYTES> METADATA FROM 'headers'
) WITH (
  'connector' = 'kafka',
  'key.fields' = 'weir_key_faculty;weir_key_window_end',
  'topic' = 'r-faculty',
  'properties.bootstrap.servers' = 'kafka:9092',
  'properties.security.protocol' = 'SSL',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'key.fields-prefix' = 'weir_key_',
  'value.format' = 'json',
  'value.fields-include' = 'EXCEPT_KEY',
  'value.json.encode.decimal-as-plain-number' = 'true',
  'value.json.map-null-key.mode' = 'LITERAL'
)"
    );
    assert_eq!(
        texts[2],
        "INSERT INTO faculty (`weir_key_faculty`, `weir_key_window_end`, `faculty`, `n`, `window_end`, `weir_headers`)
SELECT COALESCE(CAST(`faculty` AS STRING), 'unknown'), `window_end`, `faculty`, `n`, `window_end`, \
MAP['weir-table', ENCODE('CREATE TABLE `faculty` (`faculty` STRING, `n` BIGINT, `window_end` TIMESTAMP(3) NOT NULL) \
WITH (''connector'' = ''redis'', ''key'' = ''a:{faculty}:{window_end}:{faculty}'', ''ttl'' = ''60'')', 'UTF-8')]
FROM (
SELECT k, COUNT(*), window_end -- it's kept
         FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k
) AS `weir_rows` (`faculty`, `n`, `window_end`)"
    );
}

#[test]
fn a_table_whose_rows_change_is_written_by_its_key() {
    let translation = translated(
        "CREATE TABLE counts (k INT NOT NULL, n BIGINT) WITH ('connector' = 'redis', 'key' = 'c:{k}');
         CREATE TABLE lone (n BIGINT) WITH ('connector' = 'redis', 'key' = 'total');
         INSERT INTO counts (n, k) SELECT COUNT(*), n FROM q GROUP BY n;
         INSERT INTO lone SELECT COUNT(*) FROM q ON CONFLICT DO DEDUPLICATE;",
    );
    let texts = texts(&translation);
    assert_eq!(texts[0], "SET 'table.exec.sink.require-on-conflict' = 'false'");
    assert!(texts[2].contains("`weir_key_k` INT NOT NULL,"), "{}", texts[2]);
    assert!(texts[2].contains("PRIMARY KEY (`weir_key_k`) NOT ENFORCED"), "{}", texts[2]);
    assert!(
        texts[2].contains("'connector' = 'upsert-kafka'") && !texts[2].contains("key.fields'"),
        "{}",
        texts[2]
    );
    assert!(texts[3].contains("PRIMARY KEY (`weir_key_row`) NOT ENFORCED"), "{}", texts[3]);
    let job = texts[4];
    assert!(
        job.contains("INSERT INTO counts (`weir_key_k`, `n`, `k`, `weir_headers`)\nSELECT `k`, `n`, `k`,"),
        "{job}"
    );
    assert!(job.contains("SELECT 'row', `n`,"), "{job}");
    assert!(job.contains(") AS `weir_rows` (`n`) ON CONFLICT DO DEDUPLICATE;\nEND"), "{job}");
}

#[test]
fn everything_else_is_sent_as_it_was_written() {
    let translation = translated_with(ANALYTICS, &options());
    let filled =
        Statements::of(ANALYTICS, &|name| (name == "KAFKA_BROKER_URL").then(|| "kafka:9092".to_owned()));
    let filled = filled.expect("a script");
    let texts = texts(&translation);
    let job = texts.last().copied().unwrap_or_default();

    let mut inserts = 0;
    for statement in filled.iter() {
        match &statement.kind {
            StatementKind::Insert(insert) => {
                inserts += 1;
                assert!(job.contains(filled.text(insert.query)), "{}", insert.table);
            }
            StatementKind::CreateTable(table) if table.name != "user_queries" => {}
            _ => assert!(texts.contains(&filled.text(statement.span)), "{}", filled.text(statement.span)),
        }
    }
    assert_eq!((inserts, translation.results.len()), (15, 15));
    assert!(job.starts_with("EXECUTE STATEMENT SET\nBEGIN\n") && job.ends_with(";\nEND"));
}

#[test]
fn only_the_last_statement_starts_a_job() {
    let translation = translated(
        "CREATE TABLE a (k STRING) WITH ('connector' = 'blackhole');
         BEGIN STATEMENT SET; INSERT INTO a SELECT k FROM q; END;
         SET 'pipeline.name' = 'x'; EXPLAIN INSERT INTO a SELECT k FROM q;
         CREATE VIEW v AS SELECT k FROM q; INSERT INTO a SELECT k FROM v;",
    );
    let texts = texts(&translation);
    let starts: Vec<&str> =
        texts.iter().map(|text| text.split_whitespace().next().unwrap_or_default()).collect();
    assert_eq!(starts, ["SET", "CREATE", "CREATE", "CREATE", "EXECUTE"]);
    assert_eq!(
        texts[4],
        "EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO a SELECT k FROM q;\nINSERT INTO a SELECT k FROM v;\nEND"
    );
}

#[test]
fn given_settings_come_last_and_a_name_only_where_there_is_none() {
    let options = ClusterOptions {
        name: Some("it's".to_owned()),
        settings: vec![("parallelism.default".to_owned(), "2".to_owned())],
        ..options()
    };
    let texts_of = |script: &str| -> Vec<String> {
        let translation =
            translated_with(&format!("{script}\n{SOURCE}\nINSERT INTO b SELECT k FROM q"), &options);
        texts(&translation).into_iter().filter(|text| text.starts_with("SET")).map(str::to_owned).collect()
    };
    let sink = "CREATE TABLE b (k STRING) WITH ('connector' = 'blackhole');";
    assert_eq!(texts_of(sink), ["SET 'pipeline.name' = 'it''s'", "SET 'parallelism.default' = '2'"]);
    let named = format!("SET 'pipeline.name' = 'own'; {sink}");
    assert_eq!(texts_of(&named), ["SET 'pipeline.name' = 'own'", "SET 'parallelism.default' = '2'"]);
}

#[test]
fn the_header_declares_the_table_as_it_was_submitted() {
    let table = "CREATE TABLE t (k STRING, `a``b` DECIMAL(10, 2), window_end STRING)
        WITH ('connector' = 'redis', 'key' = 'x:{k}:it''s', 'ttl' = '${TTL:60}', 'channel' = 'c', 'latest-key' = 'l')";
    let rest = "INSERT INTO t SELECT k, CAST(n AS DECIMAL(10, 2)), k FROM q";
    let read = |table: &str| {
        let script = format!("{SOURCE}\n{table};\n{rest}");
        let plan = sql::compile(&script, &|_| None).unwrap_or_else(|found| panic!("{script}: {found:?}"));
        let options = crate::sink_options(&plan.sinks[0]).unwrap_or_else(|found| panic!("{found:?}"));
        (plan.sinks[0].columns.clone(), options)
    };

    let translation = translated(&format!("{table};\n{rest}"));
    let job = translation.statements.last().map(Sent::text).unwrap_or_default();
    let header = job.split("ENCODE('").nth(1).and_then(|rest| rest.split("', 'UTF-8')").next());
    let header = header.expect("a header").replace("''", "'");
    assert_eq!(read(&header), read(table));
}

#[test]
fn what_flink_cannot_reach_is_marked() {
    let sink = "CREATE TABLE b (k STRING) WITH ('connector' = 'blackhole');";
    let read = |options: &str| {
        errors(&format!(
            "CREATE TABLE s (k STRING) WITH ({options}, 'format' = 'json'); {sink} INSERT INTO b SELECT k FROM s"
        ))
    };
    let embedded = "'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'embedded'";
    let found = read(embedded);
    assert_eq!((found.len(), found[0].1.as_str()), (1, "'embedded'"), "{found:?}");
    let found = read("'connector' = 'kafka', 'topic' = 't'");
    assert!(found[0].0.contains("needs the brokers of `s`"), "{found:?}");
}

#[test]
fn a_lookup_in_redis_is_refused_at_the_join() {
    let script = format!(
        "{SOURCE} CREATE TABLE names (k STRING, name STRING) WITH ('connector' = 'redis', 'key' = 'n:{{k}}');
         CREATE TABLE b (k STRING) WITH ('connector' = 'blackhole');
         CREATE VIEW p AS SELECT k, PROCTIME() AS pt FROM q;
         INSERT INTO b SELECT names.name FROM p JOIN names FOR SYSTEM_TIME AS OF p.pt ON p.k = names.k"
    );
    let found = errors(&script);
    assert!(found.len() == 1 && found[0].0.contains("looks up rows in Redis"), "{found:?}");
    assert_eq!(found[0].1, "JOIN");
}

#[test]
fn what_flink_refuses_is_an_error_and_remarks_about_weir_are_gone() {
    let script = format!(
        "SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE'; {SOURCE}
         CREATE TABLE b (k STRING) WITH ('connector' = 'blackhole'); INSERT INTO b SELECT k FROM q WHERE n != 1"
    );
    assert!(sql::compile(&script, &|_| None).is_ok_and(|plan| plan.notices.len() == 2));
    let found = errors(&script);
    assert!(found.len() == 1 && found[0].1 == "!=", "{found:?}");
}

#[test]
fn settings_of_weir_are_noted_once_with_what_is_lost() {
    let brokers = |name: &str| (name == "KAFKA_BROKER_URL").then(|| "kafka:9092".to_owned());
    let (_, findings) = translate(ANALYTICS, &brokers, &options());
    let about = |word: &str| findings.iter().filter(|finding| finding.message.contains(word)).count();
    assert_eq!(
        (about("weir.early-fire"), about("weir.allowed-lateness"), about("last windows stay open")),
        (1, 1, 1)
    );
    assert!(findings.iter().all(|finding| finding.hint.is_some()));
}

#[test]
fn a_table_without_the_name_of_a_topic_is_refused() {
    let script = format!(
        "{SOURCE} CREATE TABLE học (k STRING) WITH ('connector' = 'redis', 'key' = '{{k}}'); INSERT INTO học SELECT k FROM q"
    );
    let found = errors(&script);
    assert!(found[0].0.contains("`r-học` cannot be the name of a Kafka topic"), "{found:?}");
    let hinted = "CREATE TABLE a (k STRING) WITH ('connector' = 'redis', 'key' = '{k}'); \
                  INSERT INTO a /*+ OPTIONS('ttl' = '5') */ SELECT k FROM q";
    let found = errors(&format!("{SOURCE} {hinted}"));
    assert!(found[0].0.contains("takes no hints") && found[0].1.contains("OPTIONS"), "{found:?}");
}
