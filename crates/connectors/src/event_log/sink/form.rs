//! The content of records in a sink topic: rows, upserts by key, or changes.
//!
//! | form | `+I`, `+U` | `-U`, `-D` |
//! | --- | --- | --- |
//! | row | the row | never comes |
//! | upsert | the row under its key | a tombstone: the key without a value |
//! | `debezium-json` | `{"before":null,"after":{…},"op":"c"}` | `{"before":{…},"after":null,"op":"d"}` |
//! | `canal-json` | `{"data":[{…}],"type":"INSERT"}` | `{"data":[{…}],"type":"DELETE"}` |
//!
//! As in Flink, an update is two records: the row before it and the row after it.
//!
//! In an upsert topic the row before an update gives no tombstone, because the row after it, which follows,
//! replaces it by its key. A `-U` that no row with the same key follows does delete its row: the new row
//! failed a condition or has another key.

use engine::operator::changes::RowKind;

use super::encode::Record;
use crate::format::changelog::Envelope;

/// Returns the body of a record for a row, wrapped in the format's change object if it has one.
pub(super) fn body(envelope: Envelope, kind: RowKind, row: &[u8], ignores_null: bool) -> Vec<u8> {
    let parts: [&[u8]; 3] = match (envelope, kind.is_addition(), ignores_null) {
        (Envelope::Debezium { .. }, true, false) => [br#"{"before":null,"after":"#, row, br#","op":"c"}"#],
        (Envelope::Debezium { .. }, true, true) => [br#"{"after":"#, row, br#","op":"c"}"#],
        (Envelope::Debezium { .. }, false, false) => [br#"{"before":"#, row, br#","after":null,"op":"d"}"#],
        (Envelope::Debezium { .. }, false, true) => [br#"{"before":"#, row, br#","op":"d"}"#],
        (Envelope::Canal, true, _) => [br#"{"data":["#, row, br#"],"type":"INSERT"}"#],
        (Envelope::Canal, false, _) => [br#"{"data":["#, row, br#"],"type":"DELETE"}"#],
        (Envelope::Plain | Envelope::Upsert | Envelope::UpsertLine, ..) => [b"", row, b""],
    };
    parts.concat()
}

/// Turns changes into upserts and tombstones by key.
#[derive(Default)]
pub(super) struct Upserts {
    /// The key of a row before an update whose row after it has not arrived yet.
    replaced: Option<Vec<u8>>,
}

impl Upserts {
    /// Processes a row: calls `each` with a key and the row's record, or with a key and `None` for a
    /// tombstone.
    pub fn take<'r>(
        &mut self,
        kind: RowKind,
        record: Record<'r>,
        mut each: impl FnMut(&[u8], Option<Record<'r>>),
    ) {
        let key = record.key.unwrap_or_default();
        if let Some(replaced) = self.replaced.take()
            && !(kind.is_addition() && replaced == key)
        {
            each(&replaced, None);
        }
        match kind {
            RowKind::Insert | RowKind::UpdateAfter => each(key, Some(record)),
            RowKind::UpdateBefore => self.replaced = Some(key.to_vec()),
            RowKind::Delete => each(key, None),
        }
    }

    /// Ends the sequence of changes; emits a pending tombstone.
    pub fn end(self, mut each: impl FnMut(&[u8])) {
        if let Some(replaced) = self.replaced {
            each(&replaced);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};

    fn written(envelope: Envelope, ignores_null: bool) -> Vec<String> {
        let kinds = [Insert, UpdateBefore, UpdateAfter, Delete];
        let body = |kind| body(envelope, kind, br#"{"a":1}"#, ignores_null);
        kinds.map(|kind| String::from_utf8(body(kind)).unwrap()).into()
    }

    #[test]
    fn changes_are_written_as_flink_writes_them() {
        let debezium = Envelope::Debezium { schema_include: false };
        let (added, gone) =
            (r#"{"before":null,"after":{"a":1},"op":"c"}"#, r#"{"before":{"a":1},"after":null,"op":"d"}"#);
        assert_eq!(written(debezium, false), [added, gone, added, gone]);

        let (added, gone) = (r#"{"after":{"a":1},"op":"c"}"#, r#"{"before":{"a":1},"op":"d"}"#);
        assert_eq!(written(debezium, true), [added, gone, added, gone]);

        let (added, gone) =
            (r#"{"data":[{"a":1}],"type":"INSERT"}"#, r#"{"data":[{"a":1}],"type":"DELETE"}"#);
        assert_eq!(written(Envelope::Canal, false), [added, gone, added, gone]);
        assert_eq!(written(Envelope::Plain, false), [r#"{"a":1}"#; 4]);
    }

    #[test]
    fn a_row_before_an_update_is_a_tombstone_only_where_no_row_of_its_key_follows() {
        let changes = [
            (Insert, "a"),
            (UpdateBefore, "a"),
            (UpdateAfter, "a"),
            (UpdateBefore, "a"),
            (UpdateAfter, "b"),
            (UpdateBefore, "b"),
            (UpdateBefore, "c"),
            (Delete, "c"),
            (UpdateBefore, "d"),
        ];

        let mut upserts = Upserts::default();
        let mut written = String::new();
        for (kind, key) in changes {
            let record = Record { key: Some(key.as_bytes()), value: b"", time: None };
            upserts.take(kind, record, |key, row| {
                written.push_str(if row.is_some() { " +" } else { " -" });
                written.push_str(std::str::from_utf8(key).unwrap());
            });
        }

        upserts.end(|key| written.push_str(&format!(" -{}", std::str::from_utf8(key).unwrap())));
        assert_eq!(written, " +a +a -a +b -b -c -c -d");
    }
}
