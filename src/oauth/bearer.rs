//! Access tokens as they come in and the header that refuses them (RFC 6750, RFC 9449 7).

use super::error::{Code, Problem};
use super::params::Params;

/// A longer token, in bytes, is refused.
const MAX_BYTES: usize = 16 * 1024;

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750 2.1.
    Bearer,
    /// With a proof of its key beside it (RFC 9449 7.1).
    Dpop,
}

/// A token as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// How.
    pub scheme: Scheme,
    /// The token.
    pub text: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({:?})", self.scheme)
    }
}

/// Finds the token of a request: in the `Authorization` header or, with a form, in its body.
/// `None` when there is none of this kind: answered 401 without an error code (RFC 6750 3.1).
///
/// # Errors
/// `invalid_request` when it comes twice or is malformed.
pub fn token(
    authorization: Option<&[u8]>,
    form: Option<&Params>,
) -> Result<Option<Token>, Problem> {
    let header = match authorization {
        Some(header) => credentials(header)?,
        None => None,
    };
    let body = form.and_then(|form| form.one("access_token"));
    match (header, body) {
        (Some(_), Some(_)) => Err(malformed("the token came in the header and in the body")),
        (Some(token), None) => Ok(Some(token)),
        (None, Some(token)) if is_token(token) => Ok(Some(Token {
            scheme: Scheme::Bearer,
            text: token.to_owned(),
        })),
        (None, Some(_)) => Err(malformed("access_token is malformed")),
        (None, None) => Ok(None),
    }
}

/// The token of an `Authorization: Bearer` or `DPoP` header (RFC 6750 2.1, RFC 9449 7.1); `None`
/// for another scheme.
///
/// # Errors
/// `invalid_request` when it is malformed.
pub fn credentials(header: &[u8]) -> Result<Option<Token>, Problem> {
    let (scheme, rest) = match header.iter().position(|byte| *byte == b' ') {
        Some(at) => (&header[..at], &header[at + 1..]),
        None => (header, &header[..0]),
    };
    let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        return Ok(None);
    };
    match std::str::from_utf8(rest).map(|rest| rest.trim_matches(' ')) {
        Ok(token) if is_token(token) => Ok(Some(Token {
            scheme,
            text: token.to_owned(),
        })),
        _ => Err(malformed("the Authorization header is malformed")),
    }
}

/// `b64token` of RFC 6750 2.1.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && text.len() <= MAX_BYTES
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// The `WWW-Authenticate` header of a refusal (RFC 6750 3, RFC 9449 7.1): without a problem when
/// no token came so; `scope` names what would be needed.
pub fn www_authenticate(scheme: Scheme, problem: Option<&Problem>, scope: Option<&str>) -> String {
    let mut header = match scheme {
        Scheme::Bearer => String::from("Bearer realm=\"gerege\""),
        Scheme::Dpop => format!(
            "DPoP realm=\"gerege\", algs=\"{}\"",
            super::dpop::ALGORITHMS.join(" ")
        ),
    };
    if let Some(problem) = problem {
        header.push_str(&format!(
            ", error=\"{}\", error_description=\"{}\"",
            problem.code.name(),
            problem.description
        ));
    }
    if let Some(scope) = scope {
        header.push_str(&format!(", scope=\"{scope}\""));
    }
    header
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_comes_one_way() {
        type Row<'a> = (
            Option<&'a str>,
            Option<&'a str>,
            Result<Option<&'a str>, ()>,
        );
        let table: &[Row<'_>] = &[
            (None, None, Ok(None)),
            (
                Some("Bearer abc.d-e_f~g+h/i=="),
                None,
                Ok(Some("abc.d-e_f~g+h/i==")),
            ),
            (Some("bearer abc"), None, Ok(Some("abc"))),
            (Some("BEARER  abc "), None, Ok(Some("abc"))),
            (Some("Basic abc"), None, Ok(None)),
            (Some("DPoP abc"), None, Ok(Some("DPoP abc"))),
            (Some("dpop abc"), None, Ok(Some("DPoP abc"))),
            (Some("DPoP"), None, Err(())),
            (Some("DPoP abc"), Some("access_token=abc"), Err(())),
            (Some("Bearerabc"), None, Ok(None)),
            (Some("Bearer"), None, Err(())),
            (Some("Bearer "), None, Err(())),
            (Some("Bearer a b"), None, Err(())),
            (Some("Bearer a,b"), None, Err(())),
            (Some("Bearer a=b"), None, Err(())),
            (Some("Bearer é"), None, Err(())),
            (None, Some("access_token=abc"), Ok(Some("abc"))),
            (None, Some("access_token="), Ok(None)),
            (None, Some("access_token=a%20b"), Err(())),
            (Some("Bearer abc"), Some("access_token=abc"), Err(())),
            (Some("Basic abc"), Some("access_token=abc"), Ok(Some("abc"))),
        ];
        for (header, form, wanted) in table {
            let form = form.map(|form| Params::parse(form.as_bytes()).unwrap());
            let got = token(header.map(str::as_bytes), form.as_ref());
            let got = got.map(|token| {
                token.map(|token| match token.scheme {
                    Scheme::Bearer => token.text,
                    Scheme::Dpop => format!("DPoP {}", token.text),
                })
            });
            let got = got.as_ref().map(Option::as_deref).map_err(|_| ());
            assert_eq!(got, *wanted, "{header:?} {form:?}");
        }
        assert!(token(Some(b"Bearer \xff"), None).is_err());
    }

    #[test]
    fn a_refusal_without_a_token_names_no_error() {
        let bare = |scheme| www_authenticate(scheme, None, None);
        assert_eq!(bare(Scheme::Bearer), "Bearer realm=\"gerege\"");
        assert_eq!(
            bare(Scheme::Dpop),
            "DPoP realm=\"gerege\", algs=\"ES256 EdDSA Ed25519 PS256 RS256\""
        );
        let problem = Problem::new(Code::InsufficientScope, "say \"openid\"\r\nX: y");
        assert_eq!(
            www_authenticate(Scheme::Bearer, Some(&problem), Some("openid")),
            "Bearer realm=\"gerege\", error=\"insufficient_scope\", \
             error_description=\"say 'openid'??X: y\", scope=\"openid\""
        );
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(Some(token)) = credentials(&bytes) {
                prop_assert!(is_token(&token.text));
            }
        }

        #[test]
        fn each_token_comes_through(token in "[A-Za-z0-9._~+/-]{1,60}={0,2}") {
            let header = format!("Bearer {token}");
            let read = credentials(header.as_bytes()).unwrap();
            prop_assert_eq!(read.map(|read| read.text), Some(token));
        }
    }
}
