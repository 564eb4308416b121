//! The password: long enough, not guessable, any script; it is never shown and never cut.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Code, Own, popular};

/// The shortest password that an operator may ask for, in code points after NFC.
pub const LEAST: usize = 10;
/// The longest, in code points after NFC.
pub const MOST: usize = 256;

/// zxcvbn is quadratic and worse; it sees this many characters (PROTOCOL.md 7).
const SEEN: usize = 72;

/// Symbols that stand in for a letter, and another one that stands in for the same.
///
/// zxcvbn tries every combination of those present: 72 characters with all of them took it 740 ms
/// in a debug build. Past two of them the password is judged twice instead: with one symbol for
/// each letter, and (walks over the keyboard) as if the shift key had not been held.
const STAND_INS: (&str, &str) = ("@{[<!|$+", "4(((1157");
const SHIFTED: (&str, &str) = ("~!@#$%^&*()_+{}|:\"<>?", "`1234567890-=[]\\;',./");

/// Shorter words of the person's own are too common in other words to be refused.
const WORD: usize = 4;

/// What an operator decides about passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The least length, 10 to 64 code points.
    pub min_length: usize,
    /// Whether common and guessable passwords are refused.
    pub refuse_common: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_length: LEAST,
            refuse_common: true,
        }
    }
}

/// What others know of the person, as typed; empty where there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnWords<'a> {
    /// The name that others see.
    pub name: &'a str,
    /// The username.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// The name of this server.
    pub server: &'a str,
}

/// A password in NFC. It is wiped from memory, and does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Judges a new password. Nothing is trimmed: a space at the end belongs to it.
    ///
    /// # Errors
    /// `PasswordEmpty`, `PasswordLong`, `PasswordControl`, `PasswordShort`, `PasswordCommon`,
    /// `PasswordContains`, `PasswordWeak`.
    pub fn check(typed: &str, policy: &Policy, own: &OwnWords<'_>) -> Result<Self, Code> {
        if typed.is_empty() {
            return Err(Code::PasswordEmpty);
        }
        let Some(password) = Self::typed(typed) else {
            return Err(Code::PasswordLong { most: MOST });
        };
        if password.0.chars().any(char::is_control) {
            return Err(Code::PasswordControl);
        }
        // SP 800-63B-4 3.1.1.2: one code point counts as one character.
        let has = password.0.chars().count();
        let needs = policy.min_length.clamp(LEAST, 64);
        if has < needs {
            return Err(Code::PasswordShort { has, needs });
        }
        if policy.refuse_common && popular::contains(&password.0) {
            return Err(Code::PasswordCommon);
        }
        if let Some(found) = own.found_in(&password.0) {
            return Err(Code::PasswordContains(found));
        }
        if policy.refuse_common && is_weak(&password.0, own) {
            return Err(Code::PasswordWeak);
        }
        Ok(password)
    }

    /// A password typed to sign in. One that is too long matches nothing: `None`.
    pub fn typed(typed: &str) -> Option<Self> {
        // One code point in NFC stands for at most four before it (UAX 15), of four bytes each.
        if typed.len() > MOST * 16 {
            return None;
        }
        // Room for everything at once, so that no copy is left behind by growing.
        let mut password = Zeroizing::new(String::with_capacity(MOST * 4));
        for (at, letter) in typed.nfc().enumerate() {
            if at == MOST {
                return None;
            }
            password.push(letter);
        }
        Some(Self(password))
    }

    /// The password itself, for hashing only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

fn is_weak(password: &str, own: &OwnWords<'_>) -> bool {
    let words = own.words();
    let hints: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
    let is_weak = |seen: &str| zxcvbn::zxcvbn(seen, &hints).score() < zxcvbn::Score::Three;
    let seen: Zeroizing<String> = Zeroizing::new(password.chars().take(SEEN).collect());
    let distinct: BTreeSet<char> = seen.chars().filter(|c| STAND_INS.0.contains(*c)).collect();
    if distinct.len() <= 2 {
        return is_weak(&seen);
    }
    let keys = Zeroizing::new(seen.to_ascii_lowercase());
    is_weak(&swap(&seen, STAND_INS)) || is_weak(&swap(&keys, SHIFTED))
}

fn swap(text: &str, (from, to): (&str, &str)) -> Zeroizing<String> {
    let one = |letter| {
        let mut pairs = from.chars().zip(to.chars());
        pairs
            .find(|(was, _)| *was == letter)
            .map_or(letter, |(_, is)| is)
    };
    Zeroizing::new(text.chars().map(one).collect())
}

impl OwnWords<'_> {
    /// The words that a guesser would try, lower-cased, at least [`WORD`] characters each.
    fn words(&self) -> Vec<(Own, String)> {
        let mut words = Vec::new();
        let mut add = |own, text: &str| {
            // Longer input is refused elsewhere, and here it would only cost time.
            let text: String = text.chars().take(256).collect::<String>().to_lowercase();
            let text = text.trim();
            let parts = text.split(|c: char| !c.is_alphanumeric());
            for word in parts.chain([text]) {
                let word = word.nfc().collect::<String>();
                if word.chars().count() >= WORD && !words.iter().any(|(_, had)| *had == word) {
                    words.push((own, word));
                }
            }
        };
        add(Own::Username, self.username);
        let local = self.email.rsplit_once('@').map_or(self.email, |(l, _)| l);
        add(Own::Email, local);
        add(Own::Name, self.name);
        add(Own::Server, self.server);
        words
    }

    fn found_in(&self, password: &str) -> Option<Own> {
        let password = Zeroizing::new(password.to_lowercase());
        self.words()
            .into_iter()
            .find(|(_, word)| password.contains(word.as_str()))
            .map(|(own, _)| own)
    }
}

#[cfg(test)]
mod tests;
