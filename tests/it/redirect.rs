//! Addresses that somebody could ask to be sent to: only what stands on file is ever a `Location`,
//! at the authorization endpoint and where requests are pushed.

use gerege::store;
use serde_json::json;

use crate::app::TestApp;
use crate::http::{basic, encode};
use crate::register;
use crate::road::*;

const ON_FILE: [&str; 7] = [
    "https://a.example/cb",
    "https://a.example/cb?tenant=1",
    "https://a.example:8443/cb",
    "http://127.0.0.1/callback",
    "http://[::1]/callback",
    "http://localhost:5000/cb",
    "com.example.app:/cb",
];

/// Each with what somebody hopes for.
const TABLE: [(&str, &[&str]); 14] = [
    (
        "another path",
        &[
            "https://a.example",
            "https://a.example/",
            "https://a.example/cb/",
            "https://a.example/c",
            "https://a.example/cbx",
            "https://a.example/cb.evil",
            "https://a.example/CB",
            "https://a.example//cb",
            "https://a.example/cb//",
            "https://a.example/cb;x=1",
        ],
    ),
    (
        "steps in the path",
        &[
            "https://a.example/cb/../cb",
            "https://a.example/cb/..",
            "https://a.example/./cb",
            "https://a.example/x/../cb",
            "https://a.example/cb/%2e%2e/x",
            "https://a.example/cb/..%2fx",
            "https://a.example/cb/.%2e/x",
            "https://a.example/cb\\..\\x",
        ],
    ),
    (
        "another host",
        &[
            "https://b.example/cb",
            "https://b.a.example/cb",
            "https://a.example.b.example/cb",
            "https://a.exampl/cb",
            "https://aa.example/cb",
            "https://a.example./cb",
            "https://A.example/cb",
            "https://a%2eexample/cb",
            "https://a.example%00.b.example/cb",
            "https://а.example/cb",
            "https://a。example/cb",
            "https://xn--80a.example/cb",
        ],
    ),
    (
        "a name before the host",
        &[
            "https://a.example@b.example/cb",
            "https://b.example@a.example/cb",
            "https://a.example:443@b.example/cb",
            "https://a.example%40b.example/cb",
            "https://b.example\\@a.example/cb",
            "https://b.example#@a.example/cb",
            "https://b.example?@a.example/cb",
            "https://b.example;@a.example/cb",
            "https://@a.example/cb",
        ],
    ),
    (
        "another port",
        &[
            "https://a.example:443/cb",
            "https://a.example:8444/cb",
            "https://a.example:/cb",
            "https://a.example:80/cb",
            "https://a.example:8443x/cb",
            "https://a.example:08443/cb",
        ],
    ),
    (
        "another query or a fragment",
        &[
            "https://a.example/cb?",
            "https://a.example/cb?x=1",
            "https://a.example/cb?tenant=2",
            "https://a.example/cb?tenant=1&tenant=2",
            "https://a.example/cb?tenant=1&code=x",
            "https://a.example/cb&x=1",
            "https://a.example/cb#",
            "https://a.example/cb#x",
            "https://a.example/cb%23x",
            "https://a.example/cb%3Fx=1",
            "https://a.example/cb?Tenant=1",
        ],
    ),
    (
        "another scheme",
        &[
            "http://a.example/cb",
            "HTTPS://a.example/cb",
            "ftp://a.example/cb",
            "//a.example/cb",
            "/cb",
            "cb",
            "https:a.example/cb",
            "https:/a.example/cb",
            "https:///a.example/cb",
            "https:\\\\a.example\\cb",
            "https;//a.example/cb",
            "wss://a.example/cb",
        ],
    ),
    (
        "a scheme that runs or reads",
        &[
            "javascript:alert(1)",
            "javascript:alert(1)//https://a.example/cb",
            "JaVaScRiPt:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "view-source:https://a.example/cb",
            "blob:https://a.example/cb",
            "about:blank",
        ],
    ),
    (
        "spaces and signs",
        &[
            " https://a.example/cb",
            "https://a.example/cb ",
            "https://a.example/cb\t",
            "\thttps://a.example/cb",
            "https://a.example/cb\n",
            "https://a.example/\r\nSet-Cookie: x=1",
            "https://a.example/cb%0d%0aX: y",
            "https://a.exa mple/cb",
            "https://a.example/c\u{200b}b",
            "https://a.example/cb%20",
        ],
    ),
    (
        "the same in other letters",
        &[
            "https://a.example/%63b",
            "https://a.example/c%62",
            "https://a.example/cb%2f",
            "https://a.example%2fcb",
            "https%3A%2F%2Fa.example%2Fcb",
            "https://%61.example/cb",
        ],
    ),
    (
        "loopback that is another",
        &[
            "http://127.0.0.1/Callback",
            "http://127.0.0.1/callback/",
            "http://127.0.0.1/callback?x=1",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:080/callback",
            "http://127.0.0.1:x/callback",
            "https://127.0.0.1/callback",
            "http://127.0.0.2/callback",
            "http://127.1/callback",
            "http://0/callback",
            "http://2130706433/callback",
            "http://0x7f000001/callback",
            "http://017700000001/callback",
            "http://[::ffff:127.0.0.1]/callback",
            "http://[0::1]/callback",
            "http://[::1%25eth0]/callback",
            "http://[::2]/callback",
        ],
    ),
    (
        "loopback that leads away",
        &[
            "http://127.0.0.1@b.example/callback",
            "http://127.0.0.1:80@b.example/callback",
            "http://127.0.0.1.b.example/callback",
            "http://localhost.b.example:5000/cb",
            "http://localhost:5001/cb",
            "http://localhost/cb",
            "http://LOCALHOST:5000/cb",
            "http://localhost/callback",
        ],
    ),
    (
        "an app's own scheme",
        &[
            "com.example.app:/cb/",
            "com.example.app://cb",
            "com.example.app:/cb?x=1",
            "com.example.App:/cb",
            "com.example.app2:/cb",
            "com.example:/cb",
            "com.example.app:cb",
            "com.example.app:///cb",
        ],
    ),
    (
        "patterns",
        &[
            "https://*.example/cb",
            "https://a.example/*",
            "*",
            "https://a.example/cb|https://b.example",
            "https://a.example/cb,https://b.example/",
            "https://a.example/cb https://b.example/",
        ],
    ),
];

#[test]
fn no_address_that_is_not_on_file_is_ever_answered_to() {
    let app = TestApp::new();
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.redirects = ON_FILE.map(str::to_owned).into();
        store::client::save(c, &forum)
    });
    let challenge = challenge(VERIFIER);
    let fields = |address: &str| {
        [
            ("client_id", "forum"),
            ("response_type", "code"),
            ("redirect_uri", address),
            ("scope", "openid"),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let asked = |address: &str, more: &[(&str, &str)]| {
        let own = fields(address);
        let own = own
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        encode(&all)
    };
    let push = |body: &str| {
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        forum.post_bytes("/oauth2/par", body.as_bytes())
    };
    let before = app.dump();
    let mut count = 0;
    for (hope, addresses) in TABLE {
        for address in addresses {
            count += 1;
            // A refusal for another reason would go to a wrong address as well.
            for more in [&[][..], &[("prompt", "none")], &[("request_uri", "x")]] {
                let at = format!("/oauth2/authorize?{}", asked(address, more));
                let answer = app.browser().get(&at);
                assert_eq!(answer.status, 400, "{hope}: {address:?}");
                assert_eq!(answer.header("location"), None, "{hope}: {address:?}");
                assert_eq!(answer.header("refresh"), None, "{hope}: {address:?}");
            }
            let pushed = push(&asked(address, &[])).is(400);
            assert_eq!(
                pushed.json()["error"],
                "invalid_request",
                "{hope}: {address:?}"
            );
        }
    }
    assert!(count >= 80, "{count}");
    assert!(app.dump() == before, "a row was changed");
    for address in ON_FILE.into_iter().chain([
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "http://[::1]:51004/callback",
    ]) {
        let at = format!(
            "/oauth2/authorize?{}",
            asked(address, &[("prompt", "none")])
        );
        let mut browser = app.browser();
        let stored = browser.get(&at);
        let back = browser.arrive(stored).is(303);
        assert!(
            back.location().starts_with(address),
            "{address}: {}",
            back.location()
        );
        assert_eq!(back.param("error").as_deref(), Some("login_required"));
        push(&asked(address, &[])).is(201);
    }
    // Two addresses, and none where several stand on file.
    let both = format!(
        "{}&redirect_uri=https%3A%2F%2Fb.example",
        asked(ON_FILE[0], &[])
    );
    let answer = app.browser().get(&format!("/oauth2/authorize?{both}"));
    assert_eq!((answer.status, answer.header("location")), (400, None));
    push(&both).is(400);
    let none = app
        .browser()
        .get(&format!("/oauth2/authorize?{}", asked("", &[])));
    assert_eq!((none.status, none.header("location")), (400, None));
}

/// The codes of people who allow such an app would come to our own pages.
#[test]
fn a_strangers_app_is_answered_nowhere_at_this_server() {
    let app = register::open();
    app.person("temuulen");
    let port = app.address.port();
    let body =
        |uri: String| json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let own = body(format!("http://{host}:{port}/x"));
        register::send(&mut app.browser(), "POST", register::DOOR, &own).is(400);
        let beside = body(format!("http://{host}:{}/x", port ^ 1));
        register::send(&mut app.browser(), "POST", register::DOOR, &beside).is(201);
    }
    // A program's port is settled with each request.
    let id = text(
        &register::registered(&app, &body("http://127.0.0.1/x".into())),
        "client_id",
    );
    let arrive = |port: u16| {
        let back = format!("http://127.0.0.1:{port}/x");
        register::arrive(&mut app.browser(), &id, &back, "temuulen")
    };
    assert!(arrive(port ^ 1).is(200).path.starts_with("/consent"));
    arrive(port).is(400);
    app.deliver();
}
