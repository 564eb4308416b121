//! Against a tiny mail server on loopback that does what a test tells it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::super::letter::tests::letter;
use super::*;
use crate::clock::Clock;

/// What the stub does at one command.
#[derive(Clone)]
enum Act {
    Say(&'static str),
    /// Takes the command and never answers, until the other side hangs up.
    Silence,
    /// Hangs up.
    Die,
    /// Gives the usual answer letter by letter, with a pause before each.
    Drip,
    /// Gives the usual answer after a pause.
    Late,
}

/// How long a slow server pauses.
const PAUSE: Duration = Duration::from_millis(60);

/// Replies by command; everything else gets the usual answer.
type Script = BTreeMap<&'static str, Act>;

struct Stub {
    port: u16,
    heard: mpsc::Receiver<String>,
    thread: JoinHandle<()>,
}

impl Stub {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heard) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let _ = talk(&stream, &script, &tell);
        });
        Self {
            port,
            heard,
            thread,
        }
    }

    /// All lines that were heard, once the dialogue is over.
    fn heard(self) -> Vec<String> {
        self.thread.join().unwrap();
        self.heard.iter().collect()
    }
}

fn talk(stream: &TcpStream, script: &Script, tell: &mpsc::Sender<String>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut writer = stream;
    // Nobody ever says anything in it: to wait for that is a pause.
    let (_keep, never) = mpsc::channel::<()>();
    let pause = || never.recv_timeout(PAUSE).unwrap_err();
    let mut act = |name: &str, usual: &'static str, lines: &mut dyn Iterator<Item = _>| match script
        .get(name)
        .or_else(|| script.get("all"))
        .cloned()
        .unwrap_or(Act::Say(usual))
    {
        Act::Drip => format!("{usual}\r\n").bytes().try_for_each(|byte| {
            pause();
            writer.write_all(&[byte]).ok()
        }),
        Act::Late => {
            pause();
            writer.write_all(format!("{usual}\r\n").as_bytes()).ok()
        }
        Act::Say(reply) => writer.write_all(format!("{reply}\r\n").as_bytes()).ok(),
        Act::Die => None,
        Act::Silence => {
            while let Some(Ok::<String, std::io::Error>(_)) = lines.next() {}
            None
        }
    };
    act("greeting", "220 stub.example", &mut lines)?;
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        tell.send(line).ok()?;
        match verb.as_str() {
            "EHLO" => act("EHLO", "250-stub.example\r\n250 AUTH PLAIN", &mut lines)?,
            "AUTH" => act("AUTH", "235 2.7.0 welcome", &mut lines)?,
            "DATA" => {
                act("DATA", "354 go on", &mut lines)?;
                while let Some(Ok(line)) = lines.next() {
                    if line == "." {
                        break;
                    }
                    tell.send(line).ok()?;
                }
                act(".", "250 2.0.0 Ok: queued as 4F1A", &mut lines)?;
            }
            "QUIT" => act("QUIT", "221 bye", &mut lines)?,
            verb => act(verb, "250 2.1.0 Ok", &mut lines)?,
        }
    }
    Some(())
}

fn server(port: u16, login: bool) -> Server {
    let login = login.then(|| ("steppe".to_owned(), "horse".to_owned()));
    Server::new(Smtp {
        host: "127.0.0.1".into(),
        port,
        security: Security::None,
        login,
        hello: "id.steppe.example".into(),
        authority: None,
    })
    .unwrap()
}

fn wait<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(story)
}

fn send(at: &'static str, act: Act) -> (Result<Sent, Failure>, Vec<String>) {
    let silent = matches!(act, Act::Silence);
    let stub = Stub::start(Script::from([(at, act)]));
    let mut server = server(stub.port, true);
    if silent {
        server.wait = Duration::from_millis(200);
        server.longest = Duration::from_secs(1);
    }
    let result = wait(server.send(&letter()));
    (result, stub.heard())
}

#[test]
fn a_letter_is_handed_over_and_the_servers_words_are_kept() {
    let (result, heard) = send("", Act::Die);
    let said = "2.0.0 Ok: queued as 4F1A".to_owned();
    assert_eq!(result, Ok(Sent { said }));
    let said = |line: &str| heard.iter().any(|heard| heard == line);
    assert!(said("EHLO id.steppe.example"), "{heard:?}");
    assert!(said("MAIL FROM:<no-reply@steppe.example>"), "{heard:?}");
    assert!(said("RCPT TO:<temuulen.bat@mail.example>"), "{heard:?}");
    assert!(said("Auto-Submitted: auto-generated"));
    assert!(said("QUIT"));
}

// RFC 5321 4.2.1
#[test]
fn a_5yz_reply_to_the_letter_is_final_and_everything_else_is_tried_again() {
    let refused = |code, said: &str| {
        let said = said.to_owned();
        Err(Failure::Refused { code, said })
    };
    let later = |code, said: &str| {
        let said = said.to_owned();
        Err(Failure::Later { code, said })
    };
    for (at, reply, expected) in [
        (
            "RCPT",
            "550 5.1.1 no such person",
            refused(550, "5.1.1 no such person"),
        ),
        (
            "RCPT",
            "450 4.2.0 greylisted",
            later(Some(450), "4.2.0 greylisted"),
        ),
        (
            "RCPT",
            "530 5.7.0 sign in first",
            later(Some(530), "5.7.0 sign in first"),
        ),
        ("DATA", "554 5.7.1 spam", refused(554, "5.7.1 spam")),
        (".", "552 too big", refused(552, "too big")),
        (".", "451 disk full", later(Some(451), "disk full")),
        (".", "421 going down", later(Some(421), "going down")),
        (
            "MAIL",
            "553 not your address",
            later(Some(553), "not your address"),
        ),
        (
            "AUTH",
            "535 wrong password",
            later(Some(535), "wrong password"),
        ),
        ("EHLO", "550 go away", later(Some(550), "go away")),
        (
            "greeting",
            "554 no mail here",
            later(Some(554), "no mail here"),
        ),
        ("greeting", "421 busy", later(Some(421), "busy")),
    ] {
        let (result, _) = send(at, Act::Say(reply));
        assert_eq!(result, expected, "{at}: {reply}");
    }
}

#[test]
fn long_words_of_a_server_are_cut_and_on_one_line() {
    let reply = "550-5.7.1 \u{1b}[31mSPF\r\n550 5.7.1 failed";
    let (result, _) = send("RCPT", Act::Say(reply));
    let said = "5.7.1 [31mSPF failed".to_owned();
    assert_eq!(result, Err(Failure::Refused { code: 550, said }));
}

#[test]
fn a_server_that_dies_or_is_silent_is_tried_again() {
    for at in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        for act in [Act::Die, Act::Silence, Act::Say("what?")] {
            let (result, _) = send(at, act.clone());
            let Err(Failure::Later { code: None, said }) = result else {
                panic!("{at}: {result:?}")
            };
            assert!(!said.is_empty());
            if matches!(act, Act::Silence) {
                // Who is silent at the end may have taken the letter: it has all the time there is.
                let words = match at {
                    "." => "not done within 1 s",
                    _ => "no answer in time",
                };
                assert_eq!(said, words, "{at}");
            }
        }
    }
}

/// Sends to a slow server, which has `wait` for an answer and `longest` for all of them.
fn send_slowly(script: Script, wait_: Duration, longest: Duration) -> Result<Sent, Failure> {
    let stub = Stub::start(script);
    let mut server = server(stub.port, true);
    (server.wait, server.longest) = (wait_, longest);
    let clock = Clock::system();
    let began = clock.now();
    let result = wait(server.send(&letter()));
    // With its goodbye, and seconds to spare for a busy machine. Each answer that drips would take
    // a second by itself, and each silent one the tests.
    let took = clock.now().since(began);
    assert!(took < longest + GOODBYE_WAIT + Duration::from_secs(5));
    stub.heard();
    result
}

#[test]
fn a_server_that_drips_an_answer_is_given_up_like_one_that_is_silent() {
    let said = "no answer in time".to_owned();
    let given_up = Err(Failure::Later { code: None, said });
    for at in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        let script = Script::from([(at, Act::Drip)]);
        let result = send_slowly(script, PAUSE * 4, PAUSE * 1000);
        assert_eq!(result, given_up, "{at}");
    }
}

#[test]
fn a_server_that_answers_everything_late_is_given_up_before_its_letter_is_anothers() {
    let result = send_slowly(
        Script::from([("all", Act::Late)]),
        PAUSE * 1000,
        PAUSE * 5 / 2,
    );
    let said = "not done within 0.15 s".to_owned();
    assert_eq!(result, Err(Failure::Later { code: None, said }));
    // So is one whose answer to the letter drips.
    let result = send_slowly(Script::from([(".", Act::Drip)]), PAUSE * 1000, PAUSE * 10);
    let said = "not done within 0.6 s".to_owned();
    assert_eq!(result, Err(Failure::Later { code: None, said }));
}

// RFC 5321 4.5.3.2.6
#[test]
fn a_server_that_thinks_long_about_a_letter_has_all_the_time_that_is_left() {
    let result = send_slowly(Script::from([(".", Act::Drip)]), PAUSE * 10, PAUSE * 1000);
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn a_letter_that_was_taken_is_taken_however_long_the_goodbye_is() {
    let script = Script::from([("QUIT", Act::Silence)]);
    let result = send_slowly(script, PAUSE * 1000, PAUSE * 15);
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn a_server_that_refuses_to_say_goodbye_has_taken_the_letter() {
    for act in [Act::Die, Act::Say("500 no")] {
        let (result, _) = send("QUIT", act);
        assert!(result.is_ok(), "{result:?}");
    }
}

// Names point to machines that are gone, and to IPv6 where no way leads.
#[test]
fn addresses_where_nobody_answers_do_not_keep_a_letter_from_the_one_that_does() {
    let stub = Stub::start(Script::new());
    let mut server = server(stub.port, false);
    server.longest = Duration::from_secs(3);
    let (line, _full) = wait(async {
        let mut full = Vec::new();
        for last in 2..=6 {
            full.push(deaf(SocketAddr::from(([127, 0, 0, last], stub.port))).await);
        }
        let mut addresses: Vec<_> = full.iter().map(|(at, ..)| *at).collect();
        addresses.push(SocketAddr::from(([127, 0, 0, 1], stub.port)));
        let line = timeout(server.longest, server.connect(&addresses));
        (line.await.map(|line| line.is_ok()), full)
    });
    assert_eq!(line, Ok(true));
    stub.heard();
}

/// An address that answers no knock: its queue is full.
async fn deaf(at: SocketAddr) -> (SocketAddr, tokio::net::TcpListener, tokio::net::TcpStream) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(at).unwrap();
    let listener = socket.listen(0).unwrap();
    let first = tokio::net::TcpStream::connect(at).await.unwrap();
    (at, listener, first)
}

#[test]
fn no_server_at_all_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let result = wait(server(port, false).send(&letter()));
    assert!(matches!(result, Err(Failure::Later { code: None, .. })));
}

// RFC 3207 4: without the promised privacy nothing is said, least of all the password.
#[test]
fn without_starttls_nothing_is_sent() {
    let stub = Stub::start(Script::new());
    let server = Server::new(Smtp {
        host: "localhost".into(),
        port: stub.port,
        security: Security::StartTls,
        login: Some(("steppe".into(), "horse".into())),
        hello: "id.steppe.example".into(),
        authority: None,
    })
    .unwrap();
    let result = wait(server.send(&letter()));
    assert!(
        matches!(result, Err(Failure::Later { code: None, .. })),
        "{result:?}"
    );
    assert_eq!(stub.heard(), ["EHLO id.steppe.example"]);
}

// RFC 8314 3.3
#[test]
fn a_port_that_begins_in_the_clear_is_told_from_no_server() {
    let stub = Stub::start(Script::new());
    let server = Server::new(Smtp {
        host: "localhost".into(),
        port: stub.port,
        security: Security::Tls,
        login: None,
        hello: "id.steppe.example".into(),
        authority: None,
    })
    .unwrap();
    let failure = wait(server.send(&letter())).unwrap_err();
    assert!(failure.is_in_the_clear(), "{failure}");
    let none = Failure::Later {
        code: None,
        said: "Connection refused".into(),
    };
    assert!(!none.is_in_the_clear());
}

#[test]
fn whether_mail_gets_out_is_seen_before_a_recipient_is_named() {
    let from = "Steppe <no-reply@steppe.example>";
    let stub = Stub::start(Script::new());
    assert_eq!(wait(server(stub.port, true).reach(from)), Ok(()));
    let heard = stub.heard();
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:")));
    assert!(
        !heard.iter().any(|line| line.starts_with("RCPT")),
        "{heard:?}"
    );
    let stub = Stub::start(Script::from([("MAIL", Act::Say("550 not you"))]));
    let refused = wait(server(stub.port, true).reach(from));
    assert!(
        matches!(
            refused,
            Err(Failure::Later {
                code: Some(550),
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn the_clear_is_for_this_machine_only() {
    for (host, allowed) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("::1", true),
        ("[::1]", true),
        ("mail.example", false),
        ("localhost.mail.example", false),
        ("192.0.2.1", false),
        ("0.0.0.0", false),
        ("::ffff:192.0.2.1", false),
    ] {
        let server = Server::new(Smtp {
            host: host.into(),
            port: 25,
            security: Security::None,
            login: None,
            hello: "id.steppe.example".into(),
            authority: None,
        });
        assert_eq!(server.is_ok(), allowed, "{host}");
    }
}

#[test]
fn an_authority_that_is_no_certificate_is_refused() {
    let server = Server::new(Smtp {
        host: "mail.example".into(),
        port: 465,
        security: Security::Tls,
        login: None,
        hello: "id.steppe.example".into(),
        authority: Some(b"not a certificate".to_vec()),
    });
    assert!(matches!(server.err(), Some(Error::Authority(_))));
}
