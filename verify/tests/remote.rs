//! The key set over HTTP: rotation, a server that is down, and answers that are not to be trusted.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sign;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use gerege_verify::{CheckError, FetchError, KeyError, Refusal, Remote};
use serde_json::json;
use sign::{AUDIENCE, ISSUER, NOW, Signer, at, claims, set, with};

/// Answers each path with what stands there at the moment, and counts.
struct Server {
    url: String,
    answer: Arc<Mutex<(u16, String, String)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new((200, String::new(), body)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (shared, counted) = (answer.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                counted.lock().unwrap().push(first);
                let (status, headers, body) = shared.lock().unwrap().clone();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { url, answer, asked }
    }

    fn say(&self, status: u16, headers: &str, body: String) {
        *self.answer.lock().unwrap() = (status, headers.to_owned(), body);
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn remote(&self) -> Remote {
        Remote::from_key_set(&format!("{}/jwks.json", self.url), ISSUER, AUDIENCE).unwrap()
    }
}

fn token(signer: &Signer, kid: &str, now: u64) -> String {
    let claims = with(with(claims(), "iat", json!(now)), "exp", json!(now + 600));
    signer.sign(&signer.header(kid), &claims)
}

#[test]
fn keys_are_loaded_once_and_again_when_they_rotate() {
    let (old, new, stranger) = (Signer::ec(), Signer::ec(), Signer::ec());
    let server = Server::start(set(&[old.jwk(Some("1"))]));
    let remote = server.remote();
    for second in 0..5 {
        remote
            .check(&token(&old, "1", NOW), at(NOW + second))
            .unwrap();
    }
    assert_eq!(server.count(), 1);

    // a new key is signed with before the old set's time is over
    server.say(200, "", set(&[old.jwk(Some("1")), new.jwk(Some("2"))]));
    remote.check(&token(&new, "2", NOW), at(NOW + 20)).unwrap();
    remote.check(&token(&old, "1", NOW), at(NOW + 20)).unwrap();
    assert_eq!(server.count(), 2);

    // a flood of made-up names asks once in ten seconds
    let forged = token(&stranger, "x", NOW);
    for second in 21..41 {
        assert_eq!(
            remote.check(&forged, at(NOW + second)),
            Err(CheckError::Refused(Refusal::UnknownKey))
        );
    }
    assert_eq!(server.count(), 4);

    // a withdrawn key is forgotten when the set's time is over
    server.say(200, "", set(&[new.jwk(Some("2"))]));
    let later = NOW + 700;
    remote.check(&token(&new, "2", later), at(later)).unwrap();
    assert_eq!(
        remote.check(&token(&old, "1", later), at(later)),
        Err(CheckError::Refused(Refusal::UnknownKey))
    );
}

#[test]
fn the_old_set_stays_while_the_server_is_down_but_not_for_ever() {
    let signer = Signer::ec();
    let server = Server::start(set(&[signer.jwk(Some("1"))]));
    let remote = server.remote();
    remote.load(at(NOW)).unwrap();
    for (status, body) in [
        (500, "{}"),
        (200, "<html>"),
        (200, r#"{"keys":[]}"#),
        (302, ""),
    ] {
        server.say(status, "location: /elsewhere\r\n", body.to_owned());
        let before = server.count();
        for hours in 1..24 {
            let now = NOW + hours * 3600;
            remote.check(&token(&signer, "1", now), at(now)).unwrap();
        }
        assert_eq!(server.count(), before + 23);
    }
    let day = NOW + 86_400;
    let Err(CheckError::NoKeys(why)) = remote.check(&token(&signer, "1", day), at(day)) else {
        panic!("a set of yesterday was used");
    };
    assert_eq!(
        why,
        FetchError::Status(format!("{}/jwks.json", server.url), 302)
    );
    // and back again
    server.say(200, "", set(&[signer.jwk(Some("1"))]));
    remote
        .check(&token(&signer, "1", day), at(day + 10))
        .unwrap();
}

#[test]
fn a_server_that_never_answered_is_asked_once_in_ten_seconds() {
    let signer = Signer::ec();
    let server = Server::start(String::new());
    server.say(503, "", String::new());
    let remote = server.remote();
    for second in 0..10 {
        let result = remote.check(&token(&signer, "1", NOW), at(NOW + second));
        assert!(matches!(
            result,
            Err(CheckError::NoKeys(FetchError::Status(_, 503)))
        ));
    }
    assert_eq!(server.count(), 1);
    server.say(200, "", set(&[signer.jwk(Some("1"))]));
    remote
        .check(&token(&signer, "1", NOW), at(NOW + 10))
        .unwrap();
}

#[test]
fn max_age_says_when_to_ask_again() {
    let signer = Signer::ec();
    let server = Server::start(String::new());
    server.say(
        200,
        "cache-control: public, max-age=120\r\n",
        set(&[signer.jwk(Some("1"))]),
    );
    let remote = server.remote();
    for (second, count) in [(0, 1), (119, 1), (120, 2), (239, 2), (240, 3)] {
        remote
            .check(&token(&signer, "1", NOW), at(NOW + second))
            .unwrap();
        assert_eq!(server.count(), count, "after {second} s");
    }
}

#[test]
fn answers_that_are_too_big_or_hold_secrets_are_refused() {
    let signer = Signer::ec();
    let server = Server::start(" ".repeat(64 * 1024 + 1));
    let remote = server.remote();
    assert!(matches!(
        remote.load(at(NOW)),
        Err(FetchError::Unreachable(..))
    ));
    server.say(200, "", set(&[with(signer.jwk(None), "d", json!("AAAA"))]));
    assert!(matches!(
        remote.load(at(NOW + 10)),
        Err(FetchError::Keys(_, KeyError::Secret))
    ));
}

#[test]
fn discovery_leads_to_the_keys_of_that_issuer_only() {
    let signer = Signer::ec();
    let keys = Server::start(set(&[signer.jwk(Some("1"))]));
    let jwks_uri = format!("{}/jwks.json", keys.url);
    let server = Server::start(String::new());
    let remote = Remote::new(&server.url, AUDIENCE).unwrap();
    for (second, document) in [
        (
            0,
            json!({"issuer": "https://id.other.example", "jwks_uri": jwks_uri}),
        ),
        (
            10,
            json!({"issuer": format!("{}/", server.url), "jwks_uri": jwks_uri}),
        ),
        (20, json!({"issuer": server.url})),
        (30, json!([])),
    ] {
        server.say(200, "", document.to_string());
        let result = remote.load(at(NOW + second));
        assert!(
            matches!(result, Err(FetchError::Discovery(_))),
            "{document}: {result:?}"
        );
    }
    let plain = json!({"issuer": server.url, "jwks_uri": "http://id.steppe.example/jwks.json"});
    server.say(200, "", plain.to_string());
    assert!(matches!(
        remote.load(at(NOW + 40)),
        Err(FetchError::Address(_))
    ));
    assert_eq!(keys.count(), 0);
    server.say(
        200,
        "",
        json!({"issuer": server.url, "jwks_uri": jwks_uri}).to_string(),
    );
    let good = with(claims(), "iss", json!(server.url));
    remote
        .check(&signer.sign(&signer.header("1"), &good), at(NOW + 50))
        .unwrap();
    assert!(server.asked.lock().unwrap()[0].starts_with("GET /.well-known/openid-configuration "));
}

#[test]
fn a_service_has_its_own_key_set() {
    let signer = Signer::ec();
    let server = Server::start(set(&[signer.jwk(Some("1"))]));
    let remote = Remote::for_service(&server.url, "demo-chat", AUDIENCE).unwrap();
    remote.load(at(NOW)).unwrap();
    assert!(server.asked.lock().unwrap()[0].starts_with("GET /services/demo-chat/jwks.json "));
}

#[test]
fn many_callers_at_once_ask_once() {
    let signer = Signer::ec();
    let server = Server::start(set(&[signer.jwk(Some("1"))]));
    let remote = server.remote();
    let token = token(&signer, "1", NOW);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| remote.check(&token, at(NOW)).unwrap());
        }
    });
    assert_eq!(server.count(), 1);
}

#[test]
fn a_certificate_file_must_hold_one() {
    let remote = Remote::new(ISSUER, AUDIENCE).unwrap();
    assert_eq!(
        remote.with_authorities(&Signer::ec().pem()).unwrap_err(),
        FetchError::Certificate
    );
}
