//! The `claims` parameter (OpenID Connect Core 5.5): claims asked for one by one, each for the ID
//! token or for userinfo, and what must be true of `sub` and `acr`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{Code, Problem};
use super::scope::{self, EMAIL, PROFILE};

/// Claims about a person, each with the scope that it belongs to (OpenID Connect Core 5.4). Who
/// allows the scope allows the claim.
pub const PERSONAL: [(&str, &str); 6] = [
    ("name", PROFILE),
    ("preferred_username", PROFILE),
    ("updated_at", PROFILE),
    ("locale", PROFILE),
    ("email", EMAIL),
    ("email_verified", EMAIL),
];

/// A longer parameter, in bytes, is refused.
const LONGEST: usize = 4 * 1024;

/// What must be true of a claim for the request to be answered (OpenID Connect Core 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// One of these; empty when none was named.
    pub values: Vec<String>,
    /// The request fails where none can be had.
    pub essential: bool,
}

/// The claims that are to be given, by name (OpenID Connect Core 5.5). Kept with the grant, so that
/// userinfo and a refreshed ID token know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// In the ID token.
    pub id_token: Vec<String>,
    /// In the answer of userinfo.
    pub userinfo: Vec<String>,
}

impl Given {
    /// The claims whose scope (OpenID Connect Core 5.4) is among `allowed`.
    pub fn cut(&self, allowed: &[String]) -> Self {
        let keep = |names: &[String]| {
            let allows = |name: &&String| owner(name).is_some_and(|had| scope::has(allowed, had));
            names.iter().filter(allows).cloned().collect()
        };
        Self {
            id_token: keep(&self.id_token),
            userinfo: keep(&self.userinfo),
        }
    }

    /// The scopes that these claims belong to (OpenID Connect Core 5.4), each once.
    pub fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = Vec::new();
        for name in self.id_token.iter().chain(&self.userinfo) {
            match owner(name) {
                Some(owner) if !scopes.contains(&owner) => scopes.push(owner),
                _ => {}
            }
        }
        scopes
    }
}

/// A `claims` parameter as it was understood. What is not understood is ignored (OpenID Connect
/// Core 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// Claims about the person.
    pub given: Given,
    /// Scopes of which an essential claim was asked for: the person is not offered to leave them
    /// out.
    pub essential: Vec<&'static str>,
    /// Who is expected.
    pub sub: Wanted,
    /// How they are to have proved who they are (OpenID Connect Core 5.5.1.1).
    pub acr: Wanted,
}

impl ClaimsRequest {
    /// Reads the parameter.
    ///
    /// # Errors
    /// `invalid_request` when it is not an object of objects, or a value is of another kind than
    /// its claim.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(wrong("claims is too long"));
        }
        let Ok(Value::Object(all)) = serde_json::from_str(text) else {
            return Err(wrong("claims is not a JSON object"));
        };
        let mut asked = Self::default();
        // OpenID Connect Core 5.5: other members are ignored.
        let id_token = member(&all, "id_token")?;
        let userinfo = member(&all, "userinfo")?;
        asked.given.id_token = asked.personal(id_token)?;
        asked.given.userinfo = asked.personal(userinfo)?;
        for place in [id_token, userinfo].into_iter().flatten() {
            if let Some(sub) = place.get("sub") {
                asked.sub = wanted("sub", sub)?;
            }
        }
        // Only an ID token has acr.
        if let Some(acr) = id_token.and_then(|place| place.get("acr")) {
            asked.acr = wanted("acr", acr)?;
        }
        Ok(asked)
    }

    fn personal(&mut self, place: Option<&Map<String, Value>>) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        for (name, rule) in place.into_iter().flatten() {
            if let Some(owner) = owner(name) {
                names.push(name.clone());
                if essential(name, rule)? && !self.essential.contains(&owner) {
                    self.essential.push(owner);
                }
            }
        }
        Ok(names)
    }
}

/// The scope that a claim about a person belongs to.
fn owner(name: &str) -> Option<&'static str> {
    PERSONAL
        .iter()
        .find(|(claim, _)| *claim == name)
        .map(|(_, owner)| *owner)
}

fn member<'a>(
    all: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, Problem> {
    match all.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(place)) => Ok(Some(place)),
        Some(_) => Err(wrong(&format!("{name} in claims is not an object"))),
    }
}

/// OpenID Connect Core 5.5.1: `null`, or an object with `essential`.
fn essential(name: &str, rule: &Value) -> Result<bool, Problem> {
    match rule {
        Value::Null => Ok(false),
        Value::Object(rule) => match rule.get("essential") {
            None => Ok(false),
            Some(Value::Bool(essential)) => Ok(*essential),
            Some(_) => Err(wrong(&format!("essential of {name} is not true or false"))),
        },
        _ => Err(wrong(&format!("{name} in claims is not null or an object"))),
    }
}

/// `value` or `values` of a claim that is text.
fn wanted(name: &str, rule: &Value) -> Result<Wanted, Problem> {
    let essential = essential(name, rule)?;
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(wrong(&format!("a value of {name} in claims is not text"))),
    };
    let values = match (rule.get("value"), rule.get("values")) {
        (None, None) => Vec::new(),
        (Some(value), None) => vec![text(value)?],
        (None, Some(Value::Array(values))) => values.iter().map(text).collect::<Result<_, _>>()?,
        (Some(_), Some(_)) => {
            return Err(wrong(&format!("{name} in claims has value and values")));
        }
        (None, Some(_)) => return Err(wrong(&format!("values of {name} is not a list"))),
    };
    Ok(Wanted { values, essential })
}

fn wrong(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_standard_is_understood() {
        // OpenID Connect Core 5.5, with the claims that there are here.
        let asked = ClaimsRequest::parse(
            r#"{
                "userinfo": {
                    "given_name": {"essential": true},
                    "nickname": null,
                    "email": {"essential": true},
                    "email_verified": {"essential": true},
                    "picture": null,
                    "http://example.info/claims/groups": null
                },
                "id_token": {
                    "auth_time": {"essential": true},
                    "acr": {"values": ["urn:mace:incommon:iap:silver"]},
                    "name": null
                },
                "other": 1
            }"#,
        )
        .unwrap();
        assert_eq!(asked.given.userinfo, ["email", "email_verified"]);
        assert_eq!(asked.given.id_token, ["name"]);
        assert_eq!(asked.essential, [EMAIL]);
        assert_eq!(asked.acr.values, ["urn:mace:incommon:iap:silver"]);
        assert!(!asked.acr.essential);
        assert_eq!(asked.given.scopes(), [PROFILE, EMAIL]);
    }

    #[test]
    fn a_value_binds_sub_and_acr() {
        let asked = ClaimsRequest::parse(
            r#"{"id_token":{"sub":{"value":"248"},"acr":{"essential":true,"values":["a","b"]}}}"#,
        )
        .unwrap();
        assert_eq!(asked.sub.values, ["248"]);
        assert_eq!(asked.acr.values, ["a", "b"]);
        assert!(asked.acr.essential);
        let told = ClaimsRequest::parse(r#"{"userinfo":{"sub":{"values":["1","2"]}}}"#).unwrap();
        assert_eq!(told.sub.values, ["1", "2"]);
    }

    #[test]
    fn what_is_no_claims_parameter_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "\"x\"",
            "{",
            r#"{"id_token":[]}"#,
            r#"{"userinfo":"email"}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
            r#"{"id_token":{"sub":{"value":1}}}"#,
            r#"{"id_token":{"sub":{"values":"1"}}}"#,
            r#"{"id_token":{"acr":{"value":"a","values":["b"]}}}"#,
            &format!("{{\"x\":\"{}\"}}", "a".repeat(LONGEST)),
        ] {
            let problem = ClaimsRequest::parse(text).unwrap_err();
            assert_eq!(problem.code, Code::InvalidRequest, "{text:.60}");
        }
        for empty in ["{}", r#"{"id_token":null}"#, r#"{"userinfo":{}}"#] {
            assert_eq!(
                ClaimsRequest::parse(empty).unwrap(),
                ClaimsRequest::default()
            );
        }
    }

    #[test]
    fn a_claim_is_given_only_where_its_scope_is_allowed() {
        let given = Given {
            id_token: vec!["email".into(), "name".into(), "unknown".into()],
            userinfo: vec!["locale".into()],
        };
        let cut = given.cut(&["openid".into(), EMAIL.into()]);
        assert_eq!(cut.id_token, ["email"]);
        assert!(cut.userinfo.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = ClaimsRequest::parse(&text);
        }

        #[test]
        fn only_known_claims_are_given(name in "[a-z_]{1,12}", rule in "null|\\{\\}|\\{\"essential\":true\\}") {
            let text = format!("{{\"userinfo\":{{\"{name}\":{rule}}}}}");
            let asked = ClaimsRequest::parse(&text).unwrap_or_default();
            prop_assert!(asked.given.userinfo.iter().all(|name| owner(name).is_some()));
        }
    }
}
