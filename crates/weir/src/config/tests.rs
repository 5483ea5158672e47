//! Settings as a deployment uses them.

use std::collections::BTreeMap;
use std::fs;

use super::layers::{DEFAULTS, Flag, Loaded, Sources, defaults};
use super::{Property, show};

fn with_file(text: &str) -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weir.toml");
    fs::write(&path, text).unwrap();
    (directory, Sources { file: Some(path), ..Sources::default() })
}

fn with_environment(variables: &[(&str, &str)]) -> Sources {
    let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Sources { environment, ..Sources::default() }
}

fn message(sources: &Sources) -> String {
    Loaded::load(sources).unwrap_err().to_string()
}

#[test]
fn the_file_of_defaults_is_whole() {
    // A key that is missing in the file, or that no field has, would fail here.
    let loaded = Loaded::load(&Sources::default()).unwrap();
    assert_eq!(loaded.config.http.address.0, "127.0.0.1:8000");
    assert_eq!(loaded.config.data_dir, std::path::Path::new("./weir-data"));
}

/// Returns for each field the struct's name, the field's name and type, and its doc comment.
fn documented_fields(source: &str) -> Vec<(String, String, String, String)> {
    let (mut fields, mut structure, mut doc) = (Vec::new(), String::new(), Vec::new());
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim().to_owned());
            continue;
        }
        if let Some(rest) = line.strip_prefix("pub(crate) struct ") {
            structure = rest.trim_end_matches(" {").to_owned();
        } else if let Some((name, kind)) =
            line.strip_prefix("pub(crate) ").and_then(|rest| rest.split_once(": "))
        {
            let kind = kind.trim_end_matches(',').to_owned();
            fields.push((structure.clone(), name.to_owned(), kind, doc.join(" ")));
        }
        doc.clear();
    }
    fields
}

/// Returns the comment above each key and section.
fn commented_keys(file: &str) -> BTreeMap<String, String> {
    let (mut keys, mut section, mut comment) = (BTreeMap::new(), String::new(), Vec::new());
    for line in file.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim().to_owned());
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            keys.insert(name.to_owned(), comment.join(" "));
            section = format!("{name}.");
        } else if let Some((name, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}{name}"), comment.join(" "));
        }
        comment.clear();
    }
    keys
}

#[test]
fn the_comment_of_every_key_is_the_doc_comment_of_its_field() {
    let fields = documented_fields(include_str!("mod.rs"));
    let mut documented = BTreeMap::new();
    for (structure, name, kind, doc) in &fields {
        if structure != "Config" {
            continue;
        }
        assert!(!doc.is_empty(), "{name} has no doc comment");
        documented.insert(name.clone(), doc.clone());
        for (_, inner, _, doc) in fields.iter().filter(|(structure, ..)| structure == kind) {
            assert!(!doc.is_empty(), "{name}.{inner} has no doc comment");
            documented.insert(format!("{name}.{inner}"), doc.clone());
        }
    }
    assert_eq!(commented_keys(DEFAULTS), documented);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let (_directory, mut sources) =
        with_file("[http]\naddress = \"0.0.0.0:1\"\nheaders = 7\n[ingest]\ntopic = \"t\"\n");
    sources.environment =
        vec![("WEIR_HTTP_ADDRESS".into(), "0.0.0.0:2".into()), ("WEIR_HTTP_HEADERS".into(), "8".into())];
    sources.flags =
        vec![Flag { name: "--http".into(), key: "http.address".into(), value: "0.0.0.0:3".into() }];
    let loaded = Loaded::load(&sources).unwrap();
    assert_eq!(loaded.config.http.address.0, "0.0.0.0:3");
    assert_eq!(loaded.config.http.headers.get(), 8);
    assert_eq!(loaded.config.ingest.topic, "t");
    assert_eq!(loaded.settings["http.address"].1.to_string(), "flag --http");
    assert_eq!(loaded.settings["http.headers"].1.to_string(), "env WEIR_HTTP_HEADERS");
    assert!(loaded.settings["ingest.topic"].1.to_string().ends_with("weir.toml:5"));
}

#[test]
fn the_names_of_the_contract_are_understood() {
    let loaded = Loaded::load(&with_environment(&[
        ("KAFKA_TOPIC_QUERIES", "questions"),
        ("REDIS_TTL", "3600"),
        ("CORS_ORIGINS", "https://a.example, https://b.example:8443"),
    ]))
    .unwrap();
    assert_eq!(loaded.config.ingest.topic, "questions");
    assert_eq!(loaded.config.jobs.result_ttl.0.as_secs(), 3600);
    assert_eq!(loaded.config.http.cors_origins, ["https://a.example", "https://b.example:8443"]);
}

#[test]
fn properties_of_kafka_are_read_and_their_secrets_kept() {
    let sources = with_environment(&[
        ("KAFKA_BROKER_URL", "kafka:9092"),
        ("WEIR_KAFKA_PROPERTIES", "sasl.username=weir, sasl.password=s=ecret"),
    ]);
    let loaded = Loaded::load(&sources).unwrap();
    let property = |name: &str, value: &str| Property { name: name.to_owned(), value: value.to_owned() };
    assert_eq!(
        loaded.config.kafka.properties,
        [property("sasl.username", "weir"), property("sasl.password", "s=ecret")]
    );
    let shown = show(&loaded);
    assert!(shown.contains("sasl.username=weir") && shown.contains("sasl.password=***"), "{shown}");
    assert!(!shown.contains("ecret"), "{shown}");
    assert!(
        message(&with_environment(&[("WEIR_KAFKA_PROPERTIES", "nonsense")])).contains("security.protocol")
    );
}

#[test]
fn an_unknown_key_is_an_error_that_says_where_and_what_was_meant() {
    let (_directory, sources) = with_file("\n[http]\nadress = \"0.0.0.0:1\"\n");
    let error = message(&sources);
    assert!(error.contains("weir.toml:3") && error.contains("did you mean `http.address`?"), "{error}");
    let (_directory, sources) = with_file("[nonsense]\nx = 1\n");
    assert!(message(&sources).contains("there is no setting `nonsense.x`"));
    let (_directory, sources) = with_file("data_dir = \"x\"\nhttp = 3\n");
    assert!(message(&sources).contains("there is no setting `http`"));
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_origin() {
    let (_directory, sources) = with_file("[event_log]\nretention_age = \"7 days\"\n");
    let error = message(&sources);
    assert!(
        error.contains("weir.toml:2: event_log.retention_age: `7 days` is not a length of time"),
        "{error}"
    );
    let (_directory, sources) = with_file("[http]\nheaders = \"many\"\n");
    assert!(message(&sources).contains("weir.toml:2: http.headers"), "{}", message(&sources));
    assert!(message(&with_environment(&[("WEIR_HTTP_HEADERS", "many")])).contains("env WEIR_HTTP_HEADERS"));
    assert!(message(&with_environment(&[("REDIS_TTL", "1 day")])).contains("env REDIS_TTL"));
    let (_directory, sources) = with_file("[http\n");
    assert!(message(&sources).contains("weir.toml"), "{}", message(&sources));
}

#[test]
fn no_two_keys_share_a_variable() {
    let keys = defaults();
    let names: std::collections::BTreeSet<String> = keys.keys().map(|key| key.replace('.', "_")).collect();
    assert_eq!(names.len(), keys.len());
}

#[test]
fn a_misspelt_variable_is_remarked_and_a_stranger_is_not() {
    let loaded =
        Loaded::load(&with_environment(&[("WEIR_HTTP_ADRESS", "x"), ("WEIR_PORT_80_TCP_ADDR", "1.2.3.4")]))
            .unwrap();
    assert_eq!(
        loaded.remarks,
        ["the environment's WEIR_HTTP_ADRESS is not a setting; did you mean WEIR_HTTP_ADDRESS?"]
    );
}

#[test]
fn what_is_shown_reads_back_the_same_and_keeps_secrets() {
    let sources = with_environment(&[("REDIS_URL", "redis://weir:secret@redis:6379/1"), ("REDIS_TTL", "60")]);
    let shown = show(&Loaded::load(&sources).unwrap());
    assert!(shown.contains("\"redis://weir:***@redis:6379/1\""), "{shown}");
    assert!(!shown.contains("secret"));
    assert!(shown.contains("# from env REDIS_TTL"), "{shown}");
    let loaded = Loaded::load(&Sources::default()).unwrap();
    let (_directory, again) = with_file(&show(&loaded));
    assert_eq!(Loaded::load(&again).unwrap().config, loaded.config);
}

#[test]
fn passwords_in_the_parameters_of_a_url_are_not_shown() {
    for (url, expected) in [
        (
            "redis-sentinel://u:secret@a,b/mymaster?sentinelUsername=s&sentinelPassword=secret",
            "redis-sentinel://u:***@a,b/mymaster?sentinelUsername=s&sentinelPassword=***",
        ),
        ("unix:///run/redis.sock?db=1&pass=secret", "unix:///run/redis.sock?db=1&pass=***"),
        ("redis://:se?cret@a", "redis://:***@a"),
        ("redis://a?db=1&auth=secret", "redis://a?db=1&auth=***"),
        ("redis://weir:secret", "redis://weir:***"),
        ("rediss://[::1]:7000,a:7001/0", "rediss://[::1]:7000,a:7001/0"),
    ] {
        let shown = show(&Loaded::load(&with_environment(&[("REDIS_URL", url)])).unwrap());
        assert!(shown.contains(expected) && !shown.contains("cret"), "{shown}");
    }
}

#[test]
fn a_script_sees_the_settings_in_force_under_the_names_of_the_environment() {
    let (_directory, sources) =
        with_file("[jobs]\nresult_ttl = \"2 min\"\ntime_zone = \"Asia/Ho_Chi_Minh\"\n");
    let loaded = Loaded::load(&sources).unwrap();
    assert_eq!(loaded.variable("REDIS_TTL").as_deref(), Some("120"));
    assert_eq!(loaded.variable("WEIR_TIME_ZONE").as_deref(), Some("Asia/Ho_Chi_Minh"));
    assert_eq!(loaded.variable("KAFKA_TOPIC_QUERIES").as_deref(), Some("user-queries"));
    assert_eq!(loaded.variable("WEIR_HTTP_HEADERS").as_deref(), Some("64"));
    assert_eq!(loaded.variable("KAFKA_BROKER_URL"), None);
    assert_eq!(loaded.variable("HOME"), None);
}

#[test]
fn a_list_is_written_with_commas_or_as_in_the_file() {
    let flag = |value: &str| Flag {
        name: "--set".to_owned(),
        key: "jobs_http.savepoint_directories".to_owned(),
        value: value.to_owned(),
    };
    let load = |value: &str| Loaded::load(&Sources { flags: vec![flag(value)], ..Sources::default() });
    let directories = |value: &str| load(value).unwrap().config.jobs_http.savepoint_directories;
    for value in ["/srv/x, /srv/y", r#"["/srv/x", "/srv/y"]"#, r#" ['/srv/x','/srv/y',] "#] {
        assert_eq!(directories(value), ["/srv/x", "/srv/y"], "{value}");
    }
    assert_eq!(directories("[]"), Vec::<String>::new());
    assert_eq!(directories(r#"["/a,b"]"#), ["/a,b"]);
    for value in ["[/srv/x]", "[1]", r#"["/srv/x""#, "[]\nx = 1"] {
        let message = load(value).unwrap_err().to_string();
        assert!(message.contains("--set") && message.contains("is not a list of texts"), "{message}");
    }
    let environment = with_environment(&[("WEIR_JOBS_HTTP_SAVEPOINT_DIRECTORIES", r#"["/srv/x"]"#)]);
    assert_eq!(Loaded::load(&environment).unwrap().config.jobs_http.savepoint_directories, ["/srv/x"]);
}
