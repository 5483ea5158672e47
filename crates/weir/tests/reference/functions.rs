//! The functions of SQL, as `weir functions` lists them.

use std::fmt::Write as _;

use crate::{cell, code, generated_from};

pub fn page() -> String {
    let mut page = format!("# Functions\n\n{}\n", generated_from("the registry of SQL's functions"));
    page.push_str(
        "`weir functions TEXT` searches this list. Names and results are those of Flink; a name is written in upper or \
         lower case. Aggregates and forms with a grammar of their own are at the end.\n\n| name | meaning |\n| --- | --- |\n",
    );
    for entry in sql::functions::manual() {
        let names: Vec<String> = entry.names.iter().map(|name| code(name)).collect();
        writeln!(page, "| {} | {} |", names.join(", "), cell(&entry.doc)).expect("memory");
    }
    page
}
