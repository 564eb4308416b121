//! Authorization: the request is stored, every detour comes back to one decision, and the last
//! one gives a code (RFC 6749 4.1, PROTOCOL 3).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{self, dress};
use super::grants;
use super::hint;
use super::pending;
use super::request::{self, Begun, Device, Draft, Marks, Stored};
use super::short;
use crate::account::{Account, Session};
use crate::app::App;
use crate::clock::Time;
use crate::config;
use crate::flow::browser::{self, Here};
use crate::flow::{document, request_object, shown, subject, terms};
use crate::limit::Bucket;
use crate::oauth::authorize::{AuthorizeRequest, Checked, PageError, Refusal, check, refuse};
use crate::oauth::client::Client;
use crate::oauth::error::Problem;
use crate::oauth::management::{self, Action};
use crate::oauth::next::{Allowed, BrowserView, Next, SessionView, next};
use crate::oauth::params::Params;
use crate::oauth::pushed;
use crate::oauth::redirect::{RedirectUri, Response};
use crate::rng::digest;
use crate::store::{self, Conn, Error};

/// Stores a request for the browser behind `cookie`, at the address `from`.
///
/// # Errors
/// The outer one when the database does not answer; the inner one when the request is refused.
pub async fn begin(
    app: &App,
    params: &Params,
    cookie: &str,
    from: IpAddr,
) -> Result<Result<Begun, Refused>, Error> {
    let reference = params.one("request_uri").and_then(pushed::secret);
    if let (Some(secret), Some(client_id)) = (reference, params.one("client_id")) {
        return super::pushed::begin(app, client_id, secret, cookie, from).await;
    }
    let mut asked = AuthorizeRequest::parse(params);
    let client_id = asked.client_id.clone().unwrap_or_default();
    let unlisted = match document::asking(app, &client_id, from).await? {
        Ok(unlisted) => unlisted,
        Err(refused) => return Ok(Err(refused)),
    };
    let (client, services) = on_file(app, &client_id, unlisted.clone()).await?;
    if let Some(client) = &client {
        match request_object::opened(app, client, params, from).await {
            Ok(Some(signed)) => asked = signed,
            Ok(None) => {}
            Err(problem) => {
                tracing::info!(
                    client = client.id,
                    why = short(&problem.description),
                    try = problem.fix.as_deref(),
                    "request_object.refused"
                );
                let refusal = refuse(&asked, client, app.config.issuer(), problem);
                return Ok(Err(Refused(Box::new(refusal), Some(client.clone().into()))));
            }
        }
    }
    if let Err(refusal) = check(&asked, client.as_ref(), &services, app.config.issuer()) {
        return Ok(Err(Refused(Box::new(refusal), client.map(Box::new))));
    }
    if let Err(wait) = room(app, cookie, from).await? {
        return Ok(Err(Refused::slow(wait)));
    }
    let (draft, now) = (Draft::draw(app, cookie), app.clock.now());
    let begun = draft.begun(&asked);
    app.store
        .write(move |c| draft.write(c, &asked, unlisted.as_ref(), now))
        .await?;
    Ok(Ok(begun))
}

/// Whether one more request is kept for a browser: each lies here for an hour, up to 8 KiB of
/// whatever somebody likes. Whoever is signed in is known; of the others one network address has
/// so many. The inner error says when to come again.
pub(super) async fn room(
    app: &App,
    cookie: &str,
    from: IpAddr,
) -> Result<Result<(), Duration>, Error> {
    if browser::find(app, Some(cookie)).await?.first().is_some() {
        return Ok(Ok(()));
    }
    Ok(app.limiter.check(Bucket::Begin, from, app.clock.now()))
}

/// A request that goes no further, and who asked, if that is known.
#[derive(Debug)]
pub struct Refused(pub Box<Refusal>, pub Option<Box<Client>>);

impl Refused {
    /// Too many from there.
    pub(super) fn slow(wait: Duration) -> Self {
        Self(Box::new(Refusal::Page(PageError::Slow(wait))), None)
    }

    /// What is sent back to the client, or what the page must say.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub async fn response(&self, app: &Arc<App>) -> Result<Result<Response, &PageError>, Error> {
        let page = match self.0.problem() {
            Some(problem) => app.config.clients.error_page(problem.code.name()),
            None => None,
        };
        let answer = self.0.answer(app.config.issuer());
        let answer = answer.map(|answer| answer.with("error_uri", page)); // RFC 6749 4.1.2.1
        match (answer, &self.1) {
            (Err(page), _) => Ok(Err(page)),
            (Ok(answer), Some(client)) => Ok(Ok(dress(app, client, &answer).await?)),
            (Ok(answer), None) => Ok(Ok(answer.plain())),
        }
    }
}

/// What the door at `/oauth2/authorize/{id}` does.
pub enum Outcome {
    /// The request waits no longer, or belongs to another browser.
    Gone,
    /// A page comes first.
    Detour {
        /// Which.
        next: Box<Next>,
        /// For an app elsewhere.
        device: Option<Device>,
    },
    /// Sent back to the client; marks nothing more. With the reason, where it is a refusal.
    Answer(Response, Option<Problem>),
    /// The person says no to what they allowed a moment ago, and the app has used its code.
    Used,
    /// Decided for an app on another device, which asks for it: allowed or not.
    Device(bool),
    /// The request became wrong since it was stored (the client was changed).
    Refused(Refused),
}

/// Everything known about a waiting request in its browser.
pub struct Scene {
    /// The request.
    pub stored: Stored,
    /// Who asks.
    pub client: Client,
    /// What is asked for, checked again.
    pub checked: Checked,
    /// Who is signed in.
    pub here: Here,
}

impl Scene {
    /// It was asked of one person, and they have not said no: whatever else stands against it is
    /// no answer of theirs.
    fn is_anothers(&self) -> bool {
        let asked = self.stored.device.as_ref();
        asked.is_some_and(|waits| waits.account_id.is_some()) && !self.stored.marks.declined
    }
}

/// Reads the scene of a request: nothing when it waits no longer or belongs to another browser.
///
/// # Errors
/// The outer one when the database does not answer; the inner one when the request is refused.
pub async fn scene(
    app: &App,
    id: &str,
    cookie: Option<&str>,
) -> Result<Option<Result<Scene, Refused>>, Error> {
    let here = browser::find(app, cookie).await?;
    let (wanted, now) = (id.to_owned(), app.clock.now());
    let stored = app
        .store
        .read(move |c| request::find(c, &wanted, now))
        .await?;
    let (Some(stored), Some(own)) = (stored, &here.browser) else {
        return Ok(None);
    };
    if stored.browser_id != own.id {
        return Ok(None);
    }
    let client_id = stored.asked.client_id.clone().unwrap_or_default();
    let unlisted = stored.unlisted.as_deref().cloned();
    let (client, services) = on_file(app, &client_id, unlisted).await?;
    if let Some(waits) = &stored.device {
        let pending = pending::open(app, &waits.hash).await?;
        let (Some(client), Some(pending)) = (client, pending) else {
            return Ok(None);
        };
        let own = RedirectUri::own(app.config.issuer());
        let checked = pending.body.asked.checked(&client, &services, own);
        return Ok(Some(Ok(Scene {
            stored,
            client,
            checked,
            here,
        })));
    }
    let mut checked = match check(
        &stored.asked,
        client.as_ref(),
        &services,
        app.config.issuer(),
    ) {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Some(Err(Refused(Box::new(refusal), client.map(Box::new))))),
    };
    let Some(client) = client else {
        return Ok(None);
    };
    // What was once allowed in detail was allowed once: to have it again is to ask again.
    if let Some(Action::Merge(_)) = &checked.action
        && let Some(old) = grants::named(app, checked.action.as_ref(), &client).await?
        && here.of(&old.account_id).is_some()
    {
        checked.details = old.details.and(&checked.details);
    }
    Ok(Some(Ok(Scene {
        stored,
        client,
        checked,
        here,
    })))
}

/// Whom a request's next page is about, as the one decision sees it: pages that asked on their own
/// could ask another of the people in the browser. A page that was answered a moment ago is still
/// about the same person: another answer on it counts.
///
/// # Errors
/// When the database does not answer.
pub async fn whose(app: &App, scene: &Scene) -> Result<Option<Account>, Error> {
    let view = view(app, scene).await?;
    Ok(match next(&scene.checked, &view, app.clock.now()) {
        Next::Confirm { account_id }
        | Next::ContinueAs { account_id }
        | Next::Terms { account_id }
        | Next::Consent { account_id, .. } => scene
            .here
            .of(&account_id)
            .map(|(_, account)| account.clone()),
        Next::Issue { account_id, .. } if scene.stored.is_granted() => scene
            .here
            .of(&account_id)
            .map(|(_, account)| account.clone()),
        _ => None,
    })
}

/// Notes what a person did for a request, unless it waits no longer: the one decision tells.
///
/// # Errors
/// When the database does not answer.
pub async fn mark(
    app: &App,
    scene: &Scene,
    now: Time,
    done: impl Fn(&mut Marks) + Send + 'static,
) -> Result<(), Error> {
    let (id, browser) = (scene.stored.id.clone(), scene.stored.browser_id.clone());
    let marked = app
        .store
        .write(move |c| request::mark(c, &id, &browser, now, &done));
    marked.await.map(|_| ())
}

/// Decides what comes next for a request, and gives the code when nothing is missing.
///
/// # Errors
/// When the database does not answer.
pub async fn decide(app: &Arc<App>, id: &str, cookie: Option<&str>) -> Result<Outcome, Error> {
    let outcome = match once(app, id, cookie).await {
        // The person took something back at this very moment: now that stands.
        Err(Error::Stale) => once(app, id, cookie).await?,
        decided => decided?,
    };
    if !matches!(outcome, Outcome::Gone) {
        return Ok(outcome);
    }
    let (id, cookie, now) = (id.to_owned(), cookie.map(digest), app.clock.now());
    let ended = app.store.read(move |c| match &cookie {
        Some(cookie) => request::ended(c, &id, cookie, now),
        None => Ok(None),
    });
    Ok(ended.await?.map_or(Outcome::Gone, Outcome::Device))
}

async fn once(app: &Arc<App>, id: &str, cookie: Option<&str>) -> Result<Outcome, Error> {
    let scene = match scene(app, id, cookie).await? {
        None => return Ok(Outcome::Gone),
        Some(Err(refused)) => return Ok(Outcome::Refused(refused)),
        Some(Ok(scene)) => scene,
    };
    let now = app.clock.now();
    let view = view(app, &scene).await?;
    let next = next(&scene.checked, &view, now);
    let next = match &next {
        Next::Issue { account_id, .. } | Next::Consent { account_id, .. }
            if !grants::stands(
                app,
                scene.checked.action.as_ref(),
                &scene.client,
                account_id,
            )
            .await? =>
        {
            Next::Refuse(management::unknown())
        }
        _ => next,
    };
    match next {
        Next::Issue {
            account_id,
            sid,
            scopes,
        } => answer::issue(app, scene, account_id, sid, scopes, now).await,
        // Whoever else is signed in here cannot answer for the person who was asked.
        Next::Refuse(_) if scene.is_anothers() => Ok(Outcome::Gone),
        Next::Refuse(_) if scene.stored.device.is_some() => {
            let (id, waits) = (scene.stored.id, scene.stored.device);
            let hash = waits.map(|waits| waits.hash).unwrap_or_default();
            let denied = app.store.write(move |c| {
                Ok(store::pending::decide(c, &hash, None, now)?
                    && store::request::answer(c, &id, now)?)
            });
            Ok(if denied.await? {
                Outcome::Device(false)
            } else {
                Outcome::Gone
            })
        }
        Next::Refuse(problem) => answer::refuse(app, scene, problem, now).await,
        detour => Ok(Outcome::Detour {
            next: Box::new(detour),
            device: scene.stored.device,
        }),
    }
}

/// A client as it is on file; `unlisted` is what its document said of one that is not yet.
async fn on_file(
    app: &App,
    client_id: &str,
    unlisted: Option<Client>,
) -> Result<(Option<Client>, Vec<crate::oauth::service::Service>), Error> {
    let id = client_id.to_owned();
    let (found, services) = app
        .store
        .read(move |c| {
            Ok((
                store::client::find(c, &id)?,
                store::client::list_services(c)?,
            ))
        })
        .await?;
    let client = found
        .or(unlisted)
        .filter(|client| document::is_open(app, client))
        .map(|client| trusted(app, client));
    Ok((client, services))
}

/// A client as far as it is trusted here: none of the operator's own goes without a question where
/// people are always to be asked.
pub(super) fn trusted(app: &App, mut client: Client) -> Client {
    client.first_party &= app.config.clients.consent != config::Consent::Always;
    client
}

async fn view(app: &App, scene: &Scene) -> Result<BrowserView, Error> {
    let now = app.clock.now();
    let (people, client_id) = (scene.here.signed_in.clone(), scene.client.id.clone());
    let ask_again = app.config.terms.ask_again_on_change;
    let mut sessions = app
        .store
        .read(move |c| {
            people
                .iter()
                .map(|(session, account)| {
                    session_view(c, session, account, &client_id, ask_again, now)
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    for session in &mut sessions {
        session.sub = subject::of(app, &scene.client, &session.account_id);
    }
    let marks = &scene.stored.marks;
    Ok(BrowserView {
        request_made_at: scene.stored.made_at,
        hinted: hint::expected(app, scene, &sessions, now),
        sessions,
        chosen: marks.chosen.clone(),
        confirmed: marks.confirmed.clone(),
        password_typed: marks.typed.clone(),
        account_made: marks.made.clone(),
        allowed: marks
            .allowed
            .clone()
            .filter(|(account_id, _)| {
                marks.shown.as_deref() == Some(&*shown::digest_of(scene, account_id))
            })
            .map(|(account_id, scopes)| Allowed { account_id, scopes }),
        declined: marks.declined,
    })
}

fn session_view(
    c: &mut Conn<'_>,
    session: &Session,
    account: &Account,
    client_id: &str,
    ask_again: bool,
    now: Time,
) -> Result<SessionView, Error> {
    let due = terms::due_in(c, ask_again, &account.id, &account.language, now)?;
    let terms_due = !due.must.is_empty() || !due.may_wait.is_empty() && !session.terms_later;
    Ok(SessionView {
        account_id: account.id.clone(),
        sub: String::new(), // the client's to compute
        sid: session.sid.clone(),
        username: account.username.clone(),
        email: account.email_key.clone(),
        auth_time: session.auth_time,
        terms_due,
        consent: store::grant::consent(c, &account.id, client_id)?.unwrap_or_default(),
    })
}
