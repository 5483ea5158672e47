//! Reserved words: what cannot be a name without back-quotes in Flink.

/// Reserved in Flink's SQL (Apache Calcite's core grammar), sorted.
const RESERVED: &[&str] = &[
    "ABS", "ALL", "ALTER", "AND", "ANY", "ARE", "ARRAY", "AS", "ASYMMETRIC", "AT", "AVG", "BEGIN", "BETWEEN", "BIGINT",
    "BINARY", "BLOB", "BOOLEAN", "BOTH", "BY", "BYTES", "CALL", "CARDINALITY", "CASE", "CAST", "CEIL", "CEILING",
    "CHAR", "CHARACTER", "CHARACTER_LENGTH", "CHAR_LENGTH", "CHECK", "COALESCE", "COLLECT", "COLUMN", "COMMIT",
    "CONDITION", "CONSTRAINT", "CONVERT", "COUNT", "CREATE", "CROSS", "CUBE", "CURRENT", "CURRENT_DATE",
    "CURRENT_ROW", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURSOR", "DATE", "DAY", "DECIMAL", "DECLARE",
    "DEFAULT", "DELETE", "DENSE_RANK", "DESCRIBE", "DISTINCT", "DOUBLE", "DROP", "EACH", "ELEMENT", "ELSE", "END",
    "ESCAPE", "EXCEPT", "EXECUTE", "EXISTS", "EXP", "EXPLAIN", "EXTRACT", "FALSE", "FETCH", "FILTER", "FIRST_VALUE",
    "FLOAT", "FLOOR", "FOR", "FOREIGN", "FROM", "FULL", "FUNCTION", "GRANT", "GROUP", "GROUPING", "GROUPS", "HAVING",
    "HOUR", "IDENTITY", "IMPORT", "IN", "INNER", "INSERT", "INT", "INTEGER", "INTERSECT", "INTERVAL", "INTO", "IS",
    "JOIN", "JSON_OBJECT", "JSON_VALUE", "LAG", "LAST_VALUE", "LATERAL", "LEAD", "LEADING", "LEFT", "LIKE", "LIMIT",
    "LN", "LOCAL", "LOCALTIME", "LOCALTIMESTAMP", "LOWER", "MATCH_RECOGNIZE", "MAX", "MERGE", "MIN", "MINUS", "MINUTE",
    "MOD", "MODIFIES", "MODULE", "MONTH", "MULTISET", "NATURAL", "NEW", "NEXT", "NO", "NONE", "NOT", "NTILE", "NULL",
    "NULLIF", "NUMERIC", "OF", "OFFSET", "OLD", "ON", "ONLY", "OR", "ORDER", "OUT", "OUTER", "OVER", "OVERLAPS",
    "OVERLAY", "PARTITION", "PATTERN", "PER", "PERCENT", "PERIOD", "POSITION", "POWER", "PRECISION", "PRIMARY",
    "PROCEDURE", "QUALIFY", "RANGE", "RANK", "REAL", "REFERENCES", "RELEASE", "RESET", "RESULT", "RETURN", "REVOKE",
    "RIGHT", "ROLLBACK", "ROLLUP", "ROW", "ROWS", "ROW_NUMBER", "SAVEPOINT", "SCROLL", "SEARCH", "SECOND", "SELECT",
    "SESSION_USER", "SET", "SHOW", "SIMILAR", "SKIP", "SMALLINT", "SOME", "SQL", "SQRT", "START", "STATIC",
    "STDDEV_POP", "STDDEV_SAMP", "STREAM", "STRING", "SUBSTRING", "SUM", "SYMMETRIC", "SYSTEM", "SYSTEM_TIME", "TABLE",
    "TABLESAMPLE", "THEN", "TIME", "TIMESTAMP", "TINYINT", "TO", "TRAILING", "TRANSLATE", "TRIGGER", "TRIM", "TRUE",
    "TRUNCATE", "UNION", "UNIQUE", "UNKNOWN", "UNNEST", "UPDATE", "UPPER", "UPSERT", "USER", "USING", "VALUE",
    "VALUES", "VARBINARY", "VARCHAR", "VARYING", "VAR_POP", "VAR_SAMP", "WHEN", "WHERE", "WINDOW", "WITH", "WITHIN",
    "WITHOUT", "YEAR",
];

/// Reserved words that hold a statement together: where one stands instead of a name, a name is missing, not misquoted.
const STRUCTURAL: &[&str] = &[
    "AND", "AS", "BEGIN", "BETWEEN", "BY", "CASE", "CREATE", "ELSE", "END", "FROM", "GROUP", "HAVING", "IN", "INSERT",
    "INTO", "IS", "JOIN", "LIKE", "NOT", "ON", "OR", "ORDER", "SELECT", "SET", "THEN", "UNION", "WHEN", "WHERE", "WITH",
];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

pub(super) fn is_structural(word: &str) -> bool {
    STRUCTURAL.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(RESERVED.is_sorted());
        assert!(STRUCTURAL.is_sorted());
    }

    #[test]
    fn year_is_reserved_and_years_is_not() {
        assert!(is_reserved("year") && is_reserved("user") && is_reserved("timestamp"));
        assert!(!is_reserved("years") && !is_reserved("event_time"));
    }
}
