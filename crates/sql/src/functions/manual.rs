//! The manual of SQL functions: registered functions, aggregates, and forms with a grammar of their own.
//! Functions that only the planner calls are left out.

use super::all;

/// A function, operator or syntactic form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, followed by aliases.
    pub names: Vec<&'static str>,
    /// Description and example.
    pub doc: String,
}

const AGGREGATES: &[(&str, &str)] = &[
    ("COUNT", "COUNT(*), COUNT([DISTINCT] x): rows, or values that are not null"),
    ("SUM", "SUM([DISTINCT] x): sum; whole numbers wrap, a DECIMAL of more than 38 digits is null"),
    ("AVG", "AVG([DISTINCT] x): mean in the type of x; whole numbers are cut, decimals rounded half up"),
    ("MIN", "MIN(x): the least value"),
    ("MAX", "MAX(x): the greatest value; NaN is greater than all numbers"),
    ("FIRST_VALUE", "FIRST_VALUE(x): the first value in order of arrival"),
    ("LAST_VALUE", "LAST_VALUE(x): the last value in order of arrival"),
    (
        "PERCENTILE",
        "PERCENTILE(x, p): the value that the part p lies below, interpolated; PERCENTILE(x, 0.95)",
    ),
    (
        "STDDEV_POP",
        "STDDEV_POP(x): standard deviation of all values, in the type of x; STDDEV_SAMP of a sample",
    ),
    ("STDDEV_SAMP", "STDDEV_SAMP(x), STDDEV(x): standard deviation of a sample; null for one value"),
    ("VAR_POP", "VAR_POP(x): variance of all values, in the type of x"),
    ("VAR_SAMP", "VAR_SAMP(x), VARIANCE(x): variance of a sample; null for one value"),
    ("LISTAGG", "LISTAGG(x[, separator]): the texts in order of arrival, between commas or separators"),
    ("SINGLE_VALUE", "SINGLE_VALUE(x): the only value; a second one fails the job"),
    ("COLLECT", "COLLECT([DISTINCT] x): a MULTISET of the values that are not null"),
    ("ARRAY_AGG", "ARRAY_AGG([DISTINCT] x): an ARRAY of the values in order of arrival, nulls too"),
    (
        "JSON_OBJECTAGG",
        "JSON_OBJECTAGG([KEY] k VALUE x [NULL | ABSENT ON NULL]): a JSON object; a key that comes twice fails the job",
    ),
    ("JSON_ARRAYAGG", "JSON_ARRAYAGG(x [NULL | ABSENT ON NULL]): a JSON array in order of arrival"),
];

const FORMS: &[(&str, &str)] = &[
    ("CAST", "CAST(x AS type): converted, fails the job where that cannot be; CAST('12' AS INT) = 12"),
    ("TRY_CAST", "TRY_CAST(x AS type): converted, null where that cannot be; TRY_CAST('x' AS INT) = NULL"),
    (
        "CASE",
        "CASE WHEN condition THEN x … [ELSE y] END, CASE x WHEN value THEN … END: the first branch that holds",
    ),
    ("IF", "IF(condition, x, y): x where the condition is true, else y"),
    ("COALESCE", "COALESCE(a, b, …): the first that is not null"),
    ("IFNULL", "IFNULL(a, b): b where a is null"),
    ("NULLIF", "NULLIF(a, b): null where both are equal, else a"),
    ("AND", "a AND b, a OR b, NOT a: logic of three values"),
    ("ARRAY[…]", "ARRAY[a, b, …]: an array, whose elements are array[1], array[2], …"),
    ("MAP[…]", "MAP[key, value, …]: a map, whose values are map[key]"),
    ("ROW", "ROW(a, b, …), (a, b, …): a row; its fields are row.name"),
    ("IS JSON", "x IS [NOT] JSON [VALUE | OBJECT | ARRAY | SCALAR]: whether a text is JSON, false for null"),
    ("IN", "x [NOT] IN (a, b, …): whether it equals one of them"),
    ("BETWEEN", "x [NOT] BETWEEN [SYMMETRIC] a AND b: whether it lies between them or equals one"),
    ("IS NULL", "x IS [NOT] NULL | TRUE | FALSE | UNKNOWN: never null itself"),
    ("IS DISTINCT FROM", "a IS [NOT] DISTINCT FROM b: comparison in which nulls are equal"),
    ("=", "a = b, a <> b, a < b, a <= b, a > b, a >= b: comparison, null where a side is null"),
];

/// Returns all entries in the order of the manual.
pub fn manual() -> Vec<Entry> {
    let functions = all().iter().filter(|function| !function.name.starts_with('$')).map(|function| {
        let mut names = vec![shown(function.name)];
        names.extend(function.aliases);
        Entry { names, doc: without_binding(function.doc) }
    });
    let others = AGGREGATES.iter().chain(FORMS);
    functions.chain(others.map(|(name, doc)| Entry { names: vec![name], doc: (*doc).to_owned() })).collect()
}

/// Returns the name as it is written in scripts.
fn shown(name: &'static str) -> &'static str {
    match name {
        "FLOOR_TO" => "FLOOR … TO",
        "CEIL_TO" => "CEIL … TO",
        "NEGATE" => "- (sign)",
        name => name,
    }
}

/// Removes the description of how a form is bound: `EXTRACT(unit FROM time), bound as EXTRACT('UNIT', time):
/// …`.
fn without_binding(doc: &str) -> String {
    let Some((form, rest)) = doc.split_once(", bound as ") else { return doc.to_owned() };
    match rest.split_once("): ") {
        Some((_, meaning)) => format!("{form}: {meaning}"),
        None => doc.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::AGGREGATES as KNOWN_AGGREGATES;

    #[test]
    fn the_manual_has_what_scripts_can_call_and_nothing_else() {
        let entries = manual();
        let has = |name: &str| entries.iter().any(|entry| entry.names.contains(&name));
        for name in KNOWN_AGGREGATES.iter().chain(&["CAST", "COALESCE", "CASE", "UPPER", "POW", "||"]) {
            assert!(has(name), "{name}");
        }
        for entry in &entries {
            let internal = entry
                .names
                .iter()
                .any(|name| name.starts_with('$') || name.contains('_') && name.ends_with("_TO"));
            assert!(!internal && !entry.doc.contains("bound as"), "{entry:?}");
        }
    }
}
