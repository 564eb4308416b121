//! Tables of client authentication.

use proptest::prelude::*;

use super::*;
use crate::oauth::assertion;
use crate::oauth::assertion::tests::assertion as signed;
use crate::oauth::client::tests::client;
use crate::oauth::service::tests::service;

fn header(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn read(authorization: Option<&str>, query: &str, body: &str) -> Result<String, Code> {
    present(
        authorization.map(str::as_bytes),
        &Params::parse(query.as_bytes()).unwrap(),
        &Params::parse(body.as_bytes()).unwrap(),
    )
    .map(|presented| match presented {
        Presented::None { client_id } => format!("none {client_id}"),
        Presented::Basic { client_id, secret } => format!("basic {client_id} {secret}"),
        Presented::Post { client_id, secret } => format!("post {client_id} {secret}"),
        Presented::Assertion { client_id, .. } => format!("assertion {client_id}"),
        Presented::Certificate { client_id, .. } => format!("certificate {client_id}"),
    })
    .map_err(|problem| problem.code)
}

#[test]
fn one_method_is_used() {
    let signed = signed("{\"sub\":\"forum\"}");
    let kind = assertion::TYPE;
    let with = format!("client_assertion_type={kind}&client_assertion={signed}");
    let empty = format!("client_assertion_type={kind}&client_assertion=");
    let basic = header("forum:s");
    type Row<'a> = (Option<&'a str>, &'a str, &'a str, Result<&'a str, Code>);
    let table: &[Row<'_>] = &[
        (None, "", "", Err(Code::InvalidClient)),
        (None, "", "client_id=forum", Ok("none forum")),
        (None, "", "client_id=forum&client_secret=", Ok("none forum")),
        (
            None,
            "",
            "client_id=forum&client_secret=s",
            Ok("post forum s"),
        ),
        (None, "", "client_secret=s", Err(Code::InvalidClient)),
        (Some(&basic), "", "", Ok("basic forum s")),
        (Some(&basic), "", "client_id=forum", Ok("basic forum s")),
        (
            Some(&basic),
            "",
            "client_id=other",
            Err(Code::InvalidRequest),
        ),
        (
            Some(&basic),
            "",
            "client_id=forum&client_secret=s",
            Err(Code::InvalidRequest),
        ),
        (Some(&basic), "", &with, Err(Code::InvalidRequest)),
        (None, "", &with, Ok("assertion forum")),
        (
            None,
            "",
            &format!("{with}&client_id=forum"),
            Ok("assertion forum"),
        ),
        (
            None,
            "",
            &format!("{with}&client_id=other"),
            Err(Code::InvalidRequest),
        ),
        (
            None,
            "",
            &format!("{with}&client_id=forum&client_secret=s"),
            Err(Code::InvalidRequest),
        ),
        (
            None,
            "",
            &format!("client_assertion={signed}"),
            Err(Code::InvalidRequest),
        ),
        (
            None,
            "",
            "client_assertion=abc&client_assertion_type=x",
            Err(Code::InvalidRequest),
        ),
        (None, "", &empty, Err(Code::InvalidClient)),
        (
            None,
            "client_secret=s",
            "client_id=forum",
            Err(Code::InvalidRequest),
        ),
        (
            None,
            "client_secret=",
            "client_id=forum",
            Err(Code::InvalidRequest),
        ),
        (
            None,
            "client_assertion=s",
            "client_id=forum",
            Err(Code::InvalidRequest),
        ),
        (
            Some(&basic),
            "client_secret=s",
            "",
            Err(Code::InvalidRequest),
        ),
        (
            Some("Bearer abc"),
            "",
            "client_id=forum",
            Err(Code::InvalidClient),
        ),
        (Some("Basic !!!"), "", "", Err(Code::InvalidClient)),
    ];
    for (authorization, query, body, wanted) in table {
        let got = read(*authorization, query, body);
        assert_eq!(got, wanted.map(str::to_owned), "{query} {body}");
    }
}

#[test]
fn basic_is_decoded_twice() {
    let table = [
        (header("a:b"), Some(("a", "b"))),
        (header("a:b").replace("Basic", "BASIC"), Some(("a", "b"))),
        (header("a:b:c"), Some(("a", "b:c"))),
        (header("a%3Ab:c%2Bd+e"), Some(("a:b", "c+d e"))),
        (header("a%20b:%C3%A9"), Some(("a b", "é"))),
        (header("a:"), Some(("a", ""))),
        (header(":b"), None),
        (header("ab"), None),
        (header("a:%"), None),
        (header("a:%zz"), None),
        (header("a:%00"), None),
        (header("a:%ff"), None),
        ("Basic".to_owned(), None),
        ("Basic YTpi=".to_owned(), None),
        ("Basic YTp\u{e9}".to_owned(), None),
    ];
    for (header, wanted) in table {
        let got = basic(header.as_bytes());
        let got = got
            .as_ref()
            .map(|(one, other)| (one.as_str(), other.as_str()));
        assert_eq!(got, wanted, "{header}");
    }
    assert_eq!(basic(b"Basic \xff"), None);
}

#[test]
fn a_client_uses_the_method_it_is_registered_for() {
    let client_id = || "forum".to_owned();
    let secret = || "opensesame".to_owned();
    let ways = [
        Presented::None {
            client_id: client_id(),
        },
        Presented::Basic {
            client_id: client_id(),
            secret: secret(),
        },
        Presented::Post {
            client_id: client_id(),
            secret: secret(),
        },
        Presented::Assertion {
            client_id: client_id(),
            assertion: "x".into(),
        },
    ];
    for presented in &ways {
        for registered in &ways {
            let mut forum = client(&[], "openid");
            forum.auth = registered.method();
            let got = check_secret(&forum, presented);
            assert_eq!(got.is_ok(), presented.method() == forum.auth);
            if got.is_ok() {
                let signed = forum.auth == ClientAuth::PrivateKeyJwt;
                assert_eq!(got == Ok(Proof::Signature), signed);
            }
        }
        assert!(!format!("{presented:?}").contains("opensesame"));
    }
}

#[test]
fn a_wrong_secret_and_an_unknown_client_look_the_same() {
    let forum = client(&[], "openid");
    let with = |client_id: &str, secret: &str| Presented::Basic {
        client_id: client_id.into(),
        secret: secret.into(),
    };
    assert_eq!(
        check_secret(&forum, &with("forum", "opensesame")),
        Ok(Proof::Done)
    );
    for presented in [
        with("forum", "opensesam"),
        with("forum", "opensesame2"),
        with("forum", ""),
        with("other", "opensesame"),
    ] {
        let told = check_secret(&forum, &presented).map_err(|problem| problem.json());
        assert_eq!(told, Err(unknown_client().json()));
    }
    let mut bare = forum.clone();
    bare.secret_hash = None;
    assert!(check_secret(&bare, &with("forum", "")).is_err());
    bare.secret_hash = Some(String::new());
    assert!(check_secret(&bare, &with("forum", "")).is_err());

    let mut chat = service("chat", &["chat"]);
    assert!(check_service(&chat, &with("chat", "s")).is_err());
    chat.secret_hash = Some(digest("s"));
    assert!(check_service(&chat, &with("chat", "s")).is_ok());
    assert!(check_service(&chat, &with("chat", "t")).is_err());
    assert!(check_service(&chat, &with("forum", "s")).is_err());
    let public = Presented::None {
        client_id: "chat".into(),
    };
    assert!(check_service(&chat, &public).is_err());
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = basic(&bytes);
        let _ = basic(format!("Basic {}", STANDARD.encode(&bytes)).as_bytes());
    }

    #[test]
    fn each_id_and_secret_comes_through(id in "[^\0]{1,20}", secret in "[^\0]{0,20}") {
        use crate::oauth::params::encode;
        let joined = header(&format!("{}:{}", encode(&id), encode(&secret)));
        prop_assert_eq!(basic(joined.as_bytes()), Some((id, secret)));
    }
}
