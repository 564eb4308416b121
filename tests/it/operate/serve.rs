//! A running server: its end, its addresses, its certificate, and commands beside it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use super::{Place, wait_for};
use crate::app::free_port;
use crate::http::{Browser, basic};
use crate::mtls::{authority, params};

#[test]
fn a_server_that_is_stopped_answers_what_is_under_way_and_ends_with_0() {
    let place = Place::new("stop");
    let server = place.serve();
    let mut line = TcpStream::connect(server.address).unwrap();
    let body = "grant_type=authorization_code&client_id=nobody";
    write!(
        line,
        "POST /oauth2/token HTTP/1.1\r\nHost: localhost:{}\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        server.address.port(),
        body.len()
    )
    .unwrap();
    // It waits for the body now.
    let mut first = [0; 25];
    line.read_exact(&mut first).unwrap();
    assert_eq!(&first[..12], b"HTTP/1.1 100");
    server.ask_to_stop();
    wait_for("the end of listening", || {
        TcpStream::connect(server.address).is_err()
    });
    line.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("invalid_client"), "{answer}");
    let (status, log) = server.end();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn figures_are_told_at_an_address_of_their_own() {
    let (metrics, listener) = free_port();
    drop(listener);
    let place = Place::new("metrics").with("LISTEN__METRICS", metrics);
    let server = place.serve();
    server.browser().get("/readyz").is(200);
    let figures = Browser::new(metrics, "localhost").get("/metrics").is(200);
    for name in [
        "gerege_requests_total",
        "gerege_mails_unsent",
        "gerege_logouts",
    ] {
        assert!(figures.text().contains(name), "{name}: {}", figures.text());
    }
    server.browser().get("/metrics").is(404);
    server.stop();
}

#[test]
fn a_server_with_a_certificate_is_asked_over_tls() {
    let mut place = Place::new("tls");
    let (issuer, ca) = authority("Steppe CA");
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = params("localhost").signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let file = place.folder.join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let ca = write("ca.pem", ca);
    let files = [
        ("LISTEN__TLS_CERT", write("cert.pem", cert.pem())),
        ("LISTEN__TLS_KEY", write("key.pem", key.serialize_pem())),
    ];
    for (name, file) in files {
        place.set(name, file);
    }
    place.run(&["config", "check"]).is(0);
    let server = place.serve();
    let url = format!("https://localhost:{}/readyz", place.address.port());
    let asked = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--cacert", &ca, &url])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&asked.stdout);
    assert!(told.contains("\"database\":true"), "{asked:?}");
    place.run(&["health"]).is(0);
    server.stop();
}

#[test]
fn the_log_tells_who_was_refused_and_why_by_the_number_of_the_answer() {
    let place = Place::new("refused").with("LISTEN__TRUSTED_PROXIES", "127.0.0.1");
    place
        .run(&[
            "client",
            "add",
            "forum",
            "--redirect",
            "https://forum.example/back",
        ])
        .is(0);
    let server = place.serve();
    let mut browser = server
        .browser()
        .with("X-Forwarded-For", "198.51.100.7, 203.0.113.9");
    for (id, why) in [
        ("forum", "its secret is wrong"),
        ("nobody", "there is no app with this id"),
    ] {
        let refused = browser.send(
            "POST",
            "/oauth2/token",
            &[
                ("Authorization", &basic(id, "a guess")),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            Some(b"grant_type=refresh_token&refresh_token=x"),
        );
        let number = refused.header("request-id").expect("a number").to_owned();
        assert_eq!(refused.status, 401);
        let log = server.log();
        let line = log
            .lines()
            .find(|line| line.contains("caller.refused") && line.contains(&number))
            .unwrap_or_else(|| panic!("no line of {number}: {log}"));
        for part in [id, why, "203.0.113"] {
            assert!(line.contains(part), "no {part} in {line}");
        }
        assert!(!line.contains("a guess"), "{line}");
    }
    server.stop();
}

#[test]
fn a_running_server_sees_what_commands_change() {
    let place = Place::new("beside");
    let server = place.serve();
    let mut browser = server.browser();
    place
        .run(&[
            "service",
            "add",
            "library",
            "--audience",
            "library",
            "--scope",
            "books",
        ])
        .is(0);
    wait_for("the scope of a service", || {
        let told = browser.get("/.well-known/openid-configuration").json();
        let scopes = told["scopes_supported"].as_array().unwrap();
        scopes.iter().any(|scope| scope == "books")
    });
    place
        .run(&[
            "client",
            "add",
            "forum",
            "--redirect",
            "https://forum.example/back",
        ])
        .is(0);
    let ask = "/oauth2/authorize?response_type=code&client_id=forum&scope=openid\
        &redirect_uri=https%3A%2F%2Fforum.example%2Fback&code_challenge_method=S256\
        &code_challenge=kzVb4ENtuvN3iYcFN2n1S0CtM2fYTlim2Hip-si403s";
    wait_for("the app", || browser.get(ask).status == 303);
    place.add_person("temuulen");
    let mut person = server.browser();
    let fields = [("login", "temuulen"), ("password", crate::app::PASSWORD)];
    person.fill("/signin", &fields).leads("/account");
    person.get("/account").is(200);
    place.run(&["user", "lock", "temuulen"]).is(0);
    wait_for("the lock", || person.get("/account").status != 200);
    assert_eq!(place.people(), ["temuulen"]);
    server.stop();
}

#[test]
fn every_answer_has_its_number() {
    let place = Place::new("numbers");
    let server = place.serve();
    let mut browser = server.browser();
    let mut seen = std::collections::BTreeSet::new();
    for path in [
        "/readyz",
        "/jwks.json",
        "/oauth2/nothing",
        "/signin",
        "/nothing",
    ] {
        let answer = browser.get(path);
        let number = answer.header("request-id").expect("a number").to_owned();
        if path == "/nothing" {
            assert_eq!(answer.reference().as_ref(), Some(&number));
        }
        assert!(seen.insert(number), "{path} has another's number");
    }
    server.stop();
}
