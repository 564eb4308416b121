//! The whole story with an account server made of cardboard: start, sign up in the browser, talk,
//! stay signed in, start again without a browser, sign out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod program;
#[path = "../../../verify/tests/sign/mod.rs"]
mod sign;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use program::{Folder, Program, get};
use serde_json::{Value, json};
use sign::{Signer, b64, set};
use url::{Url, form_urlencoded};

type Form = HashMap<String, String>;

/// Codes and refresh tokens that are good, and how often people renewed.
#[derive(Default)]
struct Desk {
    /// code -> (username, form of the authorize request)
    codes: HashMap<String, (String, Form)>,
    /// refresh token -> username, and the key that it is bound to
    stays: HashMap<String, (String, String)>,
    renewed: HashMap<String, u32>,
    count: u32,
}

struct Fake {
    issuer: String,
    signer: Signer,
    desk: Mutex<Desk>,
    renewal: Condvar,
}

impl Fake {
    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            signer: Signer::ec(),
            desk: Mutex::default(),
            renewal: Condvar::new(),
        });
        let serving = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.answer(stream.unwrap());
            }
        });
        fake
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length, mut proof) = (String::new(), 0, None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() <= 2 {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.to_lowercase().starts_with("dpop:") {
                proof = Some(line[5..].trim().to_owned());
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let form: Form = form_urlencoded::parse(&body).into_owned().collect();
        let issuer = &self.issuer;
        let (status, body) = match head.split(' ').nth(1).unwrap() {
            "/.well-known/openid-configuration" => {
                let document = json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
                    "token_endpoint": format!("{issuer}/oauth2/token"),
                    "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
                    "authorization_response_iss_parameter_supported": true,
                });
                (200, document.to_string())
            }
            "/services/demo-chat/jwks.json" => (200, set(&[self.signer.jwk(Some("1"))])),
            "/oauth2/token" => self.token(&form, &proof.unwrap()),
            "/oauth2/revoke" => {
                self.desk.lock().unwrap().stays.remove(&form["token"]);
                (200, String::new())
            }
            other => panic!("{other}"),
        };
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\ndpop-nonce: {NONCE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn token(&self, form: &Form, proof: &str) -> (u16, String) {
        assert_eq!(form["client_id"], "demo-messenger");
        let (jkt, said) = proved(proof);
        assert_eq!(
            (&said["htm"], &said["htu"]),
            (
                &json!("POST"),
                &json!(format!("{}/oauth2/token", self.issuer))
            )
        );
        if said["nonce"] != NONCE {
            return (400, json!({"error": "use_dpop_nonce"}).to_string());
        }
        let mut desk = self.desk.lock().unwrap();
        let username = match form["grant_type"].as_str() {
            "authorization_code" => desk.codes.remove(&form["code"]).map(|(who, asked)| {
                let verifier = form["code_verifier"].as_bytes();
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier);
                assert_eq!(asked["code_challenge"], b64(hash));
                assert_eq!(asked["redirect_uri"], form["redirect_uri"]);
                assert_eq!(asked["dpop_jkt"], jkt);
                who
            }),
            "refresh_token" => {
                let stay = desk.stays.get(&form["refresh_token"]).cloned();
                let stay = stay.filter(|(_, key)| *key == jkt);
                let who = stay.map(|(who, _)| who);
                if let Some(who) = &who {
                    *desk.renewed.entry(who.clone()).or_default() += 1;
                    self.renewal.notify_all();
                }
                who
            }
            other => panic!("{other}"),
        };
        let Some(username) = username else {
            return (400, json!({"error": "invalid_grant"}).to_string());
        };
        desk.count += 1;
        // One that is bound is kept.
        let refresh = match form.get("refresh_token") {
            Some(kept) => kept.clone(),
            None => format!("stay-{}", desk.count),
        };
        desk.stays
            .insert(refresh.clone(), (username.clone(), jkt.clone()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let claims = json!({
            "iss": self.issuer, "aud": "demo-chat", "sub": format!("id-{username}"),
            "client_id": "demo-messenger", "scope": "chat", "jti": desk.count.to_string(),
            "iat": now.as_secs(), "exp": now.as_secs() + 3, "preferred_username": username, "cnf": {"jkt": jkt},
        });
        let access = self.signer.sign(&self.signer.header("1"), &claims);
        let answer = json!({
            "access_token": access, "token_type": "DPoP", "expires_in": 3,
            "refresh_token": refresh, "scope": "openid profile chat",
        });
        (200, answer.to_string())
    }

    /// What the browser and the person in it do, up to the way back.
    fn decide(&self, address: &str, username: &str) -> (Url, String) {
        let address = Url::parse(address).unwrap();
        assert!(
            address
                .as_str()
                .starts_with(&format!("{}/oauth2/authorize?", self.issuer))
        );
        let asked: Form = address.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], "demo-messenger");
        assert_eq!(asked["scope"], "openid profile chat");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["state"].len(), 43);
        let back = Url::parse(&asked["redirect_uri"]).unwrap();
        assert_eq!(
            (back.host_str(), back.path()),
            (Some("127.0.0.1"), "/callback")
        );
        let state = asked["state"].clone();
        let mut desk = self.desk.lock().unwrap();
        desk.codes
            .insert(format!("code-{username}"), (username.to_owned(), asked));
        (back, state)
    }

    fn wait_for_renewals(&self, username: &str, count: u32) {
        let desk = self.desk.lock().unwrap();
        let enough = |desk: &mut Desk| desk.renewed.get(username).is_none_or(|n| *n < count);
        let wait = Duration::from_secs(30);
        let (_desk, late) = self.renewal.wait_timeout_while(desk, wait, enough).unwrap();
        assert!(!late.timed_out(), "{username} did not renew");
    }
}

/// What our account server of cardboard wants to see in a proof.
const NONCE: &str = "nonce-1";

/// The key of a proof, by its thumbprint, and what it says. The signature is the chat server's
/// business, which has a real checker.
fn proved(proof: &str) -> (String, Value) {
    let part = |number: usize| -> Value {
        let part = proof.split('.').nth(number).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("dpop+jwt"), &json!("ES256"))
    );
    let jwk = &header["jwk"];
    assert!(jwk["d"].is_null(), "a private key is sent nowhere");
    let members = format!(
        r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
        jwk["x"], jwk["y"]
    );
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.as_bytes());
    (b64(hash), claims)
}

/// A proof by a key that is none of ours.
fn proof(signer: &Signer, method: &str, url: &str, token: &str, id: &str) -> String {
    let mut jwk = signer.jwk(None);
    for name in ["use", "alg"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let ath = b64(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        token.as_bytes(),
    ));
    let claims = json!({
        "jti": id, "htm": method, "htu": url, "iat": now, "ath": ath, "nonce": NONCE,
    });
    signer.sign(&header, &claims)
}

#[test]
fn two_people_sign_up_talk_stay_and_leave() {
    let fake = Fake::start();
    let server = Program::start(&[
        "server",
        "--issuer",
        &fake.issuer,
        "--server",
        "127.0.0.1:0",
    ]);
    let address = server.read_to("Chat server on ");
    let address = address
        .split(' ')
        .nth(3)
        .unwrap()
        .trim_end_matches('.')
        .to_owned();
    let (ann_folder, bea_folder) = (Folder::new("ann"), Folder::new("bea"));
    let chat = |folder: &Folder| {
        let words = ["chat", "--issuer", &fake.issuer, "--server", &address];
        Program::start(&[&words, &["--no-browser", "--folder", folder.text()][..]].concat())
    };
    let sign_in = |program: &Program, username: &str| {
        let line = program.read_to("  http");
        let (back, state) = fake.decide(line.trim(), username);
        let code = format!("code-{username}");
        // what others on the machine could send meanwhile
        for forged in [
            vec![
                ("code", code.as_str()),
                ("state", "x"),
                ("iss", &fake.issuer),
            ],
            vec![
                ("code", &code),
                ("state", &state),
                ("iss", "https://id.other.example"),
            ],
            vec![("code", &code), ("state", &state)],
            vec![
                ("code", &code),
                ("code", "x"),
                ("state", &state),
                ("iss", &fake.issuer),
            ],
        ] {
            assert!(
                get(&back, &forged).starts_with("HTTP/1.1 400 "),
                "{forged:?}"
            );
        }
        let good = [
            ("code", code.as_str()),
            ("state", &state),
            ("iss", &fake.issuer),
        ];
        assert!(get(&back, &good).contains("You are signed in."));
        program.read_to(&format!("You are signed in as {username}."));
        // the way back is closed
        assert!(TcpStream::connect(("127.0.0.1", back.port().unwrap())).is_err());
    };

    let mut ann = chat(&ann_folder);
    sign_in(&ann, "ann");
    assert_eq!(ann.read_to("Online:"), "Online: nobody but you");
    let mut bea = chat(&bea_folder);
    sign_in(&bea, "bea");
    assert_eq!(bea.read_to("Online:"), "Online: ann");
    ann.read_to("bea is here.");
    bea.write("good morning");
    assert_eq!(ann.read_to("bea"), "bea: good morning");
    ann.write("/to bea and to you");
    assert_eq!(bea.read_to("ann"), "ann (only to you): and to you");
    ann.write("/to zoe hello");
    ann.read_to("zoe is not here now.");
    ann.write("/who");
    assert_eq!(ann.read_to("Online:"), "Online: ann, bea");

    // tokens live three seconds; the conversation goes on
    fake.wait_for_renewals("ann", 2);
    fake.wait_for_renewals("bea", 2);
    bea.write("still here");
    ann.read_to("bea: still here");
    for file in [
        ann_folder.stay(),
        ann_folder.stay().with_file_name("key.der"),
    ] {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // what is stolen from the disk, but for the key, is worth nothing elsewhere
    let stay: Value = serde_json::from_slice(&fs::read(ann_folder.stay()).unwrap()).unwrap();
    let stolen: Form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", stay["refresh_token"].as_str().unwrap()),
        ("client_id", "demo-messenger"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let at = format!("{}/oauth2/token", fake.issuer);
    let theirs = proof(&Signer::ec(), "POST", &at, "", "1");
    let (status, why) = fake.token(&stolen, &theirs);
    assert!(status == 400 && why.contains("invalid_grant"), "{why}");

    // the next start signs in by itself
    assert!(ann.end().0);
    bea.read_to("ann left.");
    let ann = chat(&ann_folder);
    let line = ann.read_to("");
    assert_eq!(line, "Signing in…");
    assert_eq!(ann.read_to(""), "You are signed in as ann.");
    bea.read_to("ann is here.");

    // a second app on the same stay is told so
    let (good, lines) = chat(&ann_folder).end();
    assert!(
        !good && lines[0].starts_with("error: Another messenger uses "),
        "{lines:?}"
    );

    // signed out elsewhere: told so, and asked again
    assert!(ann.end().0);
    fake.desk
        .lock()
        .unwrap()
        .stays
        .retain(|_, (who, _)| who != "ann");
    let ann = chat(&ann_folder);
    ann.read_to("You were signed out of this device.");
    sign_in(&ann, "ann");
    assert!(ann.end().0);

    // signing out, in the app and by the command
    bea.write("/signout");
    bea.read_to("You are signed out.");
    assert!(bea.end().0);
    let (good, lines) = Program::start(&["signout", "--folder", ann_folder.text()]).end();
    assert!(good && lines == ["You are signed out."], "{lines:?}");
    assert!(!ann_folder.stay().exists() && !bea_folder.stay().exists());
    assert!(fake.desk.lock().unwrap().stays.is_empty());
}

#[test]
fn a_sign_up_can_be_asked_for_and_refused() {
    let fake = Fake::start();
    let folder = Folder::new("new");
    let words = ["chat", "--new", "--no-browser", "--issuer", &fake.issuer];
    let program = Program::start(&[&words[..], &["--folder", folder.text()]].concat());
    let line = program.read_to("  http");
    assert!(line.contains("&prompt=create"));
    let (back, state) = fake.decide(line.trim(), "ann");
    let answer = [
        ("error", "access_denied"),
        ("state", &state),
        ("iss", &fake.issuer),
    ];
    assert!(get(&back, &answer).contains("You chose not to let the messenger in."));
    program.read_to("error: You chose not to let the messenger in.");
    assert!(!program.end().0);
    assert!(!folder.stay().exists());
}

#[test]
fn the_chat_server_lets_in_whom_it_should_only() {
    let fake = Fake::start();
    let server = Program::start(&[
        "server",
        "--issuer",
        &fake.issuer,
        "--server",
        "127.0.0.1:0",
    ]);
    let address = server.read_to("Chat server on ");
    let address = address
        .split(' ')
        .nth(3)
        .unwrap()
        .trim_end_matches('.')
        .to_owned();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = json!({
        "iss": fake.issuer, "aud": "demo-chat", "sub": "id-ann", "client_id": "demo-messenger",
        "scope": "chat", "jti": "1", "iat": now, "exp": now + 600, "preferred_username": "ann",
    });
    let signer = &fake.signer;
    let sign = |claims| json!({"token": signer.sign(&signer.header("1"), &claims)}).to_string();
    let wrong = |name, value| sign(sign::with(claims.clone(), name, value));
    for (line, begin) in [
        (sign(claims.clone()), r#"{"welcome":"#),
        (wrong("aud", json!("files")), r#"{"refused":"#),
        (
            wrong("exp", json!(now - 60)),
            r#"{"refused":"Your stay had run out."#,
        ),
        (
            wrong("scope", json!("openid")),
            r#"{"refused":"You have not allowed"#,
        ),
        (
            sign(sign::without(claims.clone(), "preferred_username")),
            r#"{"refused":"Only people can talk here."#,
        ),
        ("hello".to_owned(), r#"{"refused":"#),
        ("x".repeat(40_000), r#"{"refused":"#),
    ] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // a server that refuses may close before all is written
        let _ = writeln!(stream, "{line}");
        let mut answer = String::new();
        let _ = BufReader::new(stream).read_line(&mut answer);
        assert!(answer.starts_with(begin), "{begin}: {answer}");
    }
}

#[test]
fn a_bound_token_opens_the_chat_server_with_its_proof_once_and_not_without() {
    let fake = Fake::start();
    let words = [
        "server",
        "--issuer",
        &fake.issuer,
        "--server",
        "127.0.0.1:0",
    ];
    let server = Program::start(&words);
    let address = server.read_to("Chat server on ");
    let address = address
        .split(' ')
        .nth(3)
        .unwrap()
        .trim_end_matches('.')
        .to_owned();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let own = Signer::ec();
    let door = format!("http://{address}/");
    let (jkt, _) = proved(&proof(&own, "GET", &door, "", "0"));
    let token = fake.signer.sign(
        &fake.signer.header("1"),
        &json!({
            "iss": fake.issuer, "aud": "demo-chat", "sub": "id-ann", "client_id": "demo-messenger",
            "scope": "chat", "jti": "1", "iat": now, "exp": now + 600,
            "preferred_username": "ann", "cnf": {"jkt": jkt},
        }),
    );
    let say = |line: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let _ = writeln!(stream, "{line}");
        let mut answer = String::new();
        let _ = BufReader::new(stream).read_line(&mut answer);
        answer
    };
    let shown = |proof: &str| say(&json!({"proved": {"token": token, "proof": proof}}).to_string());
    let good = proof(&own, "GET", &door, &token, "1");
    for (why, answer) in [
        ("no proof", say(&json!({"token": token}).to_string())),
        (
            "a thief's key",
            shown(&proof(&Signer::ec(), "GET", &door, &token, "1")),
        ),
        (
            "another token's",
            shown(&proof(&own, "GET", &door, "x", "1")),
        ),
        (
            "another server's",
            shown(&proof(&own, "GET", "http://127.0.0.1:9/", &token, "1")),
        ),
        (
            "another method's",
            shown(&proof(&own, "POST", &door, &token, "1")),
        ),
        ("none", shown("")),
    ] {
        assert!(answer.starts_with(r#"{"refused":"#), "{why}: {answer}");
    }
    assert!(shown(&good).starts_with(r#"{"welcome":"#));
    assert!(
        shown(&good).starts_with(r#"{"refused":"#),
        "a proof is taken once"
    );

    // The same port over HTTP: a stranger learns where to sign in.
    let ask = |headers: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(stream, "GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let metadata = format!(
        "resource_metadata=\"{}/.well-known/oauth-protected-resource/services/demo-chat\"",
        fake.issuer
    );
    let answer = ask("");
    assert!(
        answer.starts_with("HTTP/1.1 401 ") && answer.contains(&metadata),
        "{answer}"
    );
    assert!(!answer.contains("error="), "no error where no token came");
    let with = |scheme: &str, proof: &str| {
        ask(&format!(
            "authorization: {scheme} {token}\r\ndpop: {proof}\r\n"
        ))
    };
    assert!(
        with("DPoP", &good).contains("error=\"invalid_token\""),
        "it came before"
    );
    let fresh = proof(&own, "GET", &door, &token, "2");
    assert!(with("Bearer", &fresh).starts_with("HTTP/1.1 401 "));
    assert!(with("DPoP", &fresh).starts_with("HTTP/1.1 200 "));
    assert!(ask("\r\nx").starts_with("HTTP/1.1 "));
}
