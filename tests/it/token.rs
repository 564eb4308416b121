//! What becomes of codes and tokens: spent, rotated, asked about, taken back.

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Browser, basic, jwt};
use crate::road::*;
use crate::signin::sign_in_at;

#[test]
fn a_code_is_spent_once_and_a_second_use_ends_what_the_first_gave() {
    let app = TestApp::new();
    app.person("temuulen");
    arm(&app);
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    let tokens = redeem(&mut browser, &code).is(200).json();
    let access = text(&tokens, "access_token");
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], true);
    let again = redeem(&mut browser, &code).is(400);
    assert_eq!(again.json()["error"], "invalid_grant");
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], false);
    refresh(&mut browser, &text(&tokens, "refresh_token")).is(400);
}

#[test]
fn a_code_is_bound_to_client_redirect_and_verifier() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    let wrong = [
        [
            ("redirect_uri", "http://127.0.0.1:9/callback"),
            ("code_verifier", VERIFIER),
        ],
        [
            ("redirect_uri", CALLBACK),
            (
                "code_verifier",
                "another-verifier-with-more-than-43-characters-0",
            ),
        ],
        [("redirect_uri", CALLBACK), ("code_verifier", "short")],
        [("redirect_uri", CALLBACK), ("x", "no verifier")],
    ];
    for fields in wrong {
        let all = [
            &[
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
            ],
            &fields[..],
        ]
        .concat();
        let answer = token(&mut browser, &all).is(400);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(
            ["invalid_grant", "invalid_request"].contains(&error.as_str()),
            "{error}"
        );
    }
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let stolen = forum.post(
        "/oauth2/token",
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ],
    );
    assert_eq!(stolen.is(400).json()["error"], "invalid_grant");
    redeem(&mut browser, &code).is(200);
}

#[test]
fn a_code_lives_a_minute() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    app.pass(Duration::from_secs(61));
    assert_eq!(
        redeem(&mut browser, &code).is(400).json()["error"],
        "invalid_grant"
    );
}

#[test]
fn a_refresh_token_is_rotated_with_a_grace_and_theft_ends_the_family() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let first = text(&tokens(&app, &mut browser, "temuulen"), "refresh_token");
    let second = text(
        &refresh(&mut browser, &first).is(200).json(),
        "refresh_token",
    );
    assert_ne!(first, second);
    // A lost answer: the same successor within 30 s.
    app.pass(Duration::from_secs(29));
    assert_eq!(
        text(
            &refresh(&mut browser, &first).is(200).json(),
            "refresh_token"
        ),
        second
    );
    // Inside the grace with the successor already used: refused, and the family lives.
    let third = text(
        &refresh(&mut browser, &second).is(200).json(),
        "refresh_token",
    );
    assert_eq!(
        refresh(&mut browser, &first).is(400).json()["error"],
        "invalid_grant"
    );
    let fourth = text(
        &refresh(&mut browser, &third).is(200).json(),
        "refresh_token",
    );
    // Outside it, a used one is a stolen one.
    app.pass(Duration::from_secs(31));
    assert_eq!(
        refresh(&mut browser, &third).is(400).json()["error"],
        "invalid_grant"
    );
    refresh(&mut browser, &fourth).is(400);
}

#[test]
fn a_refresh_asks_for_no_more_than_was_given() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let token_ = text(&tokens(&app, &mut browser, "temuulen"), "refresh_token");
    let wider = token(
        &mut browser,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", &token_),
            ("scope", "openid chat admin"),
        ],
    );
    assert_eq!(wider.is(400).json()["error"], "invalid_scope");
    refresh(&mut browser, &token_).is(200);
}

#[test]
fn refresh_tokens_run_out() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let mut token_ = text(&tokens(&app, &mut browser, "temuulen"), "refresh_token");
    let day = Duration::from_secs(24 * 3600);
    for _ in 0..4 {
        app.pass(day * 89);
        token_ = text(
            &refresh(&mut browser, &token_).is(200).json(),
            "refresh_token",
        );
    }
    app.pass(day * 10);
    refresh(&mut browser, &token_).is(400);
}

#[test]
fn each_token_opens_only_what_it_is_for() {
    let app = TestApp::new();
    register(&app);
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let (access, id, refresh_) = (
        text(&tokens, "access_token"),
        text(&tokens, "id_token"),
        text(&tokens, "refresh_token"),
    );
    for (token, name) in [
        (&access, "a service's token"),
        (&id, "an ID token"),
        (&refresh_, "a refresh token"),
    ] {
        let mut asking = app
            .browser()
            .with("Authorization", &format!("Bearer {token}"));
        let answer = asking.get("/oauth2/userinfo");
        assert_eq!(answer.status, 401, "{name} at userinfo");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .contains("invalid_token"),
            "{name}"
        );
    }
    // Only its own audience hears of it.
    let heard = introspect(&app, "demo-chat", &access);
    assert_eq!(heard["active"], true);
    assert_eq!(heard["username"], "temuulen");
    assert_eq!(heard["aud"], "demo-chat");
    assert_eq!(
        introspect(&app, "room", &access).as_object().unwrap().len(),
        1
    );
    for other in [&id, &refresh_] {
        assert_eq!(introspect(&app, "demo-chat", other)["active"], false);
    }
    // One for the issuer opens userinfo.
    let own = token(
        &mut browser,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh_),
            ("resource", &app.origin),
        ],
    );
    let own = text(&own.is(200).json(), "access_token");
    let mut asking = app
        .browser()
        .with("Authorization", &format!("Bearer {own}"));
    let claims = asking.get("/oauth2/userinfo").is(200).json();
    assert_eq!(claims["preferred_username"], "temuulen");
    assert_eq!(claims["email"], "temuulen@mail.example");
    assert_eq!(claims["email_verified"], true);
    let posted = app
        .browser()
        .post("/oauth2/userinfo", &[("access_token", &own)])
        .is(200);
    assert_eq!(posted.json(), claims);
    let bare = app.browser().get("/oauth2/userinfo").is(401);
    assert_eq!(
        bare.header("www-authenticate")
            .map(|said| said.contains("error")),
        Some(false)
    );
}

#[test]
fn a_client_revokes_only_its_own_and_an_unknown_token_is_no_error() {
    let app = TestApp::new();
    register(&app);
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let (access, refresh_) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let foreign = forum.post("/oauth2/revoke", &[("token", &refresh_)]);
    assert!([200, 400].contains(&foreign.status));
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], true);
    let revoke = |browser: &mut Browser, token: &str| {
        browser.post(
            "/oauth2/revoke",
            &[("client_id", "demo-messenger"), ("token", token)],
        )
    };
    revoke(&mut browser, "no-such-token").is(200);
    revoke(&mut browser, &refresh_).is(200);
    revoke(&mut browser, &refresh_).is(200);
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], false);
    refresh(&mut browser, &refresh_).is(400);
    // Without a proof of who asks nothing is said.
    app.browser()
        .post("/oauth2/introspect", &[("token", &access)])
        .is(401);
    let mut liar = app
        .browser()
        .with("Authorization", &basic("demo-chat", "guess"));
    liar.post("/oauth2/introspect", &[("token", &access)])
        .is(401);
    let mut forum = app.browser();
    forum
        .post("/oauth2/revoke", &[("token", "x"), ("client_id", "forum")])
        .is(401);
}

#[test]
fn a_client_proves_itself_in_one_way_and_never_in_the_url() {
    let app = TestApp::new();
    register(&app);
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "room"),
        ("resource", "https://room.example"),
    ];
    let in_body = [
        &[("client_id", "forum"), ("client_secret", SECRET)],
        &fields[..],
    ]
    .concat();
    // Registered for Basic.
    app.browser().post("/oauth2/token", &in_body).is(401);
    let mut both = app.browser().with("Authorization", &basic("forum", SECRET));
    assert!([400, 401].contains(&both.post("/oauth2/token", &in_body).status));
    let at = format!("/oauth2/token?client_secret={SECRET}&client_id=forum");
    assert!([400, 401].contains(&app.browser().post(&at, &fields).status));
    let mut wrong = app
        .browser()
        .with("Authorization", &basic("forum", "wrong"));
    let refused = wrong.post("/oauth2/token", &fields).is(401);
    assert_eq!(refused.json()["error"], "invalid_client");
    assert!(
        refused
            .header("www-authenticate")
            .is_some_and(|said| said.starts_with("Basic"))
    );
    let mut right = app.browser().with("Authorization", &basic("forum", SECRET));
    let answer = right.post("/oauth2/token", &[("grant_type", "client_credentials")]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (_, claims) = jwt(&text(&answer.json(), "access_token"));
    for name in ["jid", "username", "preferred_username", "email"] {
        assert!(
            claims[name].is_null(),
            "a token without a person carries no name: {claims}"
        );
    }
}

#[test]
fn only_grants_that_exist_are_given() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "",
    ] {
        let answer = token(
            &mut browser,
            &[
                ("grant_type", grant),
                ("username", "temuulen"),
                ("password", PASSWORD),
            ],
        )
        .is(400);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        let known = [
            "unsupported_grant_type",
            "unauthorized_client",
            "invalid_request",
        ];
        assert!(known.contains(&error.as_str()), "{grant}: {error}");
    }
    assert_eq!(
        token(&mut browser, &[("grant_type", "client_credentials")])
            .is(400)
            .json()["error"],
        "unauthorized_client"
    );
}

#[test]
fn what_discovery_lists_works() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let found = browser
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    assert_eq!(found["issuer"], app.origin);
    let other = browser
        .get("/.well-known/oauth-authorization-server")
        .is(200)
        .json();
    assert_eq!(found["token_endpoint"], other["token_endpoint"]);
    for (name, value) in found.as_object().unwrap() {
        // Below that of grants is one address for each (`discovery::manage`).
        let skip = name == "grant_management_endpoint";
        if skip || !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        let path = value.as_str().unwrap().strip_prefix(&app.origin).unwrap();
        let method = if name == "jwks_uri" { "GET" } else { "POST" };
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = browser.send(method, path, &kind, Some(b""));
        assert_ne!(answer.status, 404, "{name}");
        assert!(answer.status < 500, "{name}: {}", answer.status);
    }
    let keys = browser.get("/jwks.json").is(200);
    let tag = keys.header("etag").expect("an ETag").to_owned();
    assert!(keys.header("cache-control").unwrap().contains("max-age"));
    browser
        .send("GET", "/jwks.json", &[("If-None-Match", &tag)], None)
        .is(304);
    for key in keys.json()["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key[private].is_null(), "a private part is published");
        }
        assert!(key["kid"].is_string() && key["alg"].is_string());
    }
    // A service's own key is not the issuer's.
    let own = browser.get("/services/demo-chat/jwks.json").is(200).json();
    let kid = own["keys"][0]["kid"].clone();
    assert!(
        !keys.json()["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["kid"] == kid)
    );
    browser.get("/services/demo-chat/current.pem").is(200);
    browser.get("/services/nobody/jwks.json").is(404);
}

#[test]
fn a_closed_account_has_no_live_token() {
    let app = TestApp::new();
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    let account = app
        .read(|c| store::account::find_by_username(c, "temuulen"))
        .unwrap();
    app.wait(gerege::flow::operate::person::lock(&app.app, account.id))
        .unwrap();
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], false);
    refresh(&mut browser, &text(&tokens, "refresh_token")).is(400);
    let answer = sign_in_at(&mut app.browser(), "/signin", "temuulen", PASSWORD);
    assert_eq!(answer.status, 403);
}

// PROTOCOL 7
#[test]
fn wrong_secrets_are_slowed_and_the_right_one_is_never_kept_out() {
    let app = TestApp::limited(&[]);
    register(&app);
    let ask = |secret: &str| {
        app.browser()
            .with("Authorization", &basic("forum", secret))
            .post("/oauth2/introspect", &[("token", "x")])
    };
    let refused: Vec<u16> = (0..70).map(|n| ask(&format!("wrong-{n}")).status).collect();
    assert_eq!(refused[..60], [401; 60]);
    assert_eq!(refused[69], 429);
    assert!(ask("wrong").is(429).header("retry-after").is_some());
    ask(SECRET).is(200);
}

// RFC 9701
#[test]
fn a_service_is_told_of_a_token_under_our_signature() {
    let app = TestApp::new();
    arm(&app);
    let mut browser = app.browser();
    let access = text(&tokens(&app, &mut browser, "temuulen"), "access_token");
    let mut chat = app
        .browser()
        .with("Authorization", &basic("demo-chat", SECRET))
        .with("Accept", "application/token-introspection+jwt");
    let mut ask = |token: &str| {
        let answer = chat.post("/oauth2/introspect", &[("token", token)]).is(200);
        let kind = answer.header("content-type").map(str::to_owned);
        assert_eq!(kind.as_deref(), Some("application/token-introspection+jwt"));
        answer.text()
    };
    let signed = ask(&access);
    let (header, claims) = jwt(&signed);
    assert_eq!(header["typ"], "token-introspection+jwt");
    let keys = app.browser().get("/jwks.json").is(200).json();
    let kids: Vec<&str> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert!(
        kids.contains(&header["kid"].as_str().unwrap()),
        "the issuer's key"
    );
    assert_eq!(claims["iss"], app.origin);
    assert_eq!(claims["aud"], "demo-chat");
    assert_eq!(
        claims["token_introspection"],
        introspect(&app, "demo-chat", &access)
    );
    assert!(claims.get("sub").is_none() && claims.get("exp").is_none());
    // Nobody takes it for a token.
    assert_eq!(introspect(&app, "demo-chat", &signed)["active"], false);
    let (_, claims) = jwt(&ask("made-up"));
    assert_eq!(
        claims["token_introspection"],
        serde_json::json!({ "active": false })
    );
}

// Issue 3, point 7: what is kept of an answer is forgotten with what it speaks of.
#[test]
fn an_end_is_seen_at_once_and_within_a_second_by_another_process() {
    let app = TestApp::new();
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    let is_live = || {
        app.pass(Duration::from_millis(1));
        introspect(&app, "demo-chat", &access)["active"] == true
    };
    assert!(is_live() && is_live());
    let revoked = [
        ("token", text(&tokens, "refresh_token")),
        ("client_id", "demo-messenger".to_owned()),
    ];
    let fields = revoked
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    browser.post("/oauth2/revoke", &fields).is(200);
    assert!(!is_live());
}

#[test]
fn another_process_ends_a_session_and_this_one_sees_it() {
    let app = TestApp::new();
    arm(&app);
    let mut browser = app.browser();
    let access = text(&tokens(&app, &mut browser, "temuulen"), "access_token");
    let pass = |millis| app.pass(Duration::from_millis(millis));
    let is_live = || {
        let heard = introspect(&app, "demo-chat", &access);
        let now = app.app.clock.now().seconds();
        if let (Some(left), Some(end)) = (heard["expires_in"].as_i64(), heard["exp"].as_i64()) {
            assert!(left == end - now || left == end - now - 1, "{left}");
        }
        heard["active"] == true
    };
    // What is kept from before the turn of a second tells another rest of the token's life.
    pass(1990 - app.app.clock.now().millis().unsigned_abs() % 1000);
    assert!(is_live());
    for _ in 0..6 {
        pass(50);
        assert!(is_live());
    }
    let other = app.elsewhere();
    let now = app.app.clock.now();
    app.wait(other.write(move |c| {
        let account = store::account::find_by_username(c, "temuulen")?.expect("the person");
        store::account::set_locked(c, &account.id, Some(now))
    }))
    .unwrap();
    // Half a second after it was read; what was made of it meanwhile is no younger.
    pass(200);
    assert!(!is_live());
}
