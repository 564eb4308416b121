//! JSON objects that somebody signed: no member may stand twice, since two readers could see two
//! things in it (RFC 7515 4, RFC 7519 4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::clock::Time;

/// The members of an object in their order; none stands twice.
pub struct Members(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.iter().any(|(had, _)| *had == name) {
                        return Err(A::Error::custom("a member stands twice"));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// An object, if the bytes are one whose members stand once.
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let Members(members) = serde_json::from_slice(bytes).ok()?;
    Some(members.into_iter().collect())
}

/// A NumericDate, which may have a fraction (RFC 7519 2).
pub(super) fn numeric_date(number: &Number) -> Option<Time> {
    if let Some(whole) = number.as_i64() {
        return (whole >= 0).then(|| Time::from_seconds(whole));
    }
    let seconds = number.as_f64()?;
    // Past the year 200 million no fraction matters; `as` would stop there anyway.
    (0.0..9e15)
        .contains(&seconds)
        .then(|| Time::from_seconds(seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stands_once() {
        let read = object(br#"{"b":1,"a":{"b":[2]}}"#).unwrap();
        assert_eq!(
            Value::Object(read),
            serde_json::json!({ "a": { "b": [2] }, "b": 1 })
        );
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            "[]",
            "1",
            "{",
            "",
            "{}x",
        ] {
            assert!(object(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
