//! Rows as keys and JSON objects.

use engine::connector::{Rows, Stage};
use sql::plan::SinkTable;
use types::DataType;

use super::template::KeyTemplate;
use crate::format::json::write::{write_scalar, write_string};

/// Writes rows of one table.
pub struct RowEncoder {
    template: Option<KeyTemplate>,
    /// `"name":` of each column, with the comma or brace before it.
    names: Vec<Vec<u8>>,
    types: Vec<DataType>,
    tells_stage: bool,
    key: String,
    value: Vec<u8>,
}

impl RowEncoder {
    /// With `tells_stage`, rows of windows carry `is_final`, and corrected ones `revision`.
    pub fn new(table: &SinkTable, template: KeyTemplate, tells_stage: bool) -> RowEncoder {
        RowEncoder { template: Some(template), ..RowEncoder::without_key(table, tells_stage) }
    }

    /// For tables whose rows have no key.
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
        }
    }

    /// Calls `each` with every row's place, key (empty without a template) and JSON object.
    pub fn encode(&mut self, rows: &Rows<'_>, mut each: impl FnMut(usize, &str, &[u8])) {
        let RowEncoder { template, names, types, tells_stage, key, value } = self;
        rows.rows.for_each(|_, row| {
            key.clear();
            if let Some(template) = template {
                template.write(key, |column| rows.columns[column].get(row));
            }
            value.clear();
            for ((name, data_type), column) in names.iter().zip(types.iter()).zip(rows.columns) {
                value.extend_from_slice(name);
                write_scalar(value, column.get(row), data_type);
            }
            if *tells_stage && rows.window.is_some() {
                value.extend_from_slice(match rows.stage {
                    Stage::Early => b",\"is_final\":false",
                    Stage::Final => b",\"is_final\":true",
                });
                if let Some(&revision) = rows.revisions.get(row).filter(|&&revision| revision > 0) {
                    value.extend_from_slice(format!(",\"revision\":{revision}").as_bytes());
                }
            }
            value.push(b'}');
            each(row, key, value);
        });
    }
}
