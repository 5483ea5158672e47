//! The results of `MATCH_RECOGNIZE` are those of Flink, and agree with a naive model.

mod model;

use sql::plan::operator::{Operator as Spec, OperatorKind};
use types::Value;

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use crate::operator::harness::{Event, Harness, Row, insert, row, watermark};

/// Rows are a key, a time (ms), and two numbers.
const TABLE: &str = "
    CREATE TABLE t (
      k STRING, ts TIMESTAMP(3), n BIGINT, x BIGINT, pt AS PROCTIME(), WATERMARK FOR ts AS ts
    ) WITH ('connector' = 'x');";

struct Case {
    spec: Spec,
}

impl Case {
    /// Returns the operator of a `MATCH_RECOGNIZE` with these clauses.
    fn new(clauses: &str) -> Case {
        let script = format!("{TABLE} SELECT * FROM t MATCH_RECOGNIZE ({clauses})");
        let query = sql::compile_query(&script, &|_| None).unwrap_or_else(|found| panic!("{found:?}"));
        let mut operators = query.plan.operators.into_iter();
        let spec = operators.find(|operator| matches!(operator.kind, OperatorKind::Match(_)));
        Case { spec: spec.expect("the plan matches patterns") }
    }

    /// Builds a case by event time and key, with measures and the remaining clauses.
    fn keyed(measures: &str, rest: &str) -> Case {
        Case::new(&format!("PARTITION BY k ORDER BY ts MEASURES {measures} {rest}"))
    }

    fn of(&self) -> &Match {
        match &self.spec.kind {
            OperatorKind::Match(of) => of,
            _ => unreachable!("it was looked for"),
        }
    }

    fn build(&self) -> MatchOperator {
        MatchOperator::new("match".into(), self.of(), &self.spec.inputs, &TimeZone::UTC).unwrap()
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let build = || -> Box<dyn Operator> { Box::new(self.build()) };
        let harness = Harness::new(&build, vec![fields::reprs(&self.spec.inputs[0].fields)]);
        match self.of().partition.clone() {
            none if none.is_empty() => run(&harness),
            partition => run(&harness.keyed(vec![partition])),
        }
    }

    /// Returns a row with the fields that the operator reads.
    fn at(&self, key: &str, time: i64, n: i64, x: i64) -> Event {
        let value = |field: &sql::plan::operator::Field| match field.name.as_str() {
            "k" => Value::Text(key.into()),
            "n" => Value::Int(n),
            "x" => Value::Int(x),
            _ => Value::Int(time),
        };
        insert(0, self.spec.inputs[0].fields.iter().map(value).collect::<Vec<_>>())
    }

    /// Returns rows of the key `a` with times 0, 10, 20, …
    fn rows(&self, numbers: &[i64]) -> Vec<Event> {
        let row = |(place, &n): (usize, &i64)| self.at("a", place as i64 * 10, n, place as i64);
        numbers.iter().enumerate().map(row).collect()
    }

    /// Asserts the measures for rows of the key `a` with these numbers.
    fn gives(&self, numbers: &[i64], expected: &[&[i64]]) {
        let expected: Vec<Row> = expected.iter().map(|numbers| given("a", numbers)).collect();
        self.with(|harness| harness.gives(&self.rows(numbers), &expected));
    }

    /// Runs in one subtask without an interruption.
    fn run(&self, events: &[Event]) -> Result<Vec<Row>, OperatorError> {
        self.with(|harness| harness.run(events, 1, 1, None))
    }
}

/// Returns a match of a key; -1 stands for null.
fn given(key: &str, numbers: &[i64]) -> Row {
    let number = |&number: &i64| if number == -1 { Value::Null } else { Value::Int(number) };
    row("+I", [Value::Text(key.into())].into_iter().chain(numbers.iter().map(number)).collect::<Vec<_>>())
}

const A_B_C: &str =
    "AFTER MATCH SKIP PAST LAST ROW PATTERN (A B+ C) DEFINE A AS n = 1, B AS n > 1, C AS n <= 1";

#[test]
fn a_match_gives_its_partition_and_its_measures() {
    let case = Case::keyed("A.x AS a, FIRST(B.x) AS f, LAST(B.x) AS l, LAST(B.x, 1) AS l1, C.x AS c", A_B_C);
    // A row that fits no variable ends a match; the next one begins after the last row.
    case.gives(&[1, 2, 3, 1, 5, 1, 1, 2, 0], &[&[0, 1, 2, 1, 3], &[6, 7, 7, -1, 8]]);
}

#[test]
fn rows_come_in_order_of_time_and_late_ones_are_dropped() {
    let case = Case::keyed("A.x AS a, LAST(B.x) AS b, C.x AS c, MATCH_ROWTIME() AS t", A_B_C);
    let events = [
        case.at("a", 30, 1, 3),
        case.at("a", 10, 1, 1),
        case.at("b", 15, 1, 7),
        case.at("a", 20, 2, 2),
        watermark(0, 25),
        // Late, also for a key without rows.
        case.at("a", 25, 9, 0),
        case.at("c", 25, 1, 0),
        case.at("b", 27, 2, 8),
        case.at("b", 26, 3, 0),
        watermark(0, 30),
        case.at("b", 40, 0, 9),
    ];
    let expected = [given("a", &[1, 2, 3, 30]), given("b", &[7, 8, 9, 40])];
    case.with(|harness| harness.gives(&events, &expected));

    let mut operator = chain(&case);
    push(&mut operator, &case, 25, &[case.at("a", 25, 9, 0), case.at("a", 26, 9, 0)]);
    assert_eq!(operator.take_late().map(|(_, late)| late).sum::<u64>(), 1);
}

#[test]
fn rows_of_one_time_are_in_the_order_of_further_columns_then_of_arrival() {
    let clauses = |order: &str| {
        format!(
            "PARTITION BY k ORDER BY {order} MEASURES A.x AS a, B.x AS b, C.x AS c PATTERN (A B C) DEFINE A AS TRUE"
        )
    };
    let events = |case: &Case| [3, 1, 2].map(|x| case.at("a", 10, x / 2, x)).to_vec();
    let case = Case::new(&clauses("ts"));
    case.with(|harness| harness.gives(&events(&case), &[given("a", &[3, 1, 2])]));
    let case = Case::new(&clauses("ts, x DESC"));
    case.with(|harness| harness.gives(&events(&case), &[given("a", &[3, 2, 1])]));
    // 3 and 2 have the same n.
    let case = Case::new(&clauses("ts, n DESC"));
    case.with(|harness| harness.gives(&events(&case), &[given("a", &[3, 2, 1])]));
}

#[test]
fn the_next_match_begins_where_skip_says() {
    let skip = |skip: &str, expected: &[&[i64]]| {
        let rest = format!("{skip} PATTERN (A B B2 C) DEFINE A AS n >= 1, C AS n >= 1");
        Case::keyed("A.x AS a, C.x AS c", &rest).gives(&[1, 1, 1, 1, 1, 1, 1, 1], expected);
    };
    skip("AFTER MATCH SKIP PAST LAST ROW", &[&[0, 3], &[4, 7]]);
    skip("AFTER MATCH SKIP TO FIRST C", &[&[0, 3], &[3, 6]]);
    skip("AFTER MATCH SKIP TO LAST B2", &[&[0, 3], &[2, 5], &[4, 7]]);
    skip("AFTER MATCH SKIP TO B", &[&[0, 3], &[1, 4], &[2, 5], &[3, 6], &[4, 7]]);
    skip("AFTER MATCH SKIP TO NEXT ROW", &[&[0, 3], &[1, 4], &[2, 5], &[3, 6], &[4, 7]]);
    // The default, which is not that of the standard.
    skip("", &[&[0, 3], &[1, 4], &[2, 5], &[3, 6], &[4, 7]]);
}

#[test]
fn a_skip_that_leads_nowhere_fails_the_job() {
    let fails = |skip: &str, pattern: &str, words: &str| {
        let rest = format!("AFTER MATCH SKIP TO {skip} PATTERN ({pattern}) DEFINE B AS n > 1, C AS n <= 1");
        let case = Case::keyed("A.x AS a", &rest);
        let error = case.run(&case.rows(&[1, 1, 1])).expect_err("there is nothing to skip to");
        assert!(error.to_string().contains(words), "{error}");
    };
    fails("FIRST A", "A C", "the match began with");
    fails("LAST A", "A C", "the match began with");
    fails("FIRST B", "A B* C", "the match has none");
}

#[test]
fn within_is_less_than_an_interval() {
    let within = |seconds: &str| {
        let rest = format!("PATTERN (A B) WITHIN INTERVAL '{seconds}' SECOND DEFINE A AS n = 1, B AS n = 2");
        let case = Case::keyed("A.x AS a, B.x AS b", &rest);
        case.run(&[case.at("a", 1_000, 1, 0), case.at("a", 4_000, 2, 1)]).unwrap().len()
    };
    assert_eq!((within("3"), within("3.001")), (0, 1));
}

#[test]
fn a_greedy_variable_keeps_its_rows_and_a_reluctant_one_takes_few() {
    let matches = |pattern: &str, numbers: &[i64], expected: &[&[i64]]| {
        let rest = format!(
            "AFTER MATCH SKIP PAST LAST ROW PATTERN ({pattern}) DEFINE A AS n > 10, B AS n < 15, C AS n > 12"
        );
        Case::keyed("A.n AS a, COUNT(B.n) AS b, C.n AS c", &rest).gives(numbers, expected);
    };
    let prices = [10, 11, 12, 13, 14, 16];
    matches("A B* C", &prices, &[&[11, 3, 16]]);
    matches("A B*? C", &prices, &[&[11, 1, 13], &[14, 0, 16]]);
    matches("A B{2,3} C", &prices, &[&[11, 3, 16]]);
    matches("A B{2} C", &prices, &[&[11, 2, 14]]);
    matches("A B{2,}? C", &prices, &[&[11, 2, 14]]);
    // 13 and 14 fit B, and B does not return them.
    matches("A B+ C", &[11, 12, 13, 14], &[]);
    matches("A B? C", &prices, &[&[11, 1, 13], &[14, 0, 16]]);
}

#[test]
fn variables_without_rows_are_null_and_count_nothing() {
    let rest = "AFTER MATCH SKIP PAST LAST ROW PATTERN (A B? C) DEFINE B AS n = 5, C AS n = 9";
    let measures = "B.n AS b, COUNT(B.n) AS cb, SUM(B.n) AS sb, MAX(x) AS m, AVG(n) AS g, COUNT(*) AS c";
    // The variable without a condition fits any row.
    Case::keyed(measures, rest).gives(&[1, 9, 3, 5, 9], &[&[-1, 0, -1, 1, 5, 2], &[5, 1, 5, 4, 5, 3]]);
}

#[test]
fn conditions_see_the_rows_so_far_with_the_row_at_hand() {
    let rest = |define: &str| format!("AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) DEFINE {define}");
    let rises = rest("A AS LAST(A.n, 1) IS NULL OR A.n > LAST(A.n, 1), B AS n < LAST(A.n)");
    Case::keyed("FIRST(A.x) AS a, LAST(A.x) AS z, B.x AS b", &rises)
        .gives(&[5, 6, 7, 3, 4, 4, 1], &[&[0, 2, 3], &[5, 5, 6]]);

    let sum = rest("A AS SUM(A.n) < 10 AND FIRST(n) <= n, B AS COUNT(*) > 3");
    Case::keyed("COUNT(A.n) AS a, SUM(A.n) AS s, B.x AS b", &sum).gives(&[2, 3, 4, 1, 9], &[&[3, 9, 3]]);
}

#[test]
fn a_match_waits_for_one_that_began_before_it() {
    // From the first row no match is complete until 9 comes or its time is over.
    let rest = |within: &str| {
        format!(
            "AFTER MATCH SKIP TO NEXT ROW PATTERN (A B*? C) {within} DEFINE A AS n < 9, C AS C.n > A.n + 2 OR C.n = 9"
        )
    };
    let measures = "A.x AS a, C.x AS c, MATCH_ROWTIME() AS t";
    Case::keyed(measures, &rest("")).gives(&[5, 1, 4, 9], &[&[0, 3, 30], &[1, 2, 30], &[2, 3, 30]]);
    // Without a row that completes it, it waits for ever.
    Case::keyed(measures, &rest("")).gives(&[5, 1, 4, 4], &[]);

    let case = Case::keyed(measures, &rest("WITHIN INTERVAL '0.035' SECOND"));
    let mut events = case.rows(&[5, 1, 4]);
    events.push(watermark(0, 34));
    let given_at = |watermark_at: i64| {
        let mut events = events.clone();
        events.push(watermark(0, watermark_at));
        // The rows emitted at the end of time come after this one.
        events.push(case.at("z", 1_000, 0, 0));
        case.run(&events).unwrap()
    };
    assert_eq!(given_at(35), [given("a", &[1, 2, 35])]);
    case.with(|harness| harness.gives(&events, &[given("a", &[1, 2, 35])]));
}

#[test]
fn of_equal_first_rows_the_match_counts_that_is_complete_first() {
    let rest = "AFTER MATCH SKIP TO NEXT ROW PATTERN (A B*? C*? D) DEFINE A AS n = 1, B AS n <= 3, C AS n >= 2, D AS n > 2";
    // 2 fits B and C: the query does not determine which; Flink takes B.
    Case::keyed("A.x AS a, COUNT(B.x) AS b, COUNT(C.x) AS c, D.x AS d", rest)
        .gives(&[1, 2, 4], &[&[0, 1, 0, 2]]);
}

#[test]
fn without_a_partition_all_rows_are_in_one() {
    let case =
        Case::new("ORDER BY ts MEASURES A.x AS a, B.x AS b PATTERN (A B) DEFINE A AS n = 1, B AS n = 2");
    let events = [case.at("b", 2, 2, 8), case.at("a", 1, 1, 7), watermark(0, 5), case.at("c", 9, 0, 0)];
    let expected = [row("+I", [Value::Int(7), Value::Int(8)])];
    case.with(|harness| harness.gives(&events, &expected));
}

#[test]
fn by_processing_time_rows_come_as_they_arrive() {
    let clauses = |order: &str| {
        format!(
            "PARTITION BY k ORDER BY {order} MEASURES A.x AS a, B.x AS b \
             PATTERN (A B) WITHIN INTERVAL '1' SECOND DEFINE A AS n = 1, B AS n = 2"
        )
    };
    let case = Case::new(&clauses("pt"));
    let events = [
        Event::Clock(10_000),
        case.at("a", 5, 1, 0),
        case.at("a", 1, 2, 1),
        case.at("a", 1, 1, 2),
        Event::Clock(11_000),
        // A second later.
        case.at("a", 1, 2, 3),
    ];
    assert_eq!(case.run(&events).unwrap(), [given("a", &[0, 1])]);

    // Rows of one millisecond are sorted when it is over.
    let case = Case::new(&clauses("pt, n"));
    let events = [Event::Clock(10_000), case.at("a", 5, 2, 0), case.at("a", 5, 1, 1), Event::Clock(10_001)];
    assert_eq!(case.run(&events).unwrap(), [given("a", &[1, 0])]);
    assert_eq!(case.run(&events[..3]).unwrap(), [given("a", &[1, 0])]);
}

#[test]
fn rows_that_no_match_needs_are_forgotten() {
    let holds = |chain: &Chain| chain.memory_bytes().map(|(_, bytes)| bytes).sum::<usize>();
    let case = Case::keyed(
        "A.x AS a",
        "PATTERN (A B+? C) WITHIN INTERVAL '1' SECOND DEFINE A AS n = 1, B AS n = 2, C AS n = 3",
    );
    let mut chain = chain(&case);
    let mut held = Vec::new();
    for round in 0..5 {
        let rows: Vec<Event> =
            (0..100).map(|at| case.at("a", round * 2_000 + at, 1 + at.min(1), 0)).collect();
        push(&mut chain, &case, round * 2_000 - 1, &rows);
        advance(&mut chain, round * 2_000 + 100);
        held.push(holds(&chain));
        // The open match has expired.
        advance(&mut chain, round * 2_000 + 1_500);
        held.push(holds(&chain));
    }
    assert!(held[1] < held[0], "{held:?}");
    assert_eq!(held[2..4], held[8..10], "{held:?}");
}

const INPUT: ChainTarget = ChainTarget::Operator { place: 0, input: 0, producer: 0 };

fn chain(case: &Case) -> Chain {
    let link = Link {
        identity: "match".into(),
        kind: "match".into(),
        operator: Box::new(case.build()),
        producers: vec![vec![1]],
        targets: Vec::new(),
    };
    Chain::new(vec![link], Vec::new())
}

fn push(chain: &mut Chain, case: &Case, watermark: i64, events: &[Event]) {
    let mut rows = ChangeBuffer::new(&fields::reprs(&case.spec.inputs[0].fields));
    for event in events {
        if let Event::Row { kind, values, .. } = event {
            rows.push(*kind, watermark, values.iter().map(Value::as_scalar));
        }
    }
    rows.lend(|rows| chain.push(INPUT, rows)).unwrap();
}

fn advance(chain: &mut Chain, watermark: i64) {
    chain.advance(INPUT, StreamTime { watermark, is_idle: false }).unwrap();
}
