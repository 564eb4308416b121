//! The first step: four answers, and all their mistakes at once.

use crate::account::password::{self, OwnWords};
use crate::account::{Code, Email, Field, Invalid, Name, Password, Username, email, username};

/// What an operator decides about new accounts.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Of usernames.
    pub username: username::Policy,
    /// Of addresses.
    pub email: email::Policy,
    /// Of passwords.
    pub password: password::Policy,
    /// The name of this server, which no password may contain.
    pub server: String,
}

/// The answers as typed.
#[derive(Clone, Copy, Default)]
pub struct Profile<'a> {
    /// The name that others will see.
    pub name: &'a str,
    /// The username wanted.
    pub username: &'a str,
    /// The address.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
}

impl std::fmt::Debug for Profile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// The answers, found good. Whether the username is taken is the database's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The name.
    pub name: Name,
    /// The username.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password, to be hashed.
    pub password: Password,
}

/// Judges the four answers.
///
/// # Errors
/// Every mistake, at most one for a field, in the order of the fields.
pub fn check_profile(typed: &Profile<'_>, policy: &Policy) -> Result<Checked, Vec<Invalid>> {
    let mut wrong = Vec::new();
    let name = keep(&mut wrong, Field::Name, Name::parse(typed.name));
    let username = Username::parse(typed.username, &policy.username).and_then(|username| {
        if policy.username.reserves(username.as_str()) {
            Err(reserved(typed, &policy.username))
        } else {
            Ok(username)
        }
    });
    let username = keep(&mut wrong, Field::Username, username);
    let email = check_email(typed.email, username.as_ref(), policy);
    let email = keep(&mut wrong, Field::Email, email);
    let own = OwnWords {
        name: typed.name,
        username: typed.username,
        email: typed.email,
        server: &policy.server,
    };
    let password = Password::check(typed.password, &policy.password, &own);
    let password = keep(&mut wrong, Field::Password, password);
    match (name, username, email, password) {
        (Some(name), Some(username), Some(email), Some(password)) => Ok(Checked {
            name,
            username,
            email,
            password,
        }),
        _ => Err(wrong),
    }
}

/// Judges an address that is to belong to `username`, here and where it is changed.
///
/// # Errors
/// `EmailEmpty`, `EmailFormat`, `EmailRefused`, `EmailOwnDomain`.
pub fn check_email(
    typed: &str,
    username: Option<&Username>,
    policy: &Policy,
) -> Result<Email, Code> {
    let email = Email::parse(typed)?;
    policy.email.check(&email, username.map(Username::as_str))?;
    Ok(email)
}

fn keep<T>(wrong: &mut Vec<Invalid>, field: Field, found: Result<T, Code>) -> Option<T> {
    found
        .map_err(|code| wrong.push(Invalid::new(field, code)))
        .ok()
}

/// A reserved word is answered like a taken name; what is suggested is made from the person's
/// own name, since `admin2` would speak for the server as well.
fn reserved(typed: &Profile<'_>, policy: &username::Policy) -> Code {
    let local = typed.email.split('@').next().unwrap_or_default();
    let wish = [typed.name, local]
        .into_iter()
        .find(|wish| wish.chars().any(|c| c.is_ascii_alphabetic()) && !policy.reserves(wish))
        .unwrap_or_default();
    let [try_a, try_b] = username::suggest(wish, policy, |_| false);
    Code::UsernameTaken { try_a, try_b }
}
