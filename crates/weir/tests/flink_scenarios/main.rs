//! Flink's REST API in scenarios (`tests/scenarios/*.toml`) that a real Flink passes too.
//!
//! `cargo test` runs them against a Weir, `make flink-scenarios` against a Flink. Where only one of the two
//! answers as the step says, the step names it with the reason.

mod matching;
mod scenario;
mod target;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use scenario::{Scenario, Step, Whom, filled, filled_in};
use target::{Answer, Target};

/// An id that no object has.
const NONE: &str = "00000000000000000000000000000001";

/// Routes that answer any ids.
const WITHOUT_ERRORS: [&str; 3] = [
    "/jobs/{job}/jobmanager/log-url",
    "/jobs/{job}/taskmanagers/{taskmanager}/log-url",
    "/taskmanagers/{taskmanager}/metrics",
];

#[test]
fn a_job_manager_answers_as_flink_does() {
    let target = Target::find();
    let complaints: Vec<String> =
        scenario::all().iter().flat_map(|scenario| tell(scenario, &target)).collect();
    assert!(complaints.is_empty(), "{} complaints\n\n{}", complaints.len(), complaints.join("\n\n"));
}

/// Runs a scenario to its end and returns the deviations.
fn tell(scenario: &Scenario, target: &Target) -> Vec<String> {
    let mut variables =
        BTreeMap::from([("none".to_owned(), NONE.to_owned()), ("directory".to_owned(), target.directory())]);
    for name in &scenario.jobs {
        variables.insert(name.clone(), target.start_job());
    }
    let mut complaints = Vec::new();
    for step in &scenario.steps {
        if step.only.is_none_or(|whom| target.is(whom)) {
            let wrong = take(step, target, &mut variables);
            let wrong = wrong.into_iter().map(|wrong| format!("{}: {}: {wrong}", scenario.name, step.name));
            complaints.extend(wrong);
        }
    }
    for name in &scenario.jobs {
        target.end_job(&variables[name]);
    }
    complaints
}

fn take(step: &Step, target: &Target, variables: &mut BTreeMap<String, String>) -> Vec<String> {
    let (asked, body) = match request(step, variables) {
        Ok(request) => request,
        Err(error) => return vec![error],
    };
    let (method, path) = asked.split_once(' ').expect("a method and a path");

    let last = std::cell::RefCell::new(None);
    let attempt = || {
        let answer = target.ask(method, path, body.as_deref());
        let complaints = judge(step, &answer, variables);
        *last.borrow_mut() = Some(answer);
        complaints
    };
    let mut complaints = if step.until { target::until_content(attempt) } else { attempt() };
    let answer = last.into_inner().expect("there was an attempt");

    for (name, path) in &step.keep {
        match matching::find(&answer.json(), path).map(|found| found[0].clone()) {
            Ok(serde_json::Value::String(text)) => drop(variables.insert(name.clone(), text)),
            Ok(value) => drop(variables.insert(name.clone(), value.to_string())),
            Err(error) => complaints.push(error),
        }
    }

    if !complaints.is_empty() {
        let text: String = answer.text.chars().take(600).collect();
        complaints.push(format!("{asked}: {} {text}", answer.status));
    }
    complaints
}

/// Returns method and path, and the body.
fn request(step: &Step, variables: &BTreeMap<String, String>) -> Result<(String, Option<String>), String> {
    let body = match (&step.body, &step.text) {
        (Some(body), _) => Some(filled_in(body, variables)?.to_string()),
        (None, Some(text)) => Some(filled(text, variables)?),
        (None, None) => None,
    };
    Ok((filled(&step.ask, variables)?, body))
}

fn judge(step: &Step, answer: &Answer, variables: &BTreeMap<String, String>) -> Vec<String> {
    if answer.status != step.status {
        return vec![format!("{} instead of {}", answer.status, step.status)];
    }
    let mut complaints = matching::complaints(step, &answer.json(), variables);
    for (name, wanted) in &step.headers {
        let found = answer.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value);
        if found != Some(wanted) {
            complaints.push(format!("{name}: {found:?} instead of {wanted}"));
        }
    }
    complaints
}

#[test]
fn each_route_that_is_described_is_asked_for_what_it_has_and_for_what_it_has_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let up = support::Up::start(directory.path(), &[]);
    let description = up.get_job("/openapi.json");

    let mut routes = Vec::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            if operation["tags"][0] == "flink" {
                let statuses: Vec<&String> =
                    operation["responses"].as_object().expect("answers").keys().collect();
                let succeeds = statuses.iter().any(|status| status.starts_with('2'));
                let takes = path.contains('{') || operation.get("requestBody").is_some();
                routes.push((method.to_uppercase(), path.clone(), succeeds, takes));
            }
        }
    }

    assert!(routes.len() > 60, "{} routes", routes.len());
    let scenarios = scenario::all();
    let asked: Vec<(&Step, String)> = scenarios
        .iter()
        .flat_map(|scenario| &scenario.steps)
        .filter(|step| step.only != Some(Whom::Flink))
        .filter_map(|step| Some((step, route_of(step, &routes)?)))
        .collect();

    let is_asked = |method: &str, path: &str, wanted: &dyn Fn(u16) -> bool| {
        asked.iter().any(|(step, route)| step.asks().0 == method && route == path && wanted(step.status))
    };

    let mut forgotten = Vec::new();
    for (method, path, succeeds, takes) in &routes {
        if *succeeds && !is_asked(method, path, &|status| status < 300) {
            forgotten.push(format!("{method} {path}: for what it has"));
        }
        let may_fail = (*takes && !WITHOUT_ERRORS.contains(&path.as_str())) || !succeeds;
        if may_fail && !is_asked(method, path, &|status| status >= 400) {
            forgotten.push(format!("{method} {path}: for what it has not"));
        }
    }
    assert!(forgotten.is_empty(), "no scenario asks\n{}", forgotten.join("\n"));
}

/// Returns the described route that a step calls: the one with the most words in common.
fn route_of(step: &Step, routes: &[(String, String, bool, bool)]) -> Option<String> {
    let (method, path) = step.asks();
    let path = path.strip_prefix("/v1").unwrap_or(path).trim_end_matches('/');
    let asked: Vec<&str> = path.split('/').collect();
    let common = |route: &str| {
        let parts: Vec<&str> = route.split('/').collect();
        let fits = parts.len() == asked.len()
            && parts.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked);
        fits.then(|| parts.iter().filter(|part| !part.starts_with('{')).count())
    };
    let of_method = routes.iter().filter(|(its, ..)| its == method);
    let fitting = of_method.filter_map(|(_, route, ..)| Some((common(route)?, route)));
    fitting.max().map(|(_, route)| route.clone())
}

#[test]
fn what_only_one_of_the_two_answers_has_a_reason() {
    let mut names = Vec::new();
    for scenario in scenario::all() {
        for step in scenario.steps {
            let place = format!("{}: {}", scenario.name, step.name);
            assert_eq!(step.only.is_some(), step.why.is_some(), "{place}");
            names.push(place);
        }
    }
    assert!(names.len() > 150, "{} steps", names.len());
}
