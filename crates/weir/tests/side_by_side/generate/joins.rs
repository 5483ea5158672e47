//! Queries over two tables.

use super::Query;
use super::parts::{Dice, Kind, Over, aggregate, column, condition};
use super::tables::{Made, Times, changing, events, versions};

fn any(dice: &mut Dice, name: &'static str) -> Made {
    if dice.chance(60) { events(dice, name, Times::Disordered) } else { changing(dice, name) }
}

pub fn join(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let kind = dice.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    let on = match dice.below(5) {
        0 => "a.k = b.k AND a.g = b.g".to_owned(),
        1 => "a.id = b.id".to_owned(),
        2 => format!("a.id = b.id AND {}", condition(dice, &right, "b.")),
        3 => "a.k IS NOT DISTINCT FROM b.k AND a.id < b.id".to_owned(),
        _ => "a.id = b.id AND a.g <> b.g".to_owned(),
    };
    let (x, y) = (column(dice, &left, "a."), column(dice, &right, "b."));
    let sql = format!("SELECT a.id, b.id, {}, {} FROM a {kind} b ON {on}", x.0, y.0);
    Query::new(vec![Kind::BigInt, Kind::BigInt, x.1, y.1], sql, vec![left, right])
}

pub fn join_of_groups(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let kind = dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
    let (x, y) = (aggregate(dice, &left, "", Over::AnyOrder), aggregate(dice, &right, "", Over::AnyOrder));
    let sql = format!(
        "SELECT a.k, a.x, b.k, b.y FROM (SELECT k, {} AS x FROM a GROUP BY k) a\n{kind} (SELECT k, {} AS y FROM b GROUP BY k) b ON a.k = b.k",
        x.0, y.0
    );
    Query::new(vec![Kind::Text, x.1, Kind::Text, y.1], sql, vec![left, right])
}

pub fn interval_join(dice: &mut Dice) -> Query {
    let (left, right) = (events(dice, "a", Times::Disordered), events(dice, "b", Times::Disordered));
    let kind = dice.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    let bounds = dice.pick(&[
        "b.ts BETWEEN a.ts - INTERVAL '2' SECOND AND a.ts + INTERVAL '2' SECOND",
        "b.ts >= a.ts AND b.ts < a.ts + INTERVAL '5' SECOND",
        "a.ts > b.ts - INTERVAL '3' SECOND AND a.ts <= b.ts + INTERVAL '1' SECOND",
    ]);
    let key = dice.pick(&["k", "g", "id"]);
    let sql = format!("SELECT a.id, b.id, a.ts, b.ts FROM a {kind} b ON a.{key} = b.{key} AND {bounds}");
    Query::new(vec![Kind::BigInt, Kind::BigInt, Kind::Time, Kind::Time], sql, vec![left, right])
}

pub fn temporal_join(dice: &mut Dice) -> Query {
    let (left, right) = (events(dice, "a", Times::Disordered), versions(dice, "b"));
    let kind = dice.pick(&["JOIN", "LEFT JOIN"]);
    // Flink refuses a join with a key that no row can have.
    let more = condition(dice, &right, "b.");
    let has_more = dice.chance(30) && !more.contains("b.k");
    let more = if has_more { format!(" AND {more}") } else { String::new() };
    let value = column(dice, &right, "b.");
    let sql = format!(
        "SELECT a.id, a.k, {} FROM a {kind} b FOR SYSTEM_TIME AS OF a.ts ON a.k = b.k{more}",
        value.0
    );
    Query::new(vec![Kind::BigInt, Kind::Text, value.1], sql, vec![left, right])
}

pub fn set_operation(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let operation = dice.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"]);
    let (list, kinds) = match dice.chance(50) {
        true => ("k, g", vec![Kind::Text, Kind::Int]),
        false => ("g", vec![Kind::Int]),
    };
    let filter =
        if dice.chance(40) { format!(" WHERE {}", condition(dice, &right, "")) } else { String::new() };
    Query::new(
        kinds,
        format!("SELECT {list} FROM a {operation} SELECT {list} FROM b{filter}"),
        vec![left, right],
    )
}

pub fn subquery(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let inner = condition(dice, &right, "b.");
    let condition = match dice.below(8) {
        0 => format!("a.g IN (SELECT b.g FROM b WHERE {inner})"),
        1 => format!("a.g NOT IN (SELECT b.g FROM b WHERE {inner} AND b.g IS NOT NULL)"),
        2 => "a.g NOT IN (SELECT b.g FROM b)".to_owned(),
        3 => format!("EXISTS (SELECT 1 FROM b WHERE a.k = b.k AND {inner})"),
        4 => format!("NOT EXISTS (SELECT 1 FROM b WHERE a.k = b.k AND a.g < b.g AND {inner})"),
        5 => "a.g >= ALL (SELECT b.g FROM b WHERE b.g IS NOT NULL)".to_owned(),
        6 => "a.g < ANY (SELECT b.g FROM b)".to_owned(),
        _ => format!("(a.id = 3 OR a.k IN (SELECT b.k FROM b WHERE {inner}))"),
    };
    let value = column(dice, &left, "a.");
    let sql = format!("SELECT a.id, {} FROM a WHERE {condition}", value.0);
    Query::new(vec![Kind::BigInt, value.1], sql, vec![left, right])
}

pub fn scalar_subquery(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let (sql, kind) = match dice.below(3) {
        0 => ("SELECT a.id, (SELECT COUNT(*) FROM b WHERE b.k = a.k) FROM a".to_owned(), Kind::BigInt),
        1 => ("SELECT a.id, (SELECT MAX(b.g) FROM b WHERE b.k = a.k) FROM a".to_owned(), Kind::Int),
        _ => {
            let call = aggregate(dice, &right, "b.", Over::AnyOrder);
            (format!("SELECT a.id, (SELECT {} FROM b) FROM a", call.0), call.1)
        }
    };
    Query::new(vec![Kind::BigInt, kind], sql, vec![left, right])
}
