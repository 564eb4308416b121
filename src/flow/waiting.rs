//! People who wait for the operator: the list, and the two things that can be said to each.

use std::sync::Arc;

use crate::account::Email;
use crate::account::signup::{Decision, Draft, Method, Step, step};
use crate::app::App;
use crate::clock::Time;
use crate::flow::letter::{Addressed, Letter};
use crate::flow::signup::settings;
use crate::store::{self, Conn, Error};

/// One person who waits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Waiting {
    /// Names the request, for `approve` and `refuse`.
    pub id: String,
    /// The username wanted.
    pub username: String,
    /// The name that others will see.
    pub name: String,
    /// The proved address.
    pub email: String,
    /// What they wrote when they asked for a person; nothing where everybody is asked about.
    pub note: Option<String>,
    /// When the address was proved.
    pub since: Time,
    /// When the request runs out.
    pub expires_at: Time,
}

impl From<Draft> for Waiting {
    fn from(draft: Draft) -> Self {
        Self {
            since: draft.mail.proved_at.unwrap_or(draft.created_at),
            note: draft
                .person_note
                .filter(|_| draft.check.method == Some(Method::Person)),
            id: draft.id,
            username: draft.username,
            name: draft.name,
            email: draft.email,
            expires_at: draft.expires_at,
        }
    }
}

/// Why nobody was let in or refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody who waits has that id or username.
    #[error("nobody on the list has that username or id")]
    Unknown,
    /// More than one who waits asks for that username.
    #[error("{} people on the list ask for that username", .0.len())]
    Several(Vec<Waiting>),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Those who wait, longest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &Arc<App>) -> Result<Vec<Waiting>, Error> {
    let now = app.clock.now();
    app.store
        .read(move |c| {
            let drafts = store::draft::waiting(c, now)?;
            Ok(drafts.into_iter().map(Waiting::from).collect())
        })
        .await
}

/// Lets a person in: they get a mail with a link that makes the account in any browser. `who` is
/// an id of the list, or a username that one person there asks for.
///
/// # Errors
/// [`Refusal`].
pub async fn approve(app: &Arc<App>, who: &str) -> Result<Waiting, Refusal> {
    let (house, who, now) = (app.clone(), who.to_owned(), app.clock.now());
    let letter_id = app.rng.id();
    let done = app
        .store
        .write(move |c| {
            let mut draft = match lock(&house, c, &who, now)? {
                Ok(draft) => draft,
                Err(refusal) => return Ok(Err(refusal)),
            };
            draft.decision = Some(Decision::LetIn);
            draft.decided_at = Some(now);
            draft.expires_at = now.plus(house.limits.waiting);
            let skeleton = crate::account::username::skeleton(&draft.username);
            store::draft::save(c, &draft, &skeleton, None, None)?;
            let letter = Letter::LetIn {
                draft_id: draft.id.clone(),
            };
            let (address, ends) = (address(&draft)?, Some(draft.expires_at));
            let (id, draft_id) = (letter_id.clone(), draft.id.clone());
            Addressed::named(id, &address, &letter, Some(&draft_id), ends, now)?.post(c)?;
            Ok(Ok(Waiting::from(draft)))
        })
        .await??;
    app.post.notify_one();
    Ok(done)
}

/// Refuses a person: what they entered is deleted, and they get a mail with the operator's words.
///
/// # Errors
/// [`Refusal`].
pub async fn refuse(app: &Arc<App>, who: &str, note: &str) -> Result<Waiting, Refusal> {
    let (house, who, now) = (app.clone(), who.to_owned(), app.clock.now());
    let (letter_id, note) = (app.rng.id(), note.trim().to_owned());
    let done = app
        .store
        .write(move |c| {
            let draft = match lock(&house, c, &who, now)? {
                Ok(draft) => draft,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let letter = Letter::NotLetIn {
                name: draft.name.clone(),
                note: note.clone(),
                language: draft.language.clone(),
            };
            let id = letter_id.clone();
            Addressed::named(id, &address(&draft)?, &letter, None, None, now)?.post(c)?;
            store::draft::delete(c, &draft.id)?;
            Ok(Ok(Waiting::from(draft)))
        })
        .await??;
    app.post.notify_one();
    Ok(done)
}

/// Locks one who waits, by id or username.
fn lock(
    app: &App,
    c: &mut Conn<'_>,
    who: &str,
    now: Time,
) -> Result<Result<Draft, Refusal>, Error> {
    let mut named = store::draft::waiting(c, now)?;
    named.retain(|draft| draft.id == who || draft.username == who);
    // Nobody is let in for another who asks for the same name.
    if named.len() > 1 {
        let several = named.into_iter().map(Waiting::from).collect();
        return Ok(Err(Refusal::Several(several)));
    }
    let Some(named) = named.pop() else {
        return Ok(Err(Refusal::Unknown));
    };
    let settings = settings(app, c, now)?;
    Ok(store::draft::lock(c, &named.id)?
        .filter(|draft| step(draft, &settings, &app.limits, now) == Step::Waiting)
        .ok_or(Refusal::Unknown))
}

fn address(draft: &Draft) -> Result<Email, Error> {
    Email::parse(&draft.email).map_err(|_| Error::Broken("a draft's address cannot be read".into()))
}
