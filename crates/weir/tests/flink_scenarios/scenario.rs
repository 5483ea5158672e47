//! Scenario files in TOML, in `tests/scenarios`: requests to a job manager, and conditions on its answers.
//!
//! A file is a story: its steps run in order, and later steps use values that earlier ones kept, in braces.
//! `{none}` is an id that no object has, `{directory}` a directory for savepoints, and each name in `jobs`
//! the id of a job that runs from the start.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of the file.
    #[serde(skip)]
    pub name: String,
    /// Jobs that run before the first step, each a variable.
    #[serde(default)]
    pub jobs: Vec<String>,
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The claim that the step checks.
    pub name: String,
    /// Method, path and query: `GET /jobs/{job}`.
    pub ask: String,
    /// A JSON body.
    pub body: Option<Value>,
    /// A body that is not JSON, or has a null.
    pub text: Option<String>,
    pub status: u16,
    /// Repeats the request until all conditions hold, since operations take time, and Flink's views of jobs
    /// lag by some seconds.
    #[serde(default)]
    pub until: bool,
    /// Headers with their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Paths with their exact values.
    #[serde(default)]
    pub is: BTreeMap<String, Value>,
    /// Paths with their permitted values.
    #[serde(default)]
    pub any: BTreeMap<String, Vec<Value>>,
    /// Kinds (see `matching`), with the paths whose values have the kind.
    #[serde(default)]
    pub has: BTreeMap<String, Vec<String>>,
    /// Paths with regular expressions for their texts.
    #[serde(default)]
    pub matches: BTreeMap<String, String>,
    /// Paths that must not exist.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Variables, with the paths of their values.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// The only one of the two that answers so, with the reason in `why`.
    pub only: Option<Whom>,
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whom {
    Weir,
    Flink,
}

/// Reads all files, ordered by name.
pub fn all() -> Vec<Scenario> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = std::fs::read_dir(directory).expect("the scenarios' directory").flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("a file that can be read");
    let scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    Scenario { name, ..scenario }
}

impl Step {
    /// Returns the method, and the path without its query.
    pub fn asks(&self) -> (&str, &str) {
        let (method, target) = self.ask.split_once(' ').expect("a method and a path");
        (method, target.split('?').next().unwrap_or_default())
    }
}

/// Replaces `{names}` in a text by their values. Braces around anything else stay, because JSON needs them.
///
/// # Errors
///
/// Fails for a name without a value.
pub fn filled(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, behind))
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) =>
            {
                filled.push_str(variables.get(name).ok_or_else(|| format!("no step has kept {{{name}}}"))?);
                rest = behind;
            }
            _ => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Does the same as [`filled`] for all texts in a value.
///
/// # Errors
///
/// Fails for a name without a value.
pub fn filled_in(value: &Value, variables: &BTreeMap<String, String>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(filled(text, variables)?),
        Value::Array(values) => {
            values.iter().map(|value| filled_in(value, variables)).collect::<Result<_, _>>()?
        }
        Value::Object(fields) => {
            let filled = |(name, value): (&String, &Value)| Ok((name.clone(), filled_in(value, variables)?));
            fields.iter().map(filled).collect::<Result<_, String>>()?
        }
        other => other.clone(),
    })
}

#[test]
fn names_in_braces_are_filled_in_and_other_braces_stay() {
    let variables = BTreeMap::from([("job".to_owned(), "ab".to_owned())]);
    let fill = |text| filled(text, &variables);
    assert_eq!(fill("/jobs/{job}/x/{job}"), Ok("/jobs/ab/x/ab".to_owned()));
    assert_eq!(fill(r#"{"a": "{job}", "b": {}}"#), Ok(r#"{"a": "ab", "b": {}}"#.to_owned()));
    assert_eq!(fill("/jobs/{nobody}"), Err("no step has kept {nobody}".to_owned()));
    let body = serde_json::json!({"a": ["{job}", 1]});
    assert_eq!(filled_in(&body, &variables), Ok(serde_json::json!({"a": ["ab", 1]})));
}
