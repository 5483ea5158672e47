//! Kernels: typed loops for the functions that every event passes. Each agrees with the registry's code for
//! one row.
//!
//! A kernel supports some forms of its arguments and declines others. Declined work, and all functions
//! without a kernel, go row by row through the registry's code.

pub(crate) mod case;
pub(crate) mod compare;
pub(crate) mod contains;
mod decimals;
pub(crate) mod logic;
mod numbers;
mod of_text;
mod of_time;
mod text;
mod time;

use jiff::tz::TimeZone;
use sql::functions::decimals::{Product, Rescale, Sum};
use sql::functions::of_text::{TextCode, text_code};
use sql::functions::of_time::{TimeCode, TimeResult, time_code};
use sql::functions::{self, Argument, Env, EvalError, Output};
use types::{ColumnType, DataType, Repr, Scalar, Value};

use self::numbers::{Arithmetic, Width};
pub(crate) use self::time::TimeMemory;
use super::program::{Call, StepId};
use super::scalar::FEW_ARGS;
use super::slots::{Operands, Slot};
use super::strategy::Effort;
use super::vector::Vector;
use crate::column::Column;
use crate::selection::Selection;

/// A vectorised function.
pub(crate) enum Kernel {
    CharLength,
    Left,
    Right,
    Substring,
    OffsetOf,
    StripOffset,
    Parse(Box<TimeZone>),
    ParseLtz(Box<TimeZone>),
    AtZone,
    Ints(Arithmetic, Width),
    Doubles(Arithmetic),
    ToDouble,
    Narrow(Width),
    /// The remainder by a number that is not zero.
    Remainder(Width),
    Product(Product),
    Sum(Sum),
    Rescale(Rescale),
    /// A function of one text and literals.
    OfText(TextCode),
    /// A function of one time and literals.
    OfTime(TimeCode),
    Concat,
}

/// One call of a kernel: its operands, arguments and rows.
#[derive(Clone, Copy)]
pub(crate) struct KernelCall<'a> {
    pub(crate) operands: Operands<'a>,
    pub(crate) args: &'a [StepId],
    pub(crate) rows: Selection<'a>,
}

impl<'a> KernelCall<'a> {
    #[inline]
    pub(crate) fn arg(&self, place: usize) -> Vector<'a> {
        self.operands.vector(self.args[place])
    }
}

impl Kernel {
    /// Returns the kernel of a function of the registry, if it has one for arguments of these types.
    pub(crate) fn of_function(
        name: &str,
        args: &[Argument<'_>],
        result: &ColumnType,
        time_zone: &TimeZone,
    ) -> Option<Kernel> {
        let zone = || Box::new(time_zone.clone());
        match name {
            "CHAR_LENGTH" => Some(Kernel::CharLength),
            "LEFT" => Some(Kernel::Left),
            "RIGHT" => Some(Kernel::Right),
            "SUBSTRING" => Some(Kernel::Substring),
            "$OFFSET_OF" => Some(Kernel::OffsetOf),
            "$STRIP_OFFSET" => Some(Kernel::StripOffset),
            "$PARSE_TIMESTAMP" => Some(Kernel::Parse(zone())),
            "$PARSE_TIMESTAMP_LTZ" => Some(Kernel::ParseLtz(zone())),
            "$AT_ZONE" => Some(Kernel::AtZone),
            "+" => arithmetic(Arithmetic::Add, args, &result.data_type),
            "-" => arithmetic(Arithmetic::Subtract, args, &result.data_type),
            "*" => arithmetic(Arithmetic::Multiply, args, &result.data_type),
            "%" => remainder(args, &result.data_type),
            "CONCAT" => Some(Kernel::Concat),
            _ => {
                let call = functions::ScalarCall { args, result, time_zone };
                text_code(name, &call)
                    .map(Kernel::OfText)
                    .or_else(|| time_code(name, &call).map(Kernel::OfTime))
            }
        }
    }

    /// Returns the kernel of a conversion, if it has one.
    pub(crate) fn of_cast(from: &DataType, to: &DataType) -> Option<Kernel> {
        if let Some(rescale) = Rescale::new(from, to) {
            return Some(Kernel::Rescale(rescale));
        }
        match (width(from), to) {
            (Some(_), DataType::Double) => Some(Kernel::ToDouble),
            (Some(_), to) => width(to).map(Kernel::Narrow),
            (None, _) => None,
        }
    }

    /// Returns whether a conversion leaves every value unchanged.
    pub(crate) fn cast_is_free(from: &DataType, to: &DataType) -> bool {
        match (width(from), width(to)) {
            (Some(from), Some(to)) => from as u8 <= to as u8,
            _ => from == to || widens(from, to),
        }
    }

    pub(crate) fn effort(&self) -> Effort {
        match self {
            Kernel::Parse(_) | Kernel::ParseLtz(_) | Kernel::AtZone | Kernel::OfText(_) => Effort::Harmless,
            // These may fall back to the registry's code, which can fail.
            Kernel::Concat => Effort::Fallible,
            Kernel::OfTime(TimeCode { gives: TimeResult::Text(_), .. }) => Effort::Fallible,
            _ => Effort::Negligible,
        }
    }

    /// Returns the memory to keep between calls of the kernel.
    pub(crate) fn memory(&self) -> Option<TimeMemory> {
        match self {
            Kernel::Parse(zone) | Kernel::ParseLtz(zone) => Some(TimeMemory::new(zone)),
            _ => None,
        }
    }

    /// Computes `work.rows` of a step. Returns false if an argument has an unsupported form; the output may
    /// hold anything then.
    pub(crate) fn run(
        &self,
        work: KernelCall<'_>,
        memory: &mut Option<TimeMemory>,
        target: &mut Slot,
    ) -> bool {
        match (self, memory) {
            (Kernel::CharLength, _) => text::char_length(work, target),
            (Kernel::Left, _) => text::left(work, target),
            (Kernel::Right, _) => text::right(work, target),
            (Kernel::Substring, _) => text::substring(work, target),
            (Kernel::OffsetOf, _) => text::offset_of(work, target),
            (Kernel::StripOffset, _) => text::strip_offset(work, target),
            (Kernel::Parse(_), Some(memory)) => time::parse(work, memory, target),
            (Kernel::ParseLtz(_), Some(memory)) => time::parse_ltz(work, memory, target),
            (Kernel::Parse(_) | Kernel::ParseLtz(_), None) => false,
            (Kernel::AtZone, _) => time::at_zone(work, target),
            (Kernel::Ints(arithmetic, width), _) => numbers::ints(*arithmetic, *width, work, target),
            (Kernel::Doubles(arithmetic), _) => numbers::doubles(*arithmetic, work, target),
            (Kernel::ToDouble, _) => numbers::to_double(work, target),
            (Kernel::Narrow(width), _) => numbers::narrow(*width, work, target),
            (Kernel::Remainder(width), _) => numbers::remainder(*width, work, target),
            (Kernel::Product(product), _) => decimals::multiply(product, work, target),
            (Kernel::Sum(sum), _) => decimals::add(sum, work, target),
            (Kernel::Rescale(rescale), _) => decimals::rescale(rescale, work, target),
            (Kernel::OfText(TextCode::Part(code)), _) => of_text::part(code, work, target),
            (Kernel::OfText(TextCode::Truth(code)), _) => of_text::truth(code, work, target),
            (Kernel::OfText(TextCode::Write(code)), _) => of_text::write(code, work, target),
            (Kernel::OfTime(code), _) => of_time::of_time(code, work, target),
            (Kernel::Concat, _) => of_text::concat(work, target),
        }
    }
}

/// The most bytes of texts or binary values that one expression may compute in a batch. Each value has its
/// own bound; this bounds thousands of values, which are all held until the batch is done.
const MAX_BATCH_BYTES: usize = 256 << 20;

/// Checks the size of a result.
///
/// # Errors
/// The texts or binary values of a column are too long in total.
fn check_size(column: &Column) -> Result<(), EvalError> {
    match column {
        Column::Text(texts) | Column::Bytes(texts) if texts.data.len() > MAX_BATCH_BYTES => {
            const MIB: usize = MAX_BATCH_BYTES >> 20;
            Err(EvalError(format!(
                "the values of one expression take more than {MIB} MiB in a batch of rows"
            )))
        }
        _ => Ok(()),
    }
}

/// Computes any function row by row, with the registry's code.
pub(crate) fn by_row(
    call: &Call,
    work: KernelCall<'_>,
    env: &Env,
    output: &mut Output,
    target: &mut Slot,
) -> Result<(), EvalError> {
    target.own(work.operands);
    let mut vectors = [Vector::Const(Scalar::Null); FEW_ARGS];
    for (place, vector) in vectors.iter_mut().enumerate().take(work.args.len()) {
        *vector = work.arg(place);
    }
    let arg = |place: usize| vectors.get(place).copied().unwrap_or_else(|| work.arg(place));
    work.rows.try_each(|row| {
        call.run(env, |place| arg(place).get(row), output)?;
        target.column.set(row, output.get());
        check_size(&target.column)
    })
}

fn arithmetic(arithmetic: Arithmetic, args: &[Argument<'_>], result: &DataType) -> Option<Kernel> {
    let [a, b] = args else { return None };
    let (a, b) = (&a.column_type.data_type, &b.column_type.data_type);

    if let (Some(_), Some(_), Some(width)) = (width(a), width(b), width(result)) {
        return Some(Kernel::Ints(arithmetic, width));
    }

    if let DataType::Decimal { .. } = a {
        return match arithmetic {
            Arithmetic::Multiply => Product::new(a, b, result).map(Kernel::Product),
            Arithmetic::Add => Sum::new(a, b, result, false).map(Kernel::Sum),
            Arithmetic::Subtract => Sum::new(a, b, result, true).map(Kernel::Sum),
        };
    }

    if let (DataType::Double, DataType::Double, DataType::Double) = (a, b, result) {
        return Some(Kernel::Doubles(arithmetic));
    }

    let is_time = |t: &DataType| t.is_timestamp() && t.repr() == Some(Repr::Int);
    let is_shift = match arithmetic {
        Arithmetic::Add => {
            is_time(a) && *b == DataType::IntervalDayTime || *a == DataType::IntervalDayTime && is_time(b)
        }
        Arithmetic::Subtract => is_time(a) && *b == DataType::IntervalDayTime,
        Arithmetic::Multiply => false,
    };

    (is_shift && is_time(result)).then_some(Kernel::Ints(arithmetic, Width::Long))
}

/// Returns the kernel of the remainder by a literal. Another divisor may be zero.
fn remainder(args: &[Argument<'_>], result: &DataType) -> Option<Kernel> {
    let [a, b] = args else { return None };
    width(&a.column_type.data_type)?;
    let is_safe = matches!(b.literal, Some(Value::Int(divisor)) if *divisor != 0);
    width(result).filter(|_| is_safe).map(Kernel::Remainder)
}

/// Returns whether every value of a decimal type is the same number in another.
fn widens(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Decimal { precision: from, scale }, DataType::Decimal { precision: to, scale: same }) => {
            scale == same && from <= to
        }
        _ => false,
    }
}

fn width(data_type: &DataType) -> Option<Width> {
    match data_type {
        DataType::TinyInt => Some(Width::Byte),
        DataType::SmallInt => Some(Width::Short),
        DataType::Int => Some(Width::Int),
        DataType::BigInt => Some(Width::Long),
        _ => None,
    }
}
