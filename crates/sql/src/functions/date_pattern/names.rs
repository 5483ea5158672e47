//! English texts for months, weekdays, eras, quarters and halves of the day.

use super::{Field, TextStyle};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the English text of a field's value, or `None` if it has none.
pub(super) fn text_of(field: Field, value: i64, style: TextStyle) -> Option<&'static str> {
    let name = |names: &'static [&'static str], index: i64| {
        let name = *names.get(usize::try_from(index).ok()?)?;
        Some(match style {
            TextStyle::Full => name,
            TextStyle::Short => &name[..3],
            TextStyle::Narrow => &name[..1],
        })
    };

    let pick = |short, full, narrow| match style {
        TextStyle::Short => short,
        TextStyle::Full => full,
        TextStyle::Narrow => narrow,
    };

    match field {
        Field::Month => name(&MONTHS, value - 1),
        Field::Weekday => name(&WEEKDAYS, value - 1),
        Field::LocalWeekday => name(&WEEKDAYS, (value + 5) % 7),
        Field::HalfDay => Some(if value == 0 { "AM" } else { "PM" }),
        Field::Era if value == 0 => Some(pick("BC", "Before Christ", "B")),
        Field::Era => Some(pick("AD", "Anno Domini", "A")),
        Field::Quarter => Some(match value {
            1 => pick("Q1", "1st quarter", "1"),
            2 => pick("Q2", "2nd quarter", "2"),
            3 => pick("Q3", "3rd quarter", "3"),
            4 => pick("Q4", "4th quarter", "4"),
            _ => return None,
        }),
        _ => None,
    }
}

/// Returns the range of values that a text field can have.
pub(super) fn text_range(field: Field) -> std::ops::RangeInclusive<i64> {
    match field {
        Field::Month => 1..=12,
        Field::Weekday | Field::LocalWeekday => 1..=7,
        Field::Quarter => 1..=4,
        _ => 0..=1,
    }
}
