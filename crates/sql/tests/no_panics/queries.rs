//! Random queries whose names and types are right, with subqueries, aggregates and `OVER` in every place of an
//! expression. Texts of random words hardly ever get beyond the parser; about half of these queries get a plan.

use super::{Dice, survive};

const TABLES: &str = "
CREATE TABLE t (n INT, s STRING, b BOOLEAN, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'x');
CREATE TABLE u (n INT NOT NULL, s STRING, b BOOLEAN, ts TIMESTAMP(3)) WITH ('connector' = 'x');
CREATE TABLE o (printed STRING) WITH ('connector' = 'print');
";

/// A type of values, and the column of every table that has it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Text,
    Truth,
    Time,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Number, Kind::Text, Kind::Truth, Kind::Time];

    fn column(self) -> &'static str {
        match self {
            Kind::Number => "n",
            Kind::Text => "s",
            Kind::Truth => "b",
            Kind::Time => "ts",
        }
    }

    fn literal(self) -> &'static str {
        match self {
            Kind::Number => "7",
            Kind::Text => "'a'",
            Kind::Truth => "TRUE",
            Kind::Time => "TIMESTAMP '2026-01-01 00:00:00'",
        }
    }
}

/// The tables that an expression may name, and the calls that its clause allows.
#[derive(Clone)]
struct Clause {
    tables: Vec<String>,
    aggregates: bool,
    overs: bool,
}

impl Clause {
    fn of(tables: &[String]) -> Clause {
        Clause { tables: tables.to_vec(), aggregates: false, overs: false }
    }
}

struct Writer {
    dice: Dice,
    /// Number of table names so far, which makes each of them unique.
    names: usize,
}

impl Writer {
    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.dice.roll(choices.len())].clone()
    }

    fn kind(&mut self) -> Kind {
        self.one_of(&Kind::ALL)
    }

    fn column(&mut self, clause: &Clause, kind: Kind) -> String {
        format!("{}.{}", self.one_of(&clause.tables), kind.column())
    }

    /// Writes an expression with at most `depth` levels.
    fn expr(&mut self, clause: &Clause, depth: usize, kind: Kind) -> String {
        if depth == 0 {
            return match self.dice.roll(5) {
                0 => kind.literal().to_owned(),
                _ => self.column(clause, kind),
            };
        }
        match self.dice.roll(12) {
            0 | 1 => self.column(clause, kind),
            2 | 3 if clause.aggregates => self.aggregate(clause, depth, kind),
            2 | 3 if clause.overs => self.over(clause, depth, kind),
            4 | 5 => format!("({})", self.query(&clause.tables, depth - 1, &[kind])),
            6 => {
                let condition = self.expr(clause, depth - 1, Kind::Truth);
                let (a, b) = (self.expr(clause, depth - 1, kind), self.expr(clause, depth - 1, kind));
                format!("CASE WHEN {condition} THEN {a} ELSE {b} END")
            }
            7 => {
                let (a, b) = (self.expr(clause, depth - 1, kind), self.expr(clause, depth - 1, kind));
                format!("COALESCE({a}, {b})")
            }
            _ => self.operation(clause, depth, kind),
        }
    }

    fn operation(&mut self, clause: &Clause, depth: usize, kind: Kind) -> String {
        match kind {
            Kind::Number => {
                let (a, b) = (self.expr(clause, depth - 1, kind), self.expr(clause, depth - 1, kind));
                format!("({a} {} {b})", self.one_of(&["+", "-", "*"]))
            }
            Kind::Text => format!("UPPER({})", self.expr(clause, depth - 1, kind)),
            Kind::Time => format!("({} + INTERVAL '1' HOUR)", self.expr(clause, depth - 1, kind)),
            Kind::Truth => self.condition(clause, depth),
        }
    }

    fn condition(&mut self, clause: &Clause, depth: usize) -> String {
        let kind = self.kind();
        let not = self.one_of(&["", "NOT "]);
        let left = self.expr(clause, depth - 1, kind);
        match self.dice.roll(8) {
            0 => format!("({not}EXISTS ({}))", self.query(&clause.tables, depth - 1, &[kind])),
            1 | 2 => format!("({left} {not}IN ({}))", self.query(&clause.tables, depth - 1, &[kind])),
            3 => {
                let text = self.expr(clause, depth - 1, Kind::Text);
                let query = self.query(&clause.tables, depth - 1, &[kind, Kind::Text]);
                format!("(({left}, {text}) {not}IN ({query}))")
            }
            4 => {
                let comparison = self.one_of(&["= ANY", "<> ALL", "< ANY", "> ALL"]);
                format!("({left} {comparison} ({}))", self.query(&clause.tables, depth - 1, &[kind]))
            }
            5 => format!("({left} IS {not}NULL)"),
            6 => {
                let (a, b) =
                    (self.expr(clause, depth - 1, Kind::Truth), self.expr(clause, depth - 1, Kind::Truth));
                format!("({a} {} {b})", self.one_of(&["AND", "OR"]))
            }
            _ => {
                format!("({left} {} {})", self.one_of(&["=", "<>", "<"]), self.expr(clause, depth - 1, kind))
            }
        }
    }

    fn aggregate(&mut self, clause: &Clause, depth: usize, kind: Kind) -> String {
        // Sometimes with a call that an aggregate does not allow.
        let inside = match self.dice.roll(10) {
            0 => clause.clone(),
            _ => Clause::of(&clause.tables),
        };
        let filter = match self.dice.roll(6) {
            0 => format!(" FILTER (WHERE {})", self.expr(&inside, depth - 1, Kind::Truth)),
            _ => String::new(),
        };
        let distinct = self.one_of(&["", "", "DISTINCT "]);
        let value = self.expr(&inside, depth - 1, kind);
        match kind {
            Kind::Number => format!("{}({distinct}{value}){filter}", self.one_of(&["COUNT", "SUM", "AVG"])),
            _ => format!("{}({value}){filter}", self.one_of(&["MAX", "MIN", "FIRST_VALUE"])),
        }
    }

    fn over(&mut self, clause: &Clause, depth: usize, kind: Kind) -> String {
        let inside = Clause { overs: self.dice.roll(20) == 0, ..clause.clone() };
        let value = self.expr(&inside, depth - 1, kind);
        let call = match kind {
            Kind::Number => self.one_of(&["ROW_NUMBER()".to_owned(), format!("SUM({value})")]),
            _ => format!("LAG({value})"),
        };
        let partition = self.expr(&inside, depth - 1, Kind::Text);
        let order = match self.dice.roll(4) {
            0 => self.expr(&inside, depth - 1, Kind::Time),
            _ => self.column(clause, Kind::Time),
        };
        format!("{call} OVER (PARTITION BY {partition} ORDER BY {order})")
    }

    /// Writes a SELECT of the given kinds; its conditions may name the tables of the enclosing query.
    fn query(&mut self, outer: &[String], depth: usize, kinds: &[Kind]) -> String {
        if depth > 0 && self.dice.roll(12) == 0 {
            let word = self.one_of(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
            let sides = [self.query(outer, depth - 1, kinds), self.query(outer, depth - 1, kinds)];
            return sides.join(&format!(" {word} "));
        }

        let mut tables = vec![self.name()];
        let mut from = format!("{} {}", self.one_of(&["t", "u"]), tables[0]);
        if depth > 0 && self.dice.roll(4) == 0 {
            tables.push(self.name());
            let word = self.one_of(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
            from += &format!(" {word} u {1} ON {0}.n = {1}.n", tables[0], tables[1]);
        }

        // Mostly only WHERE names the enclosing query: elsewhere it is refused.
        let mut visible = Clause::of(&tables);
        visible.tables.extend(outer.iter().cloned());
        let near = if self.dice.roll(12) == 0 { visible.clone() } else { Clause::of(&tables) };
        let filter = match self.dice.roll(2) {
            0 => format!(" WHERE {}", self.expr(&visible, depth, Kind::Truth)),
            _ => String::new(),
        };

        let (mut clause, mut group) =
            (Clause { overs: self.dice.roll(3) == 0, ..near.clone() }, String::new());
        if self.dice.roll(3) == 0 {
            let kind = self.kind();
            let key = self.expr(&near, depth.saturating_sub(2), kind);
            let form = self.one_of(&["{}", "ROLLUP ({})", "GROUPING SETS (({}), ())"]);
            group = format!(" GROUP BY {}", form.replace("{}", &key));
            clause.aggregates = true;
            if self.dice.roll(3) == 0 {
                let least = self.expr(&clause, depth.saturating_sub(1), Kind::Number);
                group += &format!(" HAVING COUNT(*) > {least}");
            }
        }
        let items: Vec<String> = kinds
            .iter()
            .map(|&kind| match clause.aggregates {
                true => self.aggregate(&clause, depth.max(1), kind),
                false => self.expr(&clause, depth, kind),
            })
            .collect();
        format!("SELECT {} FROM {from}{filter}{group}", items.join(", "))
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("x{}", self.names)
    }
}

#[test]
fn queries_with_calls_in_every_place_are_answered() {
    let mut writer = Writer { dice: Dice(0xA11), names: 0 };
    let mut planned = 0;
    for _ in 0..1_500 {
        let depth = 1 + writer.dice.roll(3);
        let kind = writer.kind();
        let query = writer.query(&[], depth, &[kind]);
        let script = format!("{TABLES}INSERT INTO o SELECT CAST(v AS STRING) FROM ({query}) AS z(v);");
        survive(&script);
        planned += usize::from(sql::compile(&script, &|_| None).is_ok());
    }
    assert!(planned > 400, "only {planned} queries have a plan, the others prove little");
}
