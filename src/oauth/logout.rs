//! Signing out at an app's wish (OpenID Connect RP-Initiated Logout 1.0).

use super::client::Client;
use super::params::{Params, encode_all};

/// A request as it was sent.
#[derive(Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // each is the parameter of the same name
pub struct LogoutRequest {
    /// As sent; its signature is not checked here.
    pub id_token_hint: Option<String>,
    pub client_id: Option<String>,
    pub post_logout_redirect_uri: Option<String>,
    pub state: Option<String>,
    pub ui_locales: Option<String>,
}

impl LogoutRequest {
    /// Takes the known parameters (RP-Initiated Logout 2).
    pub fn parse(params: &Params) -> Self {
        Self {
            id_token_hint: params.owned("id_token_hint"),
            client_id: params.owned("client_id"),
            post_logout_redirect_uri: params.owned("post_logout_redirect_uri"),
            state: params.owned("state"),
            ui_locales: params.owned("ui_locales"),
        }
    }
}

impl std::fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutRequest")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What the `id_token_hint` turned out to be. An expired one is good for a year (PROTOCOL.md 3);
/// an access token is bad (SECURITY R55).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// None was sent.
    Absent,
    /// Not an ID token of ours.
    Bad,
    /// Verified.
    Good {
        /// `aud`.
        client_id: String,
        /// `sub`.
        sub: String,
        /// `sid`.
        sid: Option<String>,
    },
}

/// A session of the browser that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Whose.
    pub sub: String,
    /// Its stable id.
    pub sid: String,
    /// What the client that asks sees of that id.
    pub seen: String,
}

/// An address that its client registered, with the state to send back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return(String);

impl Return {
    /// The whole address.
    pub fn location(&self) -> &str {
        &self.0
    }
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask the person first (RP-Initiated Logout 2).
    Confirm {
        /// Where to go afterwards.
        then: Option<Return>,
    },
    /// End these sessions without a question.
    End {
        /// Their stable ids.
        sids: Vec<String>,
        /// Where to go afterwards.
        then: Option<Return>,
    },
    /// Nobody is signed in here.
    Out {
        /// Where to go.
        then: Option<Return>,
    },
}

/// Why a page is shown and nothing is sent anywhere (SECURITY R58).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutError {
    /// The hint is no ID token of ours, or names another client than `client_id`.
    Hint,
    /// No such client, or none named although an address was.
    Client,
    /// The address is not on file.
    Return,
}

/// The client that a request is from: by `client_id`, else by its hint.
pub fn client_id<'a>(request: &'a LogoutRequest, hint: &'a Hint) -> Option<&'a str> {
    match hint {
        Hint::Good { client_id, .. } => Some(request.client_id.as_ref().unwrap_or(client_id)),
        Hint::Absent | Hint::Bad => request.client_id.as_deref(),
    }
}

/// Judges a request. `client` is the one that `client_id` names, `sessions` those of the browser.
///
/// # Errors
/// What the page must say; nothing is redirected and nothing ends.
pub fn decide(
    request: &LogoutRequest,
    hint: &Hint,
    client: Option<&Client>,
    sessions: &[SignedIn],
) -> Result<Decision, LogoutError> {
    let named = client_id(request, hint);
    match hint {
        Hint::Bad => return Err(LogoutError::Hint),
        Hint::Good { client_id, .. } if named != Some(client_id) => return Err(LogoutError::Hint),
        _ => {}
    }
    let client = client.filter(|client| Some(client.id.as_str()) == named);
    if named.is_some() && client.is_none() {
        return Err(LogoutError::Client);
    }
    let then = match &request.post_logout_redirect_uri {
        None => None,
        Some(asked) => Some(address(
            client.ok_or(LogoutError::Client)?,
            asked,
            request.state.as_deref(),
        )?),
    };
    // RFC 9700 4.11.2: whoever may register could lead people anywhere by our name. An app that
    // nobody here has looked at is gone back to only when it ends a session of its own.
    let checked = client.is_none_or(|client| !client.is_unchecked());
    let unasked = then.clone().filter(|_| checked);
    if sessions.is_empty() {
        return Ok(Decision::Out { then: unasked });
    }
    let Hint::Good { sub, sid, .. } = hint else {
        return Ok(Decision::Confirm { then: unasked });
    };
    // The hint speaks for its own session, or, without `sid`, for its person.
    let sids: Vec<String> = sessions
        .iter()
        .filter(|session| match sid {
            Some(sid) => session.seen == *sid && session.sub == *sub,
            None => session.sub == *sub,
        })
        .map(|session| session.sid.clone())
        .collect();
    Ok(if sids.is_empty() {
        Decision::Confirm { then: unasked }
    } else {
        Decision::End { sids, then }
    })
}

/// Compared as strings, all of it (RP-Initiated Logout 3).
fn address(client: &Client, asked: &str, state: Option<&str>) -> Result<Return, LogoutError> {
    let known = client.post_logout.iter().any(|known| known == asked);
    if !known || super::redirect::register_check(asked).is_err() {
        return Err(LogoutError::Return);
    }
    let Some(state) = state else {
        return Ok(Return(asked.to_owned()));
    };
    let mark = if asked.contains('?') { '&' } else { '?' };
    let state = encode_all([("state", state)]);
    Ok(Return(format!("{asked}{mark}{state}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;

    const BYE: &str = "https://forum.example/bye";

    fn good(client_id: &str, sub: &str, sid: Option<&str>) -> Hint {
        Hint::Good {
            client_id: client_id.to_owned(),
            sub: sub.to_owned(),
            sid: sid.map(str::to_owned),
        }
    }

    #[test]
    fn signing_out_is_confirmed_unless_the_hint_is_good() {
        let forum = client(&["https://forum.example/cb"], "openid");
        let here = vec![
            SignedIn {
                sub: "s1".into(),
                sid: "1".into(),
                seen: "a".into(),
            },
            SignedIn {
                sub: "s2".into(),
                sid: "2".into(),
                seen: "b".into(),
            },
        ];
        let then = Some(Return(BYE.to_owned()));
        let end = |sids: &[&str], then: &Option<Return>| {
            Ok(Decision::End {
                sids: sids.iter().map(|sid| (*sid).to_owned()).collect(),
                then: then.clone(),
            })
        };
        let confirm = |then: &Option<Return>| Ok(Decision::Confirm { then: then.clone() });
        type Row<'a> = (&'a str, Hint, bool, Result<Decision, LogoutError>);
        let table: Vec<Row<'_>> = vec![
            ("", Hint::Absent, true, confirm(&None)),
            ("", Hint::Absent, false, Ok(Decision::Out { then: None })),
            ("client_id=forum", Hint::Absent, true, confirm(&None)),
            (
                "client_id=other",
                Hint::Absent,
                true,
                Err(LogoutError::Client),
            ),
            (
                "post_logout_redirect_uri=https://forum.example/bye",
                Hint::Absent,
                true,
                Err(LogoutError::Client),
            ),
            (
                "client_id=forum&post_logout_redirect_uri=https://forum.example/bye",
                Hint::Absent,
                true,
                confirm(&then),
            ),
            (
                "client_id=forum&post_logout_redirect_uri=https://forum.example/bye/",
                Hint::Absent,
                true,
                Err(LogoutError::Return),
            ),
            (
                "client_id=forum&post_logout_redirect_uri=https://evil.example/",
                Hint::Absent,
                false,
                Err(LogoutError::Return),
            ),
            ("", Hint::Bad, true, Err(LogoutError::Hint)),
            (
                "client_id=forum&post_logout_redirect_uri=https://forum.example/bye",
                Hint::Bad,
                true,
                Err(LogoutError::Hint),
            ),
            ("", good("forum", "s1", Some("a")), true, end(&["1"], &None)),
            ("", good("forum", "s1", None), true, end(&["1"], &None)),
            ("", good("forum", "s1", Some("b")), true, confirm(&None)),
            ("", good("forum", "s1", Some("gone")), true, confirm(&None)),
            ("", good("forum", "s9", None), true, confirm(&None)),
            (
                "client_id=other",
                good("forum", "s1", None),
                true,
                Err(LogoutError::Hint),
            ),
            (
                "",
                good("other", "s1", None),
                true,
                Err(LogoutError::Client),
            ),
            (
                "post_logout_redirect_uri=https://forum.example/bye",
                good("forum", "s2", Some("b")),
                true,
                end(&["2"], &then),
            ),
            (
                "post_logout_redirect_uri=https://forum.example/bye",
                good("forum", "s2", Some("b")),
                false,
                Ok(Decision::Out { then: then.clone() }),
            ),
        ];
        for (query, hint, signed_in, wanted) in table {
            let request = LogoutRequest::parse(&Params::parse(query.as_bytes()).unwrap());
            let sessions = if signed_in { here.as_slice() } else { &[] };
            assert_eq!(
                decide(&request, &hint, Some(&forum), sessions),
                wanted,
                "{query} {hint:?}"
            );
        }
    }

    // RFC 9700 4.11.2
    #[test]
    fn nobody_is_sent_to_an_unchecked_app_that_ended_nothing() {
        let mut quiz = client(&["https://forum.example/cb"], "openid");
        quiz.registration.origin = crate::oauth::registration::Origin::Registered;
        let here = [SignedIn {
            sub: "s1".into(),
            sid: "1".into(),
            seen: "a".into(),
        }];
        let query = b"client_id=forum&post_logout_redirect_uri=https://forum.example/bye";
        let request = LogoutRequest::parse(&Params::parse(query).unwrap());
        for (hint, sessions, back) in [
            (Hint::Absent, &here[..], false),
            (Hint::Absent, &[], false),
            (good("forum", "s2", Some("b")), &here, false),
            (good("forum", "s2", Some("b")), &[], false),
            (good("forum", "s1", Some("a")), &here, true),
        ] {
            let decision = decide(&request, &hint, Some(&quiz), sessions).unwrap();
            let (Decision::Confirm { then } | Decision::End { then, .. } | Decision::Out { then }) =
                decision;
            assert_eq!(then.is_some(), back, "{hint:?}");
        }
    }

    #[test]
    fn the_state_comes_back_as_it_was() {
        let mut forum = client(&["https://forum.example/cb"], "openid");
        forum
            .post_logout
            .push("https://forum.example/bye?a=1".to_owned());
        for (asked, wanted) in [
            (BYE, "https://forum.example/bye?state=x%20%26%23y"),
            (
                "https://forum.example/bye?a=1",
                "https://forum.example/bye?a=1&state=x%20%26%23y",
            ),
        ] {
            let request = LogoutRequest {
                client_id: Some("forum".into()),
                post_logout_redirect_uri: Some(asked.into()),
                state: Some("x &#y".into()),
                ..LogoutRequest::default()
            };
            let decision = decide(&request, &Hint::Absent, Some(&forum), &[]).unwrap();
            assert_eq!(
                decision,
                Decision::Out {
                    then: Some(Return(wanted.into()))
                }
            );
        }
    }

    #[test]
    fn an_address_that_could_not_be_registered_is_not_answered_to() {
        let mut forum = client(&["https://forum.example/cb"], "openid");
        let bad = "javascript:alert(1)";
        forum.post_logout.push(bad.to_owned());
        let request = LogoutRequest {
            client_id: Some("forum".into()),
            post_logout_redirect_uri: Some(bad.into()),
            ..LogoutRequest::default()
        };
        let got = decide(&request, &Hint::Absent, Some(&forum), &[]);
        assert_eq!(got, Err(LogoutError::Return));
    }
}
