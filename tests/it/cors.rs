//! Pages of other origins may ask exactly where an app in a browser has to, and never with cookies
//! (the CORS protocol of Fetch; PROTOCOL 3).

use crate::app::TestApp;
use crate::http::Answer;
use crate::routes::{filled, routes};

const THERE: &str = "https://app.example";

/// The addresses that are open, with the methods by which a page may ask.
const OPEN: [(&str, &str); 17] = [
    ("/.well-known/openid-configuration", "GET, HEAD"),
    ("/.well-known/oauth-authorization-server", "GET, HEAD"),
    (
        "/.well-known/openid-configuration/services/{id}",
        "GET, HEAD",
    ),
    (
        "/.well-known/oauth-authorization-server/services/{id}",
        "GET, HEAD",
    ),
    (
        "/services/{id}/.well-known/openid-configuration",
        "GET, HEAD",
    ),
    (
        "/services/{id}/.well-known/oauth-authorization-server",
        "GET, HEAD",
    ),
    (
        "/.well-known/oauth-protected-resource/services/{id}",
        "GET, HEAD",
    ),
    ("/jwks.json", "GET, HEAD"),
    ("/services/{id}/jwks.json", "GET, HEAD"),
    ("/services/{id}/current.{form}", "GET, HEAD"),
    ("/services/{id}/status/{list}", "GET, HEAD"),
    ("/oauth2/token", "POST"),
    ("/oauth2/revoke", "POST"),
    ("/oauth2/userinfo", "GET, HEAD, POST"),
    ("/oauth2/device", "POST"),
    ("/oauth2/register", "POST"),
    ("/oauth2/register/{id}", "GET, HEAD, PUT, DELETE"),
];

/// What an answer says to pages of other origins.
fn said(answer: &Answer) -> Vec<(&str, &str)> {
    let all = answer.headers.iter();
    all.filter(|(name, _)| name.starts_with("access-control-"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// What an open address says in each answer.
const READ: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "WWW-Authenticate, DPoP-Nonce, Request-Id",
    ),
];

#[test]
fn pages_of_other_origins_may_ask_where_no_cookie_is_read_and_nowhere_else() {
    let app = TestApp::with(&[("REGISTRATION__MODE", "open")]);
    let all = routes();
    for (open, _) in OPEN {
        assert!(all.iter().any(|route| route == open), "{open} is no URL");
    }
    for route in &all {
        let open = OPEN.iter().find(|(open, _)| open == route);
        // A service that there is, and somebody that there is not.
        for with in ["demo-chat", "x"] {
            let at = filled(route, with);
            asked(&app, &at, open.map(|(_, methods)| *methods));
        }
    }
    // Nor where nothing is.
    asked(&app, "/oauth2/token/x", None);
    asked(&app, "/.well-known/webfinger", None);
}

/// Asks in every way that an address takes, and in some that it does not.
fn asked(app: &TestApp, at: &str, open: Option<&str>) {
    let mut page = app.browser().with("Origin", THERE);
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
        let answer = page.send(method, at, &[], None);
        // A clock that stands is far from that of a database (`/readyz`: 503).
        assert_ne!(answer.status, 500, "{method} {at}");
        let mut said = said(&answer);
        said.sort_unstable();
        let wanted = open.map_or(&[][..], |_| &READ);
        assert_eq!(said, wanted, "{method} {at}: {}", answer.status);
    }
    let wish = [("Access-Control-Request-Method", "POST")];
    let told = page.send("OPTIONS", at, &wish, None);
    let Some(methods) = open else {
        assert!([404, 405].contains(&told.status), "{at}: {}", told.status);
        assert_eq!(said(&told), [], "{at}");
        return;
    };
    let told = told.is(204);
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", methods),
        (
            "access-control-allow-headers",
            "Authorization, Content-Type, DPoP",
        ),
    ] {
        assert_eq!(told.header(name), Some(value), "{at}");
    }
    assert_eq!(told.header("access-control-allow-credentials"), None);
    // These are the methods that there are.
    let wrong = page.send("PATCH", at, &[], None).is(405);
    let allow = format!("{methods}, OPTIONS");
    assert_eq!(wrong.header("allow"), Some(allow.as_str()), "{at}");
}

/// A browser keeps a document that it read as a page of its own, and may hand it to one of another
/// origin later (Fetch, "CORS protocol and HTTP caches").
#[test]
fn a_document_that_is_kept_is_open_whoever_read_it_first() {
    let app = TestApp::new();
    for (open, _) in OPEN {
        let answer = app.browser().get(&filled(open, "demo-chat"));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("*"),
            "{open}"
        );
    }
    let known = app.browser().get("/jwks.json").is(200);
    let tag = known.header("etag").expect("an ETag").to_owned();
    let same = app
        .browser()
        .send("GET", "/jwks.json", &[("If-None-Match", &tag)], None);
    assert_eq!(said(&same.is(304)).len(), READ.len());
}
