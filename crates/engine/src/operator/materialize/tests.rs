//! The rows of the sink, by kind of conflict.

use sql::plan::operator::{Distribution, Field};
use types::{DataType, Repr, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, change, row, watermark};

fn with<T>(conflict: Conflict, changes: Mode, run: impl FnOnce(&Harness<'_>) -> T) -> T {
    let field = |name: &str| Field { name: name.into(), column_type: DataType::BigInt.nullable() };
    let fields = vec![field("key"), field("id"), field("v")];
    let inputs = vec![Input { fields, distribution: Distribution::Hash(vec![0]), changes }];
    let spec = Materialize { key: vec![0], conflict };
    let build =
        || Box::new(MaterializeOperator::new("sink".into(), &spec, &inputs, None)) as Box<dyn Operator>;
    run(&Harness::new(&build, vec![vec![Repr::Int; 3]]))
}

fn event(code: &str, values: [i64; 3]) -> Event {
    change(0, code, values.map(Value::Int))
}

fn given(code: &str, values: [i64; 3]) -> Row {
    row(code, values.map(Value::Int))
}

/// Runs in one subtask: a sink's rows are not a multiset, so the harness cannot judge the final rows.
fn gives(conflict: Conflict, changes: &Mode, events: &[Event], expected: &[Row]) {
    with(conflict, changes.clone(), |harness| {
        for batch in [1, 3, 100] {
            for restored in [None, Some(1), Some(events.len() / 2), Some(events.len() - 1)] {
                let rows = harness.run(events, batch, 1, restored).unwrap();
                assert_eq!(rows, expected, "batches of {batch}, restored {restored:?}");
            }
        }
    });
}

#[test]
fn the_last_row_wins_and_an_older_one_comes_back() {
    let events = [
        event("+I", [1, 1, 10]),
        event("+I", [1, 2, 20]),
        event("+I", [2, 9, 90]),
        event("-D", [1, 3, 30]),
        event("-U", [1, 2, 20]),
        event("+U", [1, 2, 21]),
        event("-D", [1, 1, 10]),
        event("-D", [1, 2, 21]),
    ];
    let expected = [
        given("+I", [1, 1, 10]),
        given("+U", [1, 2, 20]),
        given("+I", [2, 9, 90]),
        given("+U", [1, 1, 10]),
        given("+U", [1, 2, 21]),
        given("-D", [1, 2, 21]),
    ];
    gives(Conflict::Deduplicate, &Mode::Retract, &events, &expected);
}

#[test]
fn the_first_row_stays_until_it_goes() {
    let events = [
        event("+I", [1, 1, 10]),
        event("+I", [1, 2, 20]),
        event("+I", [1, 3, 30]),
        event("-D", [1, 2, 20]),
        event("-D", [1, 1, 10]),
        event("-D", [1, 3, 30]),
    ];
    let expected = [given("+I", [1, 1, 10]), given("+U", [1, 3, 30]), given("-D", [1, 3, 30])];
    gives(Conflict::Nothing, &Mode::Retract, &events, &expected);
}

#[test]
fn an_upsert_replaces_the_row_with_its_key_where_that_stands() {
    let events = [
        event("+I", [1, 1, 10]),
        event("+I", [1, 2, 20]),
        event("+U", [1, 1, 11]),
        event("+U", [1, 2, 21]),
        event("-D", [1, 2, 0]),
        event("-D", [1, 1, 0]),
    ];
    let expected = [
        given("+I", [1, 1, 10]),
        given("+U", [1, 2, 20]),
        given("+U", [1, 2, 21]),
        given("+U", [1, 1, 11]),
        given("-D", [1, 1, 11]),
    ];
    gives(Conflict::Deduplicate, &Mode::Upsert(vec![1]), &events, &expected);
}

#[test]
fn a_conflict_that_event_time_passes_fails_the_job() {
    let run = |events: &[Event]| {
        with(Conflict::Error, Mode::Retract, |harness| {
            let outcomes: Vec<Option<String>> = [(1, None), (2, None), (100, None), (100, Some(2))]
                .into_iter()
                .map(|(batch, restored)| harness.run(events, batch, 1, restored).err().map(|e| e.to_string()))
                .collect();
            assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{outcomes:?}");
            outcomes.into_iter().next().flatten()
        })
    };
    let passing = [
        event("+I", [1, 1, 10]),
        event("+I", [1, 2, 20]),
        event("-D", [1, 1, 10]),
        watermark(0, 100),
        event("+I", [2, 1, 10]),
    ];
    assert_eq!(run(&passing), None);

    let failing =
        [event("+I", [1, 1, 10]), event("+I", [1, 2, 20]), watermark(0, 100), event("-D", [1, 1, 10])];
    let message = "`sink`: several rows of the query have the sink's key (1), and ON CONFLICT DO ERROR forbids \
                   this; write ON CONFLICT DO DEDUPLICATE (the last row wins) or DO NOTHING (the first row \
                   stays), or group the query by the sink's key";
    assert_eq!(run(&failing).as_deref(), Some(message));
    // The end of the stream is the end of event time.
    assert_eq!(run(&failing[..2]).as_deref(), Some(message));
}
