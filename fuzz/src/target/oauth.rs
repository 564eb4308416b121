//! The authorization request, the token request and the small parsers under them.

use std::sync::LazyLock;
use std::time::Duration;

use gerege::oauth::authorize::{AuthorizeRequest, Checked, PageError, Refusal, check};
use gerege::oauth::client::{Client, GrantType};
use gerege::oauth::grant::{Code, Grant};
use gerege::oauth::next::{BrowserView, Next, SessionView, next};
use gerege::oauth::params::{Params, encode_all};
use gerege::oauth::pkce::Verdict;
use gerege::oauth::redirect::{Kind, ResponseMode};
use gerege::oauth::refresh::{Family, Lifetimes, Rotation, Shown, rotate};
use gerege::oauth::service::Service;
use gerege::oauth::token::{Exchange, machine, redeem};
use gerege::oauth::{pkce as proof, scope as scopes};
use gerege::rng::digest;

use super::redirect::{answers, is_registered};
use super::registered::{ISSUER, NOW, clients, grant, services};
use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "client_id=",
    "redirect_uri=",
    "response_type=code",
    "response_mode=",
    "scope=",
    "state=",
    "nonce=",
    "prompt=",
    "max_age=",
    "login_hint=",
    "claims=",
    "authorization_details=",
    "ui_locales=",
    "acr_values=",
    "code_challenge=",
    "code_challenge_method=S256",
    "resource=",
    "id_token_hint=",
    "request=",
    "authorization_details=",
    "[{\"type\":\"room\",\"actions\":[\"read\"]}]",
    "claims=",
    "{\"userinfo\":{\"email\":{\"essential\":true}},\"id_token\":{\"sub\":{\"value\":\"a\"}}}",
    "request_uri=",
    "registration=",
    "grant_type=",
    "code=",
    "code_verifier=",
    "refresh_token=",
    "authorization_code",
    "client_credentials",
    "query",
    "fragment",
    "form_post",
    "jwt",
    "form_post.jwt",
    "none",
    "login",
    "consent",
    "create",
    "select_account",
    "openid",
    "profile",
    "email",
    "offline_access",
    "chat",
    "files",
    "plain",
    "token",
    "id_token",
    "forum",
    "desk",
    "phone",
    "robot",
    "https://forum.example/back",
    "http://127.0.0.1:4711/callback",
    "com.example.phone:/back",
    "https://chat.example",
    "https://id.steppe.example",
    "post_logout_redirect_uri=",
    "https://forum.example/bye",
];

static CLIENTS: LazyLock<[Client; 4]> = LazyLock::new(clients);
static SERVICES: LazyLock<[Service; 2]> = LazyLock::new(services);

/// A query of `/oauth2/authorize`.
pub fn authorize(input: &[u8]) -> Depth {
    let Ok(params) = Params::parse(input) else {
        return Depth::Door;
    };
    asked(&AuthorizeRequest::parse(&params))
}

/// What becomes of a request, however it came.
pub(super) fn asked(request: &AuthorizeRequest) -> Depth {
    // It is stored while a person signs up, and judged again from there.
    let stored = serde_json::to_string(request).unwrap();
    assert!(serde_json::from_str::<AuthorizeRequest>(&stored).unwrap() == *request);
    let client = CLIENTS
        .iter()
        .find(|client| Some(&client.id) == request.client_id.as_ref());
    match check(request, client, SERVICES.as_slice(), ISSUER) {
        Ok(checked) => {
            accepted(request, &checked, client.expect("no stranger is accepted"));
            Depth::Accepted
        }
        Err(Refusal::Page(PageError::ClientMissing | PageError::ClientUnknown { .. })) => {
            Depth::Door
        }
        Err(refusal @ Refusal::Page(_)) => {
            assert!(
                refusal.answer(ISSUER).is_err(),
                "sent somewhere without a known address"
            );
            Depth::Judged
        }
        Err(refusal @ Refusal::Redirect { .. }) => {
            let Refusal::Redirect {
                to,
                delivery,
                state,
                ..
            } = &refusal
            else {
                unreachable!()
            };
            let client = client.expect("nothing is sent anywhere for a stranger");
            assert!(
                is_registered(&client.redirects, to.as_str()),
                "{}",
                to.as_str()
            );
            let sent = answers(to, delivery.mode, &refusal.answer(ISSUER).unwrap().plain());
            assert_eq!(value(&sent, "iss"), Some(ISSUER));
            assert_eq!(value(&sent, "state"), state.as_deref());
            assert!(value(&sent, "error").is_some() && value(&sent, "code").is_none());
            Depth::Judged
        }
    }
}

fn value<'a>(sent: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = sent.iter().filter(|(had, _)| had == name);
    let first = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} stands twice in an answer");
    first
}

fn accepted(request: &AuthorizeRequest, checked: &Checked, client: &Client) {
    assert_eq!(checked.client_id, client.id);
    assert!(is_registered(&client.redirects, checked.redirect.as_str()));
    assert!(client.may(GrantType::AuthorizationCode));
    assert_eq!(request.response_type.as_deref(), Some("code"));
    assert!(!request.registration);
    assert!(!checked.scopes.is_empty());
    assert!(
        scopes::within(&checked.scopes, &client.scopes),
        "a scope that is not registered"
    );
    for (at, name) in checked.scopes.iter().enumerate() {
        assert!(!checked.scopes[..at].contains(name), "{name} twice");
    }
    for service in SERVICES.iter() {
        let owns = checked
            .scopes
            .iter()
            .any(|name| scopes::has(&service.scopes, name));
        assert_eq!(checked.services.contains(&service.id), owns);
    }
    for resource in &checked.resources {
        let known = SERVICES.iter().any(|service| service.audience == *resource);
        assert!(known || resource == ISSUER, "{resource}");
    }
    match &checked.challenge {
        Some(challenge) => assert_eq!(challenge.len(), 43),
        None => assert!(!proof::is_required(client), "PKCE was not asked for"),
    }
    let prompt = checked.prompt;
    assert!(!(prompt.none && (prompt.login || prompt.consent || prompt.create)));
    assert!(
        checked.delivery.mode != ResponseMode::FormPost
            || checked.redirect.kind() != Kind::PrivateUse
    );
    assert!(!checked.silent || checked.redirect.kind() == Kind::Https || !client.is_public());
    let sent = answers(
        &checked.redirect,
        checked.delivery.mode,
        &checked.grant("gc_x y&z", ISSUER).plain(),
    );
    assert_eq!(value(&sent, "code"), Some("gc_x y&z"));
    assert_eq!(value(&sent, "iss"), Some(ISSUER));
    assert_eq!(value(&sent, "state"), request.state.as_deref());
    assert_eq!(value(&sent, "error"), None);
    onward(checked);
}

/// What comes next: nothing is issued to a stranger, without consent, or for more than was asked.
fn onward(checked: &Checked) {
    let stranger = BrowserView {
        request_made_at: NOW,
        ..BrowserView::default()
    };
    match next(checked, &stranger, NOW) {
        Next::Create | Next::SignIn { .. } => assert!(!checked.prompt.none),
        Next::Refuse(_) => assert!(checked.prompt.none),
        other => panic!("a stranger gets {other:?}"),
    }
    let member = BrowserView {
        sessions: vec![SessionView {
            account_id: "a".into(),
            sub: "a".into(),
            sid: "s".into(),
            username: "temuulen".into(),
            email: "temuulen@mail.example".into(),
            auth_time: NOW.minus(Duration::from_secs(600)),
            terms_due: false,
            consent: vec!["openid".into()],
        }],
        request_made_at: NOW,
        ..BrowserView::default()
    };
    if let Next::Issue {
        account_id,
        scopes: given,
        ..
    } = next(checked, &member, NOW)
    {
        assert_eq!(account_id, "a");
        assert!(scopes::within(&given, &checked.asked()));
        assert!(!checked.prompt.login && !checked.prompt.create);
        assert!(
            checked
                .max_age
                .is_none_or(|most| most >= Duration::from_secs(600))
        );
        assert!(checked.first_party || scopes::within(&given, &["openid".into()]));
        assert!(checked.silent, "an answer left without a click");
    }
}

const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-4-1";

/// A body of `/oauth2/token`, from each client.
pub fn token(input: &[u8]) -> Depth {
    let Ok(params) = Params::parse(input) else {
        return Depth::Door;
    };
    let Ok(exchange) = Exchange::parse(&params) else {
        return if params.one("grant_type").is_some() {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let mut depth = Depth::Judged;
    for client in CLIENTS.iter() {
        if exchange.allowed(client).is_err() {
            assert!(!client.may(exchange.grant_type()));
        }
        let grant = grant();
        let code = Code {
            hash: digest("gc"),
            grant_id: "g".into(),
            redirect_uri: "http://127.0.0.1:4711/callback".into(),
            challenge: Some(digest(VERIFIER)),
            expires_at: NOW.plus(Duration::from_secs(60)),
            used_at: None,
            wrong: 0,
        };
        if let Ok(award) = redeem(&grant, &code, &exchange, client, NOW) {
            assert_eq!(client.id, "desk", "a code of another client");
            let Exchange::Code {
                redirect_uri,
                verifier,
                ..
            } = &exchange
            else {
                panic!("a code redeemed by something else");
            };
            assert_eq!(redirect_uri.as_deref(), Some(code.redirect_uri.as_str()));
            assert_eq!(digest(verifier.as_deref().unwrap()), digest(VERIFIER));
            assert!(scopes::within(&award.scopes, &grant.scopes));
            let late = redeem(&grant, &code, &exchange, client, code.expires_at);
            assert!(late.is_err(), "a code that has run out");
            depth = Depth::Accepted;
        }
        if rotated(&grant, client, &exchange) | machines(client, &exchange) {
            depth = Depth::Accepted;
        }
    }
    depth
}

fn rotated(grant: &Grant, client: &Client, exchange: &Exchange) -> bool {
    let lifetimes = Lifetimes {
        idle: Duration::from_secs(1000),
        max: Duration::from_secs(5000),
        grace: Duration::from_secs(30),
    };
    let family = Family {
        grant_id: "g".into(),
        hash: digest("gr"),
        generation: 3,
        created_at: NOW,
        used_at: NOW,
        used: vec![NOW.minus(Duration::from_secs(31))],
        idle_until: NOW.plus(Duration::from_secs(900)),
        ends_at: NOW.plus(Duration::from_secs(950)),
        binding: None,
    };
    let shown = |generation: i64, hash: &str, successor: &str| Shown {
        generation,
        hash: digest(hash),
        successor: digest(successor),
    };
    let turn = |shown| rotate(&family, &shown, grant, client, exchange, NOW, &lifetimes);
    for replayed in [shown(2, "old", "gr"), shown(0, "older", "old")] {
        assert!(matches!(
            turn(replayed),
            Rotation::Replayed { end_family: true } | Rotation::Refused(_)
        ));
    }
    let other = turn(shown(3, "made up", "next"));
    assert!(matches!(other, Rotation::Refused(_)), "{other:?}");
    match turn(shown(3, "gr", "next")) {
        Rotation::Fresh {
            family: next,
            scopes: given,
        } => {
            assert!(client.is_public() && client.id == grant.client_id);
            assert_eq!((next.generation, next.ends_at), (4, family.ends_at));
            assert!(next.idle_until <= next.ends_at && scopes::within(&given, &grant.scopes));
            true
        }
        Rotation::Refused(_) => false,
        other => panic!("a fresh token gets {other:?}"),
    }
}

fn machines(client: &Client, exchange: &Exchange) -> bool {
    let Ok(target) = machine(client, exchange, SERVICES.as_slice(), ISSUER) else {
        return false;
    };
    assert!(!client.is_public() && client.may(GrantType::ClientCredentials));
    assert!(scopes::within(&target.scopes, &client.scopes));
    assert!(!target.scopes.iter().any(|name| scopes::is_standard(name)));
    assert_ne!(
        target.audience.name(ISSUER),
        "https://files.example",
        "it takes no machines"
    );
    true
}

/// A `scope`.
pub fn scope(input: &[u8]) -> Depth {
    let text = text!(input);
    let Ok(list) = scopes::parse(text) else {
        return Depth::Judged;
    };
    assert!(list.len() <= scopes::MAX_COUNT && list.iter().all(|name| scopes::is_token(name)));
    let printed = scopes::print(&list);
    assert_eq!(scopes::parse(&printed).unwrap(), list, "{printed}");
    let known = ["openid", "chat"].map(String::from);
    let cut = scopes::cut(&list, &known);
    assert!(scopes::within(&cut, &known) && scopes::within(&cut, &list));
    assert_eq!(scopes::within(&list, &known), cut == list);
    Depth::Accepted
}

/// `challenge`, `method` and `verifier`, a line each.
pub fn pkce(input: &[u8]) -> Depth {
    let text = text!(input).replace("{challenge}", &digest(VERIFIER));
    let mut lines = text
        .splitn(3, '\n')
        .map(|line| (!line.is_empty()).then_some(line));
    let mut line = || lines.next().flatten();
    let (challenge, method, verifier) = (line(), line(), line());
    let Ok(kept) = proof::challenge(challenge, method, true) else {
        return Depth::Judged;
    };
    let kept = kept.expect("it was required");
    assert_eq!((Some(kept.as_str()), method), (challenge, Some("S256")));
    assert_eq!(kept.len(), 43);
    if proof::verify(Some(&kept), verifier) != Verdict::Good {
        assert!(verifier.is_none_or(|v| !proof::is_verifier(v) || digest(v) != kept));
        return Depth::Judged;
    }
    let verifier = verifier.expect("nothing proves nothing");
    assert!(proof::is_verifier(verifier) && digest(verifier) == kept);
    Depth::Accepted
}

/// Any urlencoded body.
pub fn form(input: &[u8]) -> Depth {
    let Ok(params) = Params::parse(input) else {
        return if input.contains(&b'=') {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let all: Vec<(&str, &str)> = params.iter().collect();
    for (at, (name, value)) in all.iter().enumerate() {
        assert!(!name.is_empty() && !name.contains('\0') && !value.contains('\0'));
        let repeats = all[..at].iter().any(|(had, _)| had == name);
        assert!(
            !repeats || ["resource", "audience"].contains(name),
            "{name} twice"
        );
    }
    let again = encode_all(all.iter().copied());
    assert!(again.is_ascii() && !again.contains('+'));
    assert!(Params::parse(again.as_bytes()).unwrap() == params);
    if all.is_empty() {
        Depth::Door
    } else {
        Depth::Accepted
    }
}
