//! The account pages (UX.md 1.6). All of them need `shell.account`.

use serde::Serialize;

use super::Ability;
use crate::clock::Time;
use crate::page::{App, FieldError, Person, View};

/// What a device looks like; chooses its drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A browser on a computer.
    #[default]
    Computer,
    /// A telephone or tablet.
    Phone,
    /// A program.
    Program,
}

/// One place where the account is signed in.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Session {
    /// What the button `session` sends.
    pub id: String,
    /// What it is, such as "Firefox on Linux".
    pub name: String,
    /// Its drawing.
    pub kind: DeviceKind,
    /// The network or rough place it was seen from; may be empty.
    pub place: String,
    /// When it signed in.
    pub first_at: Time,
    /// When it was last seen.
    pub last_at: Time,
    /// The browser that asks.
    pub this: bool,
}

/// An app that the person let use the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Connected {
    /// What the button `client` sends.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it lives; may be empty.
    pub host: String,
    /// Since when.
    pub since: Time,
    /// What it can do, in plain lines.
    pub can: Vec<String>,
    /// Where a sign-in to it can be begun.
    pub start: Option<String>,
}

/// One line of the security log; `Engine::text` has `log-…` for each kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Entry {
    /// What happened.
    pub text: String,
    /// With which device; may be empty.
    pub device: String,
    /// Its drawing.
    pub kind: DeviceKind,
    /// Network or rough place; may be empty.
    pub place: String,
    /// When.
    pub at: Time,
}

/// Something that an app asks of the person from its own server (CIBA).
#[derive(Clone, Debug, Default, Serialize)]
pub struct AskedRow {
    /// What the button `asked` sends.
    pub id: String,
    /// Who asks.
    pub name: String,
    /// What stands on the app's own screen; may be empty.
    pub message: String,
    /// When it asked.
    pub at: Time,
}

/// `/account/asked`. Buttons `asked` = id.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AskedList {
    /// What waits, newest first.
    pub asked: Vec<AskedRow>,
}
impl View for AskedList {
    const TEMPLATE: &'static str = "account-asked";
}

/// `/account/asked/allow`. Buttons `decision` = `allow deny`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AskedAllow {
    /// Who asks.
    pub app: App,
    /// Who answers.
    pub person: Person,
    /// What stands on the app's own screen.
    pub message: Option<String>,
    /// When it asked.
    pub at: Time,
    /// What the app will be able to do.
    pub can: Vec<Ability>,
    /// What it will not be able to do.
    pub cannot: Vec<String>,
    /// What was answered is not what is asked for now.
    pub changed: bool,
    /// Says what this page shows; sent back as `shown`.
    pub shown: String,
}
impl View for AskedAllow {
    const TEMPLATE: &'static str = "asked-allow";
}

/// `/account`. Buttons `session` = id post to `/account/devices`, `asked` = id to `/account/asked`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Home {
    /// What apps ask and nobody has answered.
    pub asked: Vec<AskedRow>,
    /// The last few places.
    pub sessions: Vec<Session>,
    /// The last few apps.
    pub apps: Vec<Connected>,
    /// The last few lines.
    pub entries: Vec<Entry>,
}
impl View for Home {
    const TEMPLATE: &'static str = "account-home";
}

/// A new address that waits for its code, and what became of the mail.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pending {
    /// The address.
    pub address: String,
    /// Who the mail is from, to look for among the spam.
    pub from: String,
    /// How long a code works.
    pub minutes: u32,
    /// The other mail server's refusal, in its own words.
    pub refused: Option<String>,
    /// The mail is on its way to the mail server.
    pub sending: bool,
    /// Our own mail does not work at the moment.
    pub mail_down: bool,
}

/// `/account/details`. Buttons `save` = `name email code`; fields `name`, `email`, `code`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Details {
    /// The name as typed or kept.
    pub name: String,
    /// The address on file.
    pub email: String,
    /// The new address as typed.
    pub new_email: String,
    /// The new address that waits for its code.
    pub pending: Option<Pending>,
    /// What to put right: `name`, `email`, `code`.
    pub errors: Vec<FieldError>,
}
impl View for Details {
    const TEMPLATE: &'static str = "account-details";
}

/// `/account/signing-in`. Field `password` (the new one); the old one was asked by `/confirm`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SigningIn {
    /// When the password was last set.
    pub password_at: Time,
    /// The fewest characters that a password may have.
    pub min_length: usize,
    /// What to put right: `password`.
    pub errors: Vec<FieldError>,
}
impl View for SigningIn {
    const TEMPLATE: &'static str = "account-signing-in";
}

/// `/account/devices`. Buttons `session` = id, `everywhere` = `else`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Devices {
    /// All places, newest first.
    pub sessions: Vec<Session>,
}
impl View for Devices {
    const TEMPLATE: &'static str = "account-devices";
}

/// `/account/apps`. Buttons `client` = id.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Apps {
    /// All apps.
    pub apps: Vec<Connected>,
    /// How long a removed app may still work with what it holds.
    pub minutes: u32,
}
impl View for Apps {
    const TEMPLATE: &'static str = "account-apps";
}

/// `/account/log`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// One page of lines, newest first.
    pub entries: Vec<Entry>,
    /// The link to older lines.
    pub older: Option<String>,
    /// How many days lines are kept.
    pub days: u32,
}
impl View for Log {
    const TEMPLATE: &'static str = "account-log";
}

/// One accepted agreement.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Agreed {
    /// The document's id.
    pub document: String,
    /// The version, as the path names it.
    pub version: String,
    /// Its title.
    pub title: String,
    /// When it was accepted.
    pub accepted_at: Time,
    /// In which language: its tag.
    pub language: String,
    /// The language's own name for itself.
    pub speaks: String,
    /// The digest of the text that was shown, in hex.
    pub sha256: String,
}

/// `/account/agreements`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Agreements {
    /// What the person accepted, newest first.
    pub agreements: Vec<Agreed>,
}
impl View for Agreements {
    const TEMPLATE: &'static str = "account-agreements";
}
