//! Mail that cannot go out: what the page says of it is true, and it holds nothing else up.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use gerege::flow::operate::mail::retry;
use gerege::limit::Bucket;
use gerege::{mail, store, worker};

use crate::app::{TestApp, free_port};
use crate::http::{Answer, Browser};
use crate::operate::wait_for;
use crate::signin::sign_in;
use crate::signup::{begin, walk_to_code};

const SENT: &str = "We sent a 6-digit code";
const SENDING: &str = "We are sending a 6-digit code";
const LIVE: &str = "The last one still works";
const DOWN: &str = "We cannot send email right now";

fn says(page: &Answer, said: &[&str], unsaid: &[&str]) {
    let text = page.text();
    for words in said {
        assert!(text.contains(words), "not {words:?} in {}", page.path);
    }
    for words in unsaid {
        assert!(!text.contains(words), "{words:?} in {}", page.path);
    }
}

/// As `walk_to_code`, for an address of its own.
fn walk(browser: &mut Browser, username: &str, email: &str) -> Answer {
    let begun = begin(browser, "/signup", username, &[("email", email)]).leads("/signup/agree");
    let page = browser.follow(&begun).is(200);
    let agreed = browser.submit(&page, &[("decision", "accept")]);
    browser.follow(&agreed.leads("/signup/email")).is(200)
}

#[test]
fn a_code_that_was_not_sent_is_not_spoken_of() {
    // Too many from the network.
    let app = TestApp::limited(&[]);
    let here = Ipv4Addr::LOCALHOST.into();
    let now = app.app.clock.now();
    while app.app.limiter.check(Bucket::Mail, here, now).is_ok() {}
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let why = "Many emails were asked for from your network. A new one can be sent in 1 minute";
    says(&page, &["has no code yet", why], &[SENT, SENDING, LIVE]);
    says(&page, &["temuulen@mail.example"], &[]);
    let again = browser.submit(&page, &[("other", "resend")]).is(422);
    assert_eq!(again.errors(), [why]);
    // The mistake is heard at its button too.
    says(
        &again,
        &["id=\"resend-err\"", "aria-describedby=\"resend-err\""],
        &[],
    );
    says(&again, &["has no code yet"], &[SENT, SENDING, LIVE]);
    app.pass(Duration::from_secs(120));
    let page = browser.get("/signup/email").is(200);
    says(
        &page,
        &["has no code yet", "Ask for one below"],
        &[SENT, LIVE],
    );
    browser.submit(&page, &[("other", "resend")]).is(303);
    assert_eq!(app.letters("temuulen@mail.example").len(), 1);
    says(&browser.get("/signup/email").is(200), &[SENT], &[SENDING]);
}

#[test]
fn the_last_mail_works_only_for_the_browser_that_asked_for_it() {
    let app = TestApp::new();
    let email = "temuulen@mail.example";
    let mut first = app.browser();
    for name in ["one", "two", "three"] {
        first = app.browser();
        walk(&mut first, name, email);
    }
    let mut fourth = app.browser();
    let page = walk(&mut fourth, "four", email);
    let why =
        "as many emails to this address as we may for now. A new one can be sent in 15 minutes";
    says(&page, &["has no code yet", why], &[SENT, SENDING, LIVE]);
    assert_eq!(app.letters(email).len(), 3);
    // The one before has a code that works.
    app.pass(Duration::from_secs(60));
    let page = first.get("/signup/email").is(200);
    let again = first.submit(&page, &[("other", "resend")]).is(422);
    assert!(again.errors()[0].contains(LIVE), "{:?}", again.errors());
    says(&again, &[SENT], &["has no code yet"]);
}

#[test]
fn a_dead_mail_server_is_told_of_at_once() {
    let app = TestApp::real();
    let mut browser = app.browser();
    let page = walk(&mut browser, "temuulen", "temuulen@mail.example");
    says(&page, &[SENDING], &[SENT, DOWN]);
    app.deliver();
    let address = "temuulen@mail.example";
    says(
        &browser.get("/signup/email").is(200),
        &[DOWN, address],
        &[SENT],
    );
    // The next person learns it on the page they land on.
    let mut browser = app.browser();
    let page = walk(&mut browser, "saran", "saran@mail.example");
    says(&page, &[DOWN], &[SENT, SENDING]);
    empty(&app);
}

/// Takes out what cannot be sent.
fn empty(app: &TestApp) {
    app.write(|c| {
        for item in store::outbox::open(c, 10)? {
            store::outbox::delete(c, &item.id)?;
        }
        Ok(())
    });
}

/// Asks for a code to a new address; gives the page after it.
fn change_address(browser: &mut Browser, email: &str) -> Answer {
    let fields = [("save", "email"), ("email", email)];
    let asked = browser.fill("/account/details", &fields);
    browser.follow(&asked.leads("/account/details")).is(200)
}

#[test]
fn a_new_address_is_told_the_truth_about_its_mail() {
    const PAGE: &str = "/account/details";
    const DOWN: &str = "We cannot send email to";
    let new = "saran@mail.example";
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    says(&change_address(&mut browser, new), &[SENDING, new], &[SENT]);
    app.deliver();
    says(&browser.get(PAGE).is(200), &[SENT, new], &[SENDING, DOWN]);
    // No server.
    let app = TestApp::real();
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    says(&change_address(&mut browser, new), &[SENDING, new], &[SENT]);
    app.deliver();
    says(&browser.get(PAGE).is(200), &[DOWN, new], &[SENT, SENDING]);
    // Refused for good.
    let said = "550 5.1.1 nobody here";
    app.write(move |c| {
        let now = crate::app::NOON;
        for item in store::outbox::open(c, 10)? {
            store::outbox::unsent(c, &item.id, said, None, now)?;
        }
        Ok(())
    });
    let unsaid = [SENT, SENDING, DOWN];
    says(
        &browser.get(PAGE).is(200),
        &["did not accept", said, new],
        &unsaid,
    );
    empty(&app);
}

// R10
#[test]
fn where_no_mail_gets_out_everybody_who_forgot_a_password_is_told_the_same() {
    const DOWN: &str = "We cannot send email to anybody right now";
    const MAYBE: &str = "If there is an account";
    let mut seen = Vec::new();
    for login in ["temuulen", "nobody22"] {
        let app = TestApp::real();
        app.person("temuulen");
        let mut browser = app.browser();
        let asked = browser.fill("/forgot", &[("login", login)]);
        let first = browser.follow(&asked).is(200);
        says(&first, &[MAYBE, "href=\"/forgot\""], &[DOWN]);
        app.deliver();
        let second = browser.get("/reset").is(200);
        says(&second, &[DOWN, "href=\"/forgot\""], &[MAYBE]);
        let again = browser.fill("/forgot", &[("login", login)]);
        let third = browser.follow(&again).is(200);
        says(&third, &[DOWN], &[MAYBE]);
        let open = app.read(|c| store::outbox::open(c, 10)).len();
        seen.push(open);
        empty(&app);
    }
    assert_eq!(seen, [2, 2]);
    // Nobody gets a letter, and the mail server was there: it is as good as one that was sent.
    let (port, _go, _) = slow_server();
    let app = TestApp::mailing(port);
    let mut browser = app.browser();
    browser.fill("/forgot", &[("login", "nobody22")]).is(303);
    app.deliver();
    assert!(app.read(|c| store::outbox::open(c, 10)).is_empty());
    says(&browser.get("/reset").is(200), &[MAYBE], &[DOWN]);
}

/// A mail server that says nothing more once it heard of `slow@`, until it is told to go on; it
/// tells when it heard.
pub fn slow_server() -> (u16, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (address, listener) = free_port();
    let ((go, wait), (tell, heard)) = (mpsc::channel::<()>(), mpsc::channel());
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (wait, tell) = (wait.clone(), tell.clone());
            std::thread::spawn(move || speak(stream, &wait, &tell));
        }
    });
    (address.port(), go, heard)
}

fn speak(
    mut stream: TcpStream,
    wait: &std::sync::Mutex<mpsc::Receiver<()>>,
    tell: &mpsc::Sender<()>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = move |words: &str| write!(stream, "{words}\r\n").is_ok();
    let mut reads_letter = false;
    say("220 mail.example");
    while let Some(Ok(line)) = lines.next() {
        if line.contains("slow@") && line.starts_with("RCPT") {
            let _ = tell.send(());
            // Who would tell is gone: so is the server.
            if wait.lock().unwrap().recv().is_err() {
                return;
            }
        }
        let answer = match line.get(..4).unwrap_or(&line) {
            "." => {
                reads_letter = false;
                "250 taken"
            }
            _ if reads_letter => continue,
            "DATA" => {
                reads_letter = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 mail.example",
        };
        if !say(answer) {
            return;
        }
    }
}

#[test]
fn one_slow_letter_holds_up_no_other() {
    let (port, go, _) = slow_server();
    let app = TestApp::mailing(port);
    let open = |app: &TestApp| -> Vec<String> {
        let open = app.read(|c| store::outbox::open(c, 10));
        open.into_iter().map(|item| item.recipient).collect()
    };
    let mut sending = worker::Sending::default();
    walk(&mut app.browser(), "slow", "slow@mail.example");
    assert_eq!(app.wait(sending.begin(&app.app)).unwrap(), 1);
    // Others go out meanwhile, each as it comes.
    for name in ["saran", "temuulen"] {
        let email = format!("{name}@mail.example");
        walk(&mut app.browser(), name, &email);
        assert_eq!(app.wait(sending.begin(&app.app)).unwrap(), 1);
        app.wait(sending.ended()).unwrap().unwrap();
        assert_eq!(open(&app), ["slow@mail.example"]);
    }
    assert_eq!(app.wait(sending.begin(&app.app)).unwrap(), 0);
    go.send(()).unwrap();
    app.wait(sending.ended()).unwrap().unwrap();
    assert!(open(&app).is_empty());
    assert!(app.wait(sending.ended()).is_none());
}

/// Asks for a letter to `slow@` that begins to be sent, and gives its id.
fn begin_slow(app: &TestApp, sending: &mut worker::Sending) -> String {
    walk(&mut app.browser(), "slow", "slow@mail.example");
    assert_eq!(app.wait(sending.begin(&app.app)).unwrap(), 1);
    let [item] = &app.read(|c| store::outbox::open(c, 10))[..] else {
        panic!("not one letter")
    };
    item.id.clone()
}

#[test]
fn a_letter_on_its_way_is_nobody_elses_while_its_sender_lives() {
    let (port, go, heard) = slow_server();
    let app = TestApp::mailing(port);
    let second = app.second();
    let (mut sending, mut other) = (worker::Sending::default(), worker::Sending::default());
    let id = begin_slow(&app, &mut sending);
    wait_for("the letter", || {
        app.wait(tokio::task::yield_now());
        heard.try_recv().is_ok()
    });
    // For as long as it may take, other processes and the operator leave it alone.
    let mut stays = || {
        assert_eq!(app.wait(retry(&second, None)).unwrap(), 0);
        assert_eq!(app.wait(retry(&second, Some(id.clone()))).unwrap(), 0);
        assert_eq!(app.wait(other.begin(&second)).unwrap(), 0);
    };
    stays();
    app.pass(mail::LONGEST);
    stays();
    go.send(()).unwrap();
    app.wait(sending.ended()).unwrap().unwrap();
    stays();
    assert!(app.read(|c| store::outbox::open(c, 10)).is_empty());
}

#[test]
fn a_letter_whose_sender_died_goes_to_the_next_and_back_to_the_operator_when_nobody_takes_it() {
    let (port, go, _) = slow_server();
    let app = TestApp::mailing(port);
    let second = app.second();
    let (mut sending, mut other) = (worker::Sending::default(), worker::Sending::default());
    let id = begin_slow(&app, &mut sending);
    drop(sending);
    assert_eq!(app.wait(other.begin(&second)).unwrap(), 0);
    app.pass(Duration::from_secs(90));
    assert_eq!(app.wait(other.begin(&second)).unwrap(), 1);
    assert_eq!(app.wait(retry(&app.app, None)).unwrap(), 0);
    // The server hangs up.
    drop(go);
    app.wait(other.ended()).unwrap().unwrap();
    assert_eq!(app.wait(other.begin(&second)).unwrap(), 0);
    for one in [None, Some(id)] {
        assert_eq!(app.wait(retry(&app.app, one)).unwrap(), 1);
        assert_eq!(app.wait(other.begin(&second)).unwrap(), 1);
        app.wait(other.ended()).unwrap().unwrap();
    }
    empty(&app);
}
