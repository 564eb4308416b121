//! Who a person is: pure rules; no clock, no IO.

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
