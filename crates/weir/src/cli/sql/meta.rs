//! Commands for the shell itself, which begin with `\`.

use clap::ValueEnum as _;

use super::output::Format;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meta {
    Help,
    Quit,
    Expanded,
    /// Lists the tables, or describes one of them.
    Describe(Option<String>),
    Jobs,
    Include(String),
    Format(Format),
    Timing,
}

/// All commands: their usage and effect.
const ALL: [(&str, &str); 8] = [
    (r"\?", "print this help"),
    (r"\q", "quit (also Ctrl-D)"),
    (r"\x", "toggle between one line per row and one line per value"),
    (r"\d [TABLE]", "list tables, or the columns of a table"),
    (r"\jobs", "list jobs"),
    (r"\i FILE", "run a file of statements"),
    (r"\format FORMAT", "write results as table, csv or json"),
    (r"\timing", "toggle the timing of statements"),
];

/// Returns the names with which a command may begin.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter_map(|(usage, _)| usage.split(' ').next())
}

pub(super) fn help() -> String {
    let mut help = "A statement ends with `;` and may take several lines. Ctrl-C ends the running statement, or clears the \
                    line.\n"
        .to_owned();
    for (usage, does) in ALL {
        help.push_str(&format!("  {usage:<16} {does}\n"));
    }
    help.push_str(
        "  SHOW FUNCTIONS;  and SHOW TABLES; SHOW JOBS; DESCRIBE t; EXPLAIN …; are statements of Weir",
    );
    help
}

/// Parses a command; fails with the error for people.
pub(super) fn parse(line: &str) -> Result<Meta, String> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = Some(rest.trim()).filter(|rest| !rest.is_empty());
    let meta = match (name, argument) {
        (r"\?" | r"\h" | r"\help", None) => Meta::Help,
        (r"\q" | r"\quit", None) => Meta::Quit,
        (r"\x", None) => Meta::Expanded,
        (r"\d", table) => Meta::Describe(table.map(str::to_owned)),
        (r"\jobs", None) => Meta::Jobs,
        (r"\i", Some(file)) => Meta::Include(file.to_owned()),
        (r"\format", Some(format)) => Meta::Format(Format::from_str(format, true)?),
        (r"\timing", None) => Meta::Timing,
        (name, _) => {
            let usage = ALL.iter().find(|(usage, _)| usage.split(' ').next() == Some(name));
            return Err(usage.map_or_else(
                || format!(r"there is no {name}; \? lists all commands"),
                |(usage, _)| format!("usage: {usage}"),
            ));
        }
    };
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_the_shell_are_read() {
        assert_eq!(parse(r"\x"), Ok(Meta::Expanded));
        assert_eq!(parse(r"\d;"), Ok(Meta::Describe(None)));
        assert_eq!(parse(r" \d  `my table` ; "), Ok(Meta::Describe(Some("`my table`".to_owned()))));
        assert_eq!(parse(r"\i a b.sql"), Ok(Meta::Include("a b.sql".to_owned())));
        assert_eq!(parse(r"\format JSON"), Ok(Meta::Format(Format::Json)));
    }

    #[test]
    fn what_is_wrong_with_one_is_said() {
        assert_eq!(parse(r"\i").unwrap_err(), r"usage: \i FILE");
        assert_eq!(parse(r"\x on").unwrap_err(), r"usage: \x");
        assert!(parse(r"\nosuch").unwrap_err().contains(r"\?"));
        assert!(parse(r"\format xml").unwrap_err().contains("xml"));
    }

    #[test]
    fn each_that_is_listed_is_known() {
        for (usage, _) in ALL {
            let line = usage.replace("FILE", "a").replace("FORMAT", "csv").replace("[TABLE]", "t");
            assert!(parse(&line).is_ok(), "{line}");
        }
    }
}
