//! The checks of a document that its types do not make: lengths, numbers, unique ids, and panels that do not overlap.

use super::document::{Dashboard, Panel, Place, Threshold};
use crate::documents::{Mistake, is_id, length, most, optional, within};
use crate::results::check_conditions;

const PANELS_MAX: usize = 100;
const TITLE_MAX: usize = 120;
const DESCRIPTION_MAX: usize = 2_000;
const CONDITIONS_MAX: usize = 2_000;
/// Characters of the name of a table or a column.
const NAME_MAX: usize = 255;
const ID_MAX: usize = 40;
const BY_MAX: usize = 2;
const LIMIT_MAX: u32 = 1_000;
const THRESHOLDS_MAX: usize = 8;
const OPTIONS_BYTES_MAX: usize = 4 << 10;

/// Columns of the grid.
const COLUMNS: u32 = 12;
const HEIGHT_MAX: u32 = 40;
const Y_MAX: u32 = 1_000;

impl Dashboard {
    pub(super) fn check(&self) -> Result<(), Mistake> {
        length("title", &self.title, 1, TITLE_MAX)?;
        optional("title_vi", self.title_vi.as_deref(), 1, TITLE_MAX)?;
        optional("description", self.description.as_deref(), 0, DESCRIPTION_MAX)?;
        optional("description_vi", self.description_vi.as_deref(), 0, DESCRIPTION_MAX)?;
        most("panels", self.panels.len(), PANELS_MAX)?;

        for (number, panel) in self.panels.iter().enumerate() {
            panel.check().map_err(|mistake| mistake.below(&place_of(number)))?;
            for (earlier, other) in self.panels[..number].iter().enumerate() {
                check_pair((number, panel), (earlier, other))?;
            }
        }
        Ok(())
    }
}

/// Checks a panel against a panel before it.
fn check_pair((number, panel): (usize, &Panel), (earlier, other): (usize, &Panel)) -> Result<(), Mistake> {
    let place = place_of(number);
    if panel.id == other.id {
        let message = format!("{} has the id `{}` too", place_of(earlier), panel.id);
        return Err(Mistake::new("id", message).below(&place));
    }
    if panel.at.overlaps(other.at) {
        let message = format!("the panels `{}` and `{}` overlap", other.id, panel.id);
        return Err(Mistake::new("at", message).below(&place));
    }
    Ok(())
}

fn place_of(panel: usize) -> String {
    format!("panels[{panel}]")
}

impl Panel {
    fn check(&self) -> Result<(), Mistake> {
        id("id", &self.id)?;
        length("title", &self.title, 1, TITLE_MAX)?;
        optional("title_vi", self.title_vi.as_deref(), 1, TITLE_MAX)?;
        length("table", &self.table, 1, NAME_MAX)?;
        id("chart", &self.chart)?;
        optional("number", self.number.as_deref(), 1, NAME_MAX)?;
        optional("weight", self.weight.as_deref(), 1, NAME_MAX)?;

        most("by", self.by.len(), BY_MAX)?;
        for (number, column) in self.by.iter().enumerate() {
            length(&format!("by[{number}]"), column, 1, NAME_MAX)?;
        }

        self.check_conditions()?;
        if let Some(limit) = self.limit {
            within("limit", limit, 1, LIMIT_MAX)?;
        }

        most("thresholds", self.thresholds.len(), THRESHOLDS_MAX)?;
        for (number, threshold) in self.thresholds.iter().enumerate() {
            threshold.check().map_err(|mistake| mistake.below(&format!("thresholds[{number}]")))?;
        }

        self.check_options()?;
        self.at.check().map_err(|mistake| mistake.below("at"))
    }

    fn check_conditions(&self) -> Result<(), Mistake> {
        let Some(conditions) = &self.conditions else { return Ok(()) };
        length("where", conditions, 0, CONDITIONS_MAX)?;
        check_conditions(conditions)
            .map_err(|error| Mistake::new("where", format!("character {}: {}", error.place, error.message)))
    }

    fn check_options(&self) -> Result<(), Mistake> {
        let Some(options) = &self.options else { return Ok(()) };
        // JSON that was parsed can be written.
        let bytes = serde_json::to_vec(options).map_or(usize::MAX, |text| text.len());
        if bytes > OPTIONS_BYTES_MAX {
            return Err(Mistake::new("options", format!("longer than {OPTIONS_BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

impl Threshold {
    fn check(&self) -> Result<(), Mistake> {
        optional("label", self.label.as_deref(), 1, TITLE_MAX)?;
        optional("label_vi", self.label_vi.as_deref(), 1, TITLE_MAX)?;
        match (self.above, self.below) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => Err(Mistake::new("below", "a threshold has `above` or `below`, not both")),
            (None, None) => Err(Mistake::new("above", "a threshold has `above` or `below`")),
        }
    }
}

impl Place {
    fn check(self) -> Result<(), Mistake> {
        within("w", self.w, 1, COLUMNS)?;
        within("h", self.h, 1, HEIGHT_MAX)?;
        within("y", self.y, 0, Y_MAX)?;
        let right = u64::from(self.x) + u64::from(self.w);
        if right > u64::from(COLUMNS) {
            return Err(Mistake::new("w", format!("x + w is {right}, and the grid has {COLUMNS} columns")));
        }
        Ok(())
    }

    fn overlaps(self, other: Place) -> bool {
        let meet = |a: u32, length_a: u32, b: u32, length_b: u32| a < b + length_b && b < a + length_a;
        meet(self.x, self.w, other.x, other.w) && meet(self.y, self.h, other.y, other.h)
    }
}

fn id(place: &str, text: &str) -> Result<(), Mistake> {
    if is_id(text, ID_MAX) {
        return Ok(());
    }
    Err(Mistake::new(place, format!("must be 1 to {ID_MAX} of the characters a-z, 0-9 and -")))
}

#[cfg(test)]
mod tests;
