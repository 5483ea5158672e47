//! Encodes rows as keys and JSON objects.

use std::ops::Range;

use engine::connector::{Rows, Stage};
use engine::evaluate::Vector;
use sql::plan::SinkTable;
use types::{DataType, Scalar};

use super::template::KeyTemplate;
use crate::format::json::write::{write_integer, write_scalar, write_string};

/// Encodes the rows of one table.
pub struct RowEncoder {
    template: Option<KeyTemplate>,
    /// The encoded `"name":` of each column, with the comma or brace before it.
    names: Vec<Vec<u8>>,
    types: Vec<DataType>,
    tells_stage: bool,
    key: String,
    value: Vec<u8>,
    scratch: Vec<u8>,
    /// Text that is equal in all current rows, part by part.
    fixed: Vec<u8>,
    parts: Vec<ObjectPart>,
}

/// A part of an object: a range of the fixed text, followed by a column's value.
struct ObjectPart {
    fixed: Range<usize>,
    /// `None` for the last part.
    column: Option<usize>,
}

impl RowEncoder {
    /// Creates an encoder. With `tells_stage`, rows of windows have `is_final`, and corrected rows
    /// `revision`.
    pub fn new(table: &SinkTable, template: KeyTemplate, tells_stage: bool) -> RowEncoder {
        RowEncoder { template: Some(template), ..RowEncoder::without_key(table, tells_stage) }
    }

    /// Creates an encoder for a table whose rows have no key.
    pub fn without_key(table: &SinkTable, tells_stage: bool) -> RowEncoder {
        let names = table.columns.iter().enumerate().map(|(index, column)| {
            let mut name = vec![if index == 0 { b'{' } else { b',' }];
            write_string(&mut name, &column.name);
            name.push(b':');
            name
        });
        RowEncoder {
            template: None,
            names: names.collect(),
            types: table.columns.iter().map(|column| column.column_type.data_type.clone()).collect(),
            tells_stage,
            key: String::new(),
            value: Vec::new(),
            scratch: Vec::new(),
            fixed: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Calls `each` with every row's place, key (empty without a template) and JSON object.
    pub fn encode(&mut self, rows: &Rows<'_>, mut each: impl FnMut(usize, &str, &[u8])) {
        self.write_fixed(rows);
        let RowEncoder { template, types, tells_stage, key, value, scratch, fixed, parts, .. } = self;
        let tells_stage = *tells_stage && rows.window.is_some();
        let mut block = Block::new(rows.columns);

        let mut encode = |row: usize, values: &[Scalar<'_>]| {
            key.clear();
            if let Some(template) = template {
                template.write(key, scratch, |column| values[column]);
            }
            value.clear();
            for part in &*parts {
                value.extend_from_slice(&fixed[part.fixed.clone()]);
                if let Some(column) = part.column {
                    write_scalar(value, values[column], &types[column]);
                }
            }
            if tells_stage && let Some(&revision) = rows.revisions.get(row).filter(|&&revision| revision > 0)
            {
                value.extend_from_slice(b",\"revision\":");
                write_integer(value, revision.into());
            }
            value.push(b'}');
            each(row, key, value);
        };

        rows.rows.for_each(|_, row| block.push(row, &mut encode));
        block.flush(&mut encode);
    }

    /// Writes names and constants once for all rows.
    fn write_fixed(&mut self, rows: &Rows<'_>) {
        self.fixed.clear();
        self.parts.clear();
        let mut start = 0;

        for (column, vector) in rows.columns.iter().enumerate() {
            self.fixed.extend_from_slice(&self.names[column]);
            if let Vector::Const(value) = vector {
                write_scalar(&mut self.fixed, *value, &self.types[column]);
            } else {
                self.parts.push(ObjectPart { fixed: start..self.fixed.len(), column: Some(column) });
                start = self.fixed.len();
            }
        }

        if self.tells_stage && rows.window.is_some() {
            self.fixed.extend_from_slice(match rows.stage {
                Stage::Early => b",\"is_final\":false",
                Stage::Final => b",\"is_final\":true",
            });
        }

        self.parts.push(ObjectPart { fixed: start..self.fixed.len(), column: None });
    }
}

/// The values of some rows, row after row.
///
/// Texts of large dictionaries are scattered in memory. Their places are looked up, and their first bytes
/// touched, for many rows at once, so that the memory latencies overlap.
struct Block<'a> {
    columns: &'a [Vector<'a>],
    rows: Vec<usize>,
    values: Vec<Scalar<'a>>,
}

impl<'a> Block<'a> {
    const ROWS: usize = 32;

    fn new(columns: &'a [Vector<'a>]) -> Block<'a> {
        Block { columns, rows: Vec::new(), values: Vec::new() }
    }

    fn push(&mut self, row: usize, encode: impl FnMut(usize, &[Scalar<'_>])) {
        self.rows.push(row);
        if self.rows.len() == Self::ROWS {
            self.flush(encode);
        }
    }

    fn flush(&mut self, mut encode: impl FnMut(usize, &[Scalar<'_>])) {
        let width = self.columns.len();
        self.values.clear();
        self.values.resize(self.rows.len() * width, Scalar::Null);
        let mut touched = 0;

        for (index, column) in self.columns.iter().enumerate() {
            let values = self.values.iter_mut().skip(index).step_by(width);
            for (&row, value) in self.rows.iter().zip(values) {
                *value = column.get(row);
            }
            if matches!(column, Vector::Coded { .. }) {
                for value in self.values.iter().skip(index).step_by(width) {
                    if let Scalar::Text(text) = value {
                        touched ^= text.as_bytes().first().copied().unwrap_or_default();
                    }
                }
            }
        }

        std::hint::black_box(touched);
        for (place, &row) in self.rows.iter().enumerate() {
            encode(row, &self.values[place * width..][..width]);
        }
        self.rows.clear();
    }
}
