//! English texts for months, weekdays, eras, quarters and halves of the day.

use super::super::calendar::{MONTHS, WEEKDAYS};
use super::{DateField, TextStyle};

/// Returns the English text of a field's value, or `None` if it has none.
pub(super) fn text_of(field: DateField, value: i64, style: TextStyle) -> Option<&'static str> {
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
        DateField::Month => name(&MONTHS, value - 1),
        DateField::Weekday => name(&WEEKDAYS, value - 1),
        DateField::LocalWeekday => name(&WEEKDAYS, (value + 5) % 7),
        DateField::HalfDay => Some(if value == 0 { "AM" } else { "PM" }),
        DateField::Era if value == 0 => Some(pick("BC", "Before Christ", "B")),
        DateField::Era => Some(pick("AD", "Anno Domini", "A")),
        DateField::Quarter => Some(match value {
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
pub(super) fn text_range(field: DateField) -> std::ops::RangeInclusive<i64> {
    match field {
        DateField::Month => 1..=12,
        DateField::Weekday | DateField::LocalWeekday => 1..=7,
        DateField::Quarter => 1..=4,
        _ => 0..=1,
    }
}
