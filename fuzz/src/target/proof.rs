//! How a client proves itself: header, body, and signed assertion.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gerege::keys::read_assertion;
use gerege::oauth::assertion;
use gerege::oauth::authenticate::{Presented, Proof, basic, check_secret, check_service, present};
use gerege::oauth::bearer;
use gerege::oauth::params::{Params, encode};
use serde_json::Value;

use super::registered::{ISSUER, NOW, SECRET, clients, services};
use super::signer::{KEYS, written};
use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "Basic ",
    "basic  ",
    "Bearer ",
    "client_id=",
    "client_secret=",
    "client_assertion=",
    "client_assertion_type=",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "forum",
    "desk",
    "robot",
    "chat",
    "opensesame",
    "Zm9ydW06b3BlbnNlc2FtZQ==",
    "=",
    "==",
    "eyJzdWIiOiJmIn0",
    "access_token=",
    "e30.e30.e30",
    "\n",
    "{forum}",
    "{robot}",
    "{chat}",
];

/// The `Authorization` header, the query and the body, a line each.
pub fn client_auth(input: &[u8]) -> Depth {
    let mut owned = input.to_vec();
    for id in ["forum", "robot", "chat"] {
        let name = format!("{{{id}}}");
        if let Some(at) = owned
            .windows(name.len())
            .position(|part| part == name.as_bytes())
        {
            let pair = STANDARD.encode(format!("{id}:{SECRET}"));
            owned.splice(at..at + name.len(), pair.bytes());
        }
    }
    let mut lines = owned.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (header, query, body) = (line(), line(), line());
    let (Ok(query), Ok(body)) = (Params::parse(query), Params::parse(body)) else {
        return Depth::Door;
    };
    let header = (!header.is_empty()).then_some(header);
    if let Ok(Some(token)) = bearer::token(header, Some(&body)) {
        let token = token.text;
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    let Ok(presented) = present(header, &query, &body) else {
        return Depth::Judged;
    };
    assert!(!query.has("client_secret") && !query.has("client_assertion"));
    let ways = [
        header.is_some(),
        body.one("client_secret").is_some(),
        body.one("client_assertion").is_some(),
    ];
    assert!(
        ways.iter().filter(|used| **used).count() <= 1,
        "two ways at once"
    );
    assert!(!presented.client_id().is_empty() && !presented.client_id().contains('\0'));
    if let Presented::Basic { client_id, secret } = &presented {
        let again = STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret)));
        let again = basic(format!("Basic {again}").as_bytes());
        assert_eq!(again, Some((client_id.clone(), secret.clone())));
    }
    let secret = match &presented {
        Presented::Basic { secret, .. } | Presented::Post { secret, .. } => Some(secret.as_str()),
        Presented::None { .. } | Presented::Assertion { .. } | Presented::Certificate { .. } => {
            None
        }
    };
    let mut depth = Depth::Judged;
    for client in clients() {
        if check_secret(&client, &presented) == Ok(Proof::Done) {
            assert_eq!(client.id, presented.client_id());
            assert_eq!(
                client.auth,
                presented.method(),
                "another way than the registered one"
            );
            assert!(client.is_public() || secret == Some(SECRET));
            depth = Depth::Accepted;
        }
    }
    for service in services() {
        if check_service(&service, &presented).is_ok() {
            assert!(service.id == presented.client_id() && secret == Some(SECRET));
            depth = Depth::Accepted;
        }
    }
    depth
}

static JWKS: LazyLock<String> = LazyLock::new(|| KEYS.jwks());

/// An assertion: the key's name, the header and the claims, a line each.
pub fn assertion(input: &[u8]) -> Depth {
    let text = text!(input);
    let Some(written) = written(text) else {
        return Depth::Door;
    };
    let Some(claims) = read_assertion(&JWKS, &written.token) else {
        return Depth::Judged;
    };
    let algorithm = written.algorithm().expect("the signature cannot be right");
    // What it does not know in a header it passes over, broken text included.
    if let Ok(header) = serde_json::from_str::<Value>(written.header) {
        assert_eq!(header["alg"], algorithm, "{}", written.header);
    }
    let endpoint = format!("{ISSUER}/oauth2/token");
    let Ok(id) = assertion::check("forum", &claims, ISSUER, &[&endpoint], NOW) else {
        return Depth::Judged;
    };
    let aud = claims.aud.as_str().expect("one string");
    assert!(claims.iss == "forum" && claims.sub == "forum");
    assert!(aud == ISSUER || aud == endpoint, "{aud}");
    assert!(claims.jti.as_deref() == Some(id.jti.as_str()) && !id.jti.is_empty());
    // It is remembered for as long as it could be sent again.
    assert!(id.until > NOW && id.until <= NOW.plus(Duration::from_secs(3600 + 120)));
    let later = assertion::check("forum", &claims, ISSUER, &[&endpoint], id.until);
    assert!(later.is_err(), "good for longer than it is remembered");
    Depth::Accepted
}
