//! Where an answer may go: addresses at registration, at the request, and after signing out.

use std::sync::LazyLock;

use gerege::oauth::client::Client;
use gerege::oauth::logout::{Decision, Hint, LogoutRequest, SignedIn, decide};
use gerege::oauth::params::Params;
use gerege::oauth::redirect::{
    Kind, RedirectUri, Response, ResponseMode, difference, register_check,
};
use url::Url;

use super::registered::clients;
use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "https://",
    "http://",
    "javascript:",
    "data:",
    "com.example.phone:/",
    "com.example.phone://",
    "forum.example",
    "evil.example",
    "127.0.0.1",
    "[::1]",
    "localhost",
    "/back",
    "/callback",
    ":80",
    ":4711",
    "@",
    "?",
    "#",
    "//",
    "/../",
    "%2e%2e",
    "%2F",
    "?code=1",
    "?a=b",
    "&state=x",
    "\\",
    "0x7f.1",
    "127.1",
    "xn--",
    ".",
    "user:pass@",
];

static FORUM: LazyLock<Client> = LazyLock::new(|| clients()[0].clone());

/// Whether an address is on file, judged here by the reader that browsers resemble.
pub fn is_registered(on_file: &[String], asked: &str) -> bool {
    on_file.iter().any(|known| {
        if known == asked {
            return true;
        }
        // RFC 8252 7.3: the port of a loopback address may be another one, nothing else.
        let (Ok(known), Ok(mut asked)) = (Url::parse(known), Url::parse(asked)) else {
            return false;
        };
        let loopback =
            known.scheme() == "http" && matches!(known.host_str(), Some("127.0.0.1" | "[::1]"));
        loopback && asked.set_port(known.port()).is_ok() && asked == known
    })
}

/// What an answer carries, once it is seen that it goes where it must and nowhere else.
pub fn answers(to: &RedirectUri, mode: ResponseMode, response: &Response) -> Vec<(String, String)> {
    let location = match response {
        Response::FormPost { action, fields } => {
            assert!(mode == ResponseMode::FormPost && action == to.as_str());
            return fields.clone();
        }
        Response::Redirect(location) => location,
    };
    assert!(
        location.bytes().all(|byte| byte.is_ascii_graphic()),
        "{location}"
    );
    let rest = location
        .strip_prefix(to.as_str())
        .expect("it begins as it was registered");
    let (known, sent) = (
        Url::parse(to.as_str()).unwrap(),
        Url::parse(location).unwrap(),
    );
    assert_eq!(
        (
            known.scheme(),
            known.host_str(),
            known.port(),
            known.path(),
            known.username()
        ),
        (
            sent.scheme(),
            sent.host_str(),
            sent.port(),
            sent.path(),
            sent.username()
        ),
        "{location}"
    );
    match mode {
        ResponseMode::Query => assert!(sent.fragment().is_none()),
        ResponseMode::Fragment => assert_eq!(sent.query(), known.query()),
        ResponseMode::FormPost => panic!("a form was to be posted"),
    }
    let rest = rest.trim_start_matches(['?', '&', '#']);
    let params = Params::parse(rest.as_bytes()).unwrap();
    params
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// An address to register and one that is asked for, a line each.
pub fn redirect(input: &[u8]) -> Depth {
    let text = text!(input);
    let (wish, asked) = text.split_once('\n').unwrap_or((text, text));
    let known = register_check(wish);
    if let Ok(kind) = known {
        let read = Url::parse(wish).unwrap_or_else(|e| panic!("{wish}: {e}"));
        assert!(
            read.fragment().is_none() && read.username().is_empty(),
            "{wish}"
        );
        assert!(
            read.password().is_none() && !wish.contains(['*', '\\', ' ']),
            "{wish}"
        );
        match kind {
            Kind::Https => assert_eq!(read.scheme(), "https"),
            Kind::Loopback => {
                assert_eq!(read.scheme(), "http");
                let host = read.host_str().unwrap();
                assert!(
                    ["127.0.0.1", "[::1]", "localhost"].contains(&host),
                    "{wish}"
                );
            }
            Kind::PrivateUse => assert!(read.scheme().contains('.'), "{wish}"),
        }
        if kind != Kind::PrivateUse {
            // As it is read, so it is written: no two spellings of one address.
            assert!(wish.starts_with(&format!("{}://{}", read.scheme(), read.host_str().unwrap())));
        }
    }
    assert_eq!(difference(wish, wish), None);
    assert_eq!(difference(wish, asked).is_none(), wish == asked);
    let mut client = FORUM.clone();
    client
        .redirects
        .extend(known.is_ok().then(|| wish.to_owned()));
    client.redirects.push("http://127.0.0.1/callback".into());
    match client.redirect(Some(asked)) {
        Ok(to) => {
            assert!(is_registered(&client.redirects, asked), "{asked}");
            assert_eq!(to.as_str(), asked);
            if to.kind() != Kind::PrivateUse {
                assert_eq!(Url::parse(asked).unwrap().host_str(), Some(to.host()));
            }
            for mode in [ResponseMode::Query, ResponseMode::Fragment] {
                let sent = answers(&to, mode, &to.respond(mode, &[("state", "a#&?=é")]));
                assert_eq!(sent, [("state".to_owned(), "a#&?=é".to_owned())]);
            }
            Depth::Accepted
        }
        Err(_) => {
            // What is registered works, letter by letter.
            assert!(!client.redirects.iter().any(|known| known == asked));
            if wish.contains(':') {
                Depth::Judged
            } else {
                Depth::Door
            }
        }
    }
}

/// A query of `/oauth2/logout`; the first byte chooses what its hint turned out to be.
pub fn logout(input: &[u8]) -> Depth {
    let Some((kind, query)) = input.split_first() else {
        return Depth::Door;
    };
    let Ok(params) = Params::parse(query) else {
        return Depth::Door;
    };
    let request = LogoutRequest::parse(&params);
    let good = |client_id: &str, sid: Option<&str>| Hint::Good {
        client_id: client_id.into(),
        sub: "a".into(),
        sid: sid.map(str::to_owned),
    };
    let hint = match kind {
        b'0' => Hint::Absent,
        b'1' => good("forum", Some("s")),
        b'2' => good("forum", None),
        b'3' => good("desk", Some("s")),
        b'4' => Hint::Bad,
        _ => return Depth::Door,
    };
    let sessions = [("a", "s"), ("b", "t")].map(|(sub, sid)| SignedIn {
        sub: sub.into(),
        sid: sid.into(),
        seen: sid.into(),
    });
    let Ok(decision) = decide(&request, &hint, Some(&FORUM), &sessions) else {
        return Depth::Judged;
    };
    let then = match &decision {
        Decision::End { sids, then } => {
            assert!(
                matches!(hint, Hint::Good { .. }),
                "signed out without a proof"
            );
            assert_eq!(sids, &["s"], "somebody else's session ends");
            then
        }
        Decision::Confirm { then } | Decision::Out { then } => then,
    };
    let Some(then) = then else {
        return Depth::Judged;
    };
    let asked = request.post_logout_redirect_uri.as_deref().unwrap();
    assert!(FORUM.post_logout.iter().any(|known| known == asked));
    let rest = then
        .location()
        .strip_prefix(asked)
        .expect("it goes where it was registered");
    let rest = Params::parse(rest.trim_start_matches(['?', '&']).as_bytes()).unwrap();
    assert_eq!(rest.one("state"), request.state.as_deref());
    assert!(then.location().bytes().all(|byte| byte.is_ascii_graphic()));
    Depth::Accepted
}
