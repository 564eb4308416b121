//! Scopes: their syntax, the ones OpenID Connect names, and how a set is cut (RFC 6749 3.3).

use super::error::{Code, Problem};
use super::management::{QUERY, REVOKE};
use super::service::Service;

/// Asks for an ID token (OpenID Connect Core 3.1.2.1).
pub const OPENID: &str = "openid";
/// Name and username (OpenID Connect Core 5.4).
pub const PROFILE: &str = "profile";
/// E-mail address (OpenID Connect Core 5.4).
pub const EMAIL: &str = "email";
/// A refresh token that outlives the browser session (OpenID Connect Core 11).
pub const OFFLINE: &str = "offline_access";

/// The scopes of OpenID Connect that mean something here. `address` and `phone` are not among
/// them: no such claim is kept, so they are ignored like any scope that is not understood
/// (OpenID Connect Core 3.1.2.1), and the answer's `scope` says so.
pub const STANDARD: [&str; 4] = [OPENID, PROFILE, EMAIL, OFFLINE];

/// Scopes that open a door of this server's, a person's or a client's own.
pub const OURS: [&str; 6] = [OPENID, PROFILE, EMAIL, OFFLINE, QUERY, REVOKE];

/// More scopes than this in one request are refused.
pub const MAX_COUNT: usize = 64;

/// Reads a `scope` parameter: names in order, each once.
///
/// # Errors
/// `invalid_scope` when a character is not allowed or there are too many.
pub fn parse(text: &str) -> Result<Vec<String>, Problem> {
    let mut scopes: Vec<String> = Vec::new();
    for name in text.split(' ').filter(|name| !name.is_empty()) {
        if !is_token(name) {
            return Err(Problem::new(
                Code::InvalidScope,
                "scope holds a character that is not allowed",
            ));
        }
        if scopes.iter().any(|had| had == name) {
            continue;
        }
        if scopes.len() == MAX_COUNT {
            return Err(Problem::new(
                Code::InvalidScope,
                "there are too many scopes",
            ));
        }
        scopes.push(name.to_owned());
    }
    Ok(scopes)
}

/// A `scope-token` of RFC 6749 3.3.
pub fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// As it goes over the wire: names with one space between.
pub fn print<S: AsRef<str>>(scopes: &[S]) -> String {
    let names: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
    names.join(" ")
}

/// The scopes of `asked` that also stand in `allowed`, in the order of `asked`.
pub fn cut<S: AsRef<str>>(asked: &[String], allowed: &[S]) -> Vec<String> {
    asked
        .iter()
        .filter(|name| has(allowed, name))
        .cloned()
        .collect()
}

/// Whether `name` is in the set.
pub fn has<S: AsRef<str>>(scopes: &[S], name: &str) -> bool {
    scopes.iter().any(|had| had.as_ref() == name)
}

/// Whether each scope of `asked` stands in `had`: a scope never grows (RFC 6749 6).
pub fn within(asked: &[String], had: &[String]) -> bool {
    asked.iter().all(|name| has(had, name))
}

/// Whether OpenID Connect names it and it means something here.
pub fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name)
}

/// The service that a scope belongs to.
pub fn owner<'a>(name: &str, services: &'a [Service]) -> Option<&'a Service> {
    services.iter().find(|service| has(&service.scopes, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scopes_are_read_once_and_in_order() {
        let table: &[(&str, Option<&str>)] = &[
            ("openid", Some("openid")),
            ("openid profile openid", Some("openid profile")),
            ("  b   a ", Some("b a")),
            ("", Some("")),
            (
                "urn:matrix:org.matrix.msc2967.client:api:*",
                Some("urn:matrix:org.matrix.msc2967.client:api:*"),
            ),
            ("a\tb", None),
            ("a\nb", None),
            ("a\"b", None),
            ("a\\b", None),
            ("é", None),
            ("a\u{7f}", None),
        ];
        for (text, wanted) in table {
            assert_eq!(
                parse(text).ok().map(|scopes| print(&scopes)).as_deref(),
                *wanted,
                "{text:?}"
            );
        }
        let many: Vec<String> = (0..=MAX_COUNT).map(|at| format!("s{at}")).collect();
        assert!(parse(&many[1..].join(" ")).is_ok());
        assert!(parse(&many.join(" ")).is_err());
    }

    #[test]
    fn a_cut_never_grows() {
        let asked = parse("b c a").unwrap();
        assert_eq!(cut(&asked, &["a", "b", "z"]), ["b", "a"]);
        assert!(within(&parse("a").unwrap(), &asked));
        assert!(!within(&parse("a d").unwrap(), &asked));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(text in "\\PC{0,60}") {
            if let Ok(scopes) = parse(&text) {
                prop_assert_eq!(parse(&print(&scopes)).unwrap(), scopes);
            }
        }
    }
}
