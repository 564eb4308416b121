//! Cookies and tokens that we did not give open nothing, and change nothing.

use crate::app::TestApp;
use crate::bad_input::{refused, tells_nothing, unbroken};
use crate::http::Browser;
use crate::road::{SECRET, redeem, register, text, tokens};
use crate::signin::sign_in;

fn signed(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    browser
}

#[test]
fn forged_cookies_open_nothing() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut good = signed(&app);
    app.deliver();
    good.get("/account").is(200);
    let value = good.cookies["gerege"].clone();
    let turned: String = value.chars().rev().collect();
    let before = app.dump();
    let long = "A".repeat(5_000);
    for forged in [
        "",
        "x",
        "null",
        &value[..42],
        &turned,
        &format!("{value}A"),
        &"A".repeat(43),
        &long,
        &value.to_ascii_uppercase(),
        &format!("\"{value}\"x"),
        "a b",
        "é",
        "%00",
    ] {
        for name in [
            "gerege",
            "gerege-device",
            "gerege-draft",
            "gerege-lang",
            "__Host-gerege",
        ] {
            let mut browser = app.browser();
            browser.cookies.insert(name.into(), forged.to_owned());
            browser.get("/account").leads("/signin");
            let answer = browser.get("/signup/email");
            assert!(answer.status < 400, "{name}: {}", answer.status);
            unbroken(&browser.get("/signup"), name);
        }
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn forged_tokens_open_nothing() {
    let app = TestApp::new();
    register(&app);
    crate::road::arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    let own = crate::road::token(
        &mut browser,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", &text(&tokens, "refresh_token")),
            ("resource", &app.origin),
        ],
    );
    let good = text(&own.is(200).json(), "access_token");
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let last = signature.chars().last().unwrap();
    let other = if last == 'A' { 'B' } else { 'A' };
    let before = app.dump();
    let mut forged = vec![
        String::new(),
        "x".into(),
        "a.b.c".into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}."),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}AA"),
        format!(
            "{header}.{claims}.{}{other}",
            &signature[..signature.len() - 2]
        ),
        format!("{header}.{claims}.{}", "A".repeat(signature.len())),
        "A".repeat(20_000),
        "é.é.é".into(),
    ];
    // R66: another algorithm, a key of its own, no algorithm in every spelling.
    for header in [
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"None","typ":"at+jwt"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":""}"#,
        r#"{}"#,
        r#"{"alg":"ES256","kid":"../../../etc/passwd"}"#,
        r#"{"alg":"ES256","kid":"' OR 1=1 --"}"#,
        r#"{"alg":"ES256","jku":"https://evil.example/jwks.json"}"#,
        r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"RS256","alg":"none"}"#,
    ] {
        use base64::Engine as _;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    for token in &forged {
        let shown: String = token.chars().take(40).collect();
        let mut asking = app
            .browser()
            .with("Authorization", &format!("Bearer {token}"));
        let answer = asking.get("/oauth2/userinfo");
        assert!(
            [400, 401].contains(&answer.status),
            "{shown}: {}",
            answer.status
        );
        tells_nothing(&answer, &shown);
        let mut chat = app
            .browser()
            .with("Authorization", &crate::http::basic("demo-chat", SECRET));
        let answer = chat.post("/oauth2/introspect", &[("token", token)]);
        if answer.status == 200 {
            assert_eq!(answer.json()["active"], false, "{shown}");
        } else {
            refused(&answer, &shown);
        }
        refused(&crate::road::refresh(&mut app.browser(), token), &shown);
        refused(&redeem(&mut app.browser(), token), &shown);
    }
    for said in [
        "Bearer",
        "Bearer ",
        "bearer x y",
        "Basic x",
        "Basic Og==",
        "Basic AGE6Yg==",
        "Basic ////",
        "Negotiate x",
        "é",
    ] {
        let answer = app
            .browser()
            .with("Authorization", said)
            .get("/oauth2/userinfo");
        assert!(
            [400, 401].contains(&answer.status),
            "{said}: {}",
            answer.status
        );
        let answer = app
            .browser()
            .with("Authorization", said)
            .post("/oauth2/token", &[("grant_type", "client_credentials")]);
        refused(&answer, said);
    }
    // A client that names itself with a character no database column holds.
    for claims in [
        r#"{"iss":"a\u0000","sub":"a\u0000"}"#,
        r#"{"iss":"forum","sub":"forum","jti":"\u0000"}"#,
    ] {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"ES256","kid":"\u0000"}"#);
        let assertion = format!("{header}.{}.AAAA", encode(claims));
        let answer = app.browser().post(
            "/oauth2/token",
            &[
                ("grant_type", "client_credentials"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
            ],
        );
        refused(&answer, claims);
    }
    assert_eq!(app.dump(), before);
    let mut asking = app
        .browser()
        .with("Authorization", &format!("Bearer {good}"));
    asking.get("/oauth2/userinfo").is(200);
    drop(access);
}
