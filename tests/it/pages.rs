//! What is true of every page and of every answer: its skeleton, its headers, its cookies.

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, attribute};

/// Pages that anyone may open, and answers that are errors.
const PAGES: [(&str, u16); 7] = [
    ("/help", 200),
    ("/cookies", 200),
    ("/dev/mail", 200),
    ("/nothing", 404),
    ("/oauth2/nothing", 404),
    ("/static/nothing", 404),
    ("/.well-known/nothing", 404),
];

/// What a page must be for those who listen to it (UX 1.1, 6.1).
#[track_caller]
pub fn skeleton(page: &Answer) {
    let html = page.text();
    let at = format!("{} ({})", page.path, page.status);
    assert_eq!(html.matches("<h1").count(), 1, "{at}: headings");
    assert_eq!(html.matches("<main").count(), 1, "{at}: main");
    assert!(html.contains("<html lang=\""), "{at}: language");
    let title = html
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.trim().to_owned())
        .unwrap_or_default();
    assert!(!title.is_empty(), "{at}: title");
    let failed = html.contains("class=\"sum\"");
    assert_eq!(title.starts_with("Error: "), failed, "{at}: title {title}");
    // Each control has a name that is heard.
    for tag in html.split('<').filter(|tag| {
        ["input ", "textarea ", "select "]
            .iter()
            .any(|kind| tag.starts_with(kind))
    }) {
        if attribute(tag, "type").as_deref() == Some("hidden") {
            continue;
        }
        let id = attribute(tag, "id").unwrap_or_default();
        let labelled = html.contains(&format!("<label for=\"{id}\"")) || tag.contains("aria-label");
        assert!(!id.is_empty() && labelled, "{at}: no label for <{tag}");
        // UX decision 3: no field may be hidden from password managers or typed twice.
        assert!(attribute(tag, "name").is_some(), "{at}: no name for <{tag}");
    }
    for tag in html.split('<').filter(|tag| tag.starts_with("img ")) {
        assert!(attribute(tag, "alt").is_some(), "{at}: no alt for <{tag}");
    }
    // R43: nothing inline, nothing from elsewhere.
    for tag in html.split('<') {
        assert!(!tag.contains(" style=\""), "{at}: inline style in <{tag}");
        assert!(!tag.contains(" onclick"), "{at}: inline script in <{tag}");
        if tag.starts_with("script") {
            let from = attribute(tag, "src").unwrap_or_default();
            assert!(from.starts_with("/static/"), "{at}: <{tag}");
        }
        if ["img ", "link ", "audio ", "iframe "]
            .iter()
            .any(|kind| tag.starts_with(kind))
        {
            let from = attribute(tag, "src")
                .or(attribute(tag, "href"))
                .unwrap_or_default();
            assert!(
                from.starts_with('/') || from.starts_with("data:"),
                "{at}: <{tag}"
            );
        }
    }
    // Every form that posts to us carries the page token (R42).
    for form in html.split("<form").skip(1) {
        let inner = form.split("</form>").next().unwrap_or_default();
        let head = inner.split('>').next().unwrap_or_default();
        if head.contains("data-send") {
            continue;
        }
        assert!(
            inner.contains("name=\"form\""),
            "{at}: a form without token"
        );
        // Our words, not the browser's (UX 1.1).
        if inner.contains("<label") {
            assert!(head.contains("novalidate"), "{at}: no novalidate");
        }
    }
}

/// The headers of every answer: R33, R43.
#[track_caller]
pub fn dressed(answer: &Answer) {
    let at = format!("{} ({})", answer.path, answer.status);
    let csp = answer.header("content-security-policy").unwrap_or_default();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(csp.contains(part), "{at}: {csp}");
    }
    assert!(!csp.contains("unsafe"), "{at}: {csp}");
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{at}"
    );
    assert_eq!(
        answer.header("referrer-policy"),
        Some("no-referrer"),
        "{at}"
    );
    let cache = answer.header("cache-control").unwrap_or_default();
    if answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"))
    {
        assert_eq!(cache, "no-store", "{at}");
    }
    for header in ["server", "x-powered-by"] {
        assert_eq!(answer.header(header), None, "{at}");
    }
}

// OpenID Connect Core 3.1.2.1: display=popup
#[test]
fn an_app_keeps_hold_of_the_window_that_it_opened_and_of_no_other() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let policy = |answer: &Answer| {
        let policy = answer.header("cross-origin-opener-policy");
        policy.map(str::to_owned)
    };
    // Each hop of the way, there and back.
    let mut answer = browser.get(&crate::road::request(&[("display", "popup")]));
    while answer.status == 303 {
        assert_eq!(policy(&answer), None, "{}", answer.path);
        answer = browser.follow(&answer);
    }
    assert_eq!(policy(&answer), None, "{}", answer.path);
    let signed = browser.submit(&answer, &[("login", "temuulen"), ("password", PASSWORD)]);
    assert_eq!(policy(&signed), None);
    let back = browser.arrive(signed).is(303);
    assert!(back.param("code").is_some());
    assert_eq!(policy(&back), None);
    for path in [
        "/signup",
        "/forgot",
        "/oauth2/logout",
        "/help",
        "/terms",
        "/cookies",
    ] {
        assert_eq!(policy(&browser.get(path)), None, "{path}");
    }
    for path in ["/", "/account", "/account/apps", "/signout", "/device"] {
        let policy = policy(&browser.get(path));
        assert_eq!(policy.as_deref(), Some("same-origin"), "{path}");
    }
}

// R33 R43 R72
#[test]
fn every_answer_is_dressed_and_every_page_has_its_skeleton() {
    let app = TestApp::new();
    let mut browser = app.browser();
    for (path, status) in PAGES {
        let answer = browser.get(path).is(status);
        dressed(&answer);
        if answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            skeleton(&answer);
            if status >= 400 {
                assert!(answer.reference().is_some(), "{path} has no reference");
            }
        }
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"] {
        let answer = browser.send(method, "/help", &[], None);
        assert!(
            (400..500).contains(&answer.status),
            "{method}: {}",
            answer.status
        );
        dressed(&answer);
    }
}

// R43: HSTS on https only. R36: the cookie's name and attributes.
#[test]
fn cookies_and_transport_are_strict_on_https() {
    let app = TestApp::real();
    let mut browser = app.browser();
    let page = browser.get("/help").is(200);
    dressed(&page);
    assert!(page.header("strict-transport-security").is_some());
    let set: Vec<&str> = page.headers("set-cookie").collect();
    assert_eq!(set.len(), 1, "{set:?}");
    let cookie = set[0];
    assert!(cookie.starts_with("__Host-gerege="), "{cookie}");
    for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    // Dev mode's doors do not exist there.
    browser.get("/dev/mail").is(404);
}

// R36
#[test]
fn cookies_have_plain_names_on_loopback_only() {
    let app = TestApp::new();
    let page = app.browser().get("/help").is(200);
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("gerege="), "{cookie}");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(page.header("strict-transport-security"), None);
}

// PROTOCOL 8
#[test]
fn dev_mode_answers_this_machine_only() {
    let app = TestApp::new();
    let mut browser = app.browser();
    browser.host = "gerege.example".into();
    browser.get("/help").is(421);
    let mut browser = app.browser();
    let forwarded = [("X-Forwarded-For", "203.0.113.9")];
    browser.send("GET", "/dev/mail", &forwarded, None).is(403);
    browser.send("GET", "/help", &forwarded, None).is(200);
}

#[test]
fn a_static_file_is_fetched_once() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let html = browser.get("/help").text();
    let style = html
        .split('<')
        .find(|tag| tag.contains("rel=\"stylesheet\""))
        .and_then(|tag| attribute(tag, "href"))
        .unwrap();
    let file = browser.get(&style).is(200);
    dressed(&file);
    assert!(file.header("cache-control").unwrap().contains("immutable"));
    let tag = file.header("etag").unwrap().to_owned();
    browser
        .send("GET", &style, &[("If-None-Match", &tag)], None)
        .is(304);
}

// RFC 9110 15.5.6
#[test]
fn another_method_is_told_which_ones_there_are() {
    let app = TestApp::new();
    for (method, path, allow) in [
        ("POST", "/help", "GET, HEAD"),
        ("DELETE", "/signup", "GET, HEAD, POST"),
        ("GET", "/oauth2/token", "POST, OPTIONS"),
        ("PUT", "/oauth2/userinfo", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/jwks.json", "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/oauth2/authorize", "GET, POST"),
        ("POST", "/oauth2/authorize/x", "GET"),
        ("PUT", "/oauth2/logout", "GET, POST"),
        ("GET", "/oauth2/introspect", "POST"),
    ] {
        let answer = app.browser().send(method, path, &[], None).is(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert!(answer.text().len() > 40, "{method} {path} says why");
    }
}
