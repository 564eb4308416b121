//! What reaches pages and mails: cookies, languages, and the names in a letter.

use std::sync::LazyLock;
use std::time::Duration;

use actix_web::http::header::{COOKIE, HeaderValue};
use actix_web::test::TestRequest;
use gerege::account::Name;
use gerege::page::view::{AlreadyAccount, NewDevice, NotLetIn, Server, SignupCode};
use gerege::page::{Engine, Mail, MailView};
use gerege::web::cookie::Jar;

use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "gerege=",
    "__Host-gerege=",
    "gerege-device=",
    "__Host-gerege-device=",
    "gerege-draft=",
    "__Host-gerege-draft=",
    "gerege-lang=",
    "; ",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "de",
    "en",
    "de-AT",
    "fr",
    "*",
    ";q=0.5",
    ";q=1",
    ";q=0",
    ", ",
    "\n",
    "<b>",
    "\" onload=\"",
    "{{ 1 }}",
    "{% raw %}",
    "&amp;",
    "'",
    "\u{2068}",
    "Тэмүүлэн",
    "Firefox on Linux",
];

const JARS: [Jar; 4] = [Jar::Browser, Jar::Device, Jar::Draft, Jar::Language];

/// A `Cookie` header.
pub fn cookie(input: &[u8]) -> Depth {
    let Ok(header) = HeaderValue::from_bytes(input) else {
        return Depth::Door;
    };
    let request = TestRequest::default()
        .insert_header((COOKIE, header))
        .to_http_request();
    let mut depth = Depth::Judged;
    for jar in JARS {
        for secure in [true, false] {
            let Some(value) = jar.read(&request, secure) else {
                continue;
            };
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!(value.bytes().all(plain), "{value:?}");
            assert!(if jar == Jar::Language {
                value.len() <= 35
            } else {
                value.len() == 43
            });
            let set = jar.keep(&value, secure, Duration::from_secs(60));
            assert!(set.http_only() == Some(true) && set.secure() == Some(secure));
            assert!(set.path() == Some("/") && set.domain().is_none());
            // What is set comes back as the same.
            let back = format!("{}={}", set.name(), set.value());
            let request = TestRequest::default()
                .insert_header((COOKIE, back))
                .to_http_request();
            assert_eq!(jar.read(&request, secure).as_deref(), Some(value.as_str()));
            depth = Depth::Accepted;
        }
    }
    depth
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).unwrap());

/// `ui_locales`, the cookie and `Accept-Language`, a line each.
pub fn language(input: &[u8]) -> Depth {
    let text = text!(input);
    let mut lines = text
        .splitn(3, '\n')
        .map(|line| (!line.is_empty()).then_some(line));
    let mut line = || lines.next().flatten();
    let (asked, cookie, header) = (line(), line(), line());
    let picked = ENGINE.pick(asked, cookie, header);
    assert!(ENGINE.languages().any(|known| *known == picked));
    // A language that is asked for by name comes first, whatever else is there.
    assert_eq!(ENGINE.pick(Some(&picked.code), cookie, header), picked);
    if picked.code == "en" {
        Depth::Judged
    } else {
        Depth::Accepted
    }
}

/// A letter: its kind, the language, the name, and two more words, a line each.
pub fn mail(input: &[u8]) -> Depth {
    let text = text!(input);
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (kind, tag, name, one, two) = (line(), line(), line(), line(), line());
    let Ok(name) = Name::parse(name) else {
        return Depth::Judged;
    };
    let lang = ENGINE.pick(Some(tag), None, None);
    let write = |name: &str, one: &str, two: &str| -> Option<Mail> {
        let name = name.to_owned();
        let server = Server {
            name: "Steppe".into(),
            url: "https://id.steppe.example".into(),
            contact: String::new(),
        };
        let (one, two) = (one.to_owned(), two.to_owned());
        fn render(view: &impl MailView, lang: &gerege::page::Lang) -> Mail {
            ENGINE.mail(lang, view).unwrap()
        }
        Some(match kind {
            "code" => render(
                &SignupCode {
                    server,
                    name,
                    code: "482 913".into(),
                    link: "https://id.steppe.example/e/x".into(),
                    minutes: 15,
                    app: (!one.is_empty()).then_some(one),
                },
                &lang,
            ),
            "device" => render(
                &NewDevice {
                    server,
                    name,
                    device: one,
                    place: two,
                    ..NewDevice::default()
                },
                &lang,
            ),
            "not" => render(
                &NotLetIn {
                    server,
                    name,
                    note: one,
                },
                &lang,
            ),
            "there" => render(
                &AlreadyAccount {
                    server,
                    name,
                    username: "temuulen".into(),
                    ..AlreadyAccount::default()
                },
                &lang,
            ),
            _ => return None,
        })
    };
    let Some(mail) = write(name.as_str(), one, two) else {
        return Depth::Door;
    };
    assert!(!mail.subject.contains(['\r', '\n']) && !mail.subject.is_empty());
    assert!(
        !mail.text.contains("{{") || text.contains("{{"),
        "a template's own words"
    );
    // Nothing that was typed makes a tag, an attribute or an entity of its own.
    let like = |text: &str| if text.is_empty() { "" } else { "x" };
    let plain = write("x", like(one), like(two)).unwrap();
    for mark in ['<', '>', '"'] {
        let (had, has) = (
            plain.html.matches(mark).count(),
            mail.html.matches(mark).count(),
        );
        // A note keeps its lines, as paragraphs.
        assert!(has == had || kind == "not", "{mark} in {}", mail.html);
    }
    Depth::Accepted
}
