//! The e-mail address: plain local parts, any domain name, one key per mailbox.

use super::Code;

/// The longest address in its SMTP form (RFC 5321 4.5.3.1.3: a path of 256 with its brackets).
pub const MOST: usize = 254;

/// What an operator decides about addresses; domains may be written in any script.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: Vec<String>,
    block: Vec<String>,
    own: String,
}

impl Policy {
    /// `allow`: the only domains that are taken, if there are any; `block`: domains that are not;
    /// both with their subdomains. `own`: the domain of this server's usernames.
    pub fn new<S: AsRef<str>>(allow: &[S], block: &[S], own: &str) -> Self {
        let ascii = |list: &[S]| list.iter().filter_map(|d| to_ascii(d.as_ref())).collect();
        Self {
            allow: ascii(allow),
            block: ascii(block),
            own: to_ascii(own).unwrap_or_else(|| own.to_ascii_lowercase()),
        }
    }

    /// Whether this server takes the address for the person called `username`. While that is not
    /// known, an address at the server's own domain passes.
    ///
    /// # Errors
    /// `EmailRefused`, `EmailOwnDomain`.
    pub fn check(&self, email: &Email, username: Option<&str>) -> Result<(), Code> {
        let within = |list: &[String]| list.iter().any(|domain| is_within(&email.domain, domain));
        // PROTOCOL.md 9: local and local@domain are one account at every password door.
        if email.domain == self.own {
            let own = username.is_none_or(|name| email.local.eq_ignore_ascii_case(name));
            return if own {
                Ok(())
            } else {
                Err(Code::EmailOwnDomain {
                    domain: email.domain_shown().to_owned(),
                })
            };
        }
        if within(&self.block) || !(self.allow.is_empty() || within(&self.allow)) {
            return Err(Code::EmailRefused {
                domain: email.domain_shown().to_owned(),
            });
        }
        Ok(())
    }
}

fn is_within(domain: &str, parent: &str) -> bool {
    domain
        .strip_suffix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email {
    shown: String,
    local: String,
    domain: String,
}

impl Email {
    /// Reads an address as typed; space around it is dropped.
    ///
    /// # Errors
    /// `EmailEmpty`, `EmailFormat`.
    pub fn parse(typed: &str) -> Result<Self, Code> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(Code::EmailEmpty);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(Code::EmailFormat)?;
        if !is_dot_string(local) {
            return Err(Code::EmailFormat);
        }
        let ascii = to_ascii(domain).ok_or(Code::EmailFormat)?;
        if local.len() + 1 + ascii.len() > MOST {
            return Err(Code::EmailFormat);
        }
        let shown = if domain.is_ascii() {
            domain.to_owned()
        } else {
            // As the domain name is read, without what is invisible in it.
            idna::domain_to_unicode(&ascii).0
        };
        Ok(Self {
            shown: format!("{local}@{shown}"),
            local: local.to_owned(),
            domain: ascii,
        })
    }

    /// As the person wrote it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// By which the account is found: lower-cased, the domain in ASCII.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }

    /// As it is sent over SMTP: the local part as written (RFC 5321 2.4), the domain in ASCII.
    pub fn ascii(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in ASCII, lower-cased.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain as shown.
    pub fn domain_shown(&self) -> &str {
        self.shown.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// As others may see it: `t•••@mail.example`.
    pub fn masked(&self) -> String {
        let first: String = self.local.chars().take(1).collect();
        format!("{first}•••@{}", self.domain_shown())
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// RFC 5321 4.1.2 Dot-string. Quoted local parts are legal there and refused here: nobody has
/// one, and many programs misread them.
fn is_dot_string(local: &str) -> bool {
    // RFC 5321 4.5.3.1.1
    local.len() <= 64
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// RFC 5322 3.2.3 atext
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// A domain name of at least two labels in ASCII (UTS 46, strict; RFC 5890), or nothing.
fn to_ascii(domain: &str) -> Option<String> {
    // Nothing longer can be a domain name; what cannot be one is not worth mapping.
    if domain.len() > 1024 || domain.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let last = ascii.rsplit_once('.')?.1;
    // A last label that begins with a digit would be an IPv4 address (URL standard).
    let name = !last.starts_with(|first: char| first.is_ascii_digit())
        && ascii
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63)
        && ascii.len() <= 253;
    name.then_some(ascii)
}

/// Domains that many people have, so that a near miss is likely a slip. None is so short that
/// one letter means nothing.
const KNOWN: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "protonmail.com",
    "yandex.ru",
    "fastmail.com",
];

/// Domains that are one letter from a known one, and are no slip.
const REAL: &[&str] = &[
    "bmail.com",
    "email.com",
    "fmail.com",
    "mail.com",
    "qmail.com",
    "xmail.com",
    "ymail.com",
];

/// The domain that was likely meant: `gmial.com` → `gmail.com`. A hint, never a refusal.
pub fn slip(domain: &str) -> Option<&'static str> {
    let domain = domain.to_ascii_lowercase();
    if domain.len() > 64 || REAL.contains(&domain.as_str()) {
        return None;
    }
    KNOWN
        .iter()
        .copied()
        .find(|known| strsim::osa_distance(known, &domain) == 1)
}

#[cfg(test)]
mod tests;
