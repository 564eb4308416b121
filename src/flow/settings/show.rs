//! What the account pages show.

use crate::account::session::Lifetimes;
use crate::account::terms::Acceptance;
use crate::app::App;
use crate::clock::Time;
use crate::oauth::client::Client;
use crate::oauth::registration::initiate;
use crate::page::Opens;
use crate::store::{self, Conn, Error, browser, event, grant};

/// Stands before the id of a messenger, to tell it from a browser session.
pub(super) const PROGRAM: &str = "app-";

/// Where an account is signed in: a browser, or a messenger that stays signed in by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What signs it out.
    pub id: String,
    /// The browser in words (may be empty), or the messenger's name.
    pub name: String,
    /// A messenger.
    pub program: bool,
    /// The network it was seen from; may be empty.
    pub network: String,
    /// When it signed in.
    pub first_at: Time,
    /// When it was last seen.
    pub last_at: Time,
    /// The browser that asks.
    pub this: bool,
}

/// All places of an account, the present one (`sid`) first, then by when they were last seen.
///
/// # Errors
/// When the database does not answer.
pub async fn places(
    app: &App,
    account_id: &str,
    sid: &str,
    now: Time,
) -> Result<Vec<Place>, Error> {
    let (account_id, sid, lifetimes) = (account_id.to_owned(), sid.to_owned(), app.lifetimes);
    app.store
        .read(move |c| places_of(c, &account_id, &sid, &lifetimes, now))
        .await
}

/// As [`places`], inside a story.
///
/// # Errors
/// When the database does not answer.
pub fn places_of(
    c: &mut Conn<'_>,
    account_id: &str,
    sid: &str,
    lifetimes: &Lifetimes,
    now: Time,
) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    for one in browser::sessions_of(c, account_id)? {
        if one.alive(lifetimes, now) {
            places.push(Place {
                this: one.sid == sid,
                id: one.sid,
                name: one.agent,
                program: false,
                network: one.network,
                first_at: one.created_at,
                last_at: one.seen_at,
            });
        }
    }
    for one in grant::list(c, account_id, now)? {
        // An app that never came for its code is signed in nowhere.
        if !one.offline || grant::has_open_code(c, &one.id)? {
            continue;
        }
        let last = grant::last_used(c, &one.id)?;
        places.push(Place {
            id: format!("{PROGRAM}{}", one.id),
            name: named(c, &one.client_id)?.0,
            program: true,
            network: String::new(),
            first_at: one.created_at,
            last_at: last.unwrap_or(one.created_at),
            this: false,
        });
    }
    places.sort_by_key(|place| (!place.this, std::cmp::Reverse(place.last_at)));
    Ok(places)
}

/// An app that the person let use the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// `client_id`
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// Where it lives; empty for an app on the person's own device.
    pub host: String,
    /// Where a sign-in to it can be begun.
    pub start: Option<String>,
    /// Since when.
    pub since: Time,
    /// What it was allowed.
    pub scopes: Vec<String>,
}

/// The apps of an account, newest first: those with a grant that stands or a remembered consent.
///
/// # Errors
/// When the database does not answer.
pub async fn apps(app: &App, account_id: &str, now: Time) -> Result<Vec<Connected>, Error> {
    let (account_id, issuer) = (account_id.to_owned(), app.config.issuer().to_owned());
    app.store
        .read(move |c| {
            let granted = grant::list(c, &account_id, now)?
                .into_iter()
                .map(|one| (one.client_id.clone(), one.allowed(), one.created_at));
            let mut apps: Vec<Connected> = Vec::new();
            for (client_id, scopes, at) in granted.chain(grant::consents(c, &account_id)?) {
                if let Some(had) = apps.iter_mut().find(|had| had.client_id == client_id) {
                    had.since = had.since.min(at);
                    for scope in scopes {
                        if !had.scopes.contains(&scope) {
                            had.scopes.push(scope);
                        }
                    }
                    continue;
                }
                let (name, host) = named(c, &client_id)?;
                let start = store::client::find(c, &client_id)?
                    .and_then(|client| initiate(&issuer, &client));
                apps.push(Connected {
                    start,
                    client_id,
                    name,
                    host,
                    since: at,
                    scopes,
                });
            }
            apps.sort_by_key(|one| std::cmp::Reverse(one.since));
            Ok(apps)
        })
        .await
}

/// The name and host of a client; one that was removed is called by its id.
fn named(c: &mut Conn<'_>, client_id: &str) -> Result<(String, String), Error> {
    Ok(match store::client::find(c, client_id)? {
        Some(client) => (client.name.clone(), host(&client)),
        None => (client_id.to_owned(), String::new()),
    })
}

fn host(client: &Client) -> String {
    let first = client.redirects.first().map(String::as_str);
    client
        .redirect(first)
        .map(|uri| uri.host().to_owned())
        .unwrap_or_default()
}

/// The scopes of services, each with what it lets an app do.
///
/// # Errors
/// When the database does not answer.
pub async fn servers(app: &App) -> Result<Vec<Opens>, Error> {
    let services = app.store.read(store::client::list_services).await?;
    Ok(Opens::all(&services))
}

/// A line of the security log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What happened: a word such as `signin`.
    pub kind: String,
    /// When.
    pub at: Time,
    /// With which browser; may be empty.
    pub device: String,
    /// From which network; may be empty.
    pub network: String,
    /// The app it was about; may be empty.
    pub app: String,
    /// The title of the agreement it was about; may be empty.
    pub title: String,
}

/// The newest `limit` lines of an account, from before `before` if that is given.
///
/// # Errors
/// When the database does not answer.
pub async fn log(
    app: &App,
    account_id: &str,
    before: Option<Time>,
    limit: i64,
) -> Result<Vec<Line>, Error> {
    let account_id = account_id.to_owned();
    let lines = app
        .store
        .read(move |c| match before {
            Some(before) => event::list_before(c, &account_id, before, limit),
            None => event::list(c, &account_id, limit),
        })
        .await?;
    lines
        .into_iter()
        .map(|line| {
            let detail: serde_json::Value = serde_json::from_str(&line.detail)?;
            let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            Ok(Line {
                kind: line.kind,
                at: line.at.into(),
                device: text("device"),
                network: text("network"),
                app: text("app"),
                title: text("title"),
            })
        })
        .collect()
}

/// What a person accepted, newest first, each with its title.
///
/// # Errors
/// When the database does not answer.
pub async fn agreements(app: &App, account_id: &str) -> Result<Vec<(Acceptance, String)>, Error> {
    let account_id = account_id.to_owned();
    app.store
        .read(move |c| {
            let published = store::terms::list(c)?;
            let accepted = store::terms::accepted(c, &account_id)?;
            Ok(accepted
                .into_iter()
                .map(|one| {
                    let shown = published.iter().find(|version| {
                        version.document == one.document
                            && version.version == one.version
                            && version.language == one.language
                    });
                    let title = shown.map_or_else(|| one.document.clone(), |v| v.title.clone());
                    (one, title)
                })
                .collect())
        })
        .await
}
