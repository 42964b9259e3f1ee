//! Reader of bodies that must be JSON objects. The derived reader of a struct also accepts a list of its fields in
//! order. No schema promises that, and the check for unknown fields does not see it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reader of `T` that accepts only a JSON object.
#[derive(Debug, Clone, Default)]
pub struct Object<T>(
    /// The value.
    pub T,
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a list of objects.
pub(crate) fn objects<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Vec::<Object<T>>::deserialize(from)?;
    Ok(list.into_iter().map(|object| object.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateBatch, CreateIntent, RotateKey};

    #[test]
    fn a_list_in_place_of_an_object_is_refused() {
        assert!(serde_json::from_str::<Object<RotateKey>>("[7]").is_err());
        assert!(serde_json::from_str::<Object<CreateIntent>>(r#"[null,"F821"]"#).is_err());
        assert!(serde_json::from_str::<CreateBatch>(r#"{"intents":[[null,"F821"]]}"#).is_err());
        let read: Object<RotateKey> = serde_json::from_str(r#"{"overlap_seconds":7}"#).unwrap();
        assert_eq!(read.0.overlap_seconds, Some(7));
    }

    #[test]
    fn what_is_inside_is_read_as_ever() {
        let text = r#"{"intents":[{"code":"A","raw":{"a": 1.10}}]}"#;
        let batch: Object<CreateBatch> = serde_json::from_str(text).unwrap();
        let raw = batch.0.intents[0].raw.as_ref().map(|raw| raw.get());
        assert_eq!(raw, Some(r#"{"a": 1.10}"#));
        let unknown = r#"{"intents":[{"code":"A","colour":1}]}"#;
        assert!(serde_json::from_str::<Object<CreateBatch>>(unknown).is_err());
    }
}
