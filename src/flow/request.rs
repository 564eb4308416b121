//! A stored authorization request: what was asked, and what the person did for it so far. Only
//! its id travels through the pages; every detour comes back to `/oauth2/authorize/{id}`.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Time;
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::Client;
use crate::oauth::registration::initiate;
use crate::rng::digest;
use crate::store::{self, Conn, Error};

/// What a person did for one request, each by a click or a proof bound to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// The account picked, signed in to or made last.
    pub chosen: Option<String>,
    /// The account whose "Continue as" was clicked.
    pub confirmed: Option<String>,
    /// The account whose password was typed.
    pub typed: Option<String>,
    /// The account that was made.
    pub made: Option<String>,
    /// Who allowed what on the consent page.
    pub allowed: Option<(String, Vec<String>)>,
    /// What that page showed, in short.
    pub shown: Option<String>,
    /// "Do not allow" was clicked.
    pub declined: bool,
}

/// A stored request.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// The browser record that it belongs to.
    pub browser_id: String,
    /// What was asked.
    pub asked: AuthorizeRequest,
    /// Who asks, where that was read from a document and may not be on file yet.
    pub unlisted: Option<Box<Client>>,
    /// The device that it is for.
    pub device: Option<Device>,
    /// What was done for it.
    pub marks: Marks,
    /// When it came.
    pub made_at: Time,
    /// When it stops being good.
    pub expires_at: Time,
    /// It was answered, a moment ago.
    pub answered: bool,
    /// What it was answered with: the digest of a code that may be taken back, or the grant that an
    /// app elsewhere comes for.
    given: Option<String>,
}

/// How long an answered request stays open to its browser: the second click of a double click gets
/// its answer too (PROTOCOL 3).
const AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// The app elsewhere that a person decides for: they typed its code (RFC 8628), or it asked them
/// (CIBA).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What waits, by the digest of its secret.
    pub hash: String,
    /// The code, to be compared with the other screen.
    pub code: String,
    /// Who was asked, and alone may decide (CIBA).
    #[serde(default)]
    pub account_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    asked: AuthorizeRequest,
    #[serde(default)]
    unlisted: Option<Box<Client>>,
    #[serde(default)]
    device: Option<Device>,
    marks: Marks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<String>,
}

impl Stored {
    /// It was answered without a code.
    pub fn is_refused(&self) -> bool {
        self.answered && self.given.is_none()
    }

    /// It was answered with a code.
    pub fn is_granted(&self) -> bool {
        self.answered && self.given.is_some()
    }

    fn read(row: store::request::Request) -> Result<Self, Error> {
        let body: Body = serde_json::from_str(&row.body)?;
        Ok(Self {
            id: row.id,
            browser_id: row.browser_id,
            asked: body.asked,
            unlisted: body.unlisted,
            device: body.device,
            marks: body.marks,
            made_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
            answered: row.answered_at.is_some(),
            given: body.given,
        })
    }
}

/// So many requests of one browser lie here at once; the oldest go. Nobody has as many windows open.
const MOST: i64 = 100;

/// Stores a request for a browser; gives nothing but an id to travel with.
fn add(
    c: &mut Conn<'_>,
    id: &str,
    browser_id: &str,
    asked: &AuthorizeRequest,
    unlisted: Option<&Client>,
    now: Time,
) -> Result<(), Error> {
    let body = Body {
        asked: asked.clone(),
        unlisted: unlisted.cloned().map(Box::new),
        device: None,
        marks: Marks::default(),
        given: None,
    };
    insert(c, id, browser_id, &body, now)
}

/// Stores what a person began by typing a device's code.
pub fn add_device(
    c: &mut Conn<'_>,
    id: &str,
    browser_id: &str,
    client_id: &str,
    device: Device,
    now: Time,
) -> Result<(), Error> {
    let body = Body {
        asked: AuthorizeRequest {
            client_id: Some(client_id.to_owned()),
            ..AuthorizeRequest::default()
        },
        unlisted: None,
        device: Some(device),
        marks: Marks::default(),
        given: None,
    };
    insert(c, id, browser_id, &body, now)
}

fn insert(
    c: &mut Conn<'_>,
    id: &str,
    browser_id: &str,
    body: &Body,
    now: Time,
) -> Result<(), Error> {
    store::request::add(
        c,
        &store::request::Request {
            id: id.to_owned(),
            browser_id: browser_id.to_owned(),
            client_id: body.asked.client_id.clone().unwrap_or_default(),
            body: serde_json::to_string(body)?,
            created_at: now.millis(),
            expires_at: now.plus(crate::app::REQUEST).millis(),
            answered_at: None,
        },
    )
}

/// A request that waits in its browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The id to go on with.
    pub id: String,
    /// The languages that the client would like the pages in.
    pub ui_locales: Option<String>,
    /// No page may be shown for it (`prompt=none`).
    pub silent: bool,
}

/// What is drawn before a request is stored for a browser.
pub struct Draft {
    id: String,
    browser_id: String,
    hash: String,
}

impl Draft {
    /// Drawn before the transaction.
    pub fn draw(app: &App, cookie: &str) -> Self {
        Self {
            id: app.rng.id(),
            browser_id: app.rng.id(),
            hash: digest(cookie),
        }
    }

    /// With an id of its own, by which the request is found again.
    pub fn with_id(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// The request of that id, when the same browser brings it again before it is answered.
    pub fn again(
        &self,
        c: &mut Conn<'_>,
        client_id: &str,
        now: Time,
    ) -> Result<Option<Begun>, Error> {
        let own = store::browser::find(c, &self.hash)?;
        let (Some(own), Some(stored)) = (own, find(c, &self.id, now)?) else {
            return Ok(None);
        };
        let same = !stored.answered
            && stored.browser_id == own.id
            && stored.asked.client_id.as_deref() == Some(client_id);
        Ok(same.then(|| self.begun(&stored.asked)))
    }

    /// What the door needs to know of the request once it is stored.
    pub fn begun(&self, asked: &AuthorizeRequest) -> Begun {
        Begun {
            id: self.id.clone(),
            ui_locales: asked.ui_locales.clone(),
            silent: asked.prompt.as_deref() == Some("none"),
        }
    }

    /// Stores a request, and the browser's record where there was none.
    pub fn write(
        &self,
        c: &mut Conn<'_>,
        asked: &AuthorizeRequest,
        unlisted: Option<&Client>,
        now: Time,
    ) -> Result<(), Error> {
        let browser_id = store::browser::enter(c, &self.hash, &self.browser_id, now)?;
        add(c, &self.id, &browser_id, asked, unlisted, now)?;
        store::request::bound(c, &browser_id, MOST)
    }
}

/// A request that still waits or was answered a moment ago, by its id. Whose browser it belongs to
/// is for the caller to judge.
pub fn find(c: &mut Conn<'_>, id: &str, now: Time) -> Result<Option<Stored>, Error> {
    let found = recent(c, id, now)?;
    // What was decided for an app elsewhere is not decided again.
    Ok(found.filter(|stored| !stored.answered || stored.device.is_none()))
}

fn recent(c: &mut Conn<'_>, id: &str, now: Time) -> Result<Option<Stored>, Error> {
    let Some(row) = store::request::find(c, id)? else {
        return Ok(None);
    };
    let answered_at = row.answered_at.map(Time::from_millis);
    let stored = Stored::read(row)?;
    let open = answered_at.is_none_or(|at| now < at.plus(AGAIN));
    Ok((open && now < stored.expires_at).then_some(stored))
}

/// Whether the app elsewhere was allowed, where the browser behind the digest of a cookie decided
/// that a moment ago: the second click of a double click hears it too.
pub fn ended(c: &mut Conn<'_>, id: &str, cookie: &str, now: Time) -> Result<Option<bool>, Error> {
    let own = store::browser::find(c, cookie)?;
    let (Some(own), Some(stored)) = (own, recent(c, id, now)?) else {
        return Ok(None);
    };
    let decided = stored.answered && stored.device.is_some() && stored.browser_id == own.id;
    Ok(decided.then_some(stored.given.is_some()))
}

/// Notes what a request is answered with.
pub fn give(c: &mut Conn<'_>, id: &str, given: &str, now: Time) -> Result<(), Error> {
    if let Some(mut stored) = find(c, id, now)? {
        stored.given = Some(given.to_owned());
        save(c, id, stored)?;
    }
    Ok(())
}

/// Takes back the code that a request was answered with a moment ago, so that its browser can be
/// given another answer: two never count at once. `false` when it was used, or there is none.
pub fn take_back(c: &mut Conn<'_>, id: &str, now: Time) -> Result<bool, Error> {
    store::request::lock(c, id)?;
    let Some(mut stored) = find(c, id, now)? else {
        return Ok(false);
    };
    let Some(hash) = stored.given.take() else {
        return Ok(false);
    };
    let taken = store::grant::take_code_back(c, &hash, now)?;
    if taken {
        save(c, id, stored)?;
    }
    Ok(taken)
}

fn save(c: &mut Conn<'_>, id: &str, stored: Stored) -> Result<(), Error> {
    let body = serde_json::to_string(&Body {
        asked: stored.asked,
        unlisted: stored.unlisted,
        device: stored.device,
        marks: stored.marks,
        given: stored.given,
    })?;
    store::request::save(c, id, &body)
}

/// Notes what a person did for a request, in the browser that it belongs to; `false` when it
/// waits no longer, or belongs to another browser.
pub fn mark(
    c: &mut Conn<'_>,
    id: &str,
    browser_id: &str,
    now: Time,
    done: &dyn Fn(&mut Marks),
) -> Result<bool, Error> {
    // Locked, so that two tabs do not take back what the other did.
    store::request::lock(c, id)?;
    let Some(mut stored) = find(c, id, now)? else {
        return Ok(false);
    };
    if stored.browser_id != browser_id {
        return Ok(false);
    }
    done(&mut stored.marks);
    save(c, id, stored)?;
    Ok(true)
}

/// Who asks: for the chip on the pages of a detour, and the words of mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The app's name.
    pub name: String,
    /// Where it lives; empty for an app on this device.
    pub host: String,
    /// Where a sign-in to it can be begun from here.
    pub start: Option<String>,
    /// Its privacy page and its terms, where it is not the operator's own.
    pub policy: Option<String>,
    /// See [`Self::policy`].
    pub tos: Option<String>,
    /// What to fill in at sign-in.
    pub login_hint: Option<String>,
    /// When the request came.
    pub made_at: Time,
}

/// Who asks by a request that still waits.
///
/// # Errors
/// When the database does not answer.
pub async fn asking(app: &App, id: &str) -> Result<Option<Asking>, Error> {
    let (id, now) = (id.to_owned(), app.clock.now());
    let issuer = app.config.issuer().to_owned();
    app.store
        .read(move |c| {
            let Some(stored) = find(c, &id, now)? else {
                return Ok(None);
            };
            let client_id = stored.asked.client_id.clone().unwrap_or_default();
            let found = store::client::find(c, &client_id)?;
            let Some(client) = found.or(stored.unlisted.map(|client| *client)) else {
                return Ok(None);
            };
            let host = match stored.device {
                Some(_) => String::new(),
                None => client
                    .redirect(stored.asked.redirect_uri.as_deref())
                    .map(|uri| uri.host().to_owned())
                    .unwrap_or_default(),
            };
            Ok(Some(Asking {
                start: initiate(&issuer, &client),
                policy: client
                    .registration
                    .policy_uri
                    .clone()
                    .filter(|_| !client.first_party),
                tos: client
                    .registration
                    .tos_uri
                    .clone()
                    .filter(|_| !client.first_party),
                name: client.name,
                host,
                login_hint: stored.asked.login_hint,
                made_at: stored.made_at,
            }))
        })
        .await
}
