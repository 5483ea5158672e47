//! A script of the user: reads it, fills its variables, compiles it, and shows its errors with their places.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, Read as _, stderr, stdin};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use sql::error::Diagnostic;
use sql::plan::Plan;

use super::Failure;
use super::terminal::complain;

/// Which script, and what its variables stand for.
#[derive(Debug, Args)]
pub(super) struct ScriptArgs {
    /// Script file; `-` is stdin
    #[arg(value_name = "JOB.sql")]
    path: PathBuf,
    #[command(flatten)]
    variables: VariableArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct VariableArgs {
    /// Value of `${NAME}` in the script; other names are looked up in the environment
    #[arg(long = "variable", short = 'D', value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

/// A script, and the name under which it is shown: the path of its file.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl ScriptArgs {
    pub(super) fn read(&self) -> Result<Script, Failure> {
        Script::read(&self.path)
    }

    /// Returns the variables given by flags.
    pub(super) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.all()
    }

    /// Returns a variable's value, by flag or from the environment.
    pub(super) fn lookup(&self, name: &str) -> Option<String> {
        self.variables.given(name).or_else(|| std::env::var(name).ok())
    }
}

impl VariableArgs {
    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value of a variable's flag; the last one wins.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        self.variables.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }
}

impl Script {
    pub(super) fn read(path: &Path) -> Result<Script, Failure> {
        let (name, bytes) = if path == Path::new("-") {
            let mut bytes = vec![];
            let read = stdin().read_to_end(&mut bytes);
            ("stdin".to_owned(), read.map(|_| bytes).context("reading the script from stdin"))
        } else {
            let name = path.display().to_string();
            let bytes = std::fs::read(path).with_context(|| format!("reading {name}"));
            (name, bytes)
        };
        let text = bytes.and_then(|bytes| sql::decode(bytes).with_context(|| format!("reading {name}")));
        Ok(Script { text: text.map_err(Failure::failed)?, name })
    }

    /// Returns the name of the script's job where the script sets none: the name of its file, without the
    /// path.
    pub(crate) fn job_name(&self) -> &str {
        let file = Path::new(&self.name).file_name().and_then(OsStr::to_str);
        file.unwrap_or(&self.name)
    }

    /// Returns the name of each script's job. The path is part of the name where two files share a name, or
    /// where a recorded job of an earlier version has it.
    pub(crate) fn job_names<'a>(scripts: &'a [Script], recorded: &[String]) -> Vec<&'a str> {
        let name = |script: &'a Script| {
            let namesakes = scripts.iter().filter(|of| of.job_name() == script.job_name()).count();
            let keeps_path = namesakes > 1 || recorded.contains(&script.name);
            if keeps_path { script.name.as_str() } else { script.job_name() }
        };
        scripts.iter().map(name).collect()
    }

    /// Compiles the script and prints findings to stderr. `None` means that there are errors.
    pub(super) fn compile(&self, variables: &dyn Fn(&str) -> Option<String>) -> Option<Plan> {
        let (plan, findings) = self.check(variables);
        self.show(&findings);
        plan
    }

    /// As [`Script::compile`], for a run over files, which may look up tables that a job cannot.
    pub(super) fn compile_local(&self, variables: &dyn Fn(&str) -> Option<String>) -> Option<Plan> {
        match sql::compile(&self.text, variables) {
            Ok(plan) => {
                let wrong_options = connectors::check_local(&plan);
                self.show(&[plan.notices.as_slice(), &wrong_options].concat());
                wrong_options.is_empty().then_some(plan)
            }
            Err(diagnostics) => {
                self.show(&diagnostics);
                None
            }
        }
    }

    /// Returns the plan, if there are no errors, and all findings.
    pub(super) fn check(
        &self,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> (Option<Plan>, Vec<Diagnostic>) {
        match sql::compile(&self.text, variables) {
            Ok(plan) => {
                let wrong_options = connectors::check(&plan);
                let findings = [plan.notices.as_slice(), &wrong_options].concat();
                (wrong_options.is_empty().then_some(plan), findings)
            }
            Err(diagnostics) => (None, diagnostics),
        }
    }

    /// Draws findings at their places in the script.
    pub(crate) fn show(&self, diagnostics: &[Diagnostic]) {
        if !diagnostics.is_empty() {
            let drawn = sql::error::render(diagnostics, &self.text, &self.name, stderr().is_terminal());
            complain(drawn.trim_end());
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_called_like_its_file() {
        let script = |name: &str| Script { name: name.to_owned(), text: String::new() };
        let scripts = ["jobs/a.sql", "/srv/b.sql", "other/b.sql", "old/c.sql", "stdin", ".."].map(script);
        let names = Script::job_names(&scripts, &["old/c.sql".to_owned(), "a.sql".to_owned()]);
        assert_eq!(names, ["a.sql", "/srv/b.sql", "other/b.sql", "old/c.sql", "stdin", ".."]);
    }
}
