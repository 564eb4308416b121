//! The chat server. It trusts what Gerege signed for it, checks that itself, and checks it again:
//! a connection lives no longer than the newest token it has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use gerege_verify::{Call, CheckError, Claims, Refusal, Remote};

use crate::http;
use crate::line::{self, Ask, Heard, Lines, Person, Tell};
use crate::option::Settings;

/// How often a silent connection is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long a new connection may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a token may be over before the connection ends; the check has the same leeway.
const GRACE: Duration = Duration::from_secs(30);
const MOST_CONNECTIONS: usize = 200;
const MOST_WAITING: usize = 100;

/// Listens until it is stopped.
pub fn run(settings: &Settings) -> Result<(), String> {
    let remote = match &settings.keys {
        Some(keys) => Remote::from_key_set(keys, &settings.issuer, &settings.audience),
        None => Remote::for_service(&settings.issuer, &settings.service, &settings.audience),
    }
    .map_err(|why| why.to_string())?;
    let listener = TcpListener::bind(settings.server)
        .map_err(|why| format!("Cannot listen on {}: {why}", settings.server))?;
    let address = listener.local_addr().map_err(|why| why.to_string())?;
    println!(
        "Chat server on {address}. It lets in whom {} signs in.",
        settings.issuer
    );
    if let Err(why) = remote.load(now()) {
        println!("It cannot check anyone yet: {why}. It will try again.");
    }
    let house = Arc::new(House {
        remote,
        scope: settings.scope.clone(),
        door: format!("http://{address}/"),
        metadata: format!(
            "{}/.well-known/oauth-protected-resource/services/{}",
            settings.issuer.trim_end_matches('/'),
            settings.service
        ),
        seen: Mutex::new(BTreeMap::new()),
        room: Mutex::new(BTreeMap::new()),
        next: AtomicU64::new(1),
    });
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let house = house.clone();
        // A failed spawn drops the connection, which is the right answer to too many of them.
        let _ = std::thread::Builder::new().spawn(move || house.receive(&stream));
    }
    Ok(())
}

struct House {
    remote: Remote,
    scope: String,
    /// This server, as apps name it in their proofs.
    door: String,
    /// Where the account server tells of this server (RFC 9728).
    metadata: String,
    /// Proofs that came, and until when they would be taken (RFC 9449 11.1).
    seen: Mutex<BTreeMap<(String, String), SystemTime>>,
    room: Mutex<BTreeMap<u64, Member>>,
    next: AtomicU64,
}

struct Member {
    person: Person,
    mail: SyncSender<Tell>,
    stream: TcpStream,
}

/// Who is on a connection, and until when.
struct Stay {
    sub: String,
    person: Person,
    renew_at: SystemTime,
    ends_at: SystemTime,
    asked: bool,
}

/// What a connection's time asks for.
#[derive(Debug, PartialEq)]
enum Due {
    Nothing,
    Renew,
    End,
}

impl Stay {
    fn new(sub: String, person: Person, at: SystemTime, expires_at: SystemTime) -> Self {
        let life = expires_at.duration_since(at).unwrap_or_default();
        // Ask a minute before the end, or after four fifths of a short life.
        let margin = (life / 5).min(Duration::from_secs(60));
        Self {
            sub,
            person,
            renew_at: at + (life - margin),
            ends_at: expires_at + GRACE,
            asked: false,
        }
    }

    /// Goes on with a newer token of the same person.
    fn renew(&mut self, new: Self) -> Result<(), String> {
        if new.sub != self.sub {
            return Err("That was someone else's.".to_owned());
        }
        *self = new;
        Ok(())
    }

    /// Asks for a fresh token once, and ends soon after the old one.
    fn due(&mut self, at: SystemTime) -> Due {
        if at >= self.ends_at {
            return Due::End;
        }
        if at < self.renew_at || self.asked {
            return Due::Nothing;
        }
        self.asked = true;
        Due::Renew
    }
}

impl House {
    fn receive(&self, stream: &TcpStream) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let why = self.talk(stream, number).err();
        // Taken out first: the room must not stay locked while the others are told.
        let member = self.room().remove(&number);
        match member {
            Some(Member { person, mail, .. }) => {
                // The last letter; after it `deliver` hangs up.
                if let Some(why) = why {
                    let _ = mail.try_send(Tell::Refused(why));
                }
                if !self.online().contains(&person) {
                    println!("- {}", person.username);
                    self.tell(&Tell::Left(person), None);
                }
            }
            None => {
                if let Some(why) = why {
                    let _ = line::send(stream, &Tell::Refused(why));
                }
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Serves one connection; an error is told to the app before the end.
    fn talk(&self, stream: &TcpStream, number: u64) -> Result<(), String> {
        let broken = |_| "The connection broke.".to_owned();
        stream.set_read_timeout(Some(LOOK)).map_err(broken)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
        let since = now();
        let mut first = [0];
        while now() < since + PATIENCE {
            match stream.peek(&mut first) {
                Ok(0) => return Ok(()),
                Ok(_) if http::is_request(first[0]) => {
                    self.answer(stream);
                    return Ok(());
                }
                Ok(_) => break,
                // Nothing yet.
                Err(_) => {}
            }
        }
        let mut lines = Lines::new(stream);
        let mut stay: Option<Stay> = None;
        loop {
            let ask = match lines.next::<Ask>() {
                Ok(Heard::Line(ask)) => Some(ask),
                Ok(Heard::Nothing) => None,
                Ok(Heard::End) => return Ok(()),
                Err(_) => return Err("The chat server did not understand your app.".to_owned()),
            };
            match (&mut stay, ask) {
                (None, Some(Ask::Token(token))) => {
                    let new = self.let_in(&token, None)?;
                    self.enter(stream, number, &new.person)?;
                    stay = Some(new);
                }
                (None, Some(Ask::Proved { token, proof })) => {
                    let new = self.let_in(&token, Some(&proof))?;
                    self.enter(stream, number, &new.person)?;
                    stay = Some(new);
                }
                (None, _) if now() < since + PATIENCE => {}
                (None, _) => return Err("Nobody said who they are.".to_owned()),
                (Some(stay), ask) => {
                    match stay.due(now()) {
                        Due::Nothing => {}
                        Due::Renew => self.post(number, Tell::Renew),
                        Due::End => {
                            return Err("Your stay has run out. Sign in again.".to_owned());
                        }
                    }
                    match ask {
                        None => {}
                        Some(Ask::Token(token)) => stay.renew(self.let_in(&token, None)?)?,
                        Some(Ask::Proved { token, proof }) => {
                            stay.renew(self.let_in(&token, Some(&proof))?)?;
                        }
                        Some(Ask::Who) => self.post(number, Tell::Online(self.online())),
                        Some(Ask::Say { text, to }) => self.say(number, &stay.person, &text, to),
                    }
                }
            }
        }
    }

    /// Checks a token, and the proof of the key that it is bound to. The reason of a refusal is for
    /// whoever runs the server.
    fn let_in(&self, token: &str, proof: Option<&str>) -> Result<Stay, String> {
        let at = now();
        let claims = self.check(token, proof, at).map_err(|why| {
            println!("! {why}");
            match why {
                CheckError::NoKeys(_) | CheckError::NoStatus(_) => {
                    "The chat server cannot reach the account server now."
                }
                CheckError::Refused(Refusal::Expired) => "Your stay had run out.",
                CheckError::Refused(_) => "The chat server did not accept your sign-in.",
            }
        })?;
        if !claims.has_scope(&self.scope) {
            return Err("You have not allowed this app to use the chat server.".to_owned());
        }
        let person = person(&claims).ok_or("Only people can talk here.")?;
        Ok(Stay::new(claims.sub, person, at, claims.expires_at))
    }

    fn check(
        &self,
        token: &str,
        proof: Option<&str>,
        at: SystemTime,
    ) -> Result<Claims, CheckError> {
        let Some(proof) = proof else {
            // A token that is bound is refused without its proof.
            return self.remote.check(token, at);
        };
        let call = Call {
            proof,
            method: "GET",
            url: &self.door,
        };
        let proved = self.remote.check_dpop(token, &call, at)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, until| *until > at);
        let again = seen.insert((proved.jkt, proved.jti), proved.until);
        match again {
            None => Ok(proved.claims),
            Some(_) => Err(CheckError::Refused(Refusal::Proof("it came before"))),
        }
    }

    /// One request over HTTP: who is there, for those who may know.
    fn answer(&self, stream: &TcpStream) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let Some(request) = http::read(stream) else {
            return http::answer(stream, "400 Bad Request", &[], "{}");
        };
        if request.path != "/" {
            return http::answer(stream, "404 Not Found", &[], "{}");
        }
        if request.method != "GET" {
            return http::answer(stream, "405 Method Not Allowed", &[], "{}");
        }
        let let_in = match (&request.token, request.proofs.as_slice()) {
            (Some((scheme, token)), []) if scheme == "bearer" => Some(self.let_in(token, None)),
            (Some((scheme, token)), [proof]) if scheme == "dpop" => {
                Some(self.let_in(token, Some(proof)))
            }
            _ => None,
        };
        match let_in {
            Some(Ok(_)) => {
                let online = serde_json::to_string(&self.online()).unwrap_or_default();
                http::answer(stream, "200 OK", &[], &online);
            }
            refused => {
                let error = match refused {
                    Some(_) => "error=\"invalid_token\", ",
                    None => "",
                };
                let named = format!("{error}resource_metadata=\"{}\"", self.metadata);
                let challenges = [
                    format!("Bearer {named}"),
                    format!("DPoP {named}, algs=\"ES256\""),
                ];
                http::answer(stream, "401 Unauthorized", &challenges, "{}");
            }
        }
    }

    fn enter(&self, stream: &TcpStream, number: u64, you: &Person) -> Result<(), String> {
        let (mail, letters) = sync_channel(MOST_WAITING);
        let clone = || stream.try_clone().map_err(|why| why.to_string());
        let (writer, handle) = (clone()?, clone()?);
        let known = self.online().contains(you);
        {
            let mut room = self.room();
            if room.len() >= MOST_CONNECTIONS {
                return Err("The chat server is full. Try again later.".to_owned());
            }
            room.insert(
                number,
                Member {
                    person: you.clone(),
                    mail,
                    stream: handle,
                },
            );
        }
        std::thread::Builder::new()
            .spawn(move || deliver(&writer, &letters))
            .map_err(|why| why.to_string())?;
        let online = self.online();
        let you = you.clone();
        self.post(
            number,
            Tell::Welcome {
                you: you.clone(),
                online,
            },
        );
        if !known {
            println!("+ {}", you.username);
            self.tell(&Tell::Joined(you), Some(number));
        }
        Ok(())
    }

    fn say(&self, number: u64, from: &Person, text: &str, to: Option<String>) {
        let said = Tell::Said {
            from: from.clone(),
            text: line::plain(text),
            private: to.is_some(),
        };
        let Some(to) = to else {
            self.tell(&said, Some(number));
            return;
        };
        let reached = {
            let room = self.room();
            let mut readers = room.values().filter(|one| one.person.username == to);
            readers.by_ref().map(|one| put(one, said.clone())).count()
        };
        if reached == 0 {
            self.post(number, Tell::NotHere(line::plain(&to)));
        }
    }

    fn tell(&self, what: &Tell, but: Option<u64>) {
        for (number, member) in self.room().iter() {
            if Some(*number) != but {
                put(member, what.clone());
            }
        }
    }

    fn post(&self, number: u64, what: Tell) {
        if let Some(member) = self.room().get(&number) {
            put(member, what);
        }
    }

    /// Everyone once, however many devices they have.
    fn online(&self) -> Vec<Person> {
        let people: BTreeSet<Person> = self.room().values().map(|one| one.person.clone()).collect();
        people.into_iter().collect()
    }

    fn room(&self) -> MutexGuard<'_, BTreeMap<u64, Member>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands over one line; whoever does not read theirs is let go.
fn put(member: &Member, what: Tell) {
    if member.mail.try_send(what).is_err() {
        let _ = member.stream.shutdown(Shutdown::Both);
    }
}

fn deliver(stream: &TcpStream, letters: &Receiver<Tell>) {
    while let Ok(letter) = letters.recv() {
        if line::send(stream, &letter).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Who a token is about; `None` for a machine, which has no name.
fn person(claims: &Claims) -> Option<Person> {
    let username = claims.username.clone()?;
    let name = claims.text("name").map_or(username.clone(), line::plain);
    Some(Person { username, name })
}

#[allow(clippy::disallowed_methods)] // the example's one look at the clock in this part
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_ends_with_its_token() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let person = Person {
            username: "ann".into(),
            name: "Ann".into(),
        };
        let mut stay = Stay::new("1".into(), person, at(0), at(600));
        for (second, due) in [
            (0, Due::Nothing),
            (539, Due::Nothing),
            (540, Due::Renew),
            (541, Due::Nothing),
            (629, Due::Nothing),
            (630, Due::End),
        ] {
            assert_eq!(stay.due(at(second)), due, "after {second} s");
        }
    }
}
