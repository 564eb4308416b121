//! The wizard's pages (UX.md 1.3).

use serde::Serialize;

use crate::clock::Time;
use crate::page::{FieldError, Person, View};

/// W1 `/signup`. Fields: `name username email password website`; `website` is the honeypot and
/// must come back empty.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// As typed.
    pub name: String,
    /// As typed.
    pub username: String,
    /// As typed.
    pub email: String,
    /// The domain behind the username's `@`.
    pub domain: String,
    /// The fewest characters that a password may have.
    pub min_length: usize,
    /// Where the form is posted to; keeps the stored request.
    pub action: String,
    /// Where "Sign in" leads; keeps the stored request.
    pub signin: String,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for Profile {
    const TEMPLATE: &'static str = "signup-profile";
}

/// Which other ways through the security check are open; each is a button `other` with this name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// `other=picture`
    pub picture: bool,
    /// `other=sound`
    pub sound: bool,
    /// `other=question`
    pub question: bool,
    /// `other=person`
    pub person: bool,
}

/// W2 `/signup/check`. Field `code`; buttons `other` = `new sound question person`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckPicture {
    /// Where the picture is: a path or a `data:image/png` URL.
    pub picture: String,
    /// How many characters it has.
    pub length: usize,
    /// The other ways.
    pub ways: Ways,
    /// After five pictures the other ways stand first (with the error `check-others` at `ways`).
    pub others_first: bool,
    /// What to put right: `code` or `ways`.
    pub errors: Vec<FieldError>,
}
impl View for CheckPicture {
    const TEMPLATE: &'static str = "signup-check-picture";
}

/// W2 as a sound. Field `code`; buttons `other` = `new picture question person`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckSound {
    /// Where the WAV is.
    pub sound: String,
    /// The other ways.
    pub ways: Ways,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for CheckSound {
    const TEMPLATE: &'static str = "signup-check-sound";
}

/// W2 as a question in words. Field `code`; buttons `other` = `new picture sound person`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckQuestion {
    /// The question.
    pub question: String,
    /// Its language, where it is known.
    pub language: Option<String>,
    /// The other ways.
    pub ways: Ways,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for CheckQuestion {
    const TEMPLATE: &'static str = "signup-check-question";
}

/// W2 by asking a person. Field `note`; buttons `other` = `picture sound question`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckPerson {
    /// As typed.
    pub note: String,
    /// The other ways.
    pub ways: Ways,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for CheckPerson {
    const TEMPLATE: &'static str = "signup-check-person";
}

/// W2 as a proof of work, with an ordinary picture below it. The script posts the field `work`
/// (the nonce); a person may type `code` instead.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckWork {
    /// What to hash: SHA-256 of `challenge:nonce`.
    pub challenge: String,
    /// How many leading bits of the digest must be zero.
    pub bits: u32,
    /// Where the picture is.
    pub picture: String,
    /// How many characters it has.
    pub length: usize,
    /// The other ways.
    pub ways: Ways,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for CheckWork {
    const TEMPLATE: &'static str = "signup-check-work";
}

/// One agreement.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The document's id: the check box of an optional one is `accept_<id>`.
    pub id: String,
    /// Its version, as the path names it: `/terms/{id}/{version}`.
    pub version: String,
    /// Its language, such as `en`.
    pub language: String,
    /// Its title.
    pub title: String,
    /// When it comes into force.
    pub in_force_at: Time,
    /// Up to three plain lines by the operator.
    pub summary: Vec<String>,
    /// What changed since the version before; empty when nothing is said.
    pub changes: String,
    /// The whole text as HTML, already made safe by the caller.
    pub html: String,
    /// May be left unaccepted.
    pub optional: bool,
    /// Ticked, where it is optional.
    pub ticked: bool,
}

/// W3 `/signup/agree`. Buttons `decision` = `accept decline`; check boxes `accept_<id>` for
/// optional documents and `age`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Agree {
    /// What is to be accepted, in order.
    pub documents: Vec<Document>,
    /// The least age; 0 when it is not asked.
    pub min_age: u32,
    /// Whether the age box is ticked.
    pub age: bool,
    /// What to put right: field `age`.
    pub errors: Vec<FieldError>,
}
impl View for Agree {
    const TEMPLATE: &'static str = "signup-agree";
}

/// The page after "I do not accept". Button `decision` = `delete`; a link goes back.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Declined {
    /// How long the draft is kept, in words.
    pub span: String,
}
impl View for Declined {
    const TEMPLATE: &'static str = "signup-declined";
}

/// What another mail server said about our mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RefusedMail {
    /// The address's domain.
    pub domain: String,
    /// The server's own words.
    pub said: String,
}

/// W4 `/signup/email`. Fields `code`, `email`; buttons `other` = `resend address`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Email {
    /// Where the code went.
    pub address: String,
    /// Who the mail is from, to look for among the spam.
    pub from: String,
    /// How long a code works.
    pub minutes: u32,
    /// Seconds until a new code may be asked for; 0 when it may be now.
    pub wait_seconds: u32,
    /// The domain that was likely meant, such as `gmail.com`.
    pub slip: Option<String>,
    /// The other mail server refused our mail.
    pub refused: Option<RefusedMail>,
    /// Nothing was sent, and why.
    pub unsent: Option<String>,
    /// The mail is on its way to the mail server.
    pub sending: bool,
    /// Our own mail does not work at the moment.
    pub mail_down: bool,
    /// The code door is closed for today; the link of the last mail still works (PROTOCOL.md 7).
    pub link_only: bool,
    /// Where "Back" leads.
    pub back: String,
    /// The other address, as typed.
    pub email: String,
    /// What to put right: `code` or `email`.
    pub errors: Vec<FieldError>,
}
impl View for Email {
    const TEMPLATE: &'static str = "signup-email";
}

/// The username was taken by someone else meanwhile. Field `username`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NameAgain {
    /// As typed.
    pub username: String,
    /// The domain behind the username's `@`.
    pub domain: String,
    /// The proved address.
    pub address: String,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for NameAgain {
    const TEMPLATE: &'static str = "signup-name";
}

/// The address is proved and the operator is asked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Waiting {
    /// Where the answer goes.
    pub address: String,
    /// How many days the request stays.
    pub days: u32,
}
impl View for Waiting {
    const TEMPLATE: &'static str = "signup-waiting";
}

/// How to sign in with one connected messenger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessengerHint {
    /// Its name.
    pub name: String,
    /// Its server, where a person could type it.
    pub server: Option<String>,
}

/// W5 `/signup/done`. Check box `keep`; the button goes on to the app (`shell.app`) or the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Done {
    /// Whose account it is.
    pub person: Person,
    /// Whether "Keep me signed in" is ticked.
    pub keep: bool,
    /// The app has waited too long (PROTOCOL.md 3): go back to it and sign in there.
    pub late: bool,
    /// Where the app wants people to start over, when it said so and is late.
    pub start_again: Option<String>,
    /// The messengers to use, shown when no app waits.
    pub messengers: Vec<MessengerHint>,
}
impl View for Done {
    const TEMPLATE: &'static str = "signup-done";
}

/// A draft was left for a while on what may be a shared computer. Field `email`;
/// button `other` = `forget` starts over.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DraftAsksAddress {
    /// As typed.
    pub email: String,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for DraftAsksAddress {
    const TEMPLATE: &'static str = "signup-address";
}

/// The mailed link `/e/{id}`. Same browser: a button that confirms. Another: the code to type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MailLink {
    /// The address to prove; shown in the same browser only.
    pub address: Option<String>,
    /// The code with a space in the middle; shown in another browser only.
    pub code: Option<String>,
}
impl View for MailLink {
    const TEMPLATE: &'static str = "signup-link";
}

/// The link in the mail that lets a person in; works in any browser, and the button finishes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LetIn {
    /// Whose account it will be.
    pub person: Person,
}
impl View for LetIn {
    const TEMPLATE: &'static str = "signup-let-in";
}
