//! Request objects (RFC 9101): an authorization request as a token that the client signed. The
//! signature is checked in `keys`; here what it says is judged.

use std::time::Duration;

use serde_json::Value;

use super::authorize::AuthorizeRequest;
use super::error::{Code, Problem};
use super::json::Members;
use super::params::Params;
use crate::clock::Time;

/// The algorithms that a client may sign with (RFC 9101 10.2; PROTOCOL 3). The last is another
/// name of the one before it (RFC 9864 2.2).
pub const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/// The types that one may have (RFC 9101 10.8), in their short form: its own; those of clients from
/// before it.
pub const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// Clocks may differ by this much (SECURITY R67).
const SKEW: Duration = Duration::from_secs(60);

/// A request object may run this long, and be so old.
const LONGEST: Duration = Duration::from_secs(3600);

/// Claims about the token, and none of the request.
const OWN: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];

/// Reads the payload of a request object whose signature is the client's. What stands outside of
/// it is no part of the request (RFC 9101 5 and 6.3).
///
/// # Errors
/// `invalid_request_object`.
pub fn read(
    payload: &[u8],
    client_id: &str,
    issuer: &str,
    now: Time,
) -> Result<AuthorizeRequest, Problem> {
    let members = members(payload)?;
    let find = finder(&members);
    // RFC 9101 6.3
    if find("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(wrong(
            "client_id of the request object must be the one beside it",
        ));
    }
    judge(&find, client_id, issuer, now)?;
    Ok(AuthorizeRequest {
        signed: true,
        ..AuthorizeRequest::parse(&params(&members)?)
    })
}

/// A request of an app's own server that it signed (CIBA 7.1.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Backchannel {
    /// What it asks for.
    pub params: Params,
    /// Its id, which is taken once.
    pub jti: String,
    /// Until when the id must be remembered.
    pub until: Time,
}

/// As [`read`], for a request that no browser carries: all that ties it to this moment is needed,
/// and the client is named by `iss` (CIBA 7.1.1).
///
/// # Errors
/// `invalid_request_object`.
pub fn read_backchannel(
    payload: &[u8],
    client_id: &str,
    issuer: &str,
    now: Time,
) -> Result<Backchannel, Problem> {
    let members = members(payload)?;
    let find = finder(&members);
    judge(&find, client_id, issuer, now)?;
    let exp = find("exp").and_then(instant);
    let exp = exp.ok_or_else(|| wrong("exp of the request object is missing"))?;
    for name in ["iat", "nbf"] {
        let at = find(name).and_then(instant);
        let at = at.ok_or_else(|| wrong(&format!("{name} of the request object is missing")))?;
        if at.plus(LONGEST).plus(SKEW) <= now {
            return Err(wrong(&format!(
                "{name} of the request object is more than an hour ago"
            )));
        }
    }
    let jti = find("jti").and_then(Value::as_str).unwrap_or_default();
    if jti.is_empty() || jti.len() > 256 {
        return Err(wrong("jti of the request object is missing or too long"));
    }
    Ok(Backchannel {
        params: params(&members)?,
        jti: jti.to_owned(),
        until: exp.plus(SKEW),
    })
}

fn members(payload: &[u8]) -> Result<Vec<(String, Value)>, Problem> {
    match serde_json::from_slice(payload) {
        Ok(Members(members)) => Ok(members),
        Err(_) => Err(wrong(
            "the request object is not a JSON object whose members stand once",
        )),
    }
}

fn finder<'a>(members: &'a [(String, Value)]) -> impl Fn(&str) -> Option<&'a Value> {
    move |name| {
        let member = members.iter().find(|(had, _)| had == name);
        member.map(|(_, value)| value)
    }
}

/// What it says of the request.
fn params(members: &[(String, Value)]) -> Result<Params, Problem> {
    let mut pairs = Vec::new();
    for (name, value) in members {
        if !OWN.contains(&name.as_str()) {
            take(&mut pairs, name, value)?;
        }
    }
    Params::from_pairs(pairs).map_err(|problem| wrong(&problem.description))
}

/// Who made it, for whom, and until when.
fn judge<'a>(
    find: &impl Fn(&str) -> Option<&'a Value>,
    client_id: &str,
    issuer: &str,
    now: Time,
) -> Result<(), Problem> {
    let text = |name: &str| find(name).and_then(Value::as_str);
    if text("iss") != Some(client_id) {
        return Err(wrong("iss of the request object must be the client_id"));
    }
    let ours = match find("aud") {
        Some(Value::String(aud)) => aud == issuer,
        Some(Value::Array(all)) => all.iter().any(|aud| aud.as_str() == Some(issuer)),
        _ => false,
    };
    if !ours {
        return Err(wrong("aud of the request object must be the issuer"));
    }
    // RFC 9101 10.8: else it could be taken for the client's assertion.
    if find("sub").is_some() {
        return Err(wrong("a request object must have no sub"));
    }
    // RFC 9101 4
    if find("request").is_some() || find("request_uri").is_some() {
        return Err(wrong(
            "request and request_uri must not stand in a request object",
        ));
    }
    let at = |name: &str| match find(name) {
        None => Ok(None),
        Some(value) => instant(value)
            .map(Some)
            .ok_or_else(|| wrong(&format!("{name} of the request object is no time"))),
    };
    // Neither RFC 9101 nor OpenID Connect Core 6 wants one; FAPI and CIBA do, and ask for it.
    if let Some(exp) = at("exp")? {
        if exp.plus(SKEW) <= now {
            return Err(wrong("the request object has run out"));
        }
        if exp > now.plus(LONGEST).plus(SKEW) {
            return Err(wrong(
                "exp of the request object is more than an hour ahead",
            ));
        }
    }
    for name in ["nbf", "iat"] {
        if at(name)?.is_some_and(|early| early > now.plus(SKEW)) {
            return Err(wrong("the request object is from the future"));
        }
    }
    Ok(())
}

/// A member as the parameter of the same name (RFC 9101 4).
fn take(pairs: &mut Vec<(String, String)>, name: &str, value: &Value) -> Result<(), Problem> {
    let mut push = |text: String| pairs.push((name.to_owned(), text));
    match value {
        Value::Null => {}
        Value::String(text) => push(text.clone()),
        Value::Number(number) => push(number.to_string()),
        Value::Bool(flag) => push(flag.to_string()),
        // Parameters that are JSON stay JSON: `claims`, and what RFC 9396 adds.
        Value::Object(_) => push(value.to_string()),
        Value::Array(all) if all.iter().all(Value::is_string) => {
            // RFC 8707 2.1: a parameter that may stand several times.
            for text in all.iter().filter_map(Value::as_str) {
                push(text.to_owned());
            }
        }
        Value::Array(all) if all.iter().all(Value::is_object) => push(value.to_string()),
        Value::Array(_) => {
            return Err(wrong(&format!(
                "{name} in the request object is a list of several kinds"
            )));
        }
    }
    Ok(())
}

/// A NumericDate (RFC 7519 2), in whole seconds.
fn instant(value: &Value) -> Option<Time> {
    let seconds = value
        .as_i64()
        .or_else(|| value.as_f64().map(|at| at as i64))?;
    // Past the year 200 million there is nothing to add up.
    (0..9_000_000_000_000_000)
        .contains(&seconds)
        .then(|| Time::from_seconds(seconds))
}

fn wrong(why: &str) -> Problem {
    Problem::new(Code::InvalidRequestObject, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ISSUER: &str = "https://steppe.example";
    const NOW: Time = Time::from_seconds(1_800_000_000);

    fn sound() -> Value {
        json!({
            "iss": "forum", "aud": ISSUER, "exp": 1_800_000_060, "nbf": 1_800_000_000,
            "iat": 1_800_000_000, "jti": "1", "client_id": "forum",
            "redirect_uri": "https://forum.example/cb", "response_type": "code",
            "scope": "openid", "state": "s 1", "max_age": 300,
            "claims": { "userinfo": { "name": null } },
            "resource": ["https://chat.example", "https://mail.example"],
            "unknown": true,
        })
    }

    fn ask(
        change: impl Fn(&mut serde_json::Map<String, Value>),
    ) -> Result<AuthorizeRequest, Problem> {
        let mut object = sound();
        change(object.as_object_mut().unwrap());
        read(object.to_string().as_bytes(), "forum", ISSUER, NOW)
    }

    #[test]
    fn members_are_the_parameters_of_the_same_name() {
        let asked = ask(|_| {}).unwrap();
        assert!(asked.signed && !asked.pushed);
        assert_eq!(asked.client_id.as_deref(), Some("forum"));
        assert_eq!(asked.state.as_deref(), Some("s 1"));
        assert_eq!(asked.max_age.as_deref(), Some("300"));
        let claims = asked.claims.unwrap();
        assert_eq!(claims, r#"{"userinfo":{"name":null}}"#);
        assert_eq!(asked.resource.len(), 2);
        let single = ask(|all| all["resource"] = "https://chat.example".into()).unwrap();
        assert_eq!(single.resource, ["https://chat.example"]);
        let endless = ask(|all| drop(all.remove("exp")));
        assert!(endless.is_ok(), "RFC 9101 4 asks for none");
        let listed = ask(|all| all["aud"] = json!(["https://other.example", ISSUER]));
        assert!(listed.is_ok(), "RFC 7519 4.1.3");
    }

    // CIBA 7.1.1
    #[test]
    fn a_request_of_a_server_says_all_of_itself_and_needs_no_client_id() {
        let ask = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
            let mut object = sound();
            let members = object.as_object_mut().unwrap();
            members.remove("client_id");
            members.insert("requested_expiry".into(), 30.into());
            change(members);
            read_backchannel(object.to_string().as_bytes(), "forum", ISSUER, NOW)
        };
        let read = ask(&|_| {}).ok().unwrap();
        assert_eq!(
            (read.jti.as_str(), read.until.seconds()),
            ("1", 1_800_000_120)
        );
        assert_eq!(read.params.one("requested_expiry"), Some("30"));
        let table: Vec<(&str, Value)> = vec![
            ("jti", Value::Null),
            ("jti", "".into()),
            ("jti", "j".repeat(257).into()),
            ("iat", Value::Null),
            ("iat", 1_799_996_000.into()),
            ("nbf", Value::Null),
            ("nbf", 1_799_995_800.into()),
            ("nbf", 1_800_000_600.into()),
            ("exp", Value::Null),
            ("exp", 1_800_004_200.into()),
            ("aud", Value::Null),
            ("iss", "other".into()),
        ];
        for (name, value) in table {
            let refused = ask(&|all| {
                if value.is_null() {
                    all.remove(name);
                } else {
                    all.insert(name.into(), value.clone());
                }
            });
            let code = refused.err().map(|problem| problem.code);
            assert_eq!(code, Some(Code::InvalidRequestObject), "{name} {value}");
        }
    }

    #[test]
    fn what_it_says_of_itself_must_be_true() {
        let table: Vec<(&str, Value)> = vec![
            ("iss", Value::Null),
            ("iss", "other".into()),
            ("iss", json!(["forum"])),
            ("client_id", Value::Null),
            ("client_id", "other".into()),
            ("aud", Value::Null),
            ("aud", "https://other.example".into()),
            ("aud", json!([])),
            ("aud", json!({ "x": ISSUER })),
            ("aud", format!("{ISSUER}/").into()),
            ("exp", "1800000060".into()),
            ("exp", 1_799_999_939.into()),
            ("exp", 1_800_003_700.into()),
            ("exp", (-1).into()),
            ("exp", json!(1e300)),
            ("nbf", 1_800_000_100.into()),
            ("nbf", true.into()),
            ("iat", 1_800_000_100.into()),
            ("sub", "forum".into()),
            ("sub", "anyone".into()),
            ("request", "eyJ".into()),
            ("request_uri", "urn:ietf:params:oauth:request_uri:x".into()),
            ("resource", json!(["https://chat.example", 1])),
            ("state", "a\0b".into()),
            ("state", json!(["a", "b"])),
        ];
        for (name, value) in table {
            let refused = ask(|all| {
                if value.is_null() {
                    all.remove(name);
                } else {
                    all.insert(name.to_owned(), value.clone());
                }
            });
            let problem = refused.expect_err(&format!("{name} = {value}"));
            assert_eq!(problem.code, Code::InvalidRequestObject, "{name} = {value}");
        }
        for text in ["", "[]", "1", "{", r#"{"iss":"forum","iss":"forum"}"#] {
            assert!(
                read(text.as_bytes(), "forum", ISSUER, NOW).is_err(),
                "{text}"
            );
        }
        let twice = sound().to_string().replacen('{', r#"{"state":"x","#, 1);
        assert!(read(twice.as_bytes(), "forum", ISSUER, NOW).is_err());
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        for (name, at) in [("exp", 1_799_999_941), ("nbf", 1_800_000_060)] {
            assert!(ask(|all| all[name] = at.into()).is_ok(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, "forum", ISSUER, NOW);
        }

        #[test]
        fn any_member_is_read_or_refused(name in "[a-z_]{1,12}", value in "\\PC{0,20}") {
            let asked = ask(|all| { all.insert(name.clone(), value.clone().into()); });
            if let Ok(asked) = asked {
                prop_assert_eq!(asked.client_id.as_deref(), Some("forum"));
            }
        }
    }
}
