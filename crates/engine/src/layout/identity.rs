//! Identities of a pipeline's state: descriptions that are the same in every compilation, by which a snapshot
//! finds its place in a changed script.

use sql::expr::ExprId;
use sql::plan::{Pipeline, Settings, Window};
use types::DataType;

use super::{Layout, Unit};
use crate::aggregate::domain::DomainSpec;
use crate::aggregate::state::StateSpec;

/// The identities of a layout's domains and units, in its order.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    pub domains: Vec<String>,
    pub units: Vec<UnitIdentity>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitIdentity {
    /// Window, time, conditions and keys.
    pub unit: String,
    /// One per state.
    pub states: Vec<String>,
    /// The names of the queries that read it.
    pub queries: Vec<String>,
}

impl Layout {
    pub(super) fn identify(&mut self, pipeline: &Pipeline, settings: &Settings) {
        let domains = (0..self.domains.len()).map(|domain| self.domain_identity(domain)).collect();
        let time = self.time_identity(pipeline, settings);
        let units = self
            .units
            .iter()
            .map(|unit| UnitIdentity {
                unit: self.unit_identity(unit, &time, pipeline),
                states: unit.table.states.iter().map(|&state| self.state_identity(state)).collect(),
                queries: unit.queries.iter().map(|&query| pipeline.queries[query].name.clone()).collect(),
            })
            .collect();
        self.identities = Identities { domains, units };
    }

    /// Returns the rowtime and, for instants, the time zone on whose clock windows are cut.
    fn time_identity(&self, pipeline: &Pipeline, settings: &Settings) -> String {
        let Some(rowtime) = &pipeline.rowtime else { return String::new() };
        let time = self.graph.digest(rowtime.time);
        match self.graph.column_type(rowtime.time).data_type {
            DataType::TimestampLtz(_) => {
                format!("{time} IN {}", settings.time_zone.iana_name().unwrap_or("a fixed offset"))
            }
            _ => time,
        }
    }

    /// Returns the identity of a unit. Conditions shared by all queries count as each query's own, because
    /// sharing changes with the other queries.
    fn unit_identity(&self, unit: &Unit, time: &str, pipeline: &Pipeline) -> String {
        let conditions = pipeline.common_filter.iter().chain(&unit.row_filter).chain(&unit.key_filter);
        let mut conditions: Vec<String> =
            conditions.map(|&condition: &ExprId| self.graph.digest(condition)).collect();
        conditions.sort_unstable();
        conditions.dedup();
        let keys: Vec<String> = unit.keys.iter().map(|&key| self.domain_identity(key)).collect();
        format!(
            "{} ON {time} WHERE {} BY {}",
            window_identity(unit.window),
            conditions.join(" AND "),
            keys.join(", ")
        )
    }

    fn domain_identity(&self, domain: usize) -> String {
        match self.domains[domain] {
            DomainSpec::Text(expr)
            | DomainSpec::Int(expr)
            | DomainSpec::Double(expr)
            | DomainSpec::Wide(expr)
            | DomainSpec::Bytes(expr)
            | DomainSpec::Bool(expr) => {
                format!("{}: {}", self.graph.digest(expr), self.graph.column_type(expr).data_type)
            }
            DomainSpec::Pair(left, right) => {
                format!("({}, {})", self.domain_identity(left), self.domain_identity(right))
            }
        }
    }

    fn state_identity(&self, state: StateSpec) -> String {
        let arg = |arg: usize| {
            let expr = self.args[arg].expr;
            format!("{}: {}", self.graph.digest(expr), self.graph.column_type(expr).data_type)
        };
        match state {
            StateSpec::CountTrue(of) => format!("COUNT TRUE {}", arg(of)),
            StateSpec::SumInt(of) => format!("SUM INT {}", arg(of)),
            StateSpec::SumDouble(of) => format!("SUM DOUBLE {}", arg(of)),
            StateSpec::SumWide(of) => format!("SUM WIDE {}", arg(of)),
            StateSpec::Pick(of, pick, form) => format!("{} {} {}", pick.name(), form.name(), arg(of)),
            StateSpec::PickText(domain, pick) => {
                format!("{} TEXT {}", pick.name(), self.domain_identity(domain))
            }
            StateSpec::Values(of) => format!("VALUES {}", arg(of)),
            StateSpec::Distinct(domain) => format!("DISTINCT {}", self.domain_identity(domain)),
        }
    }
}

fn window_identity(window: Window) -> String {
    match window {
        Window::Tumble { size, offset } => format!("TUMBLE({} ms, offset {})", size.0, offset.0),
        Window::Hop { size, slide, offset } => {
            format!("HOP({} ms every {}, offset {})", size.0, slide.0, offset.0)
        }
        Window::Cumulate { size, step, offset } => {
            format!("CUMULATE({} ms by {}, offset {})", size.0, step.0, offset.0)
        }
    }
}
