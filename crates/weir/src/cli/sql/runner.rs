//! Runs scripts: sends statements to the gateway and executes `\` lines here, one after the other until one
//! fails.

use std::path::Path;
use std::sync::Arc;

use types::Clock;

use super::complaint::{Place, unreachable};
use super::connection::{Connection, Standing};
use super::execution::{Ended, Trouble, execute};
use super::meta::{self, Meta};
use super::output::{Format, Layout, Look};
use super::signals::Signals;
use super::split::{Piece, split};
use crate::cli::gateway::Problem;
use crate::cli::terminal::{complain, print};
use crate::cli::{Failure, Script};

/// Maximum depth of files that include files.
const DEPTH_MAX: usize = 16;

/// The user of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// A person, who also wants to see what succeeded.
    Person,
    Program,
}

/// Whether to go on after a piece of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    /// The piece failed, which has been reported.
    Failed,
    /// A signal stopped the piece.
    Stopped,
    Quit,
}

pub(super) struct Runner {
    pub(super) connection: Connection,
    pub(super) look: Look,
    pub(super) signals: Signals,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audience: Audience,
    pub(super) is_timing: bool,
}

impl Runner {
    /// Runs a script to its end or to the first piece that fails.
    pub(super) fn run(&mut self, script: &Script) -> Result<Flow, Failure> {
        self.run_within(script, 0)
    }

    fn run_within(&mut self, script: &Script, depth: usize) -> Result<Flow, Failure> {
        let pieces = split(&script.text);
        let all: Vec<Piece> = pieces.whole.into_iter().chain(pieces.rest.map(Piece::Statement)).collect();
        let count = all.len();

        for (at, piece) in all.into_iter().enumerate() {
            let (flow, place) = match piece {
                Piece::Statement(statement) => {
                    let place = Place { name: &script.name, script: &script.text, statement };
                    (self.statement(&place)?, place)
                }
                Piece::Meta(line) => {
                    let place = Place { name: &script.name, script: &script.text, statement: line };
                    (self.meta(place.text(), depth)?, place)
                }
            };
            if flow == Flow::On {
                continue;
            }
            self.say_what_was_not_run(flow, &place, (at + 1, count));
            let is_over = at + 1 == count;
            // Ctrl-C is the way to end a stream; it is a failure only where more was to come.
            let was_cut_off = flow == Flow::Stopped && !is_over && self.audience == Audience::Program;
            return Ok(if was_cut_off { Flow::Failed } else { flow });
        }

        Ok(Flow::On)
    }

    fn say_what_was_not_run(&self, flow: Flow, place: &Place<'_>, (number, count): (usize, usize)) {
        let left = match count - number {
            0 => String::new(),
            1 => "; the next one was not run".to_owned(),
            more => format!("; the next {more} were not run"),
        };
        match flow {
            // For a single statement, the drawing is enough.
            Flow::Failed if count > 1 => {
                complain(&format!("{}: statement {number} of {count} failed{left}", place.line()));
            }
            Flow::Stopped if !left.is_empty() => {
                complain(&format!("{}: statement {number} of {count} was stopped{left}", place.line()));
            }
            Flow::On | Flow::Failed | Flow::Stopped | Flow::Quit => {}
        }
    }

    fn statement(&mut self, place: &Place<'_>) -> Result<Flow, Failure> {
        let began = self.clock.elapsed();
        let ended = execute(self.connection.session(), place.text(), &self.look, &self.signals);

        if self.is_timing {
            let lasted = self.clock.elapsed().saturating_sub(began);
            complain(&format!("time: {:.1} ms", lasted.as_secs_f64() * 1e3));
        }

        match ended {
            Ok(ended) => self.tell(&ended),
            Err(Trouble::Output(failure)) if self.audience == Audience::Program => Err(failure),
            Err(Trouble::Output(failure)) => {
                complain(&format!("error: {failure}"));
                Ok(Flow::Failed)
            }
            Err(Trouble::Execution(Problem::Refused(refusal))) => {
                place.show(&refusal);
                Ok(Flow::Failed)
            }
            // The gateway does not know either the statement or the session.
            Err(Trouble::Submission(Problem::Refused(refusal))) => match self.connection.mend() {
                Ok(Standing::Same) => {
                    place.show(&refusal);
                    Ok(Flow::Failed)
                }
                Ok(Standing::Anew) => {
                    complain("error: the gateway has closed the session, and the statement was not run");
                    tell_anew();
                    Ok(Flow::Failed)
                }
                Err(problem) => self.lost(problem),
            },
            Err(Trouble::Submission(problem) | Trouble::Execution(problem)) => self.lost(problem),
        }
    }

    /// Reports that the gateway could not be reached.
    fn lost(&mut self, problem: Problem) -> Result<Flow, Failure> {
        let failure = match problem {
            Problem::Unreachable(error) => unreachable(error),
            Problem::Refused(refusal) => {
                let messages: Vec<&str> = refusal.findings.iter().map(|of| of.message.as_str()).collect();
                Failure::failed(anyhow::anyhow!(
                    "the gateway refuses to open a session: {}",
                    messages.join("; ")
                ))
            }
        };
        if self.audience == Audience::Program {
            return Err(failure);
        }
        complain(&format!("error: {failure}"));
        // The gateway may be back already, as after a restart.
        if let Ok(Standing::Anew) = self.connection.mend() {
            tell_anew();
        }
        Ok(Flow::Failed)
    }

    fn tell(&self, ended: &Ended) -> Result<Flow, Failure> {
        match (ended, self.audience) {
            (Ended::Done, Audience::Person) => print("done")?,
            (Ended::Submitted(job), _) => print(&format!("job {job} is submitted"))?,
            (Ended::Stopped, Audience::Person) => {
                complain("stopped");
                return Ok(Flow::Stopped);
            }
            (Ended::Stopped, Audience::Program) => return Ok(Flow::Stopped),
            (Ended::Done, Audience::Program) | (Ended::Shown, _) => {}
        }
        Ok(Flow::On)
    }

    fn meta(&mut self, line: &str, depth: usize) -> Result<Flow, Failure> {
        match meta::parse(line) {
            Err(reason) => {
                complain(&format!("error: {reason}"));
                return Ok(Flow::Failed);
            }
            Ok(Meta::Help) => print(&meta::help())?,
            Ok(Meta::Quit) => return Ok(Flow::Quit),
            Ok(Meta::Expanded) => {
                let (layout, told) = match self.look.layout {
                    Layout::Flat => (Layout::Expanded, "each value is shown on its own line"),
                    Layout::Expanded => (Layout::Flat, "each row is shown on one line"),
                };
                self.look.layout = layout;
                self.remark(told);
            }
            Ok(Meta::Format(format)) => {
                self.look.format = format;
                let name = match format {
                    Format::Table => "tables",
                    Format::Csv => "CSV",
                    Format::Json => "JSON lines",
                };
                self.remark(&format!("results are written as {name}"));
            }
            Ok(Meta::Timing) => {
                self.is_timing = !self.is_timing;
                self.remark(if self.is_timing { "timing is on" } else { "timing is off" });
            }
            Ok(Meta::Jobs) => return self.asked("SHOW JOBS"),
            Ok(Meta::Describe(None)) => return self.asked("SHOW TABLES"),
            Ok(Meta::Describe(Some(table))) => return self.asked(&format!("DESCRIBE {table}")),
            Ok(Meta::Include(path)) => return self.include(Path::new(&path), depth + 1),
        }

        Ok(Flow::On)
    }

    /// Runs the statement behind a `\` line.
    fn asked(&mut self, statement: &str) -> Result<Flow, Failure> {
        self.statement(&Place { name: "statement", script: statement, statement: 0..statement.len() })
    }

    fn include(&mut self, path: &Path, depth: usize) -> Result<Flow, Failure> {
        if depth > DEPTH_MAX {
            complain(&format!("error: {} includes itself", path.display()));
            return Ok(Flow::Failed);
        }
        match Script::read(path) {
            Ok(script) => self.run_within(&script, depth),
            Err(failure) => {
                complain(&format!("error: {failure}"));
                Ok(Flow::Failed)
            }
        }
    }

    fn remark(&self, told: &str) {
        if self.audience == Audience::Person {
            complain(told);
        }
    }
}

fn tell_anew() {
    complain("a new session is open: tables, views and settings of the old session are gone");
}
