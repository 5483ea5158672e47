//! Words that only Flink reserves.
//!
//! Flink's parser accepts them as names only in back-quotes, and Weir accepts them anywhere. The list is what Flink 2.3 refuses as
//! the name of a column, without the words that Weir reserves too.

use sqlparser::tokenizer::Token;

use super::ast::Ident;
use super::{Parsed, Parser};

/// Sorted.
const ONLY_FLINK: &[&str] = &[
    "ALLOCATE",
    "ALLOW",
    "ARRAY_CONCAT_AGG",
    "ARRAY_MAX_CARDINALITY",
    "ASENSITIVE",
    "ATOMIC",
    "AUTHORIZATION",
    "BEGIN_FRAME",
    "BEGIN_PARTITION",
    "BIT",
    "BITMAP",
    "BUCKETS",
    "CALLED",
    "CASCADED",
    "CATALOGS",
    "CLASSIFIER",
    "CLOB",
    "CLOSE",
    "COLLATE",
    "COMMENT",
    "CONNECT",
    "CONNECTIONS",
    "CONTAINS",
    "CONTAINS_SUBSTR",
    "CONTINUOUS",
    "CORR",
    "CORRESPONDING",
    "COVAR_POP",
    "COVAR_SAMP",
    "CUME_DIST",
    "CURRENT_CATALOG",
    "CURRENT_DEFAULT_TRANSFORM_GROUP",
    "CURRENT_PATH",
    "CURRENT_ROLE",
    "CURRENT_SCHEMA",
    "CURRENT_TRANSFORM_GROUP_FOR_TYPE",
    "CYCLE",
    "DATABASES",
    "DATETIME",
    "DATETIME_TRUNC",
    "DATE_TRUNC",
    "DEALLOCATE",
    "DEC",
    "DEFINE",
    "DEREF",
    "DETERMINISTIC",
    "DISALLOW",
    "DISCONNECT",
    "DISTRIBUTED",
    "DISTRIBUTION",
    "DOT",
    "DYNAMIC",
    "EMPTY",
    "END_FRAME",
    "END_PARTITION",
    "EQUALS",
    "EVERY",
    "EXEC",
    "EXTEND",
    "EXTENDED",
    "EXTERNAL",
    "FRAME_ROW",
    "FREE",
    "FRESHNESS",
    "FRIDAY",
    "FUNCTIONS",
    "FUSION",
    "GET",
    "GLOBAL",
    "GROUP_CONCAT",
    "HASH",
    "HOLD",
    "ILIKE",
    "INCLUDE",
    "INDICATOR",
    "INITIAL",
    "INOUT",
    "INSENSITIVE",
    "INTERSECTION",
    "JSON_ARRAY",
    "JSON_ARRAYAGG",
    "JSON_EXISTS",
    "JSON_OBJECTAGG",
    "JSON_QUERY",
    "JSON_SCOPE",
    "LANGUAGE",
    "LARGE",
    "LIKE_REGEX",
    "MATCH",
    "MATCHES",
    "MATCH_NUMBER",
    "MATERIALIZED",
    "MEASURES",
    "MEMBER",
    "METHOD",
    "MODELS",
    "MODIFY",
    "MODULES",
    "MONDAY",
    "NATIONAL",
    "NCHAR",
    "NCLOB",
    "NORMALIZE",
    "NTH_VALUE",
    "OCCURRENCES_REGEX",
    "OCTET_LENGTH",
    "OMIT",
    "ONE",
    "OPEN",
    "ORDINAL",
    "PARAMETER",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
    "PERCENT_RANK",
    "PERMUTE",
    "PIVOT",
    "PORTION",
    "POSITION_REGEX",
    "PRECEDES",
    "PREPARE",
    "PREV",
    "PROCEDURES",
    "QUARTERS",
    "RAW",
    "READS",
    "RECURSIVE",
    "REF",
    "REFERENCING",
    "REFRESH",
    "REFRESH_MODE",
    "REGR_AVGX",
    "REGR_AVGY",
    "REGR_COUNT",
    "REGR_INTERCEPT",
    "REGR_R2",
    "REGR_SLOPE",
    "REGR_SXX",
    "REGR_SXY",
    "REGR_SYY",
    "RENAME",
    "RESUME",
    "RETURNS",
    "RLIKE",
    "RUNNING",
    "SAFE_CAST",
    "SAFE_OFFSET",
    "SAFE_ORDINAL",
    "SATURDAY",
    "SCALA",
    "SCOPE",
    "SEEK",
    "SENSITIVE",
    "SEPARATOR",
    "SPECIFIC",
    "SPECIFICTYPE",
    "SQLEXCEPTION",
    "SQLSTATE",
    "SQLWARNING",
    "STATEMENT",
    "STRING_AGG",
    "STRUCTURED",
    "SUBMULTISET",
    "SUBSET",
    "SUBSTRING_REGEX",
    "SUCCEEDS",
    "SUNDAY",
    "SUSPEND",
    "SYSTEM_USER",
    "TABLES",
    "THURSDAY",
    "TIMESTAMP_DIFF",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_TRUNC",
    "TIMEZONE_HOUR",
    "TIMEZONE_MINUTE",
    "TIME_DIFF",
    "TIME_TRUNC",
    "TRANSLATE_REGEX",
    "TRANSLATION",
    "TREAT",
    "TRIM_ARRAY",
    "TRY_CAST",
    "TUESDAY",
    "UESCAPE",
    "UNPIVOT",
    "USE",
    "VALUE_OF",
    "VARIANT",
    "VERSIONING",
    "VIEWS",
    "WATERMARK",
    "WATERMARKS",
    "WEDNESDAY",
    "WEEKS",
    "WHENEVER",
    "WIDTH_BUCKET",
];

impl Parser {
    /// Parses a name where it is declared. Notes that Flink wants it in back-quotes, which all uses of the name need then.
    pub(super) fn new_ident(&mut self, what: &str) -> Parsed<Ident> {
        let is_quoted = matches!(self.tokens.peek(), Token::Word(word) if word.quote_style.is_some());
        let ident = self.tokens.ident(what)?;
        if !is_quoted {
            self.note_word(&ident);
        }
        Ok(ident)
    }

    /// Notes that Flink refuses a name that stands without back-quotes.
    pub(super) fn note_word(&mut self, ident: &Ident) {
        if is_reserved_in_flink(&ident.value) {
            let what = format!("the name {} without back-quotes", ident.value);
            self.refused_by_flink(ident.span, &what, &format!("write `{}`, wherever it stands", ident.value));
        }
    }
}

fn is_reserved_in_flink(word: &str) -> bool {
    ONLY_FLINK.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::words::is_reserved;
    use super::*;

    #[test]
    fn the_list_is_sorted_and_has_no_word_that_is_reserved_here() {
        assert!(ONLY_FLINK.is_sorted());
        let both: Vec<&&str> = ONLY_FLINK.iter().filter(|word| is_reserved(word)).collect();
        assert_eq!(both, Vec::<&&str>::new());
    }

    #[test]
    fn names_are_noted_where_they_are_declared() {
        let notices = |script: &str| {
            let script = format!("{script} INSERT INTO b SELECT n FROM q");
            let compiled = crate::compile(&script, &|_| None);
            let notices = compiled.unwrap_or_else(|found| panic!("{script}: {found:?}")).notices;
            notices
                .into_iter()
                .map(|notice| script[notice.span.start..notice.span.end].to_owned())
                .collect::<Vec<_>>()
        };
        let tables =
            "CREATE TABLE q (n INT, tables INT, `views` INT, r ROW<weeks INT>) WITH ('connector' = 'kafka');
            CREATE TABLE b (n INT) WITH ('connector' = 'blackhole');";
        assert_eq!(notices(tables), ["tables", "weeks"]);
        let view = "CREATE VIEW models AS SELECT tables AS open, r.weeks AS `match` FROM q;";
        assert_eq!(notices(&format!("{tables} {view}")), ["tables", "weeks", "models", "open"]);
    }
}
