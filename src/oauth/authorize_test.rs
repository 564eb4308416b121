//! Tables of authorization requests.

use proptest::prelude::*;

use super::*;
use crate::oauth::client::tests::client;
use crate::oauth::client::{ClientAuth, Pkce};
use crate::oauth::redirect::Response;
use crate::oauth::service::tests::service;

const ISSUER: &str = "https://steppe.example";
const BACK: &str = "https://forum.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn forum() -> Client {
    client(
        &[BACK, "com.example.forum:/cb", "http://127.0.0.1/cb"],
        "openid profile email offline_access chat",
    )
}

fn services() -> Vec<Service> {
    vec![
        service("chat", &["chat", "chat:admin"]),
        service("mail", &["mail"]),
    ]
}

/// A sound request with `change`: `name=value` sets, `-name` takes away.
fn request(change: &str) -> AuthorizeRequest {
    let mut pairs = vec![
        ("client_id".to_owned(), "forum".to_owned()),
        ("redirect_uri".to_owned(), BACK.to_owned()),
        ("response_type".to_owned(), "code".to_owned()),
        ("scope".to_owned(), "openid profile".to_owned()),
        ("state".to_owned(), "x y".to_owned()),
        ("code_challenge".to_owned(), CHALLENGE.to_owned()),
        ("code_challenge_method".to_owned(), "S256".to_owned()),
    ];
    for step in change.split('&').filter(|step| !step.is_empty()) {
        let (name, value) = step.split_once('=').unwrap_or((&step[1..], ""));
        if name != "resource" {
            pairs.retain(|(had, _)| had != name);
        }
        if !step.starts_with('-') {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let text = super::super::params::encode_all(pairs);
    AuthorizeRequest::parse(&Params::parse(text.as_bytes()).unwrap())
}

fn judge(change: &str) -> Result<Checked, Refusal> {
    check(&request(change), Some(&forum()), &services(), ISSUER)
}

#[test]
fn each_mistake_has_its_code() {
    use Code::*;
    let table = [
        ("response_mode=JWT", InvalidRequest),
        ("response_mode=web_message", InvalidRequest),
        (
            "redirect_uri=com.example.forum:/cb&response_mode=form_post",
            InvalidRequest,
        ),
        ("registration={}", RegistrationNotSupported),
        ("-response_type", InvalidRequest),
        ("response_type=token", UnsupportedResponseType),
        ("response_type=id_token", UnsupportedResponseType),
        ("response_type=code id_token", UnsupportedResponseType),
        ("response_type=none", UnsupportedResponseType),
        ("response_type=CODE", UnsupportedResponseType),
        ("-scope", InvalidScope),
        ("scope=unknown", InvalidScope),
        ("scope=openid \"", InvalidScope),
        ("scope=openid chat:admin", InvalidScope),
        ("scope=openid mail", InvalidScope),
        ("resource=https://chat.example", InvalidTarget),
        ("resource=https://nowhere.example", InvalidTarget),
        ("scope=chat&resource=https://chat.example/", InvalidTarget),
        ("-code_challenge&-code_challenge_method", InvalidRequest),
        ("-code_challenge", InvalidRequest),
        ("-code_challenge_method", InvalidRequest),
        ("code_challenge_method=plain", InvalidRequest),
        ("code_challenge=short", InvalidRequest),
        ("prompt=none login", InvalidRequest),
        ("prompt=none consent", InvalidRequest),
        ("prompt=maybe", InvalidRequest),
        ("prompt=login login", InvalidRequest),
        ("max_age=00000000005", InvalidRequest),
        ("max_age=-1", InvalidRequest),
        ("max_age=1.5", InvalidRequest),
        ("max_age=soon", InvalidRequest),
        ("max_age=+5", InvalidRequest),
        ("max_age=99999999999999999999", InvalidRequest),
        ("claims=[]", InvalidRequest),
        ("claims={\"userinfo\":{\"email\":1}}", InvalidRequest),
        (
            "claims={\"id_token\":{\"acr\":{\"essential\":true,\"value\":\"phr\"}}}",
            UnmetAuthenticationRequirements,
        ),
    ];
    for (change, wanted) in table {
        match judge(change) {
            Err(Refusal::Redirect { problem, state, .. }) => {
                assert_eq!(problem.code, wanted, "{change}: {problem}");
                assert_eq!(state.as_deref(), Some("x y"));
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn what_is_asked_for_is_understood() {
    let scopes = |change: &str| scope::print(&judge(change).unwrap().scopes);
    for (change, wanted) in [
        ("", "openid profile"),
        ("scope=openid address phone unknown", "openid"),
        ("scope=openid chat", "openid chat"),
        ("scope=chat", "chat"),
        (
            "scope=openid openid offline_access",
            "openid offline_access",
        ),
    ] {
        assert_eq!(scopes(change), wanted, "{change}");
    }
    let full = judge(
        "scope=openid chat&resource=https://chat.example&resource=https://steppe.example\
         &prompt=login consent&max_age=0&ui_locales=mn  en&acr_values=a b&login_hint=temuulen\
         &nonce=n&claims={}&display=popup",
    )
    .unwrap();
    assert_eq!(full.services, ["chat"]);
    assert_eq!(full.claims, Given::default());
    assert_eq!(full.resources, ["https://chat.example", ISSUER]);
    assert!(full.prompt.login && full.prompt.consent && !full.prompt.none);
    assert_eq!(full.max_age, Some(Duration::ZERO));
    assert_eq!(full.ui_locales, ["mn", "en"]);
    assert_eq!(full.acr_values, ["a", "b"]);
    assert_eq!(full.challenge.as_deref(), Some(CHALLENGE));
    assert_eq!(full.nonce.as_deref(), Some("n"));
    for word in ["none", "create", "select_account", "login create"] {
        assert!(judge(&format!("prompt={word}")).is_ok());
    }
}

// SECURITY R45
#[test]
fn a_wrong_client_or_address_is_never_redirected() {
    let page = |change: &str| match judge(change) {
        Err(Refusal::Page(error)) => error,
        other => panic!("{change}: {other:?}"),
    };
    assert_eq!(page("-client_id"), PageError::ClientMissing);
    assert_eq!(
        page("client_id=other"),
        PageError::ClientUnknown {
            client_id: "other".into()
        }
    );
    assert_eq!(page("-redirect_uri"), PageError::RedirectMissing);
    assert_eq!(page("-redirect_uri&scope=chat"), PageError::RedirectMissing);
    for bad in [
        "https://forum.example/cb/",
        "https://evil.example/",
        "javascript:alert(1)",
    ] {
        assert!(matches!(
            page(&format!("redirect_uri={bad}&response_type=token")),
            PageError::RedirectUnknown { asked, .. } if asked == bad
        ));
    }
    let unknown = check(&request(""), None, &services(), ISSUER);
    assert!(matches!(
        unknown,
        Err(Refusal::Page(PageError::ClientUnknown { .. }))
    ));
    // With one address on file only OpenID Connect insists on it.
    let mut one = forum();
    one.redirects.truncate(1);
    let ask = |change| check(&request(change), Some(&one), &services(), ISSUER);
    assert_eq!(
        ask("-redirect_uri&scope=chat").unwrap().redirect.as_str(),
        BACK
    );
    assert_eq!(
        ask("-redirect_uri"),
        Err(Refusal::Page(PageError::RedirectMissing))
    );
}

// SECURITY R50, R51
#[test]
fn answers_carry_the_issuer_and_the_state() {
    let checked = judge("").unwrap();
    assert_eq!(
        checked.grant("c1", ISSUER).plain(),
        Response::Redirect(format!(
            "{BACK}?code=c1&state=x%20y&iss=https%3A%2F%2Fsteppe.example"
        ))
    );
    for (change, mark) in [
        ("prompt=none login", '?'),
        ("response_mode=fragment&prompt=none login", '#'),
        ("response_type=token", '#'),
        ("response_type=code id_token", '#'),
        ("response_mode=query&response_type=token", '?'),
    ] {
        let Response::Redirect(to) = judge(change).unwrap_err().answer(ISSUER).unwrap().plain()
        else {
            panic!("it redirects");
        };
        assert!(to.starts_with(&format!("{BACK}{mark}error=")), "{to}");
        assert!(
            to.ends_with("&state=x%20y&iss=https%3A%2F%2Fsteppe.example"),
            "{to}"
        );
    }
    let refusal = judge("response_mode=form_post&prompt=maybe").unwrap_err();
    let Response::FormPost { action, fields } = refusal.answer(ISSUER).unwrap().plain() else {
        panic!("it posts");
    };
    assert_eq!(
        (action.as_str(), fields[0].1.as_str()),
        (BACK, "invalid_request")
    );
    assert!(judge("-client_id").unwrap_err().answer(ISSUER).is_err());
    let stateless = judge("-state").unwrap().grant("c1", ISSUER).plain();
    assert_eq!(
        stateless,
        Response::Redirect(format!("{BACK}?code=c1&iss=https%3A%2F%2Fsteppe.example"))
    );
}

#[test]
fn silence_is_for_those_who_cannot_be_imitated() {
    // public, silent; then https, loopback, private use
    let table = [
        (false, false, [true, true, true]),
        (false, true, [true, true, true]),
        (true, false, [true, false, false]),
        (true, true, [true, true, false]),
    ];
    let places = [BACK, "http://127.0.0.1:5000/cb", "com.example.forum:/cb"];
    for (public, silent, wanted) in table {
        let mut client = forum();
        client.silent = silent;
        if public {
            client.auth = ClientAuth::None;
        }
        for (place, wanted) in places.iter().zip(wanted) {
            let request = request(&format!("redirect_uri={place}"));
            let checked = check(&request, Some(&client), &services(), ISSUER).unwrap();
            assert_eq!(checked.silent, wanted, "{public} {silent} {place}");
        }
    }
}

#[test]
fn what_a_client_is_registered_for_counts() {
    let without = "-code_challenge&-code_challenge_method";
    let ask = |client: &Client, change| check(&request(change), Some(client), &[], ISSUER);
    let mut loose = forum();
    loose.pkce = Pkce::Optional;
    assert_eq!(ask(&loose, without).unwrap().challenge, None);
    loose.auth = ClientAuth::None;
    assert!(ask(&loose, without).is_err());
    let mut machine = forum();
    machine.grants = vec![GrantType::ClientCredentials];
    let Err(Refusal::Redirect { problem, .. }) = ask(&machine, "") else {
        panic!("it may not");
    };
    assert_eq!(problem.code, Code::UnauthorizedClient);
    let mut small = forum();
    small.scopes = vec!["openid".into()];
    assert_eq!(ask(&small, "").unwrap().scopes, ["openid"]);
}

#[test]
fn no_parameter_makes_a_stored_request_longer_than_its_bound() {
    let long = "a".repeat(9_000);
    for name in [
        "state",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "ui_locales",
        "acr_values",
        "claims",
        "authorization_details",
        "dpop_jkt",
        "resource",
        "id_token_hint",
        "scope",
        "code_challenge",
    ] {
        assert!(judge(&format!("{name}={long}")).is_err(), "{name}");
    }
    // Each good by itself.
    let prompt = "login ".repeat(1_000);
    assert!(judge(&format!("prompt={prompt}")).is_err());
    let zeros = "0".repeat(1_000);
    assert!(judge(&format!("max_age={zeros}1")).is_err());
    let again = "&resource=https://chat.example".repeat(21);
    assert!(judge(&format!("scope=chat{again}")).is_err());
    assert!(judge(&format!("scope=chat{}", &again[..30 * 20])).is_ok());
    assert!(judge(&format!("state={}", &long[..4_000])).is_ok());
}

#[test]
fn a_stored_request_is_the_same_request() {
    let request = request("scope=openid chat&resource=https://chat.example&nonce=n&request=x");
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(
        serde_json::from_str::<AuthorizeRequest>(&text).unwrap(),
        request
    );
    let old = serde_json::from_str::<AuthorizeRequest>("{\"client_id\":\"a\"}").unwrap();
    assert_eq!(old.client_id.as_deref(), Some("a"));
    assert!(!format!("{request:?}").contains("x y"));
}

proptest! {
    #[test]
    fn any_request_is_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(params) = Params::parse(&bytes) {
            let request = AuthorizeRequest::parse(&params);
            prop_assert!(check(&request, Some(&forum()), &services(), ISSUER).is_err());
        }
    }

    #[test]
    fn any_value_of_any_parameter_is_judged(
        name in "(response_type|response_mode|scope|prompt|max_age|resource|code_challenge|code_challenge_method|state)",
        value in "\\PC{0,30}"
    ) {
        let text = format!(
            "client_id=forum&redirect_uri={}&{name}={}",
            super::super::params::encode(BACK),
            super::super::params::encode(&value)
        );
        let request = AuthorizeRequest::parse(&Params::parse(text.as_bytes()).unwrap());
        let refusal = check(&request, Some(&forum()), &services(), ISSUER).unwrap_err();
        // Whatever is sent, it goes nowhere but to the address on file.
        match refusal.answer(ISSUER).map(|answer| answer.plain()) {
            Ok(Response::Redirect(to)) => prop_assert!(to.starts_with(BACK)),
            Ok(Response::FormPost { action, .. }) => prop_assert_eq!(action, BACK),
            Err(_) => prop_assert!(false, "client and address are good"),
        }
    }

    #[test]
    fn any_prompt_is_read_or_refused(text in "[a-z_ ]{0,30}") {
        if let Ok(prompt) = Prompt::parse(&text) {
            let others = prompt.login || prompt.consent || prompt.create || prompt.select_account;
            prop_assert!(!(prompt.none && others));
        }
    }
}

// OpenID Connect Core 5.5
#[test]
fn claims_are_asked_for_within_the_scopes_that_the_client_may_have() {
    let asked = judge(
        r#"claims={"userinfo":{"email":{"essential":true}},"id_token":{"name":null,"sub":{"value":"p1"}}}&scope=openid"#,
    )
    .unwrap();
    assert_eq!(asked.claims.userinfo, ["email"]);
    assert_eq!(asked.claims.id_token, ["name"]);
    assert_eq!(scope::print(&asked.asked()), "openid profile email");
    assert_eq!(scope::print(&asked.scopes), "openid");
    assert_eq!(asked.subs, ["p1"]);
    let narrow = client(&[BACK], "openid profile");
    let asked = request(r#"claims={"userinfo":{"email":null}}"#);
    let checked = check(&asked, Some(&narrow), &[], ISSUER).unwrap();
    assert_eq!(checked.claims, Given::default());
    assert_eq!(scope::print(&checked.asked()), "openid profile");
}

// RFC 9470 4, OpenID Connect Core 5.5.1.1
#[test]
fn a_class_that_is_wished_for_is_no_condition() {
    for claims in [
        r#"{"id_token":{"acr":{"value":"phr"}}}"#,
        r#"{"id_token":{"acr":{"essential":true}}}"#,
        r#"{"id_token":{"acr":{"essential":true,"values":["phr","urn:gerege:acr:password"]}}}"#,
    ] {
        assert!(judge(&format!("claims={claims}")).is_ok(), "{claims}");
    }
    assert!(judge("acr_values=phr").is_ok());
}

#[test]
fn what_a_request_needs_cannot_be_left_out() {
    let asked = |change: &str| {
        let checked = judge(change).unwrap();
        let all = checked.asked();
        let optional: Vec<&str> = all
            .iter()
            .filter(|name| checked.may_leave_out(name))
            .map(String::as_str)
            .collect();
        optional.join(" ")
    };
    assert_eq!(
        asked("scope=openid profile email offline_access chat"),
        "profile email offline_access"
    );
    assert_eq!(
        asked(r#"scope=openid profile email&claims={"userinfo":{"email":{"essential":true}}}"#),
        "profile"
    );
    let mut messenger = forum();
    messenger.refresh = crate::oauth::client::RefreshPolicy::Always;
    let checked = check(&request(""), Some(&messenger), &[], ISSUER).unwrap();
    assert_eq!(
        scope::print(&checked.asked()),
        "openid profile offline_access"
    );
    assert!(!checked.may_leave_out("offline_access"));
    assert_eq!(scope::print(&checked.scopes), "openid profile");
}
