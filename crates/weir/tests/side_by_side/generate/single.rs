//! Queries over one table.

use super::Query;
use super::parts::{
    Dice, Kind, Over, Typed, aggregate, aggregates, column, condition, expression, filter, items, key, named,
};
use super::tables::{Made, Times, changing, events, nested};

/// Returns a table of new rows, or of rows that change.
fn any(dice: &mut Dice) -> Made {
    if dice.chance(60) { events(dice, "a", Times::Late) } else { changing(dice, "a") }
}

fn keys(dice: &mut Dice) -> Vec<Typed> {
    let mut keys: Vec<Typed> = (0..1 + dice.below(2)).map(|_| key(dice, "")).collect();
    keys.dedup();
    keys
}

pub fn group(dice: &mut Dice) -> Query {
    let table = any(dice);
    let keys = if dice.chance(10) { vec![] } else { keys(dice) };
    let calls = aggregates(dice, &table, "", Over::Arrival);
    let filter = filter(dice, &table, "");
    let having = if dice.chance(25) { " HAVING COUNT(*) > 1" } else { "" };
    let by = items(&keys).0;
    let by = if by.is_empty() { by } else { format!(" GROUP BY {by}") };
    let (list, kinds) = items(&[keys, calls].concat());
    Query::new(kinds, format!("SELECT {list} FROM a{filter}{by}{having}"), vec![table])
}

pub fn grouping_sets(dice: &mut Dice) -> Query {
    let table = any(dice);
    let calls = aggregates(dice, &table, "", Over::AnyOrder);
    let sets = dice.pick(&[
        "ROLLUP (k, g)",
        "CUBE (k, g)",
        "GROUPING SETS ((k), (g), ())",
        "GROUPING SETS ((k, g), (k))",
    ]);
    let filter = filter(dice, &table, "");
    let (list, kinds) = items(&calls);
    let kinds = [vec![Kind::Text, Kind::Int, Kind::BigInt], kinds].concat();
    Query::new(
        kinds,
        format!("SELECT k, g, GROUPING_ID(k, g), {list} FROM a{filter} GROUP BY {sets}"),
        vec![table],
    )
}

pub fn distinct(dice: &mut Dice) -> Query {
    let table = any(dice);
    let keys = [keys(dice), vec![expression(dice, &table, "")]].concat();
    let filter = filter(dice, &table, "");
    let (list, kinds) = items(&keys);
    Query::new(kinds, format!("SELECT DISTINCT {list} FROM a{filter}"), vec![table])
}

/// Groups of groups, or the top of groups.
pub fn cascade(dice: &mut Dice) -> Query {
    let table = any(dice);
    let call = aggregate(dice, &table, "", Over::AnyOrder);
    let groups =
        format!("SELECT k, g, COUNT(*) AS n, {} FROM a GROUP BY k, g", named(std::slice::from_ref(&call)));
    if dice.chance(50) {
        let sql =
            format!("SELECT g, COUNT(*), SUM(n), MAX(x0), COUNT(DISTINCT n) FROM ({groups}) GROUP BY g");
        return Query::new(
            vec![Kind::Int, Kind::BigInt, Kind::BigInt, call.1, Kind::BigInt],
            sql,
            vec![table],
        );
    }
    let partition = dice.pick(&["PARTITION BY g ", ""]);
    let sql = format!(
        "SELECT k, g, n, x0, place FROM (SELECT *, ROW_NUMBER() OVER ({partition}ORDER BY n DESC, k, g) AS place FROM ({groups}))\nWHERE place <= 3"
    );
    Query::new(vec![Kind::Text, Kind::Int, Kind::BigInt, call.1, Kind::BigInt], sql, vec![table])
}

/// Ranks of at least two: for one, Flink omits some retractions.
pub fn top(dice: &mut Dice) -> Query {
    let table = any(dice);
    let (order, _) = column(dice, &table, "");
    let direction = dice.pick(&["", " DESC", " NULLS LAST", " DESC NULLS FIRST", " DESC NULLS LAST"]);
    // Copies of a row would tie.
    let partition = dice.pick(&["PARTITION BY k ", "PARTITION BY g ", "PARTITION BY k, g ", ""]);
    let value = column(dice, &table, "");
    let count = 2 + dice.below(3);
    let filter = filter(dice, &table, "");
    let with_number = dice.chance(50);
    let number = if with_number { ", place" } else { "" };
    let sql = format!(
        "SELECT id, k, {}{number} FROM (\n  SELECT *, ROW_NUMBER() OVER ({partition}ORDER BY {order}{direction}, id) AS place FROM a{filter}\n) WHERE place <= {count}",
        value.0
    );
    let mut kinds = vec![Kind::BigInt, Kind::Text, value.1];
    if with_number {
        kinds.push(Kind::BigInt);
    }
    Query::new(kinds, sql, vec![table])
}

pub fn deduplicate(dice: &mut Dice) -> Query {
    let table = events(dice, "a", Times::Late);
    let order = dice.pick(&["ts", "ts DESC", "PROCTIME()", "PROCTIME() DESC"]);
    let keys = dice.pick(&["k", "g", "k, g"]);
    let value = column(dice, &table, "");
    let sql = format!(
        "SELECT id, ts, {} FROM (\n  SELECT *, ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {order}) AS place FROM a\n) WHERE place = 1",
        value.0
    );
    Query::new(vec![Kind::BigInt, Kind::Time, value.1], sql, vec![table])
}

pub fn order(dice: &mut Dice) -> Query {
    if dice.chance(50) {
        let table = events(dice, "a", Times::Late);
        let sql = format!("SELECT id, ts FROM a{} ORDER BY ts, id", filter(dice, &table, ""));
        return Query::new(vec![Kind::BigInt, Kind::Time], sql, vec![table]);
    }
    let table = any(dice);
    let value = column(dice, &table, "");
    let direction = dice.pick(&["", " DESC"]);
    let count = 2 + dice.below(5);
    // Over rows that change, Flink omits the retraction of rows that an offset skips.
    let offset = if dice.chance(30) && !table.changes() { " OFFSET 1" } else { "" };
    // Over rows that change, Flink keeps deleted rows if the key alone decides the order.
    let first = if value.0 == "id" && table.changes() { "k" } else { &value.0 };
    let sql =
        format!("SELECT id, {} AS x FROM a ORDER BY {first}{direction}, id LIMIT {count}{offset}", value.0);
    Query::new(vec![Kind::BigInt, value.1], sql, vec![table])
}

pub fn over(dice: &mut Dice) -> Query {
    let table = events(dice, "a", Times::Unique);
    let frame = dice.pick(&[
        "",
        " RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    ]);
    let partition = dice.pick(&["PARTITION BY k ", "PARTITION BY g ", ""]);

    if dice.chance(20) {
        let sql = format!("SELECT id, LAG(id) OVER ({partition}ORDER BY ts) FROM a");
        return Query::new(vec![Kind::BigInt, Kind::BigInt], sql, vec![table]);
    }

    let mut calls = Vec::new();
    while calls.is_empty() {
        let call = aggregate(dice, &table, "", Over::AnyOrder);
        if !call.0.contains("FILTER") {
            calls.push((format!("{} OVER w", call.0), call.1));
        }
    }

    calls.push(("COUNT(*) OVER w".to_owned(), Kind::BigInt));
    let (list, kinds) = items(&calls);
    let sql = format!("SELECT id, {list} FROM a WINDOW w AS ({partition}ORDER BY ts{frame})");
    Query::new([vec![Kind::BigInt], kinds].concat(), sql, vec![table])
}

pub fn values(dice: &mut Dice) -> Query {
    let table = any(dice);
    let made: Vec<Typed> = (0..4).map(|_| expression(dice, &table, "")).collect();
    let filter = filter(dice, &table, "");
    let (list, kinds) = items(&made);
    Query::new([vec![Kind::BigInt], kinds].concat(), format!("SELECT id, {list} FROM a{filter}"), vec![table])
}

pub fn unnest(dice: &mut Dice) -> Query {
    let table = nested(dice, "a");
    let (kinds, sql) = match dice.below(6) {
        0 => (vec![Kind::BigInt, Kind::Text], "SELECT id, tag FROM a CROSS JOIN UNNEST(tags) AS t (tag)"),
        1 => (
            vec![Kind::BigInt, Kind::Text],
            "SELECT id, tag FROM a LEFT JOIN UNNEST(tags) AS t (tag) ON TRUE",
        ),
        2 => (
            vec![Kind::BigInt, Kind::Text, Kind::Int],
            "SELECT id, tag, place FROM a CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, place)",
        ),
        3 => (
            vec![Kind::BigInt, Kind::Text, Kind::Int],
            "SELECT id, p, v FROM a CROSS JOIN UNNEST(pairs) AS t (p, v)",
        ),
        4 => (
            vec![Kind::Text, Kind::BigInt],
            "SELECT code, SUM(id) FROM a CROSS JOIN UNNEST(lines) AS t (code, n) GROUP BY code",
        ),
        _ => (
            vec![Kind::BigInt, Kind::Text, Kind::Int, Kind::Int, Kind::Text],
            "SELECT id, tags[1], pairs['a'], CARDINALITY(lines), CAST(tags AS STRING) FROM a",
        ),
    };
    Query::new(kinds, sql.to_owned(), vec![table])
}

/// Sequences of rows. Their times differ, because otherwise the sequence is open.
pub fn matched(dice: &mut Dice) -> Query {
    let table = events(dice, "a", Times::Unique);
    let (begins, goes_on) = (condition(dice, &table, "x."), condition(dice, &table, "y."));
    let pattern = dice.pick(&["x y+ z", "x y* z", "x y? z", "x{2} z", "x y{1,3} z", "x+? z"]);
    let within = dice.pick(&["", " WITHIN INTERVAL '10' SECOND"]);
    let skip = dice.pick(&["SKIP PAST LAST ROW", "SKIP TO NEXT ROW"]);
    let partition = dice.pick(&["k", "g"]);
    let (define, seen) = match pattern.contains('y') {
        true => (format!("x AS {begins}, y AS {goes_on}, z AS z.id > 0 AND z.g IS NOT NULL"), "COUNT(y.id)"),
        false => (format!("x AS {begins}, z AS z.g IS NOT NULL"), "COUNT(x.id)"),
    };
    let sql = format!(
        "SELECT began, ended, seen FROM a MATCH_RECOGNIZE (\n  PARTITION BY {partition}\n  ORDER BY ts\n  MEASURES FIRST(x.id) AS began, z.id AS ended, {seen} AS seen\n  \
         ONE ROW PER MATCH\n  AFTER MATCH {skip}\n  PATTERN ({pattern}){within}\n  DEFINE {define}\n)"
    );
    Query::new(vec![Kind::BigInt; 3], sql, vec![table])
}
