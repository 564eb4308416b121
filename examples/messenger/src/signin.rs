//! Signing in by the browser, as an app on the desktop does it (RFC 8252): the answer comes back
//! to an address on this machine that lives for this one sign-in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Url, form_urlencoded};

use crate::key::Key;
use crate::option::Settings;
use crate::web::{Provider, Tokens};

/// Sends the person to the browser and waits until they come back signed in.
pub fn by_browser(provider: &Provider, settings: &Settings, key: &Key) -> Result<Tokens, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|why| why.to_string())?;
    let port = listener.local_addr().map_err(|why| why.to_string())?.port();
    // RFC 8252 7.3: the number, not a name that may lead elsewhere; any port
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let state = random()?;
    let verifier = random()?; // RFC 7636 4.1
    let jkt = key.thumbprint();
    let address = request(provider, settings, &redirect, &state, &verifier, &jkt);

    if settings.browser && open(&address) {
        println!("Your browser opens now. If it does not, open this address:");
    } else {
        println!("Open this address in your browser:");
    }
    println!("\n  {address}\n\nFinish there. This window waits.");

    let (sender, answers) = channel();
    let over = Arc::new(AtomicBool::new(false));
    let door = {
        let over = over.clone();
        std::thread::Builder::new()
            .spawn(move || listen(&listener, &sender, &over))
            .map_err(|why| why.to_string())?
    };
    let result = loop {
        let Ok((mut stream, query)) = answers.recv() else {
            break Err("The way back from the browser broke. Start again.".to_owned());
        };
        match judge(provider, &query, &state) {
            Judged::NotOurs => {
                let _ = page(
                    &mut stream,
                    400,
                    "This did not come from the sign-in that this messenger began. It still waits.",
                );
            }
            Judged::Refused(why) => {
                let _ = page(&mut stream, 200, &why);
                break Err(why);
            }
            Judged::Code(code) => {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", code.as_str()),
                    ("redirect_uri", redirect.as_str()),
                    ("client_id", settings.client.as_str()),
                    ("code_verifier", verifier.as_str()),
                ];
                let tokens = provider.tokens(&form, key).map_err(|why| {
                    format!("The account server did not finish the sign-in: {why}. Start again.")
                });
                let words = match &tokens {
                    Ok(_) => {
                        "You are signed in. You can close this page and go back to the messenger."
                    }
                    Err(why) => why.as_str(),
                };
                let _ = page(&mut stream, 200, words);
                break tokens;
            }
        }
    };
    // Wake the listener so that it sees that it is over, and closes the port.
    over.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(("127.0.0.1", port));
    let _ = door.join();
    result
}

/// The address that the browser opens (RFC 6749 4.1.1, RFC 7636 4.3, RFC 9449 10).
fn request(
    provider: &Provider,
    settings: &Settings,
    redirect: &str,
    state: &str,
    verifier: &str,
    jkt: &str,
) -> Url {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let mut address = provider.authorize.clone();
    {
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &format!("openid profile {}", settings.scope))
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("dpop_jkt", jkt); // RFC 9449 10: the code is bound too
        if settings.new {
            query.append_pair("prompt", "create");
        }
    }
    address
}

#[derive(Debug, PartialEq)]
enum Judged {
    Code(String),
    Refused(String),
    NotOurs,
}

/// Reads what came back (RFC 6749 4.1.2, RFC 9207 2.4).
fn judge(provider: &Provider, query: &str, state: &str) -> Judged {
    let one = |name: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None, // missing, or twice: neither is an answer
        }
    };
    let same = one("state").is_some_and(|back| {
        constant_time::verify_slices_are_equal(back.as_bytes(), state.as_bytes()).is_ok()
    });
    let sender = match one("iss") {
        Some(issuer) => issuer == provider.issuer,
        None => !provider.names_itself,
    };
    if !same || !sender {
        return Judged::NotOurs;
    }
    match (one("code"), one("error")) {
        (Some(code), None) => Judged::Code(code),
        (None, Some(error)) if error == "access_denied" => {
            Judged::Refused("You chose not to let the messenger in.".to_owned())
        }
        (None, Some(error)) => Judged::Refused(format!(
            "The account server could not sign you in ({}).",
            crate::line::plain(&error)
        )),
        _ => Judged::NotOurs,
    }
}

/// Takes connections until it is over. Each has a thread: browsers open some that they never use.
fn listen(listener: &TcpListener, answers: &Sender<(TcpStream, String)>, over: &AtomicBool) {
    for stream in listener.incoming() {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let answers = answers.clone();
        let _ = std::thread::Builder::new().spawn(move || receive(stream, &answers));
    }
}

fn receive(mut stream: TcpStream, answers: &Sender<(TcpStream, String)>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
    let mut head = BufReader::new((&stream).take(16 * 1024)).lines();
    let Some(Ok(first)) = head.next() else { return };
    // The rest of the head is read so that closing the connection does not cut our answer off.
    while head
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    drop(head);
    let target = first
        .strip_prefix("GET ")
        .and_then(|rest| rest.split(' ').next());
    match target.and_then(|target| target.strip_prefix("/callback?")) {
        Some(query) => {
            let _ = answers.send((stream, query.to_owned()));
        }
        None => {
            let _ = page(&mut stream, 404, "There is nothing here.");
        }
    }
}

/// A page without anything that could load or run; the address with the code leaves no trace.
fn page(stream: &mut TcpStream, status: u16, words: &str) -> std::io::Result<()> {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Messenger</title><h1>Messenger</h1><p>{words}</p></html>"
    );
    write!(
        stream,
        "HTTP/1.1 {status} {}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
         referrer-policy: no-referrer\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         connection: close\r\n\r\n{body}",
        if status == 200 { "OK" } else { "Refused" },
        body.len()
    )
}

/// 256 random bits in 43 letters.
fn random() -> Result<String, String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| "This machine gives no random numbers.".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Opens the browser, if there seems to be one. The address is one word to it, never a command.
fn open(address: &Url) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let program = if let Some(browser) = set("BROWSER") {
        browser
    } else if cfg!(target_os = "macos") {
        "open".into()
    } else if set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some() {
        "xdg-open".into()
    } else {
        return false;
    };
    Command::new(program)
        .arg(address.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
