//! Findings about wrong tables: for each case, the text that must be marked in «…», and words that the
//! finding must contain.

use sql::error::Diagnostic;

const READ: &str =
    "CREATE TABLE o (a STRING) WITH ('connector' = 'blackhole'); INSERT INTO o SELECT a FROM t;";
const WRITTEN: &str =
    "CREATE TABLE q (a STRING, b BIGINT, ts TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 'q',
     'format' = 'json');\nINSERT INTO t (a, b) SELECT a, b FROM q;";

fn findings(script: &str) -> Vec<Diagnostic> {
    match sql::compile(script, &|_| None) {
        Ok(plan) => connectors::check(&plan),
        Err(found) => found,
    }
}

/// Checks declarations of `t` with words of the message and words of the hint.
fn check(rest: &str, cases: &[(&str, &str, &str)]) {
    let mut wrong = vec![];
    for (marked, message, hint) in cases {
        let script = marked.replace(['«', '»'], "") + rest;
        let start = marked.find('«').expect("a case marks a place");
        let end = marked.find('»').expect("a case marks a place") - '«'.len_utf8();
        let found = findings(&script);
        let ok = found.iter().any(|d| {
            (d.span.start, d.span.end) == (start, end)
                && d.message.contains(message)
                && d.hint.as_deref().unwrap_or_default().contains(hint)
        });
        if !ok || found.len() != 1 {
            let drawn = sql::error::render(&found, &script, "case.sql", false);
            wrong.push(format!("{marked}\n  wants: {message} | {hint}\n{drawn}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn assert_right(rest: &str, declaration: &str) {
    let script = declaration.to_owned() + rest;
    let found = findings(&script);
    assert!(found.is_empty(), "{}", sql::error::render(&found, &script, "case.sql", false));
}

fn kafka(columns: &str, options: &str) -> &'static str {
    format!("CREATE TABLE t ({columns}) WITH ('connector' = 'kafka', 'topic' = 't', {options});\n").leak()
}

fn upsert(columns: &str, options: &str) -> &'static str {
    format!("CREATE TABLE t ({columns}) WITH ('connector' = 'upsert-kafka', 'topic' = 't', {options});\n")
        .leak()
}

const JSON: &str = "'format' = 'json'";

#[test]
fn metadata_that_records_do_not_have() {
    let metadata = |column: &str| kafka(&format!("a STRING, {column}"), JSON);
    check(
        READ,
        &[
            (metadata("x INT METADATA FROM «'partitions'»"), "no metadata 'partitions'", "'partition'"),
            (metadata("«x» INT METADATA"), "no metadata 'x' for `x`", "'timestamp-type'"),
            (
                metadata("topic «INT» METADATA"),
                "`topic` is INT, and the metadata 'topic' is STRING",
                "STRING",
            ),
            (metadata("topic «VARCHAR(9) NOT NULL» METADATA"), "VARCHAR(9)", "declare it as STRING"),
            (metadata("p «STRING» METADATA FROM 'partition'"), "is INT", "CAST"),
            (metadata("`offset` «INT» METADATA VIRTUAL"), "is BIGINT", ""),
            (metadata("ts «TIMESTAMP(3)» METADATA FROM 'timestamp'"), "is TIMESTAMP_LTZ(3)", "CAST"),
            (metadata("ts «BIGINT» METADATA FROM 'timestamp'"), "`ts` is BIGINT", "TIMESTAMP_LTZ(3)"),
            (metadata("headers «MAP<STRING, STRING>» METADATA"), "is MAP<STRING, BYTES>", ""),
            (metadata("headers «ROW<a STRING>» METADATA"), "is MAP<STRING, BYTES>", ""),
        ],
    );

    for right in [
        "topic STRING METADATA VIRTUAL, `partition` INT NOT NULL METADATA, p BIGINT METADATA FROM 'partition'",
        "headers MAP<STRING, BYTES> NOT NULL METADATA, h MAP<STRING NOT NULL, BYTES NOT NULL> METADATA FROM 'headers'",
        "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR ts AS ts - INTERVAL '1' SECOND",
        "fine TIMESTAMP_LTZ(6) METADATA FROM 'timestamp', `timestamp-type` STRING NOT NULL METADATA",
    ] {
        assert_right(READ, metadata(right));
    }
}

#[test]
fn keys_that_are_none() {
    let columns = "a STRING, k_b BIGINT, `offset` BIGINT METADATA";
    let key = |options: &str| kafka(columns, &format!("{JSON}, {options}"));
    check(
        READ,
        &[
            (key("'key.format' = «'json'»"), "'key.format' needs 'key.fields'", "'key.fields' ="),
            (key("'key.fields' = «'a'»"), "a key needs a format", "'key.format' = 'json'"),
            (key("'key.format' = «'avro'», 'key.fields' = 'a'"), "cannot be 'avro'", "'raw'"),
            (
                key("'key.format' = 'json', 'key.fields' = «'zz'»"),
                "a column `zz`",
                "the physical columns are a, k_b",
            ),
            (key("'key.format' = 'json', 'key.fields' = «'k_bb'»"), "a column `k_bb`", "`k_b`"),
            (key("'key.format' = 'json', 'key.fields' = «'offset'»"), "`offset` is metadata", ""),
            (key("'key.format' = 'json', 'key.fields' = «'a;a'»"), "twice", ""),
            (
                key("'key.format' = «'raw'», 'key.fields' = 'a;k_b'"),
                "a raw key is one column, not 2",
                "'json'",
            ),
            (key("'key.format' = «'raw'», 'key.fields' = 'k_b'"), "`k_b` is BIGINT", "CAST"),
            (key("'value.fields-include' = «'EXCEPT_KEY'»"), "no key to leave out", "'key.fields'"),
            (
                key("'key.format' = 'json', 'key.fields' = 'k_b', 'key.fields-prefix' = «'k_'»"),
                "'key.fields-prefix' is not allowed",
                "'EXCEPT_KEY'",
            ),
            (
                key("'key.format' = 'json', 'key.fields' = 'k_b;a', 'key.fields-prefix' = «'k_'»,
                    'value.fields-include' = 'EXCEPT_KEY'"),
                "`a` does not begin with 'k_'",
                "",
            ),
            (
                kafka(
                    columns,
                    "'format' = 'json', 'value.format' = 'json', «'value.json.ignore-parse-errors'» = 'true'",
                ),
                "unknown option",
                "'json.ignore-parse-errors'",
            ),
            (
                kafka(columns, "'value.format' = 'json', «'json.ignore-parse-errors'» = 'true'"),
                "unknown option",
                "'value.json.ignore-parse-errors'",
            ),
        ],
    );

    assert_right(
        READ,
        key("'key.format' = 'json', 'key.fields' = 'k_b', 'key.json.fail-on-missing-field' = 'true'"),
    );
}

/// Flink parses booleans and enums in any case, and uses 'format' if 'value.format' is also given.
#[test]
fn options_are_as_lenient_as_flinks() {
    let read = [
        "'format' = 'json', 'value.format' = 'json'",
        "'format' = 'json', 'value.format' = 'nosuch'",
        "'format' = 'json', 'json.ignore-parse-errors' = 'TRUE', 'json.fail-on-missing-field' = 'False'",
        "'format' = 'json', 'json.decode.json-parser.enabled' = 'True', 'json.map-null-key.mode' = 'drop'",
        "'format' = 'json', 'scan.startup.mode' = 'EARLIEST-OFFSET', 'scan.bounded.mode' = 'UNBOUNDED'",
        "'value.format' = 'json', 'key.format' = 'raw', 'key.fields' = 'a', 'key.raw.charset' = 'utf-8', \
         'value.fields-include' = 'all'",
    ];

    for options in read {
        assert_right(READ, kafka("a STRING, b BIGINT", options));
    }

    let written = "'format' = 'json', 'sink.delivery-guarantee' = 'At-Least-Once', \
                   'json.encode.ignore-null-fields' = 'TRUE'";
    assert_right(WRITTEN, kafka("a STRING, b BIGINT", written));

    check(
        READ,
        &[
            (
                kafka("a STRING", "'format' = 'json', 'json.ignore-parse-errors' = «'yes'»"),
                "cannot be 'yes'",
                "'true'",
            ),
            (kafka("a STRING", "'format' = «'JSON'»"), "cannot be 'JSON'", "'json'"),
            (
                kafka("a STRING", "'format' = 'json', 'json.timestamp-format.standard' = «'sql'»"),
                "cannot be 'sql'",
                "",
            ),
        ],
    );
}

#[test]
fn topics_that_cannot_be_written() {
    let table = |options: &str| kafka("a STRING, b BIGINT", &format!("{JSON}, {options}"));
    let metadata = |column: &str| kafka(&format!("a STRING, b BIGINT, {column}"), JSON);
    check(
        WRITTEN,
        &[
            (table("'sink.partitioner' = «'fixed'»"), "cannot be 'fixed'", "'default'"),
            (
                table("'sink.partitioner' = «'round-robin'», 'key.format' = 'raw', 'key.fields' = 'a'"),
                "partitioned by their key",
                "leave out",
            ),
            (
                table("'sink.delivery-guarantee' = «'exactly-once'»"),
                "transactions are not supported",
                "'at-least-once'",
            ),
            (
                "«CREATE TABLE t (a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json')»;\n",
                "cannot have a primary key",
                "'upsert-kafka'",
            ),
            (table("'sink.parallelism' = «'0'»"), "at least one subtask", ""),
            (table("'sink.parallelism' = «'many'»"), "a whole number", ""),
            (table("«'sink.partitoner'» = 'default'"), "unknown option", "'sink.partitioner'"),
            (table("'json.map-null-key.mode' = «'SKIP'»"), "cannot be 'SKIP'", "'LITERAL'"),
            (table("'topic-pattern' = «'t.*'»"), "needs the option 'topic'", ""),
            (
                "CREATE TABLE t (a STRING, b BIGINT) WITH ('connector' = 'kafka', 'topic' = «'weir-dead-letters'», 'format' = 'json');\n",
                "Weir's own",
                "another topic",
            ),
            (
                "CREATE TABLE t (a STRING, b BIGINT) WITH ('connector' = 'kafka', 'topic' = «'a;b'», 'format' = 'json');\n",
                "one topic",
                "a table for each",
            ),
            (metadata("`offset` BIGINT METADATA FROM «'offset'»"), "can be read, and not written", "VIRTUAL"),
            (metadata("ts «TIMESTAMP(3)» METADATA FROM 'timestamp'"), "is TIMESTAMP_LTZ(3)", ""),
            (metadata("x INT METADATA FROM «'nosuch'»"), "no metadata 'nosuch'", "'timestamp'"),
            (
                "CREATE TABLE t (a STRING, b BIGINT, x BIGINT METADATA FROM «'offset'») WITH ('connector' = 'blackhole');\n",
                "connector 'blackhole' writes none",
                "VIRTUAL",
            ),
            (
                "CREATE TABLE t (a STRING, b BIGINT) WITH ('connector' = «'kafak'»);\n",
                "no connector 'kafak'",
                "'kafka'",
            ),
        ],
    );

    assert_right(
        WRITTEN,
        table("'sink.partitioner' = 'round-robin', 'scan.startup.mode' = 'earliest-offset'"),
    );
    assert_right(
        WRITTEN,
        metadata("ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', `offset` BIGINT METADATA VIRTUAL"),
    );
    assert_right(
        WRITTEN,
        table("'json.encode.ignore-null-fields' = 'true', 'sink.transactional-id-prefix' = 'p'"),
    );
}

#[test]
fn upserts_that_have_no_key() {
    const FORMATS: &str = "'key.format' = 'json', 'value.format' = 'json'";
    let keyed = "a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED";
    check(
        WRITTEN,
        &[
            (
                "«CREATE TABLE t (a STRING, b BIGINT) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'key.format' = 'json', 'value.format' = 'json')»;\n",
                "has no primary key",
                "PRIMARY KEY (…) NOT ENFORCED",
            ),
            (upsert(keyed, &format!("{FORMATS}, 'format' = «'json'»")), "no 'format'", "'value.format'"),
            (upsert(keyed, &format!("{FORMATS}, 'key.fields' = «'a'»")), "no 'key.fields'", "primary key"),
            (upsert(keyed, &format!("{FORMATS}, «'sink.partitioner'» = 'default'")), "unknown option", ""),
            (
                upsert(keyed, &format!("{FORMATS}, 'sink.buffer-flush.interval' = «'soon'»")),
                "no duration",
                "'1 s'",
            ),
            (
                upsert(keyed, &format!("{FORMATS}, 'sink.delivery-guarantee' = «'exactly-once'»")),
                "transactions",
                "second",
            ),
            (
                "CREATE TABLE t (a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED) «WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'value.format' = 'json')»;\n",
                "lacks the option 'key.format'",
                "json",
            ),
            (
                "CREATE TABLE t (a STRING, b BIGINT, PRIMARY KEY (b) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'key.format' = «'raw'», 'value.format' = 'json');\n",
                "`b` is BIGINT",
                "CAST",
            ),
        ],
    );

    assert_right(
        WRITTEN,
        upsert(
            keyed,
            &format!(
                "{FORMATS}, 'value.fields-include' = 'EXCEPT_KEY', 'sink.buffer-flush.max-rows' = '100',
            'sink.buffer-flush.interval' = '1 s'"
            ),
        ),
    );
}

#[test]
fn upserts_that_are_read() {
    const FORMATS: &str = "'key.format' = 'json', 'value.format' = 'json'";
    let keyed = "a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED";
    check(
        READ,
        &[
            (
                upsert(keyed, &format!("{FORMATS}, 'scan.startup.mode' = «'latest-offset'»")),
                "from the beginning of its topic",
                "'connector' = 'kafka'",
            ),
            (
                "CREATE TABLE t (a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED) «WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'value.format' = 'json')»;\n",
                "lacks the option 'key.format'",
                "json",
            ),
            (upsert(keyed, &format!("{FORMATS}, 'key.fields' = «'a'»")), "no 'key.fields'", "primary key"),
            (upsert(keyed, &format!("{FORMATS}, 'format' = «'json'»")), "no 'format'", "'value.format'"),
        ],
    );

    for more in ["", ", 'value.fields-include' = 'EXCEPT_KEY'", ", 'sink.buffer-flush.max-rows' = '5'"] {
        assert_right(READ, upsert(keyed, &format!("{FORMATS}{more}")));
    }
}

#[test]
fn formats_of_changes_that_are_written() {
    let table = |options: &str| kafka("a STRING, b BIGINT, PRIMARY KEY (a) NOT ENFORCED", options);
    for format in ["debezium-json", "canal-json"] {
        assert_right(
            WRITTEN,
            table(&format!("'format' = '{format}', '{format}.encode.ignore-null-fields' = 'true'")),
        );
    }
    check(
        WRITTEN,
        &[(
            table("'format' = 'debezium-json', 'debezium-json.schema-include' = «'true'»"),
            "without a schema",
            "leave out",
        )],
    );
}

#[test]
fn latest_keys_that_keep_nothing() {
    let table = |columns: &str, latest: &str| -> &'static str {
        format!(
            "CREATE TABLE t ({columns}) WITH ('connector' = 'redis', 'key' = 'k:{{a}}', 'latest-key' = {latest});\n"
        )
        .leak()
    };

    check(
        WRITTEN,
        &[
            (table("a STRING, b BIGINT", "«'latest'»"), "`t` has no such column", "leave out 'latest-key'"),
            (
                table("a STRING, b BIGINT, window_end TIMESTAMP(3)", "«'weir:stores'»"),
                "Weir's own",
                "analytics:latest",
            ),
            (
                table("a STRING, b BIGINT, window_end TIMESTAMP(3)", "«'latest:{a}'»"),
                "same for all rows",
                "braces",
            ),
        ],
    );

    assert_right(WRITTEN, table("a STRING, b BIGINT, window_end TIMESTAMP(3)", "'latest'"));
}
