//! JSON as strictly as a signed text deserves: no member of an object may stand twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not the object that we want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Not JSON, not UTF-8, nested too deeply, or not an object.
    Json,
    /// A member stands twice in one object.
    Doubled,
}

/// Reads one JSON object; members may stand once only, at every depth (RFC 7515 4, RFC 7519 4).
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, Broken> {
    serde_json::from_slice::<Unique>(text).map_err(|error| {
        if error.is_data() {
            Broken::Doubled
        } else {
            Broken::Json
        }
    })?;
    serde_json::from_slice(text).map_err(|_| Broken::Json)
}

/// Any JSON value whose objects have no doubled member. It keeps nothing: whoever enables a
/// feature of serde_json that changes how numbers are kept changes nothing here.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        while list.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("doubled member"));
            }
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stands_once_at_every_depth() {
        for (text, result) in [
            (r#"{"a":1,"b":{"a":[true,null,-1,1.5,"x"]}}"#, None),
            (r#"{"a":1,"a":1}"#, Some(Broken::Doubled)),
            (r#"{"a":1,"\u0061":2}"#, Some(Broken::Doubled)),
            (r#"{"b":[{"a":1,"a":2}]}"#, Some(Broken::Doubled)),
            (r#"{"a":1}x"#, Some(Broken::Json)),
            (r#"[1]"#, Some(Broken::Json)),
            (r#"{"a":1e999}"#, Some(Broken::Json)),
            ("\u{feff}{}", Some(Broken::Json)),
            ("", Some(Broken::Json)),
        ] {
            assert_eq!(object(text.as_bytes()).err(), result, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(object(deep.as_bytes()).err(), Some(Broken::Json));
        assert_eq!(object(b"{\"a\":\"\xff\"}").err(), Some(Broken::Json));
    }
}
