//! Pushed authorization requests (RFC 9126): judged as a whole before any browser sees them.

use super::authorize::{AuthorizeRequest, PageError, Refusal, check};
use super::client::Client;
use super::error::{Code, Problem};
use super::params::Params;
use super::redirect::{register_check, registering};
use super::service::Service;

/// What stands before the secret of a reference (RFC 9126 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A reference, as it is handed out (RFC 9126 2.2).
pub fn reference(secret: &str) -> String {
    format!("{PREFIX}{secret}")
}

/// The secret in a reference of ours (RFC 9126 4); nothing for another kind of `request_uri`.
pub fn secret(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(PREFIX)
}

/// Reads what an authenticated client pushes; `signed` is its request object, as it was read.
///
/// # Errors
/// `invalid_request` for a reference in place of a request; what `signed` was refused for.
pub fn read(
    params: &Params,
    client: &Client,
    signed: Option<Result<AuthorizeRequest, Problem>>,
) -> Result<AuthorizeRequest, Problem> {
    // RFC 9126 2.1 3.
    if params.has("request_uri") {
        return Err(wrong("request_uri must not be pushed"));
    }
    Ok(AuthorizeRequest {
        // RFC 9126 2.1: who asks is who authenticated; `present` refused another.
        client_id: Some(client.id.clone()),
        pushed: true,
        ..match signed {
            // RFC 9126 3: then nothing beside it is a part of the request.
            Some(signed) => signed?,
            None => AuthorizeRequest::parse(params),
        }
    })
}

/// Judges a pushed request as if a browser had brought it (RFC 9126 2.1 4).
///
/// # Errors
/// What the client is told (RFC 9126 2.3). Nobody is redirected, so that a wrong address is
/// `invalid_request` too.
pub fn judge(
    request: &AuthorizeRequest,
    client: &Client,
    services: &[Service],
    issuer: &str,
) -> Result<(), Problem> {
    match check(request, Some(client), services, issuer) {
        Ok(_) => Ok(()),
        Err(Refusal::Redirect { problem, .. }) => Err(problem),
        Err(Refusal::Page(error)) => Err(match error {
            PageError::RedirectMissing => wrong("redirect_uri is missing"),
            PageError::RedirectUnknown { asked, nearest, .. } => {
                let problem = match nearest {
                    Some((near, differs)) => wrong(&format!(
                        "redirect_uri is not registered; the nearest, {near}, differs in its {}",
                        differs.part.name()
                    )),
                    None => wrong("redirect_uri is not registered"),
                };
                match register_check(&asked) {
                    Ok(_) => problem.mend_quoted(registering(&client.id, &asked), &client.id),
                    Err(_) => problem.mend(format!("gerege client show {}", client.id)),
                }
            }
            PageError::ClientMissing
            | PageError::ClientUnknown { .. }
            | PageError::Slow(_)
            | PageError::PushedGone { .. } => wrong("client_id is not the client's that pushes"),
        }),
    }
}

fn wrong(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::Need;
    use crate::oauth::client::tests::client;
    use proptest::prelude::*;

    const BACK: &str = "https://forum.example/cb";
    const GOOD: &str = "response_type=code&redirect_uri=https%3A%2F%2Fforum.example%2Fcb&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    /// A request object that was refused, where one came.
    fn signed(params: &Params) -> Option<Result<AuthorizeRequest, Problem>> {
        let refused = Problem::new(Code::InvalidRequestObject, "not here");
        params.one("request").map(|_| Err(refused))
    }

    fn push(more: &str) -> Result<AuthorizeRequest, Problem> {
        let mut forum = client(&[BACK], "openid profile");
        forum.asking.par = Need::Required;
        let params = Params::parse(format!("{GOOD}{more}").as_bytes())?;
        let asked = read(&params, &forum, signed(&params))?;
        judge(&asked, &forum, &[], "https://steppe.example").map(|()| asked)
    }

    #[test]
    fn a_pushed_request_is_the_authenticated_clients() {
        let asked = push("&client_secret=opensesame").unwrap();
        assert_eq!(asked.client_id.as_deref(), Some("forum"));
        assert!(asked.pushed);
        let kept = serde_json::to_string(&asked).unwrap();
        assert!(!kept.contains("opensesame"), "what proves it is not kept");
    }

    #[test]
    fn each_mistake_is_told_at_once() {
        for (more, code, word) in [
            (
                "&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax",
                Code::InvalidRequest,
                "request_uri",
            ),
            ("&request_uri=", Code::InvalidRequest, "request_uri"),
            ("&prompt=none+login", Code::InvalidRequest, "prompt"),
            ("&max_age=soon", Code::InvalidRequest, "max_age"),
            (
                "&resource=https%3A%2F%2Fnowhere.example",
                Code::InvalidTarget,
                "resource",
            ),
            ("&request=eyJ", Code::InvalidRequestObject, "not here"),
            ("&response_mode=loud", Code::InvalidRequest, "response_mode"),
        ] {
            let problem = push(more).unwrap_err();
            assert_eq!(problem.code, code, "{more}");
            assert!(problem.description.contains(word), "{more}: {problem}");
        }
        let forum = client(&[BACK], "openid");
        for (query, word) in [
            (
                "redirect_uri=https%3A%2F%2Fforum.example%2Fcb%2F",
                "trailing-slash",
            ),
            ("scope=openid", "missing"),
        ] {
            let params = Params::parse(query.as_bytes()).unwrap();
            let asked = read(&params, &forum, signed(&params)).unwrap();
            let problem = judge(&asked, &forum, &[], "https://steppe.example").unwrap_err();
            assert_eq!(problem.code, Code::InvalidRequest);
            assert!(problem.description.contains(word), "{problem}");
        }
    }

    #[test]
    fn a_client_that_must_push_is_refused_otherwise() {
        let mut forum = client(&[BACK], "openid");
        forum.asking.par = Need::Required;
        let params = Params::parse(format!("client_id=forum&{GOOD}").as_bytes()).unwrap();
        let asked = AuthorizeRequest::parse(&params);
        let refused = check(&asked, Some(&forum), &[], "https://steppe.example");
        let Err(Refusal::Redirect { problem, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(problem.code, Code::InvalidRequest);
    }

    proptest! {
        #[test]
        fn a_reference_gives_its_secret_back(text in "\\PC{0,40}") {
            let whole = reference(&text);
            prop_assert_eq!(secret(&whole), Some(text.as_str()));
            prop_assert!(secret(&text).is_none_or(|rest| reference(rest) == text));
        }
    }
}
