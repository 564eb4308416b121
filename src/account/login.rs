//! What a person types to say who they are, read the same at every password door.

use super::email::Email;

/// The longest login that is looked at, in bytes: an address with room for other scripts.
const MOST: usize = 1024;

/// Who wants in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Login {
    /// A username, lower-cased.
    Username(String),
    /// The key of an address.
    Email(String),
    /// Nothing that anyone could be called.
    Nobody,
}

impl Login {
    /// Reads `typed`. `local@own` is the person `local` (PROTOCOL.md 9).
    pub fn parse(typed: &str, own: &str) -> Self {
        let typed = typed.trim();
        if typed.is_empty() || typed.len() > MOST {
            return Self::Nobody;
        }
        if let Some((local, domain)) = typed.rsplit_once('@')
            && domain.eq_ignore_ascii_case(own)
        {
            return Self::named(local);
        }
        match Email::parse(typed) {
            // The same domain, written in another way.
            Ok(email) if email.domain().eq_ignore_ascii_case(own) => Self::named(email.local()),
            Ok(email) => Self::Email(email.key()),
            Err(_) => Self::named(typed),
        }
    }

    fn named(typed: &str) -> Self {
        let name = typed.to_ascii_lowercase();
        let legal = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.len() <= super::username::MOST
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if legal {
            Self::Username(name)
        } else {
            Self::Nobody
        }
    }

    /// One string for all ways to write one login, the base of the visible wait (PROTOCOL.md 7).
    pub fn canonical(&self) -> &str {
        match self {
            Self::Username(name) => name,
            Self::Email(key) => key,
            Self::Nobody => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_person_has_one_login_however_it_is_written() {
        let name = Login::Username("temuulen".into());
        let mail = Login::Email("temuulen.bat@mail.example".into());
        for (typed, login) in [
            ("temuulen", &name),
            (" Temuulen ", &name),
            ("TEMUULEN@steppe.example", &name),
            ("temuulen@STEPPE.example", &name),
            ("Temuulen.Bat@Mail.example", &mail),
            ("", &Login::Nobody),
            ("a b", &Login::Nobody),
            ("темуулен", &Login::Nobody),
            ("@steppe.example", &Login::Nobody),
            // One domain name, written with what is invisible or wide (UTS 46).
            ("temuulen@step\u{ad}pe.example", &name),
            ("temuulen@ｓteppe。example", &name),
            ("tem.uulen@step\u{ad}pe.example", &Login::Nobody),
        ] {
            assert_eq!(&Login::parse(typed, "steppe.example"), login, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_login_reads_as_itself(typed in "\\PC{0,30}|[a-zA-Z0-9@._-]{0,30}") {
            let login = Login::parse(&typed, "steppe.example");
            prop_assert_eq!(Login::parse(login.canonical(), "steppe.example"), login);
        }
    }
}
