//! The username: legal at once as the local part of XMPP, Matrix and IRC; no two look alike.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::Code;

/// The shortest and the longest username; an operator may narrow them.
pub const LEAST: usize = 2;
/// See [`LEAST`].
pub const MOST: usize = 30;

/// Names that speak for the server or its operator (RFC 2142 and usage).
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "bot",
    "contact",
    "daemon",
    "everyone",
    "ftp",
    "gerege",
    "guest",
    "help",
    "helpdesk",
    "here",
    "host",
    "hostmaster",
    "info",
    "localhost",
    "login",
    "mail",
    "mailer-daemon",
    "me",
    "moderator",
    "mod",
    "news",
    "no-reply",
    "nobody",
    "noc",
    "noreply",
    "null",
    "official",
    "operator",
    "owner",
    "password",
    "postmaster",
    "privacy",
    "register",
    "root",
    "sales",
    "security",
    "server",
    "service",
    "signin",
    "signup",
    "staff",
    "status",
    "sudo",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "team",
    "undefined",
    "usenet",
    "user",
    "uucp",
    "webmaster",
    "www",
];

/// What an operator decides about usernames.
#[derive(Clone, Debug)]
pub struct Policy {
    least: usize,
    most: usize,
    reserved: BTreeSet<String>,
}

impl Policy {
    /// Lengths within 2 to 30, and words reserved beside the built-in ones.
    pub fn new<S: AsRef<str>>(least: usize, most: usize, reserved: &[S]) -> Self {
        let least = least.clamp(LEAST, MOST);
        Self {
            least,
            most: most.clamp(least, MOST),
            reserved: RESERVED
                .iter()
                .copied()
                .chain(reserved.iter().map(AsRef::as_ref))
                .map(skeleton)
                .collect(),
        }
    }

    /// Whether `name` is a reserved word or looks like one.
    pub fn reserves(&self, name: &str) -> bool {
        self.reserved.contains(&skeleton(name))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new::<&str>(LEAST, MOST, &[])
    }
}

/// A username: `a-z` first, then `a-z 0-9 _ -`, 2 to 30 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// Reads a username as typed: space around it is dropped, capitals become small.
    ///
    /// # Errors
    /// `UsernameEmpty`, `UsernameCharacters`, `UsernameStart`, `UsernameLength`. Whether it is
    /// reserved is asked of the [`Policy`], whether it is taken of the database.
    pub fn parse(typed: &str, policy: &Policy) -> Result<Self, Code> {
        let name = typed.trim().to_ascii_lowercase();
        if name.is_empty() {
            return Err(Code::UsernameEmpty);
        }
        if !name.bytes().all(legal) {
            return Err(Code::UsernameCharacters);
        }
        // A digit or hyphen cannot begin an IRC nickname (RFC 2812 2.3.1).
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(Code::UsernameStart);
        }
        if !(policy.least..=policy.most).contains(&name.len()) {
            return Err(Code::UsernameLength {
                least: policy.least,
                most: policy.most,
            });
        }
        Ok(Self(name))
    }

    /// The username.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it looks like; no two accounts share one.
    pub fn skeleton(&self) -> String {
        skeleton(&self.0)
    }
}

impl std::fmt::Display for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn legal(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')
}

/// What a name looks like: equal skeletons cannot be told apart at a glance.
///
/// The skeleton of UTS 39 (4), folded further: case, `0/o`, `1/l`, `m/rn`, `w/vv`, and the
/// separators, of which a run counts as one and those at the end as none.
pub fn skeleton(name: &str) -> String {
    let mut seen: String = name.to_lowercase();
    // Each round can bring letters that fold again; a handful of rounds ends every chain.
    for _ in 0..8 {
        let next = fold(&seen);
        if next == seen {
            break;
        }
        seen = next;
    }
    seen
}

fn fold(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let lower = unicode_security::skeleton(name)
        .collect::<String>()
        .to_lowercase();
    for letter in lower.chars() {
        match letter {
            'm' => out.push_str("rn"),
            'w' => out.push_str("vv"),
            '0' => out.push('o'),
            '1' => out.push('l'),
            '_' | '-' if out.ends_with('-') => {}
            '_' | '-' => out.push('-'),
            other => out.push(other),
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// Two free usernames like `wish` (a username, a person's name, …), always the same two for the
/// same answers of `taken`, which is asked at most about a hundred times.
pub fn suggest(wish: &str, policy: &Policy, mut taken: impl FnMut(&str) -> bool) -> [String; 2] {
    let stem = stem(wish, policy.most.saturating_sub(5).max(1));
    let mut free: Vec<String> = Vec::with_capacity(2);
    let mut last = [format!("{stem}22"), format!("{stem}33")];
    for number in numbers(&stem) {
        let name = format!("{stem}{number}");
        let Ok(name) = Username::parse(&name, policy) else {
            continue;
        };
        // Two suggestions that look alike would be one.
        if free.iter().any(|other| skeleton(other) == name.skeleton()) {
            continue;
        }
        last.swap(0, 1);
        last[1] = name.0.clone();
        if !policy.reserves(name.as_str()) && !taken(name.as_str()) {
            free.push(name.0);
        }
        if free.len() == 2 {
            break;
        }
    }
    // A hundred taken ones in a row: the form will say so again.
    let mut rest = last.into_iter();
    [(); 2].map(|()| {
        if free.is_empty() {
            rest.next().unwrap_or_default()
        } else {
            free.remove(0)
        }
    })
}

fn stem(wish: &str, most: usize) -> String {
    let letters: String = wish
        .nfkd()
        .collect::<String>()
        .to_ascii_lowercase()
        .chars()
        .filter_map(|c| match c {
            'a'..='z' | '0'..='9' => Some(c),
            '-' | '_' | ' ' | '.' => Some('-'),
            _ => None,
        })
        .collect();
    let parts: Vec<&str> = letters.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    let joined = joined.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let cut: String = joined.chars().take(most).collect();
    match cut.trim_end_matches('-') {
        "" => "rider".chars().take(most).collect(),
        stem => stem.to_owned(),
    }
}

fn numbers(stem: &str) -> impl Iterator<Item = u64> {
    // FNV-1a: spreads people of one name over many numbers, always in the same way.
    let mut state = stem.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let spread = std::iter::repeat_with(move || {
        state = (state ^ (state >> 29)).wrapping_mul(0x0100_0000_01b3);
        100 + (state >> 20) % 99_900
    });
    (2..=9).chain((22..=99).step_by(11)).chain(spread.take(80))
}

#[cfg(test)]
mod tests;
