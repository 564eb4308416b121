//! Codes, refresh tokens and references that are another's, or not whole.

use gerege::store;

use super::*;
use crate::http::{Answer, basic, encode};
use crate::road::{
    CALLBACK, FORUM, SECRET, VERIFIER, code, redeem, refresh, register, text, token,
};

/// What can be made of a text that opens something.
fn changed(good: &str) -> Vec<Row> {
    let (prefix, rest) = good.split_at(3);
    let size = good.len();
    let mut rows = named(vec![
        ("a letter cut off", good[..size - 1].into()),
        ("its tag cut off", good[..size - 11].into()),
        ("half of it", good[..size / 2].into()),
        ("its first letter cut off", good[1..].into()),
        ("without its prefix", rest.into()),
        ("its prefix alone", prefix.into()),
        ("its prefix twice", format!("{prefix}{good}")),
        ("a letter more", format!("{good}A")),
        ("padded", format!("{good}=")),
        ("a space behind", format!("{good} ")),
        ("a space before", format!(" {good}")),
        ("NUL behind", format!("{good}\0")),
        ("a line break behind", format!("{good}\n")),
        ("twice", format!("{good}{good}")),
        ("in capitals", good.to_ascii_uppercase()),
        ("turned round", good.chars().rev().collect()),
        (
            "all of one letter",
            format!("{prefix}{}", "A".repeat(rest.len())),
        ),
        ("a wildcard", format!("{prefix}%")),
        ("SQL", format!("{prefix}' OR '1'='1")),
        ("nothing", String::new()),
    ]);
    for other in ["gc_", "gr_", "gp_", "gd_", "ga_"] {
        if other != prefix {
            rows.push((format!("with the prefix {other}"), format!("{other}{rest}")));
        }
    }
    for at in [3, size / 2, size - 12, size - 1] {
        let letter = if &good[at..=at] == "A" { "B" } else { "A" };
        let mut text = good.to_owned();
        text.replace_range(at..=at, letter);
        rows.push((format!("letter {at} changed"), text));
    }
    rows
}

fn as_forum(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    forum.post("/oauth2/token", fields)
}

#[test]
fn a_code_or_refresh_token_that_is_anothers_or_not_whole_gives_nothing() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let first = code(&mut browser, "temuulen");
    let kept = text(
        &redeem(&mut browser, &first).is(200).json(),
        "refresh_token",
    );
    let mut other = app.browser();
    let good = code(&mut other, "temuulen");
    app.deliver();
    let (codes, kepts) = (changed(&good), changed(&kept));
    assert!(
        codes.len() + kepts.len() >= 50,
        "{}",
        codes.len() + kepts.len()
    );
    for (name, code) in &codes {
        refused(&redeem(&mut app.browser(), code), name);
    }
    for (name, kept) in &kepts {
        refused(&refresh(&mut app.browser(), kept), name);
    }
    // Each in the other's place.
    refused(
        &redeem(&mut app.browser(), &kept),
        "a refresh token as a code",
    );
    refused(
        &refresh(&mut app.browser(), &good),
        "a code as a refresh token",
    );
    let device = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", good.as_str()),
    ];
    refused(
        &token(&mut app.browser(), &device),
        "a code as a device code",
    );
    // Another client's, with everything else right.
    for back in [CALLBACK, FORUM] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", good.as_str()),
            ("redirect_uri", back),
            ("code_verifier", VERIFIER),
        ];
        refused(&as_forum(&app, &fields), "another client's code");
    }
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", kept.as_str()),
    ];
    refused(&as_forum(&app, &fields), "another client's refresh token");
    let revoked = app
        .browser()
        .with("Authorization", &basic("forum", SECRET))
        .post("/oauth2/revoke", &[("token", kept.as_str())]);
    assert_eq!(revoked.status, 200, "nothing is told, and nothing is done");
    // None of it spent or ended anything.
    redeem(&mut app.browser(), &good).is(200);
    refresh(&mut app.browser(), &kept).is(200);
}

#[test]
fn a_reference_that_is_anothers_or_not_whole_is_opened_by_nobody() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.redirects.push(CALLBACK.into());
        store::client::save(c, &forum)
    });
    let good = crate::par::push(&app, &[]);
    let before = app.dump();
    let prefix = "urn:ietf:params:oauth:request_uri:";
    let secret = good.strip_prefix(prefix).unwrap();
    let mut rows: Vec<Row> = changed(secret)
        .into_iter()
        .map(|(name, text)| (name, format!("{prefix}{text}")))
        .collect();
    rows.extend(named(vec![
        ("without what stands before it", secret.into()),
        ("in capitals before it", good.replace("urn", "URN")),
        (
            "another scheme",
            good.replace("urn:", "https://thief.example/"),
        ),
        ("an address", "https://thief.example/request.jwt".into()),
        ("a file", "file:///etc/passwd".into()),
    ]));
    assert!(rows.len() >= 30, "{}", rows.len());
    for (name, uri) in &rows {
        let fields = [
            ("client_id", "demo-messenger"),
            ("request_uri", uri.as_str()),
        ];
        let answer = app
            .browser()
            .get(&format!("/oauth2/authorize?{}", encode(&fields)));
        // What is no reference of ours is no `request_uri` that is supported; the app is told.
        let told = answer.header("location").is_some_and(|to| {
            to.starts_with("http://127.0.0.1/callback?error=invalid_request_uri")
        });
        let refused = answer.status == 400 && answer.header("location").is_none();
        let ours = uri.starts_with(prefix);
        assert!(
            if ours { refused } else { told },
            "{name}: {}",
            answer.status
        );
    }
    let fields = [("client_id", "forum"), ("request_uri", good.as_str())];
    let stolen = format!("/oauth2/authorize?{}", encode(&fields));
    app.browser().get(&stolen).is(400);
    assert!(app.dump() == before, "a row was changed");
    app.browser().get(&crate::par::opened(&good)).is(303);
}
