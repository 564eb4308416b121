//! What is called and what is not, against a small server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use super::*;
use crate::clock::Time;
use Typed::{ByOperator, ByStranger};

fn caller(allow: &[&str]) -> Caller {
    Caller::new(&Network {
        ca_file: None,
        allow: allow
            .iter()
            .map(|one| Reachable::parse(one).unwrap())
            .collect(),
    })
    .unwrap()
}

/// Answers one caller with these bytes; gives what it was asked.
fn server(answer: String) -> (SocketAddr, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        let mut piece = [0; 4096];
        // The body of a form may come after its head.
        let whole = |all: &[u8]| match all.starts_with(b"POST ") {
            true => all.ends_with(b"=end"),
            false => all.ends_with(b"\r\n\r\n"),
        };
        while !whole(&all) {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(read) => all.extend_from_slice(&piece[..read]),
            }
        }
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8_lossy(&all).into_owned()
    });
    (at, asked)
}

fn plain(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn an_address_is_judged_before_it_is_called() {
    let caller = caller(&["localhost", "10.1.0.0/16", "127.0.0.1", "inside.example"]);
    for (address, operator, stranger) in [
        ("https://app.example/out", true, true),
        ("https://app.example:8443/out?a=b", true, true),
        ("http://app.example/out", true, false),
        ("http://10.0.0.1/out", true, false),
        ("https://10.0.0.1/out", true, false),
        ("https://10.1.0.1/out", true, true),
        ("http://10.1.0.1/out", true, false),
        ("https://127.1/out", true, true),
        ("https://0x7f.2/out", true, false),
        ("https://2130706433/out", true, true),
        ("https://[::1]/out", true, false),
        ("https://[::ffff:10.0.0.1]/out", true, false),
        ("https://169.254.169.254/latest", true, false),
        ("http://localhost:80/out", true, true),
        ("http://127.0.0.1:80/out", true, true),
        ("http://inside.example/out", true, false),
        ("https://user@app.example/", false, false),
        ("https://:word@app.example/", false, false),
        ("https://app.example/#a", false, false),
        ("ftp://app.example/", false, false),
        ("file:///etc/passwd", false, false),
        ("gopher://127.0.0.1:6379/_", false, false),
        ("app.example", false, false),
        ("", false, false),
    ] {
        assert_eq!(
            caller.check(ByOperator, address).is_ok(),
            operator,
            "{address}"
        );
        assert_eq!(
            caller.check(ByStranger, address).is_ok(),
            stranger,
            "{address}"
        );
    }
    let long = format!("https://app.example/{}", "a".repeat(MOST_ADDRESS));
    assert!(caller.check(ByOperator, &long).is_err());
}

#[test]
fn a_name_that_only_a_network_knows_is_not_looked_up() {
    let names = [
        ("https://chat/", false),
        ("https://chat./", false),
        ("https://printer.local/", false),
        ("https://db.internal/", false),
        ("https://db.INTERNAL./", false),
        ("https://nas.home.arpa/", false),
        ("https://wiki.lan/", false),
        ("https://a.localhost/", false),
        ("https://app.example/", true),
        ("https://internal.example/", true),
        ("https://local.app.example/", true),
    ];
    let (closed, named) = (caller(&[]), caller(&["chat", "db.internal"]));
    for (address, good) in names {
        let got = closed.check(ByStranger, address);
        assert_eq!(got.is_ok(), good, "{address}");
        assert!(good || got == Err(Failure::Inside), "{address}");
        assert!(closed.check(ByOperator, address).is_ok(), "{address}");
    }
    for address in ["https://chat/", "https://db.internal/"] {
        assert!(named.check(ByStranger, address).is_ok(), "{address}");
    }
    assert!(named.check(ByStranger, "https://wiki.lan/").is_err());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called() {
    // Nobody listens: an answer would be `Unreachable`.
    let closed = caller(&[]);
    let got = closed.read(ByStranger, "https://localhost:1/", "*/*").await;
    assert_eq!(got, Err(Failure::Inside));
    let got = closed.read(ByOperator, "http://localhost:1/", "*/*").await;
    assert!(matches!(got, Err(Failure::Unreachable(_))), "{got:?}");
    let open = caller(&["127.0.0.0/8", "::1"]);
    let got = open.read(ByStranger, "https://localhost:1/", "*/*").await;
    assert!(matches!(got, Err(Failure::Unreachable(_))), "{got:?}");
}

#[tokio::test]
async fn a_document_is_read_and_a_redirect_is_only_an_answer() {
    let caller = caller(&["127.0.0.1"]);
    let (at, asked) = server(plain(
        "200 OK",
        "Content-Type: Application/JSON; charset=utf-8\r\nCache-Control: public, max-age=90\r\n",
        "{}",
    ));
    let answer = caller
        .read(
            ByStranger,
            &format!("http://{at}/keys?a=b"),
            "application/json",
        )
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (200, "application/json")
    );
    assert_eq!(answer.max_age, Some(Duration::from_secs(90)));
    assert_eq!(answer.body, b"{}");
    let asked = asked.join().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /keys?a=b http/1.1"), "{asked}");
    assert!(asked.contains("accept: application/json"), "{asked}");

    let (at, _asked) = server(plain("302 Found", "Location: http://127.0.0.1:1/\r\n", ""));
    let answer = caller
        .read(ByStranger, &format!("http://{at}/"), "*/*")
        .await;
    assert_eq!(answer.unwrap().status, 302);
}

#[tokio::test]
async fn a_form_is_posted_and_a_long_answer_is_refused() {
    let caller = caller(&[]);
    let (at, asked) = server(plain("204 No Content", "", ""));
    let answer = caller
        .post(ByOperator, &format!("http://{at}/out"), "a=1&b=end".into())
        .await
        .unwrap();
    assert_eq!(answer.status, 204);
    let asked = asked.join().unwrap();
    assert!(
        asked.contains("application/x-www-form-urlencoded"),
        "{asked}"
    );
    assert!(asked.ends_with("\r\n\r\na=1&b=end"), "{asked}");

    let (at, _asked) = server(plain("200 OK", "", &"a".repeat(64 * 1024 + 1)));
    let answer = caller
        .read(ByOperator, &format!("http://{at}/"), "*/*")
        .await;
    assert_eq!(answer, Err(Failure::TooLong));
}

/// Accepts every call and answers none before it is dropped; tells of each.
fn silent() -> (SocketAddr, std::sync::mpsc::Receiver<std::net::TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if tell.send(stream).is_err() {
                return;
            }
        }
    });
    (at, told)
}

#[tokio::test]
async fn servers_that_never_answer_hold_few_calls() {
    let caller = Arc::new(caller(&["127.0.0.0/8"]));
    let now = Time::from_seconds(1_800_000_000);
    let asks = |asker: [u8; 4], address: String| {
        let caller = caller.clone();
        async move {
            let ask = Ask {
                typed: ByStranger,
                address: &address,
                purpose: Purpose::Keys,
                wanted: Wanted::Kept,
                asker: Some(asker.into()),
            };
            caller.document(ask, now).await
        }
    };
    let (at, called) = silent();
    let mut held = Vec::new();
    let mut tasks = Vec::new();
    // Different hosts, one network.
    for host in 1..=FOR_ONE_NETWORK {
        let address = format!("http://127.0.0.1:{}/{host}", at.port());
        tasks.push(tokio::spawn(asks([192, 0, 2, 1], address)));
    }
    let called = tokio::task::spawn_blocking(move || {
        let streams: Vec<_> = called.iter().take(FOR_ONE_NETWORK).collect();
        (called, streams)
    });
    let (called, streams) = called.await.unwrap();
    held.push(streams);
    let (other, _asked) = server(plain("200 OK", "", "{}"));
    let elsewhere = |n: u8| format!("http://127.0.0.1:{}/{n}", other.port());
    let same = format!("http://127.0.0.1:{}/other", at.port());
    assert_eq!(
        asks([192, 0, 2, 77], elsewhere(1)).await,
        Err(Failure::Busy)
    );
    assert_eq!(asks([198, 51, 100, 1], same).await, Err(Failure::Busy));
    drop((held, called));
    for task in tasks {
        let _ = task.await.unwrap();
    }
    assert!(asks([192, 0, 2, 77], elsewhere(2)).await.is_ok());
}

#[tokio::test]
async fn a_document_is_called_for_once_by_many() {
    let caller = caller(&["127.0.0.1"]);
    // Answers one call: a second one would fail.
    let (at, _asked) = server(plain("200 OK", "", "{}"));
    let address = format!("http://{at}/keys");
    let ask = Ask {
        typed: ByStranger,
        address: &address,
        purpose: Purpose::Keys,
        wanted: Wanted::Kept,
        asker: None,
    };
    let now = Time::from_seconds(1_800_000_000);
    let (one, two) = tokio::join!(caller.document(ask, now), caller.document(ask, now));
    assert!(one.is_ok());
    assert_eq!(one, two);
}

#[test]
fn how_long_an_answer_may_be_kept_is_read() {
    for (header, wanted) in [
        ("max-age=5", Some(5)),
        ("public, max-age=\"7\"", Some(7)),
        ("no-store, max-age=7", Some(0)),
        ("max-age=-1", Some(0)),
        ("public", None),
    ] {
        assert_eq!(max_age(header), wanted.map(Duration::from_secs), "{header}");
    }
}
