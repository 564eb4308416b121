//! Errors, agreements to read, help, and the mailbox of dev mode.

use serde::Serialize;

use super::{Document, Ways};
use crate::clock::Time;
use crate::oauth::error::quote;
use crate::oauth::redirect;
use crate::page::{App, View};

/// A fact on an error page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// Its value, shown as it is.
    pub value: String,
}

/// Any error that is a page; `Engine::fault` makes the known ones. `shell.reference` is shown.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// The heading.
    pub heading: String,
    /// What happened.
    pub what: String,
    /// Why; may be empty.
    pub why: String,
    /// What to do.
    pub todo: String,
    /// What may help the operator.
    pub facts: Vec<Fact>,
    /// Where to go on, and its words; else only the first page.
    pub way: Option<(String, String)>,
}
impl View for ErrorPage {
    const TEMPLATE: &'static str = "error";
}

/// Two addresses that are not the same, cut where they part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What both begin with.
    pub same: String,
    /// How the first goes on.
    pub rest: String,
    /// How many characters are the same: where the mark stands.
    pub at: usize,
}

/// C3: the address that an app asked for is not on file. Never redirected.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RedirectMismatch {
    /// Who asks.
    pub app: App,
    /// The address asked for, cut at the first difference from the nearest one on file.
    pub asked: Difference,
    /// The nearest address on file, cut at the same place.
    pub nearest: Option<Difference>,
    /// The others on file.
    pub on_file: Vec<String>,
    /// What the operator may type.
    pub command: String,
    /// It was to sign the person out: the page offers to.
    pub signs_out: bool,
}
impl View for RedirectMismatch {
    const TEMPLATE: &'static str = "redirect";
}

impl RedirectMismatch {
    /// Compares the address asked for with those on file and keeps the nearest beside it.
    pub fn new(app: App, client_id: &str, asked: &str, on_file: &[String]) -> Self {
        let found = redirect::nearest(asked, on_file);
        let mut others = on_file.to_vec();
        let nearest = found.map(|(place, found)| cut(&others.remove(place), found.on_file));
        Self {
            app,
            asked: cut(asked, found.map_or(0, |(_, found)| found.index)),
            nearest,
            on_file: others,
            command: redirect::registering(client_id, asked),
            signs_out: false,
        }
    }

    /// As [`Self::new`], for the address after signing out.
    pub fn after_logout(app: App, client_id: &str, asked: &str, on_file: &[String]) -> Self {
        Self {
            command: format!(
                "gerege client edit {} --add-post-logout-redirect {}",
                quote(client_id),
                quote(asked)
            ),
            signs_out: true,
            ..Self::new(app, client_id, asked, on_file)
        }
    }
}

/// An app's wish to sign out that cannot be followed; the person can still sign out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogoutRefused {}
impl View for LogoutRefused {
    const TEMPLATE: &'static str = "logout-refused";
}

fn cut(text: &str, at: usize) -> Difference {
    let split = text
        .char_indices()
        .nth(at)
        .map_or(text.len(), |(byte, _)| byte);
    let (same, rest) = text.split_at(split);
    Difference {
        same: same.to_owned(),
        rest: rest.to_owned(),
        at,
    }
}

/// One agreement in the list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TermsListed {
    /// The document's id.
    pub id: String,
    /// The version, as the path names it.
    pub version: String,
    /// Its title.
    pub title: String,
    /// When it comes into force.
    pub in_force_at: Time,
    /// Its first line in plain words; may be empty.
    pub summary: String,
}

/// `/terms`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TermsList {
    /// The newest version of each document.
    pub documents: Vec<TermsListed>,
}
impl View for TermsList {
    const TEMPLATE: &'static str = "terms-list";
}

/// `/terms/{document}/{version}`.
#[derive(Clone, Debug, Serialize)]
pub struct TermsDocument {
    /// The document.
    pub document: Document,
    /// The digest of its text, in hex.
    pub sha256: String,
    /// The other versions, newest first.
    pub versions: Vec<TermsListed>,
}
impl View for TermsDocument {
    const TEMPLATE: &'static str = "terms-document";
}

/// `/cookies`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cookies {
    /// What stands before the names: `__Host-` on https, nothing on loopback.
    pub prefix: String,
    /// For how many days a person stays signed in at most.
    pub days: u32,
    /// For how many hours a draft is kept.
    pub hours: u32,
    /// For how many days one is kept that waits for the operator.
    pub waiting: u32,
}
impl View for Cookies {
    const TEMPLATE: &'static str = "cookies";
}

/// `/help`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Help {
    /// Whether accounts can be made here.
    pub signup: bool,
    /// The security check can be done by the browser alone.
    pub work: bool,
    /// The ways through the security check; none where it is off.
    pub ways: Ways,
}
impl View for Help {
    const TEMPLATE: &'static str = "help";
}

/// One caught mail in the list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListedMail {
    /// Its id: `/dev/mail/{id}`.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was caught.
    pub at: Time,
}

/// `/dev/mail`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DevMailbox {
    /// Newest first.
    pub mails: Vec<ListedMail>,
}
impl View for DevMailbox {
    const TEMPLATE: &'static str = "dev-mailbox";
}

/// `/dev/mail/{id}`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DevMail {
    /// The mail's lines.
    pub mail: ListedMail,
    /// From whom.
    pub from: String,
    /// Its text; addresses in it become links.
    pub text: String,
}
impl View for DevMail {
    const TEMPLATE: &'static str = "dev-mail";
}
