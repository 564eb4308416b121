//! What a person types about themselves.

use std::sync::LazyLock;

use gerege::account::email::{Policy as Domains, slip};
use gerege::account::password::{OwnWords, Policy as Strength};
use gerege::account::signup::code_digits;
use gerege::account::username::{Policy, skeleton, suggest};
use gerege::account::{Email, Login, Name, Password, Username};

use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "@",
    ".",
    "@mail.example",
    "@steppe.example",
    "temuulen",
    "Тэмүүлэн",
    "admin",
    "root",
    "xn--e1aybc.example",
    "почта.example",
    "例え.テスト",
    "_",
    "-",
    "--",
    "1",
    "l",
    "0",
    "o",
    "rn",
    "m",
    "vv",
    "w",
    "\u{200c}",
    "\u{200f}",
    "\u{301}",
    "ﷺ",
    "\n",
    " ",
    "password",
    "qwerty",
    "12345678",
    "correct horse",
    "!@#$%^&*",
    "Gerege",
    "@@",
    "..",
    "a@b",
    "[127.0.0.1]",
];

/// This server's domain of usernames.
const OWN: &str = "steppe.example";

static NAMES: LazyLock<Policy> = LazyLock::new(Policy::default);

/// An address.
pub fn email(input: &[u8]) -> Depth {
    let text = text!(input);
    let _ = slip(text);
    let Ok(email) = Email::parse(text) else {
        return if text.contains('@') {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    let key = email.key();
    for form in [email.as_str(), &email.ascii(), &key] {
        let again = Email::parse(form).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert_eq!(again.key(), key, "{form} is another mailbox");
        assert!(
            form.chars().all(|c| !c.is_control() && !c.is_whitespace()),
            "{form:?}"
        );
        assert!(
            !form.contains(['<', '>', '(', ')', '"', '\\', ';', ',']),
            "{form}"
        );
        assert_eq!(form.matches('@').count(), 1, "{form}");
    }
    assert!(email.ascii().is_ascii() && email.ascii().len() <= 254);
    assert_eq!(email.domain(), email.domain().to_ascii_lowercase());
    let masked = email.masked();
    let shown = masked.rsplit_once('@').unwrap().0;
    assert_eq!(
        shown.chars().count(),
        4,
        "more than the first letter: {masked}"
    );
    // PROTOCOL.md 9: an address at our own domain is that person's or nobody's.
    let domains = Domains::new(&[] as &[&str], &["mail.example"], OWN);
    let taken = domains.check(&email, Some("temuulen")).is_ok();
    if email.domain() == OWN {
        assert_eq!(taken, email.local().eq_ignore_ascii_case("temuulen"));
    }
    let within = email.domain() == "mail.example" || email.domain().ends_with(".mail.example");
    assert!(!(within && taken), "{} was blocked", email.domain());
    Depth::Accepted
}

/// A username, and what is suggested instead.
pub fn username(input: &[u8]) -> Depth {
    let text = text!(input);
    let seen = skeleton(text);
    assert_eq!(skeleton(&seen), seen, "{text:?}");
    for name in suggest(text, &NAMES, |_| false) {
        let parsed = Username::parse(&name, &NAMES).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(parsed.as_str() == name && !NAMES.reserves(&name), "{name}");
    }
    let Ok(name) = Username::parse(text, &NAMES) else {
        return if text.trim().is_empty() {
            Depth::Door
        } else {
            Depth::Judged
        };
    };
    let bytes = name.as_str().as_bytes();
    assert!(
        (2..=30).contains(&bytes.len()) && bytes[0].is_ascii_lowercase(),
        "{name}"
    );
    let legal = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    assert!(bytes.iter().all(legal), "{name}");
    assert_eq!(Username::parse(name.as_str(), &NAMES).unwrap(), name);
    assert_eq!(skeleton(&name.as_str().to_uppercase()), name.skeleton());
    // Whatever was typed to sign up signs in.
    for typed in [text.to_owned(), name.to_string(), format!("{name}@{OWN}")] {
        assert_eq!(
            Login::parse(&typed, OWN),
            Login::Username(name.to_string()),
            "{typed:?}"
        );
    }
    Depth::Accepted
}

/// The name that others see.
pub fn name(input: &[u8]) -> Depth {
    let text = text!(input);
    let Ok(name) = Name::parse(text) else {
        return if text.trim().is_empty() {
            Depth::Door
        } else {
            Depth::Judged
        };
    };
    let shown = name.as_str();
    assert!((1..=200).contains(&shown.chars().count()));
    assert_eq!(shown.trim(), shown);
    assert!(
        !shown.contains("  ") && !shown.chars().any(char::is_control),
        "{shown:?}"
    );
    // What turns the text around it (UAX 9) or ends a line.
    let turns = [
        '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}',
        '\u{2068}', '\u{2069}', '\u{2028}', '\u{2029}', '\u{feff}',
    ];
    assert!(!shown.contains(turns), "{shown:?}");
    assert_eq!(Name::parse(shown).as_ref().map(Name::as_str), Ok(shown));
    Depth::Accepted
}

/// A new password; the last three lines are the person's name, username and address.
pub fn password(input: &[u8]) -> Depth {
    let text = text!(input);
    let mut lines = text.rsplitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (email, username, name, typed) = (line(), line(), line(), line());
    let own = OwnWords {
        name,
        username,
        email,
        server: "Gerege",
    };
    let policy = Strength::default();
    let Ok(password) = Password::check(typed, &policy, &own) else {
        return if typed.is_empty() {
            Depth::Door
        } else {
            Depth::Judged
        };
    };
    let kept = password.reveal();
    assert!((10..=256).contains(&kept.chars().count()) && !kept.chars().any(char::is_control));
    assert!(!kept.to_lowercase().contains("gerege"), "the server's name");
    if username.len() > 3 && username.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        assert!(
            !kept
                .to_ascii_lowercase()
                .contains(&username.to_ascii_lowercase()),
            "{username}"
        );
    }
    // However it is typed at sign-in, it is the one that was kept; and it is its own reading.
    assert!(
        Password::typed(typed).as_ref() == Some(&password),
        "typed again it is another"
    );
    assert!(Password::typed(kept).as_ref() == Some(&password));
    assert_eq!(format!("{password:?}"), "Password(…)");
    Depth::Accepted
}

/// What is typed at sign-in, or as the code of a mail.
pub fn login(input: &[u8]) -> Depth {
    let text = text!(input);
    if let Some(digits) = code_digits(text) {
        assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(code_digits(&digits), Some(digits));
    }
    let login = Login::parse(text, OWN);
    if login == Login::Nobody {
        return if text.trim().is_empty() {
            Depth::Door
        } else {
            Depth::Judged
        };
    }
    let again = login.canonical();
    assert!(again.is_ascii() && again.len() <= 254 && again == again.to_ascii_lowercase());
    assert_eq!(Login::parse(again, OWN), login, "{text:?}");
    Depth::Accepted
}
