//! Reads the fields of a row's JSON object into the cells of a table's columns.
//!
//! Jobs write the columns in the order of their declaration, so the next field is nearly always the next column.
//! Fields that are no columns are left out, except those that say how final the row is.

use std::borrow::Cow;
use std::fmt;

use jobs::ResultTable;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cell::Cell;
use crate::analytics::intern::Texts;

/// Reads the fields of a row's JSON object.
pub(super) struct Fields<'t> {
    pub(super) cells: Vec<Cell>,
    table: &'t ResultTable,
    texts: &'t mut Texts,
    pub(super) is_final: bool,
    pub(super) revision: u32,
    /// The column that probably comes next.
    next: usize,
}

impl<'t> Fields<'t> {
    /// Reads a row's value. `None` if it is no object.
    pub(super) fn read(value: &[u8], table: &'t ResultTable, texts: &'t mut Texts) -> Option<Fields<'t>> {
        let cells = vec![Cell::Null; table.columns.len()];
        let mut fields = Fields { cells, table, texts, is_final: true, revision: 0, next: 0 };
        // A text is checked as a whole in a tenth of the time that its fields take one by one.
        let text = simdutf8::basic::from_utf8(value).ok()?;
        serde_json::Deserializer::from_str(text).deserialize_map(&mut fields).ok()?;
        Some(fields)
    }
}

impl<'de> Visitor<'de> for &mut Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, raw)) = map.next_entry::<Cow<'de, str>, &RawValue>()? {
            let columns = &self.table.columns;
            let is_next = columns.get(self.next).is_some_and(|column| column.name == *name);
            let column = match is_next {
                true => Some(self.next),
                false => columns.iter().position(|column| column.name == *name),
            };
            match column {
                Some(column) => {
                    self.next = column + 1;
                    self.cells[column] = Cell::read(raw.get().as_bytes(), columns[column].kind, self.texts);
                }
                None if name == "is_final" => self.is_final = raw.get() != "false",
                None if name == "revision" => self.revision = raw.get().parse().unwrap_or(0),
                None => {}
            }
        }
        Ok(())
    }
}
