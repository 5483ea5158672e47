//! From the operators of a plan to those that run.

use sql::plan::Settings;
use sql::plan::operator::{Operator as Spec, OperatorKind};

use super::calc::CalcOperator;
use super::chain::Operator;

/// The operator that does what the plan says.
///
/// # Errors
/// A literal argument that a function does not accept, or an operator that does not exist.
pub fn operator(spec: &Spec, settings: &Settings) -> Result<Box<dyn Operator>, String> {
    let (name, time_zone) = (spec.name.clone(), &settings.time_zone);
    match &spec.kind {
        OperatorKind::Calc(calc) => Ok(Box::new(CalcOperator::new(name, calc, time_zone)?)),
        _ => Err(format!("`{name}` is not supported")),
    }
}
