//! The pages of signing in, out and back in, and of consent (UX.md 1.4, 1.5).

use serde::Serialize;

use super::{Document, Session};
use crate::clock::Time;
use crate::page::{App, FieldError, Person, View};

/// S1 `/signin`. Fields `login password keep`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SignIn {
    /// As typed, or `login_hint`.
    pub login: String,
    /// Whether "Keep me signed in" is ticked.
    pub keep: bool,
    /// Where "Create an account" leads; empty when sign-up is closed.
    pub signup: String,
    /// Where "Forgotten your password?" leads.
    pub forgot: String,
    /// The privacy page of the app that asks (OpenID Connect Registration 2, `policy_uri`).
    pub privacy: Option<String>,
    /// Its terms (`tos_uri`).
    pub terms: Option<String>,
    /// What to put right: `login`, `password`.
    pub errors: Vec<FieldError>,
}
impl View for SignIn {
    const TEMPLATE: &'static str = "signin";
}

/// One row of the chooser.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Choice {
    /// What the button `account` sends.
    pub id: String,
    /// Who it is.
    pub person: Person,
    /// Whether the session lives.
    pub signed_in: bool,
}

/// S2 `/signin/choose`. Buttons `account` = id, `remove` = id, `other` = `another`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Choose {
    /// The accounts of this browser.
    pub choices: Vec<Choice>,
}
impl View for Choose {
    const TEMPLATE: &'static str = "signin-choose";
}

/// One account, one click. Button `account` = id, `other` = `another`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ContinueAs {
    /// What the button `account` sends.
    pub id: String,
    /// Who it is.
    pub person: Person,
    /// When the app was added, if nobody at this server has looked at it.
    pub unchecked_since: Option<Time>,
    /// The host of the document by which the app is known, if it is.
    pub document: Option<String>,
}
impl View for ContinueAs {
    const TEMPLATE: &'static str = "signin-continue";
}

/// S4 `/forgot`. Field `login`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Forgot {
    /// As typed.
    pub login: String,
    /// Where "Sign in" leads back to.
    pub signin: String,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for Forgot {
    const TEMPLATE: &'static str = "forgot";
}

/// After `/forgot`: the same for known and unknown names. Field `secret` when it is pasted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ForgotSent {
    /// How long the mail's secret works.
    pub minutes: u32,
    /// Who the mail is from.
    pub from: String,
    /// Asked for too often: no new mail was sent, the last one still works.
    pub limited: bool,
    /// No mail to anybody gets out at the moment.
    pub down: bool,
    /// Where another mail is asked for.
    pub forgot: String,
    /// What to put right: `secret`.
    pub errors: Vec<FieldError>,
}
impl View for ForgotSent {
    const TEMPLATE: &'static str = "forgot-sent";
}

/// `/reset/{secret}`. Field `password`; `secret` when it was pasted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reset {
    /// The pasted secret, carried in a hidden field; none when it is in the path.
    pub secret: Option<String>,
    /// Whose password it is.
    pub person: Person,
    /// The fewest characters that a password may have.
    pub min_length: usize,
    /// Where the account is signed in now, browsers and apps; all of it ends.
    pub sessions: Vec<Session>,
    /// What to put right: `password`.
    pub errors: Vec<FieldError>,
}
impl View for Reset {
    const TEMPLATE: &'static str = "reset";
}

/// The password was changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResetDone {
    /// Where "Sign in" leads.
    pub signin: String,
}
impl View for ResetDone {
    const TEMPLATE: &'static str = "reset-done";
}

/// S5 `/confirm`. Field `password`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Confirm {
    /// Who is signed in.
    pub person: Person,
    /// How long it then holds.
    pub minutes: u32,
    /// What to put right: `password`.
    pub errors: Vec<FieldError>,
}
impl View for Confirm {
    const TEMPLATE: &'static str = "confirm";
}

/// `/signout`. Buttons `decision` = `signout stay`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SignOut {
    /// Who is signed in.
    pub person: Person,
    /// The app that asked, by name.
    pub app: Option<String>,
}
impl View for SignOut {
    const TEMPLATE: &'static str = "signout";
}

/// S6.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SignedOut {
    /// The apps that were told.
    pub apps: Vec<String>,
    /// Where "Sign in again" leads.
    pub signin: String,
}
impl View for SignedOut {
    const TEMPLATE: &'static str = "signed-out";
}

/// Newer agreements at sign-in. Buttons `decision` = `accept later decline`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TermsAgain {
    /// The person has accepted none of them in any version.
    pub first: bool,
    /// What is new, each with what changed.
    pub documents: Vec<Document>,
    /// Until when "Later" is offered.
    pub later_until: Option<Time>,
    /// What to put right.
    pub errors: Vec<FieldError>,
}
impl View for TermsAgain {
    const TEMPLATE: &'static str = "terms-again";
}

/// One thing that an app will be able to do; `Engine::abilities` makes these from scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ability {
    /// The plain line.
    pub text: String,
    /// What it means here; may be empty.
    pub detail: String,
    /// What an app asks for beside, row by row.
    pub rows: Vec<Row>,
    /// The scope; an optional one is the check box `scope` with this value.
    pub scope: String,
    /// May be left out.
    pub optional: bool,
}

/// A name and a value of what an app asks for, in its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its value, as JSON.
    pub value: String,
}

/// C1 `/consent`. Buttons `decision` = `allow deny`; check boxes `scope` for optional scopes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Consent {
    /// Who asks.
    pub app: App,
    /// Who answers.
    pub person: Person,
    /// What the app will be able to do.
    pub can: Vec<Ability>,
    /// What it will not be able to do.
    pub cannot: Vec<String>,
    /// The app's privacy page.
    pub privacy: Option<String>,
    /// The app's terms.
    pub terms: Option<String>,
    /// The app's home page.
    pub home: Option<String>,
    /// The app's picture: a link, never shown here, which would tell its server who looks.
    pub logo: Option<String>,
    /// When the app was added, if nobody at this server has looked at it.
    pub unchecked_since: Option<Time>,
    /// The host of the document by which the app is known, if it is.
    pub document: Option<String>,
    /// What was answered is not what is asked for now.
    pub changed: bool,
    /// Says what this page shows; sent back as `shown`.
    pub shown: String,
    /// Where "Not you?" leads.
    pub not_you: String,
}
impl View for Consent {
    const TEMPLATE: &'static str = "consent";
}

/// A hidden field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hidden {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request that was refused, of an app that nobody here has looked at: back to it by a click.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Leave {
    /// Who asked, and where the answer goes.
    pub app: App,
    /// When the app was added.
    pub unchecked_since: Option<Time>,
    /// As on the consent page.
    pub document: Option<String>,
    /// A checked redirect address with the refusal; empty when it travels by a form.
    pub link: String,
    /// Where the form goes: a checked redirect address.
    pub action: String,
    /// What it sends.
    pub fields: Vec<Hidden>,
}
impl View for Leave {
    const TEMPLATE: &'static str = "leave";
}

/// OAuth 2.0 Form Post Response Mode: a form that sends itself to the app, or by its button.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FormPost {
    /// Where to: a checked redirect address.
    pub action: String,
    /// What to send.
    pub fields: Vec<Hidden>,
}
impl View for FormPost {
    const TEMPLATE: &'static str = "form-post";
}
