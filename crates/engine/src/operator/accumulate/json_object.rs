//! `JSON_OBJECTAGG`: JSON texts by key. Keys come out in Java's text order, by UTF-16 unit, as in Flink.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sql::functions::json::{write_key_order, write_text};
use sql::plan::operator::Function;
use types::Scalar;

use super::any_accumulator::Accumulator;
use super::call::CallSpec;
use crate::row::{self, Reader};

#[derive(Debug, Default)]
pub(super) struct JsonObject {
    /// A value is a JSON text, or null.
    members: BTreeMap<MemberName, Option<Box<str>>>,
    text_bytes: usize,
}

/// The name of a member, in the order in which JSON_OBJECTAGG writes members.
#[derive(Debug, PartialEq, Eq)]
struct MemberName(Box<str>);

impl Ord for MemberName {
    fn cmp(&self, other: &MemberName) -> Ordering {
        write_key_order(&self.0, &other.0)
    }
}

impl PartialOrd for MemberName {
    fn partial_cmp(&self, other: &MemberName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl JsonObject {
    fn insert(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        self.text_bytes += key.len() + value.map_or(0, str::len);
        match self.members.insert(MemberName(key.into()), value.map(Box::from)) {
            None => Ok(()),
            Some(_) => Err(format!(
                "Key '{key}' is already present. Duplicate keys are not allowed in JSON_OBJECTAGG. Please ensure that \
                 keys are unique."
            )),
        }
    }
}

impl Accumulator for JsonObject {
    fn add(&mut self, call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let [Scalar::Text(key), value] = *args else { return Ok(()) };
        let skips_null = call.function == Function::JsonObjectAgg { absent_on_null: true };
        match value {
            Scalar::Text(value) => self.insert(key, Some(value)),
            _ if skips_null => Ok(()),
            _ => self.insert(key, None),
        }
    }

    fn retract(&mut self, _call: &CallSpec, args: &[Scalar<'_>]) -> Result<(), String> {
        let [Scalar::Text(key), value] = *args else { return Ok(()) };
        let value = if let Scalar::Text(value) = value { Some(value) } else { None };
        let key = MemberName(key.into());
        if self.members.get(&key).is_some_and(|there| there.as_deref() == value) {
            self.members.remove(&key);
            self.text_bytes -= key.0.len() + value.map_or(0, str::len);
        }
        Ok(())
    }

    fn merge(&mut self, _call: &CallSpec, other: JsonObject) -> Result<(), String> {
        other.members.into_iter().try_for_each(|(key, value)| self.insert(&key.0, value.as_deref()))
    }

    fn write_result(&self, _call: &CallSpec, out: &mut Vec<u8>) {
        let mut json = String::from("{");
        for (number, (key, value)) in self.members.iter().enumerate() {
            if number > 0 {
                json.push(',');
            }
            write_text(&key.0, &mut json);
            json.push(':');
            json.push_str(value.as_deref().unwrap_or("null"));
        }
        json.push('}');
        row::write(Scalar::Text(&json), out);
    }

    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.members.len(), out);
        for (key, value) in &self.members {
            row::write(Scalar::Text(&key.0), out);
            row::write(value.as_deref().map_or(Scalar::Null, Scalar::Text), out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<JsonObject> {
        let mut object = JsonObject::default();
        for _ in 0..reader.length()? {
            match (reader.value()?, reader.value()?) {
                (Scalar::Text(key), Scalar::Text(value)) => object.insert(key, Some(value)).ok()?,
                (Scalar::Text(key), Scalar::Null) => object.insert(key, None).ok()?,
                _ => return None,
            }
        }
        Some(object)
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        // Nodes of a B-tree are two thirds full on average.
        self.members.len() * size_of::<(MemberName, Option<Box<str>>)>() * 3 / 2 + self.text_bytes
    }
}
