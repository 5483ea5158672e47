//! Functions that return the current time.

use std::sync::Arc;

use types::DataType;

use super::calendar::DAY_MS;
use super::signature::{function, typed};
use super::zone::wall_ms;
use super::{Argument, Code, Determinism, Env, Output, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        aliases: &["NOW", "CURRENT_ROW_TIMESTAMP"],
        determinism: Determinism::Clock,
        ..function(
            "CURRENT_TIMESTAMP",
            "CURRENT_TIMESTAMP or NOW(): the instant, to the millisecond",
            |a| none(a, DataType::TimestampLtz(3)),
            |_| read(|env| env.now_ms),
        )
    },
    ScalarFunction {
        determinism: Determinism::Clock,
        ..function(
            "PROCTIME",
            "PROCTIME(): processing time; a column that is PROCTIME() serves windows, joins and OVER as their time",
            |a| none(a, DataType::TimestampLtz(3)),
            |_| read(|env| env.now_ms),
        )
    },
    ScalarFunction {
        determinism: Determinism::Clock,
        ..function(
            "LOCALTIMESTAMP",
            "LOCALTIMESTAMP: the wall-clock time of the session's zone",
            |a| none(a, DataType::Timestamp(3)),
            |call| {
                let zone = call.time_zone.clone();
                read(move |env| wall_ms(&zone, env.now_ms))
            },
        )
    },
    ScalarFunction {
        determinism: Determinism::Clock,
        ..function(
            "CURRENT_DATE",
            "CURRENT_DATE: the date in the session's zone",
            |a| none(a, DataType::Date),
            |call| {
                let zone = call.time_zone.clone();
                read(move |env| wall_ms(&zone, env.now_ms).div_euclid(DAY_MS))
            },
        )
    },
    ScalarFunction {
        aliases: &["LOCALTIME"],
        determinism: Determinism::Clock,
        ..function(
            "CURRENT_TIME",
            "CURRENT_TIME or LOCALTIME: the time of day in the session's zone",
            |a| none(a, DataType::Time(0)),
            |call| {
                let zone = call.time_zone.clone();
                read(move |env| wall_ms(&zone, env.now_ms).rem_euclid(DAY_MS) / 1_000 * 1_000)
            },
        )
    },
];

fn none(args: &[Argument<'_>], result: DataType) -> Result<Signature, SignatureError> {
    typed(args, "no arguments", &[], 0, result)
}

fn read(value: impl Fn(&Env) -> i64 + Send + Sync + 'static) -> Result<Code, String> {
    Ok(Arc::new(move |env: &Env, _: &[types::Scalar<'_>], out: &mut Output| {
        out.int(value(env));
        Ok(())
    }))
}
