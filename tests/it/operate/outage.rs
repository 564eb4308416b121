//! A database that goes away and comes back: what people, apps and operators are told meanwhile.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::{Place, wait_for};
use crate::letters;
use crate::signup::begin;

/// A way to a server that can be cut and mended.
struct Wire {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            cut: Arc::default(),
            lines: Arc::default(),
        };
        let (cut, lines) = (wire.cut.clone(), wire.lines.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let far = TcpStream::connect(server).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
                lines.lock().unwrap().extend([near, far]);
            }
        });
        wire
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for line in self.lines.lock().unwrap().drain(..) {
            let _ = line.shutdown(std::net::Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

/// A place whose database is reached by a wire; none for SQLite, which is a part of the process and
/// not away while its file is open.
fn wired(name: &str) -> Option<(Place, Wire)> {
    let mut place = Place::new(name);
    if !place.is_postgres() {
        return None;
    }
    let mut url = url::Url::parse(&place.database).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let wire = Wire::to(server.parse().unwrap());
    url.set_port(Some(wire.address.port())).unwrap();
    place.database = url.to_string();
    Some((place, wire))
}

// It would go out again when its lease is over, 90 s later.
#[test]
fn a_letter_that_was_taken_while_the_database_was_away_is_noted_when_it_is_back() {
    let Some((place, wire)) = wired("taken") else {
        return;
    };
    let (port, go, heard) = letters::slow_server();
    let place = place
        .with("PUBLIC_URL", "https://id.steppe.example")
        .with("MAIL__HOST", "127.0.0.1")
        .with("MAIL__PORT", port)
        .with("MAIL__SECURITY", "none")
        .with("PASSWORD__MEMORY_KIB", 7168)
        .with("PASSWORD__PASSES", 5);
    let server = place.serve();
    let email = [("email", "slow@mail.example")];
    begin(&mut server.browser(), "/signup", "slow", &email).leads("/signup/email");
    heard.recv().unwrap();
    wire.cut();
    wait_for("the outage", || {
        server.browser().get("/readyz").status == 503
    });
    go.send(()).unwrap();
    // The letter is taken meanwhile.
    let mut asked = 0;
    wait_for("its end", || {
        asked += 1;
        assert_eq!(server.browser().get("/readyz").status, 503);
        asked > 50
    });
    wire.mend();
    wait_for("the word of the mail server", || {
        let queue = place.run(&["mail", "queue", "--json"]);
        queue.code == Some(0) && !queue.out.contains("slow@mail.example")
    });
    server.stop();
}

#[test]
fn a_database_that_is_away_is_called_so_until_it_is_back() {
    let Some((place, wire)) = wired("away") else {
        return;
    };
    let server = place.serve();
    let mut browser = server.browser();
    let before = browser.get("/.well-known/openid-configuration").is(200);
    let form = browser.get("/signin").is(200);
    wire.cut();
    wait_for("the outage", || browser.get("/readyz").status == 503);
    assert_eq!(browser.get("/readyz").json()["database"], false);
    browser.get("/healthz").is(200);
    browser.get("/jwks.json").is(200);
    let still = browser.get("/.well-known/openid-configuration").is(200);
    assert_eq!(still.text(), before.text());
    let page = browser
        .submit(&form, &[("login", "temuulen"), ("password", "x")])
        .is(503);
    assert_eq!(page.h1(), "We cannot do that right now");
    assert!(page.header("retry-after").is_some());
    assert_eq!(page.reference().as_deref(), page.header("request-id"));
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "demo-messenger"),
    ];
    let told = browser.post("/oauth2/token", &fields).is(503).json();
    assert_eq!(told["error"], "temporarily_unavailable");
    let why = told["error_description"].as_str().unwrap();
    assert!(why.contains("the database cannot be used"), "{why}");
    let found = place.run(&["doctor", "--json"]).is(2).out;
    assert!(
        found.contains("is not ready") && found.contains("start PostgreSQL"),
        "{found}"
    );
    assert!(!found.contains("try: gerege serve"), "{found}");
    wire.mend();
    wait_for("the end of the outage", || {
        browser.get("/readyz").status == 200
    });
    browser.get("/signin").is(200);
    let log = server.log();
    assert_eq!(log.matches("db.away").count(), 1, "{log}");
    assert_eq!(log.matches("db.back").count(), 1, "{log}");
    let errors = log.lines().filter(|line| line.contains(" ERROR ")).count();
    assert_eq!(errors, 1, "{log}");
    server.stop();
}
