//! The pages in folders of `docs`: concepts, operations, troubleshooting and the like. Their blocks say in which language
//! they are, and this decides what is done with a block.
//!
//! | language | |
//! | --- | --- |
//! | `console` | commands that succeed with a healthy Weir: they run |
//! | `sql` | a script, which is compiled; or a part of one of the repository's scripts |
//! | `text` | what a program printed for a reader who produces the symptom: with its times, ids and addresses |

use super::text::Block;
use super::world::{World, root};

/// Pages outside of folders whose blocks have languages too.
const PAGES: &[&str] = &["docs/first-minute.md", "docs/connectors.md", "docs/tuning.md", "docs/index.md"];
/// Scripts that the pages quote.
const SCRIPTS: &[&str] = &["jobs/analytics.sql"];

/// Blocks of these pages without a language, and why they are not run.
pub const CANNOT: &[(&str, &str, &str)] = &[
    (
        "docs/coming-from/flink.md",
        "env = StreamExecutionEnvironment",
        "a program of PyFlink, which the script below it replaces",
    ),
    ("docs/concepts/ledger.md", "accepted = counted", "a formula"),
    ("docs/first-minute.md", "weir up", "the tests run it with other ports"),
    ("docs/first-minute.md", "weir generate --rate 10", "goes on until it is stopped"),
    ("docs/first-minute.md", "weir sql -f examples/queries.sql", "tests/sql_shell.rs runs it"),
    ("docs/operations/backup.md", "weir jobs savepoint", "a directory of the reader's machine"),
    ("docs/troubleshooting/memory.md", "weir run --replace everything", "a job of the example"),
    ("docs/troubleshooting/numbers-differ.md", "weir compare", "needs two Redis: tests/compare.rs has them"),
    (
        "docs/troubleshooting/websocket.md",
        "curl -s -i -m 3",
        "the connection stays open, so curl ends with an error",
    ),
];

/// Runs a block by its language. Returns false if the page or the language is another one.
pub fn run(world: &World, block: &Block) -> bool {
    let is_guide = block.file.matches('/').count() > 1 || PAGES.contains(&&*block.file);
    match block.language.as_str() {
        _ if !is_guide => return false,
        "console" => {
            world.succeeds(&block.place, &block.text());
        }
        "sql" => compile(world, block),
        "text" => {}
        _ => return false,
    }
    true
}

fn compile(world: &World, block: &Block) {
    let text = block.text();
    if text.contains("INSERT INTO") {
        std::fs::write(world.path().join("guide.sql"), &text).expect("a file");
        world.succeeds(&block.place, "weir check guide.sql");
        return;
    }
    let mut scripts = SCRIPTS.iter().map(|path| std::fs::read_to_string(root().join(path)).expect("a file"));
    assert!(scripts.any(|script| script.contains(&text)), "{}: no script has it", block.place);
}
