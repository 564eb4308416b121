//! What is called and what is not, against a small server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;

use ureq::unversioned::transport::ConnectionDetails;

use super::*;
use crate::clock::Time;
use Typed::{ByOperator, ByStranger};

fn network(allow: &[&str]) -> Network {
    let allow = allow.iter().map(|one| Reachable::parse(one).unwrap());
    Network {
        ca_file: None,
        allow: allow.collect(),
    }
}

fn caller(allow: &[&str]) -> Caller {
    Caller::new(&network(allow)).unwrap()
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
fn silent() -> (SocketAddr, std::sync::mpsc::Receiver<TcpStream>) {
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

/// Look-ups, each answered by the next of these; what stands here was not looked up.
#[derive(Clone, Debug)]
struct Zone(Arc<Mutex<Vec<Vec<&'static str>>>>);

impl Resolver for Zone {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut left = self.0.lock().unwrap();
        let mut found = self.empty();
        for at in left.remove(0) {
            found.push(at.parse().unwrap());
        }
        Ok(found)
    }
}

/// Where it would have been connected to: nobody listens there.
#[derive(Clone, Debug, Default)]
struct Tried(Arc<Mutex<Vec<String>>>);

impl Connector for Tried {
    type Out = ();

    fn connect(&self, to: &ConnectionDetails, _: Option<()>) -> Result<Option<()>, ureq::Error> {
        let mut tried = self.0.lock().unwrap();
        tried.extend(to.addrs.iter().map(ToString::to_string));
        Err(ureq::Error::ConnectionFailed)
    }
}

fn in_zone(allow: &[&str], answers: &[&[&'static str]]) -> (Caller, Zone, Tried) {
    let answers = answers.iter().map(|one| one.to_vec()).collect();
    let (zone, tried) = (Zone(Arc::new(Mutex::new(answers))), Tried::default());
    let caller = Caller::by(&network(allow), || (tried.clone(), zone.clone()));
    (caller.unwrap(), zone, tried)
}

#[tokio::test]
async fn a_name_of_one_address_inside_is_not_called_at_its_others_either() {
    let (v4, v6) = ("1.1.1.1:443", "[2606:4700:4700::1111]:443");
    for inside in [
        "127.0.0.1:443",
        "10.0.0.1:443",
        "169.254.169.254:443",
        "0.0.0.0:443",
        "[::1]:443",
        "[fd00::1]:443",
        "[fe80::1]:443",
        "[::ffff:10.0.0.1]:443",
        "[64:ff9b::a00:1]:443",
    ] {
        for answer in [
            &[inside][..],
            &[v4, inside],
            &[inside, v4],
            &[v4, v6, inside],
            &[v6, inside, v4],
        ] {
            let (caller, zone, tried) = in_zone(&[], &[answer, answer]);
            let got = caller.read(ByStranger, "https://app.example/", "*/*").await;
            assert_eq!(got, Err(Failure::Inside), "{answer:?}");
            let posted = caller.post(ByStranger, "https://app.example/", "a=1".into());
            assert_eq!(posted.await, Err(Failure::Inside), "{answer:?}");
            assert!(zone.0.lock().unwrap().is_empty(), "{answer:?}");
            assert!(tried.0.lock().unwrap().is_empty(), "{answer:?}");
        }
    }
    // Where all are public, or the operator allows the one that is not, all are tried.
    for (allow, answer) in [
        (&[][..], &[v4, v6][..]),
        (&["10.0.0.0/8"], &[v4, "10.0.0.1:443"]),
    ] {
        let (caller, _, tried) = in_zone(allow, &[answer]);
        let got = caller.read(ByStranger, "https://app.example/", "*/*").await;
        assert!(matches!(got, Err(Failure::Unreachable(_))), "{got:?}");
        assert_eq!(*tried.0.lock().unwrap(), answer);
    }
}

#[tokio::test]
async fn a_name_that_turns_inside_after_it_was_checked_is_called_nowhere_else() {
    let (outside, inside) = (["1.1.1.1:443"], ["127.0.0.1:443"]);
    let (caller, zone, tried) = in_zone(&[], &[&outside, &inside, &outside]);
    let call = || caller.read(ByStranger, "https://app.example/", "*/*");
    // One look-up for a call: what was checked is what is called.
    let got = call().await;
    assert!(matches!(got, Err(Failure::Unreachable(_))), "{got:?}");
    assert_eq!(zone.0.lock().unwrap().len(), 2);
    assert_eq!(*tried.0.lock().unwrap(), outside);
    // And one for each call: what was checked before counts for nothing.
    assert_eq!(call().await, Err(Failure::Inside));
    assert_eq!(zone.0.lock().unwrap().len(), 1);
    assert_eq!(*tried.0.lock().unwrap(), outside);
    let got = call().await;
    assert!(matches!(got, Err(Failure::Unreachable(_))), "{got:?}");
    assert_eq!(*tried.0.lock().unwrap(), [outside, outside].concat());
}

/// How long a server that drips waits from one byte to the next.
const DRIP: Duration = Duration::from_millis(100);

/// Sends this at once, and then an `a` every now and then until the caller goes away; tells how
/// many it sent.
fn dripping(first: &'static str) -> (SocketAddr, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let sent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        stream.set_read_timeout(Some(DRIP)).unwrap();
        let mut sent = 0;
        loop {
            match stream.read(&mut [0; 4096]) {
                Ok(0) => return sent,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return sent,
                // It has nothing to say.
                Err(_) if stream.write_all(b"a").is_err() => return sent,
                Err(_) => sent += 1,
            }
        }
    });
    (at, sent)
}

#[tokio::test]
async fn a_server_that_is_silent_or_drips_is_given_up_after_the_longest_call() {
    let caller = Arc::new(caller(&["127.0.0.0/8"]));
    let late = Err(Failure::Unreachable(
        "nothing whole within 3 seconds".into(),
    ));
    // It would drip for an hour.
    let heads = [
        "HTTP/1.1 200 ",
        "HTTP/1.1 200 OK\r\nX-Long: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 36000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ];
    let (silent, _held) = silent();
    let (servers, drips): (Vec<_>, Vec<_>) = heads.into_iter().map(dripping).unzip();
    let mut calls = Vec::new();
    for address in servers.into_iter().chain([silent]) {
        let caller = caller.clone();
        calls.push(tokio::spawn(async move {
            let address = format!("http://127.0.0.1:{}/", address.port());
            caller.read(ByOperator, &address, "*/*").await
        }));
    }
    // Its greeting of TLS is not answered either.
    let address = format!("https://127.0.0.1:{}/", silent.port());
    let greeting = caller.read(ByStranger, &address, "*/*");
    let posted = format!("http://127.0.0.1:{}/", silent.port());
    let posted = caller.post(ByOperator, &posted, "a=1".into());
    let (greeting, posted) = tokio::join!(greeting, posted);
    assert_eq!((&greeting, &posted), (&late, &late));
    for call in calls {
        assert_eq!(call.await.unwrap(), late);
    }
    for (head, drips) in heads.into_iter().zip(drips) {
        // Each byte that came in time did not buy it more.
        let sent = drips.join().unwrap();
        assert!(sent as u32 * DRIP < 2 * LONGEST, "{head}: {sent}");
    }
}
