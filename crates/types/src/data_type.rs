//! Flink SQL's logical types, and the few physical representations of their values.

use std::fmt;

/// A logical type of Flink SQL, without nullability.
///
/// Names and parameters are those of Flink's manual, "Data Types".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// The type of an untyped `NULL`.
    Null,
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Char(u32),
    /// `STRING` is `VARCHAR(2147483647)`.
    Varchar(u32),
    Binary(u32),
    /// `BYTES` is `VARBINARY(2147483647)`.
    Varbinary(u32),
    Date,
    Time(u8),
    /// Wall-clock time without a time zone; the number is the digits of the fraction, 0-9.
    Timestamp(u8),
    /// An instant, shown in the session's time zone.
    TimestampLtz(u8),
    IntervalYearMonth,
    IntervalDayTime,
    Array(Box<ColumnType>),
    /// Keys and values.
    Map(Box<ColumnType>, Box<ColumnType>),
    Multiset(Box<ColumnType>),
    Row(Vec<Field>),
    /// A Java class with its attributes.
    Structured {
        class: String,
        fields: Vec<Field>,
    },
    /// A Java class that is opaque to SQL, with the snapshot of its serializer.
    Raw {
        class: String,
        snapshot: String,
    },
    Variant,
    Bitmap,
}

/// A data type with its nullability.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnType {
    pub data_type: DataType,
    pub nullable: bool,
}

/// A named part of a `ROW`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    pub name: String,
    pub column_type: ColumnType,
}

/// The physical representation of a column: how a value of a type is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repr {
    /// `BOOLEAN`.
    Bool,
    /// Whole numbers up to `BIGINT`; `DATE` in days and `TIME` in milliseconds of the day; timestamps of at
    /// most three digits in milliseconds since 1970; intervals in months or milliseconds.
    Int,
    /// `DOUBLE`, and `FLOAT` rounded to single precision.
    Double,
    /// `DECIMAL` unscaled; timestamps of more than three digits in nanoseconds since 1970.
    Wide,
    /// UTF-8 text.
    Text,
    /// `BINARY` and `VARBINARY`, and nested values, as [`nested`](crate::nested) writes them.
    Bytes,
}

impl DataType {
    pub const STRING: DataType = DataType::Varchar(i32::MAX as u32);
    pub const BYTES: DataType = DataType::Varbinary(i32::MAX as u32);

    /// Returns the representation of this type, or `None` for types whose values no column holds: Java
    /// classes, the untyped null, and nested types with such a type inside.
    pub fn repr(&self) -> Option<Repr> {
        Some(match self {
            DataType::Boolean => Repr::Bool,
            DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => Repr::Int,
            DataType::Date | DataType::Time(_) | DataType::IntervalYearMonth | DataType::IntervalDayTime => {
                Repr::Int
            }
            DataType::Timestamp(digits) | DataType::TimestampLtz(digits) if *digits <= 3 => Repr::Int,
            DataType::Timestamp(_) | DataType::TimestampLtz(_) | DataType::Decimal { .. } => Repr::Wide,
            DataType::Float | DataType::Double => Repr::Double,
            DataType::Char(_) | DataType::Varchar(_) => Repr::Text,
            DataType::Binary(_) | DataType::Varbinary(_) => Repr::Bytes,

            DataType::Array(of) | DataType::Multiset(of) => {
                of.data_type.repr()?;
                Repr::Bytes
            }
            DataType::Map(key, value) => {
                key.data_type.repr().and(value.data_type.repr())?;
                Repr::Bytes
            }
            DataType::Row(fields) => {
                let held = fields.iter().all(|field| field.column_type.data_type.repr().is_some());
                return held.then_some(Repr::Bytes);
            }

            DataType::Null
            | DataType::Structured { .. }
            | DataType::Raw { .. }
            | DataType::Variant
            | DataType::Bitmap => return None,
        })
    }

    pub fn nullable(self) -> ColumnType {
        ColumnType { data_type: self, nullable: true }
    }

    pub fn not_null(self) -> ColumnType {
        ColumnType { data_type: self, nullable: false }
    }

    /// Returns true for `CHAR` and `VARCHAR`.
    pub fn is_text(&self) -> bool {
        matches!(self, DataType::Char(_) | DataType::Varchar(_))
    }

    /// Returns true for `TINYINT` to `BIGINT`.
    pub fn is_integer(&self) -> bool {
        matches!(self, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt)
    }

    /// Returns true for whole, decimal and floating-point numbers.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, DataType::Float | DataType::Double | DataType::Decimal { .. })
    }

    /// Returns true for `ARRAY`, `MAP`, `MULTISET` and `ROW`.
    pub fn is_nested(&self) -> bool {
        matches!(self, DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_))
    }

    /// Returns true for `TIMESTAMP` and `TIMESTAMP_LTZ`.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, DataType::Timestamp(_) | DataType::TimestampLtz(_))
    }
}

/// Formats the type in Flink's spelling, as in `DESCRIBE` and its error messages.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX: u32 = i32::MAX as u32;
        match self {
            DataType::Null => f.write_str("NULL"),
            DataType::Boolean => f.write_str("BOOLEAN"),
            DataType::TinyInt => f.write_str("TINYINT"),
            DataType::SmallInt => f.write_str("SMALLINT"),
            DataType::Int => f.write_str("INT"),
            DataType::BigInt => f.write_str("BIGINT"),
            DataType::Float => f.write_str("FLOAT"),
            DataType::Double => f.write_str("DOUBLE"),
            DataType::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            DataType::Char(n) => write!(f, "CHAR({n})"),
            DataType::Varchar(MAX) => f.write_str("STRING"),
            DataType::Varchar(n) => write!(f, "VARCHAR({n})"),
            DataType::Binary(n) => write!(f, "BINARY({n})"),
            DataType::Varbinary(MAX) => f.write_str("BYTES"),
            DataType::Varbinary(n) => write!(f, "VARBINARY({n})"),
            DataType::Date => f.write_str("DATE"),
            DataType::Time(p) => write!(f, "TIME({p})"),
            DataType::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            DataType::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            DataType::IntervalYearMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            DataType::IntervalDayTime => f.write_str("INTERVAL DAY TO SECOND"),

            DataType::Array(element) => write!(f, "ARRAY<{element}>"),
            DataType::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            DataType::Multiset(element) => write!(f, "MULTISET<{element}>"),

            DataType::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{field}")?;
                }
                f.write_str(">")
            }
            DataType::Structured { class, fields } => {
                write!(f, "STRUCTURED<'{}'", class.replace('\'', "''"))?;
                for field in fields {
                    write!(f, ", {field}")?;
                }
                f.write_str(">")
            }
            // Flink does not show the snapshot either.
            DataType::Raw { class, .. } => write!(f, "RAW('{}', '...')", class.replace('\'', "''")),

            DataType::Variant => f.write_str("VARIANT"),
            DataType::Bitmap => f.write_str("BITMAP"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.name, self.column_type)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.data_type, if self.nullable { "" } else { " NOT NULL" })
    }
}
