//! The app: signs the person in (by itself when it can), then talks until they leave.

use std::io::BufRead;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::find::find;
use crate::keep::{Keep, Stay};
use crate::key::Key;
use crate::line::{self, Ask, Heard, Lines, Person, Tell};
use crate::option::Settings;
use crate::signin;
use crate::web::{Fault, Provider, Tokens};

/// How soon a renewal that got no answer is tried again.
const AGAIN: Duration = Duration::from_secs(5);

const COMMANDS: &str = "Type a message and press Enter. \
    /to NAME a message for one person · /who · /signout · /quit";

enum Event {
    Typed(String),
    TypedAll,
    Heard(Tell),
    Cut,
}

struct App<'a> {
    settings: &'a Settings,
    provider: Provider,
    keep: Keep,
    key: Key,
    stay: Option<Stay>,
}

/// Signs in and talks.
pub fn run(settings: &Settings) -> Result<(), String> {
    let keep = Keep::open(&settings.folder)?;
    let found;
    let settings = if settings.find {
        found = find(settings)?;
        &found
    } else {
        settings
    };
    let provider = Provider::discover(&settings.issuer)?;
    let mut app = App {
        stay: keep.load()?,
        key: Key::open(&settings.folder)?,
        settings,
        provider,
        keep,
    };
    let tokens = app.sign_in()?;
    app.talk(tokens)
}

/// Ends the stay on this device, at the account server too.
pub fn sign_out(settings: &Settings) -> Result<(), String> {
    let keep = Keep::open(&settings.folder)?;
    let Some(stay) = keep.load()? else {
        println!("Nobody was signed in here.");
        return Ok(());
    };
    keep.forget()?;
    Provider::discover(&stay.issuer)
        .and_then(|provider| give_back(&provider, &stay))
        .map(|()| println!("You are signed out."))
}

fn give_back(provider: &Provider, stay: &Stay) -> Result<(), String> {
    provider
        .revoke(&stay.client, &stay.refresh_token)
        .map_err(|why| {
            format!(
                "This device has forgotten you, but the account server was not told: {why}. \
                 End the stay there: {}/account",
                provider.issuer.trim_end_matches('/')
            )
        })
}

impl App<'_> {
    /// By what was kept; without it, or when it is over, by the browser.
    fn sign_in(&mut self) -> Result<Tokens, String> {
        let ours = |stay: &Stay| {
            stay.issuer == self.settings.issuer && stay.client == self.settings.client
        };
        match self.stay.take_if(|stay| !ours(stay)) {
            Some(other) => {
                return Err(format!(
                    "You are signed in at {} here. Choose another folder with --folder, or sign out first.",
                    other.issuer
                ));
            }
            None if self.stay.is_some() => {
                println!("Signing in…");
                match self.renew() {
                    Ok(tokens) => return Ok(tokens),
                    Err(Fault::Over) => {
                        println!("You were signed out of this device. Sign in again.");
                        self.stay = None;
                        self.keep.forget()?;
                    }
                    Err(why) => {
                        return Err(format!(
                            "The account server did not sign you in: {why}. You stay signed in; start again later."
                        ));
                    }
                }
            }
            None => println!("Sign in, or create an account."),
        }
        let tokens = signin::by_browser(&self.provider, self.settings, &self.key)?;
        self.remember(&tokens);
        Ok(tokens)
    }

    /// A fresh token for the old stay (RFC 6749 6).
    fn renew(&mut self) -> Result<Tokens, Fault> {
        let old = self.stay.as_ref().map(|stay| stay.refresh_token.clone());
        let old = old.ok_or(Fault::Over)?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", old.as_str()),
            ("client_id", &self.settings.client),
        ];
        let tokens = self.provider.tokens(&form, &self.key)?;
        self.remember(&tokens);
        Ok(tokens)
    }

    /// Keeps the newest secret on disk before anything else is done with it.
    fn remember(&mut self, tokens: &Tokens) {
        let Some(refresh_token) = &tokens.refresh_token else {
            return; // RFC 6749 6: the old one goes on
        };
        let stay = Stay {
            issuer: self.settings.issuer.clone(),
            client: self.settings.client.clone(),
            refresh_token: refresh_token.clone(),
        };
        if self.stay.as_ref() == Some(&stay) {
            return;
        }
        if let Err(why) = self.keep.save(&stay) {
            println!("{why}. Next time you will be asked to sign in.");
        }
        self.stay = Some(stay);
    }

    fn talk(&mut self, tokens: Tokens) -> Result<(), String> {
        let server = self.settings.server;
        let stream = TcpStream::connect(server).map_err(|why| {
            format!("You are signed in, but the chat server at {server} does not answer: {why}. Start it with: messenger server")
        })?;
        let gone = |_| "The chat server went away.".to_owned();
        let (sender, events) = channel();
        {
            let (sender, stream) = (sender.clone(), stream.try_clone().map_err(gone)?);
            std::thread::spawn(move || hear(&stream, &sender));
        }
        std::thread::spawn(move || read_keys(&sender));
        let mut due = now() + tokens.renew_after();
        line::send(&stream, &self.show_in(tokens)?).map_err(gone)?;
        let result = loop {
            match next(&events, due) {
                None => match self.send_fresh(&stream) {
                    Ok(wait) => due = now() + wait,
                    Err(why) => break Err(why),
                },
                // Early, as when the machine slept: the clock of the chat server counts.
                Some(Event::Heard(Tell::Renew)) => due = now(),
                Some(Event::Heard(Tell::Refused(why))) => break Err(line::plain(&why)),
                Some(Event::Heard(tell)) => show(tell),
                Some(Event::Cut) => {
                    break Err("The chat server went away. Start the messenger again; it signs you in by itself.".to_owned());
                }
                Some(Event::TypedAll) => break Ok(()),
                Some(Event::Typed(typed)) => match typed.trim() {
                    "" => {}
                    "/quit" => break Ok(()),
                    "/signout" => break self.leave(),
                    typed => match understand(typed) {
                        Ok(ask) => line::send(&stream, &ask).map_err(gone)?,
                        Err(help) => println!("{help}"),
                    },
                },
            }
        };
        let _ = stream.shutdown(Shutdown::Both);
        result
    }

    /// Renews the stay and shows the chat server the new token; says when to come back.
    fn send_fresh(&mut self, stream: &TcpStream) -> Result<Duration, String> {
        match self.renew() {
            Ok(tokens) => {
                let wait = tokens.renew_after();
                line::send(stream, &self.show_in(tokens)?)
                    .map(|()| wait)
                    .map_err(|_| "The chat server went away.".to_owned())
            }
            Err(Fault::Refused(_) | Fault::Elsewhere(_)) => Ok(AGAIN),
            Err(Fault::Over) => {
                self.stay = None;
                self.keep.forget()?;
                Err("You were signed out of this device.".to_owned())
            }
        }
    }

    /// A token for the chat server, with the proof that the key is here where it is bound to it.
    fn show_in(&self, tokens: Tokens) -> Result<Ask, String> {
        let token = tokens.access_token.clone();
        if !tokens.is_bound() {
            return Ok(Ask::Token(token));
        }
        let door = format!("http://{}/", self.settings.server);
        let proof = self.key.proof("GET", &door, Some(&token), None)?;
        Ok(Ask::Proved { token, proof })
    }

    fn leave(&mut self) -> Result<(), String> {
        self.keep.forget()?;
        if let Some(stay) = self.stay.take() {
            give_back(&self.provider, &stay)?;
        }
        println!("You are signed out.");
        Ok(())
    }
}

/// The next thing that happens; `None` when it is time to renew.
fn next(events: &Receiver<Event>, due: Instant) -> Option<Event> {
    match events.recv_timeout(due.saturating_duration_since(now())) {
        Ok(event) => Some(event),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Event::Cut),
    }
}

fn hear(stream: &TcpStream, events: &Sender<Event>) {
    let mut lines = Lines::new(stream);
    loop {
        let event = match lines.next() {
            Ok(Heard::Line(tell)) => Event::Heard(tell),
            Ok(Heard::Nothing) => continue,
            Ok(Heard::End) | Err(_) => Event::Cut,
        };
        let last = matches!(event, Event::Cut);
        if events.send(event).is_err() || last {
            return;
        }
    }
}

fn read_keys(events: &Sender<Event>) {
    for typed in std::io::stdin().lock().lines() {
        match typed {
            Ok(typed) => {
                if events.send(Event::Typed(typed)).is_err() {
                    return;
                }
            }
            Err(_) => break,
        }
    }
    let _ = events.send(Event::TypedAll);
}

fn understand(typed: &str) -> Result<Ask, String> {
    match typed.split_once(' ').unwrap_or((typed, "")) {
        ("/who", "") => Ok(Ask::Who),
        ("/to", rest) => match rest.trim().split_once(' ') {
            Some((to, text)) => Ok(Ask::Say {
                text: text.trim().to_owned(),
                to: Some(to.to_owned()),
            }),
            None => Err(COMMANDS.to_owned()),
        },
        (word, _) if word.starts_with('/') => Err(COMMANDS.to_owned()),
        _ => Ok(Ask::Say {
            text: typed.to_owned(),
            to: None,
        }),
    }
}

fn show(tell: Tell) {
    match tell {
        Tell::Welcome { you, online } => {
            println!("You are signed in as {}.", named(&you));
            println!("Online: {}", list(&online, Some(&you)));
            println!("{COMMANDS}");
        }
        Tell::Online(people) => println!("Online: {}", list(&people, None)),
        Tell::Joined(person) => println!("{} is here.", named(&person)),
        Tell::Left(person) => println!("{} left.", named(&person)),
        Tell::Said {
            from,
            text,
            private,
        } => {
            let only = if private { " (only to you)" } else { "" };
            println!(
                "{}{only}: {}",
                line::plain(&from.username),
                line::plain(&text)
            );
        }
        Tell::NotHere(name) => println!("{} is not here now.", line::plain(&name)),
        Tell::Renew | Tell::Refused(_) => {}
    }
}

fn named(person: &Person) -> String {
    let (username, name) = (line::plain(&person.username), line::plain(&person.name));
    if name == username {
        username
    } else {
        format!("{username} ({name})")
    }
}

fn list(people: &[Person], you: Option<&Person>) -> String {
    let others: Vec<String> = people
        .iter()
        .filter(|person| Some(*person) != you)
        .map(named)
        .collect();
    match (others.is_empty(), you) {
        (true, Some(_)) => "nobody but you".to_owned(),
        _ => others.join(", "),
    }
}

#[allow(clippy::disallowed_methods)] // the app's one look at the clock
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_understood_or_explained() {
        let say = |text: &str, to: Option<&str>| Ask::Say {
            text: text.to_owned(),
            to: to.map(str::to_owned),
        };
        for (typed, ask) in [
            ("hello there", Some(say("hello there", None))),
            ("/who", Some(Ask::Who)),
            (
                "/to bea  good morning",
                Some(say("good morning", Some("bea"))),
            ),
            ("/to bea", None),
            ("/dance", None),
        ] {
            assert_eq!(understand(typed).ok(), ask, "{typed}");
        }
    }
}
