//! Calls of aggregate and ranking functions.

use types::ColumnType;

/// A call of an aggregate or ranking function, over fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub function: Function,
    pub args: Vec<usize>,
    pub distinct: bool,
    /// A `BOOLEAN` field; rows where it is not true do not count.
    pub filter: Option<usize>,
    /// The types of the arguments.
    pub arg_types: Vec<ColumnType>,
    pub column_type: ColumnType,
    /// As `explain` prints it: `COUNT(DISTINCT user_id)`.
    pub name: String,
}

/// What a call computes. Unless said otherwise nulls are skipped, and the result over no values is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Rows where there is no argument, otherwise non-null values; 0 over none.
    Count,
    /// In the result's type, which the argument has: wrapping for whole numbers; null where a `DECIMAL` overflows.
    Sum,
    /// In the result's type: truncated for whole numbers, half up for `DECIMAL`.
    Avg,
    /// The mean of whole numbers as a `SUM`, which wraps in the argument's type, through their number. Flink computes the
    /// mean so where a query asks for the sum and the number too.
    AvgOfSum,
    Min,
    Max,
    /// By order of arrival among the values that remain.
    FirstValue,
    LastValue,
    StddevPop,
    StddevSamp,
    VarPop,
    VarSamp,
    /// In order of arrival, between separators.
    ListAgg {
        separator: String,
    },
    /// A `MULTISET` of the non-null values; empty over none.
    Collect,
    /// An `ARRAY` in order of arrival, nulls included.
    ArrayAgg,
    /// Arguments: key and value. A key that comes twice fails the job.
    JsonObjectAgg {
        absent_on_null: bool,
    },
    JsonArrayAgg {
        absent_on_null: bool,
    },
    /// Linear interpolation at each place between 0 and 1; an `ARRAY` where `many`. A second argument is the frequency.
    Percentile {
        places: Vec<f64>,
        many: bool,
    },
    /// The only value; a second one fails the job (`SingleValueAggFunction received more than one element.`).
    SingleValue,
    /// In `OVER`: the value `offset` rows before, the second argument where there is none.
    Lag {
        offset: u64,
    },
    RowNumber,
    Rank,
    DenseRank,
}
