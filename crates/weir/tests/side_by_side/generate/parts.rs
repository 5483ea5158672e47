//! The building blocks of queries: chance, types, expressions and aggregates.

use super::tables::Made;

/// Random decisions, determined by a seed.
pub struct Dice(fastrand::Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    /// Returns true with this probability in percent.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    pub fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    BigInt,
    Double,
    Decimal,
    /// The type of `SUM` and `AVG` of a decimal.
    WideDecimal,
    Text,
    Bool,
    Time,
}

impl Kind {
    pub fn sql(self) -> &'static str {
        match self {
            Kind::Int => "INT",
            Kind::BigInt => "BIGINT",
            Kind::Double => "DOUBLE",
            Kind::Decimal => "DECIMAL(10, 2)",
            Kind::WideDecimal => "DECIMAL(38, 6)",
            Kind::Text => "STRING",
            Kind::Bool => "BOOLEAN",
            Kind::Time => "TIMESTAMP(3)",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::BigInt | Kind::Double | Kind::Decimal)
    }
}

/// An expression and its type.
pub type Typed = (String, Kind);

/// Returns a column of a table, prefixed with the table's alias.
pub fn column(dice: &mut Dice, table: &Made, alias: &str) -> Typed {
    let (name, kind) = dice.pick(&table.columns);
    (format!("{alias}{name}"), kind)
}

/// Returns a column with few values.
pub fn key(dice: &mut Dice, alias: &str) -> Typed {
    match dice.below(5) {
        0 | 1 => (format!("{alias}k"), Kind::Text),
        2 | 3 => (format!("{alias}g"), Kind::Int),
        _ => (format!("UPPER({alias}k)"), Kind::Text),
    }
}

/// Returns an expression over the columns of a table.
pub fn expression(dice: &mut Dice, table: &Made, alias: &str) -> Typed {
    let (x, kind) = column(dice, table, alias);
    let sql = match (kind, dice.below(6)) {
        (_, 0) => return (x, kind),
        (_, 1) => return (format!("({x} IS NULL)"), Kind::Bool),
        (Kind::Int, 2) => format!("({x} + {alias}g)"),
        (Kind::Int, 3) => format!("MOD({x}, 7)"),
        (Kind::Int, 4) => format!("COALESCE({x}, -1)"),
        (Kind::Int, _) => format!("CASE WHEN {x} > 2 THEN {x} WHEN {x} IS NULL THEN 0 ELSE -{x} END"),
        (Kind::BigInt, 2) => format!("({x} / 3)"),
        (Kind::BigInt, _) => format!("ABS({x} - 5)"),
        (Kind::Double, 2) => format!("({x} * 2)"),
        (Kind::Double, 3) => return (format!("CAST({x} AS INT)"), Kind::Int),
        (Kind::Double, _) => format!("ROUND({x}, 1)"),
        (Kind::Decimal | Kind::WideDecimal, 2) => {
            return (format!("CAST({x} / 3 AS DECIMAL(38, 6))"), Kind::WideDecimal);
        }
        (Kind::Decimal | Kind::WideDecimal, 3) => return (format!("CAST({x} AS STRING)"), Kind::Text),
        (Kind::Decimal | Kind::WideDecimal, _) => format!("CAST(-{x} AS {})", kind.sql()),
        (Kind::Text, 2) => format!("CONCAT_WS('-', {x}, {alias}k)"),
        (Kind::Text, 3) => return (format!("CHAR_LENGTH({x})"), Kind::Int),
        (Kind::Text, 4) => format!("SUBSTRING({x}, 2, 3)"),
        (Kind::Text, _) => format!("LOWER(TRIM({x}))"),
        (Kind::Bool, _) => format!("NOT {x}"),
        (Kind::Time, 2) => return (format!("EXTRACT(MINUTE FROM {x})"), Kind::BigInt),
        (Kind::Time, 3) => return (format!("DATE_FORMAT({x}, 'HH:mm:ss')"), Kind::Text),
        (Kind::Time, _) => format!("{x} + INTERVAL '1' HOUR"),
    };
    (sql, kind)
}

/// Returns a condition over the columns of a table.
pub fn condition(dice: &mut Dice, table: &Made, alias: &str) -> String {
    let simple = |dice: &mut Dice| {
        let (x, kind) = column(dice, table, alias);
        match (kind, dice.below(3)) {
            (_, 0) => format!("{x} IS NOT NULL"),
            (Kind::Int | Kind::BigInt, 1) => format!("{x} BETWEEN 0 AND 5"),
            (Kind::Int | Kind::BigInt | Kind::Double | Kind::Decimal | Kind::WideDecimal, _) => {
                format!("{x} > 1")
            }
            (Kind::Text, 1) => format!("{x} LIKE '%i%'"),
            (Kind::Text, _) => format!("{x} <> 'Toán'"),
            (Kind::Bool, 1) => format!("{x} IS NOT TRUE"),
            (Kind::Bool, _) => x,
            (Kind::Time, _) => format!("{x} >= TIMESTAMP '2025-12-09 08:00:10'"),
        }
    };

    match dice.below(4) {
        0 => format!("({} OR {})", simple(dice), simple(dice)),
        1 => format!("NOT ({})", simple(dice)),
        _ => simple(dice),
    }
}

/// Returns ` WHERE …`, or nothing.
pub fn filter(dice: &mut Dice, table: &Made, alias: &str) -> String {
    if dice.chance(40) { format!(" WHERE {}", condition(dice, table, alias)) } else { String::new() }
}

/// The rows of an aggregate, which limit the permitted functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Rows in the order of their arrival.
    Arrival,
    /// Rows in an open order, or windows that merge.
    AnyOrder,
}

/// Returns an aggregate over the rows of a table.
pub fn aggregate(dice: &mut Dice, table: &Made, alias: &str, over: Over) -> Typed {
    let (x, kind) = column(dice, table, alias);
    let (call, kind) = match dice.below(9) {
        0 => ("COUNT(*)".to_owned(), Kind::BigInt),
        1 => (format!("COUNT({x})"), Kind::BigInt),
        2 => (format!("COUNT(DISTINCT {x})"), Kind::BigInt),
        // Flink does not support such a sum over overlapping windows.
        3 if kind.is_number() && over == Over::Arrival => (format!("SUM(DISTINCT {x})"), sum_of(kind)),
        3 | 4 if kind.is_number() => (format!("SUM({x})"), sum_of(kind)),
        5 if kind.is_number() => (format!("AVG({x})"), sum_of(kind)),
        6 if over == Over::Arrival && kind == Kind::Text => (format!("LISTAGG({x}, '|')"), Kind::Text),
        7 if over == Over::Arrival => (format!("LAST_VALUE({x})"), kind),
        8 if over == Over::Arrival => (format!("FIRST_VALUE({x})"), kind),
        _ if dice.chance(50) => (format!("MIN({x})"), kind),
        _ => (format!("MAX({x})"), kind),
    };
    if dice.chance(25) {
        return (format!("{call} FILTER (WHERE {})", condition(dice, table, alias)), kind);
    }
    (call, kind)
}

fn sum_of(kind: Kind) -> Kind {
    if kind == Kind::Decimal { Kind::WideDecimal } else { kind }
}

/// Returns some aggregates.
pub fn aggregates(dice: &mut Dice, table: &Made, alias: &str, over: Over) -> Vec<Typed> {
    (0..1 + dice.below(3)).map(|_| aggregate(dice, table, alias, over)).collect()
}

/// Returns expressions as the items of a SELECT, and their types.
pub fn items(typed: &[Typed]) -> (String, Vec<Kind>) {
    let (items, kinds): (Vec<String>, Vec<Kind>) = typed.iter().cloned().unzip();
    (items.join(", "), kinds)
}

/// Returns expressions with the names `x0`, `x1`, …
pub fn named(typed: &[Typed]) -> String {
    let items = typed.iter().enumerate().map(|(at, (sql, _))| format!("{sql} AS x{at}"));
    items.collect::<Vec<_>>().join(", ")
}
