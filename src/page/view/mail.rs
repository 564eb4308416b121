//! The mails (UX.md 1.8): each has a subject, a text and an HTML form with the same words.

use serde::Serialize;

use crate::clock::Time;
use crate::page::MailView;

/// Who writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Server {
    /// The server's name.
    pub name: String,
    /// Its public URL, from the configuration.
    pub url: String,
    /// A mail address or URL to ask; may be empty.
    pub contact: String,
}

/// The code of sign-up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SignupCode {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// The code with a space in the middle: `482 913`.
    pub code: String,
    /// `/e/{id}`
    pub link: String,
    /// How long both work.
    pub minutes: u32,
    /// The app that the person came from.
    pub app: Option<String>,
}
impl MailView for SignupCode {
    const TEMPLATE: &'static str = "signup-code";
}

/// Someone tried to sign up with the address of an account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AlreadyAccount {
    /// Who writes.
    pub server: Server,
    /// Whom we greet: the account's name.
    pub name: String,
    /// The account's username.
    pub username: String,
    /// `/signin`
    pub signin: String,
    /// `/forgot`
    pub forgot: String,
}
impl MailView for AlreadyAccount {
    const TEMPLATE: &'static str = "already-account";
}

/// The secret that sets a new password.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResetSecret {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// The account's username.
    pub username: String,
    /// `/reset/{secret}`
    pub link: String,
    /// The secret to paste where the link cannot be opened.
    pub secret: Option<String>,
    /// How long it works.
    pub minutes: u32,
}
impl MailView for ResetSecret {
    const TEMPLATE: &'static str = "reset-secret";
}

/// The password was changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PasswordChanged {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// When.
    pub at: Time,
    /// With which device; may be empty.
    pub device: String,
    /// `/forgot`
    pub forgot: String,
}
impl MailView for PasswordChanged {
    const TEMPLATE: &'static str = "password-changed";
}

/// A sign-in from a device that was not seen before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewDevice {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// When.
    pub at: Time,
    /// Which device.
    pub device: String,
    /// The network or rough place; may be empty.
    pub place: String,
    /// `/account/devices`
    pub devices: String,
}
impl MailView for NewDevice {
    const TEMPLATE: &'static str = "new-device";
}

/// The operator let the person in; the link finishes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LetInMail {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// The link that works in any browser.
    pub link: String,
    /// How long it works.
    pub days: u32,
}
impl MailView for LetInMail {
    const TEMPLATE: &'static str = "let-in";
}

/// The operator did not let the person in.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NotLetIn {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// What the operator says about it; may be empty.
    pub note: String,
}
impl MailView for NotLetIn {
    const TEMPLATE: &'static str = "not-let-in";
}

/// The address was changed; goes to the old one and to the new one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EmailChanged {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// The address before, masked where it goes to the new one.
    pub old: String,
    /// The address now, masked where it goes to the old one.
    pub new: String,
    /// Whether this one goes to the old address.
    pub to_old: bool,
    /// When.
    pub at: Time,
}
impl MailView for EmailChanged {
    const TEMPLATE: &'static str = "email-changed";
}

/// An app asks the person something from its own server (CIBA).
#[derive(Clone, Debug, Default, Serialize)]
pub struct AskedMail {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// Who asks.
    pub app: String,
    /// What stands on the app's own screen.
    pub message: Option<String>,
    /// When it asked.
    pub at: Time,
    /// `/account/asked`
    pub link: String,
    /// How long it waits.
    pub minutes: u32,
}
impl MailView for AskedMail {
    const TEMPLATE: &'static str = "asked";
}

/// The operator tries the mail settings.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MailTest {
    /// Who writes.
    pub server: Server,
    /// When.
    pub at: Time,
}
impl MailView for MailTest {
    const TEMPLATE: &'static str = "mail-test";
}

/// The code that proves a new address before it replaces the old one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EmailCode {
    /// Who writes.
    pub server: Server,
    /// Whom we greet.
    pub name: String,
    /// The code with a space in the middle.
    pub code: String,
    /// How long it works.
    pub minutes: u32,
}
impl MailView for EmailCode {
    const TEMPLATE: &'static str = "email-code";
}
