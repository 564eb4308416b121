//! One letter out: over SMTP, or into a folder in dev mode; and when to try again.

mod folder;
mod letter;
mod smtp;

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Time;

pub use self::folder::{Caught, Folder};
pub use self::letter::Letter;
pub use self::smtp::{LONGEST, Security, Server, Smtp};

/// Where letters go.
pub enum Mailer {
    /// To a mail server.
    Smtp(Server),
    /// Into `.eml` files, for dev mode.
    Folder(Folder),
}

/// The letter was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The server's own words, often its queue id; the file's name in dev mode.
    pub said: String,
}

/// The letter was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server will not take this letter, now or later (RFC 5321 4.2.1, 5yz): final.
    #[error("the mail server refused the letter: {code} {said}")]
    Refused {
        /// The reply code.
        code: u16,
        /// The server's own words.
        said: String,
    },
    /// Not now: a 4yz reply, no connection, no answer in time, or a reply to us and not to the
    /// letter (sign-in at the mail server, sender not allowed). Try again.
    #[error("the mail server did not take the letter now: {}{said}", code.map_or_else(String::new, |code| format!("{code} ")))]
    Later {
        /// The reply code, when there was a reply.
        code: Option<u16>,
        /// The server's own words, or the system's.
        said: String,
    },
    /// The letter itself cannot be written (a line break in a header, no such address): final.
    #[error("the letter cannot be written: {field} is not fit for a mail header")]
    Malformed {
        /// Which part.
        field: &'static str,
    },
}

impl Failure {
    /// The port does not begin with TLS, as `mail.security = "tls"` wants it.
    pub fn is_in_the_clear(&self) -> bool {
        // rustls's own word for a first record that is none.
        matches!(self, Self::Later { code: None, said } if said.contains("corrupt message"))
    }
}

/// The settings do not make a mailer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Letters may go in the clear only to this machine.
    #[error("mail.security = \"none\" is for a mail server on this machine only; {0} is not")]
    Clear(String),
    /// The extra certificate authority cannot be used.
    #[error("network.ca_file cannot be used: {0}")]
    Authority(String),
    /// The folder cannot be made.
    #[error("the mail folder cannot be made: {0}")]
    Folder(String),
}

impl Mailer {
    /// A mailer that talks to a mail server. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Clear`], [`Error::Authority`].
    pub fn smtp(settings: Smtp) -> Result<Self, Error> {
        Server::new(settings).map(Self::Smtp)
    }

    /// A mailer that keeps letters in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// [`Error::Folder`].
    pub fn folder(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Folder::new(path.into()).map(Self::Folder)
    }

    /// Hands one letter over, or gives up within [`LONGEST`].
    ///
    /// # Errors
    /// [`Failure`] says whether trying again makes sense.
    pub async fn send(&self, letter: &Letter) -> Result<Sent, Failure> {
        match self {
            Self::Smtp(server) => server.send(letter).await,
            Self::Folder(folder) => folder.keep(letter),
        }
    }

    /// Goes as far as a letter from `from` goes before its recipient is named, and sends none.
    ///
    /// # Errors
    /// [`Failure`], as [`Mailer::send`].
    pub async fn reach(&self, from: &str) -> Result<(), Failure> {
        match self {
            Self::Smtp(server) => server.reach(from).await,
            Self::Folder(_) => Ok(()),
        }
    }
}

/// The first wait after a failure.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// When to try next: now for a letter that was never tried, then after 5 s, 10 s, 20 s … 15
/// minutes. `None`: give the letter up, because `keep` has passed since `first_at` or the secret
/// inside would have run out: an expired secret is never sent (SECURITY.md L05). While a secret
/// lives no wait is longer than a quarter of its rest, so that a server that comes back is not
/// met too late.
pub fn retry(
    tries: u32,
    first_at: Time,
    secret_ends_at: Option<Time>,
    keep: Duration,
    now: Time,
) -> Option<Time> {
    let mut wait = match tries.checked_sub(1) {
        None => Duration::ZERO,
        Some(waits) => FIRST_WAIT
            .saturating_mul(2u32.saturating_pow(waits))
            .min(LONGEST_WAIT),
    };
    if let Some(ends_at) = secret_ends_at {
        let quarter = ends_at.since(now) / 4;
        wait = wait.min(quarter.max(FIRST_WAIT));
    }
    let next = now.plus(wait);
    let last = first_at.plus(keep);
    let end = secret_ends_at.map_or(last, |ends_at| ends_at.min(last));
    (next < end).then_some(next)
}

/// A server's words as we keep and show them: one line, no control or direction characters, at
/// most 200 characters.
fn clean(words: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let line: String = words
        .chars()
        .map(|c| if hidden(c) { ' ' } else { c })
        .collect();
    let line: Vec<&str> = line.split_whitespace().collect();
    line.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    /// The instants of all tries, in seconds, when each fails at once.
    fn tries(secret_ends_at: Option<Time>) -> Vec<i64> {
        let (mut all, mut now) = (Vec::new(), at(0));
        while let Some(next) = retry(all.len() as u32, at(0), secret_ends_at, DAY, now) {
            now = next;
            all.push(now.seconds());
        }
        all
    }

    // SECURITY.md L05
    #[test]
    fn waits_grow_from_5_seconds_to_15_minutes_for_a_day() {
        let all = tries(None);
        assert_eq!(all[..6], [0, 5, 15, 35, 75, 155]);
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] <= 900));
        assert!(*all.last().unwrap() < 86_400);
        assert!(*all.last().unwrap() >= 86_400 - 900);
    }

    #[test]
    fn a_secret_is_tried_until_it_runs_out_and_never_after() {
        let all = tries(Some(at(900)));
        assert!(*all.last().unwrap() < 900);
        assert!(*all.last().unwrap() >= 880, "{all:?}");
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] <= 225));
        assert!(all.len() < 30, "{all:?}");
        assert_eq!(retry(0, at(0), Some(at(900)), DAY, at(900)), None);
        assert_eq!(retry(0, at(0), Some(at(900)), DAY, at(899)), Some(at(899)));
    }

    #[test]
    fn a_letter_that_waited_a_day_is_given_up() {
        assert_eq!(retry(9, at(0), None, DAY, at(86_400)), None);
        assert_eq!(retry(0, at(0), None, DAY, at(86_400)), None);
        assert_eq!(retry(u32::MAX, at(0), None, DAY, at(9)), Some(at(909)));
    }

    #[test]
    fn words_of_a_server_are_kept_on_one_short_line() {
        for (words, kept) in [
            ("5.7.1 SPF\r\ncheck failed", "5.7.1 SPF check failed"),
            ("\u{1b}[31mred\u{0}\u{202e}", "[31mred"),
            ("  \t ", ""),
            ("хаяг алга", "хаяг алга"),
        ] {
            assert_eq!(clean(words), kept);
        }
        assert_eq!(clean(&"я".repeat(999)).chars().count(), 200);
    }

    proptest! {
        #[test]
        fn no_try_lies_in_the_past_or_after_the_end(
            tries: u32, first in 0i64..1_000_000, ends in 0i64..1_000_000, now in 0i64..1_000_000,
        ) {
            if let Some(next) = retry(tries, at(first), Some(at(ends)), DAY, at(now)) {
                prop_assert!(next >= at(now) && next < at(ends) && next < at(first).plus(DAY));
            }
        }

        #[test]
        fn cleaned_words_hold_no_control_characters(words: String) {
            let words = clean(&words);
            prop_assert!(!words.chars().any(char::is_control));
            prop_assert!(words.chars().count() <= 200);
        }
    }
}
