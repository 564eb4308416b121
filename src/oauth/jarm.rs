//! Answers to authorization requests, as they are or signed (JWT Secured Authorization Response
//! Mode for OAuth 2.0, JARM).

use std::time::Duration;

use serde_json::{Map, Value};

use super::iss;
use super::redirect::{Delivery, RedirectUri, Response};
use crate::clock::Time;

/// The type of a signed answer: no ID token, nor any other token of ours (RFC 8725 3.11).
pub const TYPE: &str = "oauth-authz-resp+jwt";

/// How long a signed answer holds: the longest that JARM 2.1 recommends.
const LIFE: Duration = Duration::from_secs(600);

/// An answer that is still to be sent, to an address that its client registered (RFC 6749 4.1.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    to: RedirectUri,
    delivery: Delivery,
    params: Vec<(String, String)>,
}

impl Answer {
    /// With the state that came (RFC 6749 4.1.2) and the name of who answers.
    pub(super) fn new(
        to: &RedirectUri,
        delivery: Delivery,
        params: &[(&str, &str)],
        state: Option<&str>,
        issuer: &str,
    ) -> Self {
        let state = state.map(|state| ("state", state));
        let all = params.iter().copied().chain(state);
        Self {
            to: to.clone(),
            delivery,
            params: all
                .chain([iss::parameter(issuer)])
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// With one parameter more, where it has a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<String>) -> Self {
        self.params
            .extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    /// Whether the client asked for it signed, by a response mode (JARM 2.3).
    pub fn is_signed(&self) -> bool {
        self.delivery.signed
    }

    /// What a signed answer says (JARM 2.1): `iss`, for whom, until when, and the parameters.
    pub fn claims(&self, client_id: &str, now: Time) -> Map<String, Value> {
        let mut claims = Map::new();
        for (name, value) in &self.params {
            claims.insert(name.clone(), value.as_str().into());
        }
        claims.insert("aud".into(), client_id.into());
        claims.insert("exp".into(), now.plus(LIFE).seconds().into());
        claims
    }

    /// As it is (RFC 6749 4.1.2).
    pub fn plain(&self) -> Response {
        let params: Vec<(&str, &str)> = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.to.respond(self.delivery.mode, &params)
    }

    /// Carried by the token that says it (JARM 2.3).
    pub fn sealed(&self, token: &str) -> Response {
        self.to.respond(self.delivery.mode, &[("response", token)])
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may hold a code.
        f.debug_struct("Answer")
            .field("to", &self.to)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use serde_json::json;

    const BACK: &str = "https://forum.example/cb";

    fn answer(mode: &str, state: Option<&str>) -> Answer {
        let to = client(&[BACK], "openid").redirect(Some(BACK)).unwrap();
        let delivery = Delivery::from_name(mode).unwrap();
        let params = [("code", "c1")];
        Answer::new(&to, delivery, &params, state, "https://steppe.example")
    }

    #[test]
    fn each_mode_has_a_signed_form() {
        for (mode, wanted) in [
            ("jwt", "?response=a.b.c"),
            ("query.jwt", "?response=a.b.c"),
            ("fragment.jwt", "#response=a.b.c"),
        ] {
            let answer = answer(mode, Some("s"));
            assert!(answer.is_signed());
            let Response::Redirect(to) = answer.sealed("a.b.c") else {
                panic!("{mode} redirects");
            };
            assert_eq!(to, format!("{BACK}{wanted}"));
        }
        let posted = answer("form_post.jwt", None).sealed("a.b.c");
        let fields = vec![("response".to_owned(), "a.b.c".to_owned())];
        let action = BACK.to_owned();
        assert_eq!(posted, Response::FormPost { action, fields });
        for mode in ["query", "fragment", "form_post"] {
            assert!(!answer(mode, None).is_signed());
        }
        for mode in ["", "JWT", ".jwt", "jwt.jwt", "query.jwt.jwt", "web_message"] {
            assert_eq!(Delivery::from_name(mode), None, "{mode}");
        }
    }

    #[test]
    fn a_signed_answer_says_for_whom_and_until_when() {
        let claims = answer("jwt", Some("s 1")).claims("forum", Time::from_seconds(100));
        assert_eq!(
            Value::Object(claims),
            json!({
                "iss": "https://steppe.example", "aud": "forum", "exp": 700,
                "code": "c1", "state": "s 1"
            })
        );
    }
}
