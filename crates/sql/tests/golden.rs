//! Golden tests of whole scripts: each `cases/NAME.sql` has its plan, or its formatted errors, in
//! `cases/NAME.golden`. `UPDATE_GOLDEN=1 cargo test -p sql` rewrites the goldens; read the difference before
//! committing. The identities of operators are recorded too, except those of the scripts in `plans`.

use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    scripts_in("tests/cases")
}

fn scripts_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    cases.sort();
    cases
}

fn outcome(script: &str, file_name: &str) -> String {
    let variables = |name: &str| (name == "TOPIC").then(|| "it's a topic".to_owned());
    match sql::compile(script, &variables) {
        Ok(plan) => {
            let notices = sql::error::render(&plan.notices, script, file_name, false);
            format!("{notices}{}", sql::explain::explain(&plan))
        }
        Err(found) => sql::error::render(&found, script, file_name, false),
    }
}

fn tidy(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}

#[test]
fn every_case_comes_out_as_recorded() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = vec![];
    for case in cases().into_iter().chain(scripts_in("tests/plans")) {
        let file_name = case.file_name().unwrap().to_string_lossy().into_owned();
        let got = tidy(&outcome(&fs::read_to_string(&case).unwrap(), &file_name));
        let golden = case.with_extension("golden");
        if update {
            fs::write(&golden, &got).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != got {
            different.push(format!("{file_name}:\n{got}"));
        }
    }
    assert!(different.is_empty(), "not as recorded:\n{}", different.join("\n"));
}

#[test]
fn the_built_in_job_plans_as_recorded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql");
    let script = fs::read_to_string(path).unwrap();
    let got = tidy(&outcome(&script, "analytics.sql"));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/analytics.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &got).unwrap();
    }
    assert_eq!(got, fs::read_to_string(golden).unwrap_or_default());
}

/// An operator finds its state in a savepoint by its identity, which must not change with names in the code.
/// A changed line means that jobs lose this state when Weir is upgraded.
#[test]
fn identities_of_operators_stay_as_recorded() {
    let mut scripts = cases();
    let of_flink = Path::new(env!("CARGO_MANIFEST_DIR")).join("../weir/tests/flink_cases");
    let directories = fs::read_dir(of_flink).unwrap().map(|entry| entry.unwrap().path());
    scripts.extend(directories.map(|case| case.join("job.sql")).filter(|script| script.exists()));

    let mut named: Vec<(String, PathBuf)> = Vec::new();
    for script in scripts {
        let stem = script.file_stem().unwrap().to_string_lossy().into_owned();
        let directory = script.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        named.push((if stem == "job" { directory } else { stem }, script));
    }
    named.sort();

    let mut got = String::new();
    for (name, script) in named {
        let Ok(plan) = sql::compile(&fs::read_to_string(&script).unwrap(), &|_| None) else { continue };
        for operator in &plan.operators {
            got.push_str(&format!("{name}: {} {}\n", operator.name, operator.identity));
        }
    }

    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/identities.golden");
    if std::env::var_os("UPDATE_IDENTITIES").is_some() {
        fs::write(&golden, &got).unwrap();
    }
    assert_eq!(got, fs::read_to_string(golden).unwrap_or_default());
}

#[test]
fn compiling_twice_gives_the_same_plan() {
    for case in cases().into_iter().chain(scripts_in("tests/plans")) {
        let script = fs::read_to_string(&case).unwrap();
        let name = case.display().to_string();
        assert_eq!(outcome(&script, &name), outcome(&script, &name));
        if let (Ok(a), Ok(b)) = (sql::compile(&script, &|_| None), sql::compile(&script, &|_| None)) {
            let drop_index = |plan: &sql::plan::Plan| {
                let pipelines = plan.pipelines.iter().map(|pipeline| {
                    let nodes: Vec<String> =
                        pipeline.exprs.iter().map(|(_, node)| format!("{node:?}")).collect();
                    let digests: Vec<String> =
                        pipeline.common_filter.iter().map(|id| pipeline.exprs.digest(*id)).collect();
                    (nodes, digests, format!("{:?}", pipeline.source.leaves))
                });
                pipelines.collect::<Vec<_>>()
            };
            assert_eq!(drop_index(&a), drop_index(&b), "{name}");
        }
    }
}
