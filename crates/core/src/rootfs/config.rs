//! The text of a `config.json`, with nothing of it dropped.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A runtime specification (`config.json`) as it stands: every field, known or not, in its order.
///
/// Read it with any format of serde: `serde_json::from_slice`. A field that stands twice in one object is an error, because
/// readers differ in the one that they take. [`RootfsPlan::from_config`](crate::rootfs::RootfsPlan::from_config) gives the
/// fields their meaning. `Debug` leaves the values out: the environment may hold secrets.
pub struct RuntimeConfig(pub(crate) Value);

/// A value of JSON.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float,
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The kind of the value, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl fmt::Debug for RuntimeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuntimeConfig({})", self.0.kind())
    }
}

impl<'de> Deserialize<'de> for RuntimeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Float)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            if object.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom(format!("the field {name:?} stands twice in one object")));
            }
            object.push((name, value));
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_that_stands_twice_is_an_error() {
        let twice = serde_json::from_str::<RuntimeConfig>(r#"{"root": {"path": "a", "path": "b"}}"#).unwrap_err();
        assert!(twice.to_string().contains("the field \"path\" stands twice in one object"), "{twice}");
    }

    #[test]
    fn debug_leaves_values_out() {
        let config: RuntimeConfig = serde_json::from_str(r#"{"process": {"env": ["TOKEN=hunter2"]}}"#).unwrap();
        assert_eq!(format!("{config:?}"), "RuntimeConfig(an object)");
    }
}
