//! The evaluator agrees with the naive interpreter, whatever the expressions, batches and selections.

use engine::column::Column;
use engine::evaluate::{Evaluator, Inputs, Passed, Vector};
use jiff::tz::TimeZone;
use sql::expr::{CastMode, Comparison, Expr, ExprGraph, ExprId};
use sql::functions::Env;
use types::{DataType, Repr, Value};

use super::naive::Naive;
use super::sample::{self, Dice, Held, SCOPE};

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

/// Compares values; doubles by their bits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (a, b) => a == b,
    }
}

/// Runs expressions over some batches, requested in parts and under several selections.
fn check(graph: &ExprGraph, roots: &[ExprId], dice: &mut Dice, sizes: &[usize]) {
    let mut evaluator = Evaluator::new(graph, roots, &zone()).unwrap();
    let mut columns = sample::columns();
    for (batch, &size) in sizes.iter().enumerate() {
        let env = Env { now_ms: 1_765_279_800_000 + batch as i64 };
        let naive = Naive::new(graph, zone(), env);
        if dice.roll(4) == 0 {
            compact(&mut columns, &mut evaluator, dice);
        }
        if batch > 0 && dice.roll(8) == 0 {
            uncode(&mut columns, dice);
        }
        let (rows, constants) = sample::fill(dice, &mut columns, size);
        let mut vectors: Vec<Vector<'_>> = columns.iter().map(Vector::of).collect();
        vectors.extend(constants.iter().map(|value| Vector::Const(value.as_scalar())));
        let inputs = Inputs::Vectors(&vectors);

        evaluator.begin(size, &env);
        for _ in 0..3 {
            let selection = sample::selection(dice, size);
            let all: Vec<u32> = (0..size as u32).collect();
            let asked = selection.as_deref().unwrap_or(&all);
            let some: Vec<ExprId> = roots.iter().copied().filter(|_| dice.roll(2) == 0).collect();
            let expected: Vec<Vec<Result<Value, _>>> = some
                .iter()
                .map(|root| asked.iter().map(|&row| naive.value(*root, &rows[row as usize])).collect())
                .collect();
            let fails = expected.iter().flatten().any(|value| value.is_err());
            match evaluator.compute(inputs, &some, selection.as_deref()) {
                Err(error) => {
                    assert!(fails, "{error}, but no row asked for fails: {:?}", digests(graph, &some));
                    break;
                }
                Ok(()) => assert!(!fails, "a row should have failed: {:?}", digests(graph, &some)),
            }
            for (root, expected) in some.iter().zip(&expected) {
                let vector = evaluator.column(inputs, *root);
                for (&row, expected) in asked.iter().zip(expected) {
                    let (got, expected) = (vector.get(row as usize).to_value(), expected.as_ref().unwrap());
                    let values = &rows[row as usize];
                    assert!(
                        same(&got, expected),
                        "row {row} of {size}: {got:?} instead of {expected:?}\n{}\n{values:?}",
                        graph.digest(*root)
                    );
                }
            }
        }
    }
}

fn digests(graph: &ExprGraph, exprs: &[ExprId]) -> Vec<String> {
    exprs.iter().map(|expr| graph.digest(*expr)).collect()
}

/// Drops some texts of the dictionaries, after which every code has another meaning.
fn compact(columns: &mut [Column], evaluator: &mut Evaluator, dice: &mut Dice) {
    for (index, column) in columns.iter_mut().enumerate() {
        if let Column::Coded(coded) = column {
            let live: Vec<bool> = (0..coded.dictionary.len()).map(|_| dice.roll(2) == 0).collect();
            coded.dictionary.retain(&live);
            evaluator.forget(index);
        }
    }
}

/// Turns a column of codes into one of plain texts, as a source does when texts do not repeat.
fn uncode(columns: &mut [Column], dice: &mut Dice) {
    let column = &mut columns[dice.roll(SCOPE.len() - 2)];
    if matches!(column, Column::Coded(_)) {
        *column = Column::new(Repr::Text);
    }
}

#[test]
fn random_expressions_give_what_the_naive_interpreter_gives() {
    for seed in 0..600 {
        let mut dice = Dice(seed);
        let mut graph = sample::graph();
        let roots: Vec<ExprId> = (0..5)
            .map(|_| {
                let of = SCOPE[dice.roll(SCOPE.len())].1.clone();
                let depth = 1 + dice.roll(5);
                sample::expression(&mut dice, &mut graph, &of, depth)
            })
            .collect();
        check(&graph, &roots, &mut dice, &[1, 7, 40, 1, 90]);
    }
}

#[test]
fn every_kernel_agrees_with_the_registry() {
    use DataType::{BigInt, Double, Int, TimestampLtz};
    const STRING: DataType = DataType::STRING;
    let at = DataType::Timestamp(3);
    let interval = DataType::IntervalDayTime;

    let kernels: Vec<(&str, Vec<DataType>)> = vec![
        ("CHAR_LENGTH", vec![STRING]),
        ("LEFT", vec![STRING, Int]),
        ("RIGHT", vec![STRING, Int]),
        ("SUBSTRING", vec![STRING, Int]),
        ("SUBSTRING", vec![STRING, Int, Int]),
        ("$OFFSET_OF", vec![STRING]),
        ("$STRIP_OFFSET", vec![STRING]),
        ("$PARSE_TIMESTAMP", vec![STRING]),
        ("$PARSE_TIMESTAMP_LTZ", vec![STRING]),
        ("$AT_ZONE", vec![at.clone(), STRING]),
        ("+", vec![Int, Int]),
        ("-", vec![Int, Int]),
        ("*", vec![Int, Int]),
        ("+", vec![BigInt, BigInt]),
        ("-", vec![BigInt, BigInt]),
        ("*", vec![BigInt, BigInt]),
        ("+", vec![Double, Double]),
        ("-", vec![Double, Double]),
        ("*", vec![Double, Double]),
        ("+", vec![at.clone(), interval.clone()]),
        ("+", vec![interval.clone(), TimestampLtz(3)]),
        ("-", vec![at, interval]),
    ];

    let mut dice = Dice(7);
    for (name, types) in kernels {
        for _ in 0..20 {
            let mut graph = sample::graph();
            let args: Vec<ExprId> = types
                .iter()
                .map(|of| {
                    let fitting: Vec<usize> = (0..SCOPE.len())
                        .filter(|&i| SCOPE[i].1 == *of && (SCOPE[i].2 == Held::Plain || dice.roll(8) == 0))
                        .collect();
                    if fitting.is_empty() || *of == Int && dice.roll(2) == 0 {
                        let value = sample::value(&mut dice, of);
                        return sample::constant(&mut graph, value, of);
                    }
                    graph.add(Expr::Column(*dice.pick(&fitting)), of.clone().nullable())
                })
                .collect();

            let root = sample::call(&mut graph, name, &args);
            check(&graph, &[root], &mut dice, &[1, 7, 600]);
        }
    }
}

/// The arguments after the column.
type Literals = Vec<(Value, DataType)>;

/// Functions whose kernels need literals beside the column.
#[test]
fn every_kernel_with_literals_agrees_with_the_registry() {
    const STRING: DataType = DataType::STRING;
    let text = |text: &str| (Value::Text(text.to_owned()), STRING);
    let int = |value: i64| (Value::Int(value), DataType::Int);
    let at = DataType::Timestamp(3);
    let money = DataType::Decimal { precision: 10, scale: 2 };
    let tenths = || (Value::Wide(908), DataType::Decimal { precision: 4, scale: 3 });
    let huge = || (Value::Wide(i128::MAX / 1_000), DataType::Decimal { precision: 38, scale: 3 });

    let calls: Vec<(&str, DataType, Literals)> = vec![
        ("SPLIT_INDEX", STRING, vec![text(" "), int(0)]),
        ("SPLIT_INDEX", STRING, vec![text(":"), int(2)]),
        ("SPLIT_INDEX", STRING, vec![text("😀"), int(1)]),
        ("SPLIT_INDEX", STRING, vec![text(""), int(1)]),
        ("SPLIT_INDEX", STRING, vec![text("-"), int(-1)]),
        ("SPLIT_INDEX", STRING, vec![int(58), int(1)]),
        ("REGEXP_EXTRACT", STRING, vec![text("(\\d\\d):(\\d\\d)"), int(2)]),
        ("REGEXP_EXTRACT", STRING, vec![text("(a|h)?.*(c|Z)$"), int(1)]),
        ("REGEXP_EXTRACT", STRING, vec![text("[a-z]+$")]),
        ("REGEXP_EXTRACT", STRING, vec![text("("), int(1)]),
        ("REGEXP_EXTRACT", STRING, vec![text("(T)"), int(7)]),
        ("REGEXP", STRING, vec![text("Z$")]),
        ("REGEXP", STRING, vec![text("")]),
        ("LIKE", STRING, vec![text("%11:3%")]),
        ("LIKE", STRING, vec![text("2025%")]),
        ("LIKE", STRING, vec![text("_ọc%_")]),
        ("STARTSWITH", STRING, vec![text("H")]),
        ("ENDSWITH", STRING, vec![text("")]),
        ("TRIM", STRING, vec![]),
        ("LTRIM", STRING, vec![]),
        ("RTRIM", STRING, vec![]),
        ("REPLACE", STRING, vec![text("T"), text(" ")]),
        ("REPLACE", STRING, vec![text("00"), text("")]),
        ("REPLACE", STRING, vec![text("c"), text("two")]),
        ("REPLACE", STRING, vec![text(""), text("-")]),
        ("LOWER", STRING, vec![]),
        ("UPPER", STRING, vec![]),
        ("CONCAT", STRING, vec![text("/"), text("đ")]),
        ("HOUR", at.clone(), vec![]),
        ("MINUTE", at.clone(), vec![]),
        ("YEAR", at.clone(), vec![]),
        ("DAYOFWEEK", at.clone(), vec![]),
        ("DATE_FORMAT", at.clone(), vec![text("yyyy-MM-dd")]),
        ("DATE_FORMAT", at.clone(), vec![text("HH:mm[:ss]")]),
        ("DATE_FORMAT", at, vec![text("EEE a SSS")]),
        ("%", DataType::Int, vec![int(7)]),
        ("%", DataType::Int, vec![int(-3)]),
        ("%", DataType::Int, vec![int(0)]),
        ("*", money.clone(), vec![tenths()]),
        ("*", money.clone(), vec![huge()]),
        ("+", money.clone(), vec![tenths()]),
        ("-", money.clone(), vec![tenths()]),
        ("-", money, vec![huge()]),
    ];

    let mut dice = Dice(11);
    for (name, of, literals) in calls {
        for _ in 0..10 {
            let mut graph = sample::graph();
            let fitting: Vec<usize> = (0..SCOPE.len()).filter(|&i| SCOPE[i].1 == of).collect();
            let mut args = vec![graph.add(Expr::Column(*dice.pick(&fitting)), of.clone().nullable())];
            args.extend(literals.iter().map(|(value, of)| sample::constant(&mut graph, value.clone(), of)));
            let root = sample::call(&mut graph, name, &args);
            check(&graph, &[root], &mut dice, &[1, 7, 200]);
        }
    }
}

#[test]
fn decimals_are_converted_and_compared_as_the_interpreter_does() {
    let money = DataType::Decimal { precision: 10, scale: 2 };
    let mut dice = Dice(13);
    for (of, to) in [
        (DataType::Int, DataType::Decimal { precision: 10, scale: 0 }),
        (DataType::Int, DataType::Decimal { precision: 5, scale: 2 }),
        (DataType::BigInt, DataType::Decimal { precision: 38, scale: 19 }),
        (money.clone(), DataType::Decimal { precision: 12, scale: 2 }),
        (money.clone(), DataType::Decimal { precision: 4, scale: 1 }),
        (money, DataType::Decimal { precision: 38, scale: 30 }),
    ] {
        let mut graph = sample::graph();
        let column = SCOPE.iter().position(|(_, known, _)| *known == of).unwrap();
        let input = graph.add(Expr::Column(column), of.nullable());
        let cast = graph.add(Expr::Cast { input, mode: CastMode::Strict }, to.clone().nullable());
        let bound = sample::constant(&mut graph, Value::Wide(150), &to);
        let compare = Expr::Compare(Comparison::GreaterOrEqual, cast, bound);
        let compare = graph.add(compare, DataType::Boolean.nullable());
        check(&graph, &[cast, compare], &mut dice, &[1, 7, 90, 200]);
    }
}

#[test]
fn large_batches_agree_too() {
    for seed in 0..8 {
        let mut dice = Dice(seed ^ 0xfeed);
        let mut graph = sample::graph();
        let roots: Vec<ExprId> =
            SCOPE.iter().map(|(_, of, _)| sample::expression(&mut dice, &mut graph, of, 4)).collect();
        check(&graph, &roots, &mut dice, &[4096, 7, 4096]);
    }
}

#[test]
fn a_filter_keeps_the_rows_for_which_all_conditions_are_true() {
    for seed in 0..400 {
        let mut dice = Dice(seed ^ 0xf117e4);
        let mut graph = sample::graph();
        let conditions: Vec<ExprId> = (0..1 + dice.roll(3))
            .map(|_| sample::expression(&mut dice, &mut graph, &DataType::Boolean, 3))
            .collect();
        let env = Env { now_ms: 0 };
        let mut evaluator = Evaluator::new(&graph, &conditions, &zone()).unwrap();
        let naive = Naive::new(&graph, zone(), env);
        let mut columns = sample::columns();
        let (rows, constants) = sample::fill(&mut dice, &mut columns, 50);
        let mut vectors: Vec<Vector<'_>> = columns.iter().map(Vector::of).collect();
        vectors.extend(constants.iter().map(|value| Vector::Const(value.as_scalar())));
        let given = sample::selection(&mut dice, rows.len());

        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let given_rows = given.as_deref().unwrap_or(&all);
        let mut expected = Ok(Vec::new());
        'rows: for &row in given_rows {
            for condition in &conditions {
                match naive.value(*condition, &rows[row as usize]) {
                    Ok(Value::Bool(true)) => {}
                    Ok(_) => continue 'rows,
                    Err(error) => {
                        expected = Err(error);
                        break 'rows;
                    }
                }
            }
            if let Ok(rows) = &mut expected {
                rows.push(row);
            }
        }

        evaluator.begin(rows.len(), &env);
        let mut passed = Vec::new();
        let outcome = evaluator.filter(Inputs::Vectors(&vectors), &conditions, given.as_deref(), &mut passed);
        match (outcome, expected) {
            (Ok(Passed::All), Ok(expected)) => assert_eq!(given_rows, expected),
            (Ok(Passed::Some), Ok(expected)) => {
                assert_eq!(passed, expected);
                assert!(passed.len() < given_rows.len());
            }
            (Err(_), Err(_)) => {}
            (outcome, expected) => panic!("{outcome:?} instead of {expected:?}"),
        }
    }
}
