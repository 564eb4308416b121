//! What every page has around its own content.

use serde::Serialize;

use super::text::Lang;
use crate::clock::Time;

/// Everything that `base.html` needs. `Engine::shell` makes one with the languages filled in.
#[derive(Clone, Debug, Serialize)]
pub struct Shell {
    /// The server's name, as the operator calls it.
    pub server: String,
    /// The page's language and direction.
    pub lang: Lang,
    /// The other languages, each a link that stays on the same path.
    pub languages: Vec<Language>,
    /// A mail address or URL to ask; may be empty.
    pub contact: String,
    /// Who is signed in, where the page shows it.
    pub account: Option<Member>,
    /// The app that sent the person here.
    pub app: Option<App>,
    /// Where in the wizard this page is.
    pub step: Option<Step>,
    /// What was just done, for the green strip.
    pub notice: Option<String>,
    /// The request's number, which the log has too; shown on error pages.
    pub reference: String,
    /// The page token: each form carries it in a hidden field `form`.
    pub form: String,
}

/// A language to change to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Language {
    /// Its tag, such as `de`.
    pub code: String,
    /// Its own name for itself.
    pub name: String,
    /// The link: `?lang=de`.
    pub href: String,
}

/// A person, as other people see them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The name that others see.
    pub name: String,
    /// The username alone.
    pub username: String,
    /// The address in the messenger: `temuulen@steppe.example`.
    pub address: String,
}

/// The signed-in person, as the account pages show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Who it is.
    pub person: Person,
    /// When the account was made.
    pub since: Time,
}

/// The app that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Where it lives; may be empty for an app on this device.
    pub host: String,
}

/// One step of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which one, from 1.
    pub number: u32,
    /// Of how many.
    pub total: u32,
}

/// One thing to put right on a form; `Engine::error` looks up its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The id of the field, which is its name too.
    pub field: String,
    /// What to do about it.
    pub text: String,
}
