//! Tables of redirect addresses.

use proptest::prelude::*;

use super::*;
use crate::oauth::client::tests::client;

#[test]
fn only_safe_addresses_are_registered() {
    use Fault as F;
    use Kind::{Https, Loopback, PrivateUse};
    let long = format!("https://a.example/{}", "a".repeat(2000));
    let table: &[(&str, Result<Kind, Fault>)] = &[
        ("https://a.example", Ok(Https)),
        ("https://a.example/", Ok(Https)),
        ("https://a.example/cb", Ok(Https)),
        ("https://a.example:8443/cb", Ok(Https)),
        ("https://a.example/cb?tenant=1", Ok(Https)),
        ("https://a.example/cb?next=%2Fcode", Ok(Https)),
        ("https://192.0.2.7/cb", Ok(Https)),
        ("https://[2001:db8::1]/cb", Ok(Https)),
        ("https://xn--bcher-kva.example/cb", Ok(Https)),
        ("https://a.example/%7Ejoe", Ok(Https)),
        ("https://a.example/.well-known/cb", Ok(Https)),
        ("http://127.0.0.1", Ok(Loopback)),
        ("http://127.0.0.1/cb", Ok(Loopback)),
        ("http://127.0.0.1:9000/cb", Ok(Loopback)),
        ("http://[::1]/cb", Ok(Loopback)),
        ("http://[::1]:9000/cb", Ok(Loopback)),
        ("http://localhost:9000/cb", Ok(Loopback)),
        ("com.example.app:/cb", Ok(PrivateUse)),
        ("com.example.app://cb", Ok(PrivateUse)),
        ("example.chat:cb", Ok(PrivateUse)),
        ("io.example.a-b:/cb?x=1", Ok(PrivateUse)),
        ("", Err(F::Length)),
        (&long, Err(F::Length)),
        ("https://*.a.example/cb", Err(F::Wildcard)),
        ("https://a.example/*", Err(F::Wildcard)),
        ("https://a.example/cb#", Err(F::Fragment)),
        ("https://a.example/cb#x", Err(F::Fragment)),
        ("com.example.app:/cb#x", Err(F::Fragment)),
        ("https://a.example@b.example/cb", Err(F::Userinfo)),
        ("https://u:p@a.example/cb", Err(F::Userinfo)),
        ("http://127.0.0.1@b.example/", Err(F::Userinfo)),
        ("http://127.0.0.1:80@b.example/", Err(F::Userinfo)),
        ("com.example.app://u@x/cb", Err(F::Userinfo)),
        ("https://a.example\\@b.example/", Err(F::Character)),
        ("https://a.example/c b", Err(F::Character)),
        ("https://a.example/c\tb", Err(F::Character)),
        ("https://a.example/\r\nX: y", Err(F::Character)),
        (" https://a.example/", Err(F::Character)),
        ("https://bücher.example/cb", Err(F::Character)),
        ("https://a.example/%", Err(F::Character)),
        ("https://a.example/%zz", Err(F::Character)),
        ("https://a.example/\"x", Err(F::Character)),
        ("https://a.example/<x>", Err(F::Character)),
        ("http://a.example/cb", Err(F::NotLoopback)),
        ("http://127.0.0.1.a.example/cb", Err(F::NotLoopback)),
        ("http://127.0.0.2/cb", Err(F::NotLoopback)),
        ("http://localhost.a.example/cb", Err(F::NotLoopback)),
        ("http://0.0.0.0/cb", Err(F::NotLoopback)),
        ("http://127.1/cb", Err(F::Host)),
        ("http://2130706433/cb", Err(F::Host)),
        ("http://0x7f.0.0.1/cb", Err(F::Host)),
        ("http://[0:0:0:0:0:0:0:1]/cb", Err(F::Host)),
        ("https:///cb", Err(F::Host)),
        ("https:a.example/cb", Err(F::Host)),
        ("https:/a.example/cb", Err(F::Host)),
        ("https://A.example/cb", Err(F::Host)),
        ("https://a%2eexample/cb", Err(F::Host)),
        ("https://:443/cb", Err(F::Host)),
        ("com.example.app:", Err(F::Host)),
        ("com.example.app://", Err(F::Host)),
        ("com.example.app://cb[/x", Err(F::Host)),
        ("com.example.app://cb:x/", Err(F::Host)),
        ("https://a.example:/cb", Err(F::Port)),
        ("https://a.example:0/cb", Err(F::Port)),
        ("https://a.example:65536/cb", Err(F::Port)),
        ("https://a.example:080/cb", Err(F::Port)),
        ("http://127.0.0.1:x/cb", Err(F::Port)),
        ("https://a.example/cb/../x", Err(F::Path)),
        ("https://a.example/./cb", Err(F::Path)),
        ("https://a.example/%2e%2E/x", Err(F::Path)),
        ("https://a.example/.%2e", Err(F::Path)),
        ("https://a.example/cb?code=1", Err(F::Query)),
        ("https://a.example/cb?a=1&state=2", Err(F::Query)),
        ("https://a.example/cb?%69ss=x", Err(F::Query)),
        ("https://a.example/cb?a=1&%ff=2", Err(F::Query)),
        ("javascript:alert(1)", Err(F::Scheme)),
        ("data:text/html,x", Err(F::Scheme)),
        ("myapp:/cb", Err(F::Scheme)),
        ("HTTPS://a.example/cb", Err(F::Scheme)),
        ("Com.example.app:/cb", Err(F::Scheme)),
        ("com..app:/cb", Err(F::Scheme)),
        (".app:/cb", Err(F::Scheme)),
        ("1.app:/cb", Err(F::Scheme)),
        ("//a.example/cb", Err(F::Scheme)),
        ("/cb", Err(F::Scheme)),
        ("a.example", Err(F::Scheme)),
        ("urn:ietf:wg:oauth:2.0:oob", Err(F::Scheme)),
        ("file:///etc/passwd", Err(F::Scheme)),
        ("ftp://a.example/cb", Err(F::Scheme)),
        ("ws://127.0.0.1/cb", Err(F::Scheme)),
    ];
    for (text, wanted) in table {
        assert_eq!(register_check(text), *wanted, "{text:?}");
    }
}

// SECURITY R44
#[test]
fn an_address_is_compared_letter_by_letter() {
    let on_file = [
        "https://a.example/cb",
        "https://a.example/cb?tenant=1",
        "https://a.example:8443/cb",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:9000/fixed?x=1",
        "http://[::1]/callback",
        "http://localhost:5000/cb",
        "com.example.app:/cb",
    ];
    let known = client(&on_file, "openid");
    let good = [
        "https://a.example/cb",
        "https://a.example/cb?tenant=1",
        "https://a.example:8443/cb",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:51004/callback",
        "http://127.0.0.1:65535/callback",
        "http://127.0.0.1/fixed?x=1",
        "http://127.0.0.1:9000/fixed?x=1",
        "http://127.0.0.1:9001/fixed?x=1",
        "http://[::1]/callback",
        "http://[::1]:51004/callback",
        "http://localhost:5000/cb",
        "com.example.app:/cb",
    ];
    for asked in good {
        let redirect = known.redirect(Some(asked)).unwrap();
        assert_eq!(redirect.as_str(), asked);
    }
    let bad = [
        "",
        "https://a.example",
        "https://a.example/",
        "https://a.example/cb/",
        "https://a.example/cb?",
        "https://a.example/cb#",
        "https://a.example/cb#x",
        "https://a.example/CB",
        "https://A.example/cb",
        "HTTPS://a.example/cb",
        "https://a.example/cb?tenant=2",
        "https://a.example/cb?tenant=1&x=2",
        "https://a.example/cb&x=2",
        "https://a.example/cb/../cb",
        "https://a.example/./cb",
        "https://a.example//cb",
        "https://a.example/%63b",
        "https://a.example:443/cb",
        "https://a.example:8444/cb",
        "https://a.example./cb",
        "https://b.a.example/cb",
        "https://a.example.b.example/cb",
        "https://a.exampl/cb",
        "https://a.example@b.example/cb",
        "https://u@a.example/cb",
        "https://a.example/cb ",
        " https://a.example/cb",
        "https://a.example/cb\n",
        "https://a.example/cb%00",
        "https://a.example/cb%0a",
        "https:\\\\a.example\\cb",
        "http://a.example/cb",
        "//a.example/cb",
        "javascript:alert(1)//https://a.example/cb",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:00080/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:80@b.example/callback",
        "http://127.0.0.1/Callback",
        "http://127.0.0.1/callback/",
        "http://127.0.0.1/callback?x=1",
        "http://127.0.0.1:9000/fixed",
        "http://127.0.0.1:9000/fixed?x=2",
        "http://127.0.0.1.b.example/callback",
        "http://127.0.0.2/callback",
        "http://127.1/callback",
        "http://0/callback",
        "http://[::ffff:127.0.0.1]/callback",
        "http://[0::1]/callback",
        "https://127.0.0.1/callback",
        "http://localhost/callback",
        "http://localhost:5001/cb",
        "http://localhost/cb",
        "http://LOCALHOST:5000/cb",
        "com.example.app:/cb/",
        "com.example.app://cb",
        "com.example.app:/cb?x=1",
        "com.example.App:/cb",
        "com.example.app2:/cb",
        "com.example:/cb",
    ];
    assert!(good.len() + bad.len() >= 60);
    for asked in bad {
        assert!(
            matches!(known.redirect(Some(asked)), Err(Mismatch::Unknown { .. })),
            "{asked:?}"
        );
    }
}

#[test]
fn an_address_may_be_left_out_when_there_is_only_one() {
    let one = client(&["https://a.example/cb"], "openid");
    assert_eq!(one.redirect(None).unwrap().as_str(), "https://a.example/cb");
    let two = client(&["https://a.example/cb", "https://a.example/x"], "openid");
    assert_eq!(two.redirect(None), Err(Mismatch::Missing));
    assert_eq!(client(&[], "openid").redirect(None), Err(Mismatch::Missing));
    // One that could not be registered today is not answered to.
    assert!(
        client(&["http://a.example/"], "openid")
            .redirect(None)
            .is_err()
    );
}

#[test]
fn the_first_difference_is_told() {
    let table = [
        (
            "https://f.example/cb/",
            "https://f.example/cb",
            20,
            "trailing-slash",
        ),
        (
            "https://f.example/cb",
            "https://f.example/cb/",
            20,
            "trailing-slash",
        ),
        (
            "https://f.example/cb/?a",
            "https://f.example/cb?a",
            20,
            "trailing-slash",
        ),
        ("http://f.example/cb", "https://f.example/cb", 4, "scheme"),
        (
            "https://f.example:8443/cb",
            "https://f.example/cb",
            17,
            "port",
        ),
        ("http://localhost:1/cb", "http://localhost:2/cb", 17, "port"),
        (
            "http://127.0.0.1:55/a/",
            "http://127.0.0.1/a",
            21,
            "trailing-slash",
        ),
        (
            "http://127.0.0.1/a/",
            "http://127.0.0.1:55/a",
            18,
            "trailing-slash",
        ),
        ("http://[::1]:55/a?b", "http://[::1]:8/a", 17, "query"),
        ("http://127.0.0.1:x/a", "http://127.0.0.1/a", 16, "port"),
        ("http://[::1]:55/a", "http://127.0.0.1/a", 7, "host"),
        ("https://f.example/CB", "https://f.example/cb", 18, "case"),
        (
            "https://www.f.example/cb",
            "https://f.example/cb",
            8,
            "host",
        ),
        ("https://u@f.example/cb", "https://f.example/cb", 8, "host"),
        (
            "https://f.example/callback",
            "https://f.example/cb",
            19,
            "path",
        ),
        (
            "https://f.example/cb?a=1",
            "https://f.example/cb",
            20,
            "query",
        ),
        (
            "https://f.example/cb#a",
            "https://f.example/cb",
            20,
            "fragment",
        ),
        ("https://f.example/cb ", "https://f.example/cb", 20, "space"),
    ];
    for (asked, on_file, index, word) in table {
        let found = difference(asked, on_file).unwrap();
        assert_eq!((found.index, found.part.name()), (index, word), "{asked}");
    }
    assert_eq!(difference("https://f.example", "https://f.example"), None);
    let forum = client(&["com.example.forum:/cb", "https://f.example/cb"], "openid");
    let Err(Mismatch::Unknown { nearest, .. }) = forum.redirect(Some("https://f.example/cb/"))
    else {
        panic!("it is not on file");
    };
    assert_eq!(nearest.unwrap().0, "https://f.example/cb");
    for (asked, worth) in [
        ("http://127.0.0.1:55/a/", "http://127.0.0.1/a/"),
        ("http://[::1]:55/a:55", "http://[::1]/a:55"),
        ("http://localhost:55/a", "http://localhost:55/a"),
        ("https://127.0.0.1:55/a", "https://127.0.0.1:55/a"),
        ("http://x@127.0.0.1:55/a", "http://x@127.0.0.1:55/a"),
    ] {
        assert_eq!(worth_registering(asked), worth);
    }
}

#[test]
fn the_state_comes_back_byte_for_byte() {
    let state = "a b+c&d=e#f%20\"é\u{1f600}\r\n";
    let encoded = "a%20b%2Bc%26d%3De%23f%2520%22%C3%A9%F0%9F%98%80%0D%0A";
    for (address, mode, wanted) in [
        (
            "https://a.example/cb",
            ResponseMode::Query,
            "https://a.example/cb?state=",
        ),
        (
            "https://a.example/cb?",
            ResponseMode::Query,
            "https://a.example/cb?state=",
        ),
        (
            "https://a.example/cb?x=1",
            ResponseMode::Query,
            "https://a.example/cb?x=1&state=",
        ),
        (
            "https://a.example/cb?x=1",
            ResponseMode::Fragment,
            "https://a.example/cb?x=1#state=",
        ),
        (
            "com.example.app:/cb",
            ResponseMode::Query,
            "com.example.app:/cb?state=",
        ),
    ] {
        let redirect = client(&[address], "openid").redirect(None).unwrap();
        assert_eq!(
            redirect.respond(mode, &[("state", state)]),
            Response::Redirect(format!("{wanted}{encoded}"))
        );
        assert_eq!(
            redirect.respond(ResponseMode::FormPost, &[("state", state)]),
            Response::FormPost {
                action: address.to_owned(),
                fields: vec![("state".to_owned(), state.to_owned())],
            }
        );
    }
}

#[test]
fn the_host_is_what_people_read() {
    for (address, host) in [
        ("https://a.example:8443/cb", "a.example"),
        ("http://[::1]:9/cb", "[::1]"),
        ("com.example.app:/cb", "com.example.app"),
    ] {
        let redirect = client(&[address], "openid").redirect(None).unwrap();
        assert_eq!(redirect.host(), host);
    }
}

#[test]
fn our_own_addresses_are_known_in_every_spelling() {
    let is_ours = |uri| is_at("https://id.example", uri);
    for uri in [
        "https://id.example/cb",
        "https://ID.example:443/cb",
        "https://id.example./cb",
        "https://id.example:8443/cb",
        "https://id.example.:8443/",
    ] {
        assert!(is_ours(uri), "{uri}");
    }
    for uri in [
        "https://chat.example/cb",
        "https://chat.id.example/cb",
        "https://example/cb",
        "com.app:/cb",
        "http://127.0.0.1/cb",
    ] {
        assert!(!is_ours(uri), "{uri}");
    }
    // On this machine every port is another program.
    let is_ours = |uri| is_at("http://localhost:8777", uri);
    assert!(is_ours("http://127.0.0.1:8777/cb") && is_ours("http://[::1]:8777/cb"));
    assert!(!is_ours("http://127.0.0.1:9000/cb") && !is_ours("http://localhost/cb"));
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "\\PC{0,80}", other in "[a-z:/.?#@\\[\\]%0-9]{0,40}") {
        for text in [&text, &other] {
            if let Ok(kind) = register_check(text) {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!text.contains(['#', '\\', '*']));
                let redirect = client(&[text], "openid").redirect(None).unwrap();
                prop_assert_eq!(redirect.kind(), kind);
            }
            prop_assert_eq!(difference(text, &other).is_none(), **text == other);
        }
    }

    #[test]
    fn only_what_is_on_file_is_answered_to(
        asked in "(https?|com\\.app)://(127\\.0\\.0\\.1|\\[::1\\]|a\\.example)(:[0-9]{1,5})?/?[a-b]{0,2}"
    ) {
        let on_file = "http://127.0.0.1/a";
        let known = client(&[on_file], "openid");
        if known.redirect(Some(&asked)).is_ok() {
            let read = url::Url::parse(&asked).unwrap();
            prop_assert_eq!(read.scheme(), "http");
            prop_assert_eq!(read.host_str(), Some("127.0.0.1"));
            prop_assert_eq!(read.path(), "/a");
        }
    }

    #[test]
    fn an_answer_keeps_its_host(value in "\\PC{0,40}") {
        let redirect = client(&["https://a.example/cb?x=1"], "openid").redirect(None).unwrap();
        for mode in [ResponseMode::Query, ResponseMode::Fragment] {
            let Response::Redirect(to) = redirect.respond(mode, &[("state", &value)]) else {
                panic!("these modes redirect");
            };
            let read = url::Url::parse(&to).unwrap();
            prop_assert_eq!(read.host_str(), Some("a.example"));
            let answer = if mode == ResponseMode::Query { read.query() } else { read.fragment() };
            let found = url::form_urlencoded::parse(answer.unwrap().as_bytes())
                .find(|(name, _)| name == "state");
            prop_assert_eq!(found.unwrap().1.into_owned(), value.clone());
        }
    }
}
