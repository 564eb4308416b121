//! W1: the four answers make a draft, or change the one there is.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Door, Drawn, Moved, check_again, lock, settings};
use crate::account::signup::{
    Check, Draft, Mail, Profile, Step, check_profile, may_show, may_use_address, step,
};
use crate::account::username::{self, Username, skeleton};
use crate::account::{Code, Field, Invalid};
use crate::app::App;
use crate::clock::Time;
use crate::hash::{self, Class};
use crate::keys::Purpose;
use crate::rng::{Secret, digest};
use crate::store::{self, Conn, Error};

/// The answers as typed.
#[derive(Clone, Default)]
pub struct Typed {
    /// The name that others will see.
    pub name: String,
    /// The username wanted.
    pub username: String,
    /// The address.
    pub email: String,
    /// The password.
    pub password: Zeroizing<String>,
}

/// Why the answers were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Something is to be put right; all of it, in the order of the fields.
    #[error("the answers have mistakes")]
    Wrong(Vec<Invalid>),
    /// Too many wait for a hash.
    #[error(transparent)]
    Hash(#[from] hash::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The draft after its first page.
#[derive(Debug)]
pub struct Begun {
    /// The cookie of a new draft.
    pub cookie: Option<Secret>,
    /// Where it goes on.
    pub moved: Moved,
}

/// Takes the answers: a new draft, or new answers for the one behind the cookie.
///
/// # Errors
/// [`Refused`].
pub async fn begin(
    app: &Arc<App>,
    typed: Typed,
    door: &Door,
    request_id: Option<String>,
) -> Result<Begun, Refused> {
    let fresh = cookie(app, &typed, door);
    // Without a cookie of a draft it may still be the same answers again, whose answer was lost:
    // then it is the draft that they made the first time (SECURITY L01).
    let own = Some(digest(
        &door.draft.clone().unwrap_or_else(|| fresh.reveal()),
    ));
    let (house, answers) = (app.clone(), typed.clone());
    // zxcvbn takes its time.
    let judged = tokio::task::spawn_blocking(move || check_profile(&of(&answers), &house.policy))
        .await
        .map_err(|error| Error::Broken(error.to_string()))?;
    let mut wrong = match &judged {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.clone(),
    };
    if !wrong.iter().any(|one| one.field == Field::Username)
        && let Ok(name) = Username::parse(&typed.username, &app.policy.username)
    {
        let (house, own, now) = (app.clone(), own.clone(), app.clock.now());
        let taken = app
            .store
            .read(move |c| is_taken(&house, c, &name, own.as_deref(), now))
            .await?;
        wrong.extend(taken.map(|code| Invalid::new(Field::Username, code)));
        wrong.sort_by_key(|one| one.field);
    }
    let answers = match judged {
        Ok(answers) if wrong.is_empty() => answers,
        _ => return Err(Refused::Wrong(wrong)),
    };
    let seat = Class::SignUp.from(door.visitor.address);
    let password = app.hasher.hash(seat, answers.password.reveal()).await?;

    let id = app.rng.id();
    let (cookie_hash, drawn) = (fresh.hash(), Drawn::new(app, door, &["pwd"]));
    let came_without = door.draft.is_none();
    let written = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let settings = settings(app, c, now)?;
            if let Some(code) = is_taken(app, c, &answers.username, own.as_deref(), now)? {
                return Ok(Err(code));
            }
            let had = match &own {
                Some(hash) => lock(c, hash, now)?,
                None => None,
            };
            let had = had.filter(|draft| {
                // Nobody else on a shared computer writes into a draft that was left alone.
                draft.account_id.is_none()
                    && (!draft.needs_address_again(&app.limits, now)
                        || draft.email_key == answers.email.key())
            });
            let (mut draft, new) = match had {
                Some(draft) => {
                    if !may_show(Step::Profile, &draft, &settings, &app.limits, now) {
                        let next = step(&draft, &settings, &app.limits, now);
                        return Ok(Ok((Moved::to(next), false)));
                    }
                    (draft, false)
                }
                None => (empty(app, &id, now), true),
            };
            draft.name = answers.name.as_str().to_owned();
            draft.username = answers.username.as_str().to_owned();
            draft.username_lost = false;
            draft.change_email(&answers.email);
            draft.password.clone_from(&password);
            draft.language.clone_from(&drawn.visitor.language);
            if request_id.is_some() {
                draft.request_id.clone_from(&request_id);
            }
            if draft.mail.sent_at.is_none() && !may_use_address(&draft, &app.limits) {
                check_again(&mut draft); // a passed check is good for three addresses
            }
            if new {
                // One that is over, or was left alone, makes room.
                if let Some(old) = store::draft::find(c, &cookie_hash)? {
                    store::draft::delete(c, &old.id)?;
                }
                store::draft::add(c, &draft, &cookie_hash, &skeleton(&draft.username))?;
            }
            Ok(Ok((drawn.settle(c, &mut draft, &settings)?, new)))
        })
        .await?;
    app.post.notify_one();
    match written {
        Ok((moved, new)) => Ok(Begun {
            cookie: (new || came_without).then_some(fresh),
            moved,
        }),
        Err(code) => Err(Refused::Wrong(vec![Invalid::new(Field::Username, code)])),
    }
}

/// The cookie of a new draft: the same for the same answers from the same browser, so that a
/// retry finds the draft that it made. Only this browser's own cookie, which is a secret, and our
/// key can make it.
fn cookie(app: &App, typed: &Typed, door: &Door) -> Secret {
    let Some(browser) = &door.browser else {
        return app.rng.secret();
    };
    Secret::derived(app.keys.master().mac(
        Purpose::Draft,
        &[
            browser.as_bytes(),
            typed.username.as_bytes(),
            typed.email.as_bytes(),
        ],
    ))
}

/// Whether a name is gone, and what could be had instead.
pub(super) fn is_taken(
    app: &App,
    c: &mut Conn<'_>,
    name: &Username,
    own_cookie: Option<&str>,
    now: Time,
) -> Result<Option<Code>, Error> {
    let own = match own_cookie {
        Some(hash) => store::draft::find(c, hash)?.map(|draft| draft.id),
        None => None,
    };
    let own = own.unwrap_or_default();
    let gone = |c: &mut Conn<'_>, looks: &str| -> Result<bool, Error> {
        Ok(store::account::is_name_taken(c, looks)?
            || store::account::is_retired(c, &app.name_mac(looks))?
            || store::draft::is_name_held(c, looks, &own, now)?)
    };
    if !gone(c, &name.skeleton())? {
        return Ok(None);
    }
    let mut broken = None;
    let [try_a, try_b] = username::suggest(name.as_str(), &app.policy.username, |wish| {
        gone(c, &skeleton(wish)).unwrap_or_else(|error| {
            broken = Some(error);
            false
        })
    });
    match broken {
        Some(error) => Err(error),
        None => Ok(Some(Code::UsernameTaken { try_a, try_b })),
    }
}

fn of(typed: &Typed) -> Profile<'_> {
    Profile {
        name: &typed.name,
        username: &typed.username,
        email: &typed.email,
        password: &typed.password,
    }
}

fn empty(app: &App, id: &str, now: Time) -> Draft {
    Draft {
        id: id.to_owned(),
        name: String::new(),
        username: String::new(),
        username_lost: false,
        email: String::new(),
        email_key: String::new(),
        password: String::new(),
        language: String::new(),
        request_id: None,
        check: Check::default(),
        person_note: None,
        agreed: Vec::new(),
        agreed_at: None,
        mail: Mail::default(),
        decision: None,
        decided_at: None,
        created_at: now,
        seen_at: now,
        expires_at: now.plus(app.limits.draft),
        done_at: None,
        account_id: None,
    }
}
