//! Converts SQL types to Flink's JSON: `{"type": "VARCHAR", "nullable": true, "length": 2147483647}`.

use serde_json::{Value, json};
use types::{ColumnType, DataType, Field};

/// Digits of the leading field of an interval: Flink's default, which no literal here changes.
const INTERVAL_PRECISION: u32 = 2;

pub(super) fn logical_type(column_type: &ColumnType) -> Value {
    let mut described = match &column_type.data_type {
        DataType::Null => json!({"type": "NULL"}),
        DataType::Boolean => json!({"type": "BOOLEAN"}),
        DataType::TinyInt => json!({"type": "TINYINT"}),
        DataType::SmallInt => json!({"type": "SMALLINT"}),
        DataType::Int => json!({"type": "INTEGER"}),
        DataType::BigInt => json!({"type": "BIGINT"}),
        DataType::Float => json!({"type": "FLOAT"}),
        DataType::Double => json!({"type": "DOUBLE"}),
        DataType::Decimal { precision, scale } => {
            json!({"type": "DECIMAL", "precision": precision, "scale": scale})
        }
        DataType::Char(length) => json!({"type": "CHAR", "length": length}),
        DataType::Varchar(length) => json!({"type": "VARCHAR", "length": length}),
        DataType::Binary(length) => json!({"type": "BINARY", "length": length}),
        DataType::Varbinary(length) => json!({"type": "VARBINARY", "length": length}),
        DataType::Date => json!({"type": "DATE"}),
        DataType::Time(digits) => json!({"type": "TIME_WITHOUT_TIME_ZONE", "precision": digits}),
        DataType::Timestamp(digits) => json!({"type": "TIMESTAMP_WITHOUT_TIME_ZONE", "precision": digits}),
        DataType::TimestampLtz(digits) => {
            json!({"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "precision": digits})
        }
        DataType::IntervalYearMonth => {
            json!({"type": "INTERVAL_YEAR_MONTH", "precision": INTERVAL_PRECISION, "resolution": "MONTH"})
        }
        DataType::IntervalDayTime => json!({
            "type": "INTERVAL_DAY_TIME", "precision": INTERVAL_PRECISION, "fractionalPrecision": 3,
            "resolution": "SECOND"
        }),
        DataType::Array(element) => json!({"type": "ARRAY", "elementType": logical_type(element)}),
        DataType::Map(key, value) => {
            json!({"type": "MAP", "keyType": logical_type(key), "valueType": logical_type(value)})
        }
        DataType::Multiset(element) => json!({"type": "MULTISET", "elementType": logical_type(element)}),
        DataType::Row(fields) => json!({"type": "ROW", "fields": described_fields(fields)}),
        DataType::Structured { class, fields } => {
            json!({"type": "STRUCTURED_TYPE", "implementationClass": class, "fields": described_fields(fields)})
        }
        DataType::Raw { class, snapshot } => json!({"type": "RAW", "class": class, "serializer": snapshot}),
        DataType::Variant => json!({"type": "VARIANT"}),
        DataType::Bitmap => json!({"type": "BITMAP"}),
    };
    described["nullable"] = json!(column_type.nullable);
    described
}

fn described_fields(fields: &[Field]) -> Vec<Value> {
    let field = |field: &Field| json!({"name": field.name, "fieldType": logical_type(&field.column_type)});
    fields.iter().map(field).collect()
}
