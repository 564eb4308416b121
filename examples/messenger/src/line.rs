//! What the app and the chat server say to each other: one JSON value a line, at most 32 KiB.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const LONGEST: usize = 32 * 1024;

/// From the app to the chat server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The first line, and later a fresh one before the old one ends.
    Token(String),
    /// The same, with the proof of the key that it is bound to.
    Proved { token: String, proof: String },
    /// To everyone, or to one person.
    Say { text: String, to: Option<String> },
    /// Who is there?
    Who,
}

/// From the chat server to the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// You are in.
    Welcome {
        you: Person,
        online: Vec<Person>,
    },
    /// Answer to `Who`.
    Online(Vec<Person>),
    Joined(Person),
    Left(Person),
    Said {
        from: Person,
        text: String,
        private: bool,
    },
    /// Nobody of that name is there.
    NotHere(String),
    /// Send a fresh token soon.
    Renew,
    /// You are out, for this reason.
    Refused(String),
}

/// A person, as others see them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    pub username: String,
    pub name: String,
}

/// What came of waiting for a line.
#[derive(Debug, PartialEq)]
pub enum Heard<T> {
    Line(T),
    /// No whole line yet, for as long as one read took (the socket's read timeout, at most):
    /// whoever waits looks at the clock in between.
    Nothing,
    End,
}

/// Reads lines from a connection, whatever pieces they come in.
pub struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: Read> Lines<R> {
    pub fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
        }
    }

    /// The next line, after one read at most; an error when it is too long or not what we speak.
    pub fn next<T: DeserializeOwned>(&mut self) -> io::Result<Heard<T>> {
        if let Some(line) = self.whole() {
            return Ok(Heard::Line(serde_json::from_slice(&line)?));
        }
        if self.buffer.len() > LONGEST {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line too long"));
        }
        let mut piece = [0; 4096];
        match self.from.read(&mut piece) {
            Ok(0) => return Ok(Heard::End),
            Ok(length) => self.buffer.extend(piece.iter().take(length)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
        match self.whole() {
            Some(line) => Ok(Heard::Line(serde_json::from_slice(&line)?)),
            None => Ok(Heard::Nothing),
        }
    }

    fn whole(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        Some(self.buffer.drain(..=end).collect())
    }
}

/// Sends one line.
pub fn send<T: Serialize>(mut stream: &TcpStream, value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Text from elsewhere, safe to show: no control characters (a terminal would obey them), no
/// characters that turn the writing direction round, 2000 characters at most.
pub fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(2000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_any_pieces() {
        let text = b"\"who\"\n{\"say\":{\"text\":\"hi\",\"to\":null}}\n\"wh".as_slice();
        let mut lines = Lines::new(text);
        assert_eq!(lines.next().unwrap(), Heard::Line(Ask::Who));
        let said = Ask::Say {
            text: "hi".into(),
            to: None,
        };
        assert_eq!(lines.next().unwrap(), Heard::Line(said));
        assert_eq!(lines.next::<Ask>().unwrap(), Heard::End);
        let mut drip = Lines::new(b"\"wh".chain(b"o\"\n".as_slice()));
        assert_eq!(drip.next::<Ask>().unwrap(), Heard::Nothing);
        assert_eq!(drip.next().unwrap(), Heard::Line(Ask::Who));
        assert!(Lines::new(b"nonsense\n".as_slice()).next::<Ask>().is_err());
        let long = [b'x'; 2 * LONGEST];
        let mut lines = Lines::new(long.as_slice());
        while lines
            .next::<Ask>()
            .is_ok_and(|heard| heard == Heard::Nothing)
        {}
        assert!(lines.next::<Ask>().is_err());
    }

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(plain("\u{1b}[2Jhi\r\n\u{202e}there"), "[2Jhithere");
        assert_eq!(plain(&"x".repeat(3000)).len(), 2000);
    }
}
