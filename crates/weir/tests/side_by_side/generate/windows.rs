//! Queries over windows of event time.

use super::Query;
use super::parts::{Dice, Kind, Over, Typed, aggregates, filter, items, named};
use super::tables::{Made, Times, changing_events, events};

/// Returns a table of new rows, or sometimes of rows that change.
fn any(dice: &mut Dice) -> Made {
    if dice.chance(75) { events(dice, "a", Times::Late) } else { changing_events(dice, "a") }
}

/// Returns a windowing of a table, as a function of TABLE(…).
fn windowing(dice: &mut Dice, table: &str) -> String {
    let offset = dice.pick(&["", "", ", INTERVAL '1' SECOND"]);
    let source = format!("TABLE {table}, DESCRIPTOR(ts)");
    match dice.below(3) {
        0 => format!("TABLE(TUMBLE({source}, INTERVAL '10' SECOND{offset}))"),
        1 => format!("TABLE(HOP({source}, INTERVAL '4' SECOND, INTERVAL '12' SECOND{offset}))"),
        _ => format!("TABLE(CUMULATE({source}, INTERVAL '5' SECOND, INTERVAL '15' SECOND{offset}))"),
    }
}

fn bounds() -> Vec<Typed> {
    vec![("window_start".to_owned(), Kind::Time), ("window_end".to_owned(), Kind::Time)]
}

pub fn window(dice: &mut Dice) -> Query {
    let table = any(dice);
    let calls = aggregates(dice, &table, "", Over::AnyOrder);
    let windowing = windowing(dice, "a");
    let filter = filter(dice, &table, "");
    let by = dice.pick(&["", ", k", ", g", ", ROLLUP (k)"]);
    let mut selected = bounds();
    match by {
        ", g" => selected.push(("g".to_owned(), Kind::Int)),
        "" => {}
        _ => selected.push(("k".to_owned(), Kind::Text)),
    }
    let (list, kinds) = items(&[selected, calls].concat());
    let sql = format!("SELECT {list}\nFROM {windowing}{filter}\nGROUP BY window_start, window_end{by}");
    Query::new(kinds, sql, vec![table])
}

pub fn session(dice: &mut Dice) -> Query {
    let table = any(dice);
    let calls = aggregates(dice, &table, "", Over::AnyOrder);
    let gap = dice.pick(&[1, 2, 4]);
    let (list, kinds) = items(&[bounds(), calls].concat());
    let (partition, key, kinds) = match dice.chance(70) {
        true => (" PARTITION BY k", "k, ", [vec![Kind::Text], kinds].concat()),
        false => ("", "", kinds),
    };
    let sql = format!(
        "SELECT {key}{list}\nFROM TABLE(SESSION(TABLE a{partition}, DESCRIPTOR(ts), INTERVAL '{gap}' SECOND))\nGROUP BY {key}window_start, window_end"
    );
    Query::new(kinds, sql, vec![table])
}

/// Windows in GROUP BY.
pub fn group_window(dice: &mut Dice) -> Query {
    let table = any(dice);
    let calls = aggregates(dice, &table, "", Over::AnyOrder);
    let (name, arguments) = dice.pick(&[
        ("TUMBLE", "INTERVAL '10' SECOND"),
        ("HOP", "INTERVAL '5' SECOND, INTERVAL '10' SECOND"),
        ("SESSION", "INTERVAL '2' SECOND"),
    ]);
    let (list, kinds) = items(&calls);
    let sql = format!(
        "SELECT k, {name}_START(ts, {arguments}), {name}_END(ts, {arguments}), {list}\nFROM a GROUP BY k, {name}(ts, {arguments})"
    );
    Query::new([vec![Kind::Text, Kind::Time, Kind::Time], kinds].concat(), sql, vec![table])
}

pub fn over_window(dice: &mut Dice) -> Query {
    let table = events(dice, "a", Times::Late);
    let calls = aggregates(dice, &table, "", Over::AnyOrder);
    let view = format!(
        "CREATE TEMPORARY VIEW small AS\nSELECT k, window_time AS ts, COUNT(*) AS n, {}\nFROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '5' SECOND))\nGROUP BY k, window_start, window_end, window_time",
        named(&calls)
    );
    let by_key = dice.chance(50);
    let key = if by_key { "k, " } else { "" };
    let sql = format!(
        "SELECT {key}window_start, window_end, SUM(n), MAX(x0), COUNT(x0)\nFROM TABLE(TUMBLE(TABLE small, DESCRIPTOR(ts), INTERVAL '15' SECOND))\nGROUP BY {key}window_start, window_end"
    );
    let mut kinds = vec![Kind::Time, Kind::Time, Kind::BigInt, calls[0].1, Kind::BigInt];
    if by_key {
        kinds.insert(0, Kind::Text);
    }
    Query { views: vec![view], ..Query::new(kinds, sql, vec![table]) }
}

pub fn top(dice: &mut Dice) -> Query {
    let table = events(dice, "a", Times::Late);
    let count = 1 + dice.below(3);
    let windowing = windowing(dice, "a");
    let direction = dice.pick(&["", " DESC"]);
    let sql = match dice.chance(50) {
        true => format!(
            "SELECT window_end, k, n FROM (\n  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n{direction}, k) AS place FROM (\n    \
             SELECT window_start, window_end, k, COUNT(*) AS n FROM {windowing} GROUP BY window_start, window_end, k)\n) WHERE place <= {count}"
        ),
        false => format!(
            "SELECT window_end, k, id FROM (\n  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY g{direction}, id) AS place\n  \
             FROM {windowing}\n) WHERE place <= {count}"
        ),
    };
    Query::new(vec![Kind::Time, Kind::Text, Kind::BigInt], sql, vec![table])
}

pub fn join(dice: &mut Dice) -> Query {
    let (left, right): (Made, Made) =
        (events(dice, "a", Times::Disordered), events(dice, "b", Times::Disordered));
    let windowing = |table: &str| {
        format!("(SELECT * FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), INTERVAL '10' SECOND)))")
    };

    let kind = dice.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    let key = dice.pick(&["k", "g", "id"]);
    let same = "AND a.window_start = b.window_start AND a.window_end = b.window_end";

    if dice.chance(30) {
        let not = dice.pick(&["", "NOT "]);
        let sql = format!(
            "SELECT a.id, a.window_end FROM {} a WHERE {not}EXISTS (\n  SELECT 1 FROM {} b WHERE a.{key} = b.{key} {same})",
            windowing("a"),
            windowing("b")
        );
        return Query::new(vec![Kind::BigInt, Kind::Time], sql, vec![left, right]);
    }

    let sql = format!(
        "SELECT a.id, b.id, a.window_end, b.window_end FROM {} a\n{kind} {} b ON a.{key} = b.{key} {same}",
        windowing("a"),
        windowing("b")
    );
    Query::new(vec![Kind::BigInt, Kind::BigInt, Kind::Time, Kind::Time], sql, vec![left, right])
}
