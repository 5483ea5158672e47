//! Calls of aggregate and ranking functions.

use std::fmt;

use types::ColumnType;

/// A call of an aggregate or ranking function, with fields as arguments.
#[derive(Clone, PartialEq)]
pub struct AggregateCall {
    pub function: Function,
    pub args: Vec<usize>,
    pub distinct: bool,
    /// A `BOOLEAN` field; only rows where it is true count.
    pub filter: Option<usize>,
    /// Types of the arguments.
    pub arg_types: Vec<ColumnType>,
    pub column_type: ColumnType,
    /// Text that `explain` prints, such as `COUNT(DISTINCT user_id)`.
    pub name: String,
}

/// The identity of an operator's state is a hash of this text, so its names must stay as they are.
impl fmt::Debug for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AggregateCall { function, args, distinct, filter, arg_types, column_type, name } = self;
        f.debug_struct("Call")
            .field("function", function)
            .field("args", args)
            .field("distinct", distinct)
            .field("filter", filter)
            .field("arg_types", arg_types)
            .field("column_type", column_type)
            .field("name", name)
            .finish()
    }
}

/// The function of a call. Unless noted otherwise, nulls are skipped and the result over no values is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Number of rows without an argument, otherwise of non-null values; 0 over none.
    Count,
    /// Sum in the result's type, which the argument has: integers wrap, an overflowing `DECIMAL` gives null.
    Sum,
    /// Mean in the result's type: truncated for integers, rounded half up for `DECIMAL`.
    Avg,
    /// Mean of integers as `SUM`, which wraps in the argument's type, divided by their number. Flink computes
    /// the mean this way if a query also asks for the sum and the number.
    AvgOfSum,
    Min,
    Max,
    /// First and last of the remaining values in order of arrival.
    FirstValue,
    LastValue,
    StddevPop,
    StddevSamp,
    VarPop,
    VarSamp,
    /// Texts in order of arrival, with separators.
    ListAgg {
        separator: String,
    },
    /// `MULTISET` of the non-null values; empty over none.
    Collect,
    /// `ARRAY` in order of arrival, including nulls.
    ArrayAgg,
    /// Takes a key and a value. A duplicate key fails the job.
    JsonObjectAgg {
        absent_on_null: bool,
    },
    JsonArrayAgg {
        absent_on_null: bool,
    },
    /// Percentiles by linear interpolation at places between 0 and 1; an `ARRAY` if `many`. A second argument
    /// is the frequency.
    Percentile {
        places: Vec<f64>,
        many: bool,
    },
    /// The only value; a second one fails the job (`SingleValueAggFunction received more than one element.`).
    SingleValue,
    /// In `OVER`: the value `offset` rows earlier, or the second argument if there is none.
    Lag {
        offset: u64,
    },
    RowNumber,
    Rank,
    DenseRank,
}
