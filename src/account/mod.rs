//! Who a person is: pure rules; no clock, no IO, no randomness.

pub mod email;
pub mod label;
pub mod login;
pub mod name;
pub mod password;
mod popular;
pub mod session;
pub mod signup;
pub mod terms;
pub mod throttle;
pub mod username;

pub use email::Email;
pub use login::Login;
pub use name::Name;
pub use password::Password;
pub use session::Session;
pub use username::Username;

use crate::clock::Time;

/// A person's account. It exists only after the e-mail address was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `sub`: opaque, random, never given again.
    pub id: String,
    /// The local part of the person's address; never changes.
    pub username: String,
    /// The name that others see.
    pub name: String,
    /// The address as the person wrote it.
    pub email: String,
    /// The address by which it is found: one per account.
    pub email_key: String,
    /// Argon2id in PHC form.
    pub password: String,
    /// The language of pages and mails, such as `en`.
    pub language: String,
    /// When it was made.
    pub created_at: Time,
    /// When the password was last set.
    pub password_at: Time,
    /// When the operator closed it.
    pub locked_at: Option<Time>,
}

/// A form field at which a mistake is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The name that others see.
    Name,
    /// The username.
    Username,
    /// The e-mail address.
    Email,
    /// The password.
    Password,
}

impl Field {
    /// The `name` and `id` of the input.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Username => "username",
            Self::Email => "email",
            Self::Password => "password",
        }
    }
}

/// One mistake, at its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .field.id(), .code.id())]
pub struct Invalid {
    /// Where it is shown.
    pub field: Field,
    /// What is wrong.
    pub code: Code,
}

impl Invalid {
    /// A mistake at `field`.
    pub fn new(field: Field, code: Code) -> Self {
        Self { field, code }
    }
}

/// What a password was found to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The person's name or a part of it.
    Name,
    /// The username.
    Username,
    /// The e-mail address or its local part.
    Email,
    /// The name of this server.
    Server,
}

/// What is wrong with an answer: one case per sentence that a person can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.id())]
pub enum Code {
    /// No name.
    NameEmpty,
    /// The name has a character that cannot be shown, or nothing but such.
    NameCharacter,
    /// The name is too long; lengths in Unicode scalar values.
    NameLong {
        /// Its length.
        has: usize,
        /// The most that is taken.
        most: usize,
    },
    /// No username.
    UsernameEmpty,
    /// A character outside `a-z 0-9 _ -`.
    UsernameCharacters,
    /// Too short or too long; lengths in characters.
    UsernameLength {
        /// The least that is taken.
        least: usize,
        /// The most that is taken.
        most: usize,
    },
    /// The first character is not a letter.
    UsernameStart,
    /// Taken, reserved, or looks like one that is.
    UsernameTaken {
        /// A free one.
        try_a: String,
        /// Another free one.
        try_b: String,
    },
    /// No address.
    EmailEmpty,
    /// Not an address, or of a kind that is not taken.
    EmailFormat,
    /// The operator does not take addresses of this domain.
    EmailRefused {
        /// The domain as shown.
        domain: String,
    },
    /// An address at this server's own domain that names another person (PROTOCOL.md 9).
    EmailOwnDomain {
        /// This server's domain.
        domain: String,
    },
    /// No password.
    PasswordEmpty,
    /// Too short; lengths in code points after NFC.
    PasswordShort {
        /// Its length.
        has: usize,
        /// The least that is taken.
        needs: usize,
    },
    /// Too long; it is refused, never cut.
    PasswordLong {
        /// The most that is taken, in code points after NFC.
        most: usize,
    },
    /// A control character such as a line end.
    PasswordControl,
    /// One of the passwords that many people use.
    PasswordCommon,
    /// Easy to guess (zxcvbn below 3).
    PasswordWeak,
    /// Contains something that others know of the person.
    PasswordContains(Own),
}

impl Code {
    /// The message id in the locales.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NameEmpty => "name-empty",
            Self::NameCharacter => "name-character",
            Self::NameLong { .. } => "name-long",
            Self::UsernameEmpty => "username-empty",
            Self::UsernameCharacters => "username-characters",
            Self::UsernameLength { .. } => "username-length",
            Self::UsernameStart => "username-start",
            Self::UsernameTaken { .. } => "username-taken",
            Self::EmailEmpty => "email-empty",
            Self::EmailFormat => "email-format",
            Self::EmailRefused { .. } => "email-refused",
            Self::EmailOwnDomain { .. } => "email-own-domain",
            Self::PasswordEmpty => "password-empty",
            Self::PasswordShort { .. } => "password-short",
            Self::PasswordLong { .. } => "password-long",
            Self::PasswordControl => "password-control",
            Self::PasswordCommon => "password-common",
            Self::PasswordWeak => "password-weak",
            Self::PasswordContains(Own::Name) => "password-contains-name",
            Self::PasswordContains(Own::Username) => "password-contains-username",
            Self::PasswordContains(Own::Email) => "password-contains-email",
            Self::PasswordContains(Own::Server) => "password-contains-server",
        }
    }

    /// What the message needs, by the names used in the locales.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NameLong { has, most } => {
                vec![("has", has.to_string()), ("most", most.to_string())]
            }
            Self::UsernameLength { least, most } => {
                vec![("least", least.to_string()), ("most", most.to_string())]
            }
            Self::UsernameTaken { try_a, try_b } => {
                vec![("try_a", try_a.clone()), ("try_b", try_b.clone())]
            }
            Self::EmailRefused { domain } | Self::EmailOwnDomain { domain } => {
                vec![("domain", domain.clone())]
            }
            Self::PasswordShort { has, needs } => {
                vec![("has", has.to_string()), ("needs", needs.to_string())]
            }
            Self::PasswordLong { most } => vec![("most", most.to_string())],
            Self::NameEmpty
            | Self::NameCharacter
            | Self::UsernameEmpty
            | Self::UsernameCharacters
            | Self::UsernameStart
            | Self::EmailEmpty
            | Self::EmailFormat
            | Self::PasswordEmpty
            | Self::PasswordControl
            | Self::PasswordCommon
            | Self::PasswordWeak
            | Self::PasswordContains(_) => Vec::new(),
        }
    }
}
