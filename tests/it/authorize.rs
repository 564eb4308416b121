//! The road of an app: request, sign-in, consent, code; and back out.

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::{encode, jwt, param};
use crate::pages::{dressed, skeleton};
use crate::road::*;
use crate::signin::sign_in;

// R47 R50 R51 R52 R55

#[test]
fn a_messenger_signs_a_person_in() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    let mut browser = app.browser();
    let stored = browser.get(&request(&[])).is(303);
    dressed(&stored);
    let page = browser.arrive(stored);
    assert!(
        page.text().contains("Demo messenger"),
        "who asks stands on the page"
    );
    skeleton(&page);
    let signed = browser.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
    let back = browser.arrive(signed).is(303);
    assert!(back.location().starts_with(CALLBACK), "{}", back.location());
    assert_eq!(back.param("state").as_deref(), Some("st/ate+1 %"));
    // RFC 9207
    assert_eq!(back.param("iss"), Some(app.origin.clone()));
    let answer = redeem(&mut browser, &back.param("code").unwrap()).is(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 600);
    let (header, claims) = jwt(&text(&tokens, "access_token"));
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["iss"], app.origin);
    assert_eq!(claims["aud"], "demo-chat");
    assert_eq!(claims["client_id"], "demo-messenger");
    assert_eq!(claims["sub"], account.id);
    assert_eq!(claims["jid"], "temuulen@localhost");
    let (header, id) = jwt(&text(&tokens, "id_token"));
    assert_eq!(header["alg"], "RS256");
    assert_eq!(id["aud"], "demo-messenger");
    assert_eq!(id["nonce"], "nonce-1");
    assert_eq!(id["sub"], account.id);
    assert_eq!(id["preferred_username"], "temuulen");
    for claim in ["exp", "iat", "auth_time", "sid", "at_hash"] {
        assert!(!id[claim].is_null(), "{claim}: {id}");
    }
    let now = app.app.clock.now().seconds();
    assert_eq!(claims["exp"].as_i64(), Some(now + 600));
}

// R13 and the main story: a stranger comes from a messenger and goes back signed in.

#[test]
fn a_stranger_signs_up_on_the_way_and_comes_back() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let stored = browser.get(&request(&[("prompt", "create")])).is(303);
    let page = browser.arrive(stored);
    assert!(page.path.starts_with("/signup?request="), "{}", page.path);
    let done = crate::signup::sign_up(&app, &mut browser, &page.path, "temuulen");
    assert!(done.text().contains("Demo messenger"), "the app that waits");
    let on = browser.submit(&done, &[("keep", "1")]);
    let back = browser.arrive(on).is(303);
    let code = back
        .param("code")
        .unwrap_or_else(|| panic!("{}", back.location()));
    let tokens = redeem(&mut browser, &code).is(200).json();
    let (_, claims) = jwt(&text(&tokens, "access_token"));
    assert_eq!(claims["jid"], "temuulen@localhost");
}

// R47

// R47 R48: what does not fit is refused and burns nothing.

// R47

// R44 R45

#[test]
fn an_address_that_is_not_registered_is_never_redirected_to() {
    let app = TestApp::new();
    register(&app);
    let mut browser = app.browser();
    for (client, uri) in [
        ("demo-messenger", "http://127.0.0.1:5123/callback/"),
        ("demo-messenger", "http://127.0.0.1:5123/Callback"),
        ("demo-messenger", "http://127.0.0.1:5123/callback?x=1"),
        ("demo-messenger", "http://localhost:5123/callback"),
        ("demo-messenger", "https://127.0.0.1:5123/callback"),
        ("demo-messenger", "http://127.0.0.1:5123/callback#x"),
        ("demo-messenger", "http://127.0.0.1@evil.example/callback"),
        (
            "demo-messenger",
            "http://127.0.0.1:5123@evil.example/callback",
        ),
        ("demo-messenger", "http://evil.example/callback"),
        ("demo-messenger", "javascript:alert(1)"),
        ("demo-messenger", ""),
        ("forum", "https://forum.example/callback/../evil"),
        ("forum", "https://forum.example/callback%2f"),
        ("forum", "https://forum.example:443/callback"),
        ("forum", "https://FORUM.example/callback"),
        ("forum", "https://forum.example/callback?"),
        ("forum", "http://forum.example/callback"),
        ("forum", "https://forum.example.evil.example/callback"),
        (
            "forum",
            "https://evil.example/?https://forum.example/callback",
        ),
        ("nobody", CALLBACK),
        ("", CALLBACK),
    ] {
        let at = request(&[("client_id", client), ("redirect_uri", uri)]);
        let answer = browser.get(&at);
        assert_eq!(answer.status, 400, "{client} {uri}");
        assert_eq!(answer.header("location"), None, "{client} {uri}");
        skeleton(&answer);
        dressed(&answer);
    }
    // RFC 8252 7.3: the port of a loopback address is the app's choice.
    browser
        .get(&request(&[(
            "redirect_uri",
            "http://127.0.0.1:61000/callback",
        )]))
        .is(303);
}

// R48 R49 R50 R51

#[test]
fn what_is_asked_wrongly_is_told_to_the_app() {
    let app = TestApp::new();
    let mut browser = app.browser();
    for (other, error) in [
        (
            &[("response_type", "token")][..],
            "unsupported_response_type",
        ),
        (
            &[("response_type", "code id_token")],
            "unsupported_response_type",
        ),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "too-short")], "invalid_request"),
        (&[("scope", "openid \u{7f}")], "invalid_scope"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (
            &[("request", "eyJhbGciOiJub25lIn0.e30.")],
            "request_not_supported",
        ),
        (
            &[("request_uri", "https://evil.example/r")],
            "invalid_request_uri",
        ),
        (&[("prompt", "none")], "login_required"),
        (&[("response_mode", "loud")], "invalid_request"),
    ] {
        let stored = browser.get(&request(other));
        let answer = browser.arrive(stored);
        assert_eq!(answer.status, 303, "{other:?}: {}", answer.h1());
        assert_eq!(
            answer.param("error").as_deref(),
            Some(error),
            "{other:?}: {}",
            answer.location()
        );
        assert_eq!(
            answer.param("state").as_deref(),
            Some("st/ate+1 %"),
            "{other:?}"
        );
        assert_eq!(answer.param("iss"), Some(app.origin.clone()), "{other:?}");
        assert_eq!(answer.param("code"), None);
    }
    // A parameter twice: nothing of it can be trusted to say where to go (RFC 6749 3.1).
    for name in [
        "client_id",
        "redirect_uri",
        "state",
        "scope",
        "code_challenge",
    ] {
        let twice = format!("{}&{name}=again", request(&[]));
        let answer = browser.get(&twice);
        let told =
            answer.status == 400 || answer.param("error").as_deref() == Some("invalid_request");
        assert!(
            told,
            "{name}: {} {:?}",
            answer.status,
            answer.header("location")
        );
    }
}

// R54

// R54

// R54: an absolute and an idle end.

// R55

// R64

// R53

// R49

// R59

#[test]
fn consent_says_who_asks_and_for_what_and_is_remembered() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let forum = |other: &[(&str, &str)]| {
        let own = [
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid profile email"),
        ];
        let mut all: Vec<(&str, &str)> = other.to_vec();
        all.extend(
            own.iter()
                .filter(|(name, _)| !other.iter().any(|(had, _)| had == name)),
        );
        request(&all)
    };
    let page = ask(&mut browser, &forum(&[]), "temuulen").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    skeleton(&page);
    for words in [
        "Forum",
        "forum.example",
        "temuulen@localhost",
        "See your email address",
    ] {
        assert!(page.text().contains(words), "{words}");
    }
    let denied = browser.submit(&page, &[("decision", "deny")]);
    let denied = browser.arrive(denied).is(303);
    assert_eq!(denied.param("error").as_deref(), Some("access_denied"));
    let stored = browser.get(&forum(&[]));
    let page = browser.arrive(stored).is(200);
    assert_eq!(page.ticked("scope"), ["profile", "email"]);
    let allowed = browser.allow(&page);
    let allowed = browser.arrive(allowed).is(303);
    assert!(allowed.param("code").is_some(), "{}", allowed.location());
    // Not asked again, until it is wished or more is asked for.
    let stored = browser.get(&forum(&[]));
    assert!(browser.arrive(stored).is(303).param("code").is_some());
    for other in [
        ("prompt", "consent"),
        ("scope", "openid profile email offline_access"),
    ] {
        let stored = browser.get(&forum(&[other]));
        let page = browser.arrive(stored);
        assert!(
            page.path.starts_with("/consent"),
            "{other:?}: {}",
            page.path
        );
    }
}

// R60

#[test]
fn prompts_and_max_age_are_honoured() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let stored = browser.get(&request(&[("prompt", "login")]));
    let page = browser.arrive(stored);
    assert!(
        page.path.starts_with("/confirm") || page.path.starts_with("/signin"),
        "{}",
        page.path
    );
    let stored = browser.get(&request(&[("prompt", "select_account")]));
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/signin/choose"), "{}", page.path);
    skeleton(&page);
    app.pass(Duration::from_secs(100));
    let stored = browser.get(&request(&[("max_age", "60")]));
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/confirm"), "{}", page.path);
    let proved = browser.submit(&page, &[("password", PASSWORD)]);
    let back = browser.arrive(proved).is(303);
    let code = back.param("code").unwrap();
    let (_, id) = jwt(&text(
        &redeem(&mut browser, &code).is(200).json(),
        "id_token",
    ));
    assert_eq!(
        id["auth_time"].as_i64(),
        Some(app.app.clock.now().seconds())
    );
}

// PROTOCOL 3: a loopback app is never signed in without a click.

#[test]
fn a_signed_in_person_clicks_once_for_a_loopback_app() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let stored = browser.get(&request(&[]));
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/signin/continue"), "{}", page.path);
    skeleton(&page);
    let account = app
        .read(|c| store::account::find_by_username(c, "temuulen"))
        .unwrap();
    let on = browser.submit(&page, &[("account", &account.id)]);
    let back = browser.arrive(on).is(303);
    assert!(back.param("code").is_some(), "{}", back.location());
    let stored = browser.get(&request(&[("prompt", "none")]));
    let silent = browser.arrive(stored).is(303);
    assert!(silent.param("error").is_some(), "{}", silent.location());
}

// R42: a request belongs to one browser.

#[test]
fn a_stored_request_belongs_to_one_browser() {
    let app = TestApp::new();
    app.person("temuulen");
    app.person("thief");
    let mut victim = app.browser();
    let stored = victim.get(&request(&[])).is(303);
    let at = stored.location().to_owned();
    let mut thief = app.browser();
    sign_in(&mut thief, "thief");
    thief.get(&at).is(400);
    let id = at.rsplit('/').next().unwrap();
    for page in ["/consent", "/signin/continue", "/signin/choose"] {
        let answer = thief.get(&format!("{page}?request={id}"));
        assert_eq!(answer.status, 400, "{page}");
    }
    let page = victim.arrive(stored);
    app.pass(Duration::from_secs(61 * 60));
    let late = victim.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
    let late = victim.arrive(late);
    assert!(
        late.status == 400 || late.path == "/account",
        "{} {}",
        late.path,
        late.status
    );
}

// R58

#[test]
fn signing_out_at_an_apps_wish() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let id = text(&tokens, "id_token");
    // No hint: asked. A bad hint, or an address not on file: a page.
    let page = browser.get("/oauth2/logout").is(200);
    skeleton(&page);
    browser.get("/account").is(200);
    for query in [
        vec![("id_token_hint", "nonsense")],
        vec![
            ("id_token_hint", id.as_str()),
            ("post_logout_redirect_uri", "https://evil.example/"),
        ],
        vec![("id_token_hint", id.as_str()), ("client_id", "forum")],
        vec![("post_logout_redirect_uri", "http://127.0.0.1/signed-out")],
    ] {
        let answer = browser.get(&format!("/oauth2/logout?{}", encode(&query)));
        assert_eq!(answer.header("location"), None, "{query:?}");
        browser.get("/account").is(200);
    }
    let access = text(&tokens, "access_token");
    let answer = browser.get(&format!(
        "/oauth2/logout?{}",
        encode(&[("id_token_hint", &access)])
    ));
    assert_eq!(
        answer.header("location"),
        None,
        "an access token is no hint"
    );
    let fields = [
        ("id_token_hint", id.as_str()),
        ("post_logout_redirect_uri", "http://127.0.0.1/signed-out"),
        ("state", "s 1"),
    ];
    let gone = browser
        .get(&format!("/oauth2/logout?{}", encode(&fields)))
        .is(303);
    assert!(
        gone.location().starts_with("http://127.0.0.1/signed-out"),
        "{}",
        gone.location()
    );
    assert_eq!(param(gone.location(), "state").as_deref(), Some("s 1"));
    browser.get("/account").leads("/signin");
    // The messenger has its own family and lives on (PROTOCOL 3).
    refresh(&mut browser, &text(&tokens, "refresh_token")).is(200);
}

// R65

// R63

// R40: closing an account ends its tokens at once.

#[test]
fn an_answer_can_come_as_a_form_or_in_a_fragment() {
    let app = TestApp::new();
    app.person("temuulen");
    let back = ask(
        &mut app.browser(),
        &request(&[("response_mode", "fragment")]),
        "temuulen",
    )
    .is(303);
    assert!(
        back.location().contains("/callback#"),
        "{}",
        back.location()
    );
    let page = ask(
        &mut app.browser(),
        &request(&[("response_mode", "form_post")]),
        "temuulen",
    )
    .is(200);
    skeleton(&page);
    for part in ["name=\"code\"", "name=\"state\"", "name=\"iss\"", CALLBACK] {
        assert!(page.text().contains(part), "{part}");
    }
    let csp = page.header("content-security-policy").unwrap();
    assert!(!csp.contains("form-action"), "{csp}");
    app.deliver();
}
