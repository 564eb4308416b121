//! Letters: put into the outbox within a story's transaction, written when they are sent, so that
//! no code or link lies in the database.

use serde::{Deserialize, Serialize};

use super::derived::{self, Link};
use crate::account::Email;
use crate::account::label::is_like_link;
use crate::app::App;
use crate::clock::Time;
use crate::config::Config;
use crate::mail;
use crate::page::view::{
    AlreadyAccount, AskedMail, EmailChanged, EmailCode, LetInMail, MailTest, NewDevice, NotLetIn,
    PasswordChanged, ResetSecret, Server, SignupCode,
};
use crate::page::{self, MailView};
use crate::store::outbox::{self, Item};
use crate::store::{self, Conn, Error};

/// One letter, with what is needed to write it. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are ids and what the views of the same name say
pub enum Letter {
    /// The code and link of sign-up.
    SignupCode {
        draft_id: String,
        number: u32,
        app: Option<String>,
    },
    /// Someone tried to sign up with this account's address.
    AlreadyAccount { account_id: String },
    /// A way back in.
    Reset { reset_id: String },
    /// The password was changed.
    PasswordChanged {
        account_id: String,
        at: Time,
        device: String,
    },
    /// A sign-in from a device not seen before.
    NewDevice {
        account_id: String,
        at: Time,
        device: String,
        place: String,
    },
    /// The code that proves a new address.
    EmailCode {
        account_id: String,
        change_id: String,
    },
    /// The address was changed; one goes to the old one and one to the new one.
    EmailChanged {
        account_id: String,
        old: String,
        new: String,
        to_old: bool,
        at: Time,
    },
    /// The operator let the person in.
    LetIn { draft_id: String },
    /// The operator did not.
    NotLetIn {
        name: String,
        note: String,
        language: String,
    },
    /// An app asks the person something on its own screen.
    Asked { hash: String },
    /// The operator tries the mail settings.
    Test { language: String },
}

impl Letter {
    /// The word under which the outbox lists it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SignupCode { .. } => "signup-code",
            Self::AlreadyAccount { .. } => "already-account",
            Self::Reset { .. } => "reset",
            Self::PasswordChanged { .. } => "password-changed",
            Self::NewDevice { .. } => "new-device",
            Self::EmailCode { .. } => "email-code",
            Self::EmailChanged { .. } => "email-changed",
            Self::LetIn { .. } => "let-in",
            Self::NotLetIn { .. } => "not-let-in",
            Self::Asked { .. } => "asked",
            Self::Test { .. } => "test",
        }
    }
}

/// A letter on its way to the outbox; its id is drawn before the transaction.
#[derive(Clone, Debug)]
pub struct Addressed {
    item: Item,
}

impl Addressed {
    /// Addresses a letter. `secret_ends_at` is when the secret inside runs out.
    pub fn new(
        app: &App,
        to: &Email,
        letter: &Letter,
        draft_id: Option<&str>,
        secret_ends_at: Option<Time>,
        now: Time,
    ) -> Result<Self, Error> {
        Self::named(app.rng.id(), to, letter, draft_id, secret_ends_at, now)
    }

    /// As [`Addressed::new`], with an id drawn before: for letters that only the transaction
    /// decides on.
    pub fn named(
        id: String,
        to: &Email,
        letter: &Letter,
        draft_id: Option<&str>,
        secret_ends_at: Option<Time>,
        now: Time,
    ) -> Result<Self, Error> {
        Ok(Self {
            item: Item {
                id,
                kind: letter.kind().to_owned(),
                recipient: to.ascii(),
                body: serde_json::to_string(letter)?,
                draft_id: draft_id.map(str::to_owned),
                created_at: now.millis(),
                due_at: now.millis(),
                secret_ends_at: secret_ends_at.map(Time::millis),
                tries: 0,
                sent_at: None,
                failed_at: None,
                said: None,
                leased_until: None,
            },
        })
    }

    /// Puts it into the outbox; ring `app.post` once the transaction stands.
    pub fn post(&self, c: &mut Conn<'_>) -> Result<(), Error> {
        outbox::add(c, &self.item)
    }
}

/// Why a letter was not written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// What it speaks of is gone: nothing is sent.
    #[error("what the letter speaks of is gone")]
    Gone,
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
    /// The templates.
    #[error(transparent)]
    Page(#[from] page::Error),
}

/// Writes the letter behind an item of the outbox.
pub fn write(app: &App, item: &Item, now: Time) -> Result<mail::Letter, Unwritten> {
    let letter: Letter = serde_json::from_str(&item.body).map_err(Error::from)?;
    let server = || Server {
        name: app.config.name.clone(),
        url: app.config.issuer().to_owned(),
        contact: app.config.contact.clone().unwrap_or_default(),
    };
    let master = app.keys.master();
    let account = |id: &str| {
        app.store
            .read_now(|c| store::account::find(c, id))?
            .ok_or(Unwritten::Gone)
    };
    let draft = |id: &str| {
        app.store
            .read_now(|c| store::draft::find_by_id(c, id))?
            .ok_or(Unwritten::Gone)
    };
    let minutes = |ends_at: i64, from: i64| {
        u32::try_from(ends_at.saturating_sub(from).max(0) / 60_000).unwrap_or(0)
    };
    let secret_minutes = item
        .secret_ends_at
        .map_or(0, |ends_at| minutes(ends_at, item.created_at));
    let mail = match letter {
        Letter::SignupCode {
            draft_id,
            number,
            app: from,
        } => {
            let draft = draft(&draft_id)?;
            if draft.mail.number != number || draft.mail.proved_at.is_some() {
                return Err(Unwritten::Gone); // a newer one is on its way
            }
            let code = derived::mail_code(master, &draft_id, &draft.email_key, number);
            render(
                app,
                &draft.language,
                &SignupCode {
                    server: server(),
                    // Nobody has proved yet that this address is theirs: what was typed for a
                    // name must lead nowhere.
                    name: Some(draft.name)
                        .filter(|name| !is_like_link(name))
                        .unwrap_or_default(),
                    code: format!("{} {}", &code[..3], &code[3..]),
                    link: app.config.url(&format!(
                        "/e/{}",
                        Link::Address.make(master, &draft_id, number)
                    )),
                    minutes: secret_minutes,
                    app: from,
                },
            )?
        }
        Letter::AlreadyAccount { account_id } => {
            let account = account(&account_id)?;
            render(
                app,
                &account.language,
                &AlreadyAccount {
                    server: server(),
                    name: account.name,
                    username: account.username,
                    signin: app.config.url("/signin"),
                    forgot: app.config.url("/forgot"),
                },
            )?
        }
        Letter::Reset { reset_id } => {
            let reset = app
                .store
                .read_now(|c| store::reset::find(c, &reset_id))?
                .ok_or(Unwritten::Gone)?;
            let account = account(&reset.account_id)?;
            let secret = Link::Reset.make(master, &reset_id, 0);
            render(
                app,
                &account.language,
                &ResetSecret {
                    server: server(),
                    name: account.name,
                    username: account.username,
                    link: app.config.url(&format!("/reset/{secret}")),
                    secret: Some(secret),
                    minutes: secret_minutes,
                },
            )?
        }
        Letter::PasswordChanged {
            account_id,
            at,
            device,
        } => {
            let account = account(&account_id)?;
            render(
                app,
                &account.language,
                &PasswordChanged {
                    server: server(),
                    name: account.name,
                    at,
                    device: device_in(app, &account.language, &device),
                    forgot: app.config.url("/forgot"),
                },
            )?
        }
        Letter::NewDevice {
            account_id,
            at,
            device,
            place,
        } => {
            let account = account(&account_id)?;
            render(
                app,
                &account.language,
                &NewDevice {
                    server: server(),
                    name: account.name,
                    at,
                    device: device_in(app, &account.language, &device),
                    place,
                    devices: app.config.url("/account/devices"),
                },
            )?
        }
        Letter::EmailCode {
            account_id,
            change_id,
        } => {
            let account = account(&account_id)?;
            let waits = app
                .store
                .read_now(|c| store::address::find(c, &account_id, now))?;
            let Some(change) = waits.filter(|change| change.id == change_id) else {
                return Err(Unwritten::Gone); // a newer one is on its way, or it was used
            };
            let code = derived::mail_code(master, &change_id, &change.email, 0);
            render(
                app,
                &account.language,
                &EmailCode {
                    server: server(),
                    name: account.name,
                    code: format!("{} {}", &code[..3], &code[3..]),
                    minutes: secret_minutes,
                },
            )?
        }
        Letter::EmailChanged {
            account_id,
            old,
            new,
            to_old,
            at,
        } => {
            let account = account(&account_id)?;
            render(
                app,
                &account.language,
                &EmailChanged {
                    server: server(),
                    name: account.name,
                    old,
                    new,
                    to_old,
                    at,
                },
            )?
        }
        Letter::LetIn { draft_id } => {
            let draft = draft(&draft_id)?;
            let link = Link::LetIn.make(master, &draft_id, 0);
            let left = draft.expires_at.since(now).as_secs() / 86_400;
            render(
                app,
                &draft.language,
                &LetInMail {
                    server: server(),
                    name: draft.name,
                    link: app.config.url(&format!("/signup/let-in/{link}")),
                    days: u32::try_from(left).unwrap_or(0),
                },
            )?
        }
        Letter::NotLetIn {
            name,
            note,
            language,
        } => render(
            app,
            &language,
            &NotLetIn {
                server: server(),
                name,
                note,
            },
        )?,
        Letter::Asked { hash } => {
            let found = app.store.read_now(|c| {
                let Some(asked) = store::pending::find(c, &hash)? else {
                    return Ok(None);
                };
                let client = store::client::find(c, &asked.client_id)?;
                Ok(client.map(|client| (asked, client)))
            })?;
            let (asked, client) = found.ok_or(Unwritten::Gone)?;
            if asked.decided_at.is_some() {
                return Err(Unwritten::Gone); // nothing is left to do
            }
            let account = account(asked.account_id.as_deref().unwrap_or_default())?;
            render(
                app,
                &account.language,
                &AskedMail {
                    server: server(),
                    name: account.name,
                    app: client.name,
                    message: asked.body.message,
                    at: asked.created_at,
                    link: app.config.url("/account/asked"),
                    minutes: secret_minutes,
                },
            )?
        }
        Letter::Test { language } => render(
            app,
            &language,
            &MailTest {
                server: server(),
                at: now,
            },
        )?,
    };
    Ok(mail::Letter {
        to: item.recipient.clone(),
        to_name: None,
        from: from(app),
        reply_to: reply_to(&app.config),
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        message_id: format!("{}@{}", item.id, app.config.host()),
        date: now,
    })
}

/// Where answers go: where the operator says, else to the people behind the server, where they
/// have a mail address (UX 1.8).
fn reply_to(config: &Config) -> Option<String> {
    match &config.mail.reply_to {
        Some(mailbox) => Some(shown(mailbox)),
        None => config.contact.clone().filter(|it| Email::parse(it).is_ok()),
    }
}

/// The sender of all letters.
pub fn from(app: &App) -> String {
    shown(&app.config.mail.from)
}

fn shown(mailbox: &crate::config::Mailbox) -> String {
    match &mailbox.name {
        Some(name) => format!(
            "\"{}\" <{}>",
            name.replace(['"', '\\'], ""),
            mailbox.address
        ),
        None => mailbox.address.clone(),
    }
}

fn device_in(app: &App, language: &str, kept: &str) -> String {
    let lang = app.page.pick(Some(language), None, None);
    app.page.device(&lang, kept)
}

fn render<V: MailView>(app: &App, language: &str, view: &V) -> Result<page::Mail, page::Error> {
    let lang = app.page.pick(Some(language), None, None);
    app.page.mail(&lang, view)
}
