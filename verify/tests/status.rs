//! Status lists over HTTP: a token that was ended is refused within seconds, lists that are not to
//! be trusted are not, and a server that is down does not let anyone in for long.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sign;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use flate2::{Compression, write::ZlibEncoder};
use gerege_verify::{CheckError, FetchError, Refusal, Remote};
use serde_json::{Value, json};
use sign::{NOW, Signer, at, b64, claims, set, with};

/// Answers each path with what stands there, knows a tag again, and counts.
struct Server {
    url: String,
    pages: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    own: Signer,
    house: Signer,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pages = Arc::new(Mutex::new(HashMap::<String, String>::new()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (shared, counted) = (pages.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let mut had = None;
                while let Some(Ok(line)) = lines.next() {
                    if let Some(tag) = line.strip_prefix("if-none-match: ") {
                        had = Some(tag.to_owned());
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let path = first.split(' ').nth(1).unwrap().to_owned();
                let body = shared.lock().unwrap().get(&path).cloned();
                let tag = |body: &str| format!("\"{}\"", &body[body.len().saturating_sub(20)..]);
                let status = match &body {
                    None => 500,
                    Some(body) if had == Some(tag(body)) => 304,
                    Some(_) => 200,
                };
                counted.lock().unwrap().push(format!("{status} {path}"));
                let body = body.unwrap_or_default();
                let tag = tag(&body);
                let sent = if status == 200 { body.as_str() } else { "" };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\netag: {tag}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{sent}",
                    sent.len()
                );
            }
        });
        let server = Self {
            url,
            pages,
            asked,
            own: Signer::rsa(),
            house: Signer::ec(),
        };
        server.say(
            "/services/chat/jwks.json",
            set(&[server.own.jwk(Some("own"))]),
        );
        server.say("/jwks.json", set(&[server.house.jwk(Some("house"))]));
        server
    }

    fn say(&self, path: &str, body: String) {
        self.pages.lock().unwrap().insert(path.to_owned(), body);
    }

    fn stop(&self, path: &str) {
        self.pages.lock().unwrap().remove(path);
    }

    fn uri(&self) -> String {
        format!("{}/services/chat/status/0", self.url)
    }

    /// The list's answers so far.
    fn lists(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let lists = asked.iter().filter(|one| one.ends_with("/status/0"));
        lists.map(|one| one[..3].to_owned()).collect()
    }

    fn remote(&self) -> Remote {
        Remote::for_service(&self.url, "chat", "chat").unwrap()
    }

    fn token(&self, idx: u64) -> String {
        let status = json!({"status_list": {"idx": idx, "uri": self.uri()}});
        let claims = with(with(claims(), "iss", json!(self.url)), "status", status);
        self.own.sign(&self.own.header("own"), &claims)
    }

    fn list(&self, ended: &[u64], made: u64) -> Value {
        let mut bytes = vec![0_u8; 128];
        for idx in ended {
            bytes[usize::try_from(idx / 8).unwrap()] |= 1 << (idx % 8);
        }
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&bytes).unwrap();
        json!({
            "sub": self.uri(), "iat": made, "exp": made + 60, "ttl": 5,
            "status_list": {"bits": 1, "lst": b64(zlib.finish().unwrap())},
        })
    }

    fn signed(&self, list: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": "statuslist+jwt", "kid": "house"});
        self.house.sign(&header, list)
    }
}

#[test]
fn a_token_that_was_ended_is_refused_when_the_list_is_asked_again() {
    let server = Server::start();
    server.say(
        "/services/chat/status/0",
        server.signed(&server.list(&[], NOW)),
    );
    let remote = server.remote();
    let token = server.token(9);
    for second in 0..5 {
        remote.check(&token, at(NOW + second)).unwrap();
    }
    assert_eq!(server.lists(), ["200"], "one question in five seconds");
    remote.check(&token, at(NOW + 5)).unwrap();
    assert_eq!(server.lists(), ["200", "304"]);
    server.say(
        "/services/chat/status/0",
        server.signed(&server.list(&[9], NOW + 6)),
    );
    remote.check(&token, at(NOW + 9)).unwrap();
    let refused = remote.check(&token, at(NOW + 10)).unwrap_err();
    assert_eq!(refused, CheckError::Refused(Refusal::Ended));
    remote.check(&server.token(8), at(NOW + 10)).unwrap();
    let beyond = remote.check(&server.token(5000), at(NOW + 10)).unwrap_err();
    assert_eq!(beyond, CheckError::Refused(Refusal::Claim("status")));
}

#[test]
fn while_the_server_is_down_a_list_is_believed_to_its_end_and_no_longer() {
    let server = Server::start();
    let remote = server.remote();
    let token = server.token(1);
    remote.load(at(NOW)).unwrap();
    // No list yet: nobody can say.
    let down = remote.check(&token, at(NOW)).unwrap_err();
    assert_eq!(
        down,
        CheckError::NoStatus(FetchError::Status(server.uri(), 500))
    );
    // Asked once in a second.
    remote.check(&token, at(NOW)).unwrap_err();
    assert_eq!(server.lists(), ["500"]);
    server.say(
        "/services/chat/status/0",
        server.signed(&server.list(&[], NOW)),
    );
    remote.check(&token, at(NOW + 2)).unwrap();
    server.stop("/services/chat/status/0");
    remote.check(&token, at(NOW + 59)).unwrap();
    let over = remote.check(&token, at(NOW + 60)).unwrap_err();
    assert!(matches!(over, CheckError::NoStatus(_)), "{over}");
}

#[test]
fn a_list_that_is_not_to_be_trusted_lets_nobody_in() {
    let server = Server::start();
    let good = server.list(&[], NOW);
    let header = json!({"alg": "ES256", "typ": "statuslist+jwt", "kid": "house"});
    let changed = |name: &str, value: Value| server.signed(&with(good.clone(), name, value));
    let own = json!({"alg": "RS256", "typ": "statuslist+jwt", "kid": "own"});
    let bits = json!({"bits": 2, "lst": good["status_list"]["lst"]});
    for (why, list) in [
        ("not signed", "x".to_owned()),
        ("another's key", Signer::ec().sign(&header, &good)),
        ("the service's own key", server.own.sign(&own, &good)),
        (
            "no type",
            server
                .house
                .sign(&json!({"alg": "ES256", "kid": "house"}), &good),
        ),
        (
            "an access token",
            server.house.sign(
                &json!({"alg": "ES256", "typ": "at+jwt", "kid": "house"}),
                &good,
            ),
        ),
        (
            "another list",
            changed("sub", json!(format!("{}1", server.uri()))),
        ),
        ("run out", changed("exp", json!(NOW))),
        ("of tomorrow", changed("iat", json!(NOW + 3600))),
        ("without a time", changed("iat", Value::Null)),
        ("a ttl that is none", changed("ttl", json!("5"))),
        ("two bits", changed("status_list", bits)),
        ("no list", changed("status_list", json!({"bits": 1}))),
    ] {
        server.say("/services/chat/status/0", list);
        let refused = server
            .remote()
            .check(&server.token(1), at(NOW))
            .unwrap_err();
        let expected = CheckError::NoStatus(FetchError::StatusList(server.uri()));
        assert_eq!(refused, expected, "{why}");
    }
    server.say("/services/chat/status/0", server.signed(&good));
    server.remote().check(&server.token(1), at(NOW)).unwrap();
}

#[test]
fn a_token_without_a_place_asks_no_one() {
    let server = Server::start();
    let claims = with(claims(), "iss", json!(server.url));
    let token = server.own.sign(&server.own.header("own"), &claims);
    server.remote().check(&token, at(NOW)).unwrap();
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}
