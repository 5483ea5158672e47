//! `weir results`: lists the result tables of a running Weir, and prints rows of one.

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::api::{Answer, Api, escaped};
use super::client::ClientArgs;
use super::terminal::{complain, on_one_line, print};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Table whose rows to print [default: list all tables]
    table: Option<String>,
    /// URL of Weir
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    #[command(flatten)]
    client: ClientArgs,
    /// First time of rows: a time, a day, `now`, or back from now as `-15m`, `-2h`, `-7d`
    #[arg(long, value_name = "TIME", requires = "table", allow_hyphen_values = true)]
    from: Option<String>,
    /// Time before which rows lie
    #[arg(long, value_name = "TIME", requires = "table", allow_hyphen_values = true)]
    to: Option<String>,
    /// Conditions on columns: `word = 'a' AND n > 3`
    #[arg(long = "where", value_name = "CONDITIONS", requires = "table")]
    conditions: Option<String>,
    /// Columns, or periods of a time: `word,hour(window_start)`
    #[arg(long, value_name = "COLUMNS", requires = "table")]
    group_by: Option<String>,
    /// `count(*),sum(n),min(n),max(n),avg(n)` [default with --group-by: the count and all sums]
    #[arg(long, value_name = "AGGREGATES", requires = "table")]
    aggregate: Option<String>,
    /// Columns of the answer, with `-` for descending [default: the newest rows first]
    #[arg(long, value_name = "COLUMNS", requires = "table", allow_hyphen_values = true)]
    order: Option<String>,
    /// Maximum number of rows [default: 1000]
    #[arg(long, value_name = "ROWS", requires = "table")]
    limit: Option<u32>,
    /// `null`, `zero` or `previous` for periods of --group-by without rows
    #[arg(long, value_name = "FILL", requires = "table")]
    fill: Option<String>,
    /// Print one JSON object per row or table instead of text
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV with a line of names
    #[arg(long, requires = "table")]
    csv: bool,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Value>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let api = Api::new(&arguments.url, &arguments.client)?;
    match &arguments.table {
        Some(table) => rows(&api, arguments, table)?,
        None => tables(&api, arguments)?,
    }
    Ok(Outcome::Done)
}

fn tables(api: &Api, arguments: &Arguments) -> Result<(), Failure> {
    let Tables { tables } = api.read(&api.get("/results", &[])?)?;
    if arguments.json {
        return tables.iter().try_for_each(|table| print(&table.to_string()));
    }

    let mut lines = vec![["TABLE", "ROWS", "NEWEST", "JOB", "COLUMNS"].map(str::to_owned).to_vec()];
    for table in &tables {
        let text = |name: &str| table[name].as_str().unwrap_or("-").to_owned();
        let columns = table["columns"].as_array().into_iter().flatten();
        let columns: Vec<&str> = columns.filter_map(|column| column["name"].as_str()).collect();
        lines.push(vec![
            text("name"),
            table["rows"].to_string(),
            text("newest"),
            text("job"),
            columns.join(","),
        ]);
    }
    aligned(&lines).iter().try_for_each(|line| print(line))
}

fn rows(api: &Api, arguments: &Arguments, table: &str) -> Result<(), Failure> {
    let limit = arguments.limit.map(|limit| limit.to_string());
    let given = [
        ("from", &arguments.from),
        ("to", &arguments.to),
        ("where", &arguments.conditions),
        ("group_by", &arguments.group_by),
        ("aggregate", &arguments.aggregate),
        ("order", &arguments.order),
        ("limit", &limit),
        ("fill", &arguments.fill),
    ];
    let mut query: Vec<(&str, &str)> =
        given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    query.push(("format", if arguments.json { "ndjson" } else { "csv" }));

    let Answer { text, is_complete } = api.get_rows(&format!("/results/{}", escaped(table)), &query)?;
    if arguments.json || arguments.csv {
        text.lines().try_for_each(print)?;
    } else {
        let lines = records(&text);
        aligned(&lines).iter().try_for_each(|line| print(line))?;
        complain(&format!("{} rows", lines.len().saturating_sub(1)));
    }
    if !is_complete {
        complain("there are more rows: raise --limit, or choose a shorter period with --from and --to");
    }
    Ok(())
}

/// Splits CSV (RFC 4180) into records of fields.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    records
}

/// Pads the fields of lines to equal widths.
pub(super) fn aligned(lines: &[Vec<String>]) -> Vec<String> {
    let lines: Vec<Vec<String>> =
        lines.iter().map(|line| line.iter().map(|field| on_one_line(field).into_owned()).collect()).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|field| field.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let pad = |line: &Vec<String>| {
        let fields: Vec<String> =
            line.iter().zip(&widths).map(|(field, width)| format!("{field:<width$}")).collect();
        fields.join("  ").trim_end().to_owned()
    };
    lines.iter().map(pad).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_csv_may_hold_everything() {
        let expected = [vec!["a", "b,\"c\"\nd"], vec!["", "é"]];
        assert_eq!(records("a,\"b,\"\"c\"\"\nd\"\r\n,é\r\n"), expected);
        assert!(records("").is_empty());
    }

    #[test]
    fn fields_are_aligned_and_do_not_write_to_the_terminal() {
        let lines = [vec!["word".to_owned(), "n".to_owned()], vec!["đi\u{1b}[2J".to_owned(), "1".to_owned()]];
        assert_eq!(aligned(&lines), ["word         n", "đi\\u{1b}[2J  1"]);
    }
}
