//! The log holds no secret and cannot be written from outside (SECURITY R70).

use crate::app::TestApp;
use crate::http::encode;
use crate::log;
use crate::road::{VERIFIER, code, redeem, refresh, request, text};
use crate::signup::begin;

const PASSWORD: &str = "canary feather umbrella tundra";
const WRONG: &str = "canary-guess-of-somebody-else";
const ADDRESS: &str = "quiet.mailbox@mail.example";

// R70
#[test]
fn no_secret_reaches_the_log() {
    let app = TestApp::new();
    let mark = log::mark();
    let mut browser = app.browser();
    let mut secrets: Vec<String> = vec![
        PASSWORD.into(),
        WRONG.into(),
        ADDRESS.into(),
        VERIFIER.into(),
    ];
    // The wizard.
    let own = [("password", PASSWORD), ("email", ADDRESS)];
    let begun = begin(&mut browser, "/signup", "birdie", &own).leads("/signup/agree");
    let page = browser.follow(&begun);
    secrets.push(page.token().unwrap());
    let agreed = browser.submit(&page, &[("decision", "accept")]);
    let page = browser.follow(&agreed);
    let letter = app.letter(ADDRESS);
    secrets.push(letter.code());
    let link = letter.link("/e/");
    secrets.push(link.trim_start_matches("/e/").to_owned());
    browser.get(&link).is(200);
    browser.submit(&page, &[("code", "314159")]).is(422);
    browser
        .submit(&page, &[("code", &letter.code())])
        .leads("/signup/done");
    secrets.extend(browser.cookies.values().cloned());
    // Signing in, wrong and right.
    let mut other = app.browser();
    for (login, password) in [
        ("birdie", WRONG),
        ("birdie", PASSWORD),
        (WRONG, PASSWORD),
        (PASSWORD, WRONG),
    ] {
        other.fill("/signin", &[("login", login), ("password", password)]);
        other.cookies.remove("gerege");
    }
    // An app's way. The code's person has its own password, so the form is filled in here.
    let stored = other.get(&request(&[("state", "canary-state-of-the-app")]));
    let page = other.arrive(stored);
    secrets.push("canary-state-of-the-app".into());
    let signed = other.submit(&page, &[("login", "birdie"), ("password", PASSWORD)]);
    let back = other.arrive(signed);
    let code_ = back.param("code").unwrap();
    secrets.push(code_.clone());
    let tokens = redeem(&mut other, &code_).is(200).json();
    for name in ["access_token", "id_token", "refresh_token"] {
        secrets.push(text(&tokens, name));
    }
    let next = refresh(&mut other, &text(&tokens, "refresh_token"))
        .is(200)
        .json();
    secrets.push(text(&next, "refresh_token"));
    redeem(&mut other, &code_).is(400);
    refresh(&mut other, &text(&next, "refresh_token")).is(400);
    other.get(&format!(
        "/oauth2/logout?{}",
        encode(&[("id_token_hint", &text(&tokens, "id_token"))])
    ));
    // A way back in.
    let mut third = app.browser();
    third.fill("/forgot", &[("login", "birdie")]);
    let letter = app
        .letters(ADDRESS)
        .into_iter()
        .rfind(|letter| letter.text.contains("/reset/"))
        .unwrap();
    let link = letter.link("/reset/");
    secrets.push(link.trim_start_matches("/reset/").to_owned());
    let page = third.get(&link).is(200);
    third.submit(&page, &[("password", "short")]);
    third
        .submit(&page, &[("password", "canary lantern nine saddle")])
        .leads("/reset/done");
    secrets.push("canary lantern nine saddle".into());
    app.deliver();
    secrets.extend(other.cookies.values().cloned());
    secrets.extend(third.cookies.values().cloned());
    // Without the time, whose digits could be a code.
    let lines: Vec<String> = log::since(mark)
        .lines()
        .map(|line| line.split_once(' ').map_or("", |(_, rest)| rest).to_owned())
        .collect();
    assert!(
        lines.iter().any(|line| line.contains("signup.done")),
        "the story is told"
    );
    secrets.retain(|secret| secret.len() >= 6);
    for secret in &secrets {
        let line = lines.iter().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret}");
    }
}

// R70: nobody writes lines of ours (CVE-2023-6484).
#[test]
fn the_log_cannot_be_written_from_outside() {
    let app = TestApp::new();
    app.person("temuulen");
    let mark = log::mark();
    let evil = "evil\r\n2027-01-15T08:00:00Z ERROR canary-line\u{1b}[31mred";
    let mut browser = app.browser();
    browser.get(&request(&[("client_id", evil)])).is(400);
    browser.get(&request(&[("redirect_uri", evil)])).is(400);
    browser
        .get(&format!("/{}", encode(&[(evil, evil)])))
        .is(404);
    for path in ["/signin", "/forgot"] {
        browser.fill(path, &[("login", evil), ("password", evil)]);
    }
    begin(
        &mut browser,
        "/signup",
        "temuulen2",
        &[("name", evil), ("username", evil), ("email", evil)],
    );
    code(&mut browser, "temuulen");
    app.deliver();
    let written = log::since(mark);
    assert!(!written.contains('\u{1b}'), "an escape sequence");
    for line in written.lines().filter(|line| line.contains("canary-line")) {
        assert!(
            !line.contains(" ERROR canary-line") || line.contains("evil"),
            "a line of its own: {line}"
        );
    }
}

#[test]
fn nobody_outside_makes_a_line_long() {
    let app = TestApp::with(&[("REGISTRATION__METADATA_DOCUMENTS", "true")]);
    let mark = log::mark();
    let long = "overlong".repeat(1_500);
    let cut = &long[..400];
    let address = format!("https://app.example/{cut}");
    for (name, value) in [
        ("client_id", long.as_str()),
        ("client_id", &address),
        ("redirect_uri", &format!("https://app.example/{long}")),
        ("scope", &long),
        ("request", &long),
        ("request_uri", &long),
        (
            "request_uri",
            &format!("urn:ietf:params:oauth:request_uri:{long}"),
        ),
    ] {
        app.browser().get(&request(&[(name, value)]));
    }
    app.browser().get(&format!("/{long}")).is(404);
    app.browser().post(
        "/oauth2/token",
        &[("client_id", &long), ("grant_type", &long)],
    );
    let said = log::since(mark);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("overlong"))
        .collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        assert!(line.len() < 700, "{line}");
    }
}
