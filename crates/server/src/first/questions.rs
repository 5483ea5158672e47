//! The questions that the upper panels of the first page ask, as addresses of `GET /results/{table}`.
//!
//! The page decides what a panel asks (`ui/src/dashboards/queries.ts` and `charts/`). This file repeats it for the
//! simple cases: one number, a line without groups, and shares, each with a number and a combination in the document.
//! An end-to-end test draws these panels without any request, so it fails if the two differ. Other panels ask for
//! themselves.

use serde::Deserialize;

/// Rows of the grid that a window shows at first.
const ROWS_SHOWN: u32 = 9;

/// Limits of the page's questions.
const TREND_POINTS: u32 = 1_000;
const LINE_POINTS: u32 = 20_000;
const SHARES: u32 = 1_000;

/// Names of the tables with the results of generated events begin with this.
const GENERATED: &str = "generated_";

/// A period, its double, and the unit of time of its drawings.
const PERIODS: [(&str, &str, &str); 6] = [
    ("15m", "30m", "minute"),
    ("1h", "2h", "minute"),
    ("6h", "12h", "minute"),
    ("24h", "48h", "hour"),
    ("7d", "14d", "hour"),
    ("30d", "60d", "day"),
];

/// What the address of the page says: at most a period.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    period: Option<String>,
}

impl View {
    /// Reads the address; `None` if the view has chosen values or other things that change the questions.
    pub(super) fn of(query: &str) -> Option<View> {
        let mut view = View::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=')? {
                ("period", period) => view.period = Some(period.to_owned()),
                ("tz" | "wall", _) => {}
                _ => return None,
            }
        }
        Some(view)
    }
}

/// What the server knows of the panels and their tables, from the answers of its routes.
pub(super) struct Known {
    dashboard: Dashboard,
    tables: Vec<Table>,
    is_generated: bool,
}

#[derive(Deserialize)]
struct Dashboard {
    period: Option<String>,
    panels: Vec<Panel>,
}

#[derive(Deserialize)]
struct Panel {
    table: String,
    chart: String,
    number: Option<String>,
    combination: Option<String>,
    weight: Option<String>,
    #[serde(default)]
    by: Vec<String>,
    #[serde(rename = "where")]
    conditions: Option<String>,
    at: Place,
}

#[derive(Deserialize)]
struct Place {
    y: u32,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    columns: Vec<Column>,
    time_column: Option<String>,
    rows: usize,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Generator {
    state: String,
}

impl Known {
    /// Reads the answers of `/results`, `/dashboards/{name}` and `/generated`.
    pub(super) fn read(tables: &[u8], dashboard: &[u8], generated: &[u8]) -> Option<Known> {
        let Tables { tables } = serde_json::from_slice(tables).ok()?;
        let dashboard: Dashboard = serde_json::from_slice(dashboard).ok()?;
        let Generator { state } = serde_json::from_slice(generated).ok()?;

        // Generated events are shown as long as there are no others.
        let is_of_panel = |table: &Table| dashboard.panels.iter().any(|panel| panel.table == table.name);
        let has_rows = tables.iter().any(|table| table.rows > 0 && is_of_panel(table));
        Some(Known { is_generated: state != "off" && !has_rows, dashboard, tables })
    }

    /// Returns the addresses that the upper panels ask, from top to bottom.
    pub(super) fn questions(&self, view: View) -> Vec<String> {
        let period = view.period.as_ref().or(self.dashboard.period.as_ref());
        let period = PERIODS.iter().find(|(name, ..)| *name == period.map_or("24h", String::as_str));
        let Some(period) = period else { return Vec::new() };

        let mut panels: Vec<&Panel> =
            self.dashboard.panels.iter().filter(|panel| panel.at.y < ROWS_SHOWN).collect();
        panels.sort_by_key(|panel| panel.at.y);
        panels
            .into_iter()
            .filter_map(|panel| questions_of(panel, self.table(&panel.table)?, period))
            .flatten()
            .collect()
    }

    fn table(&self, name: &str) -> Option<&Table> {
        let named = |name: &str| self.tables.iter().find(|table| table.name == name);
        let generated = self.is_generated.then(|| named(&format!("{GENERATED}{name}"))).flatten();
        generated.or_else(|| named(name))
    }
}

/// Returns the questions of a panel; `None` if the page has to decide what it asks.
fn questions_of(panel: &Panel, table: &Table, period: &(&str, &str, &str)) -> Option<Vec<String>> {
    let (period, double, unit) = *period;
    let (number, combination) = (panel.number.as_ref()?, panel.combination.as_deref()?);
    if combination == "count" {
        return None;
    }
    let weight = panel.weight.as_ref().filter(|_| combination == "avg");
    let weight = weight.map(|weight| format!(" weighted by {weight}")).unwrap_or_default();
    let measure = format!("{combination}({number}{weight})");

    let ask = |from: &str, to: &str, group: &str, order: &str, limit: u32| {
        let (from, to) = (back(from), back(to));
        let conditions = panel.conditions.as_deref().unwrap_or_default().trim();
        address(
            &table.name,
            &[
                ("from", &from),
                ("to", &to),
                ("where", conditions),
                ("group_by", group),
                ("aggregate", &measure),
                ("order", order),
                ("limit", &limit.to_string()),
            ],
        )
    };

    let unit = table.time_column.as_ref().map(|time| format!("{unit}({time})"));
    match panel.chart.as_str() {
        "number" => {
            let total = ask(period, "", "", "", 1);
            let trend = unit.map(|unit| ask(period, "", &unit, &unit, TREND_POINTS));
            let before = ask(double, period, "", "", 1);
            Some([Some(total), trend, Some(before)].into_iter().flatten().collect())
        }
        "line" if panel.by.is_empty() => {
            let unit = unit?;
            Some(vec![ask(period, "", &unit, &unit, LINE_POINTS)])
        }
        "share" => {
            let by = panel.by.iter().find(|by| table.columns.iter().any(|column| column.name == **by))?;
            Some(vec![ask(period, "", by, &format!("-{measure}"), SHARES)])
        }
        _ => None,
    }
}

fn back(period: &str) -> String {
    if period.is_empty() { String::new() } else { format!("-{period}") }
}

/// Returns an address as a browser writes it, without parameters that are empty.
fn address(table: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("results/{}?{}", encoded(table), query.join("&"))
}

/// Encodes a value as `application/x-www-form-urlencoded`, as `URLSearchParams` does.
fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = r#"{"tables": [
        {"name": "overall", "columns": [{"name": "total"}], "time_column": "window_end", "rows": 3},
        {"name": "generated_overall", "columns": [{"name": "total"}], "time_column": "window_end", "rows": 3}]}"#;

    const DASHBOARD: &str = r#"{"period": "30d", "panels": [
        {"table": "overall", "chart": "line", "number": "total", "combination": "sum", "at": {"x": 0, "y": 3}},
        {"table": "overall", "chart": "number", "number": "total", "combination": "avg", "weight": "n",
            "where": " name = 'a b' ", "at": {"x": 0, "y": 0}},
        {"table": "overall", "chart": "number", "number": "total", "combination": "sum", "at": {"x": 0, "y": 9}}]}"#;

    fn questions(tables: &str, state: &str, query: &str) -> Vec<String> {
        let generated = format!("{{\"state\": \"{state}\"}}");
        let known = Known::read(tables.as_bytes(), DASHBOARD.as_bytes(), generated.as_bytes());
        View::of(query).map(|view| known.expect("answers").questions(view)).unwrap_or_default()
    }

    #[test]
    fn the_upper_panels_ask_as_a_browser_writes_it() {
        let filter = "where=name+%3D+%27a+b%27";
        let measure = "aggregate=avg%28total+weighted+by+n%29";
        let day = "day%28window_end%29";
        assert_eq!(
            questions(TABLES, "off", ""),
            [
                format!("results/overall?from=-30d&{filter}&{measure}&limit=1"),
                format!("results/overall?from=-30d&{filter}&group_by={day}&{measure}&order={day}&limit=1000"),
                format!("results/overall?from=-60d&to=-30d&{filter}&{measure}&limit=1"),
                format!(
                    "results/overall?from=-30d&group_by={day}&aggregate=sum%28total%29&order={day}&limit=20000"
                ),
            ]
        );
    }

    #[test]
    fn the_address_says_the_period_and_other_views_ask_for_themselves() {
        assert!(questions(TABLES, "off", "period=6h&tz=UTC")[1].contains("from=-6h&"));
        assert!(questions(TABLES, "off", "period=all").is_empty());
        assert!(questions(TABLES, "off", "period=6h&panel=a").is_empty());
    }

    #[test]
    fn generated_events_are_shown_only_while_there_are_no_others() {
        assert!(questions(TABLES, "running", "")[0].starts_with("results/overall?"));
        let empty = TABLES.replacen("\"rows\": 3", "\"rows\": 0", 1);
        assert!(questions(&empty, "running", "")[0].starts_with("results/generated_overall?"));
    }
}
