//! The rows of a session in order of arrival, in one run of bytes: for each row its kind, then its values.

use types::Scalar;

use crate::operator::changes::RowKind;
use crate::operator::windows::SessionContent;
use crate::row::{self, Reader};
use crate::state::StateValue;

#[derive(Debug, Default)]
pub(super) struct SessionRows {
    bytes: Vec<u8>,
}

impl SessionRows {
    pub fn push<'v>(&mut self, kind: RowKind, values: impl Iterator<Item = Scalar<'v>>) {
        self.bytes.push(kind.tag());
        row::write_all(values, &mut self.bytes);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the kind of the next row, which its values follow. Returns `None` at the end.
    pub fn read_kind(reader: &mut Reader<'_>) -> Option<RowKind> {
        RowKind::of_tag(reader.tag()?)
    }
}

impl SessionContent for SessionRows {
    type With = ();

    fn merge(&mut self, (): &(), later: SessionRows) -> Result<(), String> {
        self.bytes.extend_from_slice(&later.bytes);
        Ok(())
    }
}

impl StateValue for SessionRows {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.bytes.len(), out);
        out.extend_from_slice(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Option<SessionRows> {
        let length = reader.length()?;
        Some(SessionRows { bytes: reader.run(length)?.to_vec() })
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}
