//! Declarations over restarts, and which of them are forgotten.

use super::*;

fn table(name: &str, key: &str, at: i64) -> ResultTable {
    ResultTable {
        name: name.to_owned(),
        key: key.to_owned(),
        columns: Vec::new(),
        window: Vec::new(),
        queries: vec![name.to_owned()],
        ttl_seconds: 1,
        channel: String::new(),
        job: "a job".to_owned(),
        job_id: format!("{at:032x}"),
        declared: at,
        started: at,
    }
}

fn names(tables: &ResultTables) -> Vec<(String, String)> {
    tables.all().into_iter().map(|(name, table)| (name, table.key.clone())).collect()
}

#[test]
fn the_table_declared_last_has_the_plain_name_and_a_restart_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let open = || ResultTables::load(Some(Arc::new(Registry::open(directory.path()).unwrap())));
    let tables = open();
    tables.declare(vec![table("clicks", "a:{x}", 1 << 20), table("other", "o", 5)]);
    tables.declare(vec![table("clicks", "b:{x}", i64::MAX)]);
    tables.declare(vec![table("other", "o", 9)]);

    let short = &format!("{:032x}", 1 << 20)[..8];
    let expected = [
        ("other".to_owned(), "o".to_owned()),
        (format!("clicks@{short}"), "a:{x}".to_owned()),
        ("clicks".to_owned(), "b:{x}".to_owned()),
    ];
    assert_eq!(names(&tables), expected);
    assert_eq!(names(&open()), expected);
    let other = open().all().remove(0).1;
    assert_eq!((other.declared, other.started), (5, 9));
}

#[test]
fn a_trial_takes_nobodys_name() {
    let tables = ResultTables::default();
    tables.declare(vec![table("clicks", "clicks:{x}", 1 << 20)]);
    tables.declare(vec![table("clicks", "weir-trial:clicks:{x}", 1 << 21)]);
    let named =
        tables.all().into_iter().find(|(name, _)| name == "clicks").map(|(_, table)| table.key.clone());
    assert_eq!(named.as_deref(), Some("clicks:{x}"));
}

#[test]
fn a_job_that_is_not_started_leaves_the_tables_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let open = || ResultTables::load(Some(Arc::new(Registry::open(directory.path()).unwrap())));
    let tables = open();
    tables.declare(vec![table("old", "o", 1), table("shared", "s", 1)]);
    let before = tables.all();

    let its = |name: &str, key: &str| ResultTable { ttl_seconds: 9, ..table(name, key, 9) };
    let receipt = tables.declare(vec![its("old", "o"), its("shared", "s"), its("new", "n")]);
    // Another job declares one of them meanwhile.
    tables.declare(vec![table("shared", "s", 20)]);
    let generation = tables.generation();
    tables.withdraw(receipt);

    assert!(tables.generation() > generation, "readers learn of it");
    for tables in [tables, open()] {
        let all = tables.all();
        assert_eq!(
            names(&tables),
            [("old".to_owned(), "o".to_owned()), ("shared".to_owned(), "s".to_owned())]
        );
        assert_eq!((&all[0], all[1].1.started), (&before[0], 20));
    }
}

#[test]
fn the_tables_of_ended_jobs_that_started_least_recently_are_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let open = || ResultTables::load(Some(Arc::new(Registry::open(directory.path()).unwrap())));
    let tables = open();
    let many = (0..TABLES_MAX as i64).map(|n| table(&format!("t{n}"), "k", n));
    tables.declare(many.collect());
    tables.declare(vec![table("t0", "k", 5_000), table("new", "k", 5_000), table("newer", "k", 5_000)]);
    let running = format!("{:032x}", 1);
    tables.forget_oldest(|job| job == running);
    for tables in [tables, open()] {
        let names: BTreeSet<String> = tables.all().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), TABLES_MAX);
        assert!(["t0", "t1", "new", "newer"].iter().all(|name| names.contains(*name)));
        assert!(!names.contains("t2") && !names.contains("t3"));
    }

    let tables = open();
    tables.declare(vec![table("one more", "k", 6_000)]);
    tables.forget_oldest(|_| true);
    assert_eq!(tables.all().len(), TABLES_MAX + 1);
}

#[test]
fn tables_that_fit_are_forgotten_for_good_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let open = || ResultTables::load(Some(Arc::new(Registry::open(directory.path()).unwrap())));
    let tables = open();
    tables.declare(vec![
        table("mine", "m", 1),
        table("generated_mine", "g", 1),
        table("generated_other", "o", 1),
    ]);

    let generation = tables.generation();
    tables.forget(|table| table.name.starts_with("generated_"));
    assert!(tables.generation() > generation, "readers learn of it");
    for tables in [tables, open()] {
        assert_eq!(names(&tables), [("mine".to_owned(), "m".to_owned())]);
    }
}
