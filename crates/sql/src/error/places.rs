//! Lines and columns of bytes in a script.

/// The lines of a script, so that the places of many findings are found fast.
pub struct Places<'a> {
    script: &'a str,
    /// The first byte of each line.
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    pub fn of(script: &'a str) -> Places<'a> {
        let starts = std::iter::once(0).chain(script.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Places { script, starts }
    }

    /// Returns the line and the column of a byte, both from 1; columns are characters.
    pub fn at(&self, byte: usize) -> (usize, usize) {
        let byte = self.script.floor_char_boundary(byte.min(self.script.len()));
        let line = self.starts.partition_point(|start| *start <= byte);
        (line, self.script[self.starts[line - 1]..byte].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column() {
        let places = Places::of("a\nhọc x\n");
        let at = |byte| places.at(byte);
        assert_eq!(
            [at(0), at(1), at(2), at(8), at(9), at(99)],
            [(1, 1), (1, 2), (2, 1), (2, 5), (2, 6), (3, 1)]
        );
    }
}
