//! The inner join: whole columns of pairs.

use super::*;
use crate::column::{Coded, Column};
use crate::evaluate::Vector;
use crate::operator::changes::{Changes, Kinds, RowWatermarks};
use crate::operator::harness::{Event, change, row};
use crate::operator::join::pair_columns::PairColumns;
use crate::state::key_group;

fn on(input: usize, code: &str, k: i64, v: i64) -> Event {
    change(input, code, values([Some(k), Some(v)]))
}

#[test]
fn a_row_with_very_many_partners_meets_each_as_often_as_it_is_there() {
    let condition = Some(compares(Comparison::Less, 1, 3));
    for join in [by_key(JoinKind::Inner), Join { condition, ..by_key(JoinKind::Inner) }] {
        let copies = (0..5_000).map(|_| on(RIGHT, "+I", 1, 20));
        let others = (0..5_000).map(|v| on(RIGHT, "+I", 1, 100 + v));
        let events: Vec<Event> = copies.chain(others).chain([on(LEFT, "+U", 1, 10)]).collect();

        let pair = |v| row("+U", values([Some(1), Some(10), Some(1), Some(v)]));
        let expected: Vec<_> =
            (0..5_000).map(|_| pair(20)).chain((0..5_000).map(|v| pair(100 + v))).collect();
        let build = || operator_of(&join, None);
        let harness = Harness::new(&build, vec![FORMS.to_vec(), FORMS.to_vec()]);
        assert_eq!(harness.run(&events, 100, 1, None).unwrap(), expected);
    }
}

#[test]
fn pairs_have_the_fields_of_both_rows() {
    let mut inputs = inputs_of(&["name", "k", "v"]);
    for input in &mut inputs {
        input.fields[0].column_type = DataType::STRING.nullable();
    }
    let shape =
        JoinShape::new(JoinKind::Inner, &[JoinKey { left: 1, right: 1, nulls_match: false }], &inputs);

    let names = [Scalar::Text("näme"), Scalar::Null, Scalar::Text("")];
    let mut columns = [Column::Coded(Coded::default()), Column::new(Repr::Int), Column::new(Repr::Int)];
    for (at, name) in names.into_iter().enumerate() {
        columns[0].push(name);
        columns[1].push(Scalar::Int(7));
        columns[2].push(Scalar::Int(at as i64));
    }
    let columns = columns.each_ref().map(Vector::of);
    let rows = Changes {
        columns: &columns,
        rows: crate::selection::Selection::All(3),
        kinds: Kinds::All(RowKind::Insert),
        watermarks: RowWatermarks::All(0),
    };

    let forms = [Repr::Text, Repr::Int, Repr::Int, Repr::Text, Repr::Int, Repr::Int];
    for given in [LEFT, RIGHT] {
        for unread in [None, Some(3), Some(4), Some(5)] {
            let mut pairs = PairColumns::new(&shape, &forms, |field| Some(field) != unread);
            let stored: Vec<Vec<u8>> = (0..3)
                .map(|at| {
                    let mut stored = Vec::new();
                    shape.write_row(1 - given, &rows, at, &mut stored);
                    stored
                })
                .collect();
            let (places, partners) = ([2, 0, 0, 1], [1, 0, 2, 2]);
            let vectors = pairs.fill(given, &rows, &places, partners.iter().map(|&at: &usize| &*stored[at]));

            for pair in 0..places.len() {
                let sides = [places[pair] as usize, partners[pair]];
                let of = if given == LEFT { sides } else { [sides[1], sides[0]] };
                let fields = of.iter().flat_map(|&at| (0..3).map(move |field| rows.get(field, at)));
                for (field, expected) in fields.enumerate().filter(|(field, _)| Some(*field) != unread) {
                    assert_eq!(vectors[field].get(pair), expected, "field {field} of pair {pair}");
                }
            }
        }
    }
}

#[test]
fn a_stored_text_that_is_no_utf_8_is_refused() {
    let image = |text: [u8; 2]| {
        let mut packed = vec![1, 4, 5, 2];
        packed.extend(text);
        let key = [17];
        let mut bytes = vec![0, key.len() as u8, key[0]];
        bytes.extend([0; 8]);
        row::write_length(packed.len(), &mut bytes);
        bytes.extend(packed);
        StatePart { key_group: key_group(&key), bytes }
    };
    let join = by_key(JoinKind::Inner);
    assert!(operator_of(&join, None).restore(&image(*b"ab")).is_ok());
    assert!(operator_of(&join, None).restore(&image([0xff, b'a'])).is_err());
    assert!(operator_of(&join, None).restore(&image([b'a', 0xff])).is_err());
}
