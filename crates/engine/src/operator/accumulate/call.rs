//! An aggregate call prepared for row-by-row use: the fields of its arguments, and the form of its state.

use std::fmt;

use jiff::tz::TimeZone;
use sql::expr::CastMode;
use sql::functions::{Code, Env, Output, cast};
use sql::plan::operator::{AggregateCall, Function};
use types::{DataType, Repr, Scalar};

use super::{Retraction, Variance};
use crate::row;

/// An aggregate call, ready to aggregate.
#[derive(Debug)]
pub(super) struct CallSpec {
    pub function: Function,
    pub args: Vec<usize>,
    pub distinct: bool,
    pub filter: Option<usize>,
    /// Whether a row counts whose first argument is null.
    pub takes_null: bool,
    /// The type of the first argument.
    pub arg: DataType,
    pub result: DataType,
    pub form: AccumulatorKind,
    /// Whether the call shares its set of seen values with other calls.
    pub shares_values: bool,
    /// The cast from `DOUBLE` to the result type, if that is another type.
    from_double: Option<FromDouble>,
}

struct FromDouble(Code);

impl fmt::Debug for FromDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromDouble")
    }
}

/// The kind of state that a call keeps; each has its own file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccumulatorKind {
    Count,
    Whole,
    Pick,
    Double,
    Decimal,
    Extreme,
    Percentile,
    Sequence,
    Joined,
    JsonObject,
    Welford,
    Squares,
    Collect,
    Single,
}

impl CallSpec {
    pub fn new(call: &AggregateCall, retraction: Retraction, variance: Variance) -> Result<CallSpec, String> {
        let arg = call.arg_types.first().map_or(DataType::Null, |arg| arg.data_type.clone());
        let result = call.column_type.data_type.clone();
        let form = form(call, &arg, retraction, variance)
            .ok_or_else(|| format!("`{}` cannot be aggregated", call.name))?;

        let takes_null = match &call.function {
            Function::ArrayAgg | Function::SingleValue => true,
            Function::JsonArrayAgg { absent_on_null } => !absent_on_null,
            _ => false,
        };

        let from_double = match form {
            AccumulatorKind::Welford | AccumulatorKind::Squares if result != DataType::Double => {
                let code = cast::prepare(&DataType::Double, &result, CastMode::Try, &TimeZone::UTC)?;
                Some(FromDouble(code))
            }
            _ => None,
        };

        let function = call.function.clone();
        let args = call.args.clone();
        let (distinct, filter) = (call.distinct, call.filter);

        Ok(CallSpec {
            function,
            args,
            distinct,
            filter,
            takes_null,
            arg,
            result,
            form,
            shares_values: false,
            from_double,
        })
    }

    /// Returns whether the call may share its set of seen values with other calls: it has one argument, and
    /// its result does not depend on the order of values.
    pub fn may_share(&self) -> bool {
        self.distinct
            && self.args.len() == 1
            && !self.takes_null
            && matches!(self.form, AccumulatorKind::Count | AccumulatorKind::Whole | AccumulatorKind::Pick)
    }

    /// Returns whether a row counts for the call.
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

    /// Calls `take` with the arguments of a row.
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

    /// Appends a result that was computed as a double, cast to the result type.
    pub fn write_double(&self, value: f64, out: &mut Vec<u8>) {
        let Some(FromDouble(code)) = &self.from_double else {
            return row::write(Scalar::Double(value), out);
        };
        let mut converted = Output::default();
        match code(&Env { now_ms: 0 }, &[Scalar::Double(value)], &mut converted) {
            Ok(()) => row::write(converted.get(), out),
            Err(_) => row::write(Scalar::Null, out),
        }
    }
}

fn form(
    call: &AggregateCall,
    arg: &DataType,
    retraction: Retraction,
    variance: Variance,
) -> Option<AccumulatorKind> {
    let keeps_order = retraction == Retraction::Possible || call.distinct;

    Some(match &call.function {
        Function::Count => AccumulatorKind::Count,
        Function::Sum | Function::Avg | Function::AvgOfSum => match arg.repr()? {
            Repr::Int => AccumulatorKind::Whole,
            Repr::Double => AccumulatorKind::Double,
            Repr::Wide => AccumulatorKind::Decimal,
            Repr::Bool | Repr::Text | Repr::Bytes => return None,
        },

        Function::Min | Function::Max => match retraction {
            Retraction::Never => AccumulatorKind::Pick,
            Retraction::Possible => AccumulatorKind::Extreme,
        },
        Function::FirstValue | Function::LastValue => {
            if keeps_order {
                AccumulatorKind::Sequence
            } else {
                AccumulatorKind::Pick
            }
        }
        Function::ListAgg { .. } => {
            if keeps_order {
                AccumulatorKind::Sequence
            } else {
                AccumulatorKind::Joined
            }
        }

        Function::StddevPop | Function::StddevSamp | Function::VarPop | Function::VarSamp => {
            match (arg.is_numeric(), variance) {
                (false, _) => return None,
                (true, Variance::Running) => AccumulatorKind::Welford,
                (true, Variance::Sums) => AccumulatorKind::Squares,
            }
        }

        Function::Collect => AccumulatorKind::Collect,
        Function::ArrayAgg => AccumulatorKind::Sequence,
        // Texts are JSON already. A value of another type could not be told from a text.
        Function::JsonArrayAgg { .. } if arg.is_text() => AccumulatorKind::Sequence,
        Function::JsonObjectAgg { .. }
            if arg.is_text() && call.arg_types.get(1).is_some_and(|value| value.data_type.is_text()) =>
        {
            AccumulatorKind::JsonObject
        }
        Function::Percentile { .. } if arg.is_numeric() => AccumulatorKind::Percentile,
        Function::SingleValue => AccumulatorKind::Single,

        Function::JsonArrayAgg { .. }
        | Function::JsonObjectAgg { .. }
        | Function::Percentile { .. }
        | Function::Lag { .. }
        | Function::RowNumber
        | Function::Rank
        | Function::DenseRank => return None,
    })
}
