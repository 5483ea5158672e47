//! Functions on doubles, and on integers.

use types::{DataType, Scalar};

use super::arithmetic::wrap;
use super::exact;
use super::signature::{ArgumentKind, data_type, double, function, int, simple, typed};
use super::{Argument, Code, ScalarCall, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function("ABS", "ABS(x): magnitude; ABS(-2.5) = 2.5", same_type, abs),
    function("SQRT", "SQRT(x): square root; SQRT(9) = 3.0, SQRT(-1) = NaN", one, |_| unary(f64::sqrt)),
    function("EXP", "EXP(x): e to the power of x; EXP(0) = 1.0", one, |_| unary(f64::exp)),
    function("LN", "LN(x): natural logarithm; LN(E()) = 1.0", one, |_| unary(f64::ln)),
    function("LOG10", "LOG10(x): logarithm to the base 10; LOG10(100) = 2.0", one, |_| unary(exact::log10)),
    function("LOG2", "LOG2(x): logarithm to the base 2; LOG2(8) = 3.0", one, |_| {
        unary(|x| x.ln() / 2f64.ln())
    }),
    function(
        "LOG",
        "LOG([base, ]x): logarithm, natural without a base; LOG(2, 8) = 3.0",
        one_or_two,
        |call| match call.args.len() {
            1 => unary(f64::ln),
            _ => binary(|base, x| x.ln() / base.ln()),
        },
    ),
    ScalarFunction {
        aliases: &["POW"],
        ..function("POWER", "POWER(x, y): x to the power of y; POWER(2, 10) = 1024.0", two, |_| {
            binary(f64::powf)
        })
    },
    function("SIN", "SIN(x): sine of x radians; SIN(0) = 0.0", one, |_| unary(exact::sin)),
    function("COS", "COS(x): cosine of x radians; COS(0) = 1.0", one, |_| unary(exact::cos)),
    function("TAN", "TAN(x): tangent of x radians; TAN(0) = 0.0", one, |_| unary(exact::tan)),
    function("COT", "COT(x): cotangent of x radians", one, |_| unary(|x| 1.0 / exact::tan(x))),
    function("ASIN", "ASIN(x): arc sine; ASIN(0) = 0.0", one, |_| unary(libm::asin)),
    function("ACOS", "ACOS(x): arc cosine; ACOS(1) = 0.0", one, |_| unary(libm::acos)),
    function("ATAN", "ATAN(x): arc tangent; ATAN(0) = 0.0", one, |_| unary(libm::atan)),
    function("ATAN2", "ATAN2(y, x): angle of the point (x, y); ATAN2(0, 1) = 0.0", two, |_| {
        binary(exact::atan2)
    }),
    function("SINH", "SINH(x): hyperbolic sine; SINH(0) = 0.0", one, |_| unary(exact::sinh)),
    function("COSH", "COSH(x): hyperbolic cosine; COSH(0) = 1.0", one, |_| unary(exact::cosh)),
    function("TANH", "TANH(x): hyperbolic tangent; TANH(0) = 0.0", one, |_| unary(exact::tanh)),
    function("DEGREES", "DEGREES(x): radians to degrees; DEGREES(PI()) = 180.0", one, |_| {
        unary(|x| x * (180.0 / std::f64::consts::PI))
    }),
    function("RADIANS", "RADIANS(x): degrees to radians; RADIANS(180) = 3.141592653589793", one, |_| {
        unary(|x| x * (std::f64::consts::PI / 180.0))
    }),
    function("PI", "PI(): 3.141592653589793", none, |_| simple(|_, out| out.double(std::f64::consts::PI))),
    function("E", "E(): 2.718281828459045", none, |_| simple(|_, out| out.double(std::f64::consts::E))),
    function("SIGN", "SIGN(x): -1, 0 or 1 in the type of x; SIGN(-2.50) = -1.00", same_type, sign),
];

fn none(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "no arguments", &[], 0, DataType::Double)
}

fn one(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<number>", &[ArgumentKind::Double], 1, DataType::Double)
}

fn two(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<number>, <number>", &[ArgumentKind::Double; 2], 2, DataType::Double)
}

fn one_or_two(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "[<base>, ]<number>", &[ArgumentKind::Double; 2], 1, DataType::Double)
}

fn same_type(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let mut signature = typed(args, "<number>", &[ArgumentKind::Number], 1, DataType::Null)?;
    signature.result.data_type = signature.args[0].clone();
    Ok(signature)
}

fn unary(f: fn(f64) -> f64) -> Result<Code, String> {
    simple(move |args, out| out.double(f(double(args, 0))))
}

fn binary(f: fn(f64, f64) -> f64) -> Result<Code, String> {
    simple(move |args, out| out.double(f(double(args, 0), double(args, 1))))
}

fn abs(call: &ScalarCall<'_>) -> Result<Code, String> {
    let result = call.result.data_type.clone();
    simple(move |args, out| match args.first() {
        // The least integer has no positive counterpart and stays unchanged.
        Some(Scalar::Int(v)) => out.int(wrap(v.wrapping_abs(), &result)),
        Some(Scalar::Double(v)) => out.double(v.abs()),
        Some(Scalar::Wide(v)) => out.wide(v.wrapping_abs()),
        _ => out.null(),
    })
}

fn sign(call: &ScalarCall<'_>) -> Result<Code, String> {
    let unit = match data_type(call, 0) {
        DataType::Decimal { scale, .. } => super::decimal::power_of_ten(scale.into()),
        _ => 1,
    };
    simple(move |args, out| match args.first() {
        Some(Scalar::Int(_)) => out.int(int(args, 0).signum()),
        // NaN and both zeros are returned unchanged.
        Some(Scalar::Double(v)) => out.double(if *v == 0.0 || v.is_nan() { *v } else { v.signum() }),
        Some(Scalar::Wide(v)) => out.wide(v.signum() * unit),
        _ => out.null(),
    })
}
