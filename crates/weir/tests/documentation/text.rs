//! The executable parts of the documents: blocks of code, and code within a line.

use std::path::Path;

/// A block of code in a document.
#[derive(Debug)]
pub struct Block {
    /// The block's place, for messages: `docs/jobs.md:56`.
    pub place: String,
    pub file: String,
    /// What follows the fence: `sql`; empty for indented blocks.
    pub language: String,
    pub lines: Vec<String>,
}

/// Code within a line.
#[derive(Debug)]
pub struct Span {
    pub place: String,
    pub text: String,
}

/// A document.
pub struct Document {
    name: String,
    lines: Vec<String>,
}

impl Block {
    /// Returns the first line, which identifies the block.
    pub fn first(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

impl Document {
    /// Returns README and everything in docs but the decisions, which describe the past, and the reference, which is
    /// generated.
    pub fn all(root: &Path) -> Vec<Document> {
        let mut names = vec!["README.md".to_owned()];
        let mut directories = vec!["docs".to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(root.join(&directory)).expect("a directory") {
                let entry = entry.expect("an entry");
                let name = format!("{directory}/{}", entry.file_name().into_string().expect("UTF-8"));
                if entry.path().is_dir() && !["docs/decisions", "docs/reference"].contains(&&*name) {
                    directories.push(name);
                } else if name.ends_with(".md") {
                    names.push(name);
                }
            }
        }
        names.sort();
        let read = |name: String| {
            let text = std::fs::read_to_string(root.join(&name)).expect("a file");
            Document { name, lines: text.lines().map(str::to_owned).collect() }
        };
        names.into_iter().map(read).collect()
    }

    /// Returns the blocks within fences, and those indented by four behind an empty line.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<Block> = None;
        let mut is_fenced = false;
        let mut was_empty = true;

        for (number, line) in (1..).zip(&self.lines) {
            let is_fence = line.starts_with("```");
            let indented = line.strip_prefix("    ");
            match (&mut open, indented) {
                (Some(_), _) if is_fenced && is_fence => {
                    blocks.extend(open.take());
                    is_fenced = false;
                }
                (Some(block), _) if is_fenced => block.lines.push(line.clone()),
                (Some(block), Some(text)) => block.lines.push(text.to_owned()),
                // An empty line within the block; empty lines at its end are removed below.
                (Some(block), None) if line.is_empty() => block.lines.push(String::new()),
                (Some(_), None) => blocks.extend(open.take()),
                (None, _) if is_fence => {
                    let language = line.trim_matches('`').to_owned();
                    (open, is_fenced) = (Some(Block { language, ..self.block(number) }), true);
                }
                (None, Some(text)) if was_empty => {
                    let mut block = self.block(number);
                    block.lines.push(text.to_owned());
                    open = Some(block);
                }
                (None, _) => {}
            }
            was_empty = line.is_empty();
        }

        blocks.extend(open);
        for block in &mut blocks {
            while block.lines.last().is_some_and(String::is_empty) {
                block.lines.pop();
            }
        }

        blocks
    }

    /// Returns code within lines, outside of blocks.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (number, line) in (1..).zip(&self.lines).filter(|(_, line)| !line.starts_with("    ")) {
            // A code span may hold back-quotes between two others.
            let parts = line.split('`').skip(1).step_by(2);
            spans.extend(parts.map(|text| Span { place: self.place(number), text: text.to_owned() }));
        }
        spans
    }

    fn block(&self, number: usize) -> Block {
        Block {
            place: self.place(number),
            file: self.name.clone(),
            language: String::new(),
            lines: Vec::new(),
        }
    }

    fn place(&self, number: usize) -> String {
        format!("{}:{number}", self.name)
    }
}
