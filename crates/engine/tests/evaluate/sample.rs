//! Random columns and random expressions over them, reproducible from the seed.

use engine::column::{Coded, Column};
use sql::expr::{CastMode, Comparison, Expr, ExprGraph, ExprId, InputColumn};
use sql::functions::{Argument, lookup};
use types::{ColumnType, DataType, Value};

/// A generator of numbers (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// The scope: a column of each type, texts both plain and coded.
pub const SCOPE: [(&str, DataType, Held); 13] = [
    ("truth", DataType::Boolean, Held::Plain),
    ("small", DataType::Int, Held::Plain),
    ("large", DataType::BigInt, Held::Plain),
    ("real", DataType::Double, Held::Plain),
    ("when_text", DataType::STRING, Held::Plain),
    ("words", DataType::STRING, Held::Plain),
    ("kind", DataType::STRING, Held::Coded),
    ("place", DataType::STRING, Held::Coded),
    ("at", DataType::Timestamp(3), Held::Plain),
    ("instant", DataType::TimestampLtz(3), Held::Plain),
    ("money", DataType::Decimal { precision: 10, scale: 2 }, Held::Plain),
    ("same_number", DataType::Int, Held::Constant),
    ("same_text", DataType::STRING, Held::Constant),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Plain,
    Coded,
    /// The same value in all rows of a batch.
    Constant,
}

const WORDS: [&str; 16] = [
    "",
    "a",
    "Z",
    "+",
    "12",
    " 7 ",
    "x12",
    "2.5",
    "học phí",
    "Sinh viên",
    "Học sinh",
    "mười",
    "straße ",
    "😀b😀",
    "Z\n",
    "+07:00",
];

const TIMES: [&str; 14] = [
    "2025-12-09T11:30:00",
    "2025-12-09T11:30:00.123456",
    "2025-12-09T11:30:07Z",
    "2025-12-09T11:30:00.5+07:00",
    "2025-12-09 11:31:59.999-03:30",
    "2025-02-29T11:30:00",
    "2025-12-09",
    "nope",
    "",
    "2025-12-09T11:30:00Z\n",
    "2025-12-09T24:00:00",
    "2025-1-9T1:3:0",
    "2025-12-09T11:30:00+99:99",
    "ngày 2025-12-09T11:30:00Z",
];

pub fn value(dice: &mut Dice, of: &DataType) -> Value {
    if dice.roll(6) == 0 {
        return Value::Null;
    }
    literal(dice, of)
}

fn literal(dice: &mut Dice, of: &DataType) -> Value {
    match of {
        DataType::Boolean => Value::Bool(dice.roll(2) == 0),
        DataType::Int => {
            Value::Int(*dice.pick(&[0, 1, 2, 3, 19, -1, -2, 1000, i64::from(i32::MAX), i64::from(i32::MIN)]))
        }
        DataType::BigInt => Value::Int(*dice.pick(&[0, 1, -5, 1 << 40, i64::MAX, i64::MIN])),
        DataType::Double => {
            Value::Double(*dice.pick(&[0.0, -0.0, 1.5, -2.25, 1e300, f64::NAN, f64::INFINITY]))
        }

        DataType::Timestamp(_) | DataType::TimestampLtz(_) => Value::Int(*dice.pick(&[
            0,
            -1,
            1_765_279_800_123,
            1_765_279_800_000,
            253_402_300_799_999,
            -99_135_596_800_000,
        ])),

        DataType::Decimal { .. } => Value::Wide(*dice.pick(&[0, 150, -275, 99_999_999])),
        DataType::IntervalDayTime => Value::Int(*dice.pick(&[0, 1, 5000, 86_400_000])),
        _ => Value::Text((*if dice.roll(2) == 0 { dice.pick(&WORDS) } else { dice.pick(&TIMES) }).to_owned()),
    }
}

/// Returns empty columns of the scope, without the constants.
pub fn columns() -> Vec<Column> {
    let held = SCOPE.iter().filter(|(_, _, held)| *held != Held::Constant);
    held.map(|(_, data_type, held)| match held {
        Held::Coded => Column::Coded(Coded::default()),
        _ => Column::new(data_type.repr().unwrap()),
    })
    .collect()
}

/// Fills the columns with `rows` rows; returns the rows and the constants.
pub fn fill(dice: &mut Dice, columns: &mut [Column], rows: usize) -> (Vec<Vec<Value>>, Vec<Value>) {
    let constants: Vec<Value> = SCOPE[columns.len()..].iter().map(|(_, of, _)| value(dice, of)).collect();

    // Some batches have no nulls or one time form only: the fast paths must be right too.
    let calm = dice.roll(3) == 0;
    for column in columns.iter_mut() {
        column.reset(rows);
    }

    let rows = (0..rows).map(|row| {
        let mut values: Vec<Value> = SCOPE[..columns.len()]
            .iter()
            .map(|(name, of, _)| match *name {
                "when_text" if calm => Value::Text(TIMES[0].to_owned()),
                "when_text" if dice.roll(4) > 0 => Value::Text((*dice.pick(&TIMES)).to_owned()),
                _ if calm => literal(dice, of),
                _ => value(dice, of),
            })
            .collect();
        for (column, value) in columns.iter_mut().zip(&values) {
            column.set(row, value.as_scalar());
        }

        values.extend(constants.iter().cloned());
        values
    });
    let rows = rows.collect();
    (rows, constants)
}

/// Picks rows at random, ascending; `None` is all.
pub fn selection(dice: &mut Dice, rows: usize) -> Option<Vec<u32>> {
    let chance = *dice.pick(&[0, 1, 2, 9, 10]);
    (chance < 10).then(|| (0..rows as u32).filter(|_| dice.roll(10) < chance).collect())
}

pub fn graph() -> ExprGraph {
    let input = |(name, of, _): &(&str, DataType, Held)| InputColumn {
        name: (*name).to_owned(),
        column_type: of.clone().nullable(),
    };
    ExprGraph::new(SCOPE.iter().map(input).collect())
}

/// Builds a call of a function of the registry, with the types of its signature.
pub fn call(graph: &mut ExprGraph, name: &str, args: &[ExprId]) -> ExprId {
    let function = lookup(name).unwrap_or_else(|| panic!("{name} is not in the registry"));
    let arguments: Vec<Argument<'_>> = args
        .iter()
        .map(|arg| Argument {
            column_type: graph.column_type(*arg),
            literal: match graph.expr(*arg) {
                Expr::Literal(value) => Some(value),
                _ => None,
            },
        })
        .collect();
    let signature = (function.signature)(&arguments).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    graph.add(Expr::Call { function, args: args.into() }, signature.result)
}

pub fn constant(graph: &mut ExprGraph, value: Value, of: &DataType) -> ExprId {
    graph.add(Expr::Literal(value), of.clone().nullable())
}

fn truth(graph: &mut ExprGraph, expr: Expr) -> ExprId {
    graph.add(expr, DataType::Boolean.nullable())
}

/// Builds a random expression of a type, at most `depth` deep.
pub fn expression(dice: &mut Dice, graph: &mut ExprGraph, of: &DataType, depth: usize) -> ExprId {
    let shallow = depth.saturating_sub(1);

    if depth == 0 || dice.roll(8) == 0 {
        let fitting: Vec<usize> = (0..SCOPE.len()).filter(|&i| SCOPE[i].1 == *of).collect();
        if fitting.is_empty() || dice.roll(4) == 0 {
            let value = value(dice, of);
            return constant(graph, value, of);
        }
        return graph
            .add(Expr::Column(*dice.pick(&fitting)), ColumnType { data_type: of.clone(), nullable: true });
    }

    if dice.roll(4) == 0 {
        let branches = 1 + dice.roll(2);
        let branches: Vec<(ExprId, ExprId)> = (0..branches)
            .map(|_| {
                let when = expression(dice, graph, &DataType::Boolean, shallow);
                (when, expression(dice, graph, of, shallow))
            })
            .collect();
        let otherwise = expression(dice, graph, of, shallow);
        return graph.add(Expr::Case { branches: branches.into(), otherwise }, of.clone().nullable());
    }

    let mut sub = |dice: &mut Dice, of: &DataType| expression(dice, graph, of, shallow);
    match of {
        DataType::Boolean => {
            let kind = dice.roll(11);
            if kind <= 1 {
                let (a, b) = (sub(dice, of), sub(dice, of));
                return truth(graph, if kind == 0 { Expr::And(a, b) } else { Expr::Or(a, b) });
            }
            if kind <= 6 {
                let any = SCOPE[dice.roll(SCOPE.len())].1.clone();
                let a = sub(dice, &any);
                if kind <= 4 {
                    use Comparison::*;
                    let comparison =
                        *dice.pick(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]);
                    let b = sub(dice, &any);
                    return truth(graph, Expr::Compare(comparison, a, b));
                }
                if kind == 5 {
                    let count = dice.roll(12);
                    let values = (0..count).map(|_| literal(dice, &any)).collect();
                    return truth(graph, Expr::In { input: a, values, has_null: dice.roll(3) == 0 });
                }
                return truth(graph, if dice.roll(2) == 0 { Expr::IsNull(a) } else { Expr::IsNotNull(a) });
            }

            let a = sub(dice, of);
            truth(
                graph,
                match dice.roll(5) {
                    0 => Expr::Not(a),
                    1 => Expr::IsTrue(a),
                    2 => Expr::IsNotTrue(a),
                    3 => Expr::IsFalse(a),
                    _ => Expr::IsNotFalse(a),
                },
            )
        }

        DataType::Int | DataType::BigInt | DataType::Double => {
            let other = if *of == DataType::Int { DataType::BigInt } else { DataType::Int };
            match dice.roll(8) {
                0 if *of == DataType::Int => {
                    let a = sub(dice, &DataType::STRING);
                    call(graph, "CHAR_LENGTH", &[a])
                }
                1 | 2 => {
                    let input = sub(dice, &other);
                    graph.add(Expr::Cast { input, mode: CastMode::Strict }, of.clone().nullable())
                }
                3 => {
                    let input = sub(dice, &DataType::STRING);
                    let mode = if dice.roll(3) == 0 { CastMode::Strict } else { CastMode::Try };
                    graph.add(Expr::Cast { input, mode }, of.clone().nullable())
                }
                kind => {
                    let (a, b) = (sub(dice, of), sub(dice, of));
                    call(graph, ["+", "-", "*", if dice.roll(4) == 0 { "/" } else { "+" }][kind % 4], &[a, b])
                }
            }
        }

        DataType::Timestamp(_) | DataType::TimestampLtz(_) => {
            let local = matches!(of, DataType::Timestamp(_));
            match dice.roll(3) {
                0 => {
                    let (a, value) = (sub(dice, of), literal(dice, &DataType::IntervalDayTime));
                    let b = constant(graph, value, &DataType::IntervalDayTime);
                    call(graph, if dice.roll(2) == 0 { "+" } else { "-" }, &[a, b])
                }
                1 if !local => {
                    let (a, b) = (sub(dice, &DataType::Timestamp(3)), sub(dice, &DataType::STRING));
                    call(graph, "$AT_ZONE", &[a, b])
                }
                _ => {
                    let a = sub(dice, &DataType::STRING);
                    call(graph, if local { "$PARSE_TIMESTAMP" } else { "$PARSE_TIMESTAMP_LTZ" }, &[a])
                }
            }
        }

        DataType::Decimal { .. } => {
            let input = sub(dice, &DataType::Int);
            graph.add(Expr::Cast { input, mode: CastMode::Try }, of.clone().nullable())
        }

        _ => {
            let a = sub(dice, of);
            match dice.roll(9) {
                0 => call(graph, "LOWER", &[a]),
                1 => call(graph, "MD5", &[a]),
                2 => call(graph, "$STRIP_OFFSET", &[a]),
                3 => call(graph, "$OFFSET_OF", &[a]),
                4 => {
                    let b = sub(dice, of);
                    call(graph, "CONCAT", &[a, b])
                }
                5 => {
                    let input = sub(dice, &DataType::BigInt);
                    graph.add(Expr::Cast { input, mode: CastMode::Strict }, of.clone().nullable())
                }
                6 => {
                    let (b, c) = (sub(dice, &DataType::Int), sub(dice, &DataType::Int));
                    call(graph, "SUBSTRING", &[a, b, c])
                }
                kind => {
                    let b = sub(dice, &DataType::Int);
                    call(graph, ["LEFT", "RIGHT", "SUBSTRING"][(kind + dice.roll(3)) % 3], &[a, b])
                }
            }
        }
    }
}
