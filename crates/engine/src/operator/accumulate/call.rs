//! A call as an operator needs it row by row: where its arguments are, and which form its state has.

use sql::plan::operator::{Call, Function};
use types::{DataType, Repr, Scalar};

use super::Retraction;

/// A call, ready to aggregate.
#[derive(Debug)]
pub(super) struct CallSpec {
    pub function: Function,
    pub args: Vec<usize>,
    pub filter: Option<usize>,
    /// Whether a row counts whose first argument is null.
    pub takes_null: bool,
    /// The type of the first argument.
    pub arg: DataType,
    pub result: DataType,
    pub form: Form,
}

/// Which state a call keeps; see the file of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Count,
    Whole,
    Pick,
}

impl CallSpec {
    pub fn new(call: &Call, retraction: Retraction) -> Result<CallSpec, String> {
        let arg = call.arg_types.first().map_or(DataType::Null, |arg| arg.data_type.clone());
        let form =
            form(call, &arg, retraction).ok_or_else(|| format!("`{}` is not computed here", call.name))?;
        let takes_null = match &call.function {
            Function::ArrayAgg | Function::SingleValue => true,
            Function::JsonArrayAgg { absent_on_null } => !absent_on_null,
            _ => false,
        };
        Ok(CallSpec {
            function: call.function.clone(),
            args: call.args.clone(),
            filter: call.filter,
            takes_null,
            arg,
            result: call.column_type.data_type.clone(),
            form,
        })
    }

    /// Whether a row counts.
    #[inline]
    pub fn counts<'v>(&self, field: impl Fn(usize) -> Scalar<'v>) -> bool {
        if self.filter.is_some_and(|filter| field(filter) != Scalar::Bool(true)) {
            return false;
        }
        match self.args.first() {
            Some(&arg) => self.takes_null || !field(arg).is_null(),
            None => true,
        }
    }

    /// Hands on the arguments of a row.
    #[inline]
    pub fn with_args<'v, T>(
        &self,
        field: impl Fn(usize) -> Scalar<'v>,
        take: impl FnOnce(&[Scalar<'v>]) -> T,
    ) -> T {
        match *self.args.as_slice() {
            [] => take(&[]),
            [only] => take(&[field(only)]),
            [first, second, ..] => take(&[field(first), field(second)]),
        }
    }
}

fn form(call: &Call, arg: &DataType, retraction: Retraction) -> Option<Form> {
    let form = match &call.function {
        Function::Count => Form::Count,
        Function::Sum | Function::Avg => match arg.repr()? {
            Repr::Int => Form::Whole,
            _ => return None,
        },
        Function::Min | Function::Max | Function::FirstValue | Function::LastValue => match retraction {
            Retraction::Never => Form::Pick,
            Retraction::Possible => return None,
        },
        _ => return None,
    };
    if call.distinct { None } else { Some(form) }
}
