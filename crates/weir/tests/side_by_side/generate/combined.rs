//! Queries over the rows of other queries.

use super::Query;
use super::parts::{Dice, Kind, Over, aggregate, column, condition};
use super::tables::{Made, Times, changing, events, versions};

const TUMBLE: &str = "TABLE(TUMBLE(TABLE rows_in_time, DESCRIPTOR(ts), INTERVAL '10' SECOND))";

fn any(dice: &mut Dice, name: &'static str) -> Made {
    if dice.chance(50) { events(dice, name, Times::Disordered) } else { changing(dice, name) }
}

/// Windows over rows that keep their event time behind another operator.
pub fn window_over(dice: &mut Dice) -> Query {
    let (view, tables) = match dice.below(5) {
        0 => (
            "SELECT a.id, a.k, a.ts FROM a JOIN b ON a.k = b.k AND b.ts BETWEEN a.ts - INTERVAL '2' SECOND AND a.ts",
            vec![events(dice, "a", Times::Disordered), events(dice, "b", Times::Disordered)],
        ),
        1 => (
            "SELECT a.id, b.k, a.ts FROM a LEFT JOIN b FOR SYSTEM_TIME AS OF a.ts ON a.k = b.k",
            vec![events(dice, "a", Times::Disordered), versions(dice, "b")],
        ),
        2 => (
            "SELECT id, k, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g, k ORDER BY ts) AS place FROM a) WHERE place = 1",
            vec![events(dice, "a", Times::Late)],
        ),
        3 => (
            "SELECT id, k, ts FROM (SELECT id, k, ts, COUNT(*) OVER (PARTITION BY k ORDER BY ts) AS n FROM a) WHERE n > 1",
            vec![events(dice, "a", Times::Unique)],
        ),
        _ => (
            "SELECT id, k, ts FROM a UNION ALL SELECT id, k, ts FROM b",
            vec![events(dice, "a", Times::Disordered), events(dice, "b", Times::Disordered)],
        ),
    };

    let sql = format!(
        "SELECT k, window_end, COUNT(*), SUM(id), COUNT(DISTINCT id) FROM {TUMBLE} GROUP BY k, window_start, window_end"
    );

    let kinds = vec![Kind::Text, Kind::Time, Kind::BigInt, Kind::BigInt, Kind::BigInt];
    Query {
        views: vec![format!("CREATE TEMPORARY VIEW rows_in_time AS\n{view}")],
        ..Query::new(kinds, sql, tables)
    }
}

/// Groups, or the top, of the rows of a join.
pub fn over_join(dice: &mut Dice) -> Query {
    let (left, right) = (any(dice, "a"), any(dice, "b"));
    let kind = dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
    let join = format!("a {kind} b ON a.id = b.id");
    if dice.chance(60) {
        let (x, y) =
            (aggregate(dice, &left, "a.", Over::AnyOrder), aggregate(dice, &right, "b.", Over::AnyOrder));
        let sql = format!("SELECT a.k, COUNT(*), {}, {} FROM {join} GROUP BY a.k", x.0, y.0);
        return Query::new(vec![Kind::Text, Kind::BigInt, x.1, y.1], sql, vec![left, right]);
    }
    let sql = format!(
        "SELECT k, x, y FROM (\n  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY y DESC, x) AS place FROM (\n    \
         SELECT a.k, a.id AS x, b.g AS y FROM {join})\n) WHERE place <= 2"
    );
    Query::new(vec![Kind::Text, Kind::BigInt, Kind::Int], sql, vec![left, right])
}

pub fn join_of_three(dice: &mut Dice) -> Query {
    let tables = vec![any(dice, "a"), any(dice, "b"), any(dice, "c")];
    let (first, second) = (dice.pick(&["JOIN", "LEFT JOIN"]), dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]));
    let (x, z) = (column(dice, &tables[0], "a."), column(dice, &tables[2], "c."));
    let more = condition(dice, &tables[2], "c.");
    let sql = format!(
        "SELECT a.id, b.id, c.id, {}, {} FROM a\n{first} b ON a.id = b.id\n{second} c ON b.id = c.id AND {more}",
        x.0, z.0
    );
    Query::new(vec![Kind::BigInt, Kind::BigInt, Kind::BigInt, x.1, z.1], sql, tables)
}

/// Groups of all rows of two tables, and subqueries of groups.
pub fn over_set(dice: &mut Dice) -> Query {
    let tables = vec![any(dice, "a"), any(dice, "b")];
    let (kinds, sql) = match dice.below(4) {
        0 => (
            vec![Kind::Text, Kind::BigInt, Kind::Int],
            "SELECT k, COUNT(*), MAX(g) FROM (SELECT k, g FROM a UNION ALL SELECT k, g FROM b) GROUP BY k",
        ),
        1 => (
            vec![Kind::Int, Kind::BigInt],
            "SELECT g, COUNT(*) FROM (SELECT k, g FROM a EXCEPT SELECT k, g FROM b) GROUP BY g",
        ),
        2 => (
            vec![Kind::BigInt, Kind::Text],
            "SELECT id, k FROM a WHERE k IN (SELECT k FROM b GROUP BY k HAVING COUNT(*) > 2)",
        ),
        _ => (
            vec![Kind::Text, Kind::BigInt],
            "SELECT k, COUNT(*) FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id) GROUP BY k",
        ),
    };
    Query::new(kinds, sql.to_owned(), tables)
}

/// A join of two aggregates over the same windows.
pub fn join_of_windows(dice: &mut Dice) -> Query {
    let tables = vec![events(dice, "a", Times::Disordered), events(dice, "b", Times::Disordered)];
    let kind = dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
    let windows = |dice: &mut Dice, table: &Made| {
        let call = aggregate(dice, table, "", Over::AnyOrder);
        let sql = format!(
            "(SELECT k, window_start, window_end, {} AS x FROM TABLE(\n  TUMBLE(TABLE {}, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end)",
            call.0, table.name
        );
        (sql, call.1)
    };
    let (left, right) = (windows(dice, &tables[0]), windows(dice, &tables[1]));
    let sql = format!(
        "SELECT l.k, r.k, l.window_end, l.x, r.x FROM {} l\n{kind} {} r\nON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end",
        left.0, right.0
    );
    Query::new(vec![Kind::Text, Kind::Text, Kind::Time, left.1, right.1], sql, tables)
}
