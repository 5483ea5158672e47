//! Functions that treat arrays as sets.

use std::collections::HashSet;

use types::{ColumnType, Scalar, compact};

use super::super::signature::{any_nullable, fallible, function, mismatch, simple};
use super::super::{Argument, EvalError, ScalarFunction, Signature, SignatureError};
use super::{array_of, common_column, element_type, elements};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "ARRAY_CONCAT",
        "ARRAY_CONCAT(a, b, …): the elements of all; ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3]) is [1, 2, 3]",
        |args| arrays(args, 1..=usize::MAX),
        |_| {
            fallible(|args, out| {
                let len = args.iter().map(|arg| match arg {
                    Scalar::Bytes(bytes) => bytes.len(),
                    _ => 0,
                });
                EvalError::if_too_long(len.fold(0, usize::saturating_add))?;
                let all: Vec<Scalar<'_>> = (0..args.len()).flat_map(|at| elements(args, at)).collect();
                out.list(&all);
                Ok(())
            })
        },
    ),
    function(
        "ARRAY_DISTINCT",
        "ARRAY_DISTINCT(array): each element once; ARRAY_DISTINCT(ARRAY[1, 2, 1]) is [1, 2]",
        |args| arrays(args, 1..=1),
        |_| simple(|args, out| out.list(&distinct(elements(args, 0)))),
    ),
    function(
        "ARRAY_UNION",
        "ARRAY_UNION(a, b): each element of both once; ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]) is [1, 2, 3]",
        |args| arrays(args, 2..=2),
        |_| {
            simple(|args, out| {
                let mut both = elements(args, 0);
                both.extend(elements(args, 1));
                out.list(&distinct(both));
            })
        },
    ),
    function(
        "ARRAY_INTERSECT",
        "ARRAY_INTERSECT(a, b): each element of a once that b has too; ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2]) is [2]",
        |args| arrays(args, 2..=2),
        |_| {
            simple(|args, out| {
                let other: HashSet<Vec<u8>> = elements(args, 1).into_iter().map(key).collect();
                let mut common = distinct(elements(args, 0));
                common.retain(|value| other.contains(&key(*value)));
                out.list(&common);
            })
        },
    ),
    function(
        "ARRAY_EXCEPT",
        "ARRAY_EXCEPT(a, b): the elements of a that b has not; ARRAY_EXCEPT(ARRAY[1, 1, 2], ARRAY[1]) is [2]",
        |args| arrays(args, 2..=2),
        |_| {
            simple(|args, out| {
                let other: HashSet<Vec<u8>> = elements(args, 1).into_iter().map(key).collect();
                let mut rest = distinct(elements(args, 0));
                rest.retain(|value| !other.contains(&key(*value)));
                out.list(&rest);
            })
        },
    ),
];

/// Returns the signature for a number of arrays, which are converted to a common type.
fn arrays(
    args: &[Argument<'_>],
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<Signature, SignatureError> {
    const EXPECTED: &str = "<array>, … with elements of one kind";
    let elements: Option<Vec<&ColumnType>> = args.iter().map(element_type).collect();
    let elements = elements.filter(|of| allowed.contains(&of.len())).ok_or_else(|| mismatch(EXPECTED))?;
    let array = array_of(common_column(elements, EXPECTED)?);
    Ok(Signature {
        args: vec![array.clone(); args.len()],
        result: ColumnType { data_type: array, nullable: any_nullable(args) },
    })
}

/// Returns bytes that are equal only for equal values.
fn key(value: Scalar<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    compact::write(value, &mut bytes);
    bytes
}

/// Keeps the first of equal values.
fn distinct(mut values: Vec<Scalar<'_>>) -> Vec<Scalar<'_>> {
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(key(*value)));
    values
}
